/*
 * schedule.c - recipients go into jobs, and jobs are picked: from the rings
 * of a transport, in which destinations take turns (gate.c).
 */
#include "schedule.h"

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
	*d = (struct dest){ .transport = t, .nexthop = xstrdup(nexthop),
		.window = t->dest_start, .window_max = t->dest_max,
		.window_start = t->dest_start,
		.row_next = INT64_MAX, .mem_next = INT64_MAX };
	d->dsn = xstrdup("");
	d->text = xstrdup("");
}

void
sched_dest_free(struct dest *d)
{
	assert(sched_idle(d) && !d->in_ring[FRESH] && !d->in_ring[BACKLOG] &&
	    !d->is_sleeping && !d->is_blocked);
	sched_site(d, NULL);
	free(d->nexthop);
	free(d->dsn);
	free(d->text);
	free(d);
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
	struct job *j = flow_job(r, class, slot_of(r->msg), head);

	STAILQ_INSERT_TAIL(&j->rcpts, r, next);
	j->n++;
	j->flow->n++;
	d->queued[class]++;
	r->place = AT_JOB;
	r->waits = class;
	sched_look(d);
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
	into_job(r, r->waits, true);
}

/* which class, of those that there are?  CLASSES: none */
static enum sched_class
share(struct transport *t, bool fresh, bool backlog)
{
	if (!fresh || !backlog)
		return fresh ? FRESH : backlog ? BACKLOG : CLASSES;
	t->share += t->backlog_share;
	if (t->share < 100)
		return FRESH;
	t->share -= 100;
	return BACKLOG;
}

static bool
full(const struct transport *t)
{
	return t->suspended_until != 0 ||
	    t->out[FRESH] + t->out[BACKLOG] >= t->limit;
}

/* which ring is next?  CLASSES: none */
static enum sched_class
choose(struct transport *t)
{
	bool fresh = !TAILQ_EMPTY(&t->ring[FRESH]);
	bool backlog = !TAILQ_EMPTY(&t->ring[BACKLOG]) &&
	    t->out[BACKLOG] < sched_without_reserve(t->limit);

	return full(t) ? CLASSES : share(t, fresh, backlog);
}

/* what goes in one request, of the job at hand */
static void
fill(struct pick *p, struct job *j, size_t max, size_t bytes)
{
	struct rcpt *r;
	size_t used = 0;

	while (p->n < max && (r = STAILQ_FIRST(&j->rcpts)) != NULL &&
	    (p->n == 0 || used + r->cost <= bytes)) {
		used += r->cost;
		STAILQ_REMOVE_HEAD(&j->rcpts, next);
		STAILQ_INSERT_TAIL(&p->rcpts, r, next);
		r->place = AT_REQUEST;
		r->msg->out++;
		p->n++;
	}
}

static void
take(struct dest *d, enum sched_class c, size_t max, size_t bytes,
    struct pick *p)
{
	struct transport *t = d->transport;
	struct job *j = flow_next(d, c);

	*p = (struct pick){ .dest = d, .msg = j->msg, .class = c };
	STAILQ_INIT(&p->rcpts);
	fill(p, j, max, bytes);
	j->n -= p->n;
	j->flow->n -= p->n;
	d->queued[c] -= p->n;
	flow_turn(j);
	if (j->n == 0)
		flow_drop(d, j);
	d->out[c]++;
	t->out[c]++;
	sched_rate_take(d);
}

/* its next turn comes after the others' */
static void
take_place(struct dest *d, enum sched_class c, struct pick *p)
{
	struct transport *t = d->transport;

	p->place = true;
	d->busy++;
	if (d->site != NULL)
		d->site->busy++;
	if (d->in_ring[c])
		TAILQ_REMOVE(&t->ring[c], d, ring[c]);
	d->in_ring[c] = false;
	sched_look(d);
}

bool
sched_pick(struct transport *t, size_t max, size_t bytes, struct pick *p)
{
	enum sched_class c;
	struct dest *d;

	while ((c = choose(t)) != CLASSES) {
		d = TAILQ_FIRST(&t->ring[c]);
		sched_look(d);
		if (!d->in_ring[c])
			continue;
		take(d, c, max, bytes, p);
		take_place(d, c, p);
		return true;
	}
	return false;
}

bool
sched_pick_dest(struct dest *d, bool ahead, size_t max, size_t bytes,
    struct pick *p)
{
	struct transport *t = d->transport;
	bool has[CLASSES];
	enum sched_class c;
	int i;

	if (full(t) || d->suspended_until != 0 || !sched_rate_ready(d))
		return false;
	sched_look(d);
	for (i = 0; i < CLASSES; i++)
		has[i] = ahead ? d->levels[i] != 0 : d->in_ring[i];
	c = share(t, has[FRESH], has[BACKLOG]);
	if (c == CLASSES)
		return false;
	take(d, c, max, bytes, p);
	if (ahead)
		sched_look(d);
	else
		take_place(d, c, p);
	return true;
}

static void
out_of_job(struct dest *d, struct job *j, struct rcpt *r)
{
	STAILQ_REMOVE(&j->rcpts, r, rcpt, next);
	r->place = AT_NOTHING;
	d->queued[j->class]--;
	j->flow->n--;
	if (--j->n == 0)
		flow_drop(d, j);
}

struct rcpt *
sched_take(struct dest *d)
{
	struct job *j = flow_first(d, FRESH);
	struct rcpt *r;

	if (j == NULL)
		j = flow_first(d, BACKLOG);
	if (j == NULL)
		return NULL;
	r = STAILQ_FIRST(&j->rcpts);
	out_of_job(d, j, r);
	sched_look(d);
	return r;
}

/* from the jobs of one destination, each job once */
static void
remove_from(struct dest *d, struct msg *m, void (*fn)(struct rcpt *r))
{
	struct job *j, *next;
	struct flow *f;
	struct rcpt *r;
	size_t n;
	int c;

	for (c = 0; c < CLASSES; c++) {
		f = flow_find(d, c, slot_of(m), m);
		for (j = f == NULL ? NULL : TAILQ_FIRST(&f->jobs); j != NULL;
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
	}
	sched_look(d);
}

size_t
sched_waiting(const struct dest *d, const struct msg *m)
{
	const struct flow *f;
	size_t n = 0;
	int c;

	for (c = 0; c < CLASSES; c++) {
		f = flow_find(d, c, slot_of(m), m);
		n += f == NULL ? 0 : f->n;
	}
	return n;
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
