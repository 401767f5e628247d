/*
 * policy.c - the table `destinations`, and what holds for a destination by it
 * and by curbs.  The table is read in whole before the jail is closed: no
 * lookup ever waits, and a mistake in it stops the start, not the mail.
 */
#include "qmgr.h"

#include "map/map.h"
#include "policy.h"

enum { ROWS_MAX = 1000000, BUCKETS = 1 << 12 };

struct row {
	struct row *next;
	struct limits limits;
	char key[];
};
static struct row *rows[BUCKETS];
static size_t nrows;

static struct row **
bucket(struct slice key)
{
	uint64_t h = 0xcbf29ce484222325;
	size_t i;

	for (i = 0; i < key.n; i++)
		h = (h ^ (uint64_t)ascii_lower((unsigned char)key.p[i])) *
		    0x100000001b3;
	return &rows[(h ^ h >> 29) % BUCKETS];
}

static const struct limits *
find(const char *key)
{
	const struct row *r = *bucket(slice_of(key));

	while (r != NULL && strcasecmp(r->key, key) != 0)
		r = r->next;
	return r == NULL ? NULL : &r->limits;
}

struct reading {
	struct err *err;
};

static int
on_row(void *ctx, struct slice key, struct slice value)
{
	struct reading *rd = ctx;
	struct limits l = { 0 };
	struct row *r, **b;

	if (limits_read(value, &l, rd->err) != 0)
		return err_prefix(rd->err, "%.*s", (int)MIN(key.n, 200),
		    key.p);
	if (nrows++ >= ROWS_MAX)
		return err_perm(rd->err, "5.3.5", "more than %d rows",
		    ROWS_MAX);
	r = xmalloc(sizeof(*r) + key.n + 1);
	r->limits = l;
	slice_copy(r->key, key.n + 1, key);
	b = bucket(key);
	r->next = *b;
	*b = r;
	return 0;
}

int
policy_before_jail(struct err *err)
{
	const char *spec = qmgr.conf.destinations;
	struct reading rd = { err };
	struct map *map;
	int rc;

	if (*spec == '\0')
		return 0;
	map_set_dir(common.conf_dir);
	if (map_open(spec, &map, err) != 0)
		return -1;
	rc = map_can_list(map) ? map_each(map, on_row, &rd, err) :
	    err_perm(err, "5.3.5", "a table that can not be listed");
	map_close(map);
	return rc == 0 ? 0 : err_prefix(err, "%s", spec);
}

/* what the more special one says wins */
static void
merge(struct limits *to, const struct limits *from)
{
	if (from == NULL)
		return;
	if (from->concurrency > 0)
		to->concurrency = from->concurrency;
	if (from->initial > 0)
		to->initial = from->initial;
	if (from->interval_us > 0)
		to->interval_us = from->interval_us;
	if (from->lifetime > 0)
		to->lifetime = from->lifetime;
	if (from->bounce_lifetime > 0)
		to->bounce_lifetime = from->bounce_lifetime;
}

static struct limits
limits_of(const char *transport, const char *nexthop)
{
	struct str key = STR_INIT;
	struct limits l = { 0 };

	str_addf(&key, "%s:", transport);
	merge(&l, find(key.s));
	str_reset(&key);
	nexthop_domain(&key, nexthop);
	merge(&l, find(key.s));
	str_reset(&key);
	str_addf(&key, "%s:%s", transport, nexthop);
	merge(&l, find(key.s));
	str_free(&key);
	return l;
}

/* a curb makes narrower, never wider */
static void
curb(struct limits *l, const struct queue_curb *c)
{
	int64_t us;

	if (c == NULL)
		return;
	if (c->concurrency > 0)
		l->concurrency = MIN(l->concurrency, c->concurrency);
	us = rate_interval_us(c->messages, c->seconds);
	l->interval_us = MAX(l->interval_us, us);
}

static void
set_paused(struct dest *d, const struct queue_curb *c)
{
	bool was = d->paused;

	d->paused = c != NULL;
	if (c != NULL && !was)
		dest_suspend(d, SUSPENDED_FOR_GOOD, "4.3.2", c->reason);
	else if (c == NULL && was)
		dest_resume(d);
}

static const struct queue_curb *
pausing(const struct queue_curb *c)
{
	return c != NULL && c->paused ? c : NULL;
}

const struct queue_curb *
policy_pause(const char *transport, const char *nexthop, const char *site)
{
	const struct queue_curb *c = pausing(curb_find(transport, nexthop));

	if (c == NULL)
		c = pausing(curb_find(transport, ""));
	return c != NULL || *site == '\0' ? c : pausing(curb_find_site(site));
}

void
policy_apply(struct dest *d)
{
	struct transport *t = d->transport;
	struct limits l = limits_of(t->name, d->nexthop);
	const struct queue_curb *whole = curb_find(t->name, ""),
	    *own = curb_find(t->name, d->nexthop);

	if (l.concurrency == 0)
		l.concurrency = t->dest_max;
	if (l.initial == 0)
		l.initial = t->dest_start;
	curb(&l, whole);
	curb(&l, own);
	d->window_max = l.concurrency;
	d->window_start = MIN(l.initial, l.concurrency);
	if (!d->known)
		d->window = d->window_start;
	d->known = true;
	d->window = MIN(d->window, d->window_max);
	d->rate.interval_us = l.interval_us;
	set_paused(d, policy_pause(t->name, d->nexthop, d->site == NULL ? "" :
	    d->site->name));
	sched_look(d);
}

void
policy_apply_site(struct site *s)
{
	struct str key = STR_INIT;
	struct limits l = { 0 };
	const struct queue_curb *c = curb_find_site(s->name);

	str_addf(&key, "site:%s", s->name);
	merge(&l, find(key.s));
	str_free(&key);
	if (l.concurrency == 0)
		l.concurrency = qmgr.conf.site_concurrency > 0 ?
		    qmgr.conf.site_concurrency : INT64_MAX;
	curb(&l, c);
	s->most = l.concurrency == INT64_MAX ? 0 : l.concurrency;
	s->rate.interval_us = l.interval_us;
	s->paused = pausing(c) != NULL;
	site_limited(s, s->most > 0 || s->rate.interval_us > 0);
	sched_look_site(s);
}

int64_t
policy_lifetime(const struct queue_message *m, const struct queue_rcpt *r)
{
	bool null = *m->sender == '\0';
	struct limits l = { 0 };
	char key[32];
	int64_t ms;

	if (nrows > 0) {
		snprintf(key, sizeof(key), "priority:%lld",
		    (long long)m->priority);
		merge(&l, find(key));
	}
	if (nrows > 0 && r != NULL) {
		struct limits own = limits_of(r->transport, r->nexthop);

		merge(&l, &own);
	}
	ms = null ? l.bounce_lifetime : l.lifetime;
	if (ms == 0)
		ms = null ? qmgr.conf.bounce_lifetime : qmgr.conf.lifetime;
	return MS(ms);
}
