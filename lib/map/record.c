/*
 * record.c - values that are records.  A name is looked up in the table and
 * its value set by base/field.h; here are only blanks and quotes.
 */
#include "map/record.h"

enum { FIELDS_MAX = 64, SHOWN = 64 };

static int
bad(struct err *err, const char *what, struct slice name)
{
	char shown[SHOWN];

	return err_temp(err, "4.3.5", "%s \"%s\"", what,
	    slice_copy(shown, sizeof(shown), name));
}

static int
unknown_name(const struct field *t, struct slice name, struct err *err)
{
	const char *near = field_nearest(t, name);
	char shown[SHOWN];

	if (near == NULL)
		return bad(err, "unknown name", name);
	return err_temp(err, "4.3.5", "unknown name \"%s\"; did you mean %s?",
	    slice_copy(shown, sizeof(shown), name), near);
}

/* a quoted value at the start of *rest: 1, or 0 malformed */
static int
take_quoted(struct slice *rest, struct str *out)
{
	size_t i;

	for (i = 1; i < rest->n && rest->p[i] != '"'; i++) {
		if (rest->p[i] == '\\' && i + 1 < rest->n)
			i++;
		str_addc(out, rest->p[i]);
	}
	if (i >= rest->n)
		return 0;
	*rest = slice_sub(*rest, i + 1, rest->n);
	return rest->n == 0 || ascii_isblank(rest->p[0]);
}

static int
take_value(struct slice *rest, struct str *out)
{
	size_t n = 0;

	if (rest->n > 0 && rest->p[0] == '"')
		return take_quoted(rest, out);
	while (n < rest->n && !ascii_isblank(rest->p[n]) &&
	    rest->p[n] != '"' && rest->p[n] != '\\')
		n++;
	str_add(out, rest->p, n);
	*rest = slice_sub(*rest, n, rest->n);
	return rest->n == 0 || ascii_isblank(rest->p[0]);
}

/* the name in front of '=': its row, or NULL and err */
static const struct field *
take_name(const struct field *t, struct slice *rest, struct err *err)
{
	const struct field *f;
	struct slice name;
	size_t n = 0;

	while (n < rest->n && rest->p[n] != '=' && !ascii_isblank(rest->p[n]))
		n++;
	name = slice_sub(*rest, 0, n);
	if (n == rest->n || rest->p[n] != '=') {
		bad(err, "expected name=value, found", name);
		return NULL;
	}
	f = field_find(t, name);
	if (f == NULL)
		unknown_name(t, name, err);
	*rest = slice_sub(*rest, n + 1, rest->n);
	return f;
}

static int
parse_one(const struct field *t, void *rec, struct slice *rest, bool *seen,
    struct arena *a, struct err *err)
{
	const struct field *f = take_name(t, rest, err);
	struct str value = STR_INIT;
	int r = 0;

	if (f == NULL)
		return -1;
	if (seen[f - t] && f->kind != FIELD_LIST)
		return bad(err, "given twice:", slice_of(f->name));
	seen[f - t] = true;
	if (!take_value(rest, &value)) {
		r = bad(err, "bad quoting in the value of",
		    slice_of(f->name));
	} else if (field_set(f, rec, slice_str(&value), a, err) != 0) {
		/* a table is ours: what is wrong in it bounces no mail */
		err->kind = ERR_TEMP;
		slice_copy(err->dsn, sizeof(err->dsn), SLICE_LIT("4.3.5"));
		r = -1;
	}
	if (value.cap > 0)
		explicit_bzero(value.s, value.cap);
	str_free(&value);
	return r;
}

int
record_parse(const struct field *t, void *rec, struct slice text,
    struct arena *a, struct err *err)
{
	bool seen[FIELDS_MAX] = { false };
	const struct field *f;

	field_defaults(t, rec, a);
	text = slice_trim(text);
	while (text.n > 0) {
		if (parse_one(t, rec, &text, seen, a, err) != 0)
			return -1;
		text = slice_trim(text);
	}
	for (f = t; f->kind != FIELD_END; f++) {
		assert(f - t < FIELDS_MAX);
		if (f->def == NULL && !seen[f - t])
			return bad(err, "missing:", slice_of(f->name));
	}
	return 0;
}

static bool
needs_quotes(struct slice v)
{
	size_t i;

	for (i = 0; i < v.n; i++)
		if ((unsigned char)v.p[i] <= ' ' || v.p[i] == '"' ||
		    v.p[i] == '\\')
			return true;
	return v.n == 0;
}

void
record_quote(struct slice v, struct str *out)
{
	size_t i;

	if (!needs_quotes(v)) {
		str_addsl(out, v);
		return;
	}
	str_addc(out, '"');
	for (i = 0; i < v.n; i++) {
		if (v.p[i] == '"' || v.p[i] == '\\')
			str_addc(out, '\\');
		str_addc(out, v.p[i]);
	}
	str_addc(out, '"');
}

static void
print_one(const struct field *f, struct slice v, struct str *out)
{
	if (out->len > 0 && !ascii_isblank(out->s[out->len - 1]))
		str_addc(out, ' ');
	str_addf(out, "%s=", f->name);
	record_quote(v, out);
}

static void
print_list(const struct field *f, const void *rec, struct str *out)
{
	const struct strlist *l =
	    (const void *)((const char *)rec + f->offset);
	size_t i;

	for (i = 0; i < l->n; i++)
		print_one(f, slice_of(l->v[i]), out);
}

void
record_print(const struct field *t, const void *rec, bool secrets,
    struct str *out)
{
	struct str v = STR_INIT;

	for (; t->kind != FIELD_END; t++) {
		if ((t->flags & FIELD_SECRET) && !secrets)
			continue;
		if (t->kind == FIELD_LIST) {
			print_list(t, rec, out);
			continue;
		}
		str_reset(&v);
		field_print(t, rec, &v);
		if (t->def == NULL || strcmp(v.s, t->def) != 0)
			print_one(t, slice_str(&v), out);
	}
	if (v.cap > 0)
		explicit_bzero(v.s, v.cap);
	str_free(&v);
}
