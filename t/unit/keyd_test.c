/*
 * keyd_test.c - what keyd signs, and what it does not; vouchers.
 */
#include "../../keyd/tbs.h"
#include "../../keyd/voucher.h"
#include "test/tap.h"

static struct str s;

static void
fill(char c, size_t n)
{
	while (n-- > 0)
		str_addc(&s, c);
}

/* a CertificateVerify with so much of a hash */
static void
make_13(const char *who, size_t hash)
{
	str_reset(&s);
	fill(' ', 64);
	str_addf(&s, "TLS 1.3, %s CertificateVerify", who);
	str_addc(&s, '\0');
	fill('h', hash);
}

static void
make_ecdhe(unsigned group, char first, size_t n)
{
	str_reset(&s);
	fill('r', 64);
	str_addc(&s, 3);
	str_addc(&s, (char)(group >> 8));
	str_addc(&s, (char)group);
	str_addc(&s, (char)n);
	str_addc(&s, first);
	fill('p', n - 1);
}

static void
number(size_t n)
{
	str_addc(&s, (char)(n >> 8));
	str_addc(&s, (char)n);
	fill('\x7f', n);
}

static void
make_dhe(size_t p, size_t g, size_t y)
{
	str_reset(&s);
	fill('r', 64);
	number(p);
	number(g);
	number(y);
}

static enum tbs
kind(void)
{
	return tbs_kind(slice_str(&s));
}

static void
test_13(void)
{
	make_13("server", 32);
	is_int(kind(), TBS_13, "a server's CertificateVerify, SHA-256");
	str_addc(&s, 'x');
	is_int(kind(), TBS_NONE, "an octet more");
	str_trunc(&s, s.len - 2);
	is_int(kind(), TBS_NONE, "an octet less");
	make_13("server", 48);
	is_int(kind(), TBS_13, "SHA-384");
	make_13("server", 0);
	is_int(kind(), TBS_NONE, "no hash");
	make_13("server", 20);
	is_int(kind(), TBS_NONE, "SHA-1");
	make_13("client", 32);
	is_int(kind(), TBS_NONE, "a client's");
	make_13("server", 32);
	s.s[0] = 'x';
	is_int(kind(), TBS_NONE, "not all blanks");
	make_13("server", 32);
	s.s[64 + 33] = ' ';
	is_int(kind(), TBS_NONE, "no zero octet");
}

static void
test_12(void)
{
	make_ecdhe(29, 'p', 32);
	is_int(kind(), TBS_12, "ECDHE with X25519");
	make_ecdhe(23, 4, 65);
	is_int(kind(), TBS_12, "P-256");
	make_ecdhe(25, 4, 133);
	is_int(kind(), TBS_12, "P-521");
	make_ecdhe(23, 2, 65);
	is_int(kind(), TBS_NONE, "a compressed point");
	make_ecdhe(23, 4, 64);
	is_int(kind(), TBS_NONE, "a point of another size");
	make_ecdhe(22, 4, 65);
	is_int(kind(), TBS_NONE, "an unknown group");
	make_ecdhe(29, 'p', 32);
	str_addc(&s, 'x');
	is_int(kind(), TBS_NONE, "an octet more");
	make_dhe(256, 1, 256);
	is_int(kind(), TBS_12, "DHE with 2048 bits");
	make_dhe(96, 1, 96);
	is_int(kind(), TBS_NONE, "with 768 bits");
	make_dhe(256, 1, 257);
	is_int(kind(), TBS_NONE, "y is more than p");
	make_dhe(256, 0, 256);
	is_int(kind(), TBS_NONE, "no generator");
	make_dhe(256, 1, 256);
	str_trunc(&s, s.len - 1);
	is_int(kind(), TBS_NONE, "an octet less");
	str_reset(&s);
	is_int(kind(), TBS_NONE, "nothing");
	fill('r', 64);
	is_int(kind(), TBS_NONE, "the randoms alone");
	str_reset(&s);
	str_adds(&s, "From: x\r\nSubject: a message, for DKIM\r\n");
	is_int(kind(), TBS_NONE, "a message");
}

static void
test_schemes(void)
{
	const struct scheme *p = scheme_find(0x0804);

	ok(p != NULL && p->pss && !p->only_12 && p->key == KEY_RSA,
	    "RSA-PSS with SHA-256");
	p = scheme_find(0x0401);
	ok(p != NULL && !p->pss && p->only_12, "PKCS #1 is for TLS 1.2");
	ok(scheme_find(0x0201)->weak && scheme_find(SCHEME_MD5_SHA1)->weak,
	    "SHA-1 is weak");
	ok(scheme_find(0x0101) == NULL && scheme_find(-1) == NULL,
	    "MD5 there is not");
}

static void
test_voucher(void)
{
	unsigned char secret[VOUCHER_SECRET] = { 1, 2, 3 }, other[
	    VOUCHER_SECRET] = { 1, 2, 4 };
	struct key_vouch_in in = { .session = "abc", .fingerprint = "00ff",
		.subject = "CN=x=y\xc3\xb6" }, out;
	struct str text = STR_INIT;
	struct err err = ERR_INIT;
	struct arena a = { 0 };
	size_t i, bad = 0;

	strlist_add(&in.mailboxes, &a, "a@b");
	strlist_add(&in.mailboxes, &a, "c@d");
	ok(voucher_make(secret, &in, 1000, &text, &err) == 0, "a voucher");
	ok(voucher_read(secret, text.s, 999, &a, &out, &err) == 0, "is good");
	is_str(out.session, "abc", "session");
	is_str(out.fingerprint, "00ff", "fingerprint");
	is_str(out.subject, in.subject, "subject");
	ok(out.mailboxes.n == 2 && strcmp(out.mailboxes.v[1], "c@d") == 0,
	    "mailboxes");
	ok(voucher_read(secret, text.s, 1000, &a, &out, &err) == -1,
	    "until its time is over: %s", err.text);
	ok(voucher_read(other, text.s, 1, &a, &out, &err) == -1,
	    "nobody else can make one: %s", err.text);
	for (i = 0; i < text.len; i++) {
		char was = text.s[i];

		text.s[i] = was == 'A' ? 'B' : 'A';
		bad += voucher_read(secret, text.s, 1, &a, &out, &err) == 0;
		text.s[i] = was;
	}
	is_int(bad, 0, "no octet can be changed");
	ok(voucher_read(secret, "", 1, &a, &out, &err) == -1, "nothing");
	ok(voucher_read(secret, "AAAA", 1, &a, &out, &err) == -1, "too short");
	str_free(&text);
	arena_free(&a);
}

int
main(void)
{
	s = (struct str)STR_INIT;
	test_13();
	test_12();
	test_schemes();
	test_voucher();
	str_free(&s);
	return tap_done();
}
