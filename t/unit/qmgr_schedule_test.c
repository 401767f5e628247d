/* qmgr_schedule_test.c - who goes next, without any I/O */
#include "../../qmgr/schedule.h"
#include "test/tap.h"

static struct transport t;
static struct dest *a, *b;
static int64_t ids;

static struct dest *
new_dest(const char *name)
{
	struct dest *d = xmalloc(sizeof(*d));

	sched_dest_init(d, &t, name);
	return d;
}

static void
setup(int64_t limit, int64_t dest_max, int64_t dest_start)
{
	sched_transport_init(&t, "local");
	t.limit = limit;
	t.dest_max = dest_max;
	t.dest_start = dest_start;
	t.backlog_share = 10;
	a = new_dest("a");
	b = new_dest("b");
}

static struct msg *
new_msg(int64_t priority)
{
	struct msg *m = xcalloc(1, sizeof(*m));

	m->m.id = ++ids;
	m->m.priority = priority;
	LIST_INIT(&m->rcpts);
	return m;
}

static struct rcpt *
add(struct msg *m, struct dest *d, enum sched_class class)
{
	struct rcpt *r = xcalloc(1, sizeof(*r));

	r->msg = m;
	r->dest = d;
	r->cost = 100;
	r->q.n = ++ids;
	LIST_INSERT_HEAD(&m->rcpts, r, of_msg);
	sched_add(r, class);
	return r;
}

/* n messages of one recipient each */
static void
add_many(struct dest *d, enum sched_class class, int n)
{
	while (n-- > 0)
		add(new_msg(0), d, class);
}

/* the recipients that were picked are forgotten with their message */
static void
forget(struct pick *p)
{
	struct rcpt *r;

	while ((r = STAILQ_FIRST(&p->rcpts)) != NULL) {
		STAILQ_REMOVE_HEAD(&p->rcpts, next);
		LIST_REMOVE(r, of_msg);
		free(r);
	}
	if (LIST_EMPTY(&p->msg->rcpts))
		free(p->msg);
}

static void
drop(struct rcpt *r)
{
	LIST_REMOVE(r, of_msg);
	free(r);
}

static void
teardown(void)
{
	struct dest *d[] = { a, b };
	struct rcpt *r;
	struct msg *m;
	size_t i;

	for (i = 0; i < ARRAY_LEN(d); i++) {
		d[i]->out[FRESH] = d[i]->out[BACKLOG] = 0;
		while ((r = sched_take(d[i])) != NULL) {
			m = r->msg;
			drop(r);
			if (LIST_EMPTY(&m->rcpts))
				free(m);
		}
		sched_dest_free(d[i]);
	}
	free(t.name);
	free(t.dsn);
	free(t.text);
}

static bool
next(struct pick *p)
{
	if (!sched_pick(&t, 250, 10000, p))
		return false;
	forget(p);
	return true;
}

static void
test_turns(void)
{
	struct pick p;
	char got[16] = "";
	int i;

	setup(100, 100, 100);
	add_many(a, FRESH, 5);
	add_many(b, FRESH, 2);
	for (i = 0; i < 7 && next(&p); i++)
		got[i] = p.dest->nexthop[0];
	is_str(got, "ababaaa", "destinations take turns");
	ok(!next(&p), "then there is nothing");
	is_int(t.out[FRESH], 7, "all are under way");
	teardown();
}

static void
test_priority(void)
{
	static const int64_t prio[] = { 0, -9, 9, 5, 0, 99 };
	struct pick p;
	char got[64] = "";
	size_t i;

	setup(100, 100, 100);
	for (i = 0; i < ARRAY_LEN(prio); i++)
		add(new_msg(prio[i]), a, FRESH);
	while (sched_pick(&t, 250, 10000, &p)) {
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%lld ",
		    (long long)p.msg->m.priority);
		forget(&p);
	}
	is_str(got, "9 99 5 0 0 -9 ", "the higher goes first");
	teardown();
}

static void
test_windows(void)
{
	struct pick p;
	int n;

	setup(10, 4, 2);
	add_many(a, FRESH, 20);
	for (n = 0; next(&p); n++)
		;
	is_int(n, 2, "a destination starts small");
	sched_done(a, FRESH, true);
	for (n = 0; next(&p); n++)
		;
	is_int(n, 2, "a good answer allows one more");
	sched_done(a, FRESH, false);
	for (n = 0; next(&p); n++)
		;
	is_int(n, 1, "a bad one does not");
	sched_done(a, FRESH, true);
	sched_done(a, FRESH, true);
	sched_done(a, FRESH, true);
	is_int(a->window, 4, "up to its limit");
	add_many(b, FRESH, 20);
	b->window = b->window_max = 100;
	for (n = 0; next(&p); n++)
		;
	is_int(t.out[FRESH], 10, "the transport has a limit, too");
	a->suspended_until = 1;
	sched_suspend(a);
	is_int(a->window, 1, "trouble makes it small");
	while (t.out[FRESH] > 0)
		sched_done(b, FRESH, true);
	for (n = 0; next(&p); n++)
		ok(p.dest == b, "nothing goes to what is suspended");
	a->out[FRESH] = 0;
	sched_resume(a);
	sched_done(b, FRESH, true);
	sched_done(b, FRESH, true);
	for (n = 0; next(&p);)
		n += p.dest == a;
	is_int(n, 1, "until it is over");
	teardown();
}

static void
test_shares(void)
{
	struct pick p;
	int fresh = 0, backlog = 0;

	setup(1000, 1000, 1000);
	add_many(a, BACKLOG, 500);
	add_many(b, FRESH, 180);
	while (fresh < 180 && next(&p)) {
		fresh += p.class == FRESH;
		backlog += p.class == BACKLOG;
	}
	is_int(backlog, 19, "old mail has its tenth beside fresh mail");
	while (next(&p))
		backlog++;
	is_int(backlog, 500, "and all of it alone");
	teardown();

	setup(10, 100, 100);
	add_many(a, BACKLOG, 50);
	for (backlog = 0; next(&p); backlog++)
		;
	is_int(backlog, 8, "but never the last places of a transport");
	add_many(b, FRESH, 5);
	for (fresh = 0; next(&p); fresh++)
		ok(p.class == FRESH, "fresh mail goes at once");
	is_int(fresh, 2, "into those");
	teardown();
}

static void
test_batches(void)
{
	struct msg *m;
	struct pick p;
	struct rcpt *r;
	int i;

	setup(100, 100, 100);
	m = new_msg(0);
	for (i = 0; i < 300; i++)
		add(m, a, FRESH);
	add(m, b, FRESH);
	is_int(a->queued[FRESH], 300, "all wait");
	ok(sched_pick(&t, 250, 1 << 20, &p), "picked");
	is_int(p.n, 250, "so many of one message in one request");
	ok(p.msg == m && m->out == 250, "they are under way");
	forget(&p);
	ok(sched_pick(&t, 250, 1 << 20, &p) && p.dest == b, "the other one");
	forget(&p);
	ok(sched_pick(&t, 250, 1050, &p), "picked");
	is_int(p.n, 10, "as many as there is room for");
	r = STAILQ_FIRST(&p.rcpts);
	STAILQ_REMOVE_HEAD(&p.rcpts, next);
	forget(&p);
	sched_remove(m, drop);
	is_int(a->queued[FRESH], 0, "taken out");
	ok(STAILQ_EMPTY(&p.rcpts) && LIST_FIRST(&m->rcpts) == r,
	    "but not what is under way");
	add_many(a, FRESH, 1);
	sched_again(r);
	ok(sched_pick(&t, 1, 0, &p), "one goes, whatever its size");
	ok(STAILQ_FIRST(&p.rcpts) == r, "what was given back goes first");
	forget(&p);
	is_int(a->queued[FRESH], 1, "then the others");
	teardown();
}

static void
test_backoff(void)
{
	static const struct { int64_t attempts, want; } rows[] = {
		{ 0, 300 }, { 1, 300 }, { 2, 1200 }, { 3, 2400 },
		{ 4, 4800 }, { 5, 9600 }, { 6, 14400 }, { 1000000, 14400 },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		is_int(sched_backoff(300, 600, 14400, rows[i].attempts, 32768),
		    rows[i].want, "after %lld attempts",
		    (long long)rows[i].attempts);
	}
	is_int(sched_backoff(1000, 1, 1, 1, 0), 1, "never over the longest");
	is_int(sched_backoff(1000, 600, 14400, 1, 0), 850, "15 %% earlier");
	ok(sched_backoff(1000, 600, 14400, 1, 65535) >= 1149, "or later");
	is_int(sched_backoff(0, 0, 0, 1, 0), 1, "at least a second");
}

int
main(void)
{
	test_turns();
	test_priority();
	test_windows();
	test_shares();
	test_batches();
	test_backoff();
	return tap_done();
}
