/* hash_test.c - SipHash against the vectors of its authors */
#include "base/hash.h"
#include "test/tap.h"

static const struct { size_t n; uint64_t want; } vectors[] = {
	{ 0, 0x726fdb47dd0e0e31 }, { 1, 0x74f839c593dc67fd },
	{ 7, 0xab0200f58b01d137 }, { 8, 0x93f5f5799a932462 },
	{ 15, 0xa129ca6149be45e5 }, { 63, 0x958a324ceb064572 },
};

int
main(void)
{
	unsigned char key[HASH_KEY], in[64];
	size_t i;

	for (i = 0; i < sizeof(in); i++)
		in[i] = (unsigned char)i;
	memcpy(key, in, sizeof(key));
	for (i = 0; i < ARRAY_LEN(vectors); i++)
		ok(hash_sip(key, in, vectors[i].n) == vectors[i].want,
		    "%zu octets", vectors[i].n);
	ok(hash_secret(in, 10) == hash_secret(in, 10), "the secret stays");
	ok(hash_secret(in, 10) != hash_sip(key, in, 10), "and is none that "
	    "is known");
	return tap_done();
}
