/*
 * search.c - evaluates a search program for one message after another.
 */
#include "search.h"

#include "base/clock.h"
#include "body.h"
#include "mime/date.h"
#include "mime/header.h"
#include "mime/text.h"
#include "mime/word.h"

enum {
	CHECK_TIME_EVERY = 4096,	/* keys that cost nothing */
	HINTS_MAX = 64,			/* questions to the index */
	PROGRESS_EVERY = 64,		/* messages */
};
/* what a key costs: the order in which keys are tried */
enum { COST_FREE, COST_META, COST_HEADER, COST_FILE };

/* what the full-text index said of a key */
struct hint {
	const struct imap_search_key *key;
	uint32_t *uids;
	size_t n;
	struct hint *next;
};

struct search {
	struct session *s;
	struct body body;
	bool open, have_row;
	struct arena parse;
	struct meta_row row;
	struct hint *hints;
	unsigned asked;
	uint64_t steps;
	int64_t now, deadline;
	struct str text, folded;
	struct mime_match match;	/* of match_key; NULL: none */
	const struct imap_search_key *match_key;
	struct err *err;
	bool failed;		/* err is set: it is over */
};

/* The time is up: it is over.  Asked before whatever may take long, for one
 * message can take as long as all should. */
static bool
late(struct search *q)
{
	if (!q->failed && mono_ms() >= q->deadline) {
		err_perm(q->err, "5.3.4", "the search takes too long");
		q->failed = true;
	}
	return q->failed;
}

/* --- before the first message ----------------------------------- */

static int
cost(const struct imap_search_key *k)
{
	const struct imap_search_key *c;
	int most = COST_FREE;

	switch (k->op) {
	case IMAP_S_BODY:
	case IMAP_S_TEXT:
		return COST_FILE;
	case IMAP_S_HEADER:
		return meta_kept(k->name) ? COST_META : COST_HEADER;
	case IMAP_S_BEFORE:
	case IMAP_S_ON:
	case IMAP_S_SINCE:
		return k->date == IMAP_DATE_SENT ? COST_META : COST_FREE;
	default:
		for (c = k->child; c != NULL; c = c->next)
			most = MAX(most, cost(c));
		return most;
	}
}

/* children in the order of their cost; the order does not change the answer */
static void
order_children(struct imap_search_key *k)
{
	struct imap_search_key *list[COST_FILE + 1] = { NULL }, *c, *next;
	struct imap_search_key **end[COST_FILE + 1];
	int i;

	for (i = 0; i <= COST_FILE; i++)
		end[i] = &list[i];
	for (c = k->child; c != NULL; c = next) {
		next = c->next;
		i = cost(c);
		c->next = NULL;
		*end[i] = c;
		end[i] = &c->next;
	}
	k->child = NULL;
	for (i = COST_FILE; i >= 0; i--)
		if (list[i] != NULL) {
			*end[i] = k->child;
			k->child = list[i];
		}
}

static void
ask_index(struct search *q, const struct imap_search_key *k)
{
	struct session *s = q->s;
	struct hint *h;
	struct slice term;
	struct err err;
	unsigned where = FTS_BODY;

	s->worked = 0;		/* there is an index from now on */
	if (++q->asked > HINTS_MAX || late(q))
		return;
	if (k->op == IMAP_S_TEXT)
		where |= FTS_HEADER;
	else if (k->op == IMAP_S_HEADER)
		where = FTS_HEADER;
	str_reset(&q->folded);
	mime_fold(k->text, &q->folded);
	term = slice_str(&q->folded);
	h = arena_alloc(&s->imap.arena, sizeof(*h));
	if (fts_candidates(s->fts, s->mb, where, &term, 1, &h->uids, &h->n,
	    &err) != 1)
		return;
	h->key = k;
	h->next = q->hints;
	q->hints = h;
}

static void
prepare(struct search *q, struct imap_search_key *k)
{
	struct session *s = q->s;
	struct imap_search_key *c;
	uint32_t n = s->told;

	switch (k->op) {
	case IMAP_S_SEQ:
	case IMAP_S_UID:
		if (k->set.saved) {
			k->set = s->result;
			k->op = IMAP_S_UID;
		}
		imap_seqset_resolve(&k->set, n == 0 ? 0 :
		    k->op == IMAP_S_SEQ ? n : s->mb->msg[n - 1].uid);
		break;
	case IMAP_S_BODY:
	case IMAP_S_TEXT:
		ask_index(q, k);
		break;
	case IMAP_S_HEADER:
		if (!meta_kept(k->name) && k->text.n > 0)
			ask_index(q, k);
		break;
	default:
		break;
	}
	for (c = k->child; c != NULL; c = c->next)
		prepare(q, c);
	if (k->op == IMAP_S_AND || k->op == IMAP_S_OR)
		order_children(k);
}

static bool
candidate(const struct search *q, const struct imap_search_key *k,
    uint32_t uid)
{
	const struct hint *h;
	size_t lo = 0, hi, mid;

	for (h = q->hints; h != NULL && h->key != k; h = h->next)
		continue;
	if (h == NULL)
		return true;
	hi = h->n;
	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (h->uids[mid] == uid)
			return true;
		if (h->uids[mid] < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

/* --- what is looked at --------------------------------------------- */

/* false: the message is gone (it matches nothing), or it is over */
static bool
load_row(struct search *q, size_t i)
{
	struct err err = ERR_INIT;

	if (q->have_row)
		return true;
	if (meta_get(q->s->meta, q->s->mb, i, &q->row, &err) < 0) {
		q->failed |= err.kind != ERR_PERM;
		if (q->failed)
			*q->err = err;
		return false;
	}
	q->have_row = true;
	return true;
}

static bool
load_body(struct search *q, size_t i)
{
	struct err err = ERR_INIT;

	if (q->open)
		return true;
	if (body_open(&q->body, q->s, i, &err) < 0) {
		q->failed |= err.kind != ERR_PERM;
		if (q->failed)
			*q->err = err;
		return false;
	}
	q->open = true;
	return true;
}

static void
unload(struct search *q)
{
	if (q->open && body_intact(&q->body, q->err) < 0)
		q->failed = true;
	if (q->open)
		body_close(&q->body);
	q->open = q->have_row = false;
}

/* the matcher of a key's text, which is folded once */
static struct mime_match *
matcher(struct search *q, const struct imap_search_key *k)
{
	if (q->match_key != k) {
		if (q->match_key != NULL)
			mime_match_free(&q->match);
		mime_match_init(&q->match, k->text);
		q->match_key = k;
	}
	str_reset(&q->match.tail);
	return &q->match;
}

/* decoded, folded, and the text in it? */
static bool
value_has(struct search *q, struct slice value,
    const struct imap_search_key *k)
{
	str_reset(&q->text);
	mime_decode_text(value, &q->text);
	return mime_match_feed(matcher(q, k), slice_str(&q->text), true) != 0;
}

/* the first line at or behind `at` that begins like a field of that name */
static size_t
find_line(struct slice s, size_t at, struct slice name)
{
	const char *nl;

	while (at + name.n < s.n &&
	    (ascii_lower((unsigned char)s.p[at]) !=
	    ascii_lower((unsigned char)name.p[0]) ||
	    !slice_ieq(slice_sub(s, at, name.n), name))) {
		nl = memchr(s.p + at, '\n', s.n - at);
		if (nl == NULL)
			break;
		at = (size_t)(nl - s.p) + 1;
	}
	return at;
}

/* the fields of the cache are lines that begin with names, or with a blank */
static bool
kept_has(struct search *q, const struct imap_search_key *k)
{
	struct slice fields = q->row.fields, rest;
	struct mime_scan scan;
	struct mime_field f;
	size_t at = 0;

	for (;;) {
		at = find_line(fields, at, k->name);
		rest = slice_sub(fields, at, fields.n);
		mime_scan_init(&scan, rest);
		if (rest.n <= k->name.n || !mime_scan_next(&scan, &f))
			return false;
		if (slice_ieq(f.name, k->name) && (k->text.n == 0 ||
		    value_has(q, f.value, k)))
			return true;
		at += scan.pos;
	}
}

static bool
header_has(struct search *q, size_t i, const struct imap_search_key *k)
{
	struct mime_scan scan;
	struct mime_field f;

	if (meta_kept(k->name))
		return load_row(q, i) && kept_has(q, k);
	if (!candidate(q, k, q->s->mb->msg[i].uid) || !load_body(q, i))
		return false;
	mime_scan_init(&scan, q->body.msg);
	while (mime_scan_next(&scan, &f))
		if (slice_ieq(f.name, k->name) && (k->text.n == 0 ||
		    value_has(q, f.value, k)))
			return true;
	return false;
}

struct looking { struct search *q; struct mime_match *m; };

static int
on_text(void *ctx, struct slice field UNUSED, struct slice text, bool last)
{
	struct looking *l = ctx;

	return late(l->q) || mime_match_feed(l->m, text, last);
}

static bool
text_has(struct search *q, size_t i, const struct imap_search_key *k)
{
	struct looking l = { .q = q };

	if (k->text.n == 0)
		return true;
	if (!candidate(q, k, q->s->mb->msg[i].uid) || !load_body(q, i))
		return false;
	l.m = matcher(q, k);
	return mime_text(q->body.msg, body_parse(&q->body, true),
	    k->op == IMAP_S_TEXT ? MIME_TEXT_ALL : MIME_TEXT_BODY, on_text,
	    &l) != 0;
}

/* the day as the Date field has it, whatever its zone: 1, or 0 */
static int
sent_day(struct search *q, size_t i, int32_t *day_r)
{
	struct mime_field f;
	int64_t when;
	int zone = 0;

	if (!load_row(q, i))
		return 0;
	if (mime_find(q->row.fields, "Date", &f) &&
	    mime_date_parse(f.value, &when, &zone))
		*day_r = imap_day(when, zone);
	else if (q->row.sent != INT64_MIN)
		*day_r = imap_day(q->row.sent, 0);
	else
		*day_r = imap_day(mailbox_date(q->s->mb, i), 0);
	return 1;
}

static bool
date_fits(struct search *q, size_t i, const struct imap_search_key *k)
{
	const struct mailbox_msg *m = &q->s->mb->msg[i];
	int32_t day = 0;

	if (k->date == IMAP_DATE_SENT) {
		if (!sent_day(q, i, &day))
			return false;
	} else {
		day = imap_day(k->date == IMAP_DATE_SAVED ? m->saved :
		    mailbox_date(q->s->mb, i), 0);
	}
	if (k->op == IMAP_S_BEFORE)
		return day < k->day;
	return k->op == IMAP_S_ON ? day == k->day : day >= k->day;
}

static bool
keyword_is(const struct mailbox *mb, size_t i, struct slice name)
{
	if (slice_ieqz(name, "$Forwarded"))
		return mb->msg[i].flags & MSG_FORWARDED;
	return mailbox_has_keyword(mb, mb->msg[i].kw, name);
}

static bool matches(struct search *q, size_t i,
    const struct imap_search_key *k);

static bool
all_match(struct search *q, size_t i, const struct imap_search_key *c)
{
	for (; c != NULL && !q->failed; c = c->next)
		if (!matches(q, i, c))
			return false;
	return true;
}

static bool
any_matches(struct search *q, size_t i, const struct imap_search_key *c)
{
	for (; c != NULL && !q->failed; c = c->next)
		if (matches(q, i, c))
			return true;
	return false;
}

static bool
cheap(struct search *q, size_t i, const struct imap_search_key *k)
{
	const struct mailbox *mb = q->s->mb;
	const struct mailbox_msg *m = &mb->msg[i];
	char id[28];

	switch (k->op) {
	case IMAP_S_SEQ:
		return imap_seqset_contains(&k->set, (uint32_t)i + 1);
	case IMAP_S_UID:
		return imap_seqset_contains(&k->set, m->uid);
	case IMAP_S_FLAG:
		return flags_to_imap(m->flags) & k->n;
	case IMAP_S_KEYWORD:
		return keyword_is(mb, i, k->text);
	case IMAP_S_LARGER:
		return m->wsize > k->n;
	case IMAP_S_SMALLER:
		return m->wsize < k->n;
	case IMAP_S_OLDER:
		return mailbox_date(q->s->mb, i) <= q->now - (int64_t)k->n;
	case IMAP_S_YOUNGER:
		return mailbox_date(q->s->mb, i) >= q->now - (int64_t)k->n;
	case IMAP_S_MODSEQ:
		return m->modseq >= k->n;
	case IMAP_S_EMAILID:
		mailbox_emailid(mb, i, id);
		return slice_eqz(k->text, id);
	case IMAP_S_THREADID:
		return false;		/* all are NIL */
	default:
		return true;		/* ALL, SAVEDATESUPPORTED */
	}
}

/* recursion is bounded by the parser */
static bool
matches(struct search *q, size_t i, const struct imap_search_key *k)
{
	if (++q->steps % CHECK_TIME_EVERY == 0 && late(q))
		return false;
	switch (k->op) {
	case IMAP_S_AND:
	case IMAP_S_FUZZY:
		return all_match(q, i, k->child);
	case IMAP_S_OR:
		return any_matches(q, i, k->child);
	case IMAP_S_NOT:
		return !matches(q, i, k->child);
	case IMAP_S_HEADER:
		return !late(q) && header_has(q, i, k);
	case IMAP_S_BODY:
	case IMAP_S_TEXT:
		return !late(q) && text_has(q, i, k);
	case IMAP_S_BEFORE:
	case IMAP_S_ON:
	case IMAP_S_SINCE:
		return date_fits(q, i, k);
	default:
		return cheap(q, i, k);
	}
}

/* --- relevancy (RFC 6203) ---------------------------------------------------
 * A text that is looked for fuzzily gets points: 10 for being found, 40 where
 * it was in the field that was asked for; 30 times the share of its words that
 * the subject has; and, where the subject has it as it is, 30 times the share
 * of the subject that it is.  Of several keys it is the mean; one of OR that
 * does not match has no points. */
enum { POINTS_FOUND = 10, POINTS_FIELD = 40, POINTS_WORDS = 30,
	POINTS_SHARE = 30 };
struct points { unsigned sum, n; };

static unsigned
subject_points(struct search *q, size_t i, struct slice text)
{
	struct str term = STR_INIT;
	struct slice subject, rest, word;
	unsigned points = 0, words = 0, found = 0;

	if (!load_row(q, i))
		return 0;
	str_reset(&q->folded);
	mime_fold(q->row.subject, &q->folded);
	subject = slice_str(&q->folded);
	mime_fold(text, &term);
	rest = slice_str(&term);
	for (; slice_word(&rest, &word); words++)
		found += memmem(subject.p, subject.n, word.p, word.n) != NULL;
	if (words > 0)
		points = POINTS_WORDS * found / words;
	if (subject.n > 0 && term.len > 0 &&
	    memmem(subject.p, subject.n, term.s, term.len) != NULL)
		points += (unsigned)(POINTS_SHARE * term.len / subject.n);
	str_free(&term);
	return points;
}

/* of a key that matches; depth is bounded by the parser */
static void
add_points(struct search *q, size_t i, const struct imap_search_key *k,
    bool fuzzy, struct points *p)
{
	const struct imap_search_key *c;

	switch (k->op) {
	case IMAP_S_AND:
	case IMAP_S_FUZZY:
		for (c = k->child; c != NULL; c = c->next)
			add_points(q, i, c, fuzzy || k->op == IMAP_S_FUZZY, p);
		break;
	case IMAP_S_OR:
		for (c = k->child; c != NULL; c = c->next)
			if (matches(q, i, c))
				add_points(q, i, c, fuzzy, p);
			else
				p->n += fuzzy;
		break;
	case IMAP_S_HEADER:
	case IMAP_S_BODY:
	case IMAP_S_TEXT:
		if (!fuzzy || k->text.n == 0)
			break;
		p->sum += subject_points(q, i, k->text) +
		    (k->op == IMAP_S_HEADER ? POINTS_FIELD : POINTS_FOUND);
		p->n++;
		break;
	default:
		break;
	}
}

static unsigned char
score(struct search *q, size_t i, const struct imap_search_key *root)
{
	struct points p = { 0, 0 };

	add_points(q, i, root, false, &p);
	return (unsigned char)(p.n == 0 ? 100 : MAX(p.sum / p.n, 1));
}

int
search_run(struct session *s, struct imap_search_key *root,
    struct index_list *r, struct err *err)
{
	return search_run_scored(s, root, r, NULL, err);
}

int
search_run_scored(struct session *s, struct imap_search_key *root,
    struct index_list *r, unsigned char **score_r, struct err *err)
{
	struct search q = { .s = s, .text = STR_INIT, .folded = STR_INIT,
		.now = wall_s(), .err = err };
	struct hint *h;
	size_t i;

	q.deadline = mono_ms() + conf.search_time;
	q.body.arena = &q.parse;
	r->v = arena_alloc(&s->imap.arena, (s->told + 1) * sizeof(*r->v));
	r->n = 0;
	if (score_r != NULL)
		*score_r = arena_alloc(&s->imap.arena, s->told + 1);
	prepare(&q, root);
	for (i = 0; i < s->told && !q.failed; i++) {
		if (s->mb->msg[i].flags & MSG_GONE)
			continue;
		if (i % PROGRESS_EVERY == 0)
			session_progress(s, i, s->told);
		if (matches(&q, i, root)) {
			r->v[r->n++] = (uint32_t)i;
			if (score_r != NULL)
				(*score_r)[i] = score(&q, i, root);
		}
		unload(&q);
	}
	for (h = q.hints; h != NULL; h = h->next)
		free(h->uids);
	if (q.match_key != NULL)
		mime_match_free(&q.match);
	str_free(&q.text);
	str_free(&q.folded);
	body_free(&q.body);
	arena_free(&q.parse);
	return q.failed ? -1 : 0;
}
