/* password_test.c - hashes of every scheme, and what must not match */
#include <sys/wait.h>

#include <crypt.h>
#include <time.h>
#include <unistd.h>

#include "sasl/password.h"
#include "sasl/sasl.h"
#include "test/tap.h"

static void
test_schemes(void)
{
	/* all prefixes that crypt(5) lists; NULL costs: cheap for the test */
	static const struct {
		const char *prefix;
		unsigned long cost;
	} schemes[] = {
		{ "$y$", 1 }, { "$gy$", 1 }, { "$7$", 6 }, { "$2b$", 4 },
		{ "$2a$", 4 }, { "$2y$", 4 }, { "$6$", 1000 },
		{ "$5$", 1000 }, { "$sha1", 1000 }, { "$md5", 0 },
		{ "$1$", 0 }, { "_", 1 }, { "", 0 }, { "$3$", 0 },
	};
	struct crypt_data data;
	struct err err = ERR_INIT;
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	const char *h;
	size_t i;

	for (i = 0; i < ARRAY_LEN(schemes); i++) {
		memset(&data, 0, sizeof(data));
		if (crypt_gensalt_rn(schemes[i].prefix, schemes[i].cost, NULL,
		    0, setting, (int)sizeof(setting)) == NULL)
			die("%s: %s", schemes[i].prefix, strerror(errno));
		h = crypt_rn("secret", setting, &data, (int)sizeof(data));
		is_int(sasl_password_check(h, "secret", &err), 1,
		    "scheme \"%s\": right", schemes[i].prefix);
		is_int(sasl_password_check(h, "secreT", &err), 0,
		    "scheme \"%s\": wrong", schemes[i].prefix);
	}
}

/* what no crypt(3) has: argon2id by its reference command (echo -n secret |
 * argon2 somesalt -id -t 2 -m 13 -p 2), CRAM-MD5, and plain text */
static void
test_others(void)
{
	static const char argon[] = "$argon2id$v=19$m=8192,t=2,p=2$"
	    "c29tZXNhbHQ$xfmdMQDQWvmVDSVWGpzaDDo6VX5tOCd9DFIj3DQlL3I";
	static const char *const broken[] = { "$argon2id$",
		"$argon2id$v=16$m=8192,t=2,p=2$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=999999999,t=2,p=2$c29tZXNhbHQ$AAAAAAAAAAAAAA"
		"AAAAAAAAAAAA", "$argon2id$v=19$m=8192,t=2$c29tZXNhbHQ$AAAA",
		"$argon2id$v=19$m=8192,t=2,p=2$!$AAAA", "{SHA512-CRYPT}x",
		"{PLAIN}secret" };
	struct str text = STR_INIT, braced = STR_INIT;
	unsigned char half[CRAM_MAX];
	char digest[33];
	struct err err = ERR_INIT;
	size_t i;

	is_int(sasl_password_check(argon, "secret", &err), 1, "argon2id");
	is_int(sasl_password_check(argon, "secreT", &err), 0, "wrong");
	str_addf(&braced, "{ARGON2ID}%s", argon);
	is_int(sasl_password_ok(braced.s, "secret"), 1, "with its name");
	for (i = 0; i < ARRAY_LEN(broken); i++)
		is_int(sasl_password_check(broken[i], "secret", &err), -1,
		    "refused: %s", broken[i]);

	/* RFC 2195 2 */
	cram_make("tanstaaftanstaaf", half);
	cram_digest(half, SLICE_LIT("<1896.697170952@postoffice.reston."
	    "mci.net>"), digest);
	is_str(digest, "b913a602c7eda7a495b4e6e7334d3890", "CRAM-MD5");
	str_adds(&text, "{CRAM-MD5}");
	hex_encode(&text, half, sizeof(half));
	is_int(sasl_password_ok(text.s, "tanstaaftanstaaf"), 1,
	    "a password by it");
	is_int(sasl_password_ok(text.s, "tanstaaf"), 0, "a wrong one");
	sasl_password_allow_plain();
	is_int(sasl_password_ok("{PLAIN}secret", "secret"), 1, "plain");
	is_int(sasl_password_ok("{PLAIN}secret", "secre"), 0, "wrong");
	str_free(&text);
	str_free(&braced);
}

static void
test_made(void)
{
	static const struct {
		enum password_scheme scheme;
		int64_t cost, other;
		const char *prefix;
	} made[] = {
		{ PASSWORD_YESCRYPT, 1, 5, "$y$" },
		{ PASSWORD_ARGON2ID, 8192, 9000,
		    "$argon2id$v=19$m=8192,t=3,p=1$" },
		{ PASSWORD_BCRYPT, 4, 5, "$2b$04$" },
		{ PASSWORD_SHA512, 2000, 3000, "$6$rounds=2000$" },
	};
	struct str h[ARRAY_LEN(made)];
	struct err err = ERR_INIT;
	const char *old = NULL;
	size_t i;

	for (i = 0; i < ARRAY_LEN(made); i++) {
		h[i] = (struct str)STR_INIT;
		sasl_password_by(made[i].scheme, made[i].cost);
		is_int(sasl_password_hash(&h[i], "pw", &err), 0, "made: %s",
		    made[i].prefix);
		ok(slice_starts(slice_str(&h[i]), made[i].prefix), "%s",
		    h[i].s);
		is_int(sasl_password_ok(h[i].s, "pw"), 1, "right");
		is_int(sasl_password_ok(h[i].s, "pW"), 0, "wrong");
	}
	/* the dummy was made by the defaults, before this */
	for (i = 0; i < ARRAY_LEN(made); i++)
		ok(!sasl_password_current(h[i].s), "of another cost");
	sasl_password_by(PASSWORD_YESCRYPT, 0);
	str_reset(&h[0]);
	is_int(sasl_password_hash(&h[0], "pw", &err), 0, "by the default");
	ok(sasl_password_current(h[0].s), "of today's cost");
	old = "$6$abcdefgh$0123";
	ok(!sasl_password_current(old), "an old scheme");
	for (i = 0; i < ARRAY_LEN(made); i++)
		str_free(&h[i]);
}

static void
test_new_hash(void)
{
	struct str a = STR_INIT, b = STR_INIT;
	struct err err = ERR_INIT;
	char over[SASL_PASSWORD_MAX + 2];

	is_int(sasl_password_hash(&a, "p\xc3\xa4ss", &err), 0, "hashed");
	ok(slice_starts(slice_str(&a), "$y$"), "yescrypt");
	is_int(sasl_password_hash(&b, "p\xc3\xa4ss", &err), 0, "again");
	ok(strcmp(a.s, b.s) != 0, "with another salt");
	is_int(sasl_password_ok(a.s, "p\xc3\xa4ss"), 1, "right");
	is_int(sasl_password_ok(a.s, "p\xc3\xa4s"), 0, "wrong");
	is_int(sasl_password_ok(a.s, ""), 0, "empty is wrong");
	is_int(sasl_password_hash(&b, "", &err), -1, "no empty password");
	is_int(sasl_password_hash(&b, "\xff", &err), -1, "only UTF-8");

	memset(over, 'x', sizeof(over) - 1);
	over[sizeof(over) - 1] = '\0';
	is_int(sasl_password_hash(&b, over, &err), -1, "no over-long one");
	ok(err.kind == ERR_PERM, "that is permanent: %s", err.text);
	is_int(sasl_password_check(a.s, over, &err), 0, "over-long is wrong");
	over[SASL_PASSWORD_MAX] = '\0';
	str_reset(&b);
	is_int(sasl_password_hash(&b, over, &err), 0, "the longest");
	is_int(sasl_password_ok(b.s, over), 1, "is right");
	str_free(&a);
	str_free(&b);
}

static void
test_unusable(void)
{
	static const char *const locked[] = { "", "!", "*", "!!", "*0",
		"!$y$j9T$abc$def" };
	static const char *const broken[] = { "x", "plain text", "$9$abc$def",
		"$y$", "$6" };
	struct err err = ERR_INIT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(locked); i++) {
		is_int(sasl_password_check(locked[i], "x", &err), 0,
		    "\"%s\" is locked", locked[i]);
		is_int(sasl_password_check(locked[i], "", &err), 0,
		    "for the empty password too");
	}
	for (i = 0; i < ARRAY_LEN(broken); i++) {
		err = (struct err)ERR_INIT;
		is_int(sasl_password_check(broken[i], "x", &err), -1,
		    "\"%s\" is no hash", broken[i]);
		ok(err.kind == ERR_TEMP, "that is temporary: %s", err.text);
		is_int(sasl_password_ok(broken[i], broken[i]), 0,
		    "and matches nothing");
	}
}

/* of the processor: what else the machine does must not count */
static int64_t
cpu_us(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts) != 0)
		die("clock_gettime: %s", strerror(errno));
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int64_t
time_of(const char *hash, const char *password)
{
	int64_t best = INT64_MAX, t;
	int i;

	for (i = 0; i < 5; i++) {
		t = cpu_us();
		sasl_password_ok(hash, password);
		t = cpu_us() - t;
		best = MIN(best, t);
	}
	return best;
}

static void
test_dummy(void)
{
	struct str a = STR_INIT;
	struct err err = ERR_INIT;
	int64_t real, dummy, locked, empty;
	const char *d = sasl_dummy_hash();

	ok(sasl_dummy_hash() == d, "made once");
	is_int(sasl_password_check(d, "x", &err), 0, "nothing matches it");
	if (sasl_password_hash(&a, "pw", &err) != 0)
		die("%s", err.text);
	real = time_of(a.s, "wrong");
	dummy = time_of(d, "wrong");
	locked = time_of("!", "wrong");
	empty = time_of(a.s, "");
	tap_diag("us: real %lld dummy %lld locked %lld empty %lld",
	    (long long)real, (long long)dummy, (long long)locked,
	    (long long)empty);
	ok(dummy > real / 2, "an unknown user takes as long");
	ok(locked > real / 2, "a locked one too");
	ok(empty > real / 2, "an empty password too");
	str_free(&a);
}

/* Each scheme in a child, as it is made once: of the shape and cost of a hash
 * of today, and one that can be checked. */
static int
dummy_is_like(enum password_scheme scheme, int64_t c)
{
	struct str real = STR_INIT;
	struct err err = ERR_INIT;
	const char *d;
	int bad;

	sasl_password_by(scheme, c);
	d = sasl_dummy_hash();
	bad = sasl_password_hash(&real, "pw", &err) != 0 ||
	    strlen(d) != real.len || !sasl_password_current(real.s) ||
	    sasl_password_check(d, "pw", &err) != 0;
	str_free(&real);
	return bad;
}

static void
test_dummies(void)
{
	static const struct {
		enum password_scheme scheme;
		int64_t cost;
	} made[] = { { PASSWORD_YESCRYPT, 0 }, { PASSWORD_YESCRYPT, 1 },
		{ PASSWORD_BCRYPT, 4 }, { PASSWORD_SHA512, 0 },
		{ PASSWORD_SHA512, 1000 }, { PASSWORD_ARGON2ID, 8192 } };
	int status;
	size_t i;
	pid_t pid;

	for (i = 0; i < ARRAY_LEN(made); i++) {
		pid = fork();
		if (pid == 0)
			_exit(dummy_is_like(made[i].scheme, made[i].cost));
		is_int(waitpid(pid, &status, 0), pid, "ended");
		is_int(status, 0, "the dummy of scheme %d, cost %lld, is like "
		    "a hash", made[i].scheme, (long long)made[i].cost);
	}
}

int
main(void)
{
	test_dummies();
	test_schemes();
	test_new_hash();
	test_dummy();
	test_others();
	test_made();
	test_unusable();
	return tap_done();
}
