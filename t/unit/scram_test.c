/* scram_test.c - the exchanges of RFC 5802 and 7677, channel bindings, and what
 * must not succeed.  A client is played here; it checks the server too. */
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "sasl/password.h"
#include "sasl/prep.h"
#include "sasl/sasl.h"
#include "test/tap.h"

/* the examples of the RFCs, with what they print */
static const struct {
	const char *name, *salt;
	uint32_t iterations;
	enum scram_hash hash;
	const char *message, *proof, *signature;
} vectors[] = {
	{ "RFC 5802 5", "QSXCR+Q6sek8bf92", 4096, SCRAM_SHA1,
	    "n=user,r=fyko+d2lbbFgONRv9qkxdawL,"
	    "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
	    "s=QSXCR+Q6sek8bf92,i=4096,"
	    "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j",
	    "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "rmF9pqV8S7suAoZWja4dJRkFsKQ=" },
	{ "RFC 7677 3", "W22ZaJ0SNY7soEsUEjb6gQ==", 4096, SCRAM_SHA256,
	    "n=user,r=rOprNGfwEbeRWgbNEkqO,"
	    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	    "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
	    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
	    "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
	    "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=" },
};

static void
test_vectors(void)
{
	struct scram_verifier v;
	unsigned char sig[SCRAM_KEY_MAX];
	struct str raw = STR_INIT, text = STR_INIT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(vectors); i++) {
		str_reset(&raw);
		v = (struct scram_verifier){ .hash = vectors[i].hash,
		    .iterations = vectors[i].iterations };
		base64_decode(&raw, slice_of(vectors[i].salt));
		memcpy(v.salt, raw.s, raw.len);
		v.salt_len = raw.len;
		is_int(scram_derive(&v, "pencil"), 0, "%s", vectors[i].name);
		str_reset(&raw);
		base64_decode(&raw, slice_of(vectors[i].proof));
		ok(scram_proof_ok(&v, slice_of(vectors[i].message),
		    (const unsigned char *)raw.s), "the client's proof");
		raw.s[3] ^= 1;
		ok(!scram_proof_ok(&v, slice_of(vectors[i].message),
		    (const unsigned char *)raw.s), "another proof");
		scram_signature(&v, slice_of(vectors[i].message), sig);
		str_reset(&text);
		base64_encode(&text, sig, scram_key_len(v.hash));
		is_str(text.s, vectors[i].signature, "the server's");
	}
	str_free(&raw);
	str_free(&text);
}

/* --- a client --- */

struct client {
	enum scram_hash hash;
	const char *flag, *password;	/* "n,," "y,," "p=tls-exporter,," */
	const char *binding;		/* bytes, or NULL */
	const char *tamper;		/* what goes wrong */
	struct str message;		/* AuthMessage */
	unsigned char salted[SCRAM_KEY_MAX];
};

static const EVP_MD *
md(const struct client *c)
{
	return c->hash == SCRAM_SHA1 ? EVP_sha1() : EVP_sha256();
}

static void
mac(const struct client *c, const unsigned char *key, struct slice data,
    unsigned char *out)
{
	HMAC(md(c), key, (int)scram_key_len(c->hash),
	    (const unsigned char *)data.p, data.n, out, NULL);
}

static void
add_proof(struct client *c, struct str *out)
{
	unsigned char key[SCRAM_KEY_MAX], stored[SCRAM_KEY_MAX],
	    sig[SCRAM_KEY_MAX];
	size_t n = scram_key_len(c->hash), i;

	mac(c, c->salted, SLICE_LIT("Client Key"), key);
	EVP_Digest(key, n, stored, NULL, md(c), NULL);
	mac(c, stored, slice_str(&c->message), sig);
	for (i = 0; i < n; i++)
		key[i] ^= sig[i];
	str_adds(out, ",p=");
	base64_encode(out, key, n);
}

/* r=,s=,i= of the server: the salted password, and the nonce */
static void
read_first(struct client *c, const struct str *first, struct str *nonce)
{
	struct slice rest = slice_str(first), r, s, i;
	struct str salt = STR_INIT;
	uint64_t n = 0;

	slice_cut(&rest, ',', &r);
	slice_cut(&rest, ',', &s);
	slice_cut(&rest, ',', &i);
	str_addsl(nonce, slice_sub(r, 2, r.n));
	base64_decode(&salt, slice_sub(s, 2, s.n));
	slice_u64(slice_sub(i, 2, i.n), 1000000, &n);
	PKCS5_PBKDF2_HMAC(c->password, -1, (unsigned char *)salt.s,
	    (int)salt.len, (int)n, md(c), (int)scram_key_len(c->hash),
	    c->salted);
	str_free(&salt);
}

static void
final_message(struct client *c, const struct str *first, struct str *out)
{
	struct str head = STR_INIT, nonce = STR_INIT;

	read_first(c, first, &nonce);
	str_adds(&head, strcmp(c->tamper, "header") == 0 ? "n,," : c->flag);
	str_adds(&head, c->binding != NULL ? c->binding : "");
	str_adds(out, "c=");
	base64_encode(out, head.s, head.len);
	str_addf(out, ",r=%s%s", nonce.s, strcmp(c->tamper, "nonce") == 0 ?
	    "x" : "");
	str_addf(&c->message, ",%s,%s", first->s, out->s);
	add_proof(c, out);
	str_free(&head);
	str_free(&nonce);
}

/* the server knows the password, too */
static bool
server_ok(struct client *c, const struct str *final)
{
	unsigned char key[SCRAM_KEY_MAX], sig[SCRAM_KEY_MAX];
	struct str want = STR_INIT;
	bool same;

	mac(c, c->salted, SLICE_LIT("Server Key"), key);
	mac(c, key, slice_str(&c->message), sig);
	str_adds(&want, "v=");
	base64_encode(&want, sig, scram_key_len(c->hash));
	same = strcmp(want.s, final->s) == 0;
	str_free(&want);
	return same;
}

/* --- a host with one account, ann, whose two keys share a salt --- */

static int
host_scram(struct sasl *s, enum scram_hash h, struct sasl_keys *keys)
{
	static const char *const passwords[] = { "pencil", "other" };
	size_t i;

	*keys = (struct sasl_keys){ .n = 2,
	    .made_up = strcmp(s->authcid, "ann,=") != 0 };
	for (i = 0; i < keys->n; i++) {
		keys->key[i] = (struct scram_verifier){ .hash = h,
		    .iterations = 4096, .salt_len = 4,
		    .salt = { 1, 2, 3, 4 } };
		if (scram_derive(&keys->key[i], passwords[i]) != 0)
			die("derive");
	}
	return 0;
}

static const struct sasl_host host = { .scram = host_scram };

static const struct {
	const char *name, *mech, *user, *flag, *password, *binding, *tamper;
	bool plus;
	const char *want;
} rows[] = {
	{ "SHA-256", "SCRAM-SHA-256", "ann=2C=3D", "n,,", "pencil", NULL, "",
	    false, "DONE 0" },
	{ "SHA-1", "SCRAM-SHA-1", "ann=2C=3D", "n,,", "pencil", NULL, "",
	    false, "DONE 0" },
	{ "the second key", "SCRAM-SHA-256", "ann=2C=3D", "n,,", "other",
	    NULL, "", false, "DONE 1" },
	{ "wrong password", "SCRAM-SHA-256", "ann=2C=3D", "n,,", "pencils",
	    NULL, "", false, "FAIL wrong password" },
	{ "unknown user", "SCRAM-SHA-256", "bob", "n,,", "pencil", NULL, "",
	    false,
	    "FAIL no such user, or one without a SCRAM verifier" },
	{ "could bind, not offered", "SCRAM-SHA-256", "ann=2C=3D", "y,,",
	    "pencil", NULL, "", false, "DONE 0" },
	{ "could bind, was offered", "SCRAM-SHA-256", "ann=2C=3D", "y,,",
	    "pencil", NULL, "", true,
	    "FAIL downgrade: the client was not told of -PLUS" },
	{ "does not bind, was offered", "SCRAM-SHA-256", "ann=2C=3D", "n,,",
	    "pencil", NULL, "", true, "DONE 0" },
	{ "exporter", "SCRAM-SHA-256-PLUS", "ann=2C=3D",
	    "p=tls-exporter,,", "pencil", "EXPORTER", "", true, "DONE 0" },
	{ "end point", "SCRAM-SHA-1-PLUS", "ann=2C=3D",
	    "p=tls-server-end-point,,", "pencil", "END", "", true,
	    "DONE 0" },
	{ "another exporter", "SCRAM-SHA-256-PLUS", "ann=2C=3D",
	    "p=tls-exporter,,", "pencil", "EXPORTES", "", true,
	    "FAIL another channel: somebody is in between" },
	{ "no binding sent", "SCRAM-SHA-256-PLUS", "ann=2C=3D",
	    "p=tls-exporter,,", "pencil", NULL, "", true,
	    "FAIL another channel: somebody is in between" },
	{ "the header changed", "SCRAM-SHA-256-PLUS", "ann=2C=3D",
	    "p=tls-exporter,,", "pencil", "EXPORTER", "header", true,
	    "FAIL another channel: somebody is in between" },
	{ "unknown binding", "SCRAM-SHA-256-PLUS", "ann=2C=3D",
	    "p=tls-unique,,", "pencil", "x", "", true,
	    "FAIL a channel binding that is not there" },
	{ "PLUS without binding", "SCRAM-SHA-256-PLUS", "ann=2C=3D", "n,,",
	    "pencil", NULL, "", true,
	    "FAIL -PLUS without a channel binding" },
	{ "binding without PLUS", "SCRAM-SHA-256", "ann=2C=3D",
	    "p=tls-exporter,,", "pencil", "EXPORTER", "", true,
	    "FAIL a channel binding without -PLUS" },
	{ "another nonce", "SCRAM-SHA-256", "ann=2C=3D", "n,,", "pencil",
	    NULL, "nonce", false, "FAIL another nonce" },
	{ "the flag turned", "SCRAM-SHA-256", "ann=2C=3D", "y,,", "pencil",
	    NULL, "header", false, "FAIL malformed response" },
	{ "as another", "SCRAM-SHA-256", "ann=2C=3D", "n,a=b=2Cc,",
	    "pencil", NULL, "", false, "DONE 0 b,c" },
};

static void
describe(const struct sasl *s, enum sasl_result r, struct str *out)
{
	if (r == SASL_FAIL)
		str_addf(out, "FAIL %s", s->why);
	else if (r == SASL_DONE)
		str_addf(out, "DONE %zu%s%s", s->key,
		    s->authzid[0] ? " " : "", s->authzid);
	else
		str_adds(out, "MORE");
}

static enum sasl_result
run(struct sasl *s, struct client *c, size_t row)
{
	struct str say = STR_INIT, chal = STR_INIT, fin = STR_INIT;
	enum sasl_result r;
	struct slice in;

	str_addf(&say, "%sn=%s,r=abcdefgh", c->flag, rows[row].user);
	str_adds(&c->message, say.s + strlen(c->flag));
	in = slice_str(&say);
	r = sasl_start(s, sasl_mech_any(slice_of(rows[row].mech)), &in,
	    &chal);
	if (r == SASL_MORE) {
		final_message(c, &chal, &fin);
		str_reset(&chal);
		r = sasl_step(s, slice_str(&fin), &chal);
	}
	if (r == SASL_MORE) {
		ok(server_ok(c, &chal), "%s: the server's signature",
		    rows[row].name);
		r = sasl_step(s, SLICE_LIT(""), &chal);
	}
	str_free(&say);
	str_free(&chal);
	str_free(&fin);
	return r;
}

static void
test_exchanges(void)
{
	struct sasl_channel ch = { .exporter = "EXPORTER", .exporter_len = 8,
	    .end_point = "END", .end_point_len = 3 };
	struct str got = STR_INIT;
	struct client c;
	struct sasl s;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		c = (struct client){ .flag = rows[i].flag,
		    .password = rows[i].password,
		    .binding = rows[i].binding, .tamper = rows[i].tamper,
		    .message = STR_INIT };
		c.hash = strstr(rows[i].mech, "SHA-1") != NULL ? SCRAM_SHA1 :
		    SCRAM_SHA256;
		sasl_wipe(&s);
		ch.plus = rows[i].plus;
		sasl_set(&s, &host, NULL, &ch);
		str_reset(&got);
		describe(&s, run(&s, &c, i), &got);
		is_str(got.s, rows[i].want, "%s", rows[i].name);
		str_free(&c.message);
	}
	str_free(&got);
}

/* what a client's first message must not be */
static void
test_malformed(void)
{
	static const char *const first[] = { "", "n", "n,", "n,,", "n,,n=ann",
		"n,,n=,r=x", "n,,r=x,n=ann", "n,,m=x,n=ann,r=x", "z,,n=a,r=x",
		"n,b=x,n=a,r=x", "n,a=,n=a,r=x", "n,,n=a=20,r=x",
		"n,,n=a=2c,r=x", "n,,n=a,r=", "n,,n=a,r=a b", "n,,n=\xff,r=x",
		"n,,n=a\x01,r=x", "p=,,n=a,r=x" };
	struct sasl_channel ch = { .plus = false };
	struct str chal = STR_INIT;
	struct slice in;
	struct sasl s;
	size_t i;

	for (i = 0; i < ARRAY_LEN(first); i++) {
		sasl_wipe(&s);
		sasl_set(&s, &host, NULL, &ch);
		in = slice_of(first[i]);
		is_int(sasl_start(&s, sasl_mech_any(
		    SLICE_LIT("SCRAM-SHA-256")), &in, &chal), SASL_FAIL,
		    "refused: \"%s\"", first[i]);
	}
	str_free(&chal);
}

static void
test_text(void)
{
	static const char *const bad[] = { "SCRAM-SHA-256$4095:AQ==$AA==:AA==",
		"SCRAM-SHA-256$9999999:AQ==$AA==:AA==", "SCRAM-SHA-256$",
		"SCRAM-SHA-256$4096", "SCRAM-SHA-256$4096:AQ==",
		"SCRAM-SHA-256$4096:$AA==:AA==", "{SCRAM-SHA-1}4096,AQ==,x,y",
		"SCRAM-SHA-256$4096:AQ==$AA==:AA==" };
	struct scram_verifier v, w;
	struct str text = STR_INIT, rfc = STR_INIT;
	struct err err = ERR_INIT;
	size_t i;

	is_int(scram_make(SCRAM_SHA256, 4096, "pw", &v, &err), 0, "made");
	scram_print(&v, &text);
	is_int(scram_parse(slice_str(&text), &w), 1, "%s", text.s);
	ok(memcmp(&v, &w, sizeof(v)) == 0, "printed and read");
	is_int(sasl_password_ok(text.s, "pw"), 1, "verifies a password too");
	is_int(sasl_password_ok(text.s, "pW"), 0, "and no other");
	str_adds(&rfc, "{SCRAM-SHA-256}4096,");
	base64_encode(&rfc, v.salt, v.salt_len);
	str_addc(&rfc, ',');
	base64_encode(&rfc, v.stored, 32);
	str_addc(&rfc, ',');
	base64_encode(&rfc, v.server, 32);
	is_int(sasl_password_ok(rfc.s, "pw"), 1, "the form of RFC 5803");
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		is_int(scram_parse(slice_of(bad[i]), &w), -1, "bad: %s",
		    bad[i]);
		is_int(sasl_password_check(bad[i], "pw", &err), -1,
		    "and trouble");
	}
	is_int(scram_parse(SLICE_LIT("$y$j9T$x$y"), &w), 0, "no verifier");
	str_free(&text);
	str_free(&rfc);
}

static const struct {
	const char *in, *want;		/* NULL: refused */
} prepared[] = {
	/* RFC 4013 3 */
	{ "I\xc2\xadX", "IX" }, { "user", "user" }, { "USER", "USER" },
	{ "\xc2\xaa", "a" }, { "\xe2\x85\xa8", "IX" }, { "\x07", NULL },
	{ "a\xc2\xa0" "b", "a b" }, { "A\xcc\x8a", "\xc3\x85" },
	{ "\xe3\x80\x80x", " x" }, { "", NULL }, { "\xff", NULL },
	{ "a\x7f", NULL }, { "\xc2\x85", NULL }, { "\xc2\xad", NULL },
	{ "\xee\x80\x80", NULL },	/* private use */
	{ "\xef\xbf\xbe", NULL },	/* a noncharacter */
	{ "\xcd\xb8", NULL },		/* not assigned */
	/* from right to left: the whole, or nothing */
	{ "\xd8\xa7" "1", NULL }, { "a\xd8\xa7", NULL },
	{ "\xd8\xa7\xd8\xa8", "\xd8\xa7\xd8\xa8" },
	{ "\xd8\xa7" "1\xd8\xa8", "\xd8\xa7" "1\xd8\xa8" },
	{ "\xd8\xa7" "a\xd8\xa8", NULL },
};

static void
test_prep(void)
{
	struct str out = STR_INIT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(prepared); i++) {
		str_reset(&out);
		is_int(prep_password(slice_of(prepared[i].in), &out),
		    prepared[i].want != NULL, "prepared: %zu", i);
		is_str(out.len > 0 ? out.s : "", prepared[i].want != NULL ?
		    prepared[i].want : "", "as it must be");
	}
	str_free(&out);
}

int
main(void)
{
	test_vectors();
	test_exchanges();
	test_malformed();
	test_text();
	test_prep();
	return tap_done();
}
