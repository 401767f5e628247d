/*
 * imap_name_fuzz.c - any bytes as a mailbox name in both encodings, as a set
 * of numbers, and, cut in two, as pattern and name: the matcher agrees with
 * the plainest one.
 */
#include "imap/match.h"
#include "imap/mutf7.h"
#include "imap/seqset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
names(struct slice in)
{
	struct str a = STR_INIT, b = STR_INIT;

	if (imap_mutf7_decode(in, &a)) {
		if (!utf8_valid(slice_str(&a)) ||
		    !imap_mutf7_encode(slice_str(&a), &b) ||
		    !slice_eq(in, slice_str(&b)))
			abort();
	}
	str_reset(&a);
	str_reset(&b);
	if (imap_mutf7_encode(in, &a)) {
		if (!slice_is_ascii(slice_str(&a)) ||
		    !imap_mutf7_decode(slice_str(&a), &b) ||
		    !slice_eq(in, slice_str(&b)))
			abort();
	} else if (utf8_valid(in)) {
		abort();
	}
	imap_name_check(in, '/', IMAP_NAME_NEW);
	str_free(&a);
	str_free(&b);
}

static void
sets(struct slice in)
{
	struct str once = STR_INIT, twice = STR_INIT;
	struct arena a = { 0 };
	struct imap_seqset s;
	size_t i;

	if (imap_seqset_parse(in, 100, &a, &s) == NULL) {
		imap_seqset_print(&s, &once);
		imap_seqset_resolve(&s, 1000);
		for (i = 0; i < s.n; i++)
			if (s.v[i].lo < 1 || s.v[i].lo > s.v[i].hi ||
			    s.v[i].hi > 1000 ||
			    (i > 0 && s.v[i].lo < s.v[i - 1].hi + 2))
				abort();
		if (imap_seqset_parse(slice_str(&once), 100, &a, &s) != NULL)
			abort();
		imap_seqset_print(&s, &twice);
		if (!slice_eq(slice_str(&once), slice_str(&twice)))
			abort();
	}
	str_free(&once);
	str_free(&twice);
	arena_free(&a);
}

static bool
same(char p, struct slice name, size_t at)
{
	if (imap_name_in_inbox(name, '/') && at < 5)
		return ascii_lower((unsigned char)p) ==
		    ascii_lower((unsigned char)name.p[at]);
	return p == name.p[at];
}

/* table[i][j]: pattern from i on matches name from j on */
static bool
plain(struct slice p, struct slice name)
{
	static bool t[152][152];
	size_t i, j;

	for (i = p.n + 1; i-- > 0; )
		for (j = name.n + 1; j-- > 0; ) {
			if (i == p.n)
				t[i][j] = j == name.n;
			else if (p.p[i] == '*')
				t[i][j] = t[i + 1][j] ||
				    (j < name.n && t[i][j + 1]);
			else if (p.p[i] == '%')
				t[i][j] = t[i + 1][j] || (j < name.n &&
				    name.p[j] != '/' && t[i][j + 1]);
			else
				t[i][j] = j < name.n && same(p.p[i], name,
				    j) && t[i + 1][j + 1];
		}
	return t[0][0];
}

static void
matches(struct slice p, struct slice name)
{
	size_t i, parent = 0;
	bool yes = plain(p, name);

	if (yes != !!(imap_match(p, name, '/') & IMAP_MATCH_YES))
		abort();
	for (i = 1; i < name.n && parent == 0; i++)
		if (name.p[i] == '/' && plain(p, slice_sub(name, 0, i)))
			parent = i;
	if (imap_match_parent(p, name, '/') != parent)
		abort();
	for (i = 0; yes && i < name.n; i++)	/* so they were gone into */
		if (name.p[i] == '/' && !(imap_match(p, slice_sub(name, 0,
		    i), '/') & IMAP_MATCH_CHILDREN) && i + 1 < name.n)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in = { (const char *)data, n };
	size_t cut = slice_find(in, '\n');

	names(in);
	sets(in);
	if (cut <= 150 && n - cut <= 150)
		matches(slice_sub(in, 0, cut), slice_sub(in, cut + 1, n));
	imap_match(in, in, '/');
	return 0;
}
