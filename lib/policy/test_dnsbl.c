/*
 * test_dnsbl.c - lists in DNS: of addresses, with weights, and of names.
 * What was asked last is remembered, as rules ask the same again for each
 * recipient, and with other limits.
 */
#include "base/clock.h"
#include "serve/dnsbl.h"
#include "policy/tests.h"

enum { ASK_MS = 5000, FRESH_MS = 60000, WHAT_MAX = 256 };

struct lists {
	struct dnsbl d;
	char what[WHAT_MAX];	/* asked last */
	int64_t until;		/* and that counts so long */
	struct dnsbl_result last;
};
struct dnsbl_test {
	struct lists *lists;
	bool common;		/* those of the option */
	struct comparison limit;
};

static struct lists common_lists;	/* of the option dnsbl */
static struct arena common_arena;

int
policy_set_dnsbl(const struct strlist *words, struct err *err)
{
	common_lists = (struct lists){ .until = 0 };
	arena_reset(&common_arena);
	return words->n > 0 ? dnsbl_parse(words, &common_arena,
	    &common_lists.d, err) : 0;
}

static int
parse_words(struct words *w, struct lists *l, struct err *err)
{
	struct strlist list = { 0 };
	const char *z;

	while (w->at < w->n && w->v[w->at].kind == WORD_PLAIN &&
	    strchr("<>=!", w->v[w->at].z[0]) == NULL &&
	    (z = words_arg(w)) != NULL)
		strlist_add(&list, &w->p->a, z);
	return list.n > 0 ? dnsbl_parse(&list, &w->p->a, &l->d, err) : 0;
}

int
parse_dnsbl(const struct test *t UNUSED, struct words *w, void **self_r,
    struct err *err)
{
	struct dnsbl_test *k = arena_alloc(&w->p->a, sizeof(*k));

	*self_r = k;
	k->lists = arena_alloc(&w->p->a, sizeof(*k->lists));
	if (parse_words(w, k->lists, err) < 0)
		return -1;
	if (k->lists->d.lists == 0) {
		k->lists = &common_lists;
		k->common = true;
	}
	return comparison_parse(w, &k->limit, err);
}

int
lists_parse(struct words *w, struct lists **l_r, struct err *err)
{
	*l_r = arena_alloc(&w->p->a, sizeof(**l_r));
	if (parse_words(w, *l_r, err) < 0)
		return -1;
	return (*l_r)->d.lists > 0 ? 0 :
	    words_expected(w, "domains of lists", err);
}

static void
tell(struct lists *l, bool bad, struct eval *e)
{
	struct str names = STR_INIT;

	dnsbl_names(&l->d, l->last.hits, bad, ", ", &names);
	eval_set(e, "dnsbl", names.s);
	str_free(&names);
	eval_set(e, "dnsbl_score", arena_printf(e->a, "%d", l->last.score));
}

static int
ask(struct lists *l, const char *what, bool domain, struct eval *e,
    struct err *err)
{
	int64_t now = mono_ms();

	if (now < l->until && strcmp(what, l->what) == 0)
		return 0;
	l->until = 0;
	l->last = (struct dnsbl_result){ 0 };
	if (dnsbl_ask(&l->d, what, domain, ASK_MS, e->f->session, &l->last,
	    err) < 0)
		return -1;
	if (strlen(what) < sizeof(l->what) && l->last.silent == 0) {
		slice_copy(l->what, sizeof(l->what), slice_of(what));
		l->until = now + FRESH_MS;
	}
	return 0;
}

int
lists_ask(struct lists *l, const char *z, bool domain, struct eval *e,
    struct err *err)
{
	if (ask(l, z, domain, e, err) < 0)
		return -1;
	tell(l, false, e);
	return l->last.hits != 0;
}

int
eval_dnsbl(const struct test *t UNUSED, void *self, struct eval *e,
    struct err *err)
{
	const struct dnsbl_test *k = self;

	/* gate has asked already, and more patiently */
	if (k->common && e->f->gate) {
		eval_set(e, "dnsbl", e->f->gate_lists);
		eval_set(e, "dnsbl_score", arena_printf(e->a, "%lld",
		    (long long)e->f->gate_score));
		eval_trace(e, "    gate: %lld %s",
		    (long long)e->f->gate_score, e->f->gate_lists);
		return comparison_holds(&k->limit, e->f->gate_score);
	}
	if (k->lists->d.lists == 0)
		return comparison_holds(&k->limit, 0);
	if (ask(k->lists, e->f->client, false, e, err) < 0)
		return -1;
	tell(k->lists, true, e);
	eval_trace(e, "    score %d: %s", k->lists->last.score,
	    eval_get(e, "dnsbl"));
	return comparison_holds(&k->limit, k->lists->last.score);
}
