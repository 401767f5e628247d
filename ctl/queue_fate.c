/*
 * queue_fate.c - postrider queue bounce, expire, reroute: what becomes of
 * recipients.
 */
#include "conf/common.h"
#include "ctl.h"
#include "proto/router.h"
#include "queue.h"
#include "queue_list.h"

enum { CALL_MS = 60000 };

static int
print_result(const struct query *q, const struct qmgr_count *n,
    const char *done)
{
	if (q->json) {
		printf("{\"messages\":%lld,\"recipients\":%lld}\n",
		    (long long)n->messages, (long long)n->rcpts);
	} else {
		printf("%s: ", done);
		print_counts(n->messages, n->rcpts);
	}
	return n->messages == 0 && q->n_ids > 0 ? EXIT_FAILED : EXIT_OK;
}

/* --- bounce, expire --- */

struct ending {
	const struct verb_def *def;
	const char *text;
	struct qmgr_count n;
};

static int
end_one(struct ipc *c, const struct qmgr_filter *f, void *ctx,
    struct err *err)
{
	struct ending *e = ctx;
	struct qmgr_fate_in in = { *f, e->text };

	return queue_order(c, e->def, &in, &in.f, &e->n, err);
}

static int
end_them(int argc, char **argv, const struct verb_def *def, const char *done)
{
	struct ending e = { .def = def };
	struct query q;
	int r = queue_parse(argc, argv, &q);

	if (r != EXIT_OK)
		return r;
	if (!q.any && !q.yes)
		return fail_usage("%s which messages?  Say an id or a filter; "
		    "all of them: --yes", def->name);
	e.text = q.text;
	r = queue_each(&q, end_one, &e);
	return r == EXIT_OK ? print_result(&q, &e.n, done) : r;
}

int
queue_bounce(int argc, char **argv)
{
	return end_them(argc, argv, &qmgr_bounce, "failed");
}

int
queue_expire(int argc, char **argv)
{
	return end_them(argc, argv, &qmgr_expire, "expired");
}

/* --- reroute --- */

struct moving {
	struct qmgr_reroute_in to;
	bool ask;		/* the router */
	struct ipc router;
	struct arena arena;
	struct strlist q, rcpt, sender;	/* what is to be routed */
	struct qmgr_count n;
	int64_t kept;		/* the router does not know one place */
};

static int
move_one(struct ipc *c, const struct qmgr_filter *f, void *ctx,
    struct err *err)
{
	struct moving *m = ctx;
	struct qmgr_reroute_in in = m->to;

	in.f = *f;
	return queue_order(c, &qmgr_reroute, &in, &in.f, &m->n, err);
}

struct place {
	struct arena *arena;
	struct qmgr_reroute_in *to;
	int places;
	bool failed;
};

static int
on_place(void *ctx, const void *more, struct err *err UNUSED)
{
	const struct router_route_more *r = more;
	struct place *p = ctx;

	p->places++;
	p->failed = p->failed || r->failed;
	if (p->places > 1 || r->failed)
		return 0;
	p->to->transport = arena_strdup(p->arena, r->transport);
	p->to->nexthop = arena_strdup(p->arena, r->nexthop);
	p->to->addr = arena_strdup(p->arena, r->addr);
	p->to->mailbox = arena_strdup(p->arena, r->mailbox);
	return 0;
}

static int
on_item(void *ctx, const void *more, struct err *err)
{
	const struct qmgr_items *l = more;
	struct moving *m = ctx;
	struct qmgr_item it;
	size_t i;

	for (i = 0; i < l->q.n; i++) {
		if (qmgr_items_get(l, i, &it, err) != 0)
			return -1;
		strlist_add(&m->q, &m->arena, arena_strdup(&m->arena, it.q));
		strlist_add(&m->rcpt, &m->arena,
		    arena_strdup(&m->arena, it.rcpt));
		strlist_add(&m->sender, &m->arena,
		    arena_strdup(&m->arena, it.sender));
	}
	return 0;
}

/* where does it go now?  What goes to several places stays as it is. */
static int
route(struct ipc *c, struct moving *m, size_t i, struct err *err)
{
	struct router_route_in in = { .sender = m->sender.v[i] };
	struct qmgr_reroute_in to = { .addr = "" };
	struct place p = { &m->arena, &to, 0, false };

	strlist_add(&in.addr, &m->arena, m->rcpt.v[i]);
	if (ipc_call_more(&m->router, &router_route, &in, -1, on_place, &p,
	    NULL, err) != 0)
		return -1;
	if (p.places != 1 || p.failed) {
		m->kept++;
		return 0;
	}
	field_defaults(qmgr_list.in, &to.f, &m->arena);
	to.f.q = m->q.v[i];
	to.f.to = m->rcpt.v[i];
	return queue_order(c, &qmgr_reroute, &to, &to.f, &m->n, err);
}

/* a page of the list, then its recipients; so no list is ever long */
static int
route_them(struct ipc *c, const struct qmgr_filter *f, void *ctx,
    struct err *err)
{
	struct moving *m = ctx;
	struct qmgr_filter page = *f;
	struct qmgr_count n;
	char next[32];
	size_t i;

	do {
		arena_reset(&m->arena);
		m->q = m->rcpt = m->sender = (struct strlist){ 0 };
		if (ipc_call_more(c, &qmgr_list, &page, -1, on_item, m, &n,
		    err) != 0)
			return -1;
		snprintf(next, sizeof(next), "%s", n.next);
		page.after = next;
		page.limit -= f->limit > 0 ? n.messages : 0;
		for (i = 0; i < m->q.n; i++)
			if (route(c, m, i, err) != 0)
				return -1;
	} while (*next && (f->limit == 0 || page.limit > 0));
	return 0;
}

static int
set_target(struct moving *m, const char *to)
{
	size_t n = strcspn(to, ":");

	if (strcmp(to, "router") == 0) {
		m->ask = true;
		return EXIT_OK;
	}
	if (to[n] != ':')
		return fail_usage("%s: expected TRANSPORT:NEXTHOP or "
		    "\"router\"", to);
	m->to.transport = arena_slice(&ctl_arena, (struct slice){ to, n });
	/* a next hop says no mailbox */
	if (strcmp(m->to.transport, "local") == 0 ||
	    strcmp(m->to.transport, "system") == 0 ||
	    strcmp(m->to.transport, "command") == 0)
		return fail_usage("%s: which mailbox of this host, the router "
		    "knows: say \"router\"", to);
	m->to.nexthop = to + n + 1;
	m->to.addr = m->to.mailbox = "";
	return EXIT_OK;
}

int
queue_reroute(int argc, char **argv)
{
	struct moving m = { 0 };
	struct query q;
	int r;

	if (argc < 2)
		return fail_usage("usage: postrider queue reroute TO "
		    "[FILTER]... [ID]...");
	r = set_target(&m, argv[1]);
	if (r == EXIT_OK)
		r = queue_parse(argc - 1, argv + 1, &q);
	if (r != EXIT_OK)
		return r;
	if (!q.any && !q.yes)
		return fail_usage("reroute which messages?  Say an id or a "
		    "filter; all of them: --yes");
	if (m.ask && !may_ask("router"))
		return EXIT_FAILED;
	if (m.ask)
		ipc_init(&m.router, socket_path("router"), CALL_MS);
	r = queue_each(&q, m.ask ? route_them : move_one, &m);
	if (m.ask)
		ipc_free(&m.router);
	arena_free(&m.arena);
	if (r == EXIT_OK && m.kept > 0 && !q.json)
		printf("%lld recipient%s left as they were: the router knows "
		    "no place, or several\n", (long long)m.kept,
		    m.kept == 1 ? "" : "s");
	return r == EXIT_OK ? print_result(&q, &m.n, "rerouted") : r;
}
