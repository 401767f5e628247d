/*
 * search_key.c - the keys themselves.  One call of search_key is one level of
 * the tree; p->depth bounds them, imap_lex_count the number of nodes.
 */
#include "imap/search_part.h"

enum arg {
	A_NONE,
	A_HAS, A_HAS_NOT,	/* a flag */
	A_NEW,
	A_FIELD,		/* value is the field's name; a string */
	A_HEADER,
	A_TEXT,
	A_KEYWORD, A_UNKEYWORD,
	A_DATE, A_SENT, A_SAVED,
	A_SIZE, A_SECONDS,
	A_UID,
	A_MODSEQ,
	A_OBJECT,
	A_FILTER,
	A_NOT, A_OR, A_FUZZY,
};

static const struct key_def {
	const char *name;
	enum arg arg;
	enum imap_search_op op;
	unsigned flag;
	const char *field;
} keys[] = {
	{ "ALL", A_NONE, IMAP_S_ALL, 0, NULL },
	{ "ANSWERED", A_HAS, IMAP_S_FLAG, IMAP_ANSWERED, NULL },
	{ "BCC", A_FIELD, IMAP_S_HEADER, 0, "Bcc" },
	{ "BEFORE", A_DATE, IMAP_S_BEFORE, 0, NULL },
	{ "BODY", A_TEXT, IMAP_S_BODY, 0, NULL },
	{ "CC", A_FIELD, IMAP_S_HEADER, 0, "Cc" },
	{ "DELETED", A_HAS, IMAP_S_FLAG, IMAP_DELETED, NULL },
	{ "DRAFT", A_HAS, IMAP_S_FLAG, IMAP_DRAFT, NULL },
	{ "EMAILID", A_OBJECT, IMAP_S_EMAILID, 0, NULL },
	{ "FILTER", A_FILTER, IMAP_S_FILTER, 0, NULL },
	{ "FLAGGED", A_HAS, IMAP_S_FLAG, IMAP_FLAGGED, NULL },
	{ "FROM", A_FIELD, IMAP_S_HEADER, 0, "From" },
	{ "FUZZY", A_FUZZY, IMAP_S_FUZZY, 0, NULL },
	{ "HEADER", A_HEADER, IMAP_S_HEADER, 0, NULL },
	{ "KEYWORD", A_KEYWORD, IMAP_S_KEYWORD, 0, NULL },
	{ "LARGER", A_SIZE, IMAP_S_LARGER, 0, NULL },
	{ "MODSEQ", A_MODSEQ, IMAP_S_MODSEQ, 0, NULL },
	{ "NEW", A_NEW, IMAP_S_AND, 0, NULL },
	{ "NOT", A_NOT, IMAP_S_NOT, 0, NULL },
	{ "OLD", A_HAS_NOT, IMAP_S_FLAG, IMAP_RECENT, NULL },
	{ "OLDER", A_SECONDS, IMAP_S_OLDER, 0, NULL },
	{ "ON", A_DATE, IMAP_S_ON, 0, NULL },
	{ "OR", A_OR, IMAP_S_OR, 0, NULL },
	{ "RECENT", A_HAS, IMAP_S_FLAG, IMAP_RECENT, NULL },
	{ "SAVEDATESUPPORTED", A_NONE, IMAP_S_SAVEDATESUPPORTED, 0, NULL },
	{ "SAVEDBEFORE", A_SAVED, IMAP_S_BEFORE, 0, NULL },
	{ "SAVEDON", A_SAVED, IMAP_S_ON, 0, NULL },
	{ "SAVEDSINCE", A_SAVED, IMAP_S_SINCE, 0, NULL },
	{ "SEEN", A_HAS, IMAP_S_FLAG, IMAP_SEEN, NULL },
	{ "SENTBEFORE", A_SENT, IMAP_S_BEFORE, 0, NULL },
	{ "SENTON", A_SENT, IMAP_S_ON, 0, NULL },
	{ "SENTSINCE", A_SENT, IMAP_S_SINCE, 0, NULL },
	{ "SINCE", A_DATE, IMAP_S_SINCE, 0, NULL },
	{ "SMALLER", A_SIZE, IMAP_S_SMALLER, 0, NULL },
	{ "SUBJECT", A_FIELD, IMAP_S_HEADER, 0, "Subject" },
	{ "TEXT", A_TEXT, IMAP_S_TEXT, 0, NULL },
	{ "THREADID", A_OBJECT, IMAP_S_THREADID, 0, NULL },
	{ "TO", A_FIELD, IMAP_S_HEADER, 0, "To" },
	{ "UID", A_UID, IMAP_S_UID, 0, NULL },
	{ "UNANSWERED", A_HAS_NOT, IMAP_S_FLAG, IMAP_ANSWERED, NULL },
	{ "UNDELETED", A_HAS_NOT, IMAP_S_FLAG, IMAP_DELETED, NULL },
	{ "UNDRAFT", A_HAS_NOT, IMAP_S_FLAG, IMAP_DRAFT, NULL },
	{ "UNFLAGGED", A_HAS_NOT, IMAP_S_FLAG, IMAP_FLAGGED, NULL },
	{ "UNKEYWORD", A_UNKEYWORD, IMAP_S_KEYWORD, 0, NULL },
	{ "UNSEEN", A_HAS_NOT, IMAP_S_FLAG, IMAP_SEEN, NULL },
	{ "YOUNGER", A_SECONDS, IMAP_S_YOUNGER, 0, NULL },
};

static bool search_key(struct search_parse *p, struct imap_search_key **r);

static struct imap_search_key *
node(struct search_parse *p, enum imap_search_op op)
{
	struct imap_search_key *k;

	if (!imap_lex_count(p->l, 1))
		return NULL;
	k = arena_alloc(p->l->arena, sizeof(*k));
	k->op = op;
	k->name = k->text = SLICE_LIT("");
	p->r->keys++;
	return k;
}

static bool
flag_node(struct search_parse *p, unsigned flag, struct imap_search_key **r)
{
	*r = node(p, IMAP_S_FLAG);
	if (*r == NULL)
		return false;
	(*r)->n = flag;
	return true;
}

/* put NOT over *r */
static bool
negate(struct search_parse *p, struct imap_search_key **r)
{
	struct imap_search_key *k = node(p, IMAP_S_NOT);

	if (k == NULL)
		return false;
	k->child = *r;
	*r = k;
	return true;
}

/* RECENT UNSEEN */
static bool
new_key(struct search_parse *p, struct imap_search_key *and)
{
	return flag_node(p, IMAP_RECENT, &and->child) &&
	    flag_node(p, IMAP_SEEN, &and->child->next) &&
	    negate(p, &and->child->next);
}

static bool
seqset(struct search_parse *p, struct imap_search_key *k)
{
	if (!imap_lex_seqset(p->l, &k->set))
		return false;
	p->r->saved |= k->set.saved;
	return true;
}

/* [<entry name> SP <priv|shared|all> SP] number (RFC 7162 section 3.1.5) */
static bool
modseq(struct search_parse *p, struct imap_search_key *k)
{
	struct imap_lex *l = p->l;

	p->r->modseq = true;
	if (imap_lex_peek(l) == '"') {
		if (!imap_lex_quoted(l, &k->name) || !imap_lex_sp(l))
			return false;
		if (!slice_istarts(k->name, "/flags/"))
			return imap_lex_fail(l, IMAP_LEX_BAD, "",
			    "the entry name of MODSEQ starts with /flags/");
		if (!imap_lex_try_word(l, "all") &&
		    !imap_lex_try_word(l, "priv") &&
		    !imap_lex_try_word(l, "shared"))
			return imap_lex_expected(l, "all, priv or shared");
		if (!imap_lex_sp(l))
			return false;
	}
	return imap_lex_number64(l, &k->n);
}

/* RFC 8474 section 4.3: letters, digits, - and _ */
static bool
object_id(struct imap_lex *l, struct slice *r)
{
	size_t i;

	if (!imap_lex_astring(l, r))
		return false;
	for (i = 0; i < r->n; i++)
		if (!ascii_isalnum((unsigned char)r->p[i]) &&
		    r->p[i] != '-' && r->p[i] != '_')
			break;
	return (i == r->n && r->n > 0 && r->n <= 255) ||
	    imap_lex_fail(l, IMAP_LEX_BAD, "", "malformed object id");
}

static bool
dated(struct search_parse *p, enum imap_search_date which,
    struct imap_search_key *k)
{
	k->date = which;
	return imap_lex_date(p->l, &k->day);
}

static bool
seconds(struct search_parse *p, struct imap_search_key *k)
{
	uint32_t n;

	if (!imap_lex_nz_number(p->l, &n))
		return false;
	k->n = n;
	return true;
}

static bool
filter(struct search_parse *p, struct imap_search_key *k)
{
	p->r->has_filter = true;
	if (!search_string(p, &k->name))
		return false;
	return k->name.n > 0 || imap_lex_fail(p->l, IMAP_LEX_BAD, "",
	    "the name of a filter is empty");
}

/* OR a OR b c is one node, however long: clients chain hundreds */
static bool
or_keys(struct search_parse *p, struct imap_search_key *k)
{
	struct imap_search_key **at = &k->child;

	for (;;) {
		if (!search_key(p, at) || !imap_lex_sp(p->l))
			return false;
		at = &(*at)->next;
		if (!imap_lex_try_word(p->l, "OR"))
			return search_key(p, at);
		if (!imap_lex_sp(p->l))
			return false;
	}
}

/* what follows a key's name and its blank */
static bool
argument(struct search_parse *p, const struct key_def *d,
    struct imap_search_key *k)
{
	switch (d->arg) {
	case A_FIELD:
		k->name = slice_of(d->field);
		return search_string(p, &k->text);
	case A_HEADER:
		return imap_lex_astring(p->l, &k->name) &&
		    imap_lex_sp(p->l) && search_string(p, &k->text);
	case A_TEXT:
		return search_string(p, &k->text);
	case A_KEYWORD:
	case A_UNKEYWORD:
		return imap_lex_atom(p->l, &k->text);
	case A_DATE:
		return dated(p, IMAP_DATE_INTERNAL, k);
	case A_SENT:
		return dated(p, IMAP_DATE_SENT, k);
	case A_SAVED:
		return dated(p, IMAP_DATE_SAVED, k);
	case A_SIZE:
		return imap_lex_number64(p->l, &k->n);
	case A_SECONDS:
		return seconds(p, k);
	case A_UID:
		return seqset(p, k);
	case A_MODSEQ:
		return modseq(p, k);
	case A_OBJECT:
		return object_id(p->l, &k->text);
	case A_FILTER:
		return filter(p, k);
	case A_OR:
		return or_keys(p, k);
	case A_FUZZY:
		p->r->fuzzy = true;
		return search_key(p, &k->child);
	case A_NOT:
		return search_key(p, &k->child);
	default:
		return false;
	}
}

static bool
named(struct search_parse *p, const struct key_def *d,
    struct imap_search_key **r)
{
	struct imap_search_key *k = node(p, d->op);

	if (k == NULL)
		return false;
	*r = k;
	switch (d->arg) {
	case A_NONE:
		return true;
	case A_NEW:
		return new_key(p, k);
	case A_HAS:
	case A_HAS_NOT:
		k->n = d->flag;
		return d->arg == A_HAS || negate(p, r);
	default:
		return imap_lex_sp(p->l) && argument(p, d, k) &&
		    (d->arg != A_UNKEYWORD || negate(p, r));
	}
}

/* ( key key ... ): the one key, or AND of them */
static bool
list(struct search_parse *p, struct imap_search_key **r)
{
	struct imap_search_key *first = NULL, **at = &first;

	for (imap_lex_open(p->l); imap_lex_next(p->l); ) {
		if (!search_key(p, at))
			return false;
		at = &(*at)->next;
	}
	if (!imap_lex_ok(p->l))
		return false;
	if (first == NULL)
		return imap_lex_fail(p->l, IMAP_LEX_BAD, "",
		    "a list of search keys is empty");
	*r = first;
	if (first->next == NULL)
		return true;
	*r = node(p, IMAP_S_AND);
	if (*r == NULL)
		return false;
	(*r)->child = first;
	return true;
}

static bool
search_word(struct search_parse *p, struct imap_search_key **r)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(keys); i++)
		if (imap_lex_try_word(p->l, keys[i].name))
			return named(p, &keys[i], r);
	return imap_lex_expected(p->l, "a search key");
}

static bool
search_key(struct search_parse *p, struct imap_search_key **r)
{
	int c = imap_lex_peek(p->l);
	bool good;

	/* NEW is three levels */
	if (p->depth + 3 > p->l->limits.depth)
		return imap_lex_fail(p->l, IMAP_LEX_BAD, "LIMIT",
		    "search keys are nested too deeply");
	p->depth++;
	if (c == '(') {
		good = list(p, r);
	} else if (ascii_isdigit(c) || c == '*' || c == '$') {
		*r = node(p, IMAP_S_SEQ);
		good = *r != NULL && seqset(p, *r);
	} else {
		good = search_word(p, r);
	}
	p->depth--;
	return good;
}

bool
search_keys(struct search_parse *p, struct imap_search_key **key_r)
{
	struct imap_search_key *first = NULL, **at = &first;

	do {
		if (!search_key(p, at))
			return false;
		at = &(*at)->next;
	} while (imap_lex_try_sp(p->l));
	*key_r = first;
	if (first->next == NULL)
		return true;
	*key_r = node(p, IMAP_S_AND);
	if (*key_r == NULL)
		return false;
	(*key_r)->child = first;
	return true;
}
