/*
 * dests.c - destinations in memory, their health, and their rows.
 *
 * A row's `next` is never later than the time at which one of its
 * recipients is due (or the suspension ends, if that is later).  While a
 * destination is in memory mem_next says when to look for those that are not;
 * the row is made exact when the destination leaves.
 */
#include "qmgr.h"

enum { BUCKETS = 1 << 13, CHUNK = 500 };

struct dest_list dests = TAILQ_HEAD_INITIALIZER(dests);
static struct dest *table[BUCKETS];
static uint64_t seed;
static struct dest_list idlers = TAILQ_HEAD_INITIALIZER(idlers);
static struct dest_list changers = TAILQ_HEAD_INITIALIZER(changers);
static size_t nidle;
static bool leave_now;

static struct dest **
slot(const char *transport, const char *nexthop)
{
	uint64_t h;

	if (seed == 0)
		random_bytes(&seed, sizeof(seed));
	h = seed;
	for (; *transport; transport++)
		h = (h ^ (unsigned char)*transport) * 0x100000001b3;
	h = (h ^ ':') * 0x100000001b3;
	for (; *nexthop; nexthop++)
		h = (h ^ (unsigned char)*nexthop) * 0x100000001b3;
	return &table[(h ^ h >> 29) % BUCKETS];
}

struct dest *
dest_find(const char *transport, const char *nexthop)
{
	struct dest *d = *slot(transport, nexthop);

	while (d != NULL && (strcmp(d->nexthop, nexthop) != 0 ||
	    strcmp(d->transport->name, transport) != 0))
		d = d->hash_next;
	return d;
}

static void
set_text(char **to, const char *z)
{
	char *copy = slice_dup(slice_sub(slice_of(z), 0, 400));

	free(*to);
	*to = copy;
}

static void
from_row(struct dest *d, const struct queue_dest *row)
{
	d->row = row->id;
	d->row_next = d->mem_next = row->next;
	d->failures = row->failures;
	/* what was paused is, if it still is */
	if (!d->paused && row->suspended_until > wall_s() &&
	    row->suspended_until < SUSPENDED_FOR_GOOD)
		d->suspended_until = row->suspended_until;
	if (row->failures > 0)
		d->window = 1;
	if (d->paused)
		return;
	set_text(&d->dsn, row->dsn);
	set_text(&d->text, row->text);
}

struct dest *
dest_get(const char *transport, const char *nexthop, struct err *err)
{
	struct dest *d = dest_find(transport, nexthop), **s;
	struct transport *t;
	struct queue_dest row;
	int rc;

	if (d != NULL)
		return d;
	t = transport_get(transport);
	if (t == NULL) {
		err_temp(err, "4.3.5", "no transport %.40s", transport);
		return NULL;
	}
	rc = qdb_dest_get(qmgr.db, transport, nexthop, &row, err);
	if (rc < 0)
		return NULL;
	d = xmalloc(sizeof(*d));
	sched_dest_init(d, t, nexthop);
	if (rc == 1)
		site_set(d, row.site);
	s = slot(transport, nexthop);
	d->hash_next = *s;
	*s = d;
	TAILQ_INSERT_TAIL(&dests, d, all);
	policy_apply(d);
	if (rc == 1)
		from_row(d, &row);
	dest_wanted(d);
	return d;
}

void
dest_wanted(struct dest *d)
{
	if (d->idle)
		return;
	TAILQ_INSERT_TAIL(&idlers, d, idlers);
	d->idle = true;
	nidle++;
}

static void
not_idle(struct dest *d)
{
	TAILQ_REMOVE(&idlers, d, idlers);
	d->idle = false;
	nidle--;
}

static void
dest_changed(struct dest *d)
{
	if (d->changed)
		return;
	TAILQ_INSERT_TAIL(&changers, d, changers);
	d->changed = true;
}

void
dest_suspend(struct dest *d, int64_t until, const char *dsn,
    const char *text)
{
	d->suspended_until = until;
	set_text(&d->dsn, dsn);
	set_text(&d->text, text);
	sched_suspend(d);
	dest_changed(d);
}

void
dest_resume(struct dest *d)
{
	set_text(&d->dsn, "");
	set_text(&d->text, "");
	d->mem_next = 0;
	d->row_next = MIN(d->row_next, wall_s());
	sched_resume(d);
	dest_changed(d);
}

void
dest_site(struct dest *d, const char *site)
{
	if (!site_set(d, site))
		return;
	policy_apply(d);
	dest_changed(d);
}

void
dest_trouble(struct dest *d, const char *dsn, const char *text)
{
	int64_t seconds, first = MS(qmgr.conf.destination_suspend);
	uint16_t rnd;

	if (d->suspended_until != 0)
		return;
	random_bytes(&rnd, sizeof(rnd));
	d->failures++;
	seconds = sched_backoff(first, first, MS(qmgr.conf.suspend_max),
	    d->failures, rnd);
	dest_suspend(d, wall_s() + seconds, dsn, text);
	log_event(LOG_WARN, "suspended", KS("transport", d->transport->name),
	    KS("dest", d->nexthop), KI("seconds", seconds),
	    KI("failures", d->failures), KS("dsn", dsn), KS("reason", text),
	    KEND);
}

void
dest_good(struct dest *d)
{
	if (d->failures == 0)
		return;
	d->failures = 0;
	dest_changed(d);
}

static struct queue_dest
row_of(const struct dest *d)
{
	return (struct queue_dest){ .id = d->row,
		.transport = d->transport->name, .nexthop = d->nexthop,
		.dsn = d->dsn, .text = d->text, .next = d->row_next,
		.suspended_until = d->suspended_until,
		.window = d->window, .failures = d->failures,
		.site = d->site != NULL ? d->site->name : "" };
}

int
dest_need_row(struct dest *d, struct err *err)
{
	struct queue_dest row;

	if (d->row != 0)
		return 0;
	row = row_of(d);
	if (qdb_dest_add(qmgr.db, &row, err) != 0)
		return -1;
	d->row = row.id;
	d->row_new = true;
	dest_changed(d);
	return 0;
}

int
dest_filed(struct dest *d, int64_t due, bool in_memory, struct err *err)
{
	int64_t next = MAX(due, d->suspended_until);

	if (dest_need_row(d, err) != 0)
		return -1;
	if (!in_memory)
		d->mem_next = MIN(d->mem_next, due);
	if (next >= d->row_next)
		return 0;
	d->row_next = next;
	return qdb_dest_soon(qmgr.db, d->row, next, err);
}

/* the row of one that leaves */
static int
leave(struct dest *d, struct err *err)
{
	int64_t due = 0;
	int rc;

	d->leaving = true;
	if (d->row == 0)
		return 0;
	rc = qdb_rcpt_next(qmgr.db, d->row, -1, &due, err);
	if (rc == 0 && d->suspended_until == 0)
		rc = qdb_dest_del(qmgr.db, d->row, err);
	else if (rc == 0)
		due = d->suspended_until;
	if (rc < 0)
		return -1;
	if (rc == 1 && due == 0)
		return 0;	/* no row any more */
	d->row_next = due == 0 ? INT64_MAX : MAX(due, d->suspended_until);
	return dest_write(d, err);
}

int
dest_write(struct dest *d, struct err *err)
{
	struct queue_dest row = row_of(d);

	return d->row == 0 ? 0 : qdb_dest_set(qmgr.db, &row, err);
}

int
dests_leave(int max, struct err *err)
{
	struct dest *d;

	TAILQ_FOREACH(d, &changers, changers)
		if (dest_write(d, err) != 0)
			return -1;
	if (!leave_now)
		return 0;
	TAILQ_FOREACH(d, &idlers, idlers)
		if (max-- <= 0 || (d->rcpts == 0 && sched_idle(d) &&
		    leave(d, err) != 0))
			break;
	return max < 0 || d == NULL ? 0 : -1;
}

static void
dest_free(struct dest *d)
{
	struct dest **p = slot(d->transport->name, d->nexthop);
	struct site *s = d->site;

	while (*p != d)
		p = &(*p)->hash_next;
	*p = d->hash_next;
	TAILQ_REMOVE(&dests, d, all);
	if (d->changed)
		TAILQ_REMOVE(&changers, d, changers);
	not_idle(d);
	sched_dest_free(d);
	site_release(s);
}

/* after a rollback nothing is known about `next` of the rows */
static void
rolled_back(void)
{
	struct dest *d;

	TAILQ_FOREACH(d, &dests, all) {
		if (d->row_new)
			d->row = 0;
		d->row_next = INT64_MAX;
		d->row_new = d->leaving = false;
	}
}

void
dests_committed(bool good)
{
	struct dest *d, *next;

	if (!good) {
		rolled_back();
		return;
	}
	while ((d = TAILQ_FIRST(&changers)) != NULL) {
		TAILQ_REMOVE(&changers, d, changers);
		d->changed = d->row_new = false;
	}
	if (!leave_now)
		return;
	leave_now = false;
	for (d = TAILQ_FIRST(&idlers); d != NULL; d = next) {
		next = TAILQ_NEXT(d, idlers);
		if (d->leaving)
			dest_free(d);
		else if (d->rcpts > 0)
			not_idle(d);
	}
}

bool
dests_to_write(void)
{
	return !TAILQ_EMPTY(&changers) || (leave_now && nidle > CHUNK);
}

/* those without a row go at once, the others with the next transaction */
static void
leave_tick(void)
{
	struct dest *d, *next;

	leave_now = nidle > 0;
	for (d = TAILQ_FIRST(&idlers); d != NULL; d = next) {
		next = TAILQ_NEXT(d, idlers);
		if (d->row == 0 && d->rcpts == 0 && sched_idle(d))
			dest_free(d);
	}
}

void
dests_refresh(void)
{
	struct queue_dest row;
	struct transport *t;
	struct dest *d;
	struct err err;

	for (t = transports; t != NULL; t = t->next)
		t->suspended_until = 0;
	TAILQ_FOREACH(d, &dests, all) {
		if (d->row == 0 || qdb_dest_get(qmgr.db, d->transport->name,
		    d->nexthop, &row, &err) != 1)
			continue;
		d->row_next = row.next;
		d->mem_next = MIN(d->mem_next, row.next);
		if (d->suspended_until != 0 && row.suspended_until == 0 &&
		    !d->paused)
			sched_resume(d);
	}
}

/* Senders may read what a recipient's row says.  Why a destination is paused is
 * between an administrator and his colleagues. */
void
dest_put_back(const struct dest *d, struct rcpt *r)
{
	if (!d->paused)
		result_put_back(r, d->dsn, d->text);
	else if (*r->q.text == '\0')
		result_put_back(r, "4.3.2", "delivery there is put off");
	else
		result_put_back(r, "", "");
}

/* what waits in a suspended destination goes back, so many a round */
static void
push_back(struct dest *d, int *budget)
{
	struct rcpt *r;

	while (*budget > 0 && (r = sched_take(d)) != NULL) {
		dest_put_back(d, r);
		(*budget)--;
	}
}

void
dests_tick(int64_t now)
{
	int budget = CHUNK;
	struct transport *t;
	struct dest *d;
	struct site *s;

	for (s = sched_sites; s != NULL; s = s->next)
		sched_look_site(s);
	for (t = transports; t != NULL; t = t->next)
		if (t->suspended_until != 0 && t->suspended_until <= now)
			t->suspended_until = 0;
	TAILQ_FOREACH(d, &dests, all) {
		if (d->suspended_until == 0 &&
		    d->transport->suspended_until > now &&
		    d->queued[FRESH] + d->queued[BACKLOG] > 0)
			dest_suspend(d, d->transport->suspended_until,
			    d->transport->dsn, d->transport->text);
		if (d->suspended_until != 0 && d->suspended_until <= now)
			sched_resume(d);
		else if (d->suspended_until != 0)
			push_back(d, &budget);
	}
	leave_tick();
}
