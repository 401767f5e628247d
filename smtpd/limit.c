/*
 * limit.c - how much an account may send: recipients an hour and a day, and
 * recipients a day to whom it never wrote before.  Counted when the content
 * is about to come, and given back where the message is refused at its end or
 * never ends; a message is counted whole or not at all.  New recipients are not
 * given back: they are known from then on, and count no more when the message
 * comes again.
 */
#include "base/clock.h"
#include "base/log.h"
#include "serve/limits.h"
#include "smtpd.h"

enum { NEAR_PERCENT = 80 };

/* one limit; count 0: none */
struct quota {
	const char *who, *key, *what, *unit;
	int64_t count;
	const char *time;
};
enum { HOUR, DAY, DOMAIN_HOUR, DOMAIN_DAY, RATES, NEW = RATES, QUOTAS };

static int64_t
either(int64_t own, int64_t usual)
{
	return MIN(own >= 0 ? own : usual, (int64_t)LIMITS_COUNT_MAX);
}

static void
fill(const struct session *s, struct arena *a, struct quota q[QUOTAS])
{
	const struct txn *t = s->txn;
	const char *who = conf.personality == LOCAL ? "local:" : "";
	const char *key = arena_printf(a, "submit %s%.250s", who, s->login.s);

	q[HOUR] = (struct quota){ s->login.s, key, "hour",
	    "recipients an hour", either(t->limit_hour, conf.limit_hour),
	    "1h" };
	q[DAY] = (struct quota){ s->login.s, key, "day", "recipients a day",
	    either(t->limit_day, conf.limit_day), "1d" };
	key = arena_printf(a, "submit-domain %.250s", t->domain);
	q[DOMAIN_HOUR] = (struct quota){ t->domain, key, "domain-hour",
	    "recipients an hour", either(t->domain_hour, 0), "1h" };
	q[DOMAIN_DAY] = (struct quota){ t->domain, key, "domain-day",
	    "recipients a day", either(t->domain_day, 0), "1d" };
	q[NEW] = (struct quota){ s->login.s, arena_printf(a,
	    "submit-new %s%.250s", who, s->login.s), "new",
	    "new recipients a day", either(t->limit_new, conf.limit_new),
	    "1d" };
}

/* those of the account are counted as soon as it has one of them; of the
 * domain, where there is one */
static bool
is_counted(const struct quota q[QUOTAS], int i)
{
	return i <= DAY ? q[HOUR].count > 0 || q[DAY].count > 0 :
	    q[i].count > 0;
}

static bool
is_rated(const struct quota q[QUOTAS])
{
	return is_counted(q, HOUR) || q[DOMAIN_HOUR].count > 0 ||
	    q[DOMAIN_DAY].count > 0;
}

static const char *
rate(struct arena *a, const struct quota *q)
{
	return arena_printf(a, "%lld/%s", (long long)q->count, q->time);
}

/* "in 34 minutes, at 03:12 UTC" */
static void
when(struct str *out, int64_t wait)
{
	int64_t minutes = (wait + 59999) / 60000;
	struct str at = STR_INIT;

	date_3339(&at, wall_us() + minutes * 60000000);
	if (minutes < 120)
		str_addf(out, "in %lld minute%s", (long long)minutes,
		    minutes == 1 ? "" : "s");
	else
		str_addf(out, "in %lld hours", (long long)(minutes + 59) / 60);
	str_addf(out, ", at %.10s %.5s UTC", at.s, at.s + 11);
	str_free(&at);
}

static int
over(const struct session *s, const struct quota *q, int64_t used,
    int64_t wait, struct err *err)
{
	struct str text = STR_INIT;
	size_t n = s->txn->n;

	log_event(LOG_WARN, "limited", KS("login", s->login.s),
	    KS("client", s->peer->addr), KS("limit", q->what),
	    KI("count", q->count), KI("used", used), KU("nrcpt", n),
	    KI("wait_ms", wait), KEND);
	if ((uint64_t)q->count < n)
		str_addf(&text, "this message has %zu", n);
	else
		when(&text, wait);
	err_temp(err, "4.7.1", "%s may send to %lld %s, and %lld were used; "
	    "%s%s", q->who, (long long)q->count, q->unit,
	    (long long)used, (uint64_t)q->count < n ? "" : "try again ",
	    text.s);
	str_free(&text);
	return -1;
}

static int
no_answer(struct err *err)
{
	if (!conf.limits_needed)
		return 1;
	return err_temp(err, "4.3.2", "sending limits can not be checked");
}

/* once a window, as limitd sees it */
static void
tell_near(const struct session *s, const struct quota *q, int64_t used,
    struct arena *a)
{
	struct limit_hit_in in = { .key = { 0 } };
	struct limit_hit_out out;

	if (q->count == 0 || used * 100 < q->count * NEAR_PERCENT)
		return;
	limits_add(&in, a, arena_printf(a, "submit-near %s %.240s", q->what,
	    q->who), arena_printf(a, "1/%s", q->time), 1);
	if (limits_hit(&in, &out) == 1)
		log_event(LOG_WARN, "limit-near", KS("login", s->login.s),
		    KS("client", s->peer->addr), KS("limit", q->what),
		    KI("count", q->count), KI("used", used), KEND);
}

/* all but new ones; peek: nothing is counted.  1, or -1 */
static int
ask_rates(const struct session *s, const struct quota q[QUOTAS], bool peek,
    struct arena *a, struct err *err)
{
	struct limit_hit_in in = { .key = { 0 } };
	struct limit_hit_out out;
	int64_t used[RATES];
	int i, r, at[RATES], n = 0;

	for (i = 0; i < RATES; i++) {
		if (!is_counted(q, i))
			continue;
		limits_add(&in, a, q[i].key, rate(a, &q[i]),
		    (int64_t)s->txn->n);
		at[n++] = i;
	}
	r = peek ? limits_peek(&in, &out) : limits_hit(&in, &out);
	if (r < 0)
		return no_answer(err);
	for (i = 0; i < n; i++)
		used[i] = limits_used(&out, (size_t)i);
	if (r == 0) {
		i = out.at > 0 && out.at < n ? (int)out.at : 0;
		return over(s, &q[at[i]], used[i], out.wait, err);
	}
	s->txn->counted = !peek;
	for (i = 0; !peek && i < n; i++)
		tell_near(s, &q[at[i]], used[i], a);
	return 1;
}

/* Recipients that are new.  A message holds few of them that a request does
 * not, so the rest is asked for in further ones. */
static int
ask_new(const struct session *s, const struct quota *q, struct arena *a,
    struct err *err)
{
	struct limit_seen_in in = { .key = q->key, .limit = rate(a, q),
	    .remember = conf.new_time };
	struct limit_seen_out out = { 0 };
	const struct txn *t = s->txn;
	size_t i, bytes = 0;
	int r = 1;

	if (q->count == 0)
		return 1;
	for (i = 0; i < t->n && r > 0; i++) {
		char *addr = arena_strdup(a, t->rcpts[i].addr), *p;

		for (p = addr; *p != '\0'; p++)
			*p = (char)ascii_lower((unsigned char)*p);
		strlist_add(&in.value, a, addr);
		bytes += strlen(addr) + sizeof("value=");
		if (i + 1 < t->n && bytes < IPC_MAX / 2)
			continue;
		r = limits_seen(&in, &out);
		in.value.n = bytes = 0;
	}
	if (r < 0)
		return no_answer(err);
	if (r == 0)
		return over(s, q, out.used, out.wait, err);
	tell_near(s, q, out.used, a);
	return 1;
}

int
limit_check(struct session *s, struct err *err)
{
	struct arena a = { 0 };
	struct quota q[QUOTAS];
	int r = 1;

	if (s->login.len == 0)
		return 1;
	fill(s, &a, q);
	if (is_rated(q))
		r = ask_rates(s, q, true, &a, err);
	if (r > 0)
		r = ask_new(s, &q[NEW], &a, err);
	if (r > 0 && is_rated(q))
		r = ask_rates(s, q, false, &a, err);
	arena_free(&a);
	s->rejected += r < 0;
	return r;
}

void
limit_unused(struct session *s)
{
	struct limit_hit_in in = { .key = { 0 } };
	struct arena a = { 0 };
	struct quota q[QUOTAS];
	int i;

	if (s->txn == NULL || !s->txn->counted)
		return;
	s->txn->counted = false;
	fill(s, &a, q);
	for (i = 0; i < RATES; i++)
		if (is_counted(q, i))
			limits_add(&in, &a, q[i].key, rate(&a, &q[i]),
			    (int64_t)s->txn->n);
	limits_return(&in);
	arena_free(&a);
}
