/*
 * schedule.c - a destination is in the ring of a class exactly while it has
 * jobs of that class, is not suspended, and its window has room.
 */
#include "schedule.h"

enum { RESERVE = 5 };	/* the fifth that backlog does not take */

void
sched_transport_init(struct transport *t, const char *name)
{
	*t = (struct transport){ .name = xstrdup(name), .limit = 1,
		.dest_max = 1, .dest_start = 1 };
	TAILQ_INIT(&t->ring[FRESH]);
	TAILQ_INIT(&t->ring[BACKLOG]);
	LIST_INIT(&t->agents);
	t->dsn = xstrdup("");
	t->text = xstrdup("");
}

void
sched_dest_init(struct dest *d, struct transport *t, const char *nexthop)
{
	int c, i;

	*d = (struct dest){ .transport = t, .nexthop = xstrdup(nexthop),
		.window = t->dest_start, .window_max = t->dest_max,
		.row_next = INT64_MAX, .mem_next = INT64_MAX };
	d->dsn = xstrdup("");
	d->text = xstrdup("");
	for (c = 0; c < CLASSES; c++)
		for (i = 0; i < PRIORITIES; i++)
			TAILQ_INIT(&d->jobs[c][i]);
}

void
sched_dest_free(struct dest *d)
{
	assert(sched_idle(d) && !d->in_ring[FRESH] && !d->in_ring[BACKLOG]);
	free(d->nexthop);
	free(d->dsn);
	free(d->text);
	free(d);
}

static int64_t
without_reserve(int64_t limit)
{
	return MAX(1, limit - limit / RESERVE);
}

static bool
has_room(const struct dest *d, enum sched_class c)
{
	if (d->out[FRESH] + d->out[BACKLOG] >= d->window)
		return false;
	return c == FRESH || d->out[BACKLOG] < without_reserve(d->window);
}

/* into the ring or out of it, as the invariant wants */
static void
place(struct dest *d)
{
	struct transport *t = d->transport;
	bool want;
	int c;

	for (c = 0; c < CLASSES; c++) {
		want = d->levels[c] != 0 && d->suspended_until == 0 &&
		    has_room(d, c);
		if (want && !d->in_ring[c])
			TAILQ_INSERT_TAIL(&t->ring[c], d, ring[c]);
		else if (!want && d->in_ring[c])
			TAILQ_REMOVE(&t->ring[c], d, ring[c]);
		d->in_ring[c] = want;
	}
}

static struct job *
new_job(struct rcpt *r, enum sched_class class, int slot)
{
	struct job *j = xcalloc(1, sizeof(*j));

	j->msg = r->msg;
	j->class = class;
	j->slot = slot;
	STAILQ_INIT(&j->rcpts);
	return j;
}

static int
slot_of(const struct msg *m)
{
	int64_t p = MAX(-9, MIN(9, m->m.priority));

	return (int)p + 9;
}

static void
into_job(struct rcpt *r, enum sched_class class, bool head)
{
	struct dest *d = r->dest;
	int slot = slot_of(r->msg);
	struct job_list *l = &d->jobs[class][slot];
	struct job *j = head ? TAILQ_FIRST(l) : TAILQ_LAST(l, job_list);

	if (j == NULL || j->msg != r->msg) {
		j = new_job(r, class, slot);
		if (head)
			TAILQ_INSERT_HEAD(l, j, link);
		else
			TAILQ_INSERT_TAIL(l, j, link);
		d->levels[class] |= 1u << slot;
	}
	STAILQ_INSERT_TAIL(&j->rcpts, r, next);
	j->n++;
	d->queued[class]++;
	r->place = AT_JOB;
	place(d);
}

void
sched_add(struct rcpt *r, enum sched_class class)
{
	into_job(r, class, false);
}

/* it was first already: it need not wait for its turn again */
void
sched_again(struct rcpt *r)
{
	into_job(r, FRESH, true);
}

static void
drop_job(struct dest *d, struct job *j)
{
	struct job_list *l = &d->jobs[j->class][j->slot];

	TAILQ_REMOVE(l, j, link);
	if (TAILQ_EMPTY(l))
		d->levels[j->class] &= ~(1u << j->slot);
	free(j);
}

static struct job *
first_job(struct dest *d, enum sched_class c)
{
	int slot;

	if (d->levels[c] == 0)
		return NULL;
	slot = 31 - __builtin_clz(d->levels[c]);
	return TAILQ_FIRST(&d->jobs[c][slot]);
}

/* which ring is next?  CLASSES: none */
static enum sched_class
choose(struct transport *t)
{
	bool fresh = !TAILQ_EMPTY(&t->ring[FRESH]);
	bool backlog = !TAILQ_EMPTY(&t->ring[BACKLOG]) &&
	    t->out[BACKLOG] < without_reserve(t->limit);

	if (t->suspended_until != 0 ||
	    t->out[FRESH] + t->out[BACKLOG] >= t->limit)
		return CLASSES;
	if (!fresh || !backlog)
		return fresh ? FRESH : backlog ? BACKLOG : CLASSES;
	t->share += t->backlog_share;
	if (t->share < 100)
		return FRESH;
	t->share -= 100;
	return BACKLOG;
}

bool
sched_pick(struct transport *t, size_t max, size_t bytes, struct pick *p)
{
	enum sched_class c = choose(t);
	size_t used = 0;
	struct dest *d;
	struct job *j;
	struct rcpt *r;

	if (c == CLASSES)
		return false;
	d = TAILQ_FIRST(&t->ring[c]);
	j = first_job(d, c);
	*p = (struct pick){ .dest = d, .msg = j->msg, .class = c };
	STAILQ_INIT(&p->rcpts);
	while (p->n < max && (r = STAILQ_FIRST(&j->rcpts)) != NULL &&
	    (p->n == 0 || used + r->cost <= bytes)) {
		used += r->cost;
		STAILQ_REMOVE_HEAD(&j->rcpts, next);
		STAILQ_INSERT_TAIL(&p->rcpts, r, next);
		r->place = AT_REQUEST;
		r->msg->out++;
		p->n++;
	}
	j->n -= p->n;
	d->queued[c] -= p->n;
	if (j->n == 0)
		drop_job(d, j);
	d->out[c]++;
	t->out[c]++;
	/* its next turn comes after the others' */
	TAILQ_REMOVE(&t->ring[c], d, ring[c]);
	d->in_ring[c] = false;
	place(d);
	return true;
}

void
sched_done(struct dest *d, enum sched_class class, bool good)
{
	d->out[class]--;
	d->transport->out[class]--;
	if (good && d->window < d->window_max)
		d->window++;
	place(d);
}

void
sched_suspend(struct dest *d)
{
	d->window = 1;
	place(d);
}

void
sched_resume(struct dest *d)
{
	d->suspended_until = 0;
	place(d);
}

static void
out_of_job(struct dest *d, struct job *j, struct rcpt *r)
{
	STAILQ_REMOVE(&j->rcpts, r, rcpt, next);
	r->place = AT_NOTHING;
	d->queued[j->class]--;
	if (--j->n == 0)
		drop_job(d, j);
}

struct rcpt *
sched_take(struct dest *d)
{
	struct job *j = first_job(d, FRESH);
	struct rcpt *r;

	if (j == NULL)
		j = first_job(d, BACKLOG);
	if (j == NULL)
		return NULL;
	r = STAILQ_FIRST(&j->rcpts);
	out_of_job(d, j, r);
	place(d);
	return r;
}

/* from the jobs of one destination, each job once */
static void
remove_from(struct dest *d, struct msg *m, void (*fn)(struct rcpt *r))
{
	struct job *j, *next;
	struct rcpt *r;
	size_t n;
	int c;

	for (c = 0; c < CLASSES; c++)
		for (j = TAILQ_FIRST(&d->jobs[c][slot_of(m)]); j != NULL;
		    j = next) {
			next = TAILQ_NEXT(j, link);
			if (j->msg != m)
				continue;
			for (n = j->n; n > 0; n--) {
				r = STAILQ_FIRST(&j->rcpts);
				out_of_job(d, j, r);
				fn(r);
			}
		}
	place(d);
}

void
sched_remove(struct msg *m, void (*fn)(struct rcpt *r))
{
	struct rcpt *r;

	/* fn may free the recipient, so begin anew after each destination */
	do {
		LIST_FOREACH(r, &m->rcpts, of_msg)
			if (r->place == AT_JOB)
				break;
		if (r != NULL)
			remove_from(r->dest, m, fn);
	} while (r != NULL);
}

bool
sched_idle(const struct dest *d)
{
	return d->queued[FRESH] + d->queued[BACKLOG] == 0 &&
	    d->out[FRESH] + d->out[BACKLOG] == 0;
}

int64_t
sched_backoff(int64_t first, int64_t min, int64_t max, int64_t attempts,
    uint16_t rnd)
{
	int64_t d = attempts <= 1 ? first : min;
	int64_t i;

	for (i = 2; i <= attempts && d < max; i++)
		d *= 2;
	d = MIN(d, max);
	return MAX(1, d + d * 15 / 100 * (rnd - 32768) / 32768);
}
