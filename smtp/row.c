/*
 * row.c - a line of the table tls_policy.  What is not understood is trouble
 * of ours and sends nothing: a policy that is misspelt must not be none.
 */
#include "policy_part.h"

enum { SHA256_HEX = 64 };

static const struct field level_row[] = {
	{ "level", FIELD_ENUM, 0, 0, "may", 0, 0, TLS_LEVELS, "" },
	F_END
};

static int
bad(struct slice word, struct err *err)
{
	return err_temp(err, "4.3.5", "not understood: %.*s",
	    (int)MIN(word.n, (size_t)200), word.p);
}

static int
add_names(struct slice list, struct arena *a, struct strlist *names)
{
	struct slice name;

	while (slice_cut(&list, ':', &name)) {
		if (name.n == 0)
			return -1;
		strlist_add(names, a, arena_slice(a, name));
	}
	return names->n > 0 ? 0 : -1;
}

static int
add_fingerprint(struct slice word, struct arena *a, struct strlist *l)
{
	char hex[SHA256_HEX + 1];
	size_t i, n = 0;
	int c;

	if (slice_istarts(word, "sha256:"))
		word = slice_sub(word, strlen("sha256:"), word.n);
	for (i = 0; i < word.n; i++) {
		c = ascii_lower((unsigned char)word.p[i]);
		if (c == ':')
			continue;
		if (n == SHA256_HEX || hex_digit(c) < 0)
			return -1;
		hex[n++] = (char)c;
	}
	hex[n] = '\0';
	if (n != SHA256_HEX)
		return -1;
	strlist_add(l, a, arena_strdup(a, hex));
	return 0;
}

static int
attribute(struct slice word, struct arena *a, struct domain_policy *p)
{
	if (slice_starts(word, "match="))
		return p->level == LEVEL_VERIFY || p->level == LEVEL_SECURE ?
		    add_names(slice_sub(word, 6, word.n), a, &p->names) : -1;
	if (slice_eqz(word, "min=1.2") || slice_eqz(word, "min=1.3")) {
		p->min = word.p[6] == '2' ? TLS_MIN_1_2 : TLS_MIN_1_3;
		return p->level == LEVEL_NONE ? -1 : 0;
	}
	return p->level == LEVEL_FINGERPRINT ?
	    add_fingerprint(word, a, &p->fingerprints) : -1;
}

int
row_parse(const char *text, struct arena *a, struct domain_policy *p,
    struct err *err)
{
	struct slice rest = slice_of(text), word = SLICE_NULL;
	struct err ignored;
	int level;

	if (!slice_word(&rest, &word) ||
	    field_set(level_row, &level, word, a, &ignored) < 0)
		return bad(word.p != NULL ? word : slice_of(text), err);
	p->level = (enum tls_level)level;
	while (slice_word(&rest, &word))
		if (attribute(word, a, p) < 0)
			return bad(word, err);
	if (p->level == LEVEL_FINGERPRINT && p->fingerprints.n == 0)
		return err_temp(err, "4.3.5", "fingerprint: none is given");
	return 0;
}

bool
sts_match(const char *pattern, const char *host)
{
	struct slice h = slice_of(host), p = slice_of(pattern);
	size_t dot;

	if (p.n > 0 && p.p[p.n - 1] == '.')
		p.n--;
	if (!slice_starts(p, "*."))
		return p.n > 0 && slice_ieq(p, h);
	dot = slice_find(h, '.');
	return dot > 0 && dot < h.n &&
	    slice_ieq(slice_sub(p, 1, p.n), slice_sub(h, dot, h.n));
}
