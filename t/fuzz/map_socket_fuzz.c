/*
 * map_socket_fuzz.c - any bytes as what a server of socket tables says, in one
 * piece and octet by octet, and as the name of such a table.
 */
#include "map/socketmap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* as map_socket.c reads: 1, 0, -1 */
static int
by_octets(struct slice in, struct slice *text, size_t *used)
{
	struct err err = ERR_INIT;
	size_t i;
	int r = 0;

	for (i = 0; i <= in.n && r == 0; i++)
		r = netstring_take(slice_sub(in, 0, i), text, used, &err);
	return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	/* exactly as long as it is, so that ASan sees one byte too far */
	char *copy = xmalloc(n + (n == 0));
	struct slice in = { copy, n }, text, again;
	struct str out = STR_INIT;
	struct err err = ERR_INIT;
	struct socketmap s;
	size_t used, used_again;
	int r;

	memcpy(copy, data, n);
	r = netstring_take(in, &text, &used, &err);
	if (by_octets(in, &again, &used_again) != r)
		abort();
	if (r > 0) {
		assert(slice_eq(text, again) && used == used_again);
		r = socketmap_answer(text, &out, &err);
		assert(r > 0 || out.len == 0);
	}
	assert(r >= 0 || (err.kind == ERR_TEMP && *err.text));
	if (socketmap_parse(in, &s, &err) == 0)
		assert(s.name.n > 0 && (s.path.n > 0 || s.port > 0));
	str_free(&out);
	free(copy);
	return 0;
}
