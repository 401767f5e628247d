/*
 * sub.c - subscribers.  What is to be said to one is a list of its watches,
 * each in it at most once, so one that does not read costs no more than what
 * it watches.  Tags are small numbers: the place in its array.
 */
#include "notifyd.h"

#include "base/log.h"
#include "proto/notify.h"

enum { REPORTS = 512 /* in an answer */, REFUSALS = 10 /* logged */ };

struct sub {
	struct watch **watch;	/* by tag */
	size_t n;
	struct watch *first, **last;	/* to be reported */
	struct hub_ticket waiting;
	bool waits;
	bool crowd;		/* one connection too many */
	bool over;		/* of connection_watches, to be said */
	struct ipc_cred peer;
	unsigned refusals;
};

static int64_t subs;

void *
sub_open(const struct ipc_cred *peer)
{
	struct sub *s = xcalloc(1, sizeof(*s));

	s->last = &s->first;
	s->peer = *peer;
	s->crowd = ++subs > conf.connections;
	return s;
}

static void
queue(struct watch *w)
{
	struct sub *s = w->sub;

	if (w->prev_report != NULL)
		return;
	w->next_report = NULL;
	w->prev_report = s->last;
	*s->last = w;
	s->last = &w->next_report;
}

static void
unqueue(struct watch *w)
{
	struct sub *s = w->sub;

	if (w->prev_report == NULL)
		return;
	*w->prev_report = w->next_report;
	if (w->next_report != NULL)
		w->next_report->prev_report = w->prev_report;
	else
		s->last = w->prev_report;
	w->prev_report = NULL;
}

static void
end(struct watch *w)
{
	unqueue(w);
	if (w->folder != NULL)
		folder_leave(w->folder, w);
	w->sub->watch[w->tag] = NULL;
	free(w);
}

void
sub_close(void *conn)
{
	struct sub *s = conn;
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->watch[i] != NULL)
			end(s->watch[i]);
	free(s->watch);
	free(s);
	subs--;
}

static const char *
tag_text(struct arena *a, const struct watch *w)
{
	return arena_printf(a, "%lld", (long long)w->tag);
}

/* one off the list and into the answer */
static void
report_one(struct sub *s, struct notify_wait_out *out, struct arena *a)
{
	struct watch *w = s->first;
	unsigned what = w->report;

	unqueue(w);
	w->report = 0;
	if (what & REFUSED) {
		strlist_add(&out->refused, a, tag_text(a, w));
		end(w);
	} else if (what & POLLED) {
		strlist_add(&out->polled, a, tag_text(a, w));
	} else {
		strlist_add(&out->changed, a, tag_text(a, w));
	}
}

/* what there is to say; false: nothing */
static bool
report(struct sub *s, struct notify_wait_out *out, struct arena *a)
{
	int n;

	for (n = 0; s->first != NULL && n < REPORTS; n++)
		report_one(s, out, a);
	if (s->over)
		out->limit = conf.connection_watches;
	s->over = false;
	return n > 0 || out->limit > 0;
}

static void
answer(struct sub *s)
{
	struct notify_wait_out out = { .limit = 0 };
	struct arena a = { 0 };

	if (report(s, &out, &a)) {
		s->waits = false;
		hub_ok(s->waiting, &out);
	}
	arena_free(&a);
}

void
watch_report(struct watch *w, unsigned what)
{
	struct sub *s = w->sub;

	w->report |= what;
	queue(w);
	if (s->waits)
		answer(s);
}

static struct watch *
new_watch(struct sub *s, int64_t tag)
{
	struct watch *w = xcalloc(1, sizeof(*w));
	size_t n;

	if ((size_t)tag >= s->n) {
		n = MAX((size_t)tag + 1, s->n * 2);
		s->watch = xrealloc(s->watch, n * sizeof(*s->watch));
		memset(s->watch + s->n, 0, (n - s->n) * sizeof(*s->watch));
		s->n = n;
	}
	if (s->watch[tag] != NULL)
		end(s->watch[tag]);
	w->sub = s;
	w->tag = tag;
	return s->watch[tag] = w;
}

static void
log_refusal(struct sub *s, const char *folder, const struct err *err)
{
	if (s->refusals++ < REFUSALS)
		log_event(LOG_WARN, "refused", KS("folder", folder),
		    KI("uid", s->peer.uid), KI("pid", s->peer.pid),
		    KERR(err), KEND);
}

int
sub_watch(struct call *c, const void *vin, void *out UNUSED,
    struct err *err)
{
	const struct notify_watch_in *in = vin;
	struct sub *s = c->conn;
	struct folder *f = NULL;
	struct watch *w;

	if (in->tag >= conf.connection_watches) {
		err_perm(err, "5.3.2", "tag %lld is over connection_watches",
		    (long long)in->tag);
		log_refusal(s, in->folder, err);
		s->over = true;
		if (s->waits)
			answer(s);
		return 0;
	}
	w = new_watch(s, in->tag);
	if (s->crowd)
		err_temp(err, "4.3.2", "more than %lld connections",
		    (long long)conf.connections);
	else
		f = folder_get(c->fd, in->folder, err);
	if (f == NULL) {
		log_refusal(s, in->folder, err);
		watch_report(w, REFUSED);
		return 0;
	}
	folder_add(f, w);
	watch_report(w, inotify_covers(f) ? CHANGED : POLLED);
	return 0;
}

int
sub_unwatch(struct call *c, const void *vin, void *out UNUSED,
    struct err *err UNUSED)
{
	const struct notify_unwatch_in *in = vin;
	struct sub *s = c->conn;

	if ((size_t)in->tag < s->n && s->watch[in->tag] != NULL)
		end(s->watch[in->tag]);
	return 0;
}

int
sub_wait(struct call *c, const void *in UNUSED, void *vout, struct err *err)
{
	struct sub *s = c->conn;

	if (s->waits)
		return err_perm(err, "5.5.1", "a wait is there already");
	if (report(s, vout, c->arena))
		return 0;
	s->waiting = hub_hold(c);
	s->waits = true;
	return CALL_LATER;
}
