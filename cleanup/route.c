/*
 * route.c - every final destination: by the seals that came with the recipients
 * (proto/seal.h), if all have good ones, else router is asked, in messages that
 * fit.  Seals are looked at where router would be asked, and used at commit if
 * they hold then and nobody has changed the envelope.
 *
 * A message is taken only where all of its recipients could be looked up:
 * those that can not be delivered to go into the envelope as failed.
 *
 * Router is asked at begin and its answer read at commit, so that it works
 * while the content comes and we seldom wait for it.  An answer that was
 * given long before commit does not count.  One connection has one request
 * under way; those without are kept for the next messages.
 */
#include "base/clock.h"
#include "cleanup.h"
#include "conf/common.h"
#include "proto/router.h"
#include "proto/seal.h"

enum { CHUNK = 200, CHUNK_BYTES = 56000, ANSWER_MAX = 8192, FRESH_MS = 1000 };
enum { SEALS = 32 /* recipients; of more, router is asked */ };

struct router_conn {
	struct ipc ipc;
	struct router_conn *next;
};
static struct router_conn *unused;
static const char *path;

struct state {
	struct message *m;
	struct router_conn *router;
	struct dests *d;
	size_t first;		/* of the request under way */
	size_t count;
	bool seen[CHUNK];
};

void
route_init(void)
{
	path = socket_path("router");
}

static struct router_conn *
conn_take(void)
{
	struct router_conn *r = unused;

	if (r != NULL) {
		unused = r->next;
		return r;
	}
	r = xcalloc(1, sizeof(*r));
	ipc_init(&r->ipc, path, (int)conf.service_timeout);
	return r;
}

static void
conn_give(struct router_conn *r)
{
	r->next = unused;
	unused = r;
}

static const char *
keep(struct message *m, const char *z)
{
	return z[0] != '\0' ? arena_strdup(&m->arena, z) : "";
}

static void
add_dest(struct state *s, const struct router_route_more *r)
{
	const struct rcpt *from = &s->m->rcpts[s->first + (size_t)r->n];
	struct dests *d = s->d;
	struct dest *t;

	if (d->n == d->cap) {
		d->cap = d->cap ? d->cap * 2 : 8;
		d->v = xrealloc(d->v, d->cap * sizeof(*d->v));
	}
	t = &d->v[d->n];
	*t = (struct dest){ .orig = from->orig, .orcpt = from->orcpt,
		.notify = from->notify, .order = d->n,
		.from = s->first + (size_t)r->n, .aliased = r->aliased };
	t->addr = keep(s->m, r->addr);
	t->sender = strcmp(r->sender, s->m->sender) == 0 ? "" :
	    keep(s->m, r->sender);
	t->owned = r->owned;
	t->bcc = r->bcc;
	if (r->bcc) {
		t->orig = t->addr;
		t->orcpt = "";
		t->notify = "NEVER";
	}
	t->transport = keep(s->m, r->transport);
	t->nexthop = keep(s->m, r->nexthop);
	t->mailbox = keep(s->m, r->mailbox);
	t->quota = r->quota == 0 ? "0" : arena_printf(&s->m->arena, "%llu",
	    (unsigned long long)r->quota);
	t->dsn = r->failed ? keep(s->m, r->dsn[0] ? r->dsn : "5.0.0") : "";
	t->text = r->failed ? keep(s->m, r->text) : "";
	d->n++;
}

/* and not too long for a message to qmgr */
static bool
complete(const struct router_route_more *r)
{
	size_t bytes = strlen(r->addr) + strlen(r->transport) +
	    strlen(r->nexthop) + strlen(r->mailbox) + strlen(r->dsn) +
	    strlen(r->text) + strlen(r->sender);

	return r->addr[0] != '\0' && bytes <= ANSWER_MAX &&
	    (r->failed || r->transport[0] != '\0');
}

static int
on_more(void *ctx, const void *more, struct err *err)
{
	const struct router_route_more *r = more;
	struct state *s = ctx;

	if (r->n < 0 || (size_t)r->n >= s->count)
		return err_temp(err, "4.3.0", "router: no recipient %lld",
		    (long long)r->n);
	if (r->failed && r->temporary)
		return err_temp(err, r->dsn[0] == '4' ? r->dsn : "4.3.0",
		    "%s: %s", r->bcc ? r->addr :
		    s->m->rcpts[s->first + (size_t)r->n].addr, r->text);
	if (!complete(r))
		return err_temp(err, "4.3.0", "router: bad answer");
	if (s->d->n >= (size_t)conf.recipient_limit)
		return err_temp(err, "4.5.3", "too many recipients behind "
		    "aliases");
	s->seen[r->n] |= !r->bcc;
	add_dest(s, r);
	return 0;
}

/* as many recipients as fit from first on */
static void
fill(const struct message *m, size_t first, struct router_route_in *in)
{
	const char **addr = in->addr.v;
	size_t i, bytes = 0, len;

	for (i = first; i < m->n && in->addr.n < CHUNK; i++) {
		len = strlen(m->rcpts[i].addr) + sizeof("addr=");
		if (bytes + len > CHUNK_BYTES)
			break;
		bytes += len;
		addr[in->addr.n++] = m->rcpts[i].addr;
	}
}

static bool
open_seals(struct message *m)
{
	struct router_route_more *v;
	int64_t until;
	size_t i;

	for (i = 0; i < m->n; i++)
		if (m->rcpts[i].seal[0] == '\0')
			return false;
	if (!seal_ready() || m->internal || m->n > SEALS)
		return false;
	v = arena_alloc(&m->arena, m->n * sizeof(*v));
	m->routes_until = INT64_MAX;
	for (i = 0; i < m->n; i++) {
		if (seal_open(m->rcpts[i].seal, m->rcpts[i].addr, m->sender,
		    &m->arena, &v[i], &until) == 0)
			return false;
		v[i].n = (int64_t)i;
		m->routes_until = MIN(m->routes_until, until);
	}
	m->routes = v;
	return true;
}

void
route_ask(struct message *m)
{
	const char *addr[CHUNK];
	struct router_route_in in = { .addr = { addr, 0, CHUNK },
		.sender = m->sender, .internal = m->internal,
		.single = true };
	struct router_conn *r;
	struct err err;

	if (open_seals(m))
		return;
	r = conn_take();
	fill(m, 0, &in);
	if (ipc_tell(&r->ipc, &router_route, &in, &err) < 0) {
		conn_give(r);
		return;
	}
	m->asked = r;
	m->asked_at = mono_ms();
}

void
route_forget(struct message *m)
{
	m->routes = NULL;
	if (m->asked == NULL)
		return;
	ipc_close(&m->asked->ipc);
	conn_give(m->asked);
	m->asked = NULL;
}

/* an only place comes with the ok */
static int
take_single(struct state *s, const struct router_route_more *r,
    struct err *err)
{
	return r->single ? on_more(s, r, err) : 0;
}

/* What router was asked at begin: 1; 0 it has to be asked again; -1 */
static int
early_answer(struct state *s, struct err *err)
{
	struct message *m = s->m;
	struct router_route_more only;
	int rc;
	struct ipc *c;
	bool fresh = mono_ms() - m->asked_at < FRESH_MS;

	if (s->first > 0 || m->asked == NULL)
		return 0;
	if (!fresh) {
		route_forget(m);
		return 0;
	}
	c = &m->asked->ipc;
	conn_give(m->asked);
	m->asked = NULL;
	rc = ipc_answer(c, &router_route, on_more, s, &only, NULL, err);
	return rc == 1 && take_single(s, &only, err) < 0 ? -1 : rc;
}

/* as many as fit from s->first on; 0, -1 */
static int
route_chunk(struct state *s, struct err *err)
{
	const char *addr[CHUNK];
	struct router_route_in in = { .addr = { addr, 0, CHUNK },
		.sender = s->m->sender, .internal = s->m->internal,
		.single = true };
	struct router_route_more only;
	size_t i;
	int rc;

	fill(s->m, s->first, &in);
	s->count = in.addr.n;
	memset(s->seen, 0, s->count);
	rc = early_answer(s, err);
	if (rc == 0) {
		rc = ipc_call_more(&s->router->ipc, &router_route, &in, -1,
		    on_more, s, &only, err);
		if (rc == 0)
			rc = take_single(s, &only, err);
	}
	if (rc < 0)
		return -1;
	for (i = 0; i < s->count; i++)
		if (!s->seen[i])
			return err_temp(err, "4.3.0", "router: nothing about "
			    "%s", addr[i]);
	return 0;
}

/* by seals: 1, 0 there are none that hold, -1 */
static int
by_seals(struct state *s, struct err *err)
{
	const struct message *m = s->m;
	size_t i;

	if (m->routes == NULL || mono_ms() >= m->routes_until)
		return 0;
	s->count = m->n;
	for (i = 0; i < m->n; i++)
		if (on_more(s, &m->routes[i], err) < 0)
			return -1;
	return 1;
}

static int
route_chunks(struct state *s, struct err *err)
{
	int rc = by_seals(s, err);

	if (rc != 0)
		return MIN(rc, 0);
	for (s->first = 0; s->first < s->m->n; s->first += s->count)
		if (route_chunk(s, err) < 0)
			return -1;
	return 0;
}

/* All go as they were named to where it was said; who is there looks after
 * aliases. */
static void
to_transport(struct message *m, struct dests *d)
{
	struct router_route_more r = { .transport = m->transport,
		.mailbox = "", .dsn = "", .text = "", .sender = "" };
	struct state s = { .m = m, .d = d };
	const char *at;

	for (s.first = 0; s.first < m->n; s.first++) {
		r.addr = m->rcpts[s.first].addr;
		at = strrchr(r.addr, '@');
		r.nexthop = m->nexthop[0] != '\0' ? m->nexthop :
		    at != NULL ? at + 1 : common.hostname;
		add_dest(&s, &r);
	}
	dests_unique(d);
}

int
route_all(struct message *m, struct dests *d, struct err *err)
{
	struct state s = { .m = m, .d = d };
	int rc;

	if (m->transport != NULL) {
		to_transport(m, d);
		return 0;
	}
	s.router = conn_take();
	rc = route_chunks(&s, err);
	conn_give(s.router);
	if (rc == 0) {
		dests_unique(d);
		dests_expanded(m, d);
		return 0;
	}
	/* a refusal of the whole request is router's trouble, not the
	 * message's */
	err->kind = ERR_TEMP;
	if (err->dsn[0] != '4')
		slice_copy(err->dsn, sizeof(err->dsn), SLICE_LIT("4.3.0"));
	return -1;
}
