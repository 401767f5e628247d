/*
 * fields.c - invariant: the places of v never go down, so ours stay together
 * in front of the client's.
 */
#include "fields.h"

#include "cleanup.h"
#include "mime/header.h"

static struct one_field *
make_room(struct fields *f, size_t at)
{
	if (f->n == f->cap) {
		f->cap = f->cap > 0 ? 2 * f->cap : 64;
		f->v = xrealloc(f->v, f->cap * sizeof(*f->v));
	}
	memmove(f->v + at + 1, f->v + at, (f->n - at) * sizeof(*f->v));
	f->n++;
	return &f->v[at];
}

static void
parse(struct fields *f, struct slice s, bool ours)
{
	struct mime_scan scan;
	struct mime_field h;
	struct one_field *t;

	mime_scan_init(&scan, s);
	while (mime_scan_next(&scan, &h)) {
		t = make_room(f, f->n);
		t->name = h.name;
		t->text = h.raw;
		t->place = !ours ? FIELD_CLIENT :
		    slice_ieqz(h.name, "Received") ? FIELD_OURS :
		    FIELD_OURS_FIRST;
	}
	f->blank = scan.blank;
}

void
fields_parse(struct fields *f, struct slice header, size_t trace)
{
	*f = (struct fields){ 0 };
	parse(f, slice_sub(header, 0, trace), true);
	parse(f, slice_sub(header, trace, header.n), false);
}

void
fields_free(struct fields *f)
{
	free(f->v);
	*f = (struct fields){ 0 };
}

/* index of the first field of that place or a later one */
static size_t
first_of(const struct fields *f, enum field_place place)
{
	size_t i;

	for (i = 0; i < f->n && f->v[i].place < place; i++)
		;
	return i;
}

/* index of the n-th of that name that is not ours; f->n: there are less */
static size_t
find(const struct fields *f, const char *name, int64_t n)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		if ((f->v[i].place == FIELD_ABOVE ||
		    f->v[i].place == FIELD_CLIENT) &&
		    slice_ieqz(f->v[i].name, name) && --n == 0)
			return i;
	return f->n;
}

/* "Name: value\n"; a value that begins with a blank brings its own */
static void
set_text(struct one_field *t, const char *name, const char *value,
    struct arena *a)
{
	struct slice v = slice_of(value);

	while (v.n > 0 && strchr(" \t\n", v.p[v.n - 1]) != NULL)
		v.n--;
	t->name = slice_of(name);
	t->text = slice_of(arena_printf(a, "%s:%s%.*s\n", name,
	    v.n == 0 || ascii_isblank((unsigned char)v.p[0]) ||
	    v.p[0] == '\n' ? "" : " ", (int)v.n, v.p));
}

static void
add(struct fields *f, size_t at, enum field_place place,
    const struct edit *e, struct arena *a)
{
	struct one_field *t = make_room(f, at);

	t->place = place;
	set_text(t, e->name, e->value, a);
	f->changes++;
}

static void
insert(struct fields *f, const struct edit *e, struct arena *a)
{
	size_t at;

	if (e->n == 0) {
		add(f, first_of(f, FIELD_ABOVE), FIELD_ABOVE, e, a);
		return;
	}
	at = first_of(f, FIELD_CLIENT);
	at += (size_t)MIN((uint64_t)e->n - 1, (uint64_t)(f->n - at));
	add(f, at, FIELD_CLIENT, e, a);
}

static void
delete(struct fields *f, size_t at)
{
	memmove(f->v + at, f->v + at + 1, (f->n - at - 1) * sizeof(*f->v));
	f->n--;
	f->changes++;
}

int
fields_edit(struct fields *f, const struct edit *e, struct arena *a,
    struct err *err)
{
	size_t at;

	if (e->n < 0)
		return err_temp(err, "4.3.0", "no header field %lld",
		    (long long)e->n);
	if (e->op == EDIT_ADD_HEADER) {
		add(f, f->n, FIELD_CLIENT, e, a);
		return 0;
	}
	if (e->op == EDIT_INSERT_HEADER) {
		insert(f, e, a);
		return 0;
	}
	at = find(f, e->name, MAX(e->n, (int64_t)1));
	if (e->op == EDIT_DELETE_HEADER && at < f->n) {
		delete(f, at);
	} else if (e->op == EDIT_CHANGE_HEADER && at < f->n) {
		set_text(&f->v[at], e->name, e->value, a);
		f->changes++;
	} else if (e->op == EDIT_CHANGE_HEADER) {
		add(f, f->n, FIELD_CLIENT, e, a);
	}
	return 0;
}

void
fields_return_path(struct fields *f, const char *sender, bool utf8,
    struct arena *a)
{
	struct str s = STR_INIT;

	if (f->n == 0 || f->v[0].place != FIELD_OURS_FIRST ||
	    !slice_ieqz(f->v[0].name, "Return-Path"))
		return;
	trace_return_path(&s, sender, utf8);
	f->v[0].text = slice_of(arena_slice(a, slice_str(&s)));
	f->changes++;
	str_free(&s);
}

void
fields_print(const struct fields *f, struct str *out, size_t *trace_r)
{
	size_t i, from = out->len;

	*trace_r = 0;
	for (i = 0; i < f->n; i++) {
		str_addsl(out, f->v[i].text);
		if (!slice_ends(f->v[i].text, "\n"))
			str_addc(out, '\n');
		if (f->v[i].place != FIELD_CLIENT)
			*trace_r = out->len - from;
	}
}
