/*
 * ask.c - what handshakes ask keyd.  The one that asks is a fibre and waits.
 * Questions go to the keyd that the certificates are of, as it has their keys:
 * over one connection of the loop, which a new one follows when there are
 * certificates of another keyd.  What was asked before is answered by the old
 * one.  On each answers come in order, so an answer belongs to the oldest
 * question, also where nobody waits for it any more.
 *
 * A question waits for key_timeout at most.  Where the oldest is older, keyd
 * hangs: until it answers, or its connection ends, further questions fail at
 * once.  When the connection ends, what was asked is asked once more on
 * another: keyd was replaced.
 */
#include "tlsd.h"

#include <event2/event.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/common.h"
#include "ipc/codec.h"
#include "proto/key.h"
#include "serve/fibre.h"

enum { BREAK_MS = 200, TRIES = 2, FORGOTTEN = 64 };

/* who asks: on the stack of a fibre */
struct asker {
	struct fibre *fibre;
	struct ask *ask;		/* NULL: it is done with */
	const void *in;
	const struct ipc_msg *answer;	/* NULL: there is none */
};
struct ask {
	struct ask *next;
	const struct verb_def *verb;
	struct asker *who;		/* NULL: nobody any more */
	int64_t until;			/* mono_ms */
	int tries;
};

/* a connection */
struct line {
	struct line *next;
	struct hub_agent *agent;
	struct ask *first, **end;	/* all that were sent */
};

static struct line *lines;		/* all that there are */
static struct line *current;		/* of these; NULL: none */
static size_t nasks;
static struct event *late;
static int64_t broken_until;		/* mono_ms */

static hub_msg_fn on_answer;
static hub_gone_fn on_gone;

static void
failed(const struct err *err)
{
	log_event(LOG_ERROR, "keyd", KERR(err), KEND);
}

static void
append(struct line *l, struct ask *q)
{
	q->next = NULL;
	*l->end = q;
	l->end = &q->next;
	nasks++;
}

/* the oldest, or NULL */
static struct ask *
take(struct line *l)
{
	struct ask *q = l->first;

	if (q == NULL)
		return NULL;
	l->first = q->next;
	if (l->first == NULL)
		l->end = &l->first;
	nasks--;
	return q;
}

/* the fibre goes on; it may ask the next thing at once */
static void
wake(struct asker *who, const struct ipc_msg *answer)
{
	who->ask = NULL;
	who->answer = answer;
	fibre_wake(who->fibre);
}

static void
give_up(struct ask *list)
{
	struct asker *who;
	struct ask *q;

	while ((q = list) != NULL) {
		list = q->next;
		who = q->who;
		free(q);
		if (who != NULL)
			wake(who, NULL);
	}
}

static void
forget(struct line *l)
{
	struct line **p = &lines;

	while (*p != l)
		p = &(*p)->next;
	*p = l->next;
	if (current == l)
		current = NULL;
	free(l);
}

/* one that is not the current one ends with its last answer */
static void
end_idle(struct line *l)
{
	if (l == current || l->first != NULL)
		return;
	hub_agent_close(l->agent);
	forget(l);
}

static bool
has_line(void)
{
	struct err err = ERR_INIT;
	struct hub_agent *agent;
	struct line *l;

	if (current != NULL)
		return true;
	if (broken_until > mono_ms())
		return false;
	l = xcalloc(1, sizeof(*l));
	agent = hub_agent_open(socket_path("keyd"), on_answer, on_gone, l,
	    &err);
	if (agent == NULL) {
		free(l);
		broken_until = mono_ms() + BREAK_MS;
		failed(&err);
		return false;
	}
	l->agent = agent;
	l->end = &l->first;
	l->next = lines;
	lines = current = l;
	return true;
}

/* 0, or -1: no message can hold the question, which is the asker's.  Where the
 * line has failed on_gone comes, and finds it in the list. */
static int
ask(struct ask *q)
{
	struct err err = ERR_INIT;

	if (hub_agent_send(current->agent, q->verb, q->who->in, -1,
	    &err) < 0 && err.kind == ERR_PERM) {
		failed(&err);
		return -1;
	}
	append(current, q);
	q->tries++;
	return 0;
}

static void
on_answer(struct hub_agent *a UNUSED, void *ctx, struct ipc_msg *m)
{
	struct line *l = ctx;
	struct ask *q = take(l);
	struct asker *who;

	if (q == NULL)			/* nobody has asked */
		return;
	who = q->who;
	free(q);
	end_idle(l);
	if (who != NULL)
		wake(who, m);
}

static void
on_gone(struct hub_agent *a UNUSED, void *ctx, const struct err *why)
{
	struct ask *list = NULL, **end = &list, *lost = NULL, *q;

	while ((q = take(ctx)) != NULL) {
		q->next = NULL;
		*end = q;
		end = &q->next;
	}
	forget(ctx);
	while ((q = list) != NULL) {
		list = q->next;
		if (q->who != NULL && q->tries < TRIES && has_line() &&
		    ask(q) == 0)
			continue;
		if (q->who != NULL && lost == NULL)
			failed(why);
		q->next = lost;
		lost = q;
	}
	give_up(lost);
}

void
ask_move(void)
{
	struct line *l = current;

	current = NULL;
	if (l != NULL)
		end_idle(l);
	/* at once: later it might be yet another keyd that we find */
	(void)has_line();
}

/* the oldest that somebody waits for, or NULL */
static struct ask *
oldest(void)
{
	struct ask *found = NULL, *q;
	struct line *l;

	for (l = lines; l != NULL; l = l->next) {
		for (q = l->first; q != NULL && q->who == NULL; q = q->next)
			continue;
		if (q != NULL && (found == NULL || q->until < found->until))
			found = q;
	}
	return found;
}

static void
set_late(void)
{
	const struct ask *q = oldest();
	int64_t ms = q != NULL ? MAX(q->until - mono_ms(), (int64_t)1) : 0;
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	if (q != NULL)
		event_add(late, &tv);
}

/* Their places are kept, for the answers that may come. */
static void
on_late(evutil_socket_t fd UNUSED, short what UNUSED, void *arg UNUSED)
{
	int64_t now = mono_ms();
	struct err err = ERR_INIT;
	struct asker *who;
	struct ask *q;

	for (q = oldest(); q != NULL && q->until <= now; q = oldest()) {
		if (err.text[0] == '\0') {
			err_temp(&err, "4.4.2", "%s: timeout",
			    socket_path("keyd"));
			failed(&err);
		}
		who = q->who;
		q->who = NULL;
		wake(who, NULL);
	}
	set_late();
}

void
ask_start(void)
{
	late = evtimer_new(hub_base, on_late, NULL);
	if (late == NULL)
		die("evtimer_new");
	fibre_limit((size_t)conf.key_waiting);
}

/* The answer, until the fibre waits again; NULL: none.  A timer that goes off
 * for a question that was answered is set anew, which is cheaper than to set it
 * for each. */
static const struct ipc_msg *
wait_for(const struct verb_def *v, const void *in)
{
	struct asker me = { .fibre = fibre_self(), .in = in };
	int64_t now = mono_ms();

	assert(me.fibre != NULL);
	if (nasks >= (size_t)conf.key_waiting + FORGOTTEN || !has_line() ||
	    (current->first != NULL && current->first->until <= now))
		return NULL;
	me.ask = xcalloc(1, sizeof(*me.ask));
	me.ask->verb = v;
	me.ask->who = &me;
	me.ask->until = now + conf.key_timeout;
	if (ask(me.ask) < 0) {
		free(me.ask);
		return NULL;
	}
	if (!evtimer_pending(late, NULL))
		set_late();
	if (!fibre_wait() && me.ask != NULL)
		me.ask->who = NULL;
	return me.answer;
}

/* strings of out live until the next one */
static int
call(const struct verb_def *v, const void *in, void *out)
{
	static struct arena arena;
	const struct ipc_msg *m = wait_for(v, in);
	struct err err = ERR_INIT;
	int rc;

	if (m == NULL)
		return -1;
	arena_reset(&arena);
	if (strcmp(m->verb, "ok") == 0)
		rc = ipc_decode(m, v->out, out, &arena, &err);
	else if (strcmp(m->verb, "err") == 0)
		rc = ipc_get_err(m, &err);
	else
		rc = err_temp(&err, "4.3.0", "unexpected reply");
	if (rc < 0)
		failed(&err);
	return rc;
}

int
keyd_sign(const char *id, int scheme, struct slice tbs, unsigned char *sig,
    size_t cap, size_t *n)
{
	struct key_sign_out out;
	struct key_sign_in in = { .id = id, .scheme = scheme };
	struct str b64 = STR_INIT, raw = STR_INIT;
	int rc;

	base64_encode(&b64, tbs.p, tbs.n);
	in.tbs = b64.s;
	rc = call(&key_sign, &in, &out);
	if (rc == 0 && (!base64_decode(&raw, slice_of(out.signature)) ||
	    raw.len == 0 || raw.len > cap))
		rc = -1;
	if (rc == 0) {
		memcpy(sig, raw.s, raw.len);
		*n = raw.len;
	}
	str_free(&raw);
	str_free(&b64);
	return rc;
}

int
keyd_vouch(const struct key_vouch_in *in, const char **voucher)
{
	struct key_vouch_out out;

	if (call(&key_vouch, in, &out) < 0)
		return -1;
	*voucher = out.voucher;
	return 0;
}
