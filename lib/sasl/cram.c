/*
 * cram.c - what a server must keep for CRAM-MD5 (RFC 2195): the state of MD5
 * after the padded key, inner and outer.  It is no password, but whoever has
 * it can log in.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/evp.h>
#include <openssl/md5.h>

#include "sasl/password.h"

enum { BLOCK = 64 };

static void
put_state(const MD5_CTX *c, unsigned char *out)
{
	const unsigned w[4] = { c->A, c->B, c->C, c->D };
	int i;

	for (i = 0; i < 16; i++)
		out[i] = (unsigned char)(w[i / 4] >> (8 * (i % 4)));
}

static void
get_state(MD5_CTX *c, const unsigned char *in)
{
	unsigned w[4] = { 0 };
	int i;

	for (i = 0; i < 16; i++)
		w[i / 4] |= (unsigned)in[i] << (8 * (i % 4));
	MD5_Init(c);
	c->A = w[0];
	c->B = w[1];
	c->C = w[2];
	c->D = w[3];
	c->Nl = BLOCK * 8;	/* a block was hashed */
}

void
cram_make(const char *password, unsigned char half[CRAM_MAX])
{
	unsigned char key[BLOCK] = { 0 }, pad[BLOCK];
	size_t n = strlen(password), i;
	int side;
	MD5_CTX c;

	if (n > BLOCK) {
		MD5_Init(&c);
		MD5_Update(&c, password, n);
		MD5_Final(key, &c);
	} else {
		memcpy(key, password, n);
	}
	/* the outer half is stored first */
	for (side = 0; side < 2; side++) {
		for (i = 0; i < BLOCK; i++)
			pad[i] = (unsigned char)(key[i] ^
			    (side == 0 ? 0x5c : 0x36));
		MD5_Init(&c);
		MD5_Update(&c, pad, BLOCK);
		put_state(&c, half + 16 * side);
	}
	explicit_bzero(key, sizeof(key));
	explicit_bzero(pad, sizeof(pad));
	explicit_bzero(&c, sizeof(c));
}

int
cram_parse(struct slice text, unsigned char half[CRAM_MAX])
{
	char password[512];

	if (slice_istarts(text, "{PLAIN}")) {
		slice_copy(password, sizeof(password),
		    slice_sub(text, strlen("{PLAIN}"), text.n));
		cram_make(password, half);
		explicit_bzero(password, sizeof(password));
		return 1;
	}
	if (!slice_istarts(text, "{CRAM-MD5}"))
		return 0;
	text = slice_sub(text, strlen("{CRAM-MD5}"), text.n);
	return hex_decode(text, half, CRAM_MAX);
}

void
cram_digest(const unsigned char half[CRAM_MAX], struct slice challenge,
    char hex[33])
{
	unsigned char sum[16];
	struct str out = STR_INIT;
	MD5_CTX c;

	get_state(&c, half + 16);
	MD5_Update(&c, challenge.p, challenge.n);
	MD5_Final(sum, &c);
	get_state(&c, half);
	MD5_Update(&c, sum, sizeof(sum));
	MD5_Final(sum, &c);
	hex_encode(&out, sum, sizeof(sum));
	slice_copy(hex, 33, slice_str(&out));
	str_free(&out);
	explicit_bzero(&c, sizeof(c));
}
