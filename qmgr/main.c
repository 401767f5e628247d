/*
 * main.c - qmgr: the queue manager.
 */
#include "qmgr.h"

#include <event2/event.h>

enum { LOCK_WAIT_MS = 60000, TICK_MS = 1000, SOON_MS = 10, IDLE_PAGES = 64 };

struct qmgr qmgr;
static struct event *tick_ev, *sweep_ev, *drain_ev;
static int64_t drain_end, ticked_commits;

static void
after(struct event *ev, int64_t ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	if (event_add(ev, &tv) < 0)
		die("event_add");
}

static struct event *
timer(event_callback_fn fn)
{
	struct event *ev = event_new(hub_base, -1, 0, fn, NULL);

	if (ev == NULL)
		die("event_new");
	return ev;
}

/* the log goes into the file while nobody waits for a commit */
static void
checkpoint_idle(void)
{
	if (qmgr.commits == ticked_commits)
		commit_checkpoint(IDLE_PAGES);
	ticked_commits = qmgr.commits;
}

static void
on_tick(evutil_socket_t fd UNUSED, short what UNUSED, void *arg UNUSED)
{
	static int64_t last;
	int64_t now = wall_s(), ms = mono_ms();
	bool more = false;

	if (ms - last >= TICK_MS) {
		last = ms;
		dests_tick(now);
		agents_tick();
		curbs_tick(now);
		expire_due(now);
		report_tick(now);
		checkpoint_idle();
	}
	if (!qmgr.draining)
		more = load_due(now);
	if (dests_to_write())
		commit_now();
	deliver_all();
	after(tick_ev, more ? SOON_MS : TICK_MS);
}

static void
on_sweep(evutil_socket_t fd UNUSED, short what UNUSED, void *arg UNUSED)
{
	after(sweep_ev, sweep_step());
}

static int
check(struct err *err)
{
	const struct strlist *l = &qmgr.conf.transport_limits;
	struct slice rest, part;
	uint64_t v;
	size_t i, k;

	for (i = 0; i < l->n; i++) {
		rest = slice_of(l->v[i]);
		slice_cut(&rest, ':', &part);
		for (k = 0; slice_cut(&rest, ':', &part); k++)
			if (!slice_u64(part, 10000, &v) || v == 0)
				k = 4;
		if (k < 1 || k > 4)
			return err_perm(err, "5.3.5", "transport_limits: %s: "
			    "expected name:agents:requests:concurrency:"
			    "initial", l->v[i]);
	}
	return 0;
}

static int
before_jail(struct err *err)
{
	jail_path(common.spool_dir, PATH_ALL);
	restore_before_jail();
	if (places_before_jail(err) != 0 || policy_before_jail(err) != 0 ||
	    rules_before_jail(err) != 0)
		return -1;
	return sync_before_jail(err);
}

static void
at_exit(void)
{
	commit_now();
	/* the journal has what is still under way; who looks into the spool
	 * meanwhile sees it, too */
	afloat_anchor_to(INT64_MAX);
	qdb_close(qmgr.db);
}

static int
start(struct err *err)
{
	char *path = xasprintf("%s/queue.db", common.spool_dir);
	int64_t began = mono_ms();
	int rc;

	qmgr.started_us = wall_us();
	rc = qdb_open(path, (int64_t)(qmgr.conf.database_cache >> 10),
	    LOCK_WAIT_MS, &qmgr.db, err);
	free(path);
	if (rc != 0)
		return -1;
	recent_open();
	commit_init();
	deliver_init();
	afloat_init();
	if (settle_load(err) != 0 || curbs_load(err) != 0 ||
	    load_fresh(err) != 0 || restore(err) != 0)
		return -1;
	atexit(at_exit);
	tick_ev = timer(on_tick);
	sweep_ev = timer(on_sweep);
	after(tick_ev, 0);
	after(sweep_ev, TICK_MS);
	log_event(LOG_INFO, "ready", KU("fresh", qmgr.messages),
	    KI("ms", mono_ms() - began), KEND);
	return 0;
}

static void
on_drain(evutil_socket_t fd UNUSED, short what UNUSED, void *arg UNUSED)
{
	bool busy = deliver_under_way() > 0 || report_under_way() > 0;

	/* a report comes back to us, through a new cleanup perhaps */
	hub_stay_open(report_under_way() > 0 && mono_ms() < drain_end);
	if (!busy)
		epoch_now();
	if ((busy || epoch_pending()) && mono_ms() < drain_end) {
		after(drain_ev, SOON_MS);
		return;
	}
	commit_now();
	hub_exit();
}

/* nothing new goes out; what is under way is waited for */
static void
drain(void)
{
	qmgr.draining = true;
	drain_end = mono_ms() + qmgr.conf.drain_timeout;
	drain_ev = timer(on_drain);
	after(drain_ev, 0);
}

static const struct verb verbs[] = {
	{ &qmgr_rcpt, enqueue_rcpt, PEER_QUEUE },
	{ &qmgr_enqueue, enqueue, PEER_QUEUE },
	{ &qmgr_settle, settle, PEER_QUEUE },
	{ &qmgr_list, admin_list, PEER_ADMIN },
	{ &qmgr_flush, admin_flush, PEER_ADMIN },
	{ &qmgr_hold, admin_hold, PEER_ADMIN },
	{ &qmgr_release, admin_release, PEER_ADMIN },
	{ &qmgr_delete, admin_delete, PEER_ADMIN },
	{ &qmgr_schedule, admin_schedule, PEER_ADMIN },
	{ &qmgr_priority, admin_priority, PEER_ADMIN },
	{ &qmgr_bounce, admin_bounce, PEER_ADMIN },
	{ &qmgr_expire, admin_expire, PEER_ADMIN },
	{ &qmgr_reroute, admin_reroute, PEER_ADMIN },
	{ &qmgr_take, admin_take, PEER_ADMIN },
	{ &qmgr_envelope, admin_envelope, PEER_ADMIN },
	{ &qmgr_transferred, admin_transferred, PEER_ADMIN },
	{ &qmgr_imported, admin_imported, PEER_ADMIN },
	{ &qmgr_limit, admin_limit, PEER_ADMIN },
	{ &qmgr_resume, admin_resume, PEER_ADMIN },
	{ &qmgr_limits, admin_limits, PEER_ADMIN },
	{ &qmgr_dests, admin_dests, PEER_ADMIN },
	{ &qmgr_show, admin_show, PEER_ADMIN },
	{ &qmgr_stat, admin_stat, PEER_ADMIN },
	{ 0 }
};

static const struct daemon daemon_qmgr = {
	.name = "qmgr", .kind = SERVE_EVENT, .run = hub_run,
	.fields = qmgr_fields,
	.conf = &qmgr.conf, .check = check, .before_jail = before_jail,
	.start = start, .verbs = verbs, .conn_open = enqueue_open,
	.conn_close = enqueue_close, .drain = drain, .drain_limited = true,
	.jail = { .groups = JAIL_FILES | JAIL_WRITE | JAIL_UNIX |
	    JAIL_SQLITE | JAIL_EPOLL | JAIL_THREAD, .files = 4096 },
};

int
main(int argc, char **argv)
{
	return serve_main(argc, argv, &daemon_qmgr);
}
