/*
 * question.c - one entry a name and type: its answer while that is valid, and
 * who waits while it is being asked.  So what many ask at once is asked once,
 * and what failed is not asked again at once.  Entries without waiters are in
 * a list, the coldest first, and go where there are too many, or too large.
 */
#include "dnsd.h"

#include "base/clock.h"
#include "base/hash.h"

#define HASH_FUNCTION(p, n, h) ((h) = (unsigned)hash_secret((p), (n)))
#include <uthash.h>

struct question {
	UT_hash_handle hh;
	struct question *colder, *warmer;
	struct answer *a;		/* the last one, or NULL */
	struct waiter *waiters;
	bool asking, known;		/* known: in the table */
	int type;
	char name[NAME_TEXT];
	char key[NAME_TEXT + 8];
};

static struct question *questions, *coldest, *warmest;
static size_t kept;
static uint64_t kept_bytes;

static size_t
bytes(const struct question *q)
{
	return sizeof(*q) + (q->a != NULL ? sizeof(*q->a) + q->a->arena.total :
	    0);
}

static void
unlink_cold(struct question *q)
{
	if (q->colder != NULL)
		q->colder->warmer = q->warmer;
	else
		coldest = q->warmer;
	if (q->warmer != NULL)
		q->warmer->colder = q->colder;
	else
		warmest = q->colder;
	kept--;
	kept_bytes -= bytes(q);
}

static void
link_warmest(struct question *q)
{
	q->colder = warmest;
	q->warmer = NULL;
	if (warmest != NULL)
		warmest->warmer = q;
	else
		coldest = q;
	warmest = q;
	kept++;
	kept_bytes += bytes(q);
}

static void
drop(struct question *q)
{
	if (q->known)
		HASH_DEL(questions, q);
	answer_drop(q->a);
	free(q);
}

static void
make_room(void)
{
	struct question *q;

	while (kept >= (size_t)conf.answers ||
	    (kept_bytes > conf.cache_size && kept > 0)) {
		q = coldest;
		unlink_cold(q);
		drop(q);
	}
}

static int64_t
valid_ms(const struct answer *a)
{
	return a->status == DNS_OK || a->status == DNS_NODATA ||
	    a->status == DNS_NXDOMAIN ? a->ttl * 1000 : conf.failure_ttl;
}

static bool
is_valid(const struct question *q)
{
	return q->a != NULL && mono_ms() < q->a->came + valid_ms(q->a);
}

static struct question *
make(const char *name, int type)
{
	struct question *q;
	char key[sizeof(q->key)];
	int n = snprintf(key, sizeof(key), "%d %s", type, name);

	HASH_FIND(hh, questions, key, (size_t)n, q);
	if (q != NULL)
		return q;
	make_room();
	q = xcalloc(1, sizeof(*q));
	memcpy(q->key, key, (size_t)n + 1);
	slice_copy(q->name, sizeof(q->name), slice_of(name));
	q->type = type;
	q->known = true;
	HASH_ADD_KEYPTR(hh, questions, q->key, (size_t)n, q);
	link_warmest(q);
	return q;
}

static void
count(const struct answer *a)
{
	counters.failed += a->status == DNS_SERVFAIL;
	counters.bogus += a->status == DNS_BOGUS;
	counters.timeouts += a->status == DNS_TIMEOUT;
}

static void
on_answer(void *ctx, struct answer *a)
{
	struct question *q = ctx;
	struct waiter *w;

	counters.under_way--;
	count(a);
	answer_drop(q->a);
	q->a = a;
	a->refs++;		/* the waiters may have q forgotten */
	while ((w = q->waiters) != NULL) {
		question_leave(w);
		w->fn(w, a);
	}
	answer_drop(a);
	q->asking = false;
	if (q->known)
		link_warmest(q);
	else
		drop(q);
}

void
question_ask(struct waiter *w, const char *name, int type)
{
	struct question *q = make(name, type);
	struct answer *a;

	counters.queries++;
	if (!q->asking && is_valid(q)) {
		counters.cached++;
		unlink_cold(q);
		link_warmest(q);
		w->fn(w, q->a);
		return;
	}
	if (!q->asking && counters.under_way >= conf.questions) {
		a = answer_fail(DNS_SERVFAIL, "too many questions are under "
		    "way");
		count(a);
		w->fn(w, a);
		answer_drop(a);
		return;
	}
	w->q = q;
	w->next = q->waiters;
	w->prev = &q->waiters;
	if (q->waiters != NULL)
		q->waiters->prev = &w->next;
	q->waiters = w;
	if (q->asking)
		return;
	unlink_cold(q);
	q->asking = true;
	counters.under_way++;
	resolver_ask(q->name, q->type, on_answer, q);
}

void
question_leave(struct waiter *w)
{
	if (w->q == NULL)
		return;
	*w->prev = w->next;
	if (w->next != NULL)
		w->next->prev = w->prev;
	w->q = NULL;
}

/* What is being asked was asked before: its waiters hear the answer, nobody
 * else will. */
void
question_flush(const char *name)
{
	struct question *q, *tmp;

	HASH_ITER(hh, questions, q, tmp) {
		if (!q->asking && name_below(q->name, name)) {
			unlink_cold(q);
			drop(q);
		} else if (q->asking) {
			HASH_DEL(questions, q);
			q->known = false;
		}
	}
}
