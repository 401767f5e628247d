/* map_record_test.c - account records, and their two compiled forms */
#include "map/map.h"
#include "map/record.h"
#include "test/tap.h"

#include <fcntl.h>

/* what it is printed as with secrets, or the error */
static const struct {
	const char *name, *text, *want;
} rows[] = {
	{ "nothing", "", "" },
	{ "all", "disabled=yes  home=/h gid=8 uid=7 quota=1G pass=$y$j9T$a=b ",
	    "pass=$y$j9T$a=b quota=1G uid=7 gid=8 home=/h disabled=yes" },
	{ "defaults are left out", "uid=-1 quota=0 disabled=no home=\"\"", "" },
	{ "quotes", "home=\"/a \\\"b\\\\ c\" uid=1",
	    "uid=1 home=\"/a \\\"b\\\\ c\"" },
	{ "quotes without need", "home=\"/a\"", "home=/a" },

	{ "unknown", "qouta=1",
	    "unknown name \"qouta\"; did you mean quota?" },
	{ "unknown, far off", "zzzzzzzzzz=1", "unknown name \"zzzzzzzzzz\"" },
	{ "twice", "uid=1 uid=2", "given twice: \"uid\"" },
	{ "no value", "uid=1 disabled",
	    "expected name=value, found \"disabled\"" },
	{ "no name", "=1", "unknown name \"\"" },
	{ "open quote", "home=\"/a", "bad quoting in the value of \"home\"" },
	{ "quote in the middle", "home=/a\"b\"",
	    "bad quoting in the value of \"home\"" },
	{ "text after a quote", "home=\"/a\"b",
	    "bad quoting in the value of \"home\"" },
	{ "relative home", "home=a", "home = a: expected an absolute path" },
	{ "root is no number", "uid=root",
	    "uid = root: expected a number between -1 and 4294967294" },
	{ "uid too large", "uid=4294967295",
	    "uid = 4294967295: expected a number between -1 and 4294967294" },
	{ "bad size", "quota=much", "quota = much: expected a size" },
};

static void
test_rows(void)
{
	struct arena a = { 0 };
	struct str out = STR_INIT;
	struct user_record u;
	struct err err = ERR_INIT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		str_reset(&out);
		if (user_parse(slice_of(rows[i].text), &u, &a, &err) == 0) {
			record_print(user_fields, &u, true, &out);
		} else {
			str_adds(&out, err.text);
			ok(err.kind == ERR_TEMP, "an error is temporary");
		}
		is_str(out.s, rows[i].want, "record: %s", rows[i].name);
		arena_reset(&a);
	}
	is_int(user_parse(SLICE_LIT("pass=x quota=2M uid=5 disabled=on"), &u,
	    &a, &err), 0, "parsed");
	is_str(u.pass.v[0], "x", "pass");
	is_int(u.quota, 2 << 20, "quota");
	is_int(u.uid, 5, "uid");
	is_int(u.gid, -1, "gid");
	ok(u.disabled, "disabled");
	is_str(u.home, "", "home");
	arena_free(&a);
	str_free(&out);
}

struct many {
	const char *must;
	struct strlist also;
};
static const struct field many_fields[] = {
	F_STR(struct many, must, NULL, "required"),
	F_LIST(struct many, also, "list"),
	F_END
};

static void
test_list(void)
{
	struct arena a = { 0 };
	struct str out = STR_INIT;
	struct err err = ERR_INIT;
	struct many m;

	is_int(record_parse(many_fields, &m,
	    SLICE_LIT("also=x must=m also=\"y z\""), &a, &err), 0, "a list");
	str_adds(&out, "k ");
	record_print(many_fields, &m, false, &out);
	is_str(out.s, "k must=m also=x also=\"y z\"", "printed behind a key");
	is_int(record_parse(many_fields, &m, SLICE_LIT("also=x"), &a, &err),
	    -1, "a required name is missing");
	is_str(err.text, "missing: \"must\"", "and named");
	arena_free(&a);
	str_free(&out);
}

static void
look(const char *spec, const char *want, const char *name)
{
	struct err err = ERR_INIT;
	struct str out = STR_INIT;
	struct map *m;

	if (map_open(spec, &m, &err) != 0)
		die("%s: %s", spec, err.text);
	is_int(map_get(m, "ann@example.com", &out, &err), 1, "%s", name);
	is_str(out.s, want, "%s: the record", name);
	map_close(m);
	str_free(&out);
}

static void
test_compile(void)
{
	static const char text[] = "Ann@Example.com pass=$y$x quota=1024M\n";
	struct err err = ERR_INIT;
	int fd;

	map_set_dir(tap_dir());
	if (chdir(tap_dir()) != 0)
		die("chdir: %s", strerror(errno));
	fd = open("users", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || full_write(fd, text, sizeof(text) - 1) != 0)
		die("users: %s", strerror(errno));
	close_fd(fd);
	is_int(map_compile_cdb_with("users", "secret.cdb", 0600, getuid(),
	    getgid(), user_filter_secret, NULL, NULL, &err), 0,
	    "compiled with the hashes");
	is_int(map_compile_cdb_with("users", "users.cdb", 0644, (uid_t)-1,
	    (gid_t)-1, user_filter_public, NULL, NULL, &err), 0,
	    "and without");
	look("cdb:secret", "pass=$y$x quota=1G", "secret");
	look("cdb:users", "quota=1G", "public");
}

/* what a user may log in to, and by what */
static void
test_services(void)
{
	static const struct {
		const char *list, *service;
		bool want;
	} in[] = {
		{ "", "imap", true }, { "imap", "imap", true },
		{ "imap", "pop3", false }, { "smtp,imap", "imap", true },
		{ "IMAP, smtp", "imap", true }, { "imaps", "imap", false },
		{ "imap", "ima", false }, { ",", "imap", false },
		{ "pop3+smtp", "smtp", true },
	};
	static const char *const bad[] = { "app=x", "app=\"a b c\"",
		"app=\"a b c $y$x label\"", "services=imapp",
		"app=\"aaaaaaaaaaaaaaaaaaaaaaa d imap SCRAM-SHA-256$x l\"",
		"limit_hour=-1", "app_only=perhaps" };
	struct arena a = { 0 };
	struct app_password app;
	struct user_record u;
	struct err err = ERR_INIT;
	struct str many = STR_INIT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(in); i++)
		ok(service_in(in[i].list, in[i].service) == in[i].want,
		    "%s in \"%s\"", in[i].service, in[i].list);
	for (i = 0; i < ARRAY_LEN(bad); i++)
		is_int(user_parse(slice_of(bad[i]), &u, &a, &err), -1,
		    "refused: %s", bad[i]);
	is_int(user_parse(SLICE_LIT("pass=$y$a pass=SCRAM-SHA-256$b services="
	    "imap app=\"k3x9 2026-11-23 imap,smtp SCRAM-SHA-256$c my phone\" "
	    "limit_day=7"), &u, &a, &err), 0, "all of it");
	is_int(u.pass.n, 2, "two verifiers");
	is_str(u.pass.v[1], "SCRAM-SHA-256$b", "in their order");
	ok(app_parse(u.app.v[0], &app), "an app password");
	ok(slice_eqz(app.id, "k3x9") && slice_eqz(app.services, "imap,smtp") &&
	    slice_eqz(app.verifier, "SCRAM-SHA-256$c") &&
	    slice_eqz(app.label, "my phone"), "its parts");
	for (i = 0; i <= APP_PASSWORDS_MAX; i++)
		str_adds(&many, "app=\"a d imap SCRAM-SHA-256$c\" ");
	is_int(user_parse(slice_str(&many), &u, &a, &err), -1,
	    "not any number of them");
	str_free(&many);
	arena_free(&a);
}

int
main(void)
{
	test_rows();
	test_list();
	test_compile();
	test_services();
	return tap_done();
}
