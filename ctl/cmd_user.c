/*
 * cmd_user.c - postrider user: accounts in conf/users.
 */
#include "base/clock.h"
#include "conf/common.h"
#include "ctl.h"
#include "map/map.h"
#include "map/users.h"
#include "password.h"
#include "proto/agent.h"
#include "sasl/password.h"
#include "users.h"

enum { IMPORT_MAX = 256 << 20 };

static const struct option no_options[] = { { NULL, 0, NULL, 0 } };

/* parse no options, load the instance, check the number of words */
static int
begin(int argc, char **argv, int min, int max, const char *usage)
{
	struct err err = ERR_INIT;

	if (next_option(argc, argv, "+:", no_options) != -1)
		return EXIT_USAGE;
	if (argc - optind < min || argc - optind > max)
		return fail_usage("usage: postrider user %s", usage);
	return instance_load(&err) == 0 ? EXIT_OK : fail_err(&err);
}

static int
set_password(struct user_record *u, const char *arg)
{
	struct str pw = STR_INIT;
	struct err err = ERR_INIT;
	int r = password_get(arg, &pw);

	if (r == EXIT_OK && users_set_password(u, pw.s, &err) != 0)
		r = fail_err(&err);
	if (pw.cap > 0)
		explicit_bzero(pw.s, pw.cap);
	str_free(&pw);
	return r;
}

/* begin an edit and find the account: must it be there? */
static int
edit(struct users_edit *e, const char *name, bool there,
    struct user_record *u, const char **full_r)
{
	struct err err = ERR_INIT;
	const char *full = users_name(name, &err);
	int r;

	if (full == NULL || users_begin(e, &err) != 0)
		return fail_err(&err);
	*full_r = full;
	field_defaults(user_fields, u, &ctl_arena);
	r = users_get(e, full, u, &err);
	if (r == (there ? 1 : 0))
		return EXIT_OK;
	users_abort(e);
	if (r < 0)
		return fail_err(&err);
	return there ? fail("there is no account %s", full) :
	    fail("the account %s is there already", full);
}

static int
finish(struct users_edit *e, const char *full, const char *what)
{
	struct err err = ERR_INIT;

	if (users_commit(e, &err) != 0)
		return fail_err(&err);
	printf("%s: %s\n", full, what);
	return EXIT_OK;
}

static int
user_add(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "quota", required_argument, NULL, 'q' },
		{ "hash", required_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	struct users_edit e;
	struct user_record u;
	const char *full, *given = NULL;
	struct err err = ERR_INIT;
	uint64_t quota = 0;
	int c, r;

	while ((c = next_option(argc, argv, ":", longs)) != -1) {
		if (c == 'h')
			given = optarg;
		else if (c != 'q')
			return EXIT_USAGE;
		else if (!parse_size(slice_of(optarg), &quota))
			return fail_usage("--quota %s: expected a size such "
			    "as 500M", optarg);
	}
	if (argc - optind < 1 || argc - optind > 2)
		return fail_usage("usage: postrider user add [--quota SIZE] "
		    "[--hash HASH] NAME [PASSWORD]");
	if (instance_load(&err) != 0)
		return fail_err(&err);
	field_defaults(user_fields, &u, &ctl_arena);
	r = edit(&e, argv[optind], false, &u, &full);
	if (r == EXIT_OK && given != NULL)
		strlist_add(&u.pass, &ctl_arena, given);
	else if (r == EXIT_OK)
		r = set_password(&u, optind + 1 < argc ? argv[optind + 1] :
		    NULL);
	if (r == EXIT_OK) {
		u.quota = quota;
		users_put(&e, full, &u);
		r = finish(&e, full, "added");
	}
	return r;
}

static int
user_delete(int argc, char **argv)
{
	struct users_edit e;
	struct user_record u;
	const char *full;
	int r = begin(argc, argv, 1, 1, "delete NAME");

	if (r == EXIT_OK)
		r = edit(&e, argv[optind], true, &u, &full);
	if (r != EXIT_OK)
		return r;
	(void)users_remove(&e, full);
	return finish(&e, full, "deleted; its mail is kept");
}

static int
user_passwd(int argc, char **argv)
{
	struct users_edit e;
	struct user_record u;
	const char *full;
	int r = begin(argc, argv, 1, 2, "passwd NAME [PASSWORD]");

	if (r == EXIT_OK)
		r = edit(&e, argv[optind], true, &u, &full);
	if (r == EXIT_OK)
		r = set_password(&u, optind + 1 < argc ? argv[optind + 1] :
		    NULL);
	if (r == EXIT_OK) {
		users_put(&e, full, &u);
		r = finish(&e, full, "new password");
	}
	return r;
}

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
	return u->pass.n == 0 || sasl_password_locked(u->pass.v[0]) ?
	    "no login" : "yes";
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
	bool first = true;

	if (user_parse(value, &u, &ctl_arena, &l->err) != 0)
		return err_prefix(&l->err, "%s", name);
	if (l->as_json) {
		str_adds(&l->json, l->first ? "{" : ",{");
		l->first = false;
		json_member(&l->json, &first, "name", name);
		json_int(&l->json, &first, "quota", (int64_t)u.quota);
		json_member(&l->json, &first, "login", login_text(&u));
		json_member(&l->json, &first, "home", u.home);
		str_addc(&l->json, '}');
		return 0;
	}
	table_cell(&l->table, name);
	table_cell(&l->table, login_text(&u));
	table_cell(&l->table, quota_text(u.quota));
	return 0;
}

static int
user_list(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' }, { NULL, 0, NULL, 0 }
	};
	struct listing l = { .table.columns = 3, .json = STR_INIT,
	    .first = true };
	struct err err = ERR_INIT;
	struct map *m;
	int c, r;

	while ((c = next_option(argc, argv, "+:", longs)) != -1) {
		if (c == '?')
			return EXIT_USAGE;
		l.as_json = true;
	}
	if (instance_load(&err) != 0 || map_open("text:users", &m, &err) != 0)
		return fail_err(&err);
	table_cell(&l.table, "NAME");
	table_cell(&l.table, "LOGIN");
	table_cell(&l.table, "QUOTA");
	r = map_each(m, list_row, &l, &err);
	map_close(m);
	if (r != 0)
		return fail_err(l.err.kind != ERR_NONE ? &l.err : &err);
	if (l.as_json)
		printf("[%s]\n", l.json.s);
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

static int
user_show(int argc, char **argv)
{
	struct users_edit e;
	struct user_record u;
	struct str box = STR_INIT;
	struct err err = ERR_INIT;
	const char *full;
	int r = begin(argc, argv, 1, 1, "show NAME");

	if (r == EXIT_OK)
		r = edit(&e, argv[optind], true, &u, &full);
	if (r != EXIT_OK)
		return r;
	users_abort(&e);
	printf("name      %s\nlogin     %s\nquota     %s\n", full,
	    login_text(&u), quota_text(u.quota));
	if (u.home[0] != '\0')
		printf("home      %s\n", u.home);
	else if (user_mailbox(slice_of(full), &u, &box, &err) == 0)
		printf("home      %s/%s\n", common.mail_dir, box.s);
	print_used(full, &u);
	str_free(&box);
	return EXIT_OK;
}

static int
user_quota(int argc, char **argv)
{
	struct users_edit e;
	struct user_record u;
	const char *full;
	uint64_t quota;
	int r = begin(argc, argv, 1, 2, "quota NAME [SIZE]");

	if (r != EXIT_OK)
		return r;
	if (argc - optind == 2 &&
	    !parse_size(slice_of(argv[optind + 1]), &quota))
		return fail_usage("%s: expected a size such as 500M, or 0",
		    argv[optind + 1]);
	r = edit(&e, argv[optind], true, &u, &full);
	if (r != EXIT_OK)
		return r;
	if (argc - optind == 1) {
		users_abort(&e);
		printf("quota     %s\n", quota_text(u.quota));
		print_used(full, &u);
		return EXIT_OK;
	}
	u.quota = quota;
	users_put(&e, full, &u);
	return finish(&e, full, "new quota");
}

static int
user_import(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "plain", no_argument, NULL, 'p' }, { NULL, 0, NULL, 0 }
	};
	struct users_edit e;
	struct err err = ERR_INIT;
	bool plain = false;
	char *text;
	size_t n;
	int c, count;

	while ((c = next_option(argc, argv, ":", longs)) != -1) {
		if (c == '?')
			return EXIT_USAGE;
		plain = true;
	}
	if (argc - optind != 1)
		return fail_usage("usage: postrider user import [--plain] "
		    "FILE");
	text = read_file(strcmp(argv[optind], "-") == 0 ? "/dev/stdin" :
	    argv[optind], IMPORT_MAX, &n);
	if (text == NULL)
		return fail("%s: %s", argv[optind], strerror(errno));
	if (instance_load(&err) != 0 || users_begin(&e, &err) != 0)
		return fail_err(&err);
	count = users_import(&e, (struct slice){ text, n }, plain, &err);
	explicit_bzero(text, n);
	free(text);
	if (count < 0) {
		users_abort(&e);
		return fail("%s: %s; nothing was imported", argv[optind],
		    err.text);
	}
	if (users_commit(&e, &err) != 0)
		return fail("%s; nothing was imported", err.text);
	printf("imported %d accounts\n", count);
	return EXIT_OK;
}

static const struct cmd verbs[] = {
	{ "add", user_add, "[--quota SIZE] NAME [PASSWORD]",
	    "a new account" },
	{ "delete", user_delete, "NAME", "its mail is kept" },
	{ "passwd", user_passwd, "NAME [PASSWORD]", "a new password" },
	{ "list", user_list, "[--json]", "all accounts" },
	{ "show", user_show, "NAME", "one account" },
	{ "quota", user_quota, "NAME [SIZE]", "see or set; 0: the default" },
	{ "import", user_import, "[--plain] FILE",
	    "lines NAME:HASH (--plain: NAME:PASSWORD)" },
	{ NULL, NULL, NULL, NULL }
};

int
cmd_user(int argc, char **argv)
{
	if (argc < 2) {
		printf("usage: postrider user VERB ...\n\n");
		print_cmds(verbs, "user ");
		return EXIT_USAGE;
	}
	return run_cmd(verbs, "user verb", argc - 1, argv + 1);
}
