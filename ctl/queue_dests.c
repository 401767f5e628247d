/*
 * queue_dests.c - postrider queue dests, pause, slow, resume, limits: what
 * holds for destinations.
 */
#include "base/clock.h"
#include "conf/common.h"
#include "conf/conf.h"
#include "ctl.h"
#include "queue.h"

#include <time.h>

/* --- dests --- */

struct dest_list {
	bool json, first;
	int64_t now;
	int64_t n;
};

static void
print_json(struct dest_list *l, const struct qmgr_dest *d)
{
	struct str o = STR_INIT;
	bool first = true;

	json_member(&o, &first, "transport", d->transport);
	json_member(&o, &first, "nexthop", d->nexthop);
	json_member(&o, &first, "site", d->site);
	json_member(&o, &first, "state", d->paused ? "paused" : d->until != 0 ?
	    "suspended" : "open");
	json_int(&o, &first, "window", d->window);
	json_int(&o, &first, "limit", d->limit);
	json_int(&o, &first, "busy", d->busy);
	json_int(&o, &first, "agents", d->agents);
	json_int(&o, &first, "active", d->active);
	json_int(&o, &first, "waiting", d->waiting);
	json_int(&o, &first, "suspended_until", d->until);
	json_int(&o, &first, "failures", d->failures);
	json_int(&o, &first, "next", d->next);
	json_int(&o, &first, "rate_ms", d->rate_ms);
	json_int(&o, &first, "site_busy", d->site_busy);
	json_int(&o, &first, "site_limit", d->site_limit);
	json_member(&o, &first, "status", d->dsn);
	json_member(&o, &first, "text", d->text);
	printf("%s{%s}", l->first ? "[" : ",\n", o.s);
	str_free(&o);
}

static void
print_state(const struct dest_list *l, const struct qmgr_dest *d)
{
	struct str age = STR_INIT;

	if (d->paused) {
		printf("paused");
	} else if (d->until > l->now) {
		show_age(&age, d->until - l->now);
		printf("suspended for %s", age.s);
	} else {
		printf("open");
	}
	if (d->failures > 0)
		printf(", %lld failure%s", (long long)d->failures,
		    d->failures == 1 ? "" : "s");
	if (d->rate_ms > 0)
		printf(", one in %lld ms", (long long)d->rate_ms);
	if (*d->site)
		printf(", site %s", d->site);
	if (d->site_limit > 0)
		printf(" (%lld of %lld)", (long long)d->site_busy,
		    (long long)d->site_limit);
	str_free(&age);
}

static void
print_dest(struct dest_list *l, const struct qmgr_dest *d)
{
	char window[32];

	if (l->first)
		printf("%7s %7s %9s  %s\n", "WAITING", "ACTIVE", "WINDOW",
		    "DESTINATION");
	snprintf(window, sizeof(window), "%lld/%lld", (long long)d->busy,
	    (long long)d->window);
	printf("%6lld%s %7lld %9s  %s:%s  ", (long long)d->waiting,
	    d->waiting >= QMGR_COUNT_MAX ? "+" : " ", (long long)d->active,
	    window, d->transport, d->nexthop);
	print_state(l, d);
	if (*d->text)
		printf("\n%28s[%s %s]", "", d->dsn, d->text);
	printf("\n");
}

static int
on_dest(void *ctx, const void *more, struct err *err UNUSED)
{
	struct dest_list *l = ctx;

	if (l->json)
		print_json(l, more);
	else
		print_dest(l, more);
	l->first = false;
	l->n++;
	return 0;
}

struct dests_query {
	struct dest_list list;
	struct qmgr_dests_in in;
};

static int
ask_dests(struct ipc *c, const struct qmgr_filter *f, void *ctx,
    struct err *err)
{
	struct dests_query *q = ctx;
	struct qmgr_dests_out out;

	q->in.name = f->q;
	q->in.after = 0;
	do {
		if (ipc_call_more(c, &qmgr_dests, &q->in, -1, on_dest,
		    &q->list, &out, err) != 0)
			return -1;
		q->in.after = out.next;
	} while (out.next != 0);
	return 0;
}

int
queue_dests(int argc, char **argv)
{
	struct dests_query d = { .list = { .first = true, .now = wall_s() },
	    .in = { .count = true } };
	struct query q;
	int r = queue_parse(argc, argv, &q);

	if (r != EXIT_OK)
		return r;
	if (*q.filter.dest)
		q.filter.q = q.filter.dest;
	d.list.json = q.json;
	r = queue_each(&q, ask_dests, &d);
	if (r == EXIT_OK && q.json)
		printf("%s]\n", d.list.first ? "[" : "");
	else if (r == EXIT_OK && d.list.n == 0)
		printf("no destinations\n");
	return r;
}

/* --- pause, slow, resume, limits --- */

/* a next hop alone is one of smtp; it may have a port, and no transport has a
 * dot in its name */
static const char *
full_name(const char *name)
{
	size_t n = strcspn(name, ":");

	return name[n] == ':' && *name != '[' &&
	    memchr(name, '.', n) == NULL ? name :
	    arena_printf(&ctl_arena, "smtp:%s", name);
}

struct named {
	const char *name;
	bool found;
};

static int
on_setting(void *ctx, struct slice section, struct slice name UNUSED,
    struct slice value UNUSED, struct err *err UNUSED)
{
	struct named *n = ctx;

	n->found |= slice_eqz(section, n->name);
	return 0;
}

/* Who says "smtp" means all of it, not a host of that name. */
static int
check_names(const struct query *q)
{
	const char *path = common_path(common.conf_dir, "master.conf");
	struct err ignored = ERR_INIT;
	struct named n;
	int i;

	for (i = 0; i < q->n_ids; i++) {
		n = (struct named){ q->ids[i], false };
		if (strpbrk(n.name, ".:") == NULL)
			(void)conf_read(path, true, on_setting, &n, &ignored);
		if (n.found)
			return fail_usage("%s is a service: %s: is all that "
			    "goes by it, smtp:%s a next hop of that name",
			    n.name, n.name, n.name);
	}
	return EXIT_OK;
}

static int
set_limit(struct ipc *c, const struct qmgr_filter *f, void *ctx,
    struct err *err)
{
	struct qmgr_limit in = *(const struct qmgr_limit *)ctx;
	struct qmgr_count n;

	in.name = full_name(f->q);
	if (ipc_call(c, &qmgr_limit, &in, -1, &n, NULL, NULL, err) != 0)
		return -1;
	printf("%s: %s\n", in.paused ? "paused" : "slowed down", in.name);
	return 0;
}

static int
limit(int argc, char **argv, bool pause)
{
	struct query q;
	int r = queue_parse(argc, argv, &q);

	if (r != EXIT_OK)
		return r;
	if (q.n_ids == 0)
		return fail_usage("which destination?  Say a next hop, "
		    "TRANSPORT:NEXTHOP, TRANSPORT: or site:NAME");
	if (!pause && q.limit.concurrency == 0 && q.limit.messages == 0)
		return fail_usage("how slow?  Say --concurrency N or --rate "
		    "N/T");
	r = check_names(&q);
	if (r != EXIT_OK)
		return r;
	q.limit.paused = pause;
	q.limit.reason = q.text;
	q.limit.until = q.at;
	return queue_each(&q, set_limit, &q.limit);
}

int
queue_pause(int argc, char **argv)
{
	return limit(argc, argv, true);
}

int
queue_slow(int argc, char **argv)
{
	return limit(argc, argv, false);
}

static int
resume_one(struct ipc *c, const struct qmgr_filter *f, void *ctx UNUSED,
    struct err *err)
{
	struct qmgr_resume_in in = { full_name(f->q) };
	struct qmgr_count n;

	if (ipc_call(c, &qmgr_resume, &in, -1, &n, NULL, NULL, err) != 0)
		return -1;
	printf("resumed: %s\n", in.name);
	return 0;
}

int
queue_resume(int argc, char **argv)
{
	struct query q;
	int r = queue_parse(argc, argv, &q);

	if (r != EXIT_OK)
		return r;
	if (q.n_ids == 0)
		return fail_usage("usage: postrider queue resume NAME...");
	r = check_names(&q);
	if (r != EXIT_OK)
		return r;
	return queue_each(&q, resume_one, NULL);
}

static void
limit_json(struct dest_list *l, const struct qmgr_limit *m)
{
	struct str o = STR_INIT;
	bool first = true;

	json_member(&o, &first, "name", m->name);
	json_member(&o, &first, "action", m->paused ? "pause" : "slow");
	json_int(&o, &first, "concurrency", m->concurrency);
	json_int(&o, &first, "messages", m->messages);
	json_int(&o, &first, "seconds", m->seconds);
	json_int(&o, &first, "since", m->since);
	json_int(&o, &first, "until", m->until);
	json_member(&o, &first, "reason", m->reason);
	printf("%s{%s}", l->first ? "[" : ",\n", o.s);
	str_free(&o);
}

static void
limit_text(const struct dest_list *l, const struct qmgr_limit *m)
{
	struct str o = STR_INIT;

	str_addf(&o, "%s  %s", m->name, m->paused ? "paused" : "slow");
	if (m->concurrency > 0)
		str_addf(&o, ", %lld at a time", (long long)m->concurrency);
	if (m->messages > 0) {
		str_addf(&o, ", %lld in ", (long long)m->messages);
		show_age(&o, m->seconds);
	}
	str_adds(&o, ", since ");
	show_age(&o, MAX(0, l->now - m->since));
	if (m->until != 0) {
		str_adds(&o, ", for ");
		show_age(&o, MAX(0, m->until - l->now));
	}
	if (*m->reason)
		str_addf(&o, ": %s", m->reason);
	printf("%s\n", o.s);
	str_free(&o);
}

static int
on_limit(void *ctx, const void *more, struct err *err UNUSED)
{
	struct dest_list *l = ctx;

	if (l->json)
		limit_json(l, more);
	else
		limit_text(l, more);
	l->first = false;
	return 0;
}

static int
ask_limits(struct ipc *c, const struct qmgr_filter *f UNUSED, void *ctx,
    struct err *err)
{
	return ipc_call_more(c, &qmgr_limits, NULL, -1, on_limit, ctx, NULL,
	    err);
}

int
queue_limits(int argc, char **argv)
{
	struct dest_list l = { .first = true, .now = wall_s() };
	struct query q;
	int r = queue_parse(argc, argv, &q);

	if (r != EXIT_OK)
		return r;
	q.n_ids = 0;
	l.json = q.json;
	r = queue_each(&q, ask_limits, &l);
	if (r == EXIT_OK && q.json)
		printf("%s]\n", l.first ? "[" : "");
	else if (r == EXIT_OK && l.first)
		printf("nothing is paused or slowed down\n");
	return r;
}
