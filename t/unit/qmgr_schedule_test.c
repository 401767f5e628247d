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
		d[i]->out[FRESH] = d[i]->out[BACKLOG] = d[i]->busy = 0;
		sched_site(d[i], NULL);
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

static int
run(void)
{
	struct pick p;
	int n = 0;

	while (next(&p))
		n++;
	return n;
}

static void
test_windows(void)
{
	struct pick p;
	int n;

	setup(10, 4, 2);
	add_many(a, FRESH, 20);
	is_int(run(), 2, "a destination starts small");
	sched_done(a, FRESH, SCHED_GOOD, true);
	is_int(run(), 1, "a good answer is one of two");
	sched_done(a, FRESH, SCHED_GOOD, true);
	is_int(run(), 2, "so many as it is wide allow one more");
	sched_done(a, FRESH, SCHED_NOTHING, true);
	is_int(run(), 1, "what says nothing does not");
	for (n = 0; n < 9; n++) {
		sched_done(a, FRESH, SCHED_GOOD, true);
		run();
	}
	is_int(a->window, 4, "up to its limit");
	add_many(b, FRESH, 20);
	b->window = b->window_max = 100;
	run();
	is_int(t.out[FRESH], 10, "the transport has a limit, too");
	a->suspended_until = 1;
	sched_suspend(a);
	is_int(a->window, 1, "a suspension makes it small");
	while (t.out[FRESH] > 4)
		sched_done(b, FRESH, SCHED_GOOD, true);
	for (n = 0; next(&p); n++)
		ok(p.dest == b, "nothing goes to what is suspended");
	while (a->busy > 0)
		sched_done(a, FRESH, SCHED_NOTHING, true);
	while (b->busy > 0)
		sched_done(b, FRESH, SCHED_GOOD, true);
	sched_resume(a);
	for (n = 0; next(&p);)
		n += p.dest == a;
	is_int(n, 1, "until it is over");
	teardown();
}

static void
test_trouble(void)
{
	setup(100, 10, 4);
	add_many(a, FRESH, 50);
	is_int(run(), 4, "four at work");
	ok(!sched_done(a, FRESH, SCHED_TROUBLE, true), "one has trouble");
	is_int(a->window, 3, "the window shrinks");
	run();
	ok(!sched_done(a, FRESH, SCHED_TROUBLE, true), "and another");
	ok(!sched_done(a, FRESH, SCHED_GOOD, true), "but one is good");
	run();
	ok(!sched_done(a, FRESH, SCHED_TROUBLE, true), "counted anew");
	ok(sched_done(a, FRESH, SCHED_TROUBLE, true) && a->window == 1,
	    "as many as were at work: it is dead");
	teardown();

	setup(100, 10, 4);
	t.cohorts = 2;
	add_many(a, FRESH, 1);
	run();
	ok(!sched_done(a, FRESH, SCHED_TROUBLE, true), "two cohorts: one");
	add_many(a, FRESH, 1);
	run();
	ok(sched_done(a, FRESH, SCHED_TROUBLE, true), "and two");
	teardown();
}

/* what waits behind a request has no place */
static void
test_ahead(void)
{
	struct pick p;

	setup(100, 2, 2);
	add_many(a, FRESH, 10);
	is_int(run(), 2, "two places");
	ok(sched_pick_dest(a, true, 250, 10000, &p) && !p.place,
	    "one more goes ahead");
	forget(&p);
	ok(!sched_pick_dest(a, false, 250, 10000, &p), "but has no place");
	is_int(a->busy, 2, "two are at work");
	sched_done(a, FRESH, SCHED_GOOD, false);
	is_int(run(), 0, "the place is the next one's");
	sched_done(a, FRESH, SCHED_GOOD, true);
	ok(sched_pick_dest(a, false, 250, 10000, &p) && p.place,
	    "one that is free can be had out of turn");
	forget(&p);
	teardown();
}

static void
test_site(void)
{
	struct site s = { .most = 2 };
	struct pick p;
	char got[16] = "";
	int i;

	setup(100, 10, 10);
	TAILQ_INIT(&s.blocked);
	sched_sites = &s;
	sched_site(a, &s);
	sched_site(b, &s);
	add_many(a, FRESH, 5);
	add_many(b, FRESH, 5);
	for (i = 0; i < 4 && next(&p); i++)
		got[i] = p.dest->nexthop[0];
	is_str(got, "ab", "two hops share two places");
	sched_done(a, FRESH, SCHED_GOOD, true);
	for (i = 0; i < 4 && next(&p); i++)
		got[i] = p.dest->nexthop[0];
	is_int(i, 1, "one is free, one goes");
	sched_done(b, FRESH, SCHED_GOOD, true);
	is_int(run(), 1, "and again");
	is_int(s.busy, 2, "counted together");
	sched_site(a, NULL);
	run();
	is_int(a->queued[FRESH], 0, "without the site it has its own");
	while (a->busy > 0)
		sched_done(a, FRESH, SCHED_GOOD, true);
	while (b->busy > 0)
		sched_done(b, FRESH, SCHED_GOOD, true);
	is_int(s.busy, 0, "all are free");
	teardown();
	sched_sites = NULL;
}

static void
test_rate(void)
{
	struct site s = { .rate = { .interval_us = 3000000 } };

	sched_now_us = 1000000000;
	setup(100, 100, 100);
	add_many(a, FRESH, 50);
	a->rate.interval_us = 2000000;
	sched_look(a);
	is_int(run(), 1, "one goes");
	is_int(sched_wake(), 1002000000, "the next when it may");
	sched_now_us = 1001999999;
	sched_wake();
	is_int(run(), 0, "not before");
	sched_now_us++;
	sched_wake();
	is_int(run(), 1, "but then");
	sched_now_us += 3600 * 1000000LL;
	sched_wake();
	is_int(run(), 1, "what was not used is not saved");
	a->rate = (struct rate){ 100000, 0 };
	sched_look(a);
	is_int(run(), 10, "ten a second may go at once");
	sched_now_us += 500000;
	sched_wake();
	is_int(run(), 5, "then as time goes by");
	TAILQ_INIT(&s.blocked);
	sched_sites = &s;
	a->rate.interval_us = 0;
	sched_site(a, &s);
	sched_site(b, &s);
	add_many(b, FRESH, 5);
	is_int(run(), 1, "a site has one, too");
	is_int(sched_wake(), sched_now_us + 3000000, "for all of its hops");
	sched_now_us += 3000000;
	sched_wake();
	is_int(run(), 1, "together");
	sched_site(a, NULL);
	sched_site(b, NULL);
	sched_sites = NULL;
	a->busy = b->busy = 0;
	teardown();
	sched_now_us = 0;
}

static struct msg *
msg_from(int64_t domain, int64_t sender)
{
	struct msg *m = new_msg(0);

	m->domain_key = domain;
	m->sender_key = sender;
	return m;
}

static void
test_senders(void)
{
	struct msg *big;
	struct pick p;
	char got[16] = "";
	int i, n;

	setup(2000, 2000, 2000);
	for (i = 0; i < 1000; i++)
		add(msg_from(1, 1), a, FRESH);
	add(msg_from(1, 2), a, FRESH);
	add(msg_from(2, 3), a, FRESH);
	is_int(sched_waiting(a, flow_first(a, FRESH)->msg), 1000,
	    "one has a thousand");
	for (i = 0; i < 6 && sched_pick(&t, 250, 10000, &p); i++) {
		got[i] = (char)('0' + p.msg->sender_key);
		forget(&p);
	}
	is_str(got, "132111", "domains take turns, then senders");
	/* as many senders as there are messages, of one domain */
	for (i = 0; i < 500; i++)
		add(msg_from(3, 1000 + i), a, FRESH);
	add(msg_from(4, 4), a, FRESH);
	for (n = 1; sched_pick(&t, 250, 10000, &p); n++) {
		i = (int)p.msg->sender_key;
		forget(&p);
		if (i == 4)
			break;
	}
	ok(n <= 3, "a domain of many senders has one turn: %d", n);
	teardown();

	setup(2000, 2000, 2000);
	big = msg_from(1, 1);
	for (i = 0; i < 900; i++)
		add(big, a, FRESH);
	add(msg_from(1, 1), a, FRESH);
	ok(sched_pick(&t, 250, 100000, &p) && p.msg == big, "a part of many");
	forget(&p);
	ok(sched_pick(&t, 250, 100000, &p) && p.msg != big, "then the next");
	forget(&p);
	while (sched_pick(&t, 250, 100000, &p))
		forget(&p);
	teardown();
}

/* those of a lower priority do not wait for ever */
static void
test_starved(void)
{
	struct pick p;
	int i, n[3] = { 0 };

	setup(1000, 1000, 1000);
	for (i = 0; i < 100; i++) {
		add(new_msg(9), a, FRESH);
		add(new_msg(0), a, FRESH);
		add(new_msg(-9), a, FRESH);
	}
	for (i = 0; i < 60 && sched_pick(&t, 250, 10000, &p); i++) {
		n[p.msg->m.priority / 9 + 1]++;
		forget(&p);
	}
	ok(n[2] == 54 && n[1] == 3 && n[0] == 3, "%d, %d and %d of 60", n[2],
	    n[1], n[0]);
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
	test_trouble();
	test_ahead();
	test_site();
	test_rate();
	test_senders();
	test_starved();
	test_shares();
	test_batches();
	test_backoff();
	return tap_done();
}
