/*
 * cmd_status.c - postrider status: what runs.  Exit status 0: it runs and is
 * ready, 1: it does not.
 */
#include "base/clock.h"
#include "conf/common.h"
#include "ctl.h"
#include "proto/master.h"

enum how { FOR_PEOPLE, PIDS, JSON };

struct list {
	enum how how;
	struct table table;
	struct str json;
	bool first;
	struct strlist pids;
};

static void
add_json(struct list *l, const struct master_service *s)
{
	struct str *o = &l->json;
	bool first = true;
	size_t i;

	str_adds(o, l->first ? "{" : ",{");
	l->first = false;
	json_member(o, &first, "service", s->service);
	json_member(o, &first, "program", s->program);
	json_member(o, &first, "user", s->user);
	json_member(o, &first, "listen", s->listen);
	json_member(o, &first, "state", s->state);
	json_int(o, &first, "processes", s->processes);
	json_int(o, &first, "busy", s->busy);
	json_int(o, &first, "limit", s->limit);
	json_int(o, &first, "spare", s->spare);
	json_int(o, &first, "spawned", s->spawned);
	json_int(o, &first, "crashes", s->crashes);
	str_adds(o, ",\"pids\":[");
	for (i = 0; i < s->pids.n; i++)
		str_addf(o, "%s%s", i ? "," : "", s->pids.v[i]);
	str_adds(o, "]}");
}

static void
cell_int(struct table *t, int64_t v)
{
	table_cell(t, arena_printf(&ctl_arena, "%lld", (long long)v));
}

static int
on_service(void *ctx, const void *more, struct err *err UNUSED)
{
	const struct master_service *s = more;
	struct list *l = ctx;
	size_t i;

	for (i = 0; i < s->pids.n; i++)
		strlist_add(&l->pids, &ctl_arena, arena_strdup(&ctl_arena,
		    s->pids.v[i]));
	if (l->how == JSON)
		add_json(l, s);
	if (l->how != FOR_PEOPLE)
		return 0;
	table_cell(&l->table, s->service);
	table_cell(&l->table, s->state);
	cell_int(&l->table, s->processes);
	cell_int(&l->table, s->busy);
	cell_int(&l->table, s->limit);
	cell_int(&l->table, s->spawned);
	cell_int(&l->table, s->crashes);
	table_cell(&l->table, s->user);
	table_cell(&l->table, s->listen);
	return 0;
}

static void
print_json(struct list *l, const struct master_status_out *out)
{
	struct str o = STR_INIT;
	bool first = true;

	str_addc(&o, '{');
	json_int(&o, &first, "pid", out->pid);
	json_int(&o, &first, "started", out->started);
	json_int(&o, &first, "generation", out->generation);
	str_addf(&o, ",\"ready\":%s,\"services\":[%s]}",
	    out->ready ? "true" : "false", l->json.s);
	printf("%s\n", o.s);
	str_free(&o);
}

static void
print(struct list *l, const struct master_status_out *out)
{
	struct str age = STR_INIT;
	size_t i;

	if (l->how == JSON) {
		print_json(l, out);
		return;
	}
	if (l->how == PIDS) {
		printf("%lld\n", (long long)out->pid);
		for (i = 0; i < l->pids.n; i++)
			printf("%s\n", l->pids.v[i]);
		return;
	}
	show_age(&age, wall_s() - out->started);
	printf("%s: %s, pid %lld, up %s, configuration %lld\n\n",
	    common.instance_dir[0] ? common.instance_dir : "/",
	    out->ready ? "ready" : "not ready", (long long)out->pid, age.s,
	    (long long)out->generation);
	str_free(&age);
	table_print(&l->table);
}

int
cmd_status(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "pids", no_argument, NULL, 'p' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 }
	};
	static const char *const heads[] = { "SERVICE", "STATE", "PROCS",
	    "BUSY", "LIMIT", "SPAWNED", "CRASHED", "USER", "LISTEN" };
	struct list l = { .table.columns = ARRAY_LEN(heads), .json = STR_INIT,
	    .first = true };
	struct master_status_out out;
	struct err err = ERR_INIT;
	struct ipc ipc;
	size_t i;
	int c;

	while ((c = next_option(argc, argv, "+:", longs)) != -1) {
		if (c == '?')
			return EXIT_USAGE;
		l.how = c == 'p' ? PIDS : JSON;
	}
	if (optind < argc)
		return fail_usage("status takes no arguments");
	if (instance_load(&err) != 0)
		return fail_err(&err);
	if (instance_pid() == 0)
		return fail("%s is not running", common.instance_dir);
	if (!may_ask("master"))
		return EXIT_FAILED;
	for (i = 0; i < ARRAY_LEN(heads); i++)
		table_cell(&l.table, heads[i]);
	ipc_init(&ipc, socket_path("master"), 10000);
	if (ipc_call_more(&ipc, &master_status, NULL, -1, on_service, &l, &out,
	    &err) != 0)
		return fail_err(&err);
	print(&l, &out);
	ipc_free(&ipc);
	str_free(&l.json);
	return EXIT_OK;
}
