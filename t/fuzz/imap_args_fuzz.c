/*
 * imap_args_fuzz.c - any bytes as the arguments of FETCH, SEARCH, SORT and
 * THREAD (the first byte chooses).  A tree stays within its depth and count,
 * and what a FETCH asks for is printed so that it reads back as the same.
 */
#include "imap/fetch.h"
#include "imap/search.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool
fetch(struct slice in, bool uid, struct arena *a, struct str *out)
{
	struct imap_fetch f;
	struct imap_lex l;
	size_t i;

	imap_lex_init_text(&l, in, a, 0);
	l.uid = uid;
	if (!imap_fetch_parse(&l, &f) || !imap_lex_end(&l))
		return false;
	str_addc(out, '(');
	for (i = 0; i < f.n; i++) {
		if (i > 0)
			str_addc(out, ' ');
		imap_fetch_item_name(&f.v[i], out);
		if (f.v[i].partial) {
			str_trunc(out, out->len - 1);
			str_addf(out, ".%llu>",
			    (unsigned long long)f.v[i].length);
		}
	}
	str_addc(out, ')');
	return true;
}

static void
check_fetch(struct slice in, bool uid, struct arena *a)
{
	struct str once = STR_INIT, twice = STR_INIT;

	if (fetch(in, uid, a, &once)) {
		/* field names that quotes can not hold are literals */
		if (memchr(once.s, '\n', once.len) == NULL &&
		    (!fetch(slice_str(&once), uid, a, &twice) ||
		    !slice_eq(slice_str(&once), slice_str(&twice))))
			abort();
	}
	str_free(&once);
	str_free(&twice);
}

static unsigned
walk(const struct imap_search_key *k, unsigned depth)
{
	unsigned n = 1;

	if (depth > imap_limits_default.depth)
		abort();
	if (!utf8_valid(k->text) || k->text.p[k->text.n] != '\0')
		abort();
	if (k->op == IMAP_S_OR && (k->child == NULL ||
	    k->child->next == NULL))
		abort();
	if (k->op == IMAP_S_NOT && (k->child == NULL ||
	    k->child->next != NULL))
		abort();
	for (k = k->child; k != NULL; k = k->next)
		n += walk(k, depth + 1);
	return n;
}

static void
check_search(struct slice in, int which, struct arena *a)
{
	struct str out = STR_INIT;
	struct imap_search s;
	struct imap_lex l;
	bool good;

	imap_lex_init_text(&l, in, a, which & 1 ? IMAP_LEX_UTF8 : 0);
	if (which < 4)
		good = imap_search_parse(&l, &s);
	else if (which < 6)
		good = imap_sort_parse(&l, &s);
	else
		good = imap_thread_parse(&l, &s);
	if (good != imap_lex_ok(&l) || (!good && *l.error.text == '\0'))
		abort();
	if (good) {
		if (walk(s.root, 1) != s.keys ||
		    s.keys > imap_limits_default.count)
			abort();
		imap_search_print(s.root, &out);
	}
	str_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena a = { 0 };
	struct slice in;
	char *copy;

	if (n < 1)
		return 0;
	copy = xmalloc(n - 1);
	memcpy(copy, data + 1, n - 1);
	in = (struct slice){ copy, n - 1 };
	if (data[0] & 8)
		check_fetch(in, data[0] & 1, &a);
	else
		check_search(in, data[0] & 7, &a);
	free(copy);
	arena_free(&a);
	return 0;
}
