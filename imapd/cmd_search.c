/*
 * cmd_search.c - SEARCH, SORT and their answers: RFC 3501 and 9051 section
 * 6.4.4, RFC 4731 (ESEARCH), 5182 ($), 5256, 5267 (ESORT, PARTIAL), 5957.
 */
#include "context.h"
#include "mime/text.h"
#include "search.h"
#include "sort.h"

/* MODSEQ of the answer: the highest of what was found */
static uint64_t
highest(const struct session *s, const struct index_list *r)
{
	uint64_t most = 0;
	size_t k;

	for (k = 0; k < r->n; k++)
		most = MAX(most, s->mb->msg[r->v[k]].modseq);
	return most;
}

/* the same of ESEARCH: with MIN and MAX alone only of these (RFC 4731 section
 * 3.2) */
static uint64_t
highest_told(const struct session *s, unsigned ret,
    const struct index_list *r, uint32_t lo, uint32_t hi)
{
	uint64_t most = 0;

	if (ret & ~(unsigned)(IMAP_RETURN_MIN | IMAP_RETURN_MAX |
	    IMAP_RETURN_SAVE))
		return highest(s, r);
	if (ret & IMAP_RETURN_MIN)
		most = s->mb->msg[lo].modseq;
	if (ret & IMAP_RETURN_MAX)
		most = MAX(most, s->mb->msg[hi].modseq);
	return most;
}

static uint32_t
number(const struct session *s, uint32_t i)
{
	return s->imap.lex.uid ? s->mb->msg[i].uid : i + 1;
}

static void
put_plain(struct session *s, const struct imap_search *q, const char *word,
    const struct index_list *r)
{
	struct str out = STR_INIT;
	size_t k;

	str_addf(&out, "* %s", word);
	for (k = 0; k < r->n; k++)
		str_addf(&out, " %u", (unsigned)number(s, r->v[k]));
	if (q->modseq && r->n > 0)
		str_addf(&out, " (MODSEQ %llu)",
		    (unsigned long long)highest(s, r));
	str_adds(&out, "\r\n");
	imap_put(&s->imap, &out);
	str_free(&out);
}

static void
put_set(const struct session *s, const struct index_list *r, size_t from,
    size_t to, struct str *out)
{
	struct imap_setw w = { .out = out };
	size_t k;

	for (k = from; k < to; k++)
		imap_setw_add(&w, number(s, r->v[k]));
	imap_setw_end(&w);
}

/* RFC 9394: "PARTIAL (-1:-100 set)" */
static void
put_partial(const struct session *s, const struct imap_partial *p,
    const struct index_list *r, struct str *out)
{
	size_t lo, hi;

	imap_partial_range(p, r->n, &lo, &hi);
	str_addf(out, " PARTIAL (%lld:%lld ", (long long)p->lo,
	    (long long)p->hi);
	if (lo < hi)
		put_set(s, r, lo, hi, out);
	else
		str_adds(out, "NIL");
	str_addc(out, ')');
}

/* RFC 6203 section 4: in the order of the results, or of the page */
static void
put_scores(const struct imap_search *q, const struct index_list *r,
    const unsigned char *score, struct str *out)
{
	size_t k = 0, to = r->n;

	if (q->returns & IMAP_RETURN_PARTIAL)
		imap_partial_range(&q->page, r->n, &k, &to);
	str_adds(out, " RELEVANCY (");
	for (; k < to; k++)
		str_addf(out, "%u%s", (unsigned)score[r->v[k]],
		    k + 1 < to ? " " : "");
	str_addc(out, ')');
}

static void
put_esearch(struct session *s, const struct imap_search *q,
    const struct index_list *r, const unsigned char *score)
{
	struct str out = STR_INIT;
	unsigned ret = q->returns;
	uint32_t lo = UINT32_MAX, hi = 0;
	size_t k;

	for (k = 0; k < r->n; k++) {
		lo = MIN(lo, r->v[k]);
		hi = MAX(hi, r->v[k]);
	}
	if (q->n_sort > 0 && r->n > 0) {	/* first and last in order */
		lo = r->v[0];
		hi = r->v[r->n - 1];
	}
	str_adds(&out, "* ESEARCH (TAG ");
	imap_put_string(&out, s->imap.lex.tag, false);
	str_adds(&out, s->imap.lex.uid ? ") UID" : ")");
	if (ret & IMAP_RETURN_MIN && r->n > 0)
		str_addf(&out, " MIN %u", (unsigned)number(s, lo));
	if (ret & IMAP_RETURN_MAX && r->n > 0)
		str_addf(&out, " MAX %u", (unsigned)number(s, hi));
	if (ret & IMAP_RETURN_PARTIAL)
		put_partial(s, &q->page, r, &out);
	if (ret & IMAP_RETURN_ALL && r->n > 0) {
		str_adds(&out, " ALL ");
		put_set(s, r, 0, r->n, &out);
	}
	if (ret & IMAP_RETURN_COUNT)
		str_addf(&out, " COUNT %zu", r->n);
	if (ret & IMAP_RETURN_RELEVANCY)
		put_scores(q, r, score, &out);
	if (q->modseq && r->n > 0)
		str_addf(&out, " MODSEQ %llu", (unsigned long long)
		    highest_told(s, ret, r, lo, hi));
	str_adds(&out, "\r\n");
	imap_put(&s->imap, &out);
	str_free(&out);
}

static int
by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* RFC 5182 section 2.1: with MIN or MAX alone, only these are kept */
static void
save(struct session *s, const struct imap_search *q,
    const struct index_list *r)
{
	uint32_t *v = arena_alloc(&s->imap.arena, (r->n + 1) * sizeof(*v));
	unsigned narrow = q->returns & (IMAP_RETURN_MIN | IMAP_RETURN_MAX);
	size_t k;

	memcpy(v, r->v, r->n * sizeof(*v));
	qsort(v, r->n, sizeof(*v), by_number);
	arena_reset(&s->result_arena);
	s->result = (struct imap_seqset){ 0 };
	if (q->returns & (IMAP_RETURN_ALL | IMAP_RETURN_COUNT))
		narrow = 0;
	for (k = 0; k < r->n; k++)
		if (narrow == 0 || (k == 0 && narrow & IMAP_RETURN_MIN) ||
		    (k + 1 == r->n && narrow & IMAP_RETURN_MAX))
			imap_seqset_add(&s->result, &s->result_arena,
			    s->mb->msg[v[k]].uid);
}

static void
forget_saved(struct session *s, const struct imap_search *q)
{
	if (!(q->returns & IMAP_RETURN_SAVE))
		return;
	arena_reset(&s->result_arena);
	s->result = (struct imap_seqset){ 0 };
}

static bool
numbers_fit(struct session *s, const struct imap_search_key *k)
{
	for (; k != NULL; k = k->next) {
		if (k->op == IMAP_S_SEQ && !k->set.saved &&
		    enabled(s, ENABLED_UIDONLY))
			return imap_lex_fail(&s->imap.lex, IMAP_LEX_BAD,
			    "UIDREQUIRED", "message numbers are not used "
			    "after ENABLE UIDONLY");
		if (k->op == IMAP_S_SEQ && !k->set.saved &&
		    !imap_seqset_fits(&k->set, s->told))
			return imap_lex_fail(&s->imap.lex, IMAP_LEX_BAD, "",
			    "there is no such message number: there are %u "
			    "messages", (unsigned)s->told);
		if (k->child != NULL && !numbers_fit(s, k->child))
			return false;
	}
	return true;
}

bool
search_by_relevancy(const struct imap_search *q)
{
	size_t k;

	for (k = 0; k < q->n_sort; k++)
		if (q->sort[k].key == IMAP_SORT_RELEVANCY)
			return true;
	return false;
}

static bool
scores_wanted(const struct imap_search *q)
{
	return q->returns & IMAP_RETURN_RELEVANCY || search_by_relevancy(q);
}

bool
search_checked(struct session *s, struct imap_search *q)
{
	if (!search_filters(s, q) || !numbers_fit(s, q->root))
		return false;
	if (scores_wanted(q) && !q->fuzzy)
		return imap_lex_fail(&s->imap.lex, IMAP_LEX_BAD, "",
		    "RELEVANCY goes with a FUZZY key");
	if (q->modseq)
		session_condstore(s);
	return true;
}

static void
run(struct session *s, struct imap_search *q, const char *word)
{
	struct index_list r;
	struct err err = ERR_INIT;
	struct context *c = NULL;
	unsigned char *score = NULL;

	if (!imap_args_end(&s->imap) || !search_checked(s, q)) {
		/* RFC 5182 section 2.1: NO empties $, BAD leaves it */
		if (s->imap.lex.error.kind != IMAP_LEX_BAD)
			forget_saved(s, q);
		return;
	}
	if (q->returns & IMAP_RETURN_UPDATE)
		c = context_new(s, q);
	if (search_run_scored(s, q->root, &r, scores_wanted(q) ? &score :
	    NULL, &err) < 0 || (q->n_sort > 0 && sort_run(s, q, score, &r,
	    &err) < 0)) {
		context_free(c);
		forget_saved(s, q);
		imap_fail(&s->imap, &err);
		return;
	}
	context_begin(s, c, &r);
	if (q->returns & IMAP_RETURN_SAVE)
		save(s, q, &r);
	if (!q->esearch && !(enabled(s, ENABLED_REV2) && q->n_sort == 0))
		put_plain(s, q, word, &r);
	else if (q->returns & ~(unsigned)IMAP_RETURN_SAVE || !q->esearch)
		put_esearch(s, q, &r, score);
	imap_ok(&s->imap, NULL, "that is all");
}

void
cmd_search(void *session)
{
	struct session *s = session;
	struct imap_search q = { 0 };

	imap_search_parse(&s->imap.lex, &q);
	if (!q.esearch)
		q.returns = IMAP_RETURN_ALL;
	run(s, &q, "SEARCH");
}

void
cmd_sort(void *session)
{
	struct session *s = session;
	struct imap_search q = { 0 };

	imap_sort_parse(&s->imap.lex, &q);
	run(s, &q, "SORT");
}
