/*
 * edits.c - what others want changed about a message (proto/edit.h), carried
 * out at commit, in the order in which it was asked for.
 *
 * Who asks is a program of ours that may be wrong, or in other hands: there is
 * a limit to everything, and what can not be done is our own trouble, so it is
 * temporary.  A new content is only made where the header or the body changes.
 */
#include "base/log.h"
#include "fields.h"
#include "mime/header.h"
#include "rewrite.h"
#include "smtp/address.h"
#include "smtp/command.h"

enum { BY_MAX = 200, TRANSPORT_MAX = 64, NEXTHOP_MAX = 255 };

struct work {
	struct message *m;
	struct fields fields;
	struct str header;
	struct str by;		/* all who asked, once each */
	bool rcpts, sender;	/* they changed */
};

void
edits_take(struct message *m, const struct edit *e, int fd)
{
	struct edit c = *e;

	if (e->op == EDIT_BODY && fd < 0)
		err_temp(&m->edit_err, "4.3.0", "a body without a "
		    "descriptor");
	m->edit_bytes += strlen(e->name) + strlen(e->value);
	if (m->edit_bytes > EDIT_BYTES_MAX)
		err_temp(&m->edit_err, "4.3.0", "changes of more than %d "
		    "bytes", EDIT_BYTES_MAX);
	if (m->edit_err.kind != ERR_NONE) {
		close_fd(fd);
		return;
	}
	c.by = arena_slice(&m->arena, slice_sub(slice_of(e->by), 0, BY_MAX));
	edits_add(&m->edits, &c, fd, &m->arena, &m->edit_err);
	if (m->edit_err.kind != ERR_NONE)
		err_prefix(&m->edit_err, "%s", c.by);
}

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
add_rcpt(struct work *w, const struct edit *e, struct err *err)
{
	struct message *m = w->m;
	struct cleanup_rcpt_in in = { .orcpt = "", .orig = "",
		.notify = e->op == EDIT_BCC ? "NEVER" : "" };

	if (address(m, e, &in.addr, err) < 0)
		return -1;
	if (e->op == EDIT_REDIRECT)
		m->n = 0;
	message_rcpt(m, &in);
	w->rcpts = true;
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
delete_rcpt(struct work *w, const struct edit *e, struct err *err)
{
	struct message *m = w->m;
	const char *addr;
	size_t i, kept = 0;

	if (address(m, e, &addr, err) < 0)
		return -1;
	for (i = 0; i < m->n; i++)
		if (!same_rcpt(m->rcpts[i].addr, slice_of(addr)))
			m->rcpts[kept++] = m->rcpts[i];
	w->rcpts |= kept < m->n;
	m->n = kept;
	return 0;
}

static int
set_sender(struct work *w, const struct edit *e, struct err *err)
{
	struct message *m = w->m;
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
	w->sender = true;
	fields_return_path(&w->fields, addr, m->utf8, &m->arena);
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
	    slice_eqz(name, "none"))
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

static int
do_edit(struct work *w, const struct edit *e, struct err *err)
{
	struct message *m = w->m;

	switch ((enum edit_op)e->op) {
	case EDIT_ADD_HEADER:
	case EDIT_INSERT_HEADER:
	case EDIT_CHANGE_HEADER:
	case EDIT_DELETE_HEADER:
		return fields_edit(&w->fields, e, &m->arena, err) < 0 ?
		    err_prefix(err, "%s", e->by) : 0;
	case EDIT_BODY:
		return 0;
	case EDIT_SENDER:
		return set_sender(w, e, err);
	case EDIT_ADD_RCPT:
	case EDIT_REDIRECT:
	case EDIT_BCC:
		return add_rcpt(w, e, err);
	case EDIT_DELETE_RCPT:
		return delete_rcpt(w, e, err);
	case EDIT_TRANSPORT:
		return set_transport(m, e, err);
	case EDIT_HOLD:
		m->hold = true;
		m->hold_reason = e->value;
		return 0;
	case EDIT_DISCARD:
		message_discard(m, e->by, e->value);
		return 0;
	case EDIT_PRIORITY:
	case EDIT_RELEASE:
		return set_number(m, e, err);
	}
	return bad(e, "not a change", err);
}

static void
note_by(struct str *all, const char *by)
{
	struct slice rest = slice_str(all), one;

	while (slice_cut(&rest, ',', &one))
		if (slice_eqz(slice_trim(one), by))
			return;
	if (by[0] != '\0' && all->len + strlen(by) < 2 * BY_MAX)
		str_addf(all, "%s%s", all->len > 0 ? ", " : "", by);
}

static void
log_edited(const struct work *w)
{
	const struct message *m = w->m;
	struct str dest = STR_INIT;
	char nrcpt[24];

	snprintf(nrcpt, sizeof(nrcpt), "%zu", m->n);
	if (m->transport != NULL)
		str_addf(&dest, "%s:%s", m->transport, m->nexthop);
	log_event(LOG_INFO, "edited", KS("by", w->by.len ? w->by.s : NULL),
	    KU("edits", m->edits.n), KU("headers", w->fields.changes),
	    KS("body", m->edits.has_body ? "yes" : NULL),
	    KS("from", w->sender ? m->sender : NULL),
	    KS("nrcpt", w->rcpts ? nrcpt : NULL),
	    KS("dest", dest.len > 0 ? dest.s : NULL),
	    KS("hold", m->hold_reason), KEND);
	str_free(&dest);
}

static int
write_content(struct work *w, const struct content_facts *f, uint64_t *size,
    struct err *err)
{
	struct message *m = w->m;
	struct splices s = { .has_body = m->edits.has_body,
		.body = m->edits.body };
	struct str head = STR_INIT;
	size_t trace;
	int rc;

	fields_print(&w->fields, &head, &trace);
	if (w->fields.blank || f->no_blank || s.has_body)
		str_addc(&head, '\n');
	splice_add(&s, 0, f->body, slice_str(&head));
	rc = rewrite(m, &s, size, err);
	if (rc == 0)
		m->trace = trace;
	splices_free(&s);
	str_free(&head);
	return rc;
}

static int
apply(struct work *w, const struct content_facts *f, uint64_t *size,
    struct err *err)
{
	struct message *m = w->m;
	bool content;
	size_t i;

	if (mime_header_load(m->fd, f->body, &w->header, err) < 0)
		return -1;
	fields_parse(&w->fields, slice_str(&w->header), m->trace);
	for (i = 0; i < m->edits.n; i++) {
		note_by(&w->by, m->edits.v[i].by);
		if (do_edit(w, &m->edits.v[i], err) < 0)
			return -1;
	}
	if (m->n == 0)
		message_discard(m, w->by.s, "no recipient is left");
	/* router was asked about others */
	if (w->rcpts || w->sender || m->transport != NULL || m->discard)
		route_forget(m);
	if (m->discard)
		return 0;
	content = w->fields.changes > 0 || m->edits.has_body;
	if (content && write_content(w, f, size, err) < 0)
		return -1;
	log_edited(w);
	return content;
}

int
edits_apply(struct message *m, const struct content_facts *f, uint64_t *size,
    struct err *err)
{
	struct work w = { .m = m, .header = STR_INIT, .by = STR_INIT };
	int rc;

	if (m->edit_err.kind != ERR_NONE) {
		/* whose fault it is, is not the message's */
		*err = m->edit_err;
		err->kind = ERR_TEMP;
		slice_copy(err->dsn, sizeof(err->dsn), SLICE_LIT("4.3.0"));
		return -1;
	}
	if (m->edits.n == 0)
		return 0;
	rc = apply(&w, f, size, err);
	fields_free(&w.fields);
	str_free(&w.header);
	str_free(&w.by);
	return rc;
}
