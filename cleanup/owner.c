/*
 * owner.c - who has authenticated writes as itself: From must hold only
 * addresses of the login.  With other_authors a message of several authors may
 * hold others, too, if Sender (RFC 5322 section 3.6.2) is the login's: which
 * of them a reader is shown is then the login's choice.
 */
#include "cleanup.h"
#include "conf/common.h"
#include "mime/address.h"
#include "mime/header.h"
#include "proto/router.h"
#include "smtp/address.h"

enum { AUTHORS_MAX = 100 };

static struct ipc router;

void
owner_init(void)
{
	ipc_init(&router, socket_path("router"), (int)conf.service_timeout);
}

struct header {
	struct arena a;
	struct str text;
	struct mime_addresses from, sender;
};

static int
load(const struct message *m, const struct content_facts *f,
    struct header *h, struct err *err)
{
	struct mime_scan scan;
	struct mime_field field;

	if (mime_header_load(m->fd, f->body, &h->text, err) < 0)
		return -1;
	mime_scan_init(&scan, slice_str(&h->text));
	while (mime_scan_next(&scan, &field))
		if (slice_ieqz(field.name, "From"))
			mime_addresses_parse(field.value, AUTHORS_MAX, &h->a,
			    &h->from);
		else if (slice_ieqz(field.name, "Sender"))
			mime_addresses_parse(field.value, AUTHORS_MAX, &h->a,
			    &h->sender);
	return 0;
}

/* the canonical form, or NULL: nobody's */
static const char *
canonical(struct arena *a, struct slice addr)
{
	struct smtp_address x;
	struct err ignored;
	struct str s = STR_INIT;
	const char *z;

	if (smtp_address_parse(addr, SMTP_ADDR_BARE, a, &x, &ignored) < 0)
		return NULL;
	smtp_address_print(&x, &s);
	z = arena_slice(a, slice_str(&s));
	str_free(&s);
	return z;
}

/* 1 the login's, 0 not, -1 err */
static int
is_own(const struct message *m, struct arena *a, struct slice addr,
    struct err *err)
{
	struct router_owns_in in = { .login = m->login };
	struct router_owns_out out;
	const char *z = canonical(a, addr);

	if (z == NULL)
		return 0;
	if (strcasecmp(z, m->login) == 0)
		return 1;
	in.addr = (struct strlist){ &z, 1, 1 };
	if (ipc_call(&router, &router_owns, &in, -1, &out, NULL, NULL,
	    err) < 0)
		return err_prefix(err, "router");
	return out.owned;
}

/* how many are the login's; *other_r: the first that is not; or -1 */
static int
count_own(const struct message *m, struct arena *a,
    const struct mime_addresses *l, struct slice *other_r, struct err *err)
{
	int n = 0, r;
	size_t i;

	*other_r = SLICE_NULL;
	for (i = 0; i < l->n; i++) {
		r = is_own(m, a, l->v[i].addr, err);
		if (r < 0)
			return -1;
		n += r;
		if (r == 0 && other_r->p == NULL)
			*other_r = l->v[i].addr;
	}
	return n;
}

static int
refuse(const struct message *m, const char *field, struct slice addr,
    struct err *err)
{
	return err_perm(err, "5.7.1", "%s: <%.*s>: address not owned by user "
	    "%s", field, (int)MIN(addr.n, (size_t)200), addr.p, m->login);
}

/* will whoever reads it see the same addresses? */
static bool
clear(const struct mime_addresses *l)
{
	return l->bad == 0 && l->odd == 0 && !l->truncated;
}

/* 1 it is the login's, 0 there is none, -1 */
static int
judge_sender(const struct message *m, struct header *h, struct err *err)
{
	struct slice stranger;
	int own = count_own(m, &h->a, &h->sender, &stranger, err);

	if (own < 0)
		return -1;
	if (!clear(&h->sender) || h->sender.n > 1)
		return err_perm(err, "5.7.1", "Sender: not one address");
	return stranger.p != NULL ? refuse(m, "Sender", stranger, err) : own;
}

static int
judge_from(const struct message *m, struct header *h, bool sender,
    struct err *err)
{
	struct slice other;
	int own = count_own(m, &h->a, &h->from, &other, err);

	if (own < 0)
		return -1;
	if (h->from.n == 0 || !clear(&h->from))
		return err_perm(err, "5.7.1", "From: not a list of addresses");
	if (other.p == NULL || (conf.other_authors && own > 0 && sender))
		return 0;
	return refuse(m, "From", other, err);
}

/* There is no From: who has sent it will be there, or the login where that is
 * nobody. */
static int
judge_future(const struct message *m, struct header *h, struct err *err)
{
	struct slice sender = slice_of(m->sender);
	int r = sender.n == 0 ? 1 : is_own(m, &h->a, sender, err);

	return r == 0 ? refuse(m, "From", sender, err) : MIN(r, 0);
}

int
owner_check(const struct message *m, const struct content_facts *f,
    struct err *err)
{
	struct header h = { .text = STR_INIT };
	int r = load(m, f, &h, err);

	if (r == 0)
		r = judge_sender(m, &h, err);
	if (r >= 0)
		r = f->from ? judge_from(m, &h, r > 0, err) :
		    judge_future(m, &h, err);
	arena_free(&h.a);
	str_free(&h.text);
	return r;
}
