/* batv_test.c - senders that are signed, and what comes back to them */
#include "../../router/batv.h"
#include "../../router/secrets.h"

#include <fcntl.h>

#include "base/log.h"
#include "proto/router.h"
#include "test/tap.h"

enum { DAY = 20996, DAYS = 7 };
static char path[64];
static struct arena a;

static void
put_secrets(const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || full_write(fd, text, strlen(text)) < 0)
		die("cannot write %s", path);
	close(fd);
	secrets_init(path);
}

static const char *
sign(const char *sender, int64_t day)
{
	struct smtp_address s;
	struct err err;
	const char *out = "none";

	if (smtp_address_parse(slice_of(sender), 0, &a, &s, &err) != 1)
		return "bad";
	if (batv_sign(&s, s.domain, day, DAYS, &a, &out, &err) < 0)
		return "error";
	return out;
}

static const char *
check(const char *addr, int64_t day)
{
	static const char *const states[] = { "none", "valid", "invalid",
		"missing" };
	struct smtp_address s;
	struct err err;
	int r;

	if (smtp_address_parse(slice_of(addr), 0, &a, &s, &err) != 1)
		return "bad";
	r = batv_check(&s, day, DAYS, &err);
	return r < 0 ? "error" : states[r];
}

static void
test_sign(void)
{
	const char *s = sign("ann+x@us.example", DAY);
	struct slice plain;

	/* another implementation: printf 0003ann+x@us.example |
	 * openssl dgst -sha1 -hmac first-secret */
	is_str(s, "prvs=0003f7ca62=ann+x@us.example", "signed, over the wrap");
	is_str(sign(s, DAY), "none", "once is enough");
	is_str(sign("SRS0=a=b=c=d@us.example", DAY), "none", "nor SRS");
	is_str(sign("\"two words\"@us.example", DAY),
	    "\"prvs=00036e5094=two words\"@us.example", "quoted");
	ok(batv_is(slice_of("prvs=0003abcdef=joe"), &plain) &&
	    slice_eqz(plain, "joe"), "who it was");
	ok(!batv_is(slice_of("prvs=0003abcdef="), &plain) &&
	    !batv_is(slice_of("prvs=0003abcdeg=joe"), &plain) &&
	    !batv_is(slice_of("prvs=a003abcdef=joe"), &plain) &&
	    !batv_is(slice_of("prvs=0003abcdef"), &plain) &&
	    !batv_is(slice_of("joe"), &plain), "no tags");
}

static void
test_check(void)
{
	const char *s = sign("Ann@us.example", DAY);
	char *z;
	size_t i, bad = 0;

	is_str(check(s, DAY), "valid", "%s", s);
	is_str(check(s, DAY + DAYS), "valid", "on its last day");
	is_str(check(s, DAY + DAYS + 1), "invalid", "then no more");
	is_str(check(s, DAY - 1), "valid", "from tomorrow");
	is_str(check(s, DAY - 2), "invalid", "not from the day after");
	for (i = 0; s[i] != '\0'; i++) {
		z = arena_strdup(&a, s);
		z[i] = (char)ascii_upper((unsigned char)z[i]);
		bad += strcmp(check(z, DAY), "valid") != 0;
	}
	is_int((int64_t)bad, 0, "letters of either case");
	bad = 0;
	for (i = 5; s[i + 1] != '\0'; i++) {
		if (s[i] == '@' || s[i] == '.')
			continue;
		z = arena_strdup(&a, s);
		z[i] = z[i] == '4' ? '5' : '4';
		bad += strcmp(check(z, DAY), "valid") == 0;
	}
	is_int((int64_t)bad, 0, "no letter can be changed");
	is_str(check("ann@us.example", DAY), "missing", "none");
	is_str(check("prvs=x@us.example", DAY), "invalid", "half of one");
}

static void
test_secrets(void)
{
	const char *s = sign("ann@us.example", DAY);

	put_secrets("newsecret\nfirst-secret\n");
	is_str(check(s, DAY), "valid", "an older secret verifies");
	ok(strcmp(sign("ann@us.example", DAY), s) != 0, "the first signs");
	put_secrets("newsecret\n");
	is_str(check(s, DAY), "invalid", "one that is gone does not");
	unlink(path);
	secrets_init(path);
	is_str(sign("ann@us.example", DAY), "none", "no secret, no signature");
	is_str(check("ann@us.example", DAY), "none", "and none is missing");
}

static void
no_log(const char *line UNUSED, size_t n UNUSED)
{
}

int
main(void)
{
	log_set_sink(no_log);
	snprintf(path, sizeof(path), "/tmp/batv_test.%d", (int)getpid());
	put_secrets("first-secret\n");
	test_sign();
	test_check();
	test_secrets();
	unlink(path);
	arena_free(&a);
	return tap_done();
}
