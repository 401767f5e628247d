/*
 * gate_proxy_fuzz.c - any bytes as a PROXY header.  One that is taken is whole
 * at its length and not before; and what comes in pieces, each taken as far as
 * it is known to belong to the header, gives the same.
 */
#include "../../gate/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *why = NULL, *p = (const char *)data;
	struct proxy whole, part;
	int len = proxy_parse(p, n, &whole, &why), r = 0;
	size_t k;

	if (len < 0) {
		assert(why != NULL);
		return 0;
	}
	assert((size_t)len <= n && len <= PROXY_MAX);
	/* nothing in front of it is one */
	for (k = 0; k < (len > 0 ? (size_t)len : n); k++) {
		r = proxy_parse(p, k, &part, &why);
		assert(r == 0);
	}
	if (len == 0)
		return 0;
	r = proxy_parse(p, (size_t)len, &part, &why);
	assert(r == len && part.local == whole.local);
	if (!whole.local) {
		assert(whole.from_port > 0 && whole.from_port < 65536);
		assert(whole.to_port > 0 && whole.to_port < 65536);
		assert(memcmp(&whole.from, &part.from, 16) == 0);
	}
	return 0;
}
