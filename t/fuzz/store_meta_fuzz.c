/*
 * store_meta_fuzz.c - a row of cache.db with a good sum: its parts lie in it,
 * but those that were not made, and it is made the same again.
 */
#include "../../lib/store/meta_row.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { KEY = 77 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str s = STR_INIT, again = STR_INIT;
	struct slice *v[META_PARTS];
	struct meta_row row;
	uint64_t h;
	size_t i;

	str_add(&s, "12345678", SUM);
	str_add(&s, (const char *)data, n);
	h = sum(s.s + SUM, n, KEY);
	memcpy(s.s, &h, SUM);
	assert(!meta_decode(slice_str(&s), KEY + 1, &row) || n < HEAD - SUM);
	if (meta_decode(slice_str(&s), KEY, &row)) {
		meta_parts(&row, v);
		for (i = 0; i < META_PARTS; i++)
			assert(v[i]->p == NULL ? v[i]->n == 0 :
			    v[i]->p >= s.s &&
			    v[i]->p + v[i]->n <= s.s + s.len);
		if (meta_encode(&again, KEY, &row) != 1)
			abort();
		assert(again.len == s.len);
		assert(memcmp(again.s + HEAD, s.s + HEAD, s.len - HEAD) == 0);
	}
	str_free(&s);
	str_free(&again);
	return 0;
}
