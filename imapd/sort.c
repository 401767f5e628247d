/*
 * sort.c - SORT: the keys of all messages first, then one qsort.  What is
 * equal stays in the order of the mailbox.
 */
#include "sort.h"

#include "base/log.h"

struct value {
	int64_t number;
	struct slice text;	/* p NULL: a number */
};
struct item {
	uint32_t index;
	struct value v[IMAP_SORT_MAX];
};

static const struct imap_search *order;	/* for qsort */

static int
compare_value(const struct value *a, const struct value *b)
{
	size_t n = MIN(a->text.n, b->text.n);
	int c;

	if (a->text.p == NULL)
		return (a->number > b->number) - (a->number < b->number);
	c = memcmp(a->text.p, b->text.p, n);
	return c != 0 ? c : (a->text.n > b->text.n) - (a->text.n < b->text.n);
}

static int
compare(const void *x, const void *y)
{
	const struct item *a = *(const struct item *const *)x;
	const struct item *b = *(const struct item *const *)y;
	size_t k;
	int c;

	for (k = 0; k < order->n_sort; k++) {
		c = compare_value(&a->v[k], &b->v[k]);
		if (c != 0)
			return order->sort[k].reverse ? -c : c;
	}
	return (a->index > b->index) - (a->index < b->index);
}

static struct slice
keep(struct arena *a, struct slice s)
{
	return (struct slice){ arena_slice(a, s), s.n };
}

static struct value
value_of(struct session *s, enum imap_sort_key key, size_t i,
    const struct meta_row *row)
{
	const struct mailbox_msg *m = &s->mb->msg[i];
	struct arena *a = &s->imap.arena;
	struct value v = { 0 };

	switch (key) {
	case IMAP_SORT_ARRIVAL:
		v.number = mailbox_date(s->mb, i);
		break;
	case IMAP_SORT_SIZE:
		v.number = (int64_t)m->wsize;
		break;
	case IMAP_SORT_DATE:
		v.number = row->sent != INT64_MIN ? row->sent :
		    mailbox_date(s->mb, i);
		break;
	case IMAP_SORT_CC:
		v.text = keep(a, row->cc);
		break;
	case IMAP_SORT_FROM:
		v.text = keep(a, row->from);
		break;
	case IMAP_SORT_TO:
		v.text = keep(a, row->to);
		break;
	case IMAP_SORT_SUBJECT:
		v.text = keep(a, row->subject);
		break;
	case IMAP_SORT_DISPLAYFROM:
		v.text = keep(a, row->display_from);
		break;
	case IMAP_SORT_DISPLAYTO:
		v.text = keep(a, row->display_to);
		break;
	case IMAP_SORT_RELEVANCY:
		break;
	}
	return v;
}

static bool
needs_row(const struct imap_search *q)
{
	size_t k;

	for (k = 0; k < q->n_sort; k++)
		if (q->sort[k].key != IMAP_SORT_ARRIVAL &&
		    q->sort[k].key != IMAP_SORT_SIZE &&
		    q->sort[k].key != IMAP_SORT_RELEVANCY)
			return true;
	return false;
}

/* 1 filled, 0 the message is gone, -1 */
static int
fill(struct session *s, const struct imap_search *q, bool row_wanted,
    struct item *it, struct err *err)
{
	struct meta_row row = { 0 };
	size_t k;

	if (row_wanted && meta_get(s->meta, s->mb, it->index, &row, err) < 0)
		return err->kind == ERR_PERM ? 0 : -1;
	for (k = 0; k < q->n_sort; k++)
		it->v[k] = value_of(s, q->sort[k].key, it->index, &row);
	return 1;
}

/* the best is first */
static void
set_score(const struct imap_search *q, int score, struct item *it)
{
	size_t k;

	for (k = 0; k < q->n_sort; k++)
		if (q->sort[k].key == IMAP_SORT_RELEVANCY)
			it->v[k].number = -score;
}

int
sort_run(struct session *s, const struct imap_search *q,
    const unsigned char *score, struct index_list *r, struct err *err)
{
	size_t size = offsetof(struct item, v) + q->n_sort *
	    sizeof(struct value), k, n = 0;
	bool row_wanted = needs_row(q);
	struct item **items;
	struct item *it;
	int rc;

	items = arena_alloc(&s->imap.arena, (r->n + 1) * sizeof(struct item *));
	for (k = 0; k < r->n; k++) {
		it = arena_alloc(&s->imap.arena, size);
		it->index = r->v[k];
		rc = fill(s, q, row_wanted, it, err);
		if (rc < 0)
			return -1;
		if (rc > 0)
			items[n++] = it;
		if (score != NULL)
			set_score(q, score[r->v[k]], it);
	}
	order = q;
	qsort(items, n, sizeof(struct item *), compare);
	for (k = 0; k < n; k++)
		r->v[k] = items[k]->index;
	r->n = n;
	return 0;
}
