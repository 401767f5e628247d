/*
 * count.c - connections by address and network.  What has a connection is
 * known; of what has none the coldest goes where there is no room, so that
 * whoever comes from many addresses makes others forgotten, but never a
 * connection uncounted.
 */
#include "gate.h"

#include <sys/queue.h>

#include "base/clock.h"
#include "base/hash.h"

#define HASH_FUNCTION(p, n, h) ((h) = (unsigned)hash_secret((p), (n)))
#include <uthash.h>

struct key {
	struct addr a;
	bool network;
};

struct entry {
	UT_hash_handle hh;
	struct key key;
	TAILQ_ENTRY(entry) link;	/* while it has no connection */
	int connections;
	int64_t start, cur, prev;	/* a window of two buckets */
	int64_t refused;
};

static struct entry *entries;
/* the coldest first */
static TAILQ_HEAD(, entry) order = TAILQ_HEAD_INITIALIZER(order);
static size_t cold;

static struct key
make_key(const struct addr *a, bool network)
{
	struct key k;

	memset(&k, 0, sizeof(k));
	k.network = network;
	k.a = network ? addr_network(a, (int)conf.ipv4_prefix,
	    (int)conf.ipv6_prefix) : *a;
	return k;
}

static struct entry *
find(const struct addr *a, bool network)
{
	struct key k = make_key(a, network);
	struct entry *e;

	HASH_FIND(hh, entries, &k, sizeof(k), e);
	return e;
}

static void
chill(struct entry *e)
{
	TAILQ_INSERT_TAIL(&order, e, link);
	cold++;
}

static void
warm(struct entry *e)
{
	TAILQ_REMOVE(&order, e, link);
	cold--;
}

static void
drop(struct entry *e)
{
	warm(e);
	HASH_DEL(entries, e);
	free(e);
}

static struct entry *
make(const struct addr *a, bool network)
{
	struct entry *e = find(a, network);

	if (e != NULL)
		return e;
	if ((int64_t)cold >= conf.addresses)
		drop(TAILQ_FIRST(&order));
	e = xcalloc(1, sizeof(*e));
	e->key = make_key(a, network);
	HASH_ADD(hh, entries, key, sizeof(e->key), e);
	chill(e);
	return e;
}

/* connections in the last `length' ms, as limitd counts them */
static int64_t
used(struct entry *e, int64_t length, int64_t now)
{
	int64_t since = now - e->start;

	if (since >= length) {
		e->prev = since < 2 * length ? e->cur : 0;
		e->start = since < 2 * length ? e->start + length : now;
		e->cur = 0;
		since = now - e->start;
	}
	return e->cur + (e->prev * (length - since) + length - 1) / length;
}

static bool
rate_over(struct entry *e, const struct limits_rate *r, int64_t now)
{
	int64_t n = used(e, r->time, now);

	e->cur += e->cur < LIMITS_COUNT_MAX;
	return r->count > 0 && n >= r->count;
}

static bool
crowded(const struct entry *e, int64_t limit)
{
	return limit > 0 && e->connections > limit;
}

static void
connect_one(struct entry *e)
{
	if (e->connections++ == 0)
		warm(e);
}

static void
end_one(struct entry *e)
{
	if (e != NULL && e->connections > 0 && --e->connections == 0)
		chill(e);
}

enum over
count_add(const struct addr *a, int64_t *times_r)
{
	struct entry *own = make(a, false), *net;
	int64_t now = mono_ms();
	enum over o = WITHIN;

	/* what has a connection is not pushed out by what follows */
	connect_one(own);
	net = make(a, true);
	connect_one(net);
	if (crowded(net, conf.network_connections) ||
	    crowded(own, conf.address_connections))
		send_reap();
	if (rate_over(own, &made.address_rate, now))
		o = ADDRESS_RATE;
	if (rate_over(net, &made.network_rate, now) && o == WITHIN)
		o = NETWORK_RATE;
	if (crowded(net, conf.network_connections))
		o = NETWORK_CONNECTIONS;
	if (crowded(own, conf.address_connections))
		o = ADDRESS_CONNECTIONS;
	if (o == WITHIN)
		return o;
	*times_r = ++own->refused;
	end_one(own);
	end_one(net);
	return o;
}

void
count_end(const struct addr *a)
{
	end_one(find(a, false));
	end_one(find(a, true));
}

const char *
count_limit(enum over o)
{
	static const char *const names[] = { "", "address_connections",
		"network_connections", "address_rate", "network_rate" };

	return names[o];
}

void
count_look(const struct addr *a, struct gate_look_out *out)
{
	struct entry *own = find(a, false), *net = find(a, true);
	int64_t now = mono_ms();

	if (own != NULL) {
		out->connections = own->connections;
		out->rate = used(own, made.address_rate.time, now);
		out->refused = own->refused;
	}
	if (net != NULL) {
		out->network_connections = net->connections;
		out->network_rate = used(net, made.network_rate.time, now);
	}
}

/* what has a connection stays, but its rate begins anew */
static void
forget(struct entry *e)
{
	if (e == NULL)
		return;
	e->start = e->cur = e->prev = e->refused = 0;
	if (e->connections == 0)
		drop(e);
}

void
count_forget(const struct addr *a)
{
	struct entry *e, *next;

	if (a != NULL) {
		forget(find(a, false));
		forget(find(a, true));
		return;
	}
	HASH_ITER(hh, entries, e, next)
		forget(e);
}

size_t
count_entries(void)
{
	return HASH_COUNT(entries);
}
