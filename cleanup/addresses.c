/*
 * addresses.c - addresses in the header of mail that is ours: names without a
 * domain get ours, and router is asked for the form that others see (canonical
 * tables, masquerade).
 *
 * Only the octets of an address that changes are replaced: names, comments,
 * folds and all other fields stay as they are.  Mail of others is not looked
 * at.  Where router has nothing configured it is asked once in some seconds.
 */
#include "base/clock.h"
#include "conf/common.h"
#include "mime/address.h"
#include "mime/header.h"
#include "proto/router.h"
#include "rewrite.h"
#include "smtp/address.h"

enum { KINDS = 2 /* header_sender, header_recipient */ };

struct found {
	uint64_t at, len;	/* where its addr-spec is */
	int kind;
	bool bare;
	const char *addr;	/* canonical, with a domain */
	const char *to;		/* what it becomes */
};
struct search {
	struct message *m;
	struct arena a;
	struct str header;
	struct found *v;	/* malloced */
	size_t n, cap;
};

static struct ipc router;
static int64_t idle_until[KINDS];

void
addresses_init(void)
{
	ipc_init(&router, socket_path("router"), (int)conf.service_timeout);
}

static const char *
default_domain(void)
{
	return common.domains.n > 0 ? common.domains.v[0] :
	    common.system_domains.n > 0 ? common.system_domains.v[0] :
	    common.hostname;
}

/* the kind of addresses of a field, or -1: it holds none */
static int
field_kind(struct slice name)
{
	static const struct {
		const char *name;
		int kind;
	} known[] = {
		{ "From", REWRITE_HEADER_SENDER },
		{ "Sender", REWRITE_HEADER_SENDER },
		{ "Reply-To", REWRITE_HEADER_SENDER },
		{ "To", REWRITE_HEADER_RECIPIENT },
		{ "Cc", REWRITE_HEADER_RECIPIENT },
		{ "Bcc", REWRITE_HEADER_RECIPIENT },
	};
	size_t i;

	if (slice_istarts(name, "Resent-"))
		name = slice_sub(name, sizeof("Resent-") - 1, name.n);
	for (i = 0; i < ARRAY_LEN(known); i++)
		if (slice_ieqz(name, known[i].name))
			return known[i].kind;
	return -1;
}

/* as a key for router, completed; NULL: no address */
static const char *
canonical(struct arena *a, struct slice text, bool *bare)
{
	struct smtp_address x;
	struct err ignored;
	struct str s = STR_INIT;
	const char *z;

	if (smtp_address_parse(text, SMTP_ADDR_BARE, a, &x, &ignored) < 0)
		return NULL;
	*bare = x.domain.n == 0;
	if (*bare)
		x.domain = slice_of(default_domain());
	smtp_address_print(&x, &s);
	z = arena_slice(a, slice_str(&s));
	str_free(&s);
	return z;
}

static void
add_field(struct search *s, const struct mime_field *f, int kind)
{
	struct mime_addresses l = { 0 };
	uint64_t base = (uint64_t)(f->value.p - s->header.s);
	struct found x = { .kind = kind };
	size_t i;

	mime_addresses_parse(f->value, MIME_ADDRESSES_MAX - s->n, &s->a, &l);
	for (i = 0; i < l.n; i++) {
		x.addr = canonical(&s->a, l.v[i].addr, &x.bare);
		if (x.addr == NULL || (x.bare && !conf.complete_addresses))
			continue;
		x.at = base + l.v[i].from;
		x.len = l.v[i].to - l.v[i].from;
		x.to = x.addr;
		if (s->n == s->cap) {
			s->cap = s->cap > 0 ? 2 * s->cap : 16;
			s->v = xrealloc(s->v, s->cap * sizeof(*s->v));
		}
		s->v[s->n++] = x;
	}
}

static int
search(struct search *s, struct err *err)
{
	struct mime_scan scan;
	struct mime_field f;
	int kind;

	if (mime_header_load(s->m->fd, (size_t)conf.header_limit, &s->header,
	    err) < 0)
		return -1;
	mime_scan_init(&scan, slice_sub(slice_str(&s->header),
	    (size_t)s->m->trace, s->header.len));
	while (s->n < MIME_ADDRESSES_MAX && mime_scan_next(&scan, &f))
		if ((kind = field_kind(f.name)) >= 0)
			add_field(s, &f, kind);
	return 0;
}

/* addresses from v[*next] on of one kind, as many as one question holds */
static int
ask(struct search *s, int kind, size_t *next, struct err *err)
{
	const char *addr[REWRITE_MAX];
	size_t who[REWRITE_MAX], i;
	struct router_rewrite_in in = { .kind = kind,
		.addr = { addr, 0, REWRITE_MAX } };
	struct router_rewrite_out out;

	for (; *next < s->n && in.addr.n < REWRITE_MAX; ++*next)
		if (s->v[*next].kind == kind) {
			who[in.addr.n] = *next;
			addr[in.addr.n++] = s->v[*next].addr;
		}
	if (in.addr.n == 0)
		return 0;
	if (ipc_call(&router, &router_rewrite, &in, -1, &out, NULL, NULL,
	    err) < 0)
		return err_prefix(err, "router");
	if (out.idle)
		idle_until[kind] = mono_ms() + REWRITE_IDLE_MS;
	if (out.addr.n != in.addr.n)
		return err_temp(err, "4.3.0", "router: bad answer");
	for (i = 0; i < in.addr.n; i++)
		s->v[who[i]].to = arena_strdup(&s->a, out.addr.v[i]);
	return 0;
}

static int
ask_all(struct search *s, struct err *err)
{
	int64_t now = mono_ms();
	size_t next;
	int kind;

	for (kind = 0; kind < KINDS; kind++)
		for (next = 0; next < s->n && idle_until[kind] <= now;)
			if (ask(s, kind, &next, err) < 0)
				return -1;
	return 0;
}

/* What router says goes into a header: it has to be an address, and of a
 * message without SMTPUTF8 one in ASCII. */
static bool
may_stand(struct search *s, const char *to)
{
	struct smtp_address x;
	struct err ignored;

	return smtp_address_parse(slice_of(to), 0, &s->a, &x,
	    &ignored) == 1 && (!x.utf8 || s->m->utf8);
}

static int
change(struct search *s, uint64_t *size, struct err *err)
{
	struct splices l = { 0 };
	const struct found *x;
	const char *at;
	int rc = 0;

	for (x = s->v; x < s->v + s->n; x++) {
		if (strcmp(x->to, x->addr) != 0 && may_stand(s, x->to)) {
			splice_add(&l, x->at, x->len, slice_of(x->to));
		} else if (x->bare) {
			at = strrchr(x->addr, '@');
			splice_add(&l, x->at + x->len, 0, slice_of(at));
		}
	}
	if (l.n > 0)
		rc = rewrite(s->m, &l, size, err) < 0 ? -1 : 1;
	splices_free(&l);
	return rc;
}

int
addresses_rewrite(struct message *m, uint64_t *size, struct err *err)
{
	struct search s = { .m = m, .header = STR_INIT };
	int64_t now = mono_ms();
	int rc;

	if (!conf.complete_addresses && idle_until[0] > now &&
	    idle_until[1] > now)
		return 0;
	rc = search(&s, err);
	if (rc == 0 && s.n > 0)
		rc = ask_all(&s, err);
	if (rc == 0 && s.n > 0)
		rc = change(&s, size, err);
	free(s.v);
	str_free(&s.header);
	arena_free(&s.a);
	return rc;
}
