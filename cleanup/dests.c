/*
 * dests.c - what of the destinations is twice.
 */
#include "cleanup.h"

static int
by_key(const void *a_, const void *b_)
{
	const struct dest *a = *(const struct dest *const *)a_;
	const struct dest *b = *(const struct dest *const *)b_;
	int c = strcmp(a->addr, b->addr);

	/* commands of one alias have the same address */
	if (c == 0)
		c = strcmp(a->mailbox, b->mailbox);
	if (c == 0)
		c = a->bcc - b->bcc;
	if (c == 0)
		c = strcmp(a->orcpt, b->orcpt);
	if (c == 0)
		c = strcasecmp(a->notify, b->notify);
	if (c == 0)
		c = (a->order > b->order) - (a->order < b->order);
	return c;
}

static bool
same(const struct dest *a, const struct dest *b)
{
	return strcmp(a->addr, b->addr) == 0 &&
	    strcmp(a->mailbox, b->mailbox) == 0 && (b->bcc ||
	    (strcmp(a->orcpt, b->orcpt) == 0 &&
	    strcasecmp(a->notify, b->notify) == 0));
}

void
dests_unique(struct dests *d)
{
	struct dest **sorted;
	size_t i, kept = 0, last = 0;

	if (d->n < 2)
		return;
	sorted = xcalloc(d->n, sizeof(struct dest *));
	for (i = 0; i < d->n; i++)
		sorted[i] = &d->v[i];
	qsort(sorted, d->n, sizeof(struct dest *), by_key);
	for (i = 1; i < d->n; i++) {
		if (same(sorted[last], sorted[i]))
			sorted[i]->order = SIZE_MAX;
		else
			last = i;
	}
	free(sorted);
	for (i = 0; i < d->n; i++)
		if (d->v[i].order != SIZE_MAX)
			d->v[kept++] = d->v[i];
	d->n = kept;
}
