/* map_users_test.c - compiling the accounts, their mailboxes, live tables */
#include "base/log.h"
#include "conf/common.h"
#include "map/live.h"
#include "map/users.h"
#include "test/tap.h"

#include <fcntl.h>
#include <sys/stat.h>

static void
put(const char *name, const char *text)
{
	char *tmp = xasprintf("%s.tmp", name);
	int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || full_write(fd, text, strlen(text)) != 0 ||
	    rename(tmp, name) != 0)
		die("%s: %s", name, strerror(errno));
	close_fd(fd);
	free(tmp);
}

/* record of an account, mailbox or error */
static const struct {
	const char *name, *key, *record, *want;
} boxes[] = {
	{ "by name", "ann@example.com", "", "example.com/ann" },
	{ "folded", "Ann@Example.COM", "", "example.com/ann" },
	{ "an @ in the local part", "a@b@example.com", "",
	    "example.com/a@b" },
	{ "a slash in the local part", "a/b@example.com", "",
	    "example.com/a/b" },
	{ "home", "ann@example.com", "home=/m/b.example/bob",
	    "b.example/bob" },
	{ "home with a slash at its end", "ann@example.com",
	    "home=/m/b.example/bob/", "b.example/bob" },
	{ "home elsewhere", "ann@example.com", "home=/srv/b.example/bob",
	    "home = /srv/b.example/bob: expected /m/DOMAIN/NAME in lower "
	    "case" },
	{ "home beside", "ann@example.com", "home=/m2/b.example/bob",
	    "home = /m2/b.example/bob: expected /m/DOMAIN/NAME in lower "
	    "case" },
	{ "home too deep", "ann@example.com", "home=/m/b/c/d",
	    "home = /m/b/c/d: expected /m/DOMAIN/NAME in lower case" },
	{ "home upwards", "ann@example.com", "home=/m/../etc",
	    "home = /m/../etc: expected /m/DOMAIN/NAME in lower case" },
	{ "home not deep enough", "ann@example.com", "home=/m/b",
	    "home = /m/b: expected /m/DOMAIN/NAME in lower case" },
	{ "root's mailbox", "ann@example.com", "uid=0",
	    "uid = 0: the mailboxes of users belong to the store (77)" },
	{ "the store's uid", "ann@example.com", "uid=77 gid=78",
	    "example.com/ann" },
};

static void
test_boxes(void)
{
	struct arena a = { 0 };
	struct str out = STR_INIT;
	struct user_record u;
	struct err err = ERR_INIT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(boxes); i++) {
		str_reset(&out);
		if (user_parse(slice_of(boxes[i].record), &u, &a, &err) != 0)
			die("%s: %s", boxes[i].name, err.text);
		if (user_mailbox(slice_of(boxes[i].key), &u, &out, &err) != 0)
			str_adds(&out, err.text);
		is_str(out.s, boxes[i].want, "mailbox: %s", boxes[i].name);
	}
	arena_free(&a);
	str_free(&out);
}

/* what is in a table, or its absence */
static void
look(const char *spec, const char *key, const char *want, const char *name)
{
	struct str out = STR_INIT;
	struct err err = ERR_INIT;
	struct map *m;
	int r;

	if (map_open(spec, &m, &err) != 0)
		die("%s: %s", spec, err.text);
	r = map_get(m, key, &out, &err);
	is_str(r == 1 ? out.s : r == 0 ? "absent" : err.text, want, "%s",
	    name);
	map_close(m);
	str_free(&out);
}

static const struct { const char *name, *text, *want; } bad[] = {
	{ "no domain", "ann pass=x\n",
	    "users:1: \"ann\": expected a full address, local@domain" },
	{ "no local part", "@example.com\n",
	    "users:1: \"@example.com\": expected a full address, "
	    "local@domain" },
	{ "not a domain", "ann@ex_.-com\n",
	    "users:1: \"ann@ex_.-com\": expected a full address, "
	    "local@domain" },
	{ "foreign uid", "\nann@example.com uid=5\n",
	    "users:2: uid = 5: the mailboxes of users belong to the store "
	    "(77)" },
};

/* rows of aliases that are refused */
static const struct { const char *name, *text, *want; } bad_aliases[] = {
	{ "an empty command", "a: b\nc: \"| \"",
	    "aliases:2: c: an empty command" },
	{ "a list without its path", "c: :include:x",
	    "aliases:1: c: :include:x: expected :include:/PATH" },
	{ "no list", "c: :fail:/x",
	    "aliases:1: c: :fail:/x: expected :include:/PATH" },
	{ "nobody's mailbox", "c: \\", "aliases:1: c: \\ is no address: bad "
	    "address syntax: character not allowed in the local part" },
	{ "nothing", "c:", "aliases:1: c: an alias without an address" },
	{ "two domains", "# x\nc: ann,\n b@@x", "aliases:2: c: b@@x is no "
	    "address: bad address syntax: malformed domain" },
};

static void
test_bad_aliases(void)
{
	struct err err = ERR_INIT;
	const char *at;
	size_t i, n = 0;

	for (i = 0; i < ARRAY_LEN(bad_aliases); i++) {
		put("aliases", bad_aliases[i].text);
		is_int(aliases_compile(".", &n, &err), -1, "refused: %s",
		    bad_aliases[i].name);
		at = strstr(err.text, "aliases:");
		is_str(at ? at : err.text, bad_aliases[i].want, "why: %s",
		    bad_aliases[i].name);
	}
	put("aliases", "a: b, \"o'x y\"@z.example  c+d@e.example,\n"
	    "b: \\b, |/bin/cat, \"|/bin/cat x\" |\"/bin/cat\", /tmp/x\n"
	    "c: :include:/x, \":include:/a b\"\n");
	is_int(aliases_compile(".", &n, &err), 0, "targets of every kind");
}

static void
test_compile(void)
{
	struct err err = ERR_INIT;
	struct stat st;
	const char *at;
	size_t i, n = 0;

	put("users", "ann@example.com pass=$y$h quota=1M\n"
	    "bob@example.com pass=$y$i\n");
	put("aliases", "sales: ann@example.com, bob@example.com\n");
	is_int(users_stale(".", &err), 1, "never compiled is stale");
	is_int(users_compile(".", &n, &err), 0, "compiled");
	is_int(n, 2, "two accounts");
	is_int(users_stale(".", &err), 0, "and fresh");
	look("cdb:users", "ann@example.com", "pass=$y$h quota=1M", "users");
	look("cdb:mailboxes", "ann@example.com", "quota=1M",
	    "mailboxes.cdb has no hash");
	ok(stat("users.cdb", &st) == 0 && (st.st_mode & 0777) == 0400,
	    "nobody else reads the hashes");
	is_int(aliases_stale(".", &err), 1, "aliases are stale");
	is_int(aliases_compile(".", &n, &err), 0, "aliases compiled");
	is_int(aliases_stale(".", &err), 0, "and fresh");
	look("cdb:aliases", "SALES", "ann@example.com, bob@example.com",
	    "aliases");
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		put("users", bad[i].text);
		is_int(users_compile(".", &n, &err), -1, "refused: %s",
		    bad[i].name);
		at = strstr(err.text, "users:");
		is_str(at ? at : err.text, bad[i].want, "why: %s",
		    bad[i].name);
	}
	look("cdb:users", "bob@example.com", "pass=$y$i",
	    "the old table is still there");
	is_int(users_stale(".", &err), 1, "and stale");
}

static void
test_live(void)
{
	struct err err = ERR_INIT;
	struct str out = STR_INIT;
	struct map_live l;

	map_live_init(&l, "text:live");
	is_int(map_live_get(&l, "a", &out, &err), -1, "no table yet");
	is_int(err.kind, ERR_TEMP, "is temporary");
	put("live", "a 1\n");
	is_int(map_live_get(&l, "a", &out, &err), -1,
	    "and is not looked for again within the second");
	ok(strstr(err.text, "live") != NULL, "with the old error");
	l.next_look = 0;
	is_int(map_live_get(&l, "a", &out, &err), 1, "then it is there");
	is_str(out.s, "1", "with its row");
	put("live", "a 22\n");
	l.next_look = 0;
	str_reset(&out);
	is_int(map_live_get(&l, "a", &out, &err), 1, "replaced");
	is_str(out.s, "22", "the new row");
	is_int(l.opened, 2, "opened twice");
	put("live", "b b\nb b\n");
	l.next_look = 0;
	str_reset(&out);
	is_int(map_live_get(&l, "a", &out, &err), 1, "a bad new one");
	is_str(out.s, "22", "leaves the old one");
	if (unlink("live") != 0)
		die("live: %s", strerror(errno));
	l.next_look = 0;
	is_int(map_live_get(&l, "a", &out, &err), 1, "so does its absence");
	map_live_close(&l);
	str_free(&out);
}

static const struct {
	const char *login;
	int want;
	const char *home;
} logins[] = {
	{ "ann", 1, "/home/ann" }, { "daemon", 0, "/" }, { "none", 0, "" },
	{ "bad", -1, "" }, { "long", -1, "" },
};

static void
test_system(void)
{
	struct err err = ERR_INIT;
	struct arena a = { 0 };
	struct system_user u;
	size_t i;

	put("system", "ann:1000:1001:/home/ann\ndaemon:2:2:/\n"
	    "bad:1:2\nlong:99999999999:1:/\n");
	common.system_users = "text:system";
	for (i = 0; i < ARRAY_LEN(logins); i++) {
		is_int(system_user_find(logins[i].login, &u, &a, &err),
		    logins[i].want, "login %s", logins[i].login);
		if (logins[i].want == 1)
			is_str(u.home, logins[i].home, "home");
	}
	system_user_find("ann", &u, &a, &err);
	is_int(u.uid, 1000, "uid");
	is_int(u.gid, 1001, "gid");
	common.system_users = "passwd";
	is_int(system_user_find("root", &u, &a, &err), 0,
	    "root has no mailbox");
	is_int(system_user_find("no-such-login", &u, &a, &err), 0,
	    "nobody of that name");
	arena_free(&a);
}

static void
no_log(const char *line UNUSED, size_t n UNUSED)
{
}

int
main(void)
{
	log_set_sink(no_log);
	if (chdir(tap_dir()) != 0)
		die("chdir: %s", strerror(errno));
	common.single_uid = true;
	common.mail_dir = "/m";
	common.uid[ROLE_STORE] = 77;
	common.gid[ROLE_STORE] = 78;
	common.first_uid = 1000;
	test_boxes();
	test_compile();
	test_bad_aliases();
	test_live();
	test_system();
	return tap_done();
}
