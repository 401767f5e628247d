/* sasl_client_test.c - logins at other servers: the exchanges of the RFCs, what
 * a bad server must not get, which mechanism is taken, and all of them against
 * our own server's side */
#include "sasl/client.h"
#include "sasl/password.h"
#include "test/tap.h"

/* What the server says, line by line, and what is answered.  \1 stands for
 * NUL; "!": a failure with that text; a last "yes" or "no": may the server say
 * that we are in? */
static const struct {
	const char *name, *mech, *user, *secret, *nonce, *steps[9];
} rows[] = {
	{ "RFC 5802", "SCRAM-SHA-1", "user", "pencil",
	    "fyko+d2lbbFgONRv9qkxdawL", {
	    "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL", "no",
	    "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
	    "s=QSXCR+Q6sek8bf92,i=4096",
	    "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
	    "p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "no",
	    "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=", "", "yes" } },
	{ "RFC 7677", "SCRAM-SHA-256", "user", "pencil",
	    "rOprNGfwEbeRWgbNEkqO", {
	    "n,,n=user,r=rOprNGfwEbeRWgbNEkqO", "no",
	    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	    "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
	    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	    "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", "no",
	    "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", "", "yes" } },
	{ "a false proof", "SCRAM-SHA-256", "user", "pencil",
	    "rOprNGfwEbeRWgbNEkqO", {
	    "n,,n=user,r=rOprNGfwEbeRWgbNEkqO", "no",
	    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	    "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
	    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	    "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", "no",
	    "v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
	    "!the server does not know the password: its proof is false",
	    "no" } },
	{ "a name with , and =", "SCRAM-SHA-1", "a,b=c", "x", "n",
	    { "n,,n=a=2Cb=3Dc,r=n", "no" } },
	{ "a nonce of another", "SCRAM-SHA-1", "u", "x", "abc",
	    { "n,,n=u,r=abc", "no", "r=abd1,s=QSXC,i=4096",
	    "!the nonce is not ours", "no" } },
	{ "a nonce with nothing added", "SCRAM-SHA-1", "u", "x", "abc",
	    { "n,,n=u,r=abc", "no", "r=abc,s=QSXC,i=4096",
	    "!the nonce is not ours", "no" } },
	{ "too cheap", "SCRAM-SHA-1", "u", "x", "abc",
	    { "n,,n=u,r=abc", "no", "r=abcd,s=QSXC,i=1",
	    "!iterations of SCRAM out of bounds: 1", "no" } },
	{ "too dear", "SCRAM-SHA-1", "u", "x", "abc",
	    { "n,,n=u,r=abc", "no", "r=abcd,s=QSXC,i=99999999",
	    "!iterations of SCRAM out of bounds: 99999999", "no" } },
	{ "no salt", "SCRAM-SHA-1", "u", "x", "abc",
	    { "n,,n=u,r=abc", "no", "r=abcd,s=,i=4096",
	    "!a challenge that is none of SCRAM", "no" } },
	{ "an extension that is demanded", "SCRAM-SHA-1", "u", "x", "abc",
	    { "n,,n=u,r=abc", "no", "m=x,r=abcd,s=QSXC,i=4096",
	    "!a challenge that is none of SCRAM", "no" } },
	{ "an error", "SCRAM-SHA-1", "u", "x", "abc",
	    { "n,,n=u,r=abc", "no", "r=abcd,s=QSXC,i=4096",
	    "c=biws,r=abcd,p=*", "no", "e=invalid-proof",
	    "!the server says: invalid-proof", "no" } },
	{ "RFC 4616", "PLAIN", "tim", "tanstaaftanstaaf", "",
	    { "\1tim\1tanstaaftanstaaf", "yes", "", "!a challenge to PLAIN",
	    "no" } },
	{ "LOGIN", "LOGIN", "ann", "pw", "",
	    { "-", "no", "Username:", "ann", "no", "", "pw", "yes" } },
	{ "RFC 2195", "CRAM-MD5", "tim", "tanstaaftanstaaf", "",
	    { "-", "no", "<1896.697170952@postoffice.reston.mci.net>",
	    "tim b913a602c7eda7a495b4e6e7334d3890", "yes" } },
	{ "XOAUTH2", "XOAUTH2", "a@b.c", "tok", "",
	    { "user=a@b.c\2auth=Bearer tok\2\2", "yes",
	    "{\"status\":\"401\"}", "", "no", "x",
	    "!a second challenge to a token", "no" } },
	{ "OAUTHBEARER", "OAUTHBEARER", "a,b@c", "tok", "",
	    { "n,a=a=2Cb@c,\2host=h.test\2auth=Bearer tok\2\2", "yes",
	    "{\"status\":\"invalid_token\"}", "\2", "no" } },
};

/* NUL as \1, and what was \1 as \2 */
static const char *
shown(const struct str *s, struct str *buf)
{
	size_t i;

	str_reset(buf);
	for (i = 0; i < s->len; i++)
		str_addc(buf, s->s[i] == '\0' ? '\1' : s->s[i] == '\1' ?
		    '\2' : s->s[i]);
	return buf->s;
}

/* one step: true where there is another */
static bool
check(struct sasl_client *c, const char *name, int rc, const struct str *r,
    const char *const *want)
{
	struct str buf = STR_INIT, got = STR_INIT;
	size_t n = strlen(want[0]);

	if (rc < 0)
		str_addf(&got, "!%s", c->why);
	else if (c->silent && r->len == 0 && strcmp(want[0], "-") == 0)
		str_adds(&got, "-");
	else
		str_adds(&got, r->len > 0 ? shown(r, &buf) : "");
	/* the proof is not known */
	if (n > 0 && want[0][n - 1] == '*')
		str_trunc(&got, n - 1), str_addc(&got, '*');
	is_str(got.len > 0 ? got.s : "", want[0], "%s", name);
	is_str(c->final ? "yes" : "no", want[1], "%s: final", name);
	str_free(&buf);
	str_free(&got);
	return rc == 0;
}

static void
test_rows(void)
{
	static struct sasl_client c;
	struct str r = STR_INIT;
	size_t i, k;
	int rc;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		memset(&c, 0, sizeof(c));
		c.mech = sasl_client_find(slice_of(rows[i].mech));
		snprintf(c.user, sizeof(c.user), "%s", rows[i].user);
		snprintf(c.secret, sizeof(c.secret), "%s", rows[i].secret);
		snprintf(c.nonce, sizeof(c.nonce), "%s", rows[i].nonce);
		snprintf(c.host, sizeof(c.host), "h.test");
		str_reset(&r);
		rc = sasl_client_start(&c, &r);
		check(&c, rows[i].name, rc, &r, &rows[i].steps[0]);
		for (k = 2; k < 8 && rows[i].steps[k] != NULL; k += 3) {
			str_reset(&r);
			rc = sasl_client_step(&c, slice_of(rows[i].steps[k]),
			    &r);
			check(&c, rows[i].name, rc, &r,
			    &rows[i].steps[k + 1]);
		}
		sasl_client_wipe(&c);
	}
	str_free(&r);
}

/* --- which? --- */

static const struct {
	const char *name, *offered, *allowed;
	bool token, clear, binding;
	const char *want;
} picks[] = {
	{ "the strongest", "PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256 "
	    "SCRAM-SHA-256-PLUS", "", false, true, true,
	    "SCRAM-SHA-256-PLUS" },
	{ "without a channel", "PLAIN SCRAM-SHA-1 SCRAM-SHA-256 "
	    "SCRAM-SHA-256-PLUS", "", false, true, false, "SCRAM-SHA-256" },
	{ "what is allowed", "PLAIN SCRAM-SHA-1", "plain", false, true, true,
	    "PLAIN" },
	{ "the secret itself", "LOGIN PLAIN", "", false, true, false,
	    "PLAIN" },
	{ "not in the clear", "LOGIN PLAIN", "", false, false, false, NULL },
	{ "CRAM-MD5 not unasked", "CRAM-MD5", "", false, true, true, NULL },
	{ "CRAM-MD5 where allowed", "CRAM-MD5 PLAIN", "PLAIN CRAM-MD5", false,
	    true, true, "CRAM-MD5" },
	{ "a token", "PLAIN XOAUTH2 SCRAM-SHA-256", "", true, true, true,
	    "XOAUTH2" },
	{ "a token, by the standard", "XOAUTH2 OAUTHBEARER", "", true, true,
	    true, "OAUTHBEARER" },
	{ "a token is no password", "PLAIN SCRAM-SHA-256", "", true, true,
	    true, NULL },
	{ "nothing known", "GSSAPI NTLM", "", false, true, true, NULL },
	{ "nothing", "", "", false, true, true, NULL },
};

static void
test_picks(void)
{
	const struct sasl_client_mech *m;
	struct sasl_client_wish w;
	struct strlist allowed;
	struct slice rest, word;
	struct arena a = { 0 };
	const char *why;
	size_t i;

	for (i = 0; i < ARRAY_LEN(picks); i++) {
		allowed = (struct strlist){ 0 };
		for (rest = slice_of(picks[i].allowed);
		    slice_word(&rest, &word);)
			strlist_add(&allowed, &a, arena_slice(&a, word));
		w = (struct sasl_client_wish){ picks[i].offered, &allowed,
			picks[i].token, picks[i].clear, picks[i].binding };
		m = sasl_client_pick(&w, &why);
		is_str(m != NULL ? m->name : "none", picks[i].want != NULL ?
		    picks[i].want : "none", "%s", picks[i].name);
	}
	arena_free(&a);
}

/* --- against our own --- */

static int
give_keys(struct sasl *s UNUSED, enum scram_hash h, struct sasl_keys *keys)
{
	struct err err;

	memset(keys, 0, sizeof(*keys));
	keys->n = 1;
	return scram_make(h, 4096, "p\xc3\xa4ss=,", &keys->key[0], &err);
}

static int
give_cram(struct sasl *s UNUSED, unsigned char half[32])
{
	cram_make("p\xc3\xa4ss=,", half);
	return 1;
}

static int
give_token(struct sasl *s, struct slice token)
{
	return slice_eqz(token, "good") &&
	    sasl_take_name(s, s->authcid, SLICE_LIT("a,b=c")) == 0;
}

static const struct sasl_host host = { give_keys, give_cram, give_token,
	NULL };

/* 1 both agree, 0 not */
static int
meet(const struct sasl_client_mech *m, const struct sasl_channel *here,
    const struct sasl_channel *there, const char *secret)
{
	static struct sasl_client c;
	static struct sasl s;
	struct str said = STR_INIT, asked = STR_INIT;
	enum sasl_result r;
	struct slice in;
	int steps = 0, rc;

	memset(&c, 0, sizeof(c));
	c.mech = m;
	c.channel = *here;
	snprintf(c.user, sizeof(c.user), "a,b=c");
	snprintf(c.secret, sizeof(c.secret), "%s", secret);
	sasl_set(&s, &host, NULL, there);
	rc = sasl_client_start(&c, &said);
	in = slice_str(&said);
	r = rc < 0 ? SASL_FAIL : sasl_start(&s, sasl_mech_any(slice_of(
	    m->name)), c.silent ? NULL : &in, &asked);
	while (r == SASL_MORE && rc == 0 && steps++ < 5) {
		str_reset(&said);
		rc = sasl_client_step(&c, slice_str(&asked), &said);
		str_reset(&asked);
		if (rc == 0)
			r = sasl_step(&s, slice_str(&said), &asked);
	}
	if (r == SASL_DONE && !s.proven && strcmp(s.password, secret) != 0)
		r = SASL_FAIL;
	rc = r == SASL_DONE && rc == 0 && c.final &&
	    strcmp(s.authcid, "a,b=c") == 0;
	sasl_client_wipe(&c);
	sasl_wipe(&s);
	str_free(&said);
	str_free(&asked);
	return rc;
}

static void
test_meetings(void)
{
	static const struct sasl_channel none, tls = {
	    .exporter = "EXPORTER", .exporter_len = 8, .end_point = "END",
	    .end_point_len = 3, .plus = true }, old = { .end_point = "END",
	    .end_point_len = 3, .plus = true }, other = {
	    .exporter = "exporter", .exporter_len = 8, .plus = true };
	struct sasl_channel unplus = tls;
	const struct sasl_client_mech *m;
	const char *pw = "p\xc3\xa4ss=,";
	bool token, plus;
	size_t i;

	unplus.plus = false;
	for (i = 0; (m = sasl_client_at(i)) != NULL; i++) {
		token = m->flags & MECH_TOKEN;
		plus = m->flags & MECH_PLUS;
		is_int(meet(m, &tls, &tls, token ? "good" : pw), 1, "%s, TLS",
		    m->name);
		is_int(meet(m, &none, &none, token ? "good" : pw), !plus,
		    "%s, no TLS", m->name);
		if (m->flags & MECH_CLEAR && !token)
			continue;
		is_int(meet(m, &tls, &tls, "wrong"), 0, "%s, wrong", m->name);
		if (m->step != client_scram)
			continue;
		is_int(meet(m, &old, &tls, pw), 1, "%s, end point", m->name);
		is_int(meet(m, &other, &tls, pw), !plus,
		    "%s, somebody in between", m->name);
		/* -PLUS was taken out of what the server offers */
		is_int(meet(m, &unplus, &tls, pw), plus, "%s, downgraded",
		    m->name);
		is_int(meet(m, &unplus, &unplus, pw), 1, "%s, not offered",
		    m->name);
	}
}

int
main(void)
{
	test_rows();
	test_picks();
	test_meetings();
	return tap_done();
}
