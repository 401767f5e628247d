/*
 * section.c - what stands between the brackets of BODY[]: a path of numbers,
 * then HEADER, HEADER.FIELDS (...), HEADER.FIELDS.NOT (...), TEXT or MIME.
 */
#include "imap/fetch.h"
#include "imap/write.h"

enum { FIELDS_MAX = 1000 };

static bool
add_field(struct imap_lex *l, struct imap_section *r, size_t *cap)
{
	struct slice name, *v;

	if (!imap_lex_astring(l, &name))
		return false;
	if (r->n_fields >= FIELDS_MAX)
		return imap_lex_fail(l, IMAP_LEX_BAD, "LIMIT",
		    "more than %d field names", FIELDS_MAX);
	if (r->n_fields == *cap) {
		*cap = *cap ? *cap * 2 : 8;
		v = arena_alloc(l->arena, *cap * sizeof(*v));
		if (r->n_fields > 0)
			memcpy(v, r->field, r->n_fields * sizeof(*v));
		r->field = v;
	}
	r->field[r->n_fields++] = name;
	return true;
}

static bool
fields(struct imap_lex *l, struct imap_section *r)
{
	size_t cap = 0;

	if (!imap_lex_sp(l))
		return false;
	for (imap_lex_open(l); imap_lex_next(l); )
		add_field(l, r, &cap);
	if (imap_lex_ok(l) && r->n_fields == 0)
		return imap_lex_fail(l, IMAP_LEX_BAD, "",
		    "a list of field names is empty");
	return imap_lex_ok(l);
}

/* the longest first: each is a prefix of the one above */
static const struct {
	const char *name;
	enum imap_section_kind kind;
} kinds[] = {
	{ "HEADER.FIELDS.NOT", IMAP_SECTION_FIELDS_NOT },
	{ "HEADER.FIELDS", IMAP_SECTION_FIELDS },
	{ "HEADER", IMAP_SECTION_HEADER },
	{ "TEXT", IMAP_SECTION_TEXT },
	{ "MIME", IMAP_SECTION_MIME },
};

static bool
keyword(struct imap_lex *l, struct imap_section *r)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(kinds); i++)
		if (imap_lex_try_word(l, kinds[i].name))
			break;
	if (i == ARRAY_LEN(kinds))
		return imap_lex_expected(l, "a section");
	r->kind = kinds[i].kind;
	if (r->kind == IMAP_SECTION_MIME && r->depth == 0)
		return imap_lex_fail(l, IMAP_LEX_BAD, "",
		    "MIME needs the number of a part");
	if (r->kind == IMAP_SECTION_FIELDS ||
	    r->kind == IMAP_SECTION_FIELDS_NOT)
		return fields(l, r);
	return true;
}

bool
imap_section_parse(struct imap_lex *l, struct imap_section *r)
{
	uint32_t part[IMAP_PART_DEPTH_MAX];
	bool word = true;	/* a keyword must follow */

	*r = (struct imap_section){ .kind = IMAP_SECTION_ALL };
	if (imap_lex_peek(l) == ']')
		return true;
	while (word && ascii_isdigit(imap_lex_peek(l))) {
		if (r->depth >= IMAP_PART_DEPTH_MAX)
			return imap_lex_fail(l, IMAP_LEX_BAD, "LIMIT",
			    "the part number is too long");
		if (!imap_lex_nz_number(l, &part[r->depth++]))
			return false;
		word = imap_lex_try(l, '.');
	}
	if (word && !keyword(l, r))
		return false;
	if (r->depth > 0) {
		r->part = arena_alloc(l->arena, r->depth * sizeof(*part));
		memcpy(r->part, part, r->depth * sizeof(*part));
	}
	return imap_lex_ok(l);
}

void
imap_section_print(const struct imap_section *s, struct str *out)
{
	size_t i;

	for (i = 0; i < s->depth; i++)
		str_addf(out, i > 0 ? ".%u" : "%u", s->part[i]);
	if (s->kind == IMAP_SECTION_ALL)
		return;
	if (s->depth > 0)
		str_addc(out, '.');
	for (i = 0; kinds[i].kind != s->kind; i++)
		;
	str_adds(out, kinds[i].name);
	if (s->kind != IMAP_SECTION_FIELDS &&
	    s->kind != IMAP_SECTION_FIELDS_NOT)
		return;
	str_adds(out, " (");
	for (i = 0; i < s->n_fields; i++) {
		if (i > 0)
			str_addc(out, ' ');
		imap_put_astring(out, s->field[i], false);
	}
	str_addc(out, ')');
}
