/*
 * domain.c - what is known of a domain.  A policy holds until its end,
 * whatever happens to its host meanwhile (RFC 8461 section 5.1).  A domain
 * whose host is slow keeps those waiting who ask for it, and nobody else.
 */
#include "stsd.h"

#include <event2/event.h>

#undef uthash_malloc
#define uthash_malloc(n) xmalloc(n)
#include <uthash.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/common.h"

enum { TXT_MAX_S = 3600, RETRY_MAX_S = 3600, WAITERS_MAX = 4000,
	USED_EVERY_S = 3600, UNUSED_S = 30 * 86400, SWEEP_S = 60,
	REFRESH_AT_ONCE = 50, GRACE_MS = 15000 };

enum state { IDLE, LOOKING, QUEUED, FETCHING };

struct waiter {
	struct waiter *next, **prev;
	struct domain *d;
	struct hub_ticket ticket;
	struct event *timer;
};

struct domain {
	UT_hash_handle hh;
	enum state state;
	bool refresh;		/* fetch it although the id is the same */
	bool has_txt;
	char id[ID_MAX + 1];	/* of the TXT record */
	int64_t checked_until;	/* the TXT record is known so long */
	int64_t retry_at, fails;
	enum sts_result result;	/* of the last fetch; why, if it failed */
	char *why;
	/* the policy, where expires is not 0 */
	char policy_id[ID_MAX + 1];
	struct sts_text text;	/* its strings are in the arena */
	struct arena arena;
	int64_t fetched, expires, used;
	struct waiter *waiters;
	struct domain *next;	/* in the queue of fetches */
	char name[];
};

static struct domain *domains;
static struct domain *queue, **queue_end = &queue;
static int64_t fetching;
static size_t waiters;

static void look(struct domain *d);

/* --- the table --- */

static void
set_why(struct domain *d, const char *why)
{
	free(d->why);
	d->why = why[0] != '\0' ? xstrdup(why) : NULL;
}

static void
free_domain(struct domain *d)
{
	HASH_DEL(domains, d);
	arena_free(&d->arena);
	free(d->why);
	free(d);
}

/* the one that was used longest ago goes, unless somebody waits for it */
static void
make_room(void)
{
	struct domain *d, *next;
	int tries = 100;

	if ((int64_t)HASH_COUNT(domains) < conf.max_domains)
		return;
	HASH_ITER(hh, domains, d, next) {
		if (d->state == IDLE) {
			free_domain(d);
			return;
		}
		if (--tries == 0)
			return;
	}
}

/* names of a list, a line each */
static void
split_lines(const char *z, struct arena *a, struct strlist *l)
{
	struct slice rest = slice_of(z), line;

	while (slice_cut(&rest, '\n', &line))
		if (line.n > 0)
			strlist_add(l, a, arena_slice(a, line));
}

static void
load(struct domain *d)
{
	struct sqlite3_stmt *st = db_select("SELECT id, mode, mx, max_age,"
	    " fetched, expires, used FROM policy WHERE domain = ?", "s",
	    d->name);
	struct arena *a = &d->arena;

	while (db_row(st)) {
		slice_copy(d->policy_id, sizeof(d->policy_id),
		    slice_of(db_text(st, 0, a)));
		d->text.mode = (enum sts_mode)MAX(MIN(db_int(st, 1),
		    (int64_t)STS_ENFORCE), (int64_t)STS_NONE);
		d->text.mx = (struct strlist){ 0 };
		split_lines(db_text(st, 2, a), a, &d->text.mx);
		d->text.max_age = db_int(st, 3);
		d->fetched = db_int(st, 4);
		d->expires = db_int(st, 5);
		d->used = db_int(st, 6);
	}
}

static struct domain *
get(const char *name)
{
	struct domain *d;

	HASH_FIND_STR(domains, name, d);
	if (d != NULL) {
		HASH_DEL(domains, d);
		HASH_ADD_STR(domains, name, d);
		return d;
	}
	make_room();
	d = xcalloc(1, sizeof(*d) + strlen(name) + 1);
	memcpy(d->name, name, strlen(name) + 1);
	HASH_ADD_STR(domains, name, d);
	load(d);
	return d;
}

static bool
has_policy(const struct domain *d, int64_t now)
{
	return d->expires > now;
}

static void
save(const struct domain *d)
{
	struct str mx = STR_INIT;
	size_t i;

	for (i = 0; i < d->text.mx.n; i++)
		str_addf(&mx, "%s\n", d->text.mx.v[i]);
	db_run("INSERT OR REPLACE INTO policy VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
	    "ssisiiii", d->name, d->policy_id, (int64_t)d->text.mode, mx.s,
	    d->text.max_age, d->fetched, d->expires, d->used);
	db_commit();
	str_free(&mx);
}

/* --- answers --- */

static void
note_use(struct domain *d, int64_t now)
{
	if (d->used > now - USED_EVERY_S)
		return;
	d->used = now;
	db_run("UPDATE policy SET used = ? WHERE domain = ?", "is", now,
	    d->name);
}

/* a session that goes without the policy that it should have had */
static void
count_failure(const struct domain *d, int64_t now)
{
	struct sts_count_in in = { .domain = d->name, .kind = STS_STS,
		.result = (int)d->result, .n = 1, .source = "",
		.mx_host = "", .mx_helo = "", .mx_addr = "",
		.reason = d->why != NULL ? d->why : "", .sender = "" };

	count_session(&in, now);
}

static void
fill(struct domain *d, int64_t now, struct arena *a,
    struct sts_policy_out *out)
{
	if (!has_policy(d, now)) {
		if (d->has_txt && d->why != NULL)
			count_failure(d, now);
		return;
	}
	note_use(d, now);
	out->mode = (int)d->text.mode;
	out->mx = d->text.mx;
	out->max_age = d->expires - now;
	policy_lines(&d->text, a, &out->text);
}

static void
free_waiter(struct waiter *w)
{
	*w->prev = w->next;
	if (w->next != NULL)
		w->next->prev = w->prev;
	event_free(w->timer);
	free(w);
	waiters--;
}

/* what we have; err: it can not be said, unless there is a policy */
static void
answer(struct waiter *w, const struct err *why)
{
	struct sts_policy_out out = { .mode = STS_NONE };
	struct arena a = { 0 };
	int64_t now = wall_s();

	if (why != NULL && !has_policy(w->d, now)) {
		hub_err(w->ticket, why);
	} else {
		fill(w->d, now, &a, &out);
		hub_ok(w->ticket, &out);
	}
	arena_free(&a);
	free_waiter(w);
}

static void
settle(struct domain *d, const struct err *why)
{
	d->state = IDLE;
	d->refresh = false;
	while (d->waiters != NULL)
		answer(d->waiters, why);
}

/* A caller waits no longer: it gets what is known now, RFC 8461 section 3.3
 * has no policy for that.  The fetch goes on. */
static void
on_waited(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	answer(arg, NULL);
}

/* --- fetching --- */

static void fetch(struct domain *d);

static void
next_fetch(void)
{
	struct domain *d = queue;

	if (d == NULL || fetching >= conf.fetches)
		return;
	queue = d->next;
	if (queue == NULL)
		queue_end = &queue;
	fetch(d);
}

static void
failed(struct domain *d, enum sts_result result, const char *why)
{
	int64_t pause = conf.retry / 1000;
	static const char *const results[] = { "webpki", "fetch", "invalid" };

	pause <<= MIN(d->fails, (int64_t)10);
	d->fails++;
	d->retry_at = wall_s() + MIN(pause, (int64_t)RETRY_MAX_S);
	d->result = result;
	set_why(d, why);
	log_event(LOG_WARN, "fetch-failed", KS("domain", d->name),
	    KS("result", results[result == STS_WEBPKI_INVALID ? 0 :
	    result == STS_FETCH_ERROR ? 1 : 2]), KS("reason", why),
	    KS("kept", has_policy(d, wall_s()) ? "yes" : "no"), KEND);
}

static void
fetched(struct domain *d, const struct sts_fetch_out *out)
{
	static const char *const modes[] = { "none", "testing", "enforce" };
	struct arena *a = &d->arena;
	size_t i;

	arena_reset(a);
	d->text = (struct sts_text){ .mode = (enum sts_mode)out->mode,
		.max_age = MIN(MAX(out->max_age, (int64_t)0),
		(int64_t)MAX_AGE_MAX) };
	for (i = 0; i < out->mx.n; i++)
		strlist_add(&d->text.mx, a, arena_strdup(a, out->mx.v[i]));
	memcpy(d->policy_id, d->id, sizeof(d->policy_id));
	d->fetched = wall_s();
	d->expires = d->fetched + d->text.max_age;
	d->used = d->waiters != NULL ? d->fetched : d->used;
	d->fails = d->retry_at = 0;
	set_why(d, "");
	save(d);
	log_event(LOG_INFO, "policy", KS("domain", d->name), KS("id",
	    d->policy_id), KS("mode", modes[d->text.mode]), KU("mx",
	    d->text.mx.n), KI("max_age", d->text.max_age), KEND);
}

static void
on_fetch(void *ctx, const struct ipc_msg *m, const struct err *why)
{
	struct domain *d = ctx;
	struct sts_fetch_out out;
	struct arena a = { 0 };
	struct err err = ERR_INIT;
	bool ours = false;

	fetching--;
	if (m == NULL && strcmp(why->dsn, "4.4.1") != 0) {
		/* sts-fetch is not there: our own trouble */
		err_temp(&err, "4.4.3", "MTA-STS policy of %s: sts-fetch: %s",
		    d->name, why->text);
		ours = true;
	} else if (m == NULL) {
		failed(d, STS_FETCH_ERROR, why->text);
	} else if (ipc_decode(m, sts_fetch.out, &out, &a, &err) < 0) {
		failed(d, STS_POLICY_INVALID, err.text);
	} else if (out.result != STS_SUCCESS) {
		failed(d, (enum sts_result)out.result, out.why);
	} else {
		fetched(d, &out);
	}
	arena_free(&a);
	settle(d, ours ? &err : NULL);
	next_fetch();
}

static void
fetch(struct domain *d)
{
	static const char *path;	/* never freed: made once */
	struct sts_fetch_in in = { .domain = d->name,
		.timeout = conf.fetch_timeout };
	struct err err = ERR_INIT, why;

	if (path == NULL)
		path = socket_path("sts-fetch");
	if (fetching >= conf.fetches) {
		d->state = QUEUED;
		d->next = NULL;
		*queue_end = d;
		queue_end = &d->next;
		return;
	}
	d->state = FETCHING;
	if (ask(path, &sts_fetch, &in, -1, conf.fetch_timeout + GRACE_MS,
	    on_fetch, d, &err) == 0) {
		fetching++;
		return;
	}
	err_temp(&why, "4.4.3", "MTA-STS policy of %s: sts-fetch: %s",
	    d->name, err.text);
	settle(d, &why);
}

/* --- the TXT record --- */

static bool
wants_fetch(const struct domain *d, int64_t now)
{
	if (!d->has_txt || now < d->retry_at)
		return false;
	return d->refresh || !has_policy(d, now) ||
	    strcmp(d->id, d->policy_id) != 0;
}

static void
take_txt(struct domain *d, const struct txt_answer *r)
{
	int64_t now = wall_s(), least = conf.check_interval / 1000;
	struct err err = ERR_INIT;
	bool had = d->has_txt;
	int rc = 0;

	d->has_txt = false;
	d->checked_until = now + MAX(MIN(r->ttl, (int64_t)TXT_MAX_S), least);
	if (r->status == DNS_OK)
		rc = sts_txt(&r->rr, d->id, &err);
	else if (r->status != DNS_NODATA && r->status != DNS_NXDOMAIN)
		rc = err_temp(&err, "4.4.3", "TXT record: %s", r->why);
	if (rc < 0) {
		d->checked_until = now + least;
		log_event(LOG_INFO, "no-policy", KS("domain", d->name),
		    KERR(&err), KEND);
		set_why(d, err.text);
	} else if (rc == 0 || !had) {
		set_why(d, "");
	}
	d->has_txt = rc > 0;
}

static void
on_txt(void *ctx, const struct txt_answer *r)
{
	struct domain *d = ctx;
	struct err err;

	if (r->away) {
		err_temp(&err, "4.4.3", "MTA-STS policy of %s: dnsd: %s",
		    d->name, r->why);
		settle(d, &err);
		return;
	}
	take_txt(d, r);
	if (wants_fetch(d, wall_s()))
		fetch(d);
	else
		settle(d, NULL);
}

static void
look(struct domain *d)
{
	char name[300];

	d->state = LOOKING;
	snprintf(name, sizeof(name), "_mta-sts.%s", d->name);
	txt_ask(name, on_txt, d);
}

/* --- requests --- */

static bool
is_known(const struct domain *d, int64_t now)
{
	return d->state == IDLE && now < d->checked_until &&
	    !wants_fetch(d, now);
}

static bool
is_ours(const char *name)
{
	return strlist_ihas(&common.domains, slice_of(name)) ||
	    strlist_ihas(&common.system_domains, slice_of(name)) ||
	    strcasecmp(name, common.hostname) == 0;
}

static void
wait_for(struct domain *d, struct call *c, int64_t ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };
	struct waiter *w = xcalloc(1, sizeof(*w));

	w->d = d;
	w->ticket = hub_hold(c);
	w->timer = event_new(hub_base, -1, 0, on_waited, w);
	if (w->timer == NULL || event_add(w->timer, &tv) < 0)
		die("event_new");
	w->next = d->waiters;
	w->prev = &d->waiters;
	if (w->next != NULL)
		w->next->prev = &w->next;
	d->waiters = w;
	waiters++;
}

int
domain_policy(struct call *c, const struct sts_policy_in *in,
    struct sts_policy_out *out, struct err *err)
{
	const char *name = domain_name(in->domain, c->arena);
	int64_t now = wall_s(), ms = conf.wait;
	struct domain *d;

	if (name == NULL || is_ours(name))
		return 0;
	d = get(name);
	if (is_known(d, now)) {
		fill(d, now, c->arena, out);
		return 0;
	}
	if (waiters >= WAITERS_MAX)
		return err_temp(err, "4.4.3", "MTA-STS policy of %s: too "
		    "many wait", name);
	if (in->timeout > 0)
		ms = MIN(ms, in->timeout);
	wait_for(d, c, ms);
	if (d->state == IDLE)
		look(d);
	return CALL_LATER;
}

void
domain_forget(const char *name)
{
	struct domain *d;

	HASH_FIND_STR(domains, name, d);
	db_run("DELETE FROM policy WHERE domain = ?", "s", name);
	db_commit();
	if (d == NULL)
		return;
	d->expires = d->checked_until = d->retry_at = d->fails = 0;
	d->has_txt = false;
	set_why(d, "");
}

static int
list_row(struct call *c, struct sqlite3_stmt *st, struct err *err)
{
	struct sts_list_more more = { .domain = db_text(st, 0, c->arena),
		.id = db_text(st, 1, c->arena), .mode = (int)db_int(st, 2),
		.fetched = db_int(st, 4), .expires = db_int(st, 5),
		.why = "" };
	struct domain *d;

	split_lines(db_text(st, 3, c->arena), c->arena, &more.mx);
	HASH_FIND_STR(domains, more.domain, d);
	if (d != NULL && d->why != NULL)
		more.why = d->why;
	return call_more(c, &more, err);
}

/* those of the file, and those of which there is only trouble */
int
domain_list(struct call *c, struct err *err)
{
	struct sqlite3_stmt *st = db_select("SELECT domain, id, mode, mx,"
	    " fetched, expires FROM policy WHERE expires > ?"
	    " ORDER BY domain", "i", wall_s());
	struct sts_list_more more = { .id = "" };
	struct domain *d, *next;
	int rc = 0;

	while (db_row(st))
		if (rc == 0)
			rc = list_row(c, st, err);
	HASH_ITER(hh, domains, d, next) {
		if (rc < 0 || d->why == NULL || has_policy(d, wall_s()))
			continue;
		more.domain = d->name;
		more.why = d->why;
		rc = call_more(c, &more, err);
	}
	return rc;
}

/* --- in the background --- */

static void
refresh(const char *name)
{
	struct domain *d = get(name);

	if (d->state != IDLE || wall_s() < d->retry_at)
		return;
	d->refresh = true;
	look(d);
}

static void
refresh_due(int64_t now)
{
	struct sqlite3_stmt *st = db_select("SELECT domain FROM policy WHERE"
	    " fetched < ? AND used > ? AND expires > ? ORDER BY fetched"
	    " LIMIT ?", "iiii", now - conf.refresh / 1000, now - UNUSED_S,
	    now, (int64_t)REFRESH_AT_ONCE);
	struct strlist names = { 0 };
	struct arena a = { 0 };
	size_t i;

	while (db_row(st))
		strlist_add(&names, &a, db_text(st, 0, &a));
	for (i = 0; i < names.n; i++)
		refresh(names.v[i]);
	arena_free(&a);
}

void
domain_tick(int64_t now)
{
	static int64_t last, rows_last;
	int64_t over;

	if (now >= last && now < last + MIN((int64_t)SWEEP_S,
	    conf.refresh / 1000))
		return;
	last = now;
	refresh_due(now);
	if (now >= rows_last && now < rows_last + SWEEP_S)
		return;
	rows_last = now;
	db_run("DELETE FROM policy WHERE expires <= ?", "i", now);
	over = db_number(0, "SELECT count(*) FROM policy", "") -
	    conf.max_domains;
	if (over > 0)
		db_run("DELETE FROM policy WHERE domain IN (SELECT domain"
		    " FROM policy ORDER BY used LIMIT ?)", "i", over);
}
