/*
 * flow.c - the jobs of a destination, of one class and priority, in turns: a
 * tree of domains of senders, senders, and jobs.  Each pick takes the first
 * of each level and sends it to the end of its row, so a domain waits for the
 * other domains, a sender for the others of his domain, and a message for the
 * others of its sender, however many there are of one.
 *
 * A flow exists while there is a job below it.
 */
#include "schedule.h"

enum { BUCKETS = 1 << 13, LOWER_TURN = 10 };

static struct flow *table[BUCKETS];
static struct flow *unused;
static size_t kept;

static struct flow **
bucket(const struct flow *parent, int64_t key)
{
	uint64_t h = ((uint64_t)(uintptr_t)parent ^
	    (uint64_t)key * 0x9e3779b97f4a7c15) * 0xff51afd7ed558ccd;

	return &table[h >> 51];
}

static struct flow *
new_flow(struct flow *parent)
{
	struct flow *f = unused;

	if (f != NULL) {
		unused = f->hash_next;
		kept--;
	} else {
		f = xmalloc(sizeof(*f));
	}
	*f = (struct flow){ .parent = parent };
	TAILQ_INIT(&f->flows);
	TAILQ_INIT(&f->jobs);
	return f;
}

static void
free_flow(struct flow *f)
{
	enum { KEEP = 1000 };

	if (kept >= KEEP) {
		free(f);
		return;
	}
	f->hash_next = unused;
	unused = f;
	kept++;
}

static struct flow *
find(struct flow *parent, int64_t key)
{
	struct flow *f = *bucket(parent, key);

	while (f != NULL && (f->parent != parent || f->key != key))
		f = f->hash_next;
	return f;
}

static struct flow *
get(struct flow *parent, int64_t key)
{
	struct flow *f = find(parent, key), **b;

	if (f != NULL)
		return f;
	f = new_flow(parent);
	f->key = key;
	b = bucket(parent, key);
	f->hash_next = *b;
	*b = f;
	TAILQ_INSERT_TAIL(&parent->flows, f, link);
	return f;
}

static void
turn(struct flow *f, bool first)
{
	struct flow *p = f->parent;

	if (p == NULL)
		return;
	TAILQ_REMOVE(&p->flows, f, link);
	if (first)
		TAILQ_INSERT_HEAD(&p->flows, f, link);
	else
		TAILQ_INSERT_TAIL(&p->flows, f, link);
	turn(p, first);
}

static struct flow **
root_of(struct dest *d, enum sched_class c, int slot)
{
	return &d->slots[c][slot];
}

struct job *
flow_job(struct rcpt *r, enum sched_class c, int slot, bool first)
{
	struct flow **root = root_of(r->dest, c, slot), *f;
	struct msg *m = r->msg;
	struct job *j;

	if (*root == NULL)
		*root = new_flow(NULL);
	f = get(get(*root, m->domain_key), m->sender_key);
	j = first ? TAILQ_FIRST(&f->jobs) : TAILQ_LAST(&f->jobs, job_list);
	if (j == NULL || j->msg != m) {
		j = xcalloc(1, sizeof(*j));
		j->msg = m;
		j->flow = f;
		j->class = c;
		j->slot = slot;
		STAILQ_INIT(&j->rcpts);
		if (first)
			TAILQ_INSERT_HEAD(&f->jobs, j, link);
		else
			TAILQ_INSERT_TAIL(&f->jobs, j, link);
		r->dest->levels[c] |= 1u << slot;
	}
	if (first)
		turn(f, true);
	return j;
}

/* those that lead to nothing go */
static void
prune(struct dest *d, const struct job *j, struct flow *f)
{
	struct flow *p = f->parent, **b;

	if (!TAILQ_EMPTY(&f->jobs) || !TAILQ_EMPTY(&f->flows))
		return;
	if (p == NULL) {
		d->slots[j->class][j->slot] = NULL;
		d->levels[j->class] &= ~(1u << j->slot);
	} else {
		for (b = bucket(p, f->key); *b != f; b = &(*b)->hash_next)
			;
		*b = f->hash_next;
		TAILQ_REMOVE(&p->flows, f, link);
		prune(d, j, p);
	}
	free_flow(f);
}

void
flow_drop(struct dest *d, struct job *j)
{
	TAILQ_REMOVE(&j->flow->jobs, j, link);
	prune(d, j, j->flow);
	free(j);
}

static int
highest(unsigned levels)
{
	return 31 - __builtin_clz(levels);
}

static struct job *
first_of(const struct flow *f)
{
	while (TAILQ_EMPTY(&f->jobs))
		f = TAILQ_FIRST(&f->flows);
	return TAILQ_FIRST(&f->jobs);
}

struct job *
flow_first(const struct dest *d, enum sched_class c)
{
	if (d->levels[c] == 0)
		return NULL;
	return first_of(d->slots[c][highest(d->levels[c])]);
}

/* The highest priority goes first, but every so often one of the others, in
 * turn: nobody waits for ever. */
struct job *
flow_next(struct dest *d, enum sched_class c)
{
	unsigned lower;
	int slot;

	if (d->levels[c] == 0)
		return NULL;
	slot = highest(d->levels[c]);
	lower = d->levels[c] & ~(1u << slot);
	if (lower == 0 || ++d->turns[c] < LOWER_TURN)
		return first_of(d->slots[c][slot]);
	d->turns[c] = 0;
	if ((lower & ((1u << d->lower[c]) - 1)) != 0)
		lower &= (1u << d->lower[c]) - 1;
	d->lower[c] = highest(lower);
	return first_of(d->slots[c][d->lower[c]]);
}

void
flow_turn(struct job *j)
{
	struct flow *f = j->flow;

	TAILQ_REMOVE(&f->jobs, j, link);
	TAILQ_INSERT_TAIL(&f->jobs, j, link);
	turn(f, false);
}

struct flow *
flow_find(const struct dest *d, enum sched_class c, int slot,
    const struct msg *m)
{
	struct flow *f = d->slots[c][slot];

	if (f != NULL)
		f = find(f, m->domain_key);
	return f == NULL ? NULL : find(f, m->sender_key);
}
