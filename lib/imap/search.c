/*
 * search.c - what stands around the keys: RETURN, CHARSET, sort criteria,
 * thread algorithms.
 */
#include "imap/search_part.h"
#include "mime/charset.h"

/* ---- charset ------------------------------------------------------------ */

static bool
is_utf8(struct slice charset)
{
	return charset.n == 0 || slice_ieqz(charset, "UTF-8") ||
	    slice_ieqz(charset, "US-ASCII");
}

static bool
bad_charset(struct imap_lex *l)
{
	return imap_lex_fail(l, IMAP_LEX_NO, "BADCHARSET (US-ASCII UTF-8)",
	    "the charset is not known here");
}

bool
search_string(struct search_parse *p, struct slice *r)
{
	struct str out = STR_INIT;

	if (!imap_lex_astring(p->l, r))
		return false;
	if (is_utf8(p->charset))
		return utf8_valid(*r) || imap_lex_fail(p->l, IMAP_LEX_BAD, "",
		    "a string to search for is not UTF-8");
	if (!mime_to_utf8(p->charset, *r, &out))
		return bad_charset(p->l);
	*r = (struct slice){ arena_slice(p->l->arena, slice_str(&out)),
		out.len };
	str_free(&out);
	return true;
}

static bool
set_charset(struct imap_lex *l, struct slice charset)
{
	if (is_utf8(charset) || mime_charset_known(charset))
		return true;
	return bad_charset(l);
}

bool
imap_search_program(struct imap_lex *l, struct slice charset,
    struct imap_search *r)
{
	struct search_parse p = { .l = l, .r = r, .charset = charset };

	return imap_lex_ok(l) && set_charset(l, charset) &&
	    search_keys(&p, &r->root);
}

/* ---- RETURN ------------------------------------------------------------- */

static const struct {
	const char *name;
	unsigned bit;
} returns[] = {
	{ "MIN", IMAP_RETURN_MIN },
	{ "MAX", IMAP_RETURN_MAX },
	{ "ALL", IMAP_RETURN_ALL },
	{ "COUNT", IMAP_RETURN_COUNT },
	{ "SAVE", IMAP_RETURN_SAVE },
	{ "PARTIAL", IMAP_RETURN_PARTIAL },
	{ "UPDATE", IMAP_RETURN_UPDATE },
	{ "CONTEXT", IMAP_RETURN_CONTEXT },
	{ "RELEVANCY", IMAP_RETURN_RELEVANCY },
};

static bool
return_option(struct imap_lex *l, struct imap_search *r)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(returns); i++)
		if (imap_lex_try_word(l, returns[i].name))
			break;
	if (i == ARRAY_LEN(returns))
		return imap_lex_expected(l, "an option of RETURN");
	if (returns[i].bit == IMAP_RETURN_PARTIAL &&
	    (!imap_lex_sp(l) || !imap_lex_partial(l, &r->page)))
		return false;
	if (returns[i].bit == IMAP_RETURN_PARTIAL &&
	    (r->returns & IMAP_RETURN_PARTIAL))
		return imap_lex_fail(l, IMAP_LEX_BAD, "", "PARTIAL twice");
	r->returns |= returns[i].bit;
	return true;
}

bool
imap_search_returns(struct imap_lex *l, struct imap_search *r)
{
	const unsigned both = IMAP_RETURN_ALL | IMAP_RETURN_PARTIAL;

	r->esearch = true;
	r->returns = 0;
	for (imap_lex_open(l); imap_lex_next(l); )
		return_option(l, r);
	if ((r->returns & both) == both)	/* RFC 5267 section 4.4 */
		return imap_lex_fail(l, IMAP_LEX_BAD, "",
		    "RETURN has ALL and PARTIAL");
	if (r->returns == 0)			/* RFC 4731 section 3.1 */
		r->returns = IMAP_RETURN_ALL;
	return imap_lex_ok(l);
}

/* [SP RETURN (...)] */
static bool
maybe_returns(struct imap_lex *l, struct imap_search *r)
{
	*r = (struct imap_search){ 0 };
	if (!imap_lex_sp(l))
		return false;
	if (!imap_lex_try_word(l, "RETURN"))
		return true;
	return imap_lex_sp(l) && imap_search_returns(l, r) && imap_lex_sp(l);
}

/* ---- the commands ------------------------------------------------------- */

bool
imap_search_parse(struct imap_lex *l, struct imap_search *r)
{
	struct slice charset = SLICE_LIT("");

	if (!maybe_returns(l, r))
		return false;
	if (imap_lex_try_word(l, "CHARSET") && (!imap_lex_sp(l) ||
	    !imap_lex_astring(l, &charset) || !imap_lex_sp(l)))
		return false;
	return imap_search_program(l, charset, r);
}

static bool
charset_and_program(struct imap_lex *l, struct imap_search *r)
{
	struct slice charset;

	return imap_lex_sp(l) && imap_lex_astring(l, &charset) &&
	    imap_lex_sp(l) && imap_search_program(l, charset, r);
}

static const char *const sort_names[] = {
	[IMAP_SORT_ARRIVAL] = "ARRIVAL",
	[IMAP_SORT_CC] = "CC",
	[IMAP_SORT_DATE] = "DATE",
	[IMAP_SORT_FROM] = "FROM",
	[IMAP_SORT_SIZE] = "SIZE",
	[IMAP_SORT_SUBJECT] = "SUBJECT",
	[IMAP_SORT_TO] = "TO",
	[IMAP_SORT_DISPLAYFROM] = "DISPLAYFROM",
	[IMAP_SORT_DISPLAYTO] = "DISPLAYTO",
	[IMAP_SORT_RELEVANCY] = "RELEVANCY",
};

static bool
sort_key(struct imap_lex *l, struct imap_search *r)
{
	bool reverse = imap_lex_try_word(l, "REVERSE");
	size_t i;

	if (reverse && !imap_lex_sp(l))
		return false;
	for (i = 0; i < ARRAY_LEN(sort_names); i++)
		if (imap_lex_try_word(l, sort_names[i]))
			break;
	if (i == ARRAY_LEN(sort_names))
		return imap_lex_expected(l, "a sort key");
	if (r->n_sort == IMAP_SORT_MAX)
		return imap_lex_fail(l, IMAP_LEX_BAD, "LIMIT",
		    "more than %d sort keys", IMAP_SORT_MAX);
	r->sort[r->n_sort++] = (struct imap_sort){ (enum imap_sort_key)i,
		reverse };
	return true;
}

bool
imap_sort_parse(struct imap_lex *l, struct imap_search *r)
{
	if (!maybe_returns(l, r))
		return false;
	for (imap_lex_open(l); imap_lex_next(l); )
		sort_key(l, r);
	if (imap_lex_ok(l) && r->n_sort == 0)
		return imap_lex_fail(l, IMAP_LEX_BAD, "",
		    "a list of sort keys is empty");
	return charset_and_program(l, r);
}

bool
imap_thread_parse(struct imap_lex *l, struct imap_search *r)
{
	if (!maybe_returns(l, r))
		return false;
	if (r->esearch)
		return imap_lex_expected(l, "a thread algorithm, no RETURN");
	if (imap_lex_try_word(l, "ORDEREDSUBJECT"))
		r->thread = IMAP_THREAD_ORDEREDSUBJECT;
	else if (imap_lex_try_word(l, "REFERENCES"))
		r->thread = IMAP_THREAD_REFERENCES;
	else if (imap_lex_try_word(l, "REFS"))
		r->thread = IMAP_THREAD_REFS;
	else
		return imap_lex_expected(l, "a thread algorithm");
	return charset_and_program(l, r);
}
