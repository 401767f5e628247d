/*
 * active.c - messages and recipients in memory.  A message stays while one
 * of its recipients is here or it has to be written.
 */
#include "qmgr.h"

enum { BUCKETS = 1 << 15 };

static struct msg *msgs[BUCKETS];
static struct rcpt *all[BUCKETS];

static size_t
bucket(int64_t id, int64_t n)
{
	uint64_t h = ((uint64_t)id ^ (uint64_t)n * 0x9e3779b97f4a7c15) *
	    0xff51afd7ed558ccd;

	return (size_t)(h >> 49);
}

struct msg *
msg_find(int64_t id)
{
	struct msg *m = msgs[bucket(id, 0)];

	while (m != NULL && m->m.id != id)
		m = m->hash_next;
	return m;
}

struct msg *
msg_new(const struct queue_message *from, enum msg_row row)
{
	struct msg *m = xcalloc(1, sizeof(*m)), **b;

	m->m = *from;
	m->m.rcpt = NULL;
	m->m.n = 0;
	m->row = row;
	m->fd = -1;
	qid_print(m->m.id, m->q);
	sender_flow(m->m.sender, &m->domain_key, &m->sender_key);
	LIST_INIT(&m->rcpts);
	b = &msgs[bucket(m->m.id, 0)];
	m->hash_next = *b;
	*b = m;
	qmgr.messages++;
	return m;
}

void
msg_dirty(struct msg *m)
{
	if (m->listed)
		return;
	TAILQ_INSERT_TAIL(&qmgr.dirty, m, link);
	m->listed = true;
}

void
msg_set_row(struct msg *m, enum msg_row row)
{
	if (m->taken)
		TAILQ_REMOVE(&qmgr.taken, m, of_journal);
	if (m->row == ROW_JOURNAL)
		TAILQ_REMOVE(&qmgr.journaled, m, of_journal);
	m->taken = false;
	m->row = row;
	if (row == ROW_JOURNAL)
		TAILQ_INSERT_TAIL(&qmgr.journaled, m, of_journal);
}

void
msg_release(struct msg *m)
{
	struct msg **p;

	if (m->n > 0 || m->listed)
		return;
	msg_set_row(m, ROW_NONE);
	afloat_drop(m);
	close_fd(intake_content(m));
	for (p = &msgs[bucket(m->m.id, 0)]; *p != m; p = &(*p)->hash_next)
		;
	*p = m->hash_next;
	qmgr.messages--;
	arena_free(&m->arena);
	free(m->blob);
	free(m->why);
	free(m);
}

void
msg_each(bool (*fn)(struct msg *m, void *ctx), void *ctx)
{
	struct msg *m;
	size_t i;

	for (i = 0; i < BUCKETS; i++)
		for (m = msgs[i]; m != NULL; m = m->hash_next)
			if (!fn(m, ctx))
				return;
}

const char *
msg_string(struct msg *m, const char *z, size_t max)
{
	return *z ? arena_slice(&m->arena, slice_sub(slice_of(z), 0, max)) :
	    "";
}

struct rcpt *
rcpt_find(int64_t id, int64_t n)
{
	struct rcpt *r = all[bucket(id, n)];

	while (r != NULL && (r->q.n != n || r->msg->m.id != id))
		r = r->hash_next;
	return r;
}

/* what it adds to a request, names of fields included */
static size_t
cost(const struct queue_rcpt *q)
{
	return 100 + strlen(q->addr) + strlen(q->orig) + strlen(q->mailbox) +
	    strlen(q->orcpt) + strlen(q->notify);
}

enum sched_class
rcpt_class(const struct rcpt *r)
{
	return r->q.attempts == 0 && r->msg->m.size < qmgr.conf.large_message ?
	    FRESH : BACKLOG;
}

/* ---- recipients in memory, by sender ---- */
struct sender {
	struct sender *next;
	int64_t key;
	size_t n;
};
static struct sender *senders[BUCKETS];

static struct sender **
sender_slot(int64_t key)
{
	struct sender **s = &senders[bucket(key, 1)];

	while (*s != NULL && (*s)->key != key)
		s = &(*s)->next;
	return s;
}

size_t
sender_count(const struct msg *m)
{
	const struct sender *s = *sender_slot(m->sender_key);

	return s == NULL ? 0 : s->n;
}

static void
count_sender(int64_t key, int by)
{
	struct sender **slot = sender_slot(key), *s = *slot;

	if (s == NULL) {
		s = *slot = xcalloc(1, sizeof(*s));
		s->key = key;
	}
	s->n += (size_t)by;
	if (s->n == 0) {
		*slot = s->next;
		free(s);
	}
}

struct rcpt *
rcpt_new(struct msg *m, const struct queue_rcpt *q, struct dest *d,
    enum sched_class class)
{
	struct rcpt *r = xcalloc(1, sizeof(*r)), **b;

	r->q = *q;
	r->msg = m;
	r->dest = d;
	r->q.transport = d->transport->name;
	r->q.nexthop = d->nexthop;
	r->class = class;
	r->cost = cost(q);
	LIST_INSERT_HEAD(&m->rcpts, r, of_msg);
	b = &all[bucket(m->m.id, q->n)];
	r->hash_next = *b;
	*b = r;
	m->n++;
	d->rcpts++;
	qmgr.rcpts[class]++;
	count_sender(m->sender_key, 1);
	return r;
}

static void
leave_dest(struct rcpt *r)
{
	if (--r->dest->rcpts == 0)
		dest_wanted(r->dest);
}

void
rcpt_move(struct rcpt *r, struct dest *d)
{
	assert(r->place == AT_NOTHING);
	leave_dest(r);
	r->dest = d;
	r->q.transport = d->transport->name;
	r->q.nexthop = d->nexthop;
	d->rcpts++;
}

void
rcpt_free(struct rcpt *r)
{
	struct rcpt **p = &all[bucket(r->msg->m.id, r->q.n)];

	assert(r->place == AT_NOTHING || r->place == AT_DIRTY);
	while (*p != r)
		p = &(*p)->hash_next;
	*p = r->hash_next;
	LIST_REMOVE(r, of_msg);
	r->msg->n--;
	leave_dest(r);
	qmgr.rcpts[r->class]--;
	count_sender(r->msg->sender_key, -1);
	free(r);
}

void
rcpt_dirty(struct rcpt *r)
{
	assert(r->place == AT_NOTHING);
	r->place = AT_DIRTY;
	r->changed = true;
	msg_dirty(r->msg);
	commit_results();
}
