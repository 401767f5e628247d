/*
 * mime_part_fuzz.c - any bytes as a message: the tree is what mime_check.h
 * says, with the usual limits and with narrow ones.
 */
#include "mime/part.h"

#include "../unit/mime_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
params(struct slice in, struct arena *a)
{
	struct slice type, sub, tag;
	struct mime_params p;
	size_t i;

	if (mime_param_parse(in, 10, a, &type, &sub, &p))
		assert(type.n > 0 && sub.n > 0 && p.n <= 10);
	for (i = 0; i < p.n; i++) {
		assert(p.v[i].name.n > 0);
		assert(slice_find(p.v[i].value, '\n') == p.v[i].value.n);
	}
	while (mime_language_next(&in, &tag))
		assert(tag.n > 0);
}

static void
seek(struct slice in)
{
	size_t wire = mime_wire_size(in), off, k;
	bool mid;

	for (off = 0; off < wire; off += 1 + wire / 64) {
		k = mime_wire_seek(in, off, &mid);
		assert(k < in.n);
		assert(mime_wire_size(slice_sub(in, 0, k)) + mid == off);
	}
	assert(mime_wire_seek(in, wire, &mid) == in.n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct mime_limits narrow = { 3, 8, 6, 2, 200 };
	struct slice in = { (const char *)data, n };
	struct arena a = { 0 };
	size_t parts;

	mime_check_tree(in, mime_parse(in, NULL, &a), 64);
	parts = mime_check_tree(in, mime_parse(in, &narrow, &a), 3);
	assert(parts <= 16);
	mime_parse_header(in, &narrow, &a);
	params(in, &a);
	seek(in);
	arena_free(&a);
	return 0;
}
