/*
 * txn.c - the transaction.  Recipients are kept once: a few are compared one
 * by one, many through a balanced tree, so no choice of addresses makes it
 * slow.
 */
#include "smtpd.h"

#include <search.h>

#include "content.h"

enum { TREE_FROM = 16 };

struct txn *
txn_new(void)
{
	struct txn *t = xcalloc(1, sizeof(*t));

	t->sender = t->ret = t->envid = t->verp = "";
	t->limit_hour = t->limit_day = t->limit_new = -1;
	t->domain = "";
	return t;
}

static void
keep(void *node UNUSED)
{
}

void
txn_free(struct txn *t)
{
	if (t == NULL)
		return;
	tdestroy(t->index, keep);
	content_free(t->content);
	edits_clear(&t->edits);
	free(t->rcpts);
	arena_free(&t->arena);
	free(t);
}

/* the domain is compared folded, everything else exactly */
static int
compare_addr(const char *a, const char *b)
{
	const char *da = strrchr(a, '@'), *db = strrchr(b, '@');
	size_t na = da != NULL ? (size_t)(da - a) : strlen(a);
	size_t nb = db != NULL ? (size_t)(db - b) : strlen(b);
	int r = memcmp(a, b, MIN(na, nb));

	if (r != 0 || na != nb)
		return r != 0 ? r : na < nb ? -1 : 1;
	return strcasecmp(a + na, b + nb);
}

static int
compare(const void *va, const void *vb)
{
	const struct rcpt *a = va, *b = vb;
	int r = compare_addr(a->addr, b->addr);

	if (r == 0)
		r = strcmp(a->notify, b->notify);
	return r != 0 ? r : strcmp(a->orcpt, b->orcpt);
}

/* The tree holds copies in the arena: rcpts moves as it grows. */
static bool
tree_add(struct txn *t, const struct rcpt *r)
{
	struct rcpt *copy, **at;

	copy = arena_alloc(&t->arena, sizeof(*copy));
	*copy = *r;
	at = tsearch(copy, &t->index, compare);
	if (at == NULL)
		die("out of memory");
	return *at == copy;
}

bool
txn_has(const struct txn *t, const struct rcpt *r)
{
	size_t i;

	if (t->n >= TREE_FROM)
		return tfind(r, &t->index, compare) != NULL;
	for (i = 0; i < t->n; i++)
		if (compare(&t->rcpts[i], r) == 0)
			return true;
	return false;
}

void
txn_add(struct txn *t, const struct rcpt *r)
{
	size_t i;

	if (t->n >= TREE_FROM ? !tree_add(t, r) : txn_has(t, r))
		return;
	if (t->n == t->cap) {
		t->cap = t->cap > 0 ? 2 * t->cap : 4;
		t->rcpts = xrealloc(t->rcpts, t->cap * sizeof(*t->rcpts));
	}
	t->rcpts[t->n++] = *r;
	if (t->n == TREE_FROM)
		for (i = 0; i < t->n; i++)
			tree_add(t, &t->rcpts[i]);
}
