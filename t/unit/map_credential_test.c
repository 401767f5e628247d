/* map_credential_test.c - accounts at other servers: rows, and which holds */
#include "map/credential.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "test/tap.h"

static struct arena a;

/* a row: its user, or the error */
static const struct { const char *name, *key, *value, *want; } rows[] = {
	{ "a password", "h", "user=u pass=p", "u" },
	{ "a token", "h", "user=u token=refresh:f", "u" },
	{ "a file with one", "h", "user=u token_file=/f", "u" },
	{ "a sender's", "@d", "user=u pass=p at=h at=i", "u" },
	{ "no user", "h", "pass=p", "h: missing: \"user\"" },
	{ "an empty user", "h", "user=\"\" pass=p", "h: without a user" },
	{ "no secret", "h", "user=u", "h: one of pass, token and token_file" },
	{ "two", "h", "user=u pass=p token=refresh:f", "h: one of pass, " },
	{ "a sender without at", "s@d", "user=u pass=p", "s@d: a sender " },
	{ "at without a sender", "h", "user=u pass=p at=i", "h: at is for " },
	{ "an unknown name", "h", "user=u pas=p", "did you mean pass?" },
	{ "a bad binding", "h", "user=u pass=p binding=x", "binding = x" },
};

static void
test_rows(void)
{
	struct credential c;
	struct err err;
	size_t i;
	int rc;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		err = (struct err)ERR_INIT;
		rc = credential_parse(slice_of(rows[i].key),
		    slice_of(rows[i].value), &c, &a, &err);
		if (rc == 0) {
			is_str(c.user, rows[i].want, "%s", rows[i].name);
			continue;
		}
		ok(strstr(err.text, rows[i].want) != NULL &&
		    strncmp(err.text, "credentials: ", 13) == 0, "%s: %s",
		    rows[i].name, err.text);
		ok(err.kind == ERR_TEMP && c.pass == NULL,
		    "... for now, and nothing of it stays");
	}
}

#define TABLE "inline:" \
	"\"[mx.p.test]:587\"=\"user=whole pass=p\";" \
	"mx.p.test=\"user=bare pass=p\";" \
	"p.test=\"user=domain pass=p\";" \
	"h.test=\"user=host pass=p\";" \
	"\"[2001:db8::1]\"=\"user=six pass=p\";" \
	"ann@o.test=\"user=ann pass=p at=[mx.p.test]:587 at=h.test\";" \
	"@o.test=\"user=all pass=p at=mx.p.test\""

/* "user" or "none", and + where another sender may have another */
static const struct { const char *nexthop, *host, *sender, *want; } finds[] = {
	{ "[mx.p.test]:587", "mx.p.test", "", "whole+" },
	{ "[MX.p.test]:587", "mx.p.test", "x@y", "whole+" },
	{ "[mx.p.test]", "mx.p.test", "", "bare+" },
	{ "mx.p.test:26", "a.test", "", "bare+" },
	{ "p.test", "mx9.p.test", "", "domain" },
	{ "q.test", "h.test", "x@y", "host+" },
	{ "q.test", "H.TEST", "ann@o.test", "ann+" },
	{ "[2001:db8::1]", "2001:db8::1", "", "six" },
	{ "[mx.p.test]:587", "mx.p.test", "ANN@o.test", "ann+" },
	{ "[mx.p.test]:587", "mx.p.test", "bob@O.test", "all+" },
	{ "[mx.p.test]:26", "z", "ann@o.test", "all+" },
	{ "p.test", "z", "ann@o.test", "domain" },
	{ "elsewhere.test", "z", "ann@o.test", "none" },
	{ "[h.test", "z", "", "host+" },
	{ "", "", "", "none" },
};

static const char *
find(struct map *m, size_t i)
{
	struct credential_place p = { finds[i].nexthop, finds[i].host,
		finds[i].sender };
	struct credential c;
	bool by_sender;
	struct err err;
	int rc = credential_find(m, &p, &c, &a, &by_sender, &err);

	if (rc < 0)
		return arena_strdup(&a, err.text);
	return arena_printf(&a, "%s%s", rc == 0 ? "none" : c.user,
	    by_sender ? "+" : "");
}

static void
test_find(void)
{
	struct err err = ERR_INIT;
	struct map *m;
	size_t i;

	is_int(map_open(TABLE, &m, &err), 0, "the table %s", err.text);
	for (i = 0; i < ARRAY_LEN(finds); i++)
		is_str(find(m, i), finds[i].want, "%s, %s, %s",
		    finds[i].nexthop, finds[i].host, finds[i].sender);
	map_close(m);
}

static void
test_wipe(void)
{
	struct credential c;
	struct err err;
	char *pass;

	is_int(credential_parse(SLICE_LIT("h"),
	    SLICE_LIT("user=u pass=secret"), &c, &a, &err), 0, "a row");
	pass = (char *)(uintptr_t)c.pass;
	credential_wipe(&c);
	is_str(pass, "", "a password that is done with is zeros");
	ok(memcmp(pass, "\0\0\0\0\0", 6) == 0, "... all of it");
	credential_wipe(&c);
	ok(c.pass == NULL, "wiped twice");
}

static void
test_file(void)
{
	char *path = xasprintf("%s/credentials", tap_dir());
	char *spec = xasprintf("text:%s", path);
	struct err err = ERR_INIT;
	int fd;

	is_int(credential_file(spec, &err), 0, "no file, no account");
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	fchmod(fd, 0600);
	is_int(credential_file(spec, &err), 1, "a file of our own");
	fchmod(fd, 0640);
	is_int(credential_file(spec, &err), -1, "one that others can read");
	is_str(err.dsn, "4.3.5", "is for the admin: %s", err.text);
	is_int(credential_file("inline:a=b", &err), 1, "no file at all");
	close(fd);
	free(spec);
	free(path);
}

int
main(void)
{
	test_rows();
	test_find();
	test_wipe();
	test_file();
	arena_free(&a);
	return tap_done();
}
