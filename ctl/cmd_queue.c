/*
 * cmd_queue.c - postrider queue: questions and orders to qmgr.  Every verb
 * takes the same filters.
 */
#include "base/clock.h"
#include "conf/common.h"
#include "ctl.h"
#include "password.h"
#include "queue.h"
#include "queue_list.h"

enum { CALL_MS = 300000, MORE_MAX = 10000 };

static const struct option longs[] = {
	{ "id", required_argument, NULL, 'i' },
	{ "from", required_argument, NULL, 'f' },
	{ "to", required_argument, NULL, 't' },
	{ "dest", required_argument, NULL, 'd' },
	{ "state", required_argument, NULL, 's' },
	{ "older", required_argument, NULL, 'o' },
	{ "younger", required_argument, NULL, 'y' },
	{ "limit", required_argument, NULL, 'l' },
	{ "json", no_argument, NULL, 'j' },
	{ "yes", no_argument, NULL, 'Y' },
	{ "at", required_argument, NULL, 'a' },
	{ "until", required_argument, NULL, 'a' },
	{ "text", required_argument, NULL, 'T' },
	{ "reason", required_argument, NULL, 'T' },
	{ "concurrency", required_argument, NULL, 'C' },
	{ "rate", required_argument, NULL, 'R' },
	{ NULL, 0, NULL, 0 }
};

static int
take_age(const char *name, const char *arg, int64_t *r)
{
	int64_t ms;

	if (!parse_duration(slice_of(arg), &ms))
		return fail_usage("--%s %s: expected a time such as 30m, 2h "
		    "or 3d", name, arg);
	*r = MAX(ms / 1000, 1);
	return EXIT_OK;
}

/* a filter as the interface's own table reads it */
static int
take_field(struct query *q, const char *name, const char *arg)
{
	const struct field *f = field_find(qmgr_list.in, slice_of(name));
	struct err err = ERR_INIT;

	assert(f != NULL);
	if (field_set(f, &q->filter, slice_of(arg), &ctl_arena, &err) != 0)
		return fail_usage("--%s", err.text);
	return EXIT_OK;
}

/* a limit as the interface's own table reads it */
static int
take_limit(struct query *q, const char *name, struct slice arg)
{
	struct err err = ERR_INIT;

	if (field_set(field_find(qmgr_limit.in, slice_of(name)), &q->limit,
	    arg, &ctl_arena, &err) != 0)
		return fail_usage("--%s", err.text);
	return EXIT_OK;
}

static int
take_rate(struct query *q, const char *arg)
{
	struct slice rest = slice_of(arg), n;
	int64_t ms;

	slice_cut(&rest, '/', &n);
	if (!parse_duration(rest, &ms) || ms < 1000)
		return fail_usage("--rate %s: expected messages/time, such as "
		    "100/1h", arg);
	q->limit.seconds = ms / 1000;
	return take_limit(q, "messages", n);
}

static int
take_when(struct query *q, const char *arg)
{
	if (parse_when(arg, wall_s(), &q->at) && q->at > 0)
		return EXIT_OK;
	return fail_usage("%s: expected a time such as 2h, 18:30 or "
	    "2026-11-24T08:00", arg);
}

static int
take_option(struct query *q, int c)
{
	switch (c) {
	case 'j':
		q->json = true;
		return EXIT_OK;
	case 'Y':
		q->yes = true;
		return EXIT_OK;
	case 'l':
		return take_field(q, "limit", optarg);
	case 'a':
		return take_when(q, optarg);
	case 'T':
		q->text = optarg;
		return EXIT_OK;
	case 'C':
		return take_limit(q, "concurrency", slice_of(optarg));
	case 'R':
		return take_rate(q, optarg);
	}
	q->any = true;
	switch (c) {
	case 'i':
		return take_field(q, "q", optarg);
	case 'f':
		return take_field(q, "from", optarg);
	case 't':
		return take_field(q, "to", optarg);
	case 'd':
		return take_field(q, "dest", optarg);
	case 's':
		return take_field(q, "state", optarg);
	case 'o':
		return take_age("older", optarg, &q->filter.older);
	case 'y':
		return take_age("younger", optarg, &q->filter.younger);
	}
	return EXIT_USAGE;
}

int
queue_parse(int argc, char **argv, struct query *q)
{
	struct err err = ERR_INIT;
	int c, r;

	*q = (struct query){ .text = "" };
	field_defaults(qmgr_list.in, &q->filter, &ctl_arena);
	field_defaults(qmgr_limit.in, &q->limit, &ctl_arena);
	while ((c = next_option(argc, argv, ":", longs)) != -1) {
		r = take_option(q, c);
		if (r != EXIT_OK)
			return r;
	}
	q->ids = argv + optind;
	q->n_ids = argc - optind;
	q->any |= q->n_ids > 0;
	if (q->filter.limit < 0)
		return fail_usage("--limit: expected a number");
	return instance_load(&err) == 0 ? EXIT_OK : fail_err(&err);
}

int
queue_each(struct query *q, queue_each_fn *fn, void *ctx)
{
	struct err err = ERR_INIT;
	struct ipc c;
	int i = 0, r;

	if (!may_ask("qmgr"))
		return EXIT_FAILED;
	ipc_init(&c, socket_path("qmgr"), CALL_MS);
	do {
		if (q->n_ids > 0)
			q->filter.q = q->ids[i];
		r = fn(&c, &q->filter, ctx, &err);
	} while (r == 0 && ++i < q->n_ids);
	ipc_free(&c);
	if (r != 0 && instance_pid() == 0)
		return fail("%s is not running", common.instance_dir);
	return r == 0 ? EXIT_OK : fail_err(&err);
}

static int
list_one(struct ipc *c, const struct qmgr_filter *f, void *ctx,
    struct err *err)
{
	return queue_pages(c, f, ctx, err);
}

/* the figures of what was listed, and of what --limit left out */
static void
end_list(const struct query *q, const struct listing *l)
{
	struct listing more = { .quiet = true, .text = STR_INIT };
	struct qmgr_filter f = q->filter;
	struct err err = ERR_INIT;
	struct ipc c;

	print_counts(l->messages, l->rcpts);
	if (f.limit == 0 || l->messages < f.limit || q->n_ids > 0)
		return;
	f.after = l->last;
	f.limit = MORE_MAX;
	ipc_init(&c, socket_path("qmgr"), CALL_MS);
	if (queue_pages(&c, &f, &more, &err) == 0 && more.messages > 0)
		printf("%s%lld more\n", more.messages >= MORE_MAX ?
		    "at least " : "", (long long)more.messages);
	ipc_free(&c);
}

static int
queue_list(int argc, char **argv)
{
	struct listing l = { .first = true, .now = wall_s(),
	    .text = STR_INIT };
	struct query q;
	int r = queue_parse(argc, argv, &q);

	if (r != EXIT_OK)
		return r;
	l.json = q.json;
	r = queue_each(&q, list_one, &l);
	if (r == EXIT_OK && q.json)
		printf("%s]\n", l.first ? "[" : "");
	else if (r == EXIT_OK && l.messages == 0)
		printf("no messages%s\n", q.any ? " match" : "");
	else if (r == EXIT_OK)
		end_list(&q, &l);
	str_free(&l.text);
	return r;
}

/* --- orders --- */

struct order {
	const struct verb_def *def;
	int64_t value;		/* of schedule and priority */
	struct qmgr_count n;
};

int
queue_order(struct ipc *c, const struct verb_def *v, const void *in,
    struct qmgr_filter *f, struct qmgr_count *sum, struct err *err)
{
	bool all = f->limit == 0;
	struct qmgr_count n;

	do {
		if (ipc_call(c, v, in, -1, &n, NULL, NULL, err) != 0)
			return -1;
		sum->messages += n.messages;
		sum->rcpts += n.rcpts;
		f->after = arena_strdup(&ctl_arena, n.next);
		f->limit -= all ? 0 : n.messages;
	} while (*n.next && (all || f->limit > 0));
	return 0;
}

static int
order_one(struct ipc *c, const struct qmgr_filter *f, void *ctx,
    struct err *err)
{
	struct order *o = ctx;
	struct qmgr_schedule_in at = { *f, o->value };
	struct qmgr_priority_in prio = { *f, o->value };

	if (o->def == &qmgr_schedule)
		return queue_order(c, o->def, &at, &at.f, &o->n, err);
	if (o->def == &qmgr_priority)
		return queue_order(c, o->def, &prio, &prio.f, &o->n, err);
	at.f = *f;
	return queue_order(c, o->def, &at.f, &at.f, &o->n, err);
}

static void
print_order(const char *done, const struct order *o)
{
	printf("%s: ", done);
	print_counts(o->n.messages, o->n.rcpts);
}

static int
run_change(struct query *q, const struct verb_def *def, int64_t value,
    const char *done)
{
	struct order o = { def, value, { 0 } };
	int r = queue_each(q, order_one, &o);

	if (r != EXIT_OK)
		return r;
	if (q->json)
		printf("{\"messages\":%lld,\"recipients\":%lld}\n",
		    (long long)o.n.messages, (long long)o.n.rcpts);
	else
		print_order(done, &o);
	/* a name that names nothing is a mistake */
	return o.n.messages == 0 && q->n_ids > 0 ? EXIT_FAILED : EXIT_OK;
}

static int
run_order(struct query *q, const struct verb_def *def, const char *done)
{
	if (q->at != 0)
		return fail_usage("--at and --until are for hold and "
		    "release");
	return run_change(q, def, 0, done);
}

/* hold --until and release --at are the same: both wait for their time */
static int
run_hold(struct query *q, const struct verb_def *def, const char *done)
{
	if (q->at == 0)
		return run_order(q, def, done);
	if (q->at <= wall_s())
		return fail_usage("that time has passed");
	return run_change(q, &qmgr_schedule, q->at, "scheduled");
}

static int
queue_flush(int argc, char **argv)
{
	struct query q;
	int r = queue_parse(argc, argv, &q);

	return r == EXIT_OK ? run_order(&q, &qmgr_flush, "to be tried now") :
	    r;
}

static int
queue_hold(int argc, char **argv)
{
	struct query q;
	int r = queue_parse(argc, argv, &q);

	return r == EXIT_OK ? run_hold(&q, &qmgr_hold, "on hold") : r;
}

static int
queue_release(int argc, char **argv)
{
	struct query q;
	int r = queue_parse(argc, argv, &q);

	return r == EXIT_OK ? run_hold(&q, &qmgr_release, "released") : r;
}

static int
queue_priority(int argc, char **argv)
{
	struct qmgr_priority_in in = { .priority = 0 };
	struct err err = ERR_INIT;
	struct query q;
	int r;

	if (argc < 2)
		return fail_usage("usage: postrider queue priority N "
		    "[FILTER]... [ID]...");
	/* it may be negative, and is no option then */
	if (field_set(field_find(qmgr_priority.in, slice_of("priority")), &in,
	    slice_of(argv[1]), &ctl_arena, &err) != 0)
		return fail_usage("%s", err.text);
	r = queue_parse(argc - 1, argv + 1, &q);
	if (r == EXIT_OK && !q.any)
		r = fail_usage("priority of which messages?  Say an id or a "
		    "filter");
	return r == EXIT_OK ? run_change(&q, &qmgr_priority, in.priority,
	    "changed") : r;
}

static int
queue_delete(int argc, char **argv)
{
	struct query q;
	int r = queue_parse(argc, argv, &q);

	if (r != EXIT_OK)
		return r;
	if (!q.any && !q.yes &&
	    !confirmed("Delete every message of the queue?"))
		return fail("nothing was deleted; to delete every message, "
		    "say --yes");
	return run_order(&q, &qmgr_delete, "deleted");
}

/* --- show --- */

static int
copy_fd(int fd)
{
	char buf[65536];
	off_t at = 0;
	ssize_t n;

	fflush(stdout);
	while ((n = pread(fd, buf, sizeof(buf), at)) > 0) {
		if (full_write(STDOUT_FILENO, buf, (size_t)n) != 0)
			return -1;
		at += n;
	}
	return n < 0 ? -1 : 0;
}

static int
show_one(struct ipc *c, const struct qmgr_filter *f, void *ctx,
    struct err *err)
{
	struct qmgr_count n;

	if (ipc_call_more(c, &qmgr_show, f, -1, queue_items, ctx, &n, err) != 0)
		return -1;
	if (((struct listing *)ctx)->json || c->reply.fd < 0)
		return 0;
	printf("\n");
	if (copy_fd(c->reply.fd) != 0)
		return err_sys(err, "cannot copy the message");
	return 0;
}

static int
queue_show(int argc, char **argv)
{
	struct listing l = { .first = true, .now = wall_s(),
	    .text = STR_INIT };
	struct query q;
	int r = queue_parse(argc, argv, &q);

	if (r != EXIT_OK)
		return r;
	if (q.n_ids == 0 && q.filter.q[0] == '\0')
		return fail_usage("usage: postrider queue show [--json] ID");
	l.json = q.json;
	r = queue_each(&q, show_one, &l);
	if (r == EXIT_OK && q.json)
		printf("%s]\n", l.first ? "[" : "");
	str_free(&l.text);
	return r;
}

static void
print_stats(const struct qmgr_stats *s, bool json)
{
	const struct field *f;
	struct str o = STR_INIT;
	bool first = true;

	for (f = qmgr_stat.out; f->kind != FIELD_END; f++) {
		int64_t v = *(const int64_t *)((const char *)s + f->offset);

		if (json)
			json_int(&o, &first, f->name, v);
		else
			str_addf(&o, "%-10s %12lld  %s\n", f->name,
			    (long long)v, f->doc);
	}
	printf(json ? "{%s}\n" : "%s", o.s);
	str_free(&o);
}

static int
stats_one(struct ipc *c, const struct qmgr_filter *f UNUSED, void *ctx,
    struct err *err)
{
	return ipc_call(c, &qmgr_stat, NULL, -1, ctx, NULL, NULL, err);
}

static int
queue_stats(int argc, char **argv)
{
	struct qmgr_stats s;
	struct query q;
	int r = queue_parse(argc, argv, &q);

	if (r == EXIT_OK)
		r = queue_each(&q, stats_one, &s);
	if (r == EXIT_OK)
		print_stats(&s, q.json);
	return r;
}

static const struct cmd verbs[] = {
	{ "list", queue_list, "[FILTER]... [ID]...", "messages and why they "
	    "wait" },
	{ "show", queue_show, "ID", "one message with its content" },
	{ "flush", queue_flush, "[FILTER]... [ID]...", "try now" },
	{ "hold", queue_hold, "[--until T] [FILTER]... [ID]...",
	    "keep back" },
	{ "release", queue_release, "[--at T] [FILTER]... [ID]...", "end a "
	    "hold or a schedule" },
	{ "priority", queue_priority, "N [FILTER]... [ID]...", "-9 to 9: "
	    "higher goes first" },
	{ "delete", queue_delete, "[FILTER]... [ID]...", "remove without a "
	    "report (all: --yes)" },
	{ "bounce", queue_bounce, "[--text T] [FILTER]... [ID]...",
	    "fail now, with a report" },
	{ "expire", queue_expire, "[--text T] [FILTER]... [ID]...",
	    "as if the time was over" },
	{ "reroute", queue_reroute, "TO [FILTER]... [ID]...",
	    "to TRANSPORT:NEXTHOP, or \"router\"" },
	{ "dests", queue_dests, "[PATTERN]", "destinations and their health" },
	{ "pause", queue_pause, "NAME [--until T] [--reason T]",
	    "nothing more goes there" },
	{ "slow", queue_slow, "NAME [--concurrency N] [--rate N/T]",
	    "less goes there" },
	{ "resume", queue_resume, "NAME", "end that, or a suspension" },
	{ "limits", queue_limits, "", "what is paused or slowed down" },
	{ "transfer", queue_transfer, "[FILTER]... -- COMMAND...", "to "
	    "another instance: COMMAND runs `queue import' there" },
	{ "export", queue_export, "FILE [FILTER]...", "into a file" },
	{ "import", queue_import, "[FILE]", "of another instance" },
	{ "stats", queue_stats, "[--json]", "figures" },
	{ NULL, NULL, NULL, NULL }
};

int
cmd_queue(int argc, char **argv)
{
	if (argc < 2) {
		printf("usage: postrider queue VERB ...\n\n");
		print_cmds(verbs, "queue ");
		printf("\nFILTER: --from A --to A --dest D --state S "
		    "--older T --younger T --id Q --limit N\n"
		    "  A is an address, @domain, <> or a pattern with * and "
		    "?; S is one of\n  " QMGR_STATES "; --json for "
		    "programs.\n");
		return EXIT_USAGE;
	}
	return run_cmd(verbs, "queue verb", argc - 1, argv + 1);
}

int
mailq_main(int argc UNUSED, char **argv UNUSED)
{
	char *words[] = { (char *)"list", NULL };

	restart_options();
	return queue_list(1, words);
}
