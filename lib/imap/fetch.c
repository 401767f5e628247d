/*
 * fetch.c - items of FETCH, and its modifiers.
 */
#include "imap/fetch.h"

#include "imap/write.h"

enum { ITEMS_MAX = 1000 };

static const struct {
	const char *name;
	enum imap_fetch_kind kind;
} items[] = {
	{ "FLAGS", IMAP_FETCH_FLAGS },
	{ "UID", IMAP_FETCH_UID },
	{ "INTERNALDATE", IMAP_FETCH_INTERNALDATE },
	{ "RFC822", IMAP_FETCH_RFC822 },
	{ "RFC822.HEADER", IMAP_FETCH_RFC822_HEADER },
	{ "RFC822.TEXT", IMAP_FETCH_RFC822_TEXT },
	{ "RFC822.SIZE", IMAP_FETCH_RFC822_SIZE },
	{ "ENVELOPE", IMAP_FETCH_ENVELOPE },
	{ "BODY", IMAP_FETCH_BODY },
	{ "BODYSTRUCTURE", IMAP_FETCH_BODYSTRUCTURE },
	{ "BINARY", IMAP_FETCH_BINARY },
	{ "BINARY.SIZE", IMAP_FETCH_BINARY_SIZE },
	{ "BODY.PEEK", IMAP_FETCH_SECTION },
	{ "BINARY.PEEK", IMAP_FETCH_BINARY },
	{ "MODSEQ", IMAP_FETCH_MODSEQ },
	{ "EMAILID", IMAP_FETCH_EMAILID },
	{ "THREADID", IMAP_FETCH_THREADID },
	{ "SAVEDATE", IMAP_FETCH_SAVEDATE },
	{ "PREVIEW", IMAP_FETCH_PREVIEW },
};

/* letters, digits, dots: up to a bracket or the end */
static struct slice
item_word(const struct imap_lex *l)
{
	struct slice s = slice_sub(l->line, l->pos, l->line.n);
	size_t n = 0;

	while (n < s.n && (ascii_isalnum((unsigned char)s.p[n]) ||
	    s.p[n] == '.'))
		n++;
	return slice_sub(s, 0, n);
}

static bool
same(const struct imap_fetch_item *a, const struct imap_fetch_item *b)
{
	/* those with a section are told apart by the client */
	return a->kind == b->kind && a->kind != IMAP_FETCH_SECTION &&
	    a->kind != IMAP_FETCH_BINARY && a->kind != IMAP_FETCH_BINARY_SIZE;
}

static bool
sets_seen(const struct imap_fetch_item *i)
{
	switch (i->kind) {
	case IMAP_FETCH_RFC822:
	case IMAP_FETCH_RFC822_TEXT:
		return true;
	case IMAP_FETCH_SECTION:
	case IMAP_FETCH_BINARY:
		return !i->peek;
	default:
		return false;
	}
}

struct parse {
	struct imap_lex *l;
	struct imap_fetch *r;
	size_t cap;
};

static bool
add(struct parse *p, const struct imap_fetch_item *item)
{
	struct imap_fetch *r = p->r;
	struct imap_fetch_item *v;
	size_t i;

	for (i = 0; (r->kinds & 1u << item->kind) && i < r->n; i++)
		if (same(&r->v[i], item))
			return true;
	if (r->n >= ITEMS_MAX)
		return imap_lex_fail(p->l, IMAP_LEX_BAD, "LIMIT",
		    "more than %d items in a FETCH", ITEMS_MAX);
	if (r->n == p->cap) {
		p->cap = p->cap ? p->cap * 2 : 8;
		v = arena_alloc(p->l->arena, p->cap * sizeof(*v));
		if (r->n > 0)
			memcpy(v, r->v, r->n * sizeof(*v));
		r->v = v;
	}
	r->v[r->n++] = *item;
	r->kinds |= 1u << item->kind;
	r->sets_seen |= sets_seen(item);
	return true;
}

static bool
add_kind(struct parse *p, enum imap_fetch_kind kind)
{
	return add(p, &(struct imap_fetch_item){ .kind = kind });
}

static bool
put_in_front(struct parse *p, enum imap_fetch_kind kind)
{
	struct imap_fetch *r = p->r;
	struct imap_fetch_item item;

	if (r->kinds & 1u << kind)
		return true;
	if (!add_kind(p, kind))
		return false;
	item = r->v[r->n - 1];
	memmove(r->v + 1, r->v, (r->n - 1) * sizeof(*r->v));
	r->v[0] = item;
	return true;
}

static bool
partial(struct imap_lex *l, struct imap_fetch_item *item)
{
	item->partial = true;
	if (!imap_lex_number64(l, &item->offset) || !imap_lex_char(l, '.') ||
	    !imap_lex_number64(l, &item->length))
		return false;
	if (item->length == 0)		/* nz-number */
		return imap_lex_fail(l, IMAP_LEX_BAD, "",
		    "a partial fetch of no bytes");
	return imap_lex_char(l, '>');
}

/* "[...]" and "<...>" behind BODY or BINARY */
static bool
section(struct imap_lex *l, struct imap_fetch_item *item)
{
	if (!imap_lex_char(l, '[') || !imap_section_parse(l, &item->section) ||
	    !imap_lex_char(l, ']'))
		return false;
	if (item->kind != IMAP_FETCH_SECTION &&
	    item->section.kind != IMAP_SECTION_ALL)
		return imap_lex_fail(l, IMAP_LEX_BAD, "",
		    "BINARY takes only the number of a part");
	if (item->kind != IMAP_FETCH_BINARY_SIZE && imap_lex_try(l, '<'))
		return partial(l, item);
	return true;
}

/* RFC 8970 section 3.1: "PREVIEW (LAZY)" */
static void
preview_modifiers(struct imap_lex *l, struct imap_fetch_item *item)
{
	/* another list is that of FETCH's modifiers */
	if (!slice_istarts(slice_sub(l->line, l->pos, l->line.n), " (LAZY"))
		return;
	imap_lex_sp(l);
	for (imap_lex_open(l); imap_lex_next(l); ) {
		if (imap_lex_try_word(l, "LAZY"))
			item->lazy = true;
		else
			imap_lex_expected(l, "LAZY");
	}
}

static bool
one_item(struct parse *p)
{
	struct imap_fetch_item item = { 0 };
	struct imap_lex *l = p->l;
	struct slice w;
	size_t i;

	if (!imap_lex_ok(l))
		return false;
	w = item_word(l);
	for (i = 0; i < ARRAY_LEN(items); i++)
		if (slice_ieqz(w, items[i].name))
			break;
	if (i == ARRAY_LEN(items))
		return imap_lex_expected(l, "an item of FETCH");
	l->pos += w.n;
	item.kind = items[i].kind;
	item.peek = slice_iends(w, ".PEEK");
	if (item.kind == IMAP_FETCH_BODY && imap_lex_peek(l) == '[')
		item.kind = IMAP_FETCH_SECTION;
	if (item.kind == IMAP_FETCH_SECTION || item.kind == IMAP_FETCH_BINARY ||
	    item.kind == IMAP_FETCH_BINARY_SIZE)
		section(l, &item);
	else if (item.kind == IMAP_FETCH_PREVIEW)
		preview_modifiers(l, &item);
	return imap_lex_ok(l) && add(p, &item);
}

static bool
macro(struct parse *p, bool *found)
{
	struct imap_lex *l = p->l;
	unsigned more = 0;

	*found = true;
	if (imap_lex_try_word(l, "FAST"))
		more = 0;
	else if (imap_lex_try_word(l, "ALL"))
		more = 1;
	else if (imap_lex_try_word(l, "FULL"))
		more = 2;
	else
		*found = false;
	if (!*found)
		return true;
	return add_kind(p, IMAP_FETCH_FLAGS) &&
	    add_kind(p, IMAP_FETCH_INTERNALDATE) &&
	    add_kind(p, IMAP_FETCH_RFC822_SIZE) &&
	    (more < 1 || add_kind(p, IMAP_FETCH_ENVELOPE)) &&
	    (more < 2 || add_kind(p, IMAP_FETCH_BODY));
}

static bool
parse_items(struct parse *p)
{
	struct imap_lex *l = p->l;
	bool found;

	if (imap_lex_peek(l) == '(') {
		for (imap_lex_open(l); imap_lex_next(l); )
			one_item(p);
		if (imap_lex_ok(l) && p->r->n == 0)
			return imap_lex_fail(l, IMAP_LEX_BAD, "",
			    "FETCH of nothing");
		return imap_lex_ok(l);
	}
	return macro(p, &found) && (found || one_item(p));
}

bool
imap_fetch_parse_items(struct imap_lex *l, struct imap_fetch *r)
{
	struct parse p = { .l = l, .r = r };

	*r = (struct imap_fetch){ 0 };
	return parse_items(&p);
}

static bool
modifier(struct imap_lex *l, struct imap_fetch *r)
{
	if (imap_lex_try_word(l, "CHANGEDSINCE")) {
		r->changed = true;
		return imap_lex_sp(l) &&
		    imap_lex_number64(l, &r->changed_since);
	}
	if (l->uid && imap_lex_try_word(l, "VANISHED")) {
		r->vanished = true;
		return true;
	}
	if (l->uid && imap_lex_try_word(l, "PARTIAL")) {
		r->partial = true;
		return imap_lex_sp(l) && imap_lex_partial(l, &r->page);
	}
	return imap_lex_expected(l, "a modifier of FETCH");
}

bool
imap_fetch_parse(struct imap_lex *l, struct imap_fetch *r)
{
	struct parse p = { .l = l, .r = r };

	*r = (struct imap_fetch){ 0 };
	if (!parse_items(&p))
		return false;
	if (imap_lex_try_sp(l))
		for (imap_lex_open(l); imap_lex_next(l); )
			modifier(l, r);
	if (r->vanished && !r->changed)		/* RFC 7162 3.2.6 */
		return imap_lex_fail(l, IMAP_LEX_BAD, "",
		    "VANISHED needs CHANGEDSINCE");
	return imap_lex_ok(l) &&
	    (!r->changed || put_in_front(&p, IMAP_FETCH_MODSEQ)) &&
	    (!l->uid || put_in_front(&p, IMAP_FETCH_UID));
}

void
imap_fetch_item_name(const struct imap_fetch_item *item, struct str *out)
{
	const char *name = item->kind == IMAP_FETCH_SECTION ? "BODY" : NULL;
	size_t i;

	for (i = 0; name == NULL; i++)
		if (items[i].kind == item->kind)
			name = items[i].name;
	str_adds(out, name);
	if (item->kind != IMAP_FETCH_SECTION &&
	    item->kind != IMAP_FETCH_BINARY &&
	    item->kind != IMAP_FETCH_BINARY_SIZE)
		return;
	str_addc(out, '[');
	imap_section_print(&item->section, out);
	str_addc(out, ']');
	if (item->partial)
		str_addf(out, "<%llu>", (unsigned long long)item->offset);
}
