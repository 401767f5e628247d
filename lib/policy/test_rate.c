/*
 * test_rate.c - what limitd counts: rates by any key, and greylisting.
 */
#include <arpa/inet.h>

#include "base/clock.h"
#include "base/hash.h"
#include "serve/limits.h"
#include "policy/tests.h"

enum { PARTS_MAX = 6, PART_MAX = 120, PART_HASH = 17 };

/* of a key: a fact, and of addresses the bits that count */
struct part {
	enum fact fact;		/* FACT_NONE: the word `all' */
	unsigned bits4, bits6;
};
enum amount { ONE, RECIPIENTS, KILOBYTES };
struct rate {
	struct part part[PARTS_MAX];
	size_t n;
	const char *name;	/* as written */
	const char *limit;	/* 10/1m */
	int amount;		/* enum amount */
	bool peek;
};

/* append addr with all bits behind the first ones zero, and how many */
static void
add_net(struct str *out, const char *addr, unsigned bits4, unsigned bits6)
{
	unsigned char ip[16];
	char text[INET6_ADDRSTRLEN];
	int family = strchr(addr, ':') != NULL ? AF_INET6 : AF_INET;
	unsigned bits = family == AF_INET ? bits4 : bits6, i;
	unsigned size = family == AF_INET ? 32 : 128;

	if (inet_pton(family, addr, ip) != 1 || bits >= size) {
		str_adds(out, addr);
		return;
	}
	for (i = bits; i < size; i++)
		ip[i / 8] &= (unsigned char)~(0x80 >> i % 8);
	if (inet_ntop(family, ip, text, sizeof(text)) != NULL)
		str_addf(out, "%s/%u", text, bits);
}

/* client/24/56: 24 bits of IPv4, 56 of IPv6 */
static int
parse_bits(struct slice z, struct part *p)
{
	struct slice four;
	uint64_t u = 32;

	p->bits4 = 32;
	p->bits6 = 128;
	if (z.p == NULL)
		return 1;
	slice_cut(&z, '/', &four);
	if (!slice_u64(four, 32, &u))
		return 0;
	p->bits4 = (unsigned)u;
	u = 64;
	if (z.p != NULL && !slice_u64(z, 128, &u))
		return 0;
	p->bits6 = (unsigned)u;
	return 1;
}

static int
parse_part(struct words *w, struct slice z, struct part *p, struct err *err)
{
	char name[40];
	struct slice word;

	slice_cut(&z, '/', &word);
	slice_copy(name, sizeof(name), word);
	p->fact = fact_find(name);
	if (p->fact == FACT_NONE && strcmp(name, "all") != 0)
		return err_perm(err, "5.3.5", "no such key: %s", name);
	if (z.p != NULL && facts[p->fact].kind != KIND_ADDRESS)
		return err_perm(err, "5.3.5", "%s has no networks", name);
	if (!parse_bits(z, p))
		return err_perm(err, "5.3.5", "%s: expected bits as in "
		    "%s/24/64", name, name);
	if (p->fact != FACT_NONE && facts[p->fact].from > w->p->from)
		return err_perm(err, "5.3.5", "%s is not known before %s",
		    name, policy_stage_name(facts[p->fact].from));
	w->p->needs |= facts[p->fact].needs;
	return 0;
}

static int
parse_key(struct words *w, struct rate *r, struct err *err)
{
	struct slice rest, part;

	r->name = words_arg(w);
	if (r->name == NULL)
		return words_expected(w, "a key like client or "
		    "sender+recipient", err);
	rest = slice_of(r->name);
	while (slice_cut(&rest, '+', &part)) {
		if (r->n == PARTS_MAX)
			return err_perm(err, "5.3.5", "a key of more than "
			    "%d parts", PARTS_MAX);
		if (parse_part(w, part, &r->part[r->n++], err) < 0)
			return -1;
	}
	return 0;
}

int
parse_rate(const struct test *t UNUSED, struct words *w, void **self_r,
    struct err *err)
{
	struct rate *r = arena_alloc(&w->p->a, sizeof(*r));
	struct limits_rate limit;

	*self_r = r;
	if (parse_key(w, r, err) < 0)
		return -1;
	r->limit = words_arg(w);
	if (r->limit == NULL)
		return words_expected(w, "COUNT/TIME", err);
	if (limits_parse(r->limit, &limit, err) < 0)
		return -1;
	if (limit.count == 0)
		return err_perm(err, "5.3.5", "a limit of 0 is none");
	if (words_take(w, "peek"))
		r->peek = true;
	if (!words_take(w, "amount"))
		return 0;
	if (words_take(w, "recipients"))
		r->amount = RECIPIENTS;
	else if (words_take(w, "kilobytes"))
		r->amount = KILOBYTES;
	else
		return words_expected(w, "recipients or kilobytes", err);
	return 0;
}

/* What does not fit is told apart by a hash.  All processes must agree on it,
 * so it has no secret: who finds two that are equal shares his own count. */
static void
add_part(struct str *key, struct slice value, size_t max)
{
	static const unsigned char none[HASH_KEY];

	if (value.n <= max) {
		str_addsl(key, value);
		return;
	}
	str_addsl(key, slice_sub(value, 0, max - PART_HASH));
	str_addf(key, "~%016llx", (unsigned long long)hash_sip(none, value.p,
	    value.n));
}

/* "rule-rate client+sender 192.0.2.1 ann@example.org"; 0, or -1 err */
static int
make_key(const struct rate *r, struct eval *e, const char **key_r,
    struct err *err)
{
	struct str key = STR_INIT, value = STR_INIT, whole = STR_INIT;
	const char *z;
	size_t i;
	int rc = 0;

	str_addf(&key, "rule-rate %s", r->name);
	for (i = 0; i < r->n && rc == 0; i++) {
		if (r->part[i].fact == FACT_NONE)
			continue;
		rc = fact_read(e, r->part[i].fact, &z, err);
		if (rc < 0)
			break;
		str_reset(&value);
		if (facts[r->part[i].fact].kind == KIND_ADDRESS)
			add_net(&value, z, r->part[i].bits4,
			    r->part[i].bits6);
		else
			str_adds(&value, z[0] != '\0' ? z : "-");
		str_lower(&value);
		str_addc(&key, ' ');
		add_part(&key, slice_str(&value), PART_MAX);
	}
	add_part(&whole, slice_str(&key), LIMIT_KEY_MAX);
	*key_r = arena_slice(e->a, slice_str(&whole));
	str_free(&whole);
	str_free(&key);
	str_free(&value);
	return rc;
}

static void
set_wait(struct eval *e, int64_t ms)
{
	struct str z = STR_INIT;

	format_duration(&z, (ms + 999) / 1000 * 1000);
	eval_set(e, "wait", z.s);
	str_free(&z);
}

static int64_t
amount_of(const struct rate *r, const struct eval *e)
{
	if (r->amount == RECIPIENTS)
		return MAX(e->f->nrcpt, 1);
	if (r->amount == KILOBYTES)
		return (int64_t)MIN(e->f->size / 1024 + 1,
		    (uint64_t)LIMITS_COUNT_MAX);
	return 1;
}

int
eval_rate(const struct test *t UNUSED, void *self, struct eval *e,
    struct err *err)
{
	const struct rate *k = self;
	struct limit_hit_in in = { .key = { 0 } };
	struct limit_hit_out out;
	const char *key;
	int r;

	if (make_key(k, e, &key, err) < 0)
		return -1;
	limits_add(&in, e->a, key, k->limit, amount_of(k, e));
	r = k->peek || e->f->dry ? limits_peek(&in, &out) :
	    limits_hit(&in, &out);
	if (r < 0)
		return err_temp(err, "4.3.2", "limitd does not answer");
	eval_set(e, "rate", arena_printf(e->a, "%lld",
	    (long long)limits_used(&out, 0)));
	eval_trace(e, "    %s: %s of %s", key, eval_get(e, "rate"), k->limit);
	if (r == 0)
		set_wait(e, out.wait);
	return r == 0;
}

/* --- greylisting -------------------------------------------------------- */

struct greylist {
	int64_t delay, window, remember, after;
	struct part net;
};

static int
parse_grey_option(struct words *w, struct greylist *g, struct err *err)
{
	const char *z;

	if (words_take(w, "delay"))
		return words_time(w, &g->delay, err);
	if (words_take(w, "window"))
		return words_time(w, &g->window, err);
	if (words_take(w, "remember"))
		return words_time(w, &g->remember, err);
	if (words_take(w, "after"))
		return words_int(w, 0, 100000, &g->after, err);
	words_take(w, "net");
	z = words_arg(w);
	if (z == NULL || !parse_bits(slice_of(z), &g->net))
		return words_expected(w, "bits as in 24/64", err);
	return 0;
}

int
parse_greylist(const struct test *t UNUSED, struct words *w, void **self_r,
    struct err *err)
{
	static const char *const options[] = { "delay", "window", "remember",
	    "after", "net" };
	struct greylist *g = arena_alloc(&w->p->a, sizeof(*g));
	size_t i;

	*self_r = g;
	*g = (struct greylist){ 300000, 2 * 86400000, 36LL * 86400000, 5,
		{ FACT_CLIENT, 24, 64 } };
	for (i = 0; i < ARRAY_LEN(options); i++)
		if (words_see(w, options[i])) {
			if (parse_grey_option(w, g, err) < 0)
				return -1;
			i = (size_t)-1;	/* in any order */
		}
	if (g->delay < 1000 || g->window <= g->delay ||
	    g->remember < g->window || g->remember > LIMITS_TIME_MAX)
		return err_perm(err, "5.3.5", "expected 1s <= delay < window "
		    "<= remember <= 100d");
	return 0;
}

int
eval_greylist(const struct test *t UNUSED, void *self, struct eval *e,
    struct err *err)
{
	const struct greylist *g = self;
	struct limit_grey_in in = { .delay = g->delay, .window = g->window,
		.remember = g->remember, .after = g->after,
		.peek = e->f->dry };
	struct limit_grey_out out;
	struct str key = STR_INIT, value = STR_INIT;

	str_adds(&key, "grey ");
	add_net(&key, e->f->client, g->net.bits4, g->net.bits6);
	str_addf(&value, "%s %s", e->f->sender, e->f->rcpt);
	str_lower(&value);
	in.key = arena_slice(e->a, slice_str(&key));
	in.value = arena_slice(e->a, slice_str(&value));
	str_free(&key);
	str_free(&value);
	if (limits_grey(&in, &out) < 0)
		return err_temp(err, "4.3.2", "limitd does not answer");
	eval_trace(e, "    %s: %s", in.key, out.pass ? "passes" :
	    out.fresh ? "seen for the first time" : "too early");
	set_wait(e, out.wait);
	return !out.pass;
}
