/*
 * cleanup_fields_fuzz.c - any changes to any header.  The input is the edits,
 * one a line (operation, number, name, value), then an empty line and the
 * header.  What comes out is a header whose fields are ours and then theirs,
 * nothing runs from one field into another, and a field that no edit named
 * stays as it was.
 */
#include "../../cleanup/cleanup.h"
#include "../../cleanup/fields.h"
#include "mime/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct cleanup_conf conf;

#define OURS "Return-Path: <a@b>\nReceived: by x\n"

/* "2 17 Name value": 1, or 0: none */
static int
read_edit(struct slice line, struct arena *a, struct edit *e)
{
	struct slice op, num, name;
	uint64_t n = 0;
	size_t i;
	char *v;

	if (!slice_word(&line, &op) || !slice_word(&line, &num) ||
	    !slice_word(&line, &name))
		return 0;
	slice_u64(num, INT64_MAX, &n);
	*e = (struct edit){ .op = (op.p[0] & 7) % 4, .n = (int64_t)n,
		.by = "fuzz", .name = arena_slice(a, name) };
	e->value = v = arena_slice(a, line);
	/* as one line can not have folds, '|' is one */
	for (i = 0; i + 1 < line.n; i++)
		if (v[i] == '|')
			v[i] = '\n';
	return 1;
}

static bool
named(const struct edits *l, struct slice name)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (slice_ieqz(name, l->v[i].name))
			return true;
	return false;
}

/* what no edit has named, in its order */
static void
others(struct slice header, const struct edits *l, struct str *out)
{
	struct mime_scan scan;
	struct mime_field f;

	mime_scan_init(&scan, header);
	while (mime_scan_next(&scan, &f))
		if (!named(l, f.name)) {
			str_addsl(out, f.raw);
			if (!slice_ends(f.raw, "\n"))
				str_addc(out, '\n');
		}
}

static void
judge(const struct fields *f, struct slice theirs, const struct edits *l)
{
	struct str out = STR_INIT, was = STR_INIT, is = STR_INIT;
	struct mime_scan scan;
	struct mime_field field;
	size_t trace;

	fields_print(f, &out, &trace);
	assert(trace <= out.len && slice_starts(slice_str(&out), OURS) ==
	    (trace == sizeof(OURS) - 1));
	mime_scan_init(&scan, slice_str(&out));
	while (mime_scan_next(&scan, &field))
		;
	assert(scan.count == f->n || scan.too_many);
	assert(scan.too_many || scan.body == out.len);
	if (!scan.too_many) {
		others(theirs, l, &was);
		others(slice_sub(slice_str(&out), trace, out.len), l, &is);
		assert(slice_eq(slice_str(&was), slice_str(&is)));
	}
	str_free(&out);
	str_free(&was);
	str_free(&is);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in = { (const char *)data, n }, line;
	struct arena a = { 0 };
	struct str header = STR_INIT;
	struct edits l = { 0 };
	struct err err = ERR_INIT;
	struct fields f;
	struct edit e;
	size_t i;

	while (slice_cut(&in, '\n', &line) && line.n > 0)
		if (!slice_has_nul(line) && read_edit(line, &a, &e))
			edits_add(&l, &e, -1, &a, &err);
	str_adds(&header, OURS);
	if (in.p != NULL)
		str_addsl(&header, in);
	fields_parse(&f, slice_str(&header), sizeof(OURS) - 1);
	for (i = 0; i < l.n; i++)
		fields_edit(&f, &l.v[i], &a, &err);
	judge(&f, slice_sub(slice_str(&header), sizeof(OURS) - 1,
	    header.len), &l);
	fields_free(&f);
	edits_clear(&l);
	str_free(&header);
	arena_free(&a);
	return 0;
}
