/*
 * hash.c - SipHash-2-4 (Aumasson and Bernstein, 2012): words are little
 * endian, the last one has the length in its upper byte.
 */
#include "base/hash.h"

#include "base/clock.h"

struct sip { uint64_t a, b, c, d; };

static uint64_t
rotate(uint64_t v, int n)
{
	return v << n | v >> (64 - n);
}

static void
rounds(struct sip *s, int n)
{
	while (n-- > 0) {
		s->a += s->b;
		s->c += s->d;
		s->b = rotate(s->b, 13) ^ s->a;
		s->d = rotate(s->d, 16) ^ s->c;
		s->a = rotate(s->a, 32);
		s->c += s->b;
		s->a += s->d;
		s->b = rotate(s->b, 17) ^ s->c;
		s->d = rotate(s->d, 21) ^ s->a;
		s->c = rotate(s->c, 32);
	}
}

static uint64_t
word(const unsigned char *p, size_t n)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < n; i++)
		v |= (uint64_t)p[i] << 8 * i;
	return v;
}

static void
take(struct sip *s, uint64_t v)
{
	s->d ^= v;
	rounds(s, 2);
	s->a ^= v;
}

static void
begin(struct sip *s, const unsigned char key[HASH_KEY])
{
	uint64_t k0 = word(key, 8), k1 = word(key + 8, 8);

	*s = (struct sip){ k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d,
		k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573 };
}

static void
take_all(struct sip *s, const unsigned char *p, size_t n)
{
	size_t left = n;

	for (; left >= 8; left -= 8, p += 8)
		take(s, word(p, 8));
	take(s, word(p, left) | (uint64_t)n << 56);
}

static uint64_t
result(struct sip *s)
{
	rounds(s, 4);
	return s->a ^ s->b ^ s->c ^ s->d;
}

uint64_t
hash_sip(const unsigned char key[HASH_KEY], const void *p, size_t n)
{
	struct sip s;

	begin(&s, key);
	take_all(&s, p, n);
	s.c ^= 0xff;
	return result(&s);
}

static void
put(unsigned char *p, uint64_t v)
{
	size_t i;

	for (i = 0; i < 8; i++)
		p[i] = (unsigned char)(v >> 8 * i);
}

void
hash_mac(const unsigned char key[HASH_KEY], const void *p, size_t n,
    unsigned char mac[HASH_MAC])
{
	struct sip s;

	begin(&s, key);
	s.b ^= 0xee;
	take_all(&s, p, n);
	s.c ^= 0xee;
	put(mac, result(&s));
	s.b ^= 0xdd;
	put(mac + 8, result(&s));
}

uint64_t
hash_secret(const void *p, size_t n)
{
	static unsigned char key[HASH_KEY];
	static bool made;

	if (!made) {
		random_bytes(key, sizeof(key));
		made = true;
	}
	return hash_sip(key, p, n);
}
