/* sasl_test.c - PLAIN and LOGIN exchanges, good and bad */
#include "sasl/sasl.h"
#include "test/tap.h"

#define NONE "(none)"

/* Up to three responses of the client, the first with the command; \1 stands
 * for NUL.  want: the challenges in <>, then the outcome. */
static const struct {
	const char *name, *mech, *say[3], *want;
} rows[] = {
	{ "plain", "PLAIN", { "\1ann\1pw" }, "DONE ann//pw" },
	{ "mechanism folded", "plain", { "\1ann\1pw" }, "DONE ann//pw" },
	{ "plain, asked", "PLAIN", { NONE, "\1ann\1pw" },
	    "<> DONE ann//pw" },
	{ "plain, authzid equal", "PLAIN", { "ann\1ann\1pw" },
	    "DONE ann/ann/pw" },
	{ "plain, UTF-8", "PLAIN", { "\1\xc3\xa4@x\1\xe2\x82\xac" },
	    "DONE \xc3\xa4@x//\xe2\x82\xac" },
	{ "plain, blanks in the password", "PLAIN", { "\1ann\1 p w " },
	    "DONE ann// p w " },
	{ "plain, authzid other", "PLAIN", { "bob\1ann\1pw" },
	    "DONE ann/bob/pw" },
	{ "plain, empty", "PLAIN", { "" }, "FAIL malformed response" },
	{ "plain, asked, empty", "PLAIN", { NONE, "" },
	    "<> FAIL malformed response" },
	{ "plain, one part", "PLAIN", { "ann" }, "FAIL malformed response" },
	{ "plain, two parts", "PLAIN", { "ann\1pw" },
	    "FAIL malformed response" },
	{ "plain, four parts", "PLAIN", { "\1ann\1pw\1x" },
	    "FAIL password is not UTF-8" },
	{ "plain, no name", "PLAIN", { "\1\1pw" }, "FAIL empty name" },
	{ "plain, no password", "PLAIN", { "\1ann\1" },
	    "FAIL empty password" },
	{ "plain, bad UTF-8 name", "PLAIN", { "\1a\xff\1pw" },
	    "FAIL name is not UTF-8" },
	{ "plain, bad UTF-8 password", "PLAIN", { "\1ann\1\xc0\xaf" },
	    "FAIL password is not UTF-8" },
	{ "plain, control in the name", "PLAIN", { "\1a\nb\1pw" },
	    "FAIL control character in a name" },
	{ "plain, over", "PLAIN", { "\1ann\1pw", "\1ann\1pw" },
	    "DONE ann//pw FAIL the exchange is over" },
	{ "plain, over by failure", "PLAIN", { "x", "\1ann\1pw" },
	    "FAIL malformed response FAIL the exchange is over" },

	{ "login", "LOGIN", { NONE, "ann", "pw" },
	    "<Username:> <Password:> DONE ann//pw" },
	{ "login, name with the command", "login", { "ann", "pw" },
	    "<Password:> DONE ann//pw" },
	{ "login, empty with the command", "LOGIN", { "", "ann", "pw" },
	    "<Username:> <Password:> DONE ann//pw" },
	{ "login, no name", "LOGIN", { NONE, "" },
	    "<Username:> FAIL empty name" },
	{ "login, no password", "LOGIN", { "ann", "" },
	    "<Password:> FAIL empty password" },
	{ "login, NUL in the name", "LOGIN", { "a\1b" },
	    "FAIL name is not UTF-8" },
	{ "login, NUL in the password", "LOGIN", { "ann", "pw\1" },
	    "<Password:> FAIL password is not UTF-8" },
};

static struct slice
unescape(const char *z, struct str *buf)
{
	size_t i;

	str_reset(buf);
	str_adds(buf, z);
	for (i = 0; i < buf->len; i++)
		if (buf->s[i] == '\1')
			buf->s[i] = '\0';
	return slice_str(buf);
}

static void
describe(const struct sasl *s, enum sasl_result r, const struct str *chal,
    struct str *out)
{
	if (out->len > 0)
		str_addc(out, ' ');
	if (r == SASL_MORE)
		str_addf(out, "<%s>", chal->s);
	else if (r == SASL_FAIL)
		str_addf(out, "FAIL %s", s->why);
	else
		str_addf(out, "DONE %s/%s/%s", s->authcid, s->authzid,
		    s->password);
}

static bool
is_zero(const void *p, size_t n)
{
	const unsigned char *c = p;

	while (n > 0 && *c == 0)
		c++, n--;
	return n == 0;
}

static void
test_exchanges(void)
{
	struct str buf = STR_INIT, chal = STR_INIT, got = STR_INIT;
	struct sasl s;
	struct slice in;
	enum sasl_result r;
	size_t i, j;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		str_reset(&got);
		for (j = 0; j < 3 && rows[i].say[j] != NULL; j++) {
			str_reset(&chal);
			in = unescape(rows[i].say[j], &buf);
			if (j > 0)
				r = sasl_step(&s, in, &chal);
			else
				r = sasl_start(&s, sasl_mech_any(
				    slice_of(rows[i].mech)),
				    slice_eqz(in, NONE) ? NULL : &in, &chal);
			describe(&s, r, &chal, &got);
			if (r == SASL_FAIL)
				ok(is_zero(s.password, sizeof(s.password)),
				    "a failure leaves no password");
		}
		is_str(got.s, rows[i].want, "%s", rows[i].name);
		sasl_wipe(&s);
		ok(is_zero(&s, sizeof(s)), "wiped");
	}
	str_free(&buf);
	str_free(&chal);
	str_free(&got);
}

/* NUL authcid*n NUL password*m */
static enum sasl_result
plain_of(struct sasl *s, size_t n, size_t m)
{
	struct str b = STR_INIT, chal = STR_INIT;
	enum sasl_result r;
	struct slice in;

	str_addc(&b, '\0');
	while (n-- > 0)
		str_addc(&b, 'a');
	str_addc(&b, '\0');
	while (m-- > 0)
		str_addc(&b, 'p');
	in = slice_str(&b);
	r = sasl_start(s, sasl_mech_any(SLICE_LIT("PLAIN")), &in, &chal);
	str_free(&b);
	str_free(&chal);
	return r;
}

static void
test_limits(void)
{
	struct str chal = STR_INIT;
	struct sasl s;

	is_int(plain_of(&s, SASL_NAME_MAX, SASL_PASSWORD_MAX), SASL_DONE,
	    "the longest name and password");
	is_int(strlen(s.authcid), SASL_NAME_MAX, "whole name");
	is_int(strlen(s.password), SASL_PASSWORD_MAX, "whole password");
	is_int(plain_of(&s, SASL_NAME_MAX + 1, 1), SASL_FAIL, "longer name");
	is_str(s.why, "name too long", "says so");
	is_int(plain_of(&s, 1, SASL_PASSWORD_MAX + 1), SASL_FAIL,
	    "longer password");
	is_str(s.why, "password too long", "says so");
	is_int(plain_of(&s, 1, SASL_RESPONSE_MAX), SASL_FAIL,
	    "longer response");
	is_str(s.why, "response too long", "says so");

	sasl_wipe(&s);
	is_int(sasl_step(&s, SLICE_LIT("x"), &chal), SASL_FAIL,
	    "a step that nobody began");
	ok(sasl_mech_any(SLICE_LIT("CRAM-MD4")) == NULL, "unknown");
	ok(sasl_mech_any(SLICE_LIT("")) == NULL, "empty");
	ok(sasl_mech_any(SLICE_LIT("PLAINX")) == NULL, "longer");
	is_str(sasl_mech_any(SLICE_LIT("Login"))->name, "LOGIN",
	    "name");
}

int
main(void)
{
	test_exchanges();
	test_limits();
	return tap_done();
}
