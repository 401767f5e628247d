/*
 * param.c - values like `type/subtype; name=value; name="value"`.  Each step
 * moves on, so that the time is linear; what can not be read is left out.
 */
#include "mime/part.h"

struct cursor {
	struct slice s;
	size_t i;
	struct arena *a;
};

static bool
is_white(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
is_token(char c)
{
	return (unsigned char)c > 0x20 && c != 0x7f &&
	    strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

static bool
at(const struct cursor *c, char ch)
{
	return c->i < c->s.n && c->s.p[c->i] == ch;
}

static void
skip_comment(struct cursor *c)
{
	size_t depth = 0;

	for (; c->i < c->s.n; c->i++) {
		if (at(c, '\\')) {
			c->i++;
		} else if (at(c, '(')) {
			depth++;
		} else if (at(c, ')') && --depth == 0) {
			c->i++;
			return;
		}
	}
	c->i = c->s.n;
}

static void
skip(struct cursor *c)
{
	while (c->i < c->s.n) {
		if (at(c, '('))
			skip_comment(c);
		else if (is_white(c->s.p[c->i]))
			c->i++;
		else
			break;
	}
}

static struct slice
token(struct cursor *c)
{
	size_t from = c->i;

	while (c->i < c->s.n && is_token(c->s.p[c->i]))
		c->i++;
	return slice_sub(c->s, from, c->i - from);
}

/* without line ends and, in a quoted string, without backslashes */
static struct slice
plain(struct cursor *c, struct slice raw, bool quoted)
{
	size_t i, n = 0;
	char *p;

	for (i = 0; i < raw.n; i++)
		if (raw.p[i] == '\r' || raw.p[i] == '\n' ||
		    (quoted && raw.p[i] == '\\'))
			break;
	if (i == raw.n)
		return raw;
	p = arena_alloc(c->a, raw.n + 1);
	for (i = 0; i < raw.n; i++) {
		if (quoted && raw.p[i] == '\\' && i + 1 < raw.n)
			i++;
		if (raw.p[i] != '\r' && raw.p[i] != '\n')
			p[n++] = raw.p[i];
	}
	return (struct slice){ p, n };
}

static struct slice
until(struct cursor *c, char end)
{
	struct slice r = slice_sub(c->s, c->i, c->s.n);

	r.n = slice_find(r, end);
	c->i += r.n;
	return slice_trim(r);
}

/* behind the opening quote; one that is never closed ends at a semicolon */
static struct slice
quoted_value(struct cursor *c)
{
	size_t i = c->i, from = c->i;

	while (i < c->s.n && c->s.p[i] != '"')
		i += c->s.p[i] == '\\' ? 2 : 1;
	if (i >= c->s.n)
		return plain(c, until(c, ';'), false);
	c->i = i + 1;
	return plain(c, slice_sub(c->s, from, i - from), true);
}

/* names of files, and boundaries, have blanks where they should not */
static bool
may_have_blanks(struct slice name)
{
	return slice_istarts(name, "name") || slice_ieqz(name, "boundary") ||
	    slice_istarts(name, "filename");
}

static struct slice
param_value(struct cursor *c, struct slice name)
{
	size_t from;

	if (at(c, '"')) {
		c->i++;
		return quoted_value(c);
	}
	if (may_have_blanks(name))
		return plain(c, until(c, ';'), false);
	from = c->i;
	while (c->i < c->s.n && !at(c, ';') && !is_white(c->s.p[c->i]))
		c->i++;
	return slice_sub(c->s, from, c->i - from);
}

static void
push(struct mime_params *r, struct mime_param v, struct arena *a)
{
	struct mime_param *old = r->v;

	/* doubled at each power of two from 4 on */
	if (r->n == 0 || (r->n >= 4 && (r->n & (r->n - 1)) == 0)) {
		r->v = arena_alloc(a, MAX(r->n * 2, (size_t)4) * sizeof(v));
		if (r->n > 0)
			memcpy(r->v, old, r->n * sizeof(v));
	}
	r->v[r->n++] = v;
}

static void
parameters(struct cursor *c, size_t max, struct mime_params *r)
{
	struct mime_param v;

	for (;;) {
		skip(c);
		if (c->i >= c->s.n || r->n >= max)
			return;
		v.name = token(c);
		if (v.name.n == 0) {
			c->i++;		/* a semicolon, or a stray */
			continue;
		}
		skip(c);
		if (!at(c, '='))
			continue;
		c->i++;
		skip(c);
		v.value = param_value(c, v.name);
		push(r, v, c->a);
	}
}

int
mime_param_parse(struct slice value, size_t max, struct arena *a,
    struct slice *type, struct slice *subtype, struct mime_params *r)
{
	struct cursor c = { value, 0, a };
	struct slice t, sub = SLICE_NULL;

	*r = (struct mime_params){ NULL, 0 };
	skip(&c);
	t = token(&c);
	if (t.n == 0)
		return 0;
	if (subtype != NULL) {
		skip(&c);
		if (!at(&c, '/'))
			return 0;
		c.i++;
		skip(&c);
		sub = token(&c);
		if (sub.n == 0)
			return 0;
		*subtype = sub;
	}
	*type = t;
	parameters(&c, max, r);
	return 1;
}

struct slice
mime_param(const struct mime_params *p, const char *name)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		if (slice_ieqz(p->v[i].name, name))
			return p->v[i].value;
	return SLICE_NULL;
}

int
mime_language_next(struct slice *rest, struct slice *tag)
{
	struct cursor c = { *rest, 0, NULL };

	for (;;) {
		skip(&c);
		if (c.i >= c.s.n)
			break;
		*tag = token(&c);
		if (tag->n > 0) {
			*rest = slice_sub(c.s, c.i, c.s.n);
			return 1;
		}
		c.i++;
	}
	*rest = SLICE_NULL;
	return 0;
}
