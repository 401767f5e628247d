/*
 * address.c - the address-list parser: one pass over tokens, no recursion, no
 * looking back.  An element (what lies between commas) is gathered twice, as
 * a phrase and as an addr-spec; which one it was is known at its end.  Most
 * lists are of the plain kind that address_plain.c reads, which is many times
 * as fast.
 */
#include "mime/impl.h"

struct element {
	struct str phrase;	/* words unquoted, parted by blanks */
	struct str spec;	/* tokens without blanks and comments */
	struct str angle;	/* the same between < and > */
	struct str comment;	/* the last one */
	bool phrase_gap;	/* a blank was before the next word */
	bool in_angle, has_angle, bad;
	size_t from[2], to[2];	/* of spec and of angle */
	bool at, odd;		/* an @ outside of <>; others may differ */
	bool any;		/* something but blanks was there */
};

struct list {
	struct slice s;
	size_t i, max;
	size_t token;		/* where the one at hand begins */
	struct arena *a;
	struct mime_addresses *r;
	struct slice group;
	bool in_group;
	struct element e;
};

static bool
is_special(char c)
{
	return c != '\0' && strchr("()<>[]:;@\\,\"", c) != NULL;
}

static bool
is_white(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void
element_reset(struct element *e)
{
	str_reset(&e->phrase);
	str_reset(&e->spec);
	str_reset(&e->angle);
	str_reset(&e->comment);
	e->phrase_gap = e->in_angle = e->has_angle = e->bad = e->any = false;
	e->at = e->odd = false;
}

/* printable text: folds and controls become one blank, none at the ends */
static void
add_text(struct str *out, char c)
{
	unsigned char u = (unsigned char)c;

	if (u > 0x20 && u != 0x7f)
		str_addc(out, c);
	else if (out->len > 0 && out->s[out->len - 1] != ' ')
		str_addc(out, ' ');
}

/* Add a token to the addr-spec.  Two words need a dot or an @ between. */
static void
add_spec(struct element *e, struct slice tok)
{
	struct str *out = e->in_angle ? &e->angle : &e->spec;
	size_t i;
	char last;

	if (out->len > 0) {
		last = out->s[out->len - 1];
		if (last != '.' && last != '@' && tok.p[0] != '.' &&
		    tok.p[0] != '@') {
			if (e->in_angle)
				e->bad = true;
			else
				/* a phrase, or nothing that we can read */
				str_addc(out, ' ');
		}
	}
	for (i = 0; i < tok.n; i++)
		if (is_white(tok.p[i]))
			str_addc(out, ' ');
		else
			str_addc(out, tok.p[i]);
}

static void
add_word(struct list *l, struct slice raw, struct slice text, bool quoted)
{
	struct element *e = &l->e;
	size_t i;

	e->any = true;
	if (!e->in_angle && e->has_angle)
		e->odd = true;
	if (!e->in_angle && !e->has_angle) {
		if (e->phrase_gap)
			add_text(&e->phrase, ' ');
		for (i = 0; i < text.n; i++) {
			if (quoted && text.p[i] == '\\' && i + 1 < text.n)
				i++;
			add_text(&e->phrase, text.p[i]);
		}
		e->phrase_gap = false;
	}
	if (e->in_angle || !e->has_angle) {
		if ((e->in_angle ? e->angle.len : e->spec.len) == 0)
			e->from[e->in_angle] = l->token;
		e->to[e->in_angle] = l->i;
		add_spec(e, raw);
	}
}

/* A quoted string or domain literal from l->i to its closing character;
 * where that is missing the element is bad and the list at its end. */
static void
delimited(struct list *l, char close)
{
	size_t from = l->i++;
	struct slice raw;

	while (l->i < l->s.n && l->s.p[l->i] != close)
		l->i += l->s.p[l->i] == '\\' ? 2 : 1;
	if (l->i >= l->s.n) {
		l->i = l->s.n;
		l->e.any = l->e.bad = true;
		return;
	}
	l->i++;
	raw = slice_sub(l->s, from, l->i - from);
	add_word(l, raw, close == '"' ? slice_sub(raw, 1, raw.n - 2) : raw,
	    close == '"');
}

static void
comment(struct list *l)
{
	struct str *out = &l->e.comment;
	size_t depth = 0;

	str_reset(out);
	l->e.phrase_gap = true;
	for (; l->i < l->s.n; l->i++) {
		char c = l->s.p[l->i];

		if (c == '\\' && l->i + 1 < l->s.n) {
			c = l->s.p[++l->i];
		} else if (c == '(') {
			if (depth++ == 0)
				continue;
		} else if (c == ')' && --depth == 0) {
			l->i++;
			return;
		}
		add_text(out, c);
	}
	l->e.odd = true;		/* it does not end */
}

static void
trim_end(struct str *s)
{
	while (s->len > 0 && s->s[s->len - 1] == ' ')
		str_trunc(s, s->len - 1);
}

static struct slice
keep(struct list *l, struct str *s)
{
	return (struct slice){ arena_slice(l->a, slice_str(s)), s->len };
}

/* local@domain with something at both sides, or a single word; no controls */
static bool
spec_valid(struct slice s)
{
	size_t i, at = slice_rfind(s, '@');
	bool quote = false, escaped = false;

	if (s.n == 0 || at == 0 || at + 1 == s.n)
		return false;
	for (i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x20 || c == 0x7f || (c == ' ' && !quote))
			return false;
		if (c == '"' && !escaped)
			quote = !quote;
		escaped = quote && !escaped && c == '\\';
	}
	return true;
}

void
mime_address_push(struct mime_addresses *r, struct arena *a,
    struct mime_address m)
{
	struct mime_address *v;

	if (r->n == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 8;
		v = arena_alloc(a, r->cap * sizeof(*v));
		if (r->n > 0)
			memcpy(v, r->v, r->n * sizeof(*v));
		r->v = v;
	}
	r->v[r->n++] = m;
}

static void
push(struct list *l, struct slice name, struct slice addr)
{
	mime_address_push(l->r, l->a, (struct mime_address){ .name = name,
		.addr = addr, .group = l->group,
		.from = l->e.from[l->e.has_angle],
		.to = l->e.to[l->e.has_angle] });
}

static void
end_element(struct list *l)
{
	struct element *e = &l->e;
	struct str *addr = e->has_angle ? &e->angle : &e->spec;
	struct str *name = e->has_angle ? &e->phrase : &e->comment;

	if (e->any) {
		trim_end(&e->phrase);
		trim_end(&e->comment);
		if (name->len == 0)
			name = &e->comment;
		if (e->bad || e->in_angle || !spec_valid(slice_str(addr)))
			l->r->bad++;
		else if (l->r->n >= l->max)
			l->r->truncated = true;
		else
			push(l, keep(l, name), keep(l, addr));
	}
	l->r->odd += e->odd || (e->has_angle && e->at &&
	    !slice_ieq(slice_str(&e->phrase), slice_str(&e->angle)));
	element_reset(e);
}

/* begin or end of a group, for who asked */
static void
mark(struct list *l, struct slice name)
{
	if (!l->r->marks)
		return;
	if (l->r->n >= l->max)
		l->r->truncated = true;
	else
		push(l, name, SLICE_LIT(""));
}

/* one of < > : ; @ , and strays */
static void
special(struct list *l, char c)
{
	struct element *e = &l->e;

	l->i++;
	if (c == ',' && e->in_angle && e->angle.len > 0 &&
	    e->angle.s[0] == '@')
		return;			/* within a route */
	if (c == ',' || (c == ';' && l->in_group)) {
		end_element(l);
		if (c == ';') {
			mark(l, SLICE_LIT(""));
			l->in_group = false;
			l->group = SLICE_LIT("");
		}
		return;
	}
	e->any = true;
	if (c == '@') {
		/* blanks before it are no gap between words */
		e->at |= !e->in_angle;
		add_word(l, SLICE_LIT("@"), SLICE_LIT("@"), false);
	} else if (c == '<' && !e->in_angle && !e->has_angle) {
		e->in_angle = e->has_angle = true;
	} else if (c == '>' && e->in_angle) {
		e->in_angle = false;
	} else if (c == ':' && e->in_angle && e->angle.len > 0 &&
	    e->angle.s[0] == '@') {
		str_reset(&e->angle);
		e->odd = true;
		e->bad = false;		/* the route's hops do not matter */
	} else if (c == ':' && !e->has_angle && !l->in_group && !e->bad) {
		trim_end(&e->phrase);
		l->group = keep(l, &e->phrase);
		l->in_group = true;
		mark(l, l->group);
		l->r->odd += e->at || e->odd;
		element_reset(e);
	} else {
		e->bad = true;
	}
}

static void
token(struct list *l)
{
	char c = l->s.p[l->i];
	struct slice atom;
	size_t from = l->i;

	l->token = l->i;
	if (is_white(c)) {
		l->e.phrase_gap = true;
		l->i++;
	} else if (c == '(') {
		comment(l);
	} else if (c == '"') {
		delimited(l, '"');
	} else if (c == '[') {
		delimited(l, ']');
	} else if (is_special(c)) {
		special(l, c);
	} else {
		while (l->i < l->s.n && !is_special(l->s.p[l->i]) &&
		    !is_white(l->s.p[l->i]))
			l->i++;
		atom = slice_sub(l->s, from, l->i - from);
		add_word(l, atom, atom, false);
	}
}

void
mime_addresses_parse(struct slice value, size_t max, struct arena *a,
    struct mime_addresses *r)
{
	struct list l = { .s = value, .max = max, .a = a, .r = r,
		.group = SLICE_LIT(""),
		.e = { .phrase = STR_INIT, .spec = STR_INIT,
		    .angle = STR_INIT, .comment = STR_INIT } };

	if (mime_addresses_plain(value, max, a, r))
		return;
	while (l.i < l.s.n && !r->truncated)
		token(&l);
	end_element(&l);
	str_free(&l.e.phrase);
	str_free(&l.e.spec);
	str_free(&l.e.angle);
	str_free(&l.e.comment);
}
