/*
 * edit.c - edits: their fields and their limits.
 */
#include "proto/edit.h"

#include <unistd.h>

const struct field edit_fields[] = {
	F_ENUM(struct edit, op, NULL, EDIT_OPS, "what is done"),
	F_INT(struct edit, n, "0", NULL, NULL, "which field, or a number"),
	F_STR(struct edit, name, "", "of a header field"),
	F_STR(struct edit, value, "", "text or address"),
	F_STR(struct edit, by, "", "who wants it"),
	F_END
};

static bool
is_header(int op)
{
	return op <= EDIT_DELETE_HEADER;
}

/* RFC 5322 section 2.2: printable ASCII but the colon */
static bool
name_ok(const char *z)
{
	size_t n = 0;

	for (; z[n] != '\0'; n++)
		if (z[n] <= ' ' || z[n] > '~' || z[n] == ':')
			return false;
	return n > 0 && n <= EDIT_NAME_MAX;
}

/* no CR, and LF only as a fold; of everything but a field's text, none */
static bool
value_ok(const struct edit *e)
{
	const char *z;

	if (strlen(e->value) > EDIT_VALUE_MAX)
		return false;
	for (z = e->value; *z != '\0'; z++)
		if (*z == '\r' || (*z == '\n' && (!is_header(e->op) ||
		    (z[1] != ' ' && z[1] != '\t'))))
			return false;
	return true;
}

static int
check(const struct edits *l, const struct edit *e, struct err *err)
{
	if (l->n >= EDITS_MAX)
		return err_perm(err, "5.6.0", "too many changes to a message");
	if (is_header(e->op) && !name_ok(e->name))
		return err_perm(err, "5.6.0", "bad name of a header field");
	if (!value_ok(e))
		return err_perm(err, "5.6.0", "bad text in a change");
	if (e->n < INT32_MIN)
		return err_perm(err, "5.6.0", "bad number in a change");
	return 0;
}

static const char *
copy(struct arena *a, const char *z)
{
	return z == NULL || *z == '\0' ? "" : arena_slice(a, slice_of(z));
}

static void
grow(struct edits *l, struct arena *a)
{
	size_t cap = l->cap == 0 ? 8 : l->cap * 2;
	struct edit *v = arena_alloc(a, cap * sizeof *v);

	if (l->n > 0)
		memcpy(v, l->v, l->n * sizeof *v);
	l->v = v;
	l->cap = cap;
}

int
edits_add(struct edits *l, const struct edit *e, int fd, struct arena *a,
    struct err *err)
{
	struct edit c = *e;

	c.name = e->name == NULL ? "" : e->name;
	c.value = e->value == NULL ? "" : e->value;
	if (check(l, &c, err) < 0 || (e->op == EDIT_BODY && fd < 0 &&
	    err_perm(err, "5.6.0", "a body without its descriptor") < 0)) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	if (e->op == EDIT_BODY) {
		if (l->has_body)
			close(l->body);
		l->body = fd;
		l->has_body = true;
	}
	if (l->n == l->cap)
		grow(l, a);
	c.name = copy(a, c.name);
	c.value = copy(a, c.value);
	c.by = copy(a, e->by);
	l->v[l->n++] = c;
	return 0;
}

bool
edits_has(const struct edits *l, enum edit_op op)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (l->v[i].op == (int)op)
			return true;
	return false;
}

void
edits_clear(struct edits *l)
{
	if (l->has_body)
		close(l->body);
	*l = (struct edits){ 0 };
}
