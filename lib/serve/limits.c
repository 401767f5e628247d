/*
 * limits.c - the caller's side of limitd.
 */
#include "serve/limits.h"

#include "base/clock.h"
#include "base/log.h"
#include "conf/common.h"

enum { DEADLINE_MS = 1000, PAUSE_MS = 5000, SAY_MS = 60000 };

static struct ipc limitd = { .fd = -1 };
static int64_t quiet_until, said;	/* mono_ms; 0: never */

int
limits_parse(const char *z, struct limits_rate *r, struct err *err)
{
	struct slice rest = slice_of(z), count;
	uint64_t n;

	if (!slice_cut(&rest, '/', &count) ||
	    !slice_u64(count, LIMITS_COUNT_MAX, &n) || rest.p == NULL ||
	    !parse_duration(rest, &r->time) || r->time < 1000 ||
	    r->time > LIMITS_TIME_MAX)
		return err_perm(err, "5.5.4", "%s: expected COUNT/TIME as in "
		    "500/1h", z);
	r->count = (int64_t)n;
	return 0;
}

void
limits_init(void)
{
	ipc_init(&limitd, socket_path("limitd"), DEADLINE_MS);
}

void
limits_add(struct limit_hit_in *in, struct arena *a, const char *key,
    const char *limit, int64_t amount)
{
	strlist_add(&in->key, a, key);
	strlist_add(&in->limit, a, limit);
	strlist_add(&in->amount, a, arena_printf(a, "%lld",
	    (long long)amount));
}

static void
say_missing(const struct err *err)
{
	int64_t now = mono_ms();

	quiet_until = now + PAUSE_MS;
	if (said != 0 && now - said < SAY_MS)
		return;
	said = now;
	log_event(LOG_WARN, "no-limits", KERR(err), KEND);
}

/* 1 an answer, -1 none */
static int
ask(const struct verb_def *v, const void *in, void *out)
{
	struct err err = ERR_INIT;

	if (mono_ms() < quiet_until)
		return -1;
	if (ipc_call(&limitd, v, in, -1, out, NULL, NULL, &err) == 0)
		return 1;
	say_missing(&err);
	return -1;
}

int
limits_hit(const struct limit_hit_in *in, struct limit_hit_out *out)
{
	int r = ask(&limit_hit, in, out);

	return r > 0 && out->over ? 0 : r;
}

int
limits_peek(const struct limit_hit_in *in, struct limit_hit_out *out)
{
	int r = ask(&limit_peek, in, out);

	return r > 0 && out->over ? 0 : r;
}

void
limits_return(const struct limit_hit_in *in)
{
	(void)ask(&limit_return, in, NULL);
}

int
limits_seen(const struct limit_seen_in *in, struct limit_seen_out *out)
{
	int r = ask(&limit_seen, in, out);

	return r > 0 && out->over ? 0 : r;
}

int
limits_grey(const struct limit_grey_in *in, struct limit_grey_out *out)
{
	return ask(&limit_grey, in, out);
}

int64_t
limits_used(const struct limit_hit_out *out, size_t i)
{
	uint64_t n;

	return i < out->used.n && slice_u64(slice_of(out->used.v[i]),
	    INT64_MAX, &n) ? (int64_t)n : 0;
}

void
limits_release(void)
{
	ipc_close(&limitd);
}
