/*
 * map_text_fuzz.c - any bytes as a text table (first byte even) or an inline
 * one.  What was accepted is sorted, unique and found, and says the same when
 * it is written out and parsed again.
 */
#include "map/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int
parse(struct map_table *t, const char *p, size_t n, bool text)
{
	struct err err = ERR_INIT;
	int r;

	/* exactly as long as it is, so that ASan sees one byte too far */
	*t = (struct map_table){ .name = "fuzz", .len = n };
	t->buf = xmalloc(n);
	if (n > 0)
		memcpy(t->buf, p, n);
	r = text ? map_text_parse(t, &err) : map_inline_parse(t, &err);
	assert(r == 0 || (r == -1 && err.kind == ERR_TEMP && *err.text));
	return r;
}

static void
print_row(struct str *out, const struct map_row *row)
{
	size_t i;

	str_addc(out, '"');
	for (i = 0; i < row->key.n; i++) {
		if (row->key.p[i] == '"' || row->key.p[i] == '\\')
			str_addc(out, '\\');
		str_addc(out, row->key.p[i]);
	}
	str_adds(out, "\":");
	str_addsl(out, row->value);
	str_addc(out, '\n');
}

static void
check(const struct map_table *t, bool text)
{
	struct str out = STR_INIT;
	struct map_table again;
	size_t i;

	for (i = 0; i < t->n; i++) {
		assert(map_table_find(t, t->row[i].key) == &t->row[i]);
		print_row(&out, &t->row[i]);
	}
	if (text && out.len <= MAP_LINE_MAX) {
		if (parse(&again, out.s, out.len, true) != 0)
			abort();
		assert(again.n == t->n);
		for (i = 0; i < t->n; i++)
			if (!slice_eq(again.row[i].key, t->row[i].key) ||
			    !slice_eq(again.row[i].value, t->row[i].value))
				abort();
		map_table_free(&again);
	}
	str_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	bool text = n > 0 && data[0] % 2 == 0;
	struct map_table t;

	if (n == 0)
		return 0;
	if (parse(&t, (const char *)data + 1, n - 1, text) == 0)
		check(&t, text);
	map_table_free(&t);
	return 0;
}
