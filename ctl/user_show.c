/*
 * user_show.c - postrider user list and show: never a hash.
 */
#include "conf/common.h"
#include "ctl.h"
#include "domain.h"
#include "map/map.h"
#include "map/users.h"
#include "proto/agent.h"
#include "sasl/password.h"
#include "user.h"

static const char *
quota_text(uint64_t quota)
{
	struct str s = STR_INIT;
	const char *z;

	if (quota == 0)
		return "-";
	show_size(&s, quota);
	z = arena_strdup(&ctl_arena, s.s);
	str_free(&s);
	return z;
}

static const char *
login_text(const struct user_record *u)
{
	if (u->disabled)
		return "disabled";
	if (u->app.n > 0 && (u->app_only || u->pass.n == 0))
		return "app only";
	return u->pass.n == 0 || sasl_password_locked(u->pass.v[0]) ?
	    "no login" : "yes";
}

/* a member {"name": ..., ...} of both */
static void
add_json(struct str *out, const char *name, const struct user_record *u)
{
	bool first = true;

	str_addc(out, '{');
	json_member(out, &first, "name", name);
	json_int(out, &first, "quota", (int64_t)u->quota);
	json_member(out, &first, "login", login_text(u));
	json_member(out, &first, "home", u->home);
	json_member(out, &first, "services", u->services);
	json_int(out, &first, "app_passwords", (int64_t)u->app.n);
	json_member(out, &first, "forward", u->forward);
	json_member(out, &first, "keep", u->keep ? "yes" : "no");
	json_int(out, &first, "limit_hour", u->limit_hour);
	json_int(out, &first, "limit_day", u->limit_day);
	json_int(out, &first, "limit_new", u->limit_new);
	str_addc(out, '}');
}

struct listing {
	struct table table;
	struct str json;
	bool as_json, first;
	struct err err;
};

static int
list_row(void *ctx, struct slice key, struct slice value)
{
	struct listing *l = ctx;
	struct user_record u;
	const char *name = arena_slice(&ctl_arena, key);
	struct err ignored;

	if (domain_may(name, &ignored) < 0)
		return 0;
	if (user_parse(value, &u, &ctl_arena, &l->err) != 0)
		return err_prefix(&l->err, "%s", name);
	if (l->as_json) {
		str_adds(&l->json, l->first ? "" : ",");
		l->first = false;
		add_json(&l->json, name, &u);
		return 0;
	}
	table_cell(&l->table, name);
	table_cell(&l->table, login_text(&u));
	table_cell(&l->table, quota_text(u.quota));
	return 0;
}

/* --json, and so many words: an exit status */
static int
parse_json(int argc, char **argv, int words, const char *usage, bool *json)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' }, { NULL, 0, NULL, 0 }
	};
	struct err err = ERR_INIT;
	int c;

	while ((c = next_option(argc, argv, ":", longs)) != -1) {
		if (c == '?')
			return EXIT_USAGE;
		*json = true;
	}
	if (argc - optind != words)
		return fail_usage("usage: postrider user %s", usage);
	return instance_load(&err) == 0 ? EXIT_OK : fail_err(&err);
}

int
user_list(int argc, char **argv)
{
	struct listing l = { .table.columns = 3, .json = STR_INIT,
	    .first = true };
	struct err err = ERR_INIT;
	struct map *m;
	int r = parse_json(argc, argv, 0, "list [--json]", &l.as_json);

	if (r != EXIT_OK)
		return r;
	if (map_open("text:users", &m, &err) != 0)
		return fail_err(&err);
	table_cell(&l.table, "NAME");
	table_cell(&l.table, "LOGIN");
	table_cell(&l.table, "QUOTA");
	r = map_each(m, list_row, &l, &err);
	map_close(m);
	if (r != 0)
		return fail_err(l.err.kind != ERR_NONE ? &l.err : &err);
	if (l.as_json)
		printf("[%s]\n", l.json.len > 0 ? l.json.s : "");
	else
		table_print(&l.table);
	str_free(&l.json);
	return EXIT_OK;
}

/* how full it is: only a running suite knows */
static void
print_used(const char *full, const struct user_record *u)
{
	struct local_quota_in in = { .quota = u->quota };
	struct local_quota_out out;
	struct str box = STR_INIT, used = STR_INIT;
	struct err err = ERR_INIT;
	struct ipc c;

	ipc_init(&c, socket_path("local"), 5000);
	if (instance_pid() != 0 &&
	    user_mailbox(slice_of(full), u, &box, &err) == 0) {
		in.mailbox = box.s;
		if (ipc_call(&c, &local_quota, &in, -1, &out, NULL, NULL,
		    &err) == 0) {
			show_size(&used, out.used);
			printf("used      %s%s\n", used.s, out.full ?
			    " (full)" : "");
		}
	}
	ipc_free(&c);
	str_free(&box);
	str_free(&used);
}

void
user_print_quota(const char *full, const struct user_record *u)
{
	printf("quota     %s\n", quota_text(u->quota));
	print_used(full, u);
}

static void
print_home(const char *full, const struct user_record *u)
{
	struct str box = STR_INIT;
	struct err err = ERR_INIT;

	if (u->home[0] != '\0')
		printf("home      %s\n", u->home);
	else if (user_mailbox(slice_of(full), u, &box, &err) == 0)
		printf("home      %s/%s\n", common.mail_dir, box.s);
	str_free(&box);
}

/* the schemes of its verifiers, without what is secret */
static void
print_schemes(const struct user_record *u)
{
	struct slice s;
	size_t i, n;

	for (i = 0; i < u->pass.n; i++) {
		s = slice_of(u->pass.v[i]);
		n = slice_starts(s, "$") ?
		    1 + slice_find(slice_sub(s, 1, s.n), '$') + 1 :
		    slice_find(s, slice_starts(s, "{") ? '}' : '$') + 1;
		printf("verifier  %.*s...\n", (int)MIN(n, MIN(s.n,
		    (size_t)20)), s.p);
	}
}

int
user_show(int argc, char **argv)
{
	struct table_edit e;
	struct user_record u;
	struct str json = STR_INIT;
	const char *full;
	bool as_json = false;
	int r = parse_json(argc, argv, 1, "show [--json] NAME", &as_json);

	if (r == EXIT_OK)
		r = user_edit(&e, argv[optind], true, &u, &full);
	if (r != EXIT_OK)
		return r;
	table_abort(&e);
	if (as_json) {
		add_json(&json, full, &u);
		printf("%s\n", json.s);
		str_free(&json);
		return EXIT_OK;
	}
	printf("name      %s\nlogin     %s\nquota     %s\n", full,
	    login_text(&u), quota_text(u.quota));
	print_home(full, &u);
	if (u.forward[0] != '\0')
		user_print_forward(&u);
	print_used(full, &u);
	printf("services  %s\n", u.services[0] != '\0' ? u.services : "all");
	if (u.app.n > 0)
		printf("app       %zu (user app list)\n", u.app.n);
	if (u.limit_hour > 0 || u.limit_day > 0 || u.limit_new > 0)
		printf("limits    hour=%lld day=%lld new=%lld\n",
		    (long long)u.limit_hour, (long long)u.limit_day,
		    (long long)u.limit_new);
	print_schemes(&u);
	return EXIT_OK;
}
