/*
 * envelope.c - edits of the envelope.  Whoever wants them, rule, filter or
 * content check: what can not be done is our own trouble, err_temp.
 */
#include "cleanup.h"
#include "smtp/address.h"
#include "smtp/command.h"

enum { TRANSPORT_MAX = 64, NEXTHOP_MAX = 255, REASON_MAX = 500 };

static int
bad(const struct edit *e, const char *what, struct err *err)
{
	return err_temp(err, "4.3.0", "%s: %s: %s", e->by, what, e->value);
}

/* the canonical form, with or without <>; "" only as a sender */
static int
address(struct message *m, const struct edit *e, const char **z_r,
    struct err *err)
{
	unsigned flags = e->op == EDIT_SENDER ? SMTP_ADDR_NULL :
	    SMTP_ADDR_POSTMASTER | SMTP_ADDR_BARE;
	struct slice s = slice_trim(slice_of(e->value));
	struct smtp_address x;
	struct str out = STR_INIT;
	struct err ignored;

	if (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>')
		s = slice_sub(s, 1, s.n - 2);
	if (s.n > SMTP_PATH_MAX || smtp_address_parse(s, flags, &m->arena,
	    &x, &ignored) < 0)
		return bad(e, "no address", err);
	if (x.postmaster)
		str_adds(&out, "postmaster");
	smtp_address_print(&x, &out);
	m->utf8 |= x.utf8;
	*z_r = arena_slice(&m->arena, slice_str(&out));
	str_free(&out);
	return 0;
}

static int
add_rcpt(struct message *m, const struct edit *e, struct err *err)
{
	struct cleanup_rcpt_in in = { .orcpt = "", .orig = "",
		.notify = e->op == EDIT_BCC ? "NEVER" : "" };

	if (address(m, e, &in.addr, err) < 0)
		return -1;
	if (e->op == EDIT_REDIRECT)
		m->n = 0;
	message_rcpt(m, &in);
	m->rcpts_changed = true;
	if (m->err.kind == ERR_NONE)
		return 0;
	*err = m->err;
	return err_prefix(err, "%s", e->by);
}

/* the local part exactly, the domain folded; a client may have named one
 * without a domain, which smtpd completed */
static bool
same_rcpt(const char *addr, struct slice want)
{
	struct slice a = slice_of(addr);
	size_t at = slice_rfind(a, '@'), n = slice_rfind(want, '@');

	return slice_eq(slice_sub(a, 0, at), slice_sub(want, 0, n)) &&
	    (n == want.n || slice_ieq(slice_sub(a, at, a.n),
	    slice_sub(want, n, want.n)));
}

static int
delete_rcpt(struct message *m, const struct edit *e, struct err *err)
{
	const char *addr;
	size_t i, kept = 0;

	if (address(m, e, &addr, err) < 0)
		return -1;
	for (i = 0; i < m->n; i++)
		if (!same_rcpt(m->rcpts[i].addr, slice_of(addr)))
			m->rcpts[kept++] = m->rcpts[i];
	m->rcpts_changed |= kept < m->n;
	m->n = kept;
	return 0;
}

static int
set_sender(struct message *m, const struct edit *e, struct err *err)
{
	const char *addr;

	if (address(m, e, &addr, err) < 0)
		return -1;
	if (m->internal && addr[0] != '\0')
		return bad(e, "a sender for a report", err);
	if (strcmp(addr, m->sender) == 0)
		return 0;
	m->sender = addr;
	if (addr[0] == '\0')
		m->verp = "";
	m->sender_changed = true;
	return 0;
}

/* Mailboxes are chosen by router: local agents are none to be named here. */
static int
set_transport(struct message *m, const struct edit *e, struct err *err)
{
	struct slice v = slice_of(e->value), name, hop;
	size_t i, colon = slice_find(v, ':');

	name = slice_sub(v, 0, colon);
	hop = slice_sub(v, colon + 1, v.n);
	for (i = 0; i < name.n; i++)
		if (!ascii_isalnum((unsigned char)name.p[i]) &&
		    strchr("-_", name.p[i]) == NULL)
			return bad(e, "no transport:nexthop", err);
	for (i = 0; i < hop.n; i++)
		if (!ascii_isprint((unsigned char)hop.p[i]) ||
		    hop.p[i] == ' ')
			return bad(e, "no transport:nexthop", err);
	if (name.n == 0 || colon == v.n || name.n > TRANSPORT_MAX ||
	    hop.n > NEXTHOP_MAX)
		return bad(e, "no transport:nexthop", err);
	if (slice_eqz(name, "local") || slice_eqz(name, "system") ||
	    slice_eqz(name, "command") || slice_eqz(name, "none"))
		return bad(e, "not a transport for this", err);
	m->transport = arena_slice(&m->arena, name);
	m->nexthop = arena_slice(&m->arena, hop);
	return 0;
}

static int
set_number(struct message *m, const struct edit *e, struct err *err)
{
	if (e->op == EDIT_PRIORITY) {
		if (e->n < -9 || e->n > 9)
			return bad(e, "no priority", err);
		m->priority = e->n;
	} else {
		if (e->n < 0)
			return bad(e, "no time", err);
		m->release_at = e->n;
	}
	return 0;
}

int
envelope_edit(struct message *m, const struct edit *e, struct err *err)
{
	switch ((enum edit_op)e->op) {
	case EDIT_SENDER:
		return set_sender(m, e, err);
	case EDIT_ADD_RCPT:
	case EDIT_REDIRECT:
	case EDIT_BCC:
		return add_rcpt(m, e, err);
	case EDIT_DELETE_RCPT:
		return delete_rcpt(m, e, err);
	case EDIT_TRANSPORT:
		return set_transport(m, e, err);
	case EDIT_HOLD:
		m->hold = true;
		m->hold_reason = arena_slice(&m->arena,
		    slice_sub(slice_of(e->value), 0, REASON_MAX));
		return 0;
	case EDIT_DISCARD:
		message_discard(m, e->by, e->value);
		return 0;
	case EDIT_PRIORITY:
	case EDIT_RELEASE:
		return set_number(m, e, err);
	default:
		return bad(e, "not a change", err);
	}
}
