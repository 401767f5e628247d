/*
 * filter.c - FILTERS: RFC 5466.  A filter is an annotation of the server,
 * /private/filters/values/NAME or /shared/..., whose text is a search program;
 * the key FILTER NAME becomes that program.  Filters may name filters: depth
 * and the number of keys are bounded.
 */
#include "search.h"

enum { DEPTH_MAX = 8, KEYS_MAX = 10000, EXPANDED_MAX = 256 };

struct filters {
	struct session *s;
	struct imap_search *q;
	unsigned keys, expanded;
};

struct lookup {
	struct arena *arena;
	const char *private, *shared;	/* entries */
	struct slice text;
	bool found, mine;
};

static void
on_entry(void *ctx, const char *entry, struct slice value)
{
	struct lookup *k = ctx;
	bool mine = strcasecmp(entry, k->private) == 0;

	if (k->mine || (!mine && strcasecmp(entry, k->shared) != 0))
		return;
	k->mine = mine;
	k->found = true;
	k->text = (struct slice){ arena_slice(k->arena, value), value.n };
}

static bool
undefined(struct session *s, struct slice name, const char *why)
{
	struct str code = STR_INIT;

	str_adds(&code, "UNDEFINED-FILTER ");
	imap_put_astring(&code, name, utf8(s));
	imap_no(&s->imap, code.s, "%s", why);
	str_free(&code);
	return false;
}

/* ["CHARSET" SP charset SP] program, all of it */
static bool
parse(struct session *s, struct slice text, struct imap_search *r)
{
	struct slice charset = SLICE_LIT("");
	struct imap_lex l;

	imap_lex_init_text(&l, text, &s->imap.arena, s->imap.lex.flags);
	if (imap_lex_try_word(&l, "CHARSET")) {
		imap_lex_sp(&l);
		imap_lex_astring(&l, &charset);
		imap_lex_sp(&l);
	}
	return imap_search_program(&l, charset, r) && imap_lex_end(&l);
}

static bool expand(struct filters *f, struct imap_search_key *k,
    unsigned depth);

static bool
replace(struct filters *f, struct imap_search_key *k, unsigned depth)
{
	struct session *s = f->s;
	struct arena *a = &s->imap.arena;
	struct lookup look = { .arena = a };
	struct imap_search sub = { 0 };
	struct err err;

	look.private = arena_printf(a, "/private/filters/values/%s",
	    k->name.p);
	look.shared = arena_printf(a, "/shared/filters/values/%s",
	    k->name.p);
	if (tree_meta_each(&s->tree, "", on_entry, &look, &err) < 0 ||
	    !look.found)
		return undefined(s, k->name, "there is no such filter");
	if (!parse(s, look.text, &sub))
		return undefined(s, k->name, "the filter is no search");
	f->keys += sub.keys;
	if (depth >= DEPTH_MAX || ++f->expanded > EXPANDED_MAX ||
	    f->keys > KEYS_MAX) {
		imap_no(&s->imap, "LIMIT", "too many filters in filters");
		return false;
	}
	f->q->modseq |= sub.modseq;
	f->q->saved |= sub.saved;
	f->q->fuzzy |= sub.fuzzy;
	k->op = IMAP_S_AND;
	k->child = sub.root;
	return expand(f, sub.root, depth + 1);
}

static bool
expand(struct filters *f, struct imap_search_key *k, unsigned depth)
{
	for (; k != NULL; k = k->next) {
		if (k->op == IMAP_S_FILTER) {
			if (!replace(f, k, depth))
				return false;
		} else if (k->child != NULL && !expand(f, k->child, depth)) {
			return false;
		}
	}
	return true;
}

bool
search_filters(struct session *s, struct imap_search *q)
{
	struct filters f = { .s = s, .q = q };

	return !q->has_filter || expand(&f, q->root, 0);
}
