/*
 * verbs.c - the requests.  A request is counted whole or not at all.
 */
#include "limitd.h"

#include "base/hash.h"
#include "conf/common.h"
#include "serve/limits.h"

/* Counters of logins are auth's alone: no program that reads the network may
 * lock somebody out. */
static bool
may_use(const struct call *c, const char *key)
{
	uid_t uid = c->peer.uid;

	return strncmp(key, "auth-", 5) != 0 || uid == 0 ||
	    uid == geteuid() || uid == common.uid[ROLE_AUTH];
}

static int
check_key(const struct call *c, const char *key, struct err *err)
{
	size_t i, n = strlen(key);

	if (n == 0 || n > LIMIT_KEY_MAX)
		return err_perm(err, "5.5.4", "a key has 1 to %d bytes",
		    LIMIT_KEY_MAX);
	for (i = 0; i < n; i++)
		if ((unsigned char)key[i] < 0x20 || key[i] == 0x7f)
			return err_perm(err, "5.5.4", "control character in "
			    "a key");
	return may_use(c, key) ? 0 :
	    err_perm(err, "5.7.1", "keys auth-... are for auth");
}

/* one key of a request */
struct part {
	const char *key;
	struct limits_rate rate;
	int64_t amount;
	struct window *w;
};

static int
take_part(const struct call *c, const struct limit_hit_in *in, size_t i,
    struct part *p, struct err *err)
{
	uint64_t amount = 1;

	p->key = in->key.v[i];
	p->w = NULL;
	if (check_key(c, p->key, err) < 0 ||
	    limits_parse(in->limit.v[i], &p->rate, err) < 0)
		return -1;
	if (i < in->amount.n && in->amount.v[i][0] != '\0' &&
	    !slice_u64(slice_of(in->amount.v[i]), LIMITS_COUNT_MAX, &amount))
		return err_perm(err, "5.5.4", "malformed amount %s",
		    in->amount.v[i]);
	p->amount = (int64_t)amount;
	return 0;
}

static int
take_parts(const struct call *c, const struct limit_hit_in *in,
    struct part *p, struct err *err)
{
	size_t i;

	if (in->key.n == 0 || in->key.n > LIMIT_KEYS ||
	    in->limit.n != in->key.n)
		return err_perm(err, "5.5.4", "1 to %d keys, each with a "
		    "limit", LIMIT_KEYS);
	for (i = 0; i < in->key.n; i++)
		if (take_part(c, in, i, &p[i], err) < 0)
			return -1;
	return 0;
}

/* the ms to wait; 0: it fits */
static int64_t
judge(const struct part *p, int64_t now)
{
	struct window none = { .length = p->rate.time, .start = now };

	if (p->rate.count == 0)
		return 0;
	return window_wait(p->w != NULL ? p->w : &none, p->rate.count,
	    p->amount, now);
}

static void
answer(struct limit_hit_out *out, const struct part *p, size_t n,
    struct arena *a, int64_t now)
{
	size_t i;

	for (i = 0; i < n; i++)
		strlist_add(&out->used, a, arena_printf(a, "%lld",
		    (long long)(p[i].w != NULL ? window_used(p[i].w, now) :
		    0)));
}

static void
set_over(struct limit_hit_out *out, size_t at, int64_t wait)
{
	out->over = true;
	out->at = (int64_t)at;
	out->wait = wait;
}

static int
do_hit(struct call *c, const void *vin, void *vout, struct err *err)
{
	const struct limit_hit_in *in = vin;
	struct limit_hit_out *out = vout;
	struct part p[LIMIT_KEYS];
	int64_t now = now_ms(), wait = 0;
	size_t i, n = in->key.n;

	if (take_parts(c, in, p, err) < 0)
		return -1;
	/* counted one by one, as a key may be there twice */
	for (i = 0; i < n && wait == 0; i++) {
		p[i].w = entry_window(table_make(p[i].key), p[i].rate.time,
		    true, now);
		wait = judge(&p[i], now);
		if (wait == 0)
			window_add(p[i].w, p[i].amount, now);
	}
	if (wait > 0) {
		set_over(out, --i, wait);
		while (i-- > 0)
			window_take(p[i].w, p[i].amount);
	}
	answer(out, p, n, c->arena, now);
	return 0;
}

static int
do_return(struct call *c, const void *vin, void *vout UNUSED,
    struct err *err)
{
	const struct limit_hit_in *in = vin;
	struct part p[LIMIT_KEYS];
	int64_t now = now_ms();
	struct entry *e;
	size_t i;

	if (take_parts(c, in, p, err) < 0)
		return -1;
	for (i = 0; i < in->key.n; i++) {
		e = table_find(p[i].key);
		if (e != NULL)
			p[i].w = entry_window(e, p[i].rate.time, false, now);
		if (p[i].w != NULL)
			window_take(p[i].w, p[i].amount);
	}
	return 0;
}

static int
do_peek(struct call *c, const void *vin, void *vout, struct err *err)
{
	const struct limit_hit_in *in = vin;
	struct limit_hit_out *out = vout;
	struct part p[LIMIT_KEYS];
	struct entry *e;
	int64_t now = now_ms(), wait;
	size_t i;

	if (take_parts(c, in, p, err) < 0)
		return -1;
	for (i = 0; i < in->key.n; i++) {
		e = table_find(p[i].key);
		if (e != NULL)
			p[i].w = entry_window(e, p[i].rate.time, false, now);
		wait = judge(&p[i], now);
		if (wait > 0 && !out->over)
			set_over(out, i, wait);
	}
	answer(out, p, in->key.n, c->arena, now);
	return 0;
}

static int
do_forget(struct call *c, const void *vin, void *out UNUSED, struct err *err)
{
	const struct limit_forget_in *in = vin;
	size_t i;

	for (i = 0; i < in->key.n; i++)
		if (check_key(c, in->key.v[i], err) < 0)
			return -1;
	for (i = 0; i < in->key.n; i++)
		table_forget(in->key.v[i]);
	return 0;
}

static const uint64_t *
hashes(const struct strlist *values, struct arena *a)
{
	uint64_t *h = arena_alloc(a, (values->n + 1) * sizeof(*h));
	size_t i;

	for (i = 0; i < values->n; i++)
		h[i] = hash_sip(table_secret, values->v[i],
		    strlen(values->v[i]));
	return h;
}

/* only looks; a key that is not there has seen nothing */
static void
look(const struct limit_seen_in *in, const uint64_t *hash, int64_t now,
    struct limit_seen_out *out)
{
	static const struct values none;
	struct entry *e = table_find(in->key);

	out->fresh = (int64_t)values_new(e != NULL ? entry_values(e) : &none,
	    hash, in->value.n, now - in->remember);
}

static int
do_seen(struct call *c, const void *vin, void *vout, struct err *err)
{
	const struct limit_seen_in *in = vin;
	struct limit_seen_out *out = vout;
	struct part p = { .rate = { 0, 0 } };
	int64_t now = now_ms();
	const uint64_t *hash;
	struct entry *e;

	if (check_key(c, in->key, err) < 0 || (in->limit[0] != '\0' &&
	    limits_parse(in->limit, &p.rate, err) < 0))
		return -1;
	hash = hashes(&in->value, c->arena);
	if (in->peek) {
		look(in, hash, now, out);
		return 0;
	}
	e = table_make(in->key);
	out->fresh = (int64_t)values_new(entry_values(e), hash, in->value.n,
	    now - in->remember);
	if (p.rate.time > 0) {
		p.w = entry_window(e, p.rate.time, true, now);
		p.amount = out->fresh;
		out->wait = p.amount > 0 ? judge(&p, now) : 0;
		out->over = out->wait > 0;
		if (!out->over)
			window_add(p.w, p.amount, now);
		out->used = window_used(p.w, now);
	}
	if (!out->over)
		values_add(entry_values(e), hash, in->value.n, now,
		    (size_t)conf.key_values);
	table_settle(e);
	return 0;
}

static int
do_grey(struct call *c, const void *vin, void *out, struct err *err)
{
	const struct limit_grey_in *in = vin;

	if (check_key(c, in->key, err) < 0)
		return -1;
	grey_judge(in, now_ms(), out);
	return 0;
}

struct listing {
	struct call *c;
	const struct limit_list_in *in;
	int64_t now, left;
	struct err *err;
};

static int
list_one(struct listing *l, const char *key, int64_t used, int64_t window)
{
	struct limit_list_more more = { key, used, window };

	if (used == 0)
		return 0;
	if (call_more(l->c, &more, l->err) < 0)
		return -1;
	return --l->left == 0;
}

static int
list_entry(void *ctx, struct entry *e)
{
	struct listing *l = ctx;
	const char *key = entry_key(e);
	struct window *w;
	size_t i, n;
	int r = 0;

	if (strncmp(key, l->in->prefix, strlen(l->in->prefix)) != 0)
		return 0;
	n = entry_windows(e, &w);
	for (i = 0; i < n && r == 0; i++)
		r = list_one(l, key, window_used(&w[i], l->now), w[i].length);
	return r != 0 ? r : list_one(l, key, (int64_t)entry_values(e)->n, 0);
}

static int
do_list(struct call *c, const void *vin, void *out UNUSED, struct err *err)
{
	const struct limit_list_in *in = vin;
	struct listing l = { c, in, now_ms(), in->max, err };

	return table_each(list_entry, &l) < 0 ? -1 : 0;
}

const struct verb limitd_serves[] = {
	{ &limit_hit, do_hit, PEER_SUITE },
	{ &limit_peek, do_peek, PEER_SUITE },
	{ &limit_return, do_return, PEER_SUITE },
	{ &limit_forget, do_forget, PEER_ADMIN },
	{ &limit_seen, do_seen, PEER_SUITE },
	{ &limit_grey, do_grey, PEER_SUITE },
	{ &limit_list, do_list, PEER_ADMIN },
	{ NULL, NULL, 0 }
};
