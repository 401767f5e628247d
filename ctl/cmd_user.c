/*
 * cmd_user.c - postrider user: accounts in conf/users.  A password comes from
 * the terminal or from standard input, never from the command line, where
 * everybody on the machine can read it.
 */
#include "base/clock.h"
#include "conf/common.h"
#include "ctl.h"
#include "domain.h"
#include "map/users.h"
#include "password.h"
#include "sasl/password.h"
#include "user.h"

enum { IMPORT_MAX = 256 << 20 };

static const struct option no_options[] = { { NULL, 0, NULL, 0 } };

int
user_begin(int argc, char **argv, int min, int max, const char *usage)
{
	struct err err = ERR_INIT;

	if (next_option(argc, argv, "+:", no_options) != -1)
		return EXIT_USAGE;
	if (argc - optind < min || argc - optind > max)
		return fail_usage("usage: postrider user %s", usage);
	return instance_load(&err) == 0 ? EXIT_OK : fail_err(&err);
}

int
user_edit(struct table_edit *e, const char *name, bool there,
    struct user_record *u, const char **full_r)
{
	struct err err = ERR_INIT;
	const char *full = users_name(name, &err), *near;
	int r;

	if (full == NULL || domain_may(full, &err) < 0 ||
	    users_begin(e, &err) != 0)
		return fail_err(&err);
	*full_r = full;
	field_defaults(user_fields, u, &ctl_arena);
	r = users_get(e, full, u, &err);
	if (r == (there ? 1 : 0))
		return EXIT_OK;
	near = r == 0 ? table_near(e, full) : NULL;
	table_abort(e);
	if (r < 0)
		return fail_err(&err);
	if (!there)
		return fail("the account %s is there already", full);
	return near != NULL ? fail("there is no account %s; did you mean %s?",
	    full, near) : fail("there is no account %s", full);
}

int
user_finish(struct table_edit *e, const char *full, const char *what)
{
	struct err err = ERR_INIT;

	if (users_commit(e, &err) != 0)
		return fail_err(&err);
	printf("%s: %s\n", full, what);
	return EXIT_OK;
}

int
user_put(struct table_edit *e, const char *full, const struct user_record *u,
    const char *what)
{
	struct err err = ERR_INIT;
	struct user_record old;

	/* one that has more, given by others, is still managed */
	if ((users_get(e, full, &old, &err) != 1 || old.quota != u->quota) &&
	    domain_may_quota(full, u->quota, &err) < 0) {
		table_abort(e);
		return fail_err(&err);
	}
	users_put(e, full, u);
	return user_finish(e, full, what);
}

/* asked for, or made up; before the table is locked: people take their time */
static int
take_password(bool generate, struct str *pw)
{
	if (!generate)
		return password_get(pw);
	password_generate(pw);
	return EXIT_OK;
}

static void
wipe(struct str *pw)
{
	if (pw->cap > 0)
		explicit_bzero(pw->s, pw->cap);
	str_free(pw);
}

/* the account gets that password (empty: none) and is written; a generated one
 * is told then */
static int
put_password(struct table_edit *e, const char *full, struct user_record *u,
    const struct str *pw, const char *what)
{
	struct err err = ERR_INIT;

	if (pw->len > 0 && users_set_password(u, pw->s, &err) != 0) {
		table_abort(e);
		return fail_err(&err);
	}
	return user_put(e, full, u, what);
}

/* options of add */
struct add {
	const char *hash;
	uint64_t quota;
	bool generate, none;
};

static int
parse_add(int argc, char **argv, struct add *a)
{
	static const struct option longs[] = {
		{ "quota", required_argument, NULL, 'q' },
		{ "hash", required_argument, NULL, 'h' },
		{ "generate", no_argument, NULL, 'g' },
		{ "no-password", no_argument, NULL, 'n' },
		{ NULL, 0, NULL, 0 }
	};
	int c;

	while ((c = next_option(argc, argv, ":", longs)) != -1) {
		if (c == 'h')
			a->hash = optarg;
		else if (c == 'g')
			a->generate = true;
		else if (c == 'n')
			a->none = true;
		else if (c != 'q')
			return EXIT_USAGE;
		else if (!parse_size(slice_of(optarg), &a->quota))
			return fail_usage("--quota %s: expected a size such "
			    "as 500M", optarg);
	}
	if (argc - optind == 2)
		return fail_usage("a password does not belong on a command "
		    "line: type it when asked, or pipe it in");
	if (argc - optind != 1)
		return fail_usage("usage: postrider user add [--quota SIZE] "
		    "[--generate | --no-password | --hash HASH] NAME");
	return EXIT_OK;
}

static int
user_add(int argc, char **argv)
{
	struct add a = { 0 };
	struct str pw = STR_INIT;
	struct table_edit e;
	struct user_record u;
	const char *full;
	struct err err = ERR_INIT;
	int r = parse_add(argc, argv, &a);

	if (r != EXIT_OK)
		return r;
	if (instance_load(&err) != 0)
		return fail_err(&err);
	if (a.hash == NULL && !a.none)
		r = take_password(a.generate, &pw);
	if (r == EXIT_OK)
		r = user_edit(&e, argv[optind], false, &u, &full);
	if (r == EXIT_OK) {
		if (a.hash != NULL)
			strlist_add(&u.pass, &ctl_arena, a.hash);
		u.quota = a.quota;
		r = put_password(&e, full, &u, &pw, "added");
	}
	if (r == EXIT_OK && a.generate)
		printf("password  %s\n", pw.s);
	wipe(&pw);
	return r;
}

static int
user_delete(int argc, char **argv)
{
	struct table_edit e;
	struct user_record u;
	const char *full;
	int r = user_begin(argc, argv, 1, 1, "delete NAME");

	if (r == EXIT_OK)
		r = user_edit(&e, argv[optind], true, &u, &full);
	if (r != EXIT_OK)
		return r;
	(void)table_remove(&e, full);
	return user_finish(&e, full, "deleted; its mail is kept");
}

static int
user_password(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "generate", no_argument, NULL, 'g' }, { NULL, 0, NULL, 0 }
	};
	struct table_edit e;
	struct user_record u;
	const char *full;
	struct err err = ERR_INIT;
	struct str pw = STR_INIT;
	bool generate = false;
	int c, r;

	while ((c = next_option(argc, argv, ":", longs)) != -1) {
		if (c == '?')
			return EXIT_USAGE;
		generate = true;
	}
	if (argc - optind == 2)
		return fail_usage("a password does not belong on a command "
		    "line: type it when asked, or pipe it in");
	if (argc - optind != 1)
		return fail_usage("usage: postrider user password "
		    "[--generate] NAME");
	if (instance_load(&err) != 0)
		return fail_err(&err);
	r = take_password(generate, &pw);
	if (r == EXIT_OK)
		r = user_edit(&e, argv[optind], true, &u, &full);
	if (r == EXIT_OK)
		r = put_password(&e, full, &u, &pw, "new password");
	if (r == EXIT_OK && generate)
		printf("password  %s\n", pw.s);
	wipe(&pw);
	return r;
}

static int
set_disabled(int argc, char **argv, bool disabled)
{
	struct table_edit e;
	struct user_record u;
	const char *full;
	int r = user_begin(argc, argv, 1, 1, disabled ? "disable NAME" :
	    "enable NAME");

	if (r == EXIT_OK)
		r = user_edit(&e, argv[optind], true, &u, &full);
	if (r != EXIT_OK)
		return r;
	u.disabled = disabled;
	return user_put(&e, full, &u, disabled ?
	    "disabled: neither logs in nor gets mail" : "enabled");
}

static int
user_disable(int argc, char **argv)
{
	return set_disabled(argc, argv, true);
}

static int
user_enable(int argc, char **argv)
{
	return set_disabled(argc, argv, false);
}

static int
user_quota(int argc, char **argv)
{
	struct table_edit e;
	struct user_record u;
	const char *full;
	uint64_t quota;
	int r = user_begin(argc, argv, 1, 2, "quota NAME [SIZE]");

	if (r != EXIT_OK)
		return r;
	if (argc - optind == 2 &&
	    !parse_size(slice_of(argv[optind + 1]), &quota))
		return fail_usage("%s: expected a size such as 500M, or 0",
		    argv[optind + 1]);
	r = user_edit(&e, argv[optind], true, &u, &full);
	if (r != EXIT_OK)
		return r;
	if (argc - optind == 1) {
		table_abort(&e);
		user_print_quota(full, &u);
		return EXIT_OK;
	}
	u.quota = quota;
	return user_put(&e, full, &u, "new quota");
}

/* services NAME [LIST | all] [--app-only yes|no] */
static int
user_services(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "app-only", required_argument, NULL, 'a' },
		{ NULL, 0, NULL, 0 }
	};
	struct table_edit e;
	struct user_record u;
	const char *full, *list = NULL, *app_only = NULL;
	struct err err = ERR_INIT;
	int c, r;

	while ((c = next_option(argc, argv, ":", longs)) != -1) {
		if (c == '?')
			return EXIT_USAGE;
		app_only = optarg;
	}
	if (argc - optind < 1 || argc - optind > 2 || (app_only != NULL &&
	    strcmp(app_only, "yes") != 0 && strcmp(app_only, "no") != 0))
		return fail_usage("usage: postrider user services NAME "
		    "[LIST | all] [--app-only yes|no]");
	list = argc - optind == 2 ? argv[optind + 1] : NULL;
	if (list != NULL && strcmp(list, "all") == 0)
		list = "";
	if (list != NULL && services_check(list, &err) != 0)
		return fail_err(&err);
	if (instance_load(&err) != 0)
		return fail_err(&err);
	r = user_edit(&e, argv[optind], true, &u, &full);
	if (r != EXIT_OK)
		return r;
	if (list == NULL && app_only == NULL) {
		table_abort(&e);
		printf("services  %s\napp-only  %s\n", u.services[0] != '\0' ?
		    u.services : "all", u.app_only ? "yes" : "no");
		return EXIT_OK;
	}
	u.services = list != NULL ? list : u.services;
	if (app_only != NULL)
		u.app_only = strcmp(app_only, "yes") == 0;
	return user_put(&e, full, &u, "new services");
}

/* limits NAME [hour=N] [day=N] [new=N] */
static int
user_limits(int argc, char **argv)
{
	struct table_edit e;
	struct user_record u;
	const char *full, *z;
	int64_t *to;
	uint64_t n;
	int i, r = user_begin(argc, argv, 1, 4, "limits NAME [hour=N] "
	    "[day=N] [new=N]");

	if (r == EXIT_OK)
		r = user_edit(&e, argv[optind], true, &u, &full);
	for (i = optind + 1; r == EXIT_OK && i < argc; i++) {
		z = strchr(argv[i], '=');
		to = z == NULL ? NULL :
		    slice_starts(slice_of(argv[i]), "hour=") ? &u.limit_hour :
		    slice_starts(slice_of(argv[i]), "day=") ? &u.limit_day :
		    slice_starts(slice_of(argv[i]), "new=") ? &u.limit_new :
		    NULL;
		if (to == NULL || !slice_u64(slice_of(z + 1), 1000000000,
		    &n)) {
			table_abort(&e);
			return fail_usage("%s: expected hour=N, day=N or "
			    "new=N; 0: as configured", argv[i]);
		}
		*to = (int64_t)n;
	}
	if (r != EXIT_OK)
		return r;
	if (argc - optind > 1)
		return user_put(&e, full, &u, "new limits");
	table_abort(&e);
	printf("hour      %lld\nday       %lld\nnew       %lld\n",
	    (long long)u.limit_hour, (long long)u.limit_day,
	    (long long)u.limit_new);
	return EXIT_OK;
}

static int
user_import(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "plain", no_argument, NULL, 'p' }, { NULL, 0, NULL, 0 }
	};
	struct table_edit e;
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
	if (acting_as != NULL)
		return fail("%s may not import accounts", acting_as);
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
		table_abort(&e);
		return fail("%s: %s; nothing was imported", argv[optind],
		    err.text);
	}
	if (users_commit(&e, &err) != 0)
		return fail("%s; nothing was imported", err.text);
	printf("imported %d accounts\n", count);
	return EXIT_OK;
}

static const struct cmd verbs[] = {
	{ "add", user_add, "[--quota SIZE] [--generate | --no-password] NAME",
	    "a new account; asks for its password" },
	{ "password", user_password, "[--generate] NAME", "a new password" },
	{ "disable", user_disable, "NAME", "no login, no mail" },
	{ "enable", user_enable, "NAME", "as before" },
	{ "delete", user_delete, "NAME", "its mail is kept" },
	{ "list", user_list, "[--json]", "all accounts" },
	{ "show", user_show, "[--json] NAME", "one account" },
	{ "quota", user_quota, "NAME [SIZE]", "see or set; 0: the default" },
	{ "services", user_services, "NAME [LIST | all] [--app-only yes|no]",
	    "see or set what it may log in to" },
	{ "limits", user_limits, "NAME [hour=N] [day=N] [new=N]",
	    "see or set how much it may send; 0: as configured" },
	{ "forward", user_forward,
	    "NAME [ADDRESS ...] [--keep | --no-keep | --off]",
	    "see or set where its mail goes, too or instead" },
	{ "app", user_app, "add | list | revoke ...", "app passwords" },
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
