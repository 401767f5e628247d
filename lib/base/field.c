/*
 * field.c - one table reads, checks, defaults and prints a record.
 * A member is only written once its value has been found good.
 */
#include "base/field.h"

#include "base/clock.h"

static void *
member(const struct field *f, void *rec)
{
	return (char *)rec + f->offset;
}

static const void *
cmember(const struct field *f, const void *rec)
{
	return (const char *)rec + f->offset;
}

const struct field *
field_find(const struct field *t, struct slice name)
{
	for (; t->kind != FIELD_END; t++)
		if (slice_eqz(name, t->name))
			return t;
	return NULL;
}

const char *
field_kind_name(enum field_kind k)
{
	static const char *const names[] = { "end", "string", "number",
	    "size", "time", "yes|no", "choice", "list" };

	return names[k];
}

static int
bad_value(const struct field *f, struct slice v, struct err *err)
{
	char shown[80];

	if (f->flags & FIELD_SECRET)
		slice_copy(shown, sizeof(shown), SLICE_LIT("***"));
	else
		slice_copy(shown, sizeof(shown), v);
	if (f->kind == FIELD_ENUM)
		return err_perm(err, "5.3.5", "%s = %s: expected one of %s",
		    f->name, shown, f->choices);
	if (f->min != NULL && f->max != NULL)
		return err_perm(err, "5.3.5",
		    "%s = %s: expected a %s between %s and %s", f->name, shown,
		    field_kind_name(f->kind), f->min, f->max);
	return err_perm(err, "5.3.5", "%s = %s: expected a %s", f->name, shown,
	    field_kind_name(f->kind));
}

static int
parse_int(struct slice v, int64_t *r)
{
	bool neg = v.n > 0 && v.p[0] == '-';
	uint64_t u;

	if (!slice_u64(neg ? slice_sub(v, 1, v.n) : v, INT64_MAX, &u))
		return 0;
	*r = neg ? -(int64_t)u : (int64_t)u;
	return 1;
}

/* a signed quantity in the unit of the row */
static int
parse_signed(const struct field *f, struct slice v, int64_t *r)
{
	return f->kind == FIELD_TIME ? parse_duration(v, r) : parse_int(v, r);
}

static int
set_signed(const struct field *f, int64_t *m, struct slice v, struct err *err)
{
	int64_t x, lo, hi;

	if (!parse_signed(f, v, &x))
		return bad_value(f, v, err);
	if (f->min && parse_signed(f, slice_of(f->min), &lo) && x < lo)
		return bad_value(f, v, err);
	if (f->max && parse_signed(f, slice_of(f->max), &hi) && x > hi)
		return bad_value(f, v, err);
	*m = x;
	return 0;
}

static int
set_size(const struct field *f, uint64_t *m, struct slice v, struct err *err)
{
	uint64_t x, lo, hi;

	if (!parse_size(v, &x))
		return bad_value(f, v, err);
	if (f->min && parse_size(slice_of(f->min), &lo) && x < lo)
		return bad_value(f, v, err);
	if (f->max && parse_size(slice_of(f->max), &hi) && x > hi)
		return bad_value(f, v, err);
	*m = x;
	return 0;
}

static int
set_bool(const struct field *f, bool *m, struct slice v, struct err *err)
{
	static const char *const words[] = { "no", "yes", "false", "true",
	    "off", "on", "0", "1" };
	size_t i;

	for (i = 0; i < ARRAY_LEN(words); i++)
		if (slice_ieqz(v, words[i])) {
			*m = i & 1;
			return 0;
		}
	return bad_value(f, v, err);
}

static int
set_enum(const struct field *f, int *m, struct slice v, struct err *err)
{
	struct slice rest = slice_of(f->choices), part;
	int i;

	for (i = 0; slice_cut(&rest, '|', &part); i++)
		if (slice_ieq(v, part)) {
			*m = i;
			return 0;
		}
	return bad_value(f, v, err);
}

static const char *
keep(struct slice v, struct arena *a)
{
	return a ? arena_slice(a, v) : v.p;
}

int
field_set(const struct field *f, void *rec, struct slice v, struct arena *a,
    struct err *err)
{
	void *m = member(f, rec);

	switch (f->kind) {
	case FIELD_STR:
		if (slice_has_nul(v))
			return bad_value(f, v, err);
		*(const char **)m = keep(v, a);
		return 0;
	case FIELD_LIST:
		assert(a != NULL);
		strlist_add(m, a, arena_slice(a, v));
		return 0;
	case FIELD_INT:
	case FIELD_TIME:
		return set_signed(f, m, v, err);
	case FIELD_SIZE:
		return set_size(f, m, v, err);
	case FIELD_BOOL:
		return set_bool(f, m, v, err);
	case FIELD_ENUM:
		return set_enum(f, m, v, err);
	case FIELD_END:
		break;
	}
	return err_perm(err, "5.3.5", "bad field table");
}

static void
set_empty(const struct field *f, void *m)
{
	switch (f->kind) {
	case FIELD_STR:
		*(const char **)m = "";
		break;
	case FIELD_LIST:
		*(struct strlist *)m = (struct strlist){ 0 };
		break;
	case FIELD_INT:
	case FIELD_TIME:
		*(int64_t *)m = 0;
		break;
	case FIELD_SIZE:
		*(uint64_t *)m = 0;
		break;
	case FIELD_BOOL:
		*(bool *)m = false;
		break;
	case FIELD_ENUM:
		*(int *)m = 0;
		break;
	case FIELD_END:
		break;
	}
}

static void
default_list(const struct field *f, void *rec, struct arena *a)
{
	struct slice rest = slice_of(f->def), w;

	while (slice_word(&rest, &w))
		strlist_add(member(f, rec), a, arena_slice(a, w));
}

/* is its default what set_empty left? */
static bool
is_zero(const struct field *f)
{
	if (f->kind == FIELD_INT || f->kind == FIELD_SIZE)
		return f->def[0] == '0' && f->def[1] == '\0';
	return f->kind == FIELD_BOOL && strcmp(f->def, "no") == 0;
}

void
field_defaults(const struct field *t, void *rec, struct arena *a)
{
	struct err err;

	for (; t->kind != FIELD_END; t++) {
		set_empty(t, member(t, rec));
		if (t->def == NULL || is_zero(t))
			continue;
		if (t->kind == FIELD_LIST)
			default_list(t, rec, a);
		else if (t->kind == FIELD_STR)
			*(const char **)member(t, rec) = t->def;
		else if (field_set(t, rec, slice_of(t->def), a, &err))
			die("default of %s: %s", t->name, err.text);
	}
}

void
field_choice(const struct field *f, int value, struct str *out)
{
	struct slice rest = slice_of(f->choices), part;
	int i;

	for (i = 0; slice_cut(&rest, '|', &part); i++)
		if (i == value) {
			str_addsl(out, part);
			return;
		}
}

void
field_print(const struct field *f, const void *rec, struct str *out)
{
	const void *m = cmember(f, rec);
	const struct strlist *l;
	const char *z;
	size_t i;

	switch (f->kind) {
	case FIELD_STR:
		z = *(const char *const *)m;
		str_adds(out, z ? z : "");
		break;
	case FIELD_LIST:
		l = m;
		for (i = 0; i < l->n; i++)
			str_addf(out, "%s%s", i ? ", " : "", l->v[i]);
		break;
	case FIELD_INT:
		str_addf(out, "%lld", (long long)*(const int64_t *)m);
		break;
	case FIELD_TIME:
		format_duration(out, *(const int64_t *)m);
		break;
	case FIELD_SIZE:
		format_size(out, *(const uint64_t *)m);
		break;
	case FIELD_BOOL:
		str_adds(out, *(const bool *)m ? "yes" : "no");
		break;
	case FIELD_ENUM:
		field_choice(f, *(const int *)m, out);
		break;
	case FIELD_END:
		break;
	}
}
