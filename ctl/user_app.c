/*
 * user_app.c - postrider user app: passwords for one program or device each.
 * They are made here, of 100 random bits, shown once and kept as verifiers for
 * SCRAM; all of an account share a salt, so that SCRAM can use any of them.
 */
#include <sqlite3.h>
#include <time.h>

#include "base/clock.h"
#include "conf/common.h"
#include "ctl.h"
#include "password.h"
#include "user.h"

enum { LABEL_MAX = 100 };

static bool
label_ok(const char *z)
{
	size_t i;

	for (i = 0; z[i] != '\0'; i++)
		if ((unsigned char)z[i] < 0x20 || z[i] == 0x7f)
			return false;
	return i <= LABEL_MAX && utf8_valid(slice_of(z));
}

/* one that the account has not had: short, to be typed after revoke */
static const char *
new_id(const struct user_record *u)
{
	static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
	struct app_password app;
	char id[5];
	size_t i;

	for (;;) {
		for (i = 0; i < 4; i++)
			id[i] = letters[random_below(32)];
		id[4] = '\0';
		for (i = 0; i < u->app.n; i++)
			if (app_parse(u->app.v[i], &app) &&
			    slice_eqz(app.id, id))
				break;
		if (i == u->app.n)
			return arena_strdup(&ctl_arena, id);
	}
}

static void
add_record(struct user_record *u, const char *id, const char *services,
    const char *label, const struct scram_verifier *v)
{
	time_t now = time(NULL);
	struct str text = STR_INIT;
	struct tm tm;
	char date[16];

	gmtime_r(&now, &tm);
	strftime(date, sizeof(date), "%Y-%m-%d", &tm);
	str_addf(&text, "%s %s %s ", id, date, services);
	scram_print(v, &text);
	str_addf(&text, " %s", label);
	strlist_add(&u->app, &ctl_arena, arena_slice(&ctl_arena,
	    slice_trim(slice_str(&text))));
	str_free(&text);
}

static int
make(struct table_edit *e, const char *full, struct user_record *u,
    const char *services, const char *label)
{
	struct scram_verifier v;
	struct str pw = STR_INIT;
	const char *id = new_id(u);
	int r;

	if (u->app.n >= APP_PASSWORDS_MAX) {
		table_abort(e);
		return fail("%s has %d app passwords; revoke one first", full,
		    APP_PASSWORDS_MAX);
	}
	users_scram_salt(u, &v);
	password_generate(&pw);
	if (scram_derive(&v, pw.s) != 0)
		die("cannot derive keys");
	add_record(u, id, services, label, &v);
	r = user_put(e, full, u, arena_printf(&ctl_arena, "app password %s "
	    "for %s", id, services));
	if (r == EXIT_OK)
		printf("password  %s\n", pw.s);
	explicit_bzero(&v, sizeof(v));
	explicit_bzero(pw.s, pw.cap);
	str_free(&pw);
	return r;
}

static int
app_add(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "services", required_argument, NULL, 's' },
		{ "label", required_argument, NULL, 'l' },
		{ NULL, 0, NULL, 0 }
	};
	const char *services = "imap,pop3,smtp", *label = "", *full;
	struct err err = ERR_INIT;
	struct table_edit e;
	struct user_record u;
	int c, r;

	while ((c = next_option(argc, argv, ":", longs)) != -1) {
		if (c == '?')
			return EXIT_USAGE;
		*(c == 's' ? &services : &label) = optarg;
	}
	if (argc - optind != 1)
		return fail_usage("usage: postrider user app add "
		    "[--services LIST] [--label TEXT] NAME");
	if (services[0] == '\0' || strpbrk(services, " \t") != NULL)
		return fail_usage("--services %s: expected names parted by "
		    "commas", services);
	if (services_check(services, &err) != 0)
		return fail_err(&err);
	if (!label_ok(label))
		return fail_usage("--label: expected a line of at most %d "
		    "bytes", LABEL_MAX);
	if (instance_load(&err) != 0)
		return fail_err(&err);
	r = user_edit(&e, argv[optind], true, &u, &full);
	return r == EXIT_OK ? make(&e, full, &u, services, label) : r;
}

/* --- when they were used, as auth remembers --- */

static sqlite3 *
open_state(void)
{
	const char *path = arena_printf(&ctl_arena, "%s/auth/state.db",
	    common.spool_dir);
	sqlite3 *db = NULL;

	if (access(path, R_OK) != 0 || sqlite3_open_v2(path, &db,
	    SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) {
		sqlite3_close(db);
		return NULL;
	}
	sqlite3_busy_timeout(db, 2000);
	return db;
}

/* unix seconds, 0 never; *client_r in ctl_arena */
static int64_t
last_use(sqlite3 *db, const char *full, const char *id,
    const char **client_r)
{
	sqlite3_stmt *st = NULL;
	int64_t at = 0;

	*client_r = "";
	if (db == NULL || sqlite3_prepare_v2(db, "SELECT at, client FROM used "
	    "WHERE account = ? AND app = ?", -1, &st, NULL) != SQLITE_OK)
		return 0;
	sqlite3_bind_text(st, 1, full, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, id, -1, SQLITE_STATIC);
	if (sqlite3_step(st) == SQLITE_ROW) {
		at = sqlite3_column_int64(st, 0);
		*client_r = arena_strdup(&ctl_arena,
		    (const char *)sqlite3_column_text(st, 1));
	}
	sqlite3_finalize(st);
	return at;
}

struct app_list {
	struct table table;
	struct str json;
	bool as_json;
	const char *account;	/* as auth spells it */
	sqlite3 *db;
};

static const char *
z_of(struct slice s)
{
	return arena_slice(&ctl_arena, s);
}

static void
list_one(struct app_list *l, const struct app_password *app)
{
	const char *client, *id = z_of(app->id);
	int64_t at = last_use(l->db, l->account, id, &client);
	struct str age = STR_INIT;
	bool first = true;

	if (l->as_json) {
		str_adds(&l->json, l->json.len > 0 ? ",{" : "{");
		json_member(&l->json, &first, "id", id);
		json_member(&l->json, &first, "created", z_of(app->date));
		json_member(&l->json, &first, "services",
		    z_of(app->services));
		json_member(&l->json, &first, "label", z_of(app->label));
		json_int(&l->json, &first, "used", at);
		json_member(&l->json, &first, "client", client);
		str_addc(&l->json, '}');
		return;
	}
	if (at > 0)
		show_age(&age, MAX(wall_s() - at, (int64_t)0));
	table_cell(&l->table, id);
	table_cell(&l->table, z_of(app->date));
	table_cell(&l->table, z_of(app->services));
	table_cell(&l->table, at > 0 ? arena_printf(&ctl_arena, "%s ago, %s",
	    age.s, client) : "never");
	table_cell(&l->table, z_of(app->label));
	str_free(&age);
}

static void
print_list(struct app_list *l, const struct user_record *u)
{
	static const char *const heads[] = { "ID", "CREATED", "SERVICES",
		"USED", "LABEL" };
	struct app_password app;
	size_t i;

	for (i = 0; i < ARRAY_LEN(heads); i++)
		table_cell(&l->table, heads[i]);
	for (i = 0; i < u->app.n; i++)
		if (app_parse(u->app.v[i], &app))
			list_one(l, &app);
	if (l->as_json)
		printf("[%s]\n", l->json.len > 0 ? l->json.s : "");
	else
		table_print(&l->table);
	str_free(&l->json);
}

static int
app_list(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' }, { NULL, 0, NULL, 0 }
	};
	struct app_list l = { .table.columns = 5, .json = STR_INIT };
	struct err err = ERR_INIT;
	struct str folded = STR_INIT;
	struct table_edit e;
	struct user_record u;
	const char *full;
	int c, r;

	while ((c = next_option(argc, argv, ":", longs)) != -1) {
		if (c == '?')
			return EXIT_USAGE;
		l.as_json = true;
	}
	if (argc - optind != 1)
		return fail_usage("usage: postrider user app list [--json] "
		    "NAME");
	if (instance_load(&err) != 0)
		return fail_err(&err);
	r = user_edit(&e, argv[optind], true, &u, &full);
	if (r != EXIT_OK)
		return r;
	table_abort(&e);
	str_adds(&folded, full);
	str_lower(&folded);
	l.account = arena_strdup(&ctl_arena, folded.s);
	str_free(&folded);
	l.db = open_state();
	print_list(&l, &u);
	sqlite3_close(l.db);
	return EXIT_OK;
}

static int
app_revoke(int argc, char **argv)
{
	struct table_edit e;
	struct user_record u;
	struct strlist kept = { 0 };
	struct app_password app;
	const char *full, *id;
	size_t i;
	int r = user_begin(argc, argv, 2, 2, "app revoke NAME ID");

	if (r == EXIT_OK)
		r = user_edit(&e, argv[optind], true, &u, &full);
	if (r != EXIT_OK)
		return r;
	id = argv[optind + 1];
	for (i = 0; i < u.app.n; i++)
		if (!app_parse(u.app.v[i], &app) || !slice_eqz(app.id, id))
			strlist_add(&kept, &ctl_arena, u.app.v[i]);
	if (kept.n == u.app.n) {
		table_abort(&e);
		return fail("%s has no app password %s", full, id);
	}
	u.app = kept;
	return user_put(&e, full, &u, arena_printf(&ctl_arena,
	    "app password %s revoked", id));
}

static const struct cmd verbs[] = {
	{ "add", app_add, "[--services LIST] [--label TEXT] NAME",
	    "make one and show it once" },
	{ "list", app_list, "[--json] NAME", "those of an account" },
	{ "revoke", app_revoke, "NAME ID", "it logs in no more" },
	{ NULL, NULL, NULL, NULL }
};

int
user_app(int argc, char **argv)
{
	if (argc < 2) {
		printf("usage: postrider user app VERB ...\n\n");
		print_cmds(verbs, "user app ");
		return EXIT_USAGE;
	}
	return run_cmd(verbs, "user app verb", argc - 1, argv + 1);
}
