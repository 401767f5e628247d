/*
 * curbs.c - limits that were set while we ran, by the admin or by a rule:
 * pauses, fewer places, a rate.  Few; all in memory, each a row.  The row
 * comes first, memory when it is durable.
 */
#include "qmgr.h"

#include "policy.h"

enum { CURBS_MAX = 1000, REASON_MAX = 400 };

struct curb {
	LIST_ENTRY(curb) link;
	struct queue_curb c;	/* strings are ours */
};
static LIST_HEAD(, curb) curbs = LIST_HEAD_INITIALIZER(curbs);
static size_t ncurbs;

static struct curb *
find(const char *name)
{
	struct curb *c;

	LIST_FOREACH(c, &curbs, link)
		if (strcasecmp(c->c.name, name) == 0)
			return c;
	return NULL;
}

static const struct queue_curb *
find_parts(const char *a, const char *b)
{
	struct curb *c;
	size_t n = strlen(a);

	LIST_FOREACH(c, &curbs, link)
		if (strncasecmp(c->c.name, a, n) == 0 && c->c.name[n] == ':' &&
		    strcasecmp(c->c.name + n + 1, b) == 0)
			return &c->c;
	return NULL;
}

const struct queue_curb *
curb_find(const char *transport, const char *nexthop)
{
	return find_parts(transport, nexthop);
}

const struct queue_curb *
curb_find_site(const char *name)
{
	return find_parts("site", name);
}

static void
forget(struct curb *c)
{
	LIST_REMOVE(c, link);
	ncurbs--;
	free((char *)(uintptr_t)c->c.name);
	free((char *)(uintptr_t)c->c.reason);
	free(c);
}

static void
keep(void *ctx UNUSED, const struct queue_curb *from)
{
	struct curb *c = find(from->name);

	if (c != NULL)
		forget(c);
	c = xcalloc(1, sizeof(*c));
	c->c = *from;
	c->c.name = xstrdup(from->name);
	c->c.reason = slice_dup(slice_sub(slice_of(from->reason), 0,
	    REASON_MAX));
	LIST_INSERT_HEAD(&curbs, c, link);
	ncurbs++;
}

/* what was paused looks once more whether it is */
int
curbs_load(struct err *err)
{
	struct queue_dest all = { .transport = "", .nexthop = "", .site = "" };

	if (qdb_curb_all(qmgr.db, keep, NULL, err) != 0 ||
	    qdb_begin(qmgr.db, err) != 0)
		return -1;
	if (qdb_dest_resume(qmgr.db, &all, wall_s(), SUSPENDED_FOR_GOOD,
	    err) != 0) {
		qdb_rollback(qmgr.db);
		return -1;
	}
	return qdb_commit(qmgr.db, err);
}

void
curbs_each(void (*fn)(const struct queue_curb *c, void *ctx), void *ctx)
{
	struct curb *c;

	LIST_FOREACH(c, &curbs, link)
		fn(&c->c, ctx);
}

/* which destinations does a name mean?  "" any; strings of the buffer */
static struct queue_dest
meaning(const char *name, struct str *buf)
{
	struct queue_dest d = { .transport = "", .nexthop = "", .site = "" };
	size_t n = strcspn(name, ":");

	str_reset(buf);
	str_add(buf, name, n);
	if (strcasecmp(buf->s, "site") == 0) {
		d.site = name + n + 1;
	} else {
		d.transport = buf->s;
		d.nexthop = name + n + 1;
	}
	return d;
}

int
curb_name_check(const char *name, struct err *err)
{
	size_t n = strcspn(name, ":");
	char head[40];

	slice_copy(head, sizeof(head), (struct slice){ name, n });
	if (name[n] != ':' || !transport_name_ok(head) ||
	    strlen(name) > 300 || (strcmp(head, "site") == 0 &&
	    name[n + 1] == '\0'))
		return err_perm(err, "5.5.4", "%.60s: expected "
		    "TRANSPORT:NEXTHOP, TRANSPORT: or site:NAME", name);
	return 0;
}

/* --- a change: rows, then memory --- */

static bool
concerns(const struct queue_dest *w, const struct dest *d)
{
	if (*w->site)
		return d->site != NULL &&
		    strcasecmp(d->site->name, w->site) == 0;
	return strcmp(d->transport->name, w->transport) == 0 &&
	    (*w->nexthop == '\0' || strcasecmp(d->nexthop, w->nexthop) == 0);
}

static void
apply_to_all(const char *name)
{
	struct str buf = STR_INIT;
	struct queue_dest w = meaning(name, &buf);
	struct dest *d;
	struct site *s = *w.site ? site_find(w.site) : NULL;

	if (s != NULL)
		policy_apply_site(s);
	TAILQ_FOREACH(d, &dests, all)
		if (concerns(&w, d))
			policy_apply(d);
	str_free(&buf);
	deliver_soon();
}

/* --- rows that say "for good" when nothing does any more --- */

struct resume_op {
	struct op op;
	char *name;
};

static int
apply_resume(struct op *op, struct err *err)
{
	struct str buf = STR_INIT;
	struct queue_dest w = meaning(((struct resume_op *)op)->name, &buf);
	int rc = qdb_dest_resume(qmgr.db, &w, wall_s(), SUSPENDED_FOR_GOOD,
	    err);

	str_free(&buf);
	return rc;
}

static void
done_resume(struct op *op, const struct err *err UNUSED)
{
	struct resume_op *o = (struct resume_op *)op;

	free(o->name);
	free(o);
}

/* After memory: what is not here any more says so in its row only, and none
 * that is here may write the pause once more.  A start does it for all. */
static void
resume_rows(const char *name)
{
	struct resume_op *o = xcalloc(1, sizeof(*o));

	o->op.apply = apply_resume;
	o->op.done = done_resume;
	o->name = xstrdup(name);
	commit_op(&o->op);
}

static void
written(const char *name, const struct queue_curb *c)
{
	struct curb *old = find(name);

	if (c != NULL)
		keep(NULL, c);
	else if (old != NULL)
		forget(old);
	log_event(LOG_INFO, c == NULL ? "limit-ended" : "limit",
	    KS("dest", name), KS("action", c == NULL ? NULL : c->paused ?
	    "pause" : "slow"), KI("concurrency", c == NULL ? 0 :
	    c->concurrency), KI("messages", c == NULL ? 0 : c->messages),
	    KI("seconds", c == NULL ? 0 : c->seconds),
	    KI("until", c == NULL ? 0 : c->until),
	    KS("reason", c == NULL ? NULL : c->reason), KEND);
	apply_to_all(name);
	if (c == NULL || !c->paused)
		resume_rows(name);
}

struct curb_op {
	struct op op;
	char *name, *reason;
	struct queue_curb c;
	bool ends;
	bool answer;
	struct hub_ticket ticket;
};

static int
apply(struct op *op, struct err *err)
{
	struct curb_op *o = (struct curb_op *)op;

	return MIN(o->ends ? qdb_curb_del(qmgr.db, o->name, err) :
	    qdb_curb_put(qmgr.db, &o->c, err), 0);
}

static void
done(struct op *op, const struct err *err)
{
	struct curb_op *o = (struct curb_op *)op;
	struct qmgr_count n = { .messages = 1, .next = "" };

	if (err == NULL)
		written(o->name, o->ends ? NULL : &o->c);
	if (o->answer && err != NULL)
		hub_err(o->ticket, err);
	else if (o->answer)
		hub_ok(o->ticket, &n);
	free(o->name);
	free(o->reason);
	free(o);
}

static struct curb_op *
new_op(const char *name)
{
	struct curb_op *o = xcalloc(1, sizeof(*o));

	o->op.apply = apply;
	o->op.done = done;
	o->name = xstrdup(name);
	return o;
}

int
curb_set(const struct queue_curb *c, struct call *call, struct err *err)
{
	struct curb_op *o;

	if (curb_name_check(c->name, err) != 0)
		return -1;
	if (ncurbs >= CURBS_MAX && find(c->name) == NULL)
		return err_perm(err, "5.5.4", "there are %d limits already",
		    CURBS_MAX);
	o = new_op(c->name);
	o->c = *c;
	o->reason = xstrdup(c->reason);
	o->c.name = o->name;
	o->c.reason = o->reason;
	o->answer = call != NULL;
	if (call != NULL)
		o->ticket = hub_hold(call);
	commit_op(&o->op);
	return 0;
}

int
curb_end(const char *name, struct call *call, struct err *err)
{
	struct curb_op *o;

	if (curb_name_check(name, err) != 0)
		return -1;
	if (find(name) == NULL)
		return err_perm(err, "5.5.4", "%.60s is not limited", name);
	o = new_op(name);
	o->ends = true;
	o->answer = call != NULL;
	if (call != NULL)
		o->ticket = hub_hold(call);
	commit_op(&o->op);
	return 0;
}

void
curbs_tick(int64_t now)
{
	struct curb *c, *next;
	struct err err;

	for (c = LIST_FIRST(&curbs); c != NULL; c = next) {
		next = LIST_NEXT(c, link);
		if (c->c.until == 0 || c->c.until > now)
			continue;
		c->c.until = now + 60;	/* should it fail, again */
		curb_end(c->c.name, NULL, &err);
	}
}
