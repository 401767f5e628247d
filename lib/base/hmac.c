/*
 * hmac.c - both hashes have blocks of 64 bytes and the same padding; a state
 * holds whole blocks as they come and the rest for the next.
 */
#include "base/hmac.h"

enum { BLOCK = 64, WORDS_MAX = 8 };

struct hash {
	bool wide;			/* SHA-256 */
	uint32_t h[WORDS_MAX];
	uint64_t total;			/* bytes */
	size_t have;
	unsigned char block[BLOCK];
};

static const uint32_t sha256_k[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
	0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
	0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
	0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
	0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
	0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
	0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
	0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t
left(uint32_t x, unsigned n)
{
	return x << n | x >> (32 - n);
}

static uint32_t
right(uint32_t x, unsigned n)
{
	return x >> n | x << (32 - n);
}

static uint32_t
word(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

static void
sha1_block(uint32_t h[5], const unsigned char *p)
{
	uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], f, t;
	size_t i;

	for (i = 0; i < 16; i++)
		w[i] = word(p + 4 * i);
	for (; i < 80; i++)
		w[i] = left(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
	for (i = 0; i < 80; i++) {
		if (i < 20)
			f = ((b & c) | (~b & d)) + 0x5a827999;
		else if (i < 40)
			f = (b ^ c ^ d) + 0x6ed9eba1;
		else if (i < 60)
			f = ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
		else
			f = (b ^ c ^ d) + 0xca62c1d6;
		t = left(a, 5) + f + e + w[i];
		e = d;
		d = c;
		c = left(b, 30);
		b = a;
		a = t;
	}
	h[0] += a;
	h[1] += b;
	h[2] += c;
	h[3] += d;
	h[4] += e;
}

static void
sha256_block(uint32_t h[8], const unsigned char *p)
{
	uint32_t w[64], v[8], s0, s1, t;
	size_t i;

	for (i = 0; i < 16; i++)
		w[i] = word(p + 4 * i);
	for (; i < 64; i++) {
		s0 = right(w[i - 15], 7) ^ right(w[i - 15], 18) ^
		    w[i - 15] >> 3;
		s1 = right(w[i - 2], 17) ^ right(w[i - 2], 19) ^
		    w[i - 2] >> 10;
		w[i] = w[i - 16] + s0 + w[i - 7] + s1;
	}
	memcpy(v, h, sizeof(v));
	for (i = 0; i < 64; i++) {
		s1 = right(v[4], 6) ^ right(v[4], 11) ^ right(v[4], 25);
		t = v[7] + s1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) +
		    sha256_k[i] + w[i];
		s0 = right(v[0], 2) ^ right(v[0], 13) ^ right(v[0], 22);
		s0 += (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
		memmove(v + 1, v, 7 * sizeof(*v));
		v[4] += t;
		v[0] = t + s0;
	}
	for (i = 0; i < 8; i++)
		h[i] += v[i];
}

static void
hash_init(struct hash *s, bool wide)
{
	static const uint32_t narrow_h[WORDS_MAX] = { 0x67452301, 0xefcdab89,
		0x98badcfe, 0x10325476, 0xc3d2e1f0 };
	static const uint32_t wide_h[WORDS_MAX] = { 0x6a09e667, 0xbb67ae85,
		0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab,
		0x5be0cd19 };

	memset(s, 0, sizeof(*s));
	s->wide = wide;
	memcpy(s->h, wide ? wide_h : narrow_h, sizeof(s->h));
}

static void
hash_add(struct hash *s, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;
	size_t take;

	s->total += n;
	while (n > 0) {
		take = MIN(n, BLOCK - s->have);
		memcpy(s->block + s->have, p, take);
		p += take;
		n -= take;
		s->have += take;
		if (s->have < BLOCK)
			return;
		s->have = 0;
		if (s->wide)
			sha256_block(s->h, s->block);
		else
			sha1_block(s->h, s->block);
	}
}

static void
hash_end(struct hash *s, unsigned char *out)
{
	unsigned char pad[2 * BLOCK] = { 0x80 }, *end;
	size_t n = (s->have < BLOCK - 8 ? BLOCK : 2 * BLOCK) - s->have, i;
	uint64_t bits = s->total * 8;

	end = pad + n - 8;
	for (i = 0; i < 8; i++)
		end[i] = (unsigned char)(bits >> (56 - 8 * i));
	hash_add(s, pad, n);
	for (i = 0; i < (s->wide ? 32u : 20u); i++)
		out[i] = (unsigned char)(s->h[i / 4] >> (24 - 8 * (i % 4)));
}

static void
hmac(bool wide, struct slice key, struct slice text, unsigned char *mac)
{
	unsigned char k[BLOCK] = { 0 }, pad[BLOCK];
	struct hash s;
	size_t i, n = wide ? HMAC_SHA256 : HMAC_SHA1;

	if (key.n > BLOCK) {
		hash_init(&s, wide);
		hash_add(&s, key.p, key.n);
		hash_end(&s, k);
	} else if (key.n > 0) {
		memcpy(k, key.p, key.n);
	}
	for (i = 0; i < BLOCK; i++)
		pad[i] = k[i] ^ 0x36;
	hash_init(&s, wide);
	hash_add(&s, pad, BLOCK);
	hash_add(&s, text.p, text.n);
	hash_end(&s, mac);
	for (i = 0; i < BLOCK; i++)
		pad[i] = k[i] ^ 0x5c;
	hash_init(&s, wide);
	hash_add(&s, pad, BLOCK);
	hash_add(&s, mac, n);
	hash_end(&s, mac);
	explicit_bzero(k, sizeof(k));
	explicit_bzero(pad, sizeof(pad));
	explicit_bzero(&s, sizeof(s));
}

void
hmac_sha1(struct slice key, struct slice text, unsigned char mac[HMAC_SHA1])
{
	hmac(false, key, text, mac);
}

void
hmac_sha256(struct slice key, struct slice text,
    unsigned char mac[HMAC_SHA256])
{
	hmac(true, key, text, mac);
}

bool
hmac_same(const void *a, const void *b, size_t n)
{
	const volatile unsigned char *x = a, *y = b;
	unsigned char differ = 0;
	size_t i;

	for (i = 0; i < n; i++)
		differ |= x[i] ^ y[i];
	return differ == 0;
}
