/*
 * lookup.c - one question.  Servers are asked in turn, beginning with the one
 * that answered last; what is left of the time is shared among those that are
 * not avoided, so one that says nothing leaves some for the next.
 */
#include "base/clock.h"
#include "base/log.h"
#include "mapd.h"

enum { KEY_MAX = 1000, TOKEN_MAX = 16384, TELL_MS = 10000 };

struct stats stats;

static void
close_server(struct table *t, struct server *s)
{
	if (s->conn != NULL)
		t->be->disconnect(s);
	s->conn = NULL;
}

static int
ask(struct table *t, struct server *s, const char *key, struct answer *a,
    int64_t deadline, enum fault *fault_r, struct err *err)
{
	int r;

	answer_reset(a);
	*fault_r = FAULT_SERVER;
	if (s->conn == NULL && t->be->connect(t, s, deadline, err) < 0) {
		close_server(t, s);
		return -1;
	}
	r = t->be->query(t, s, key, a, deadline, fault_r, err);
	if (r < 0 && *fault_r == FAULT_SERVER)
		close_server(t, s);
	return r;
}

/* with a new connection where the old one turns out to be dead */
static int
ask_again(struct table *t, struct server *s, const char *key,
    struct answer *a, int64_t deadline, enum fault *fault_r, struct err *err)
{
	bool old;
	int r;

	if (s->conn != NULL && mono_ms() - s->used > t->c.max_idle)
		close_server(t, s);
	old = s->conn != NULL;
	r = ask(t, s, key, a, deadline, fault_r, err);
	if (r < 0 && old && *fault_r == FAULT_SERVER && ms_left(deadline) > 0)
		r = ask(t, s, key, a, deadline, fault_r, err);
	return r;
}

/* trouble with the question alone, told now and then */
static void
tell_broken(struct table *t, const struct err *err)
{
	int64_t now = mono_ms();

	if (!t->broken && (t->told == 0 || now - t->told > TELL_MS)) {
		log_event(LOG_ERROR, "query-failed", KS("table", t->spec),
		    KERR(err), KEND);
		t->told = now;
	}
	t->broken = true;
}

static int
all_avoided(struct table *t, struct err *err)
{
	const struct server *s = &t->server[t->current], *i;

	/* the one that comes back first */
	for (i = t->server; i < t->server + t->servers; i++)
		if (i->health->until < s->health->until)
			s = i;
	return err_temp(err, "4.3.0", "%s: %s; asked again in %d s", t->spec,
	    s->health->why, ms_left(s->health->until) / 1000 + 1);
}

static size_t
usable(const struct table *t, size_t from)
{
	size_t i, n = 0;

	for (i = from; i < t->servers; i++)
		n += !server_avoided(&t->server[(t->current + i) %
		    t->servers]);
	return n;
}

static int
ask_servers(struct table *t, const char *key, struct answer *a,
    struct err *err)
{
	int64_t deadline = mono_ms() + t->c.timeout;
	size_t i, n, at, first = t->current;
	enum fault fault;
	struct server *s;
	int r;

	for (i = 0; i < t->servers; i++) {
		n = usable(t, i);
		at = (first + i) % t->servers;
		s = &t->server[at];
		if (server_avoided(s))
			continue;
		r = ask_again(t, s, key, a, mono_ms() + ms_left(deadline) /
		    (int)MAX(n, (size_t)1), &fault, err);
		if (r == 0 || fault == FAULT_QUERY) {
			server_works(t, s);
			t->current = at;
			return r;
		}
		server_failed(t, s, err);
	}
	return all_avoided(t, err);
}

/* what no row can have is not asked for */
static bool
askable(const struct table *t, const char *key)
{
	struct slice k = slice_of(key);
	size_t i;

	if (k.n == 0 || k.n > (t->be->token ? TOKEN_MAX : KEY_MAX) ||
	    !utf8_valid(k))
		return false;
	for (i = 0; i < k.n; i++)
		if ((unsigned char)k.p[i] < ' ' || k.p[i] == 0x7f)
			return false;
	return t->c.domains.n == 0 || strlist_ihas(&t->c.domains,
	    slice_sub(k, slice_rfind(k, '@') + 1, k.n));
}

static void
remember(struct table *t, const char *key, const struct answer *a)
{
	int64_t ms = a->rows > 0 ? t->c.cache : t->c.cache_absent;

	if (a->ttl >= 0)
		ms = MIN(ms, a->ttl);
	cache_put(t->cache, key, a->rows > 0 ? &a->value : NULL, ms);
}

int
lookup(struct table *t, const char *key, struct str *out, struct err *err)
{
	struct answer a = { .t = t, .value = STR_INIT };
	int r;

	stats.queries++;
	if (!askable(t, key))
		return 0;
	r = cache_get(t->cache, key, out);
	if (r >= 0)
		return r;
	r = place_enter(t, err);
	if (r == 0) {
		r = ask_servers(t, key, &a, err);
		place_leave(t);
	}
	if (r < 0) {
		stats.failures++;
		err->kind = ERR_TEMP;
		if (usable(t, 0) > 0)
			tell_broken(t, err);
	} else {
		t->broken = false;
		remember(t, key, &a);
		r = a.rows > 0;
		if (r > 0)
			str_addsl(out, slice_str(&a.value));
		stats.hits += r;
	}
	answer_reset(&a);
	str_free(&a.value);
	return r;
}

int
lookup_try(struct table *t, struct err *err)
{
	static const char *const nobody = "postrider-check@postrider.invalid";
	struct answer a = { .t = t, .value = STR_INIT };
	int r = ask_servers(t, nobody, &a, err);

	answer_reset(&a);
	str_free(&a.value);
	return r;
}
