/* hash_test.c - SipHash against the vectors of its authors; HMAC against those
 * of RFC 2202 and RFC 4231, and against libcrypto at every length */
#include <openssl/hmac.h>

#include "base/hash.h"
#include "base/hmac.h"
#include "test/tap.h"

static const struct { size_t n; uint64_t want; } vectors[] = {
	{ 0, 0x726fdb47dd0e0e31 }, { 1, 0x74f839c593dc67fd },
	{ 7, 0xab0200f58b01d137 }, { 8, 0x93f5f5799a932462 },
	{ 15, 0xa129ca6149be45e5 }, { 63, 0x958a324ceb064572 },
};

static const struct { size_t n; const char *want; } macs[] = {
	{ 0, "a3817f04ba25a8e66df67214c7550293" },
	{ 1, "da87c1d86b99af44347659119b22fc45" },
	{ 7, "a1f1ebbed8dbc153c0b84aa61ff08239" },
	{ 8, "3b62a9ba6258f5610f83e264f31497b4" },
	{ 15, "5493e99933b0a8117e08ec0f97cfc3d9" },
	{ 63, "5150d1772f50834a503e069a973fbd7c" },
};

static void
is_hex(const unsigned char *p, size_t n, const char *want, const char *what)
{
	struct str hex = STR_INIT;

	hex_encode(&hex, p, n);
	is_str(hex.s, want, "%s", what);
	str_free(&hex);
}

static void
test_hmac(void)
{
	unsigned char a[HMAC_SHA256], b[EVP_MAX_MD_SIZE], in[300];
	struct slice key, text, jefe = SLICE_LIT("Jefe"),
	    what = SLICE_LIT("what do ya want for nothing?");
	size_t i, n, bad = 0;

	hmac_sha1(jefe, what, a);
	is_hex(a, HMAC_SHA1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
	    "RFC 2202, case 2");
	hmac_sha256(jefe, what, a);
	is_hex(a, HMAC_SHA256, "5bdcc146bf60754e6a042426089575c7"
	    "5a003f089d2739839dec58b964ec3843", "RFC 4231, case 2");
	for (i = 0; i < sizeof(in); i++)
		in[i] = (unsigned char)(i * 7);
	for (n = 0; n <= sizeof(in); n++) {
		key = (struct slice){ (char *)in, (n * 13) % 150 };
		text = (struct slice){ (char *)in, n };
		hmac_sha1(key, text, a);
		HMAC(EVP_sha1(), key.p, (int)key.n, in, n, b, NULL);
		bad += memcmp(a, b, HMAC_SHA1) != 0;
		hmac_sha256(key, text, a);
		HMAC(EVP_sha256(), key.p, (int)key.n, in, n, b, NULL);
		bad += memcmp(a, b, HMAC_SHA256) != 0;
	}
	ok(hmac_same("abc", "abc", 3), "the same");
	ok(!hmac_same("abc", "abd", 3) && !hmac_same("abc", "bbc", 3),
	    "not the same");
	is_int(bad, 0, "as libcrypto has it, with keys and texts of any "
	    "length around the blocks");
}

int
main(void)
{
	unsigned char key[HASH_KEY], mac[HASH_MAC], in[64];
	size_t i;

	for (i = 0; i < sizeof(in); i++)
		in[i] = (unsigned char)i;
	memcpy(key, in, sizeof(key));
	for (i = 0; i < ARRAY_LEN(vectors); i++)
		ok(hash_sip(key, in, vectors[i].n) == vectors[i].want,
		    "%zu octets", vectors[i].n);
	for (i = 0; i < ARRAY_LEN(macs); i++) {
		hash_mac(key, in, macs[i].n, mac);
		is_hex(mac, sizeof(mac), macs[i].want, "a MAC");
	}
	ok(hash_secret(in, 10) == hash_secret(in, 10), "the secret stays");
	ok(hash_secret(in, 10) != hash_sip(key, in, 10), "and is none that "
	    "is known");
	test_hmac();
	return tap_done();
}
