/*
 * keyd.c - what keyd tells us: certificates and ticket secrets over two
 * connections of the loop, as they change.  What a handshake asks it is in
 * ask.c.
 */
#include "tlsd.h"

#include <event2/event.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/common.h"
#include "proto/key.h"

enum { FIRST_MS = 3000, RETRY_MS = 200, WAIT_MS = 600000,
	TICKETS_RETRY_MS = 1000 };

struct watch {
	const struct verb_def *verb;
	struct hub_agent *agent;
	struct event *timer;
	void (*ask)(struct watch *w);
	bool fresh;		/* nothing has come over this connection */
};

static int64_t generation;
static struct watch certs, tickets;

static void
later(struct watch *w, int64_t ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	evtimer_add(w->timer, &tv);
}

static void
on_gone(struct hub_agent *a UNUSED, void *ctx, const struct err *why UNUSED)
{
	struct watch *w = ctx;

	w->agent = NULL;
	if (w == &certs)
		certs_drop();
	later(w, RETRY_MS);
}

/* The certificates are of another keyd: so shall the rest be. */
static void
move(void)
{
	certs.fresh = false;
	ask_move();
	if (tickets.agent != NULL)
		hub_agent_close(tickets.agent);
	tickets.agent = NULL;
	later(&tickets, 0);
}

static int
decode(const struct ipc_msg *m, const struct field *t, void *rec,
    struct arena *a)
{
	struct err err = ERR_INIT;

	if (ipc_decode(m, t, rec, a, &err) == 0)
		return 0;
	log_event(LOG_ERROR, "keyd", KERR(&err), KEND);
	return -1;
}

static void
on_certs(struct hub_agent *a UNUSED, void *ctx, struct ipc_msg *m)
{
	struct watch *w = ctx;
	struct key_cert_more more;
	struct key_certs_out out;
	struct arena arena = { 0 };

	if (strcmp(m->verb, "more") == 0) {
		if (decode(m, key_certs.more, &more, &arena) == 0)
			certs_add(&more);
	} else if (strcmp(m->verb, "ok") == 0 &&
	    decode(m, key_certs.out, &out, &arena) == 0) {
		certs_take();
		generation = out.generation;
		if (w->fresh)
			move();
		w->ask(w);
	} else {
		certs_drop();
		later(w, RETRY_MS);
	}
	arena_free(&arena);
}

static void
on_tickets(struct hub_agent *a UNUSED, void *ctx, struct ipc_msg *m)
{
	struct watch *w = ctx;
	struct key_tickets_out out;
	struct arena arena = { 0 };
	int64_t wait = TICKETS_RETRY_MS;

	if (strcmp(m->verb, "ok") == 0 &&
	    decode(m, key_tickets.out, &out, &arena) == 0) {
		tickets_set(&out.keys);
		wait = MAX(out.next, (int64_t)10);
	}
	later(w, wait);
	arena_free(&arena);
}

static bool
open_agent(struct watch *w, hub_msg_fn *fn)
{
	struct err err = ERR_INIT;

	if (w->agent == NULL) {
		w->agent = hub_agent_open(socket_path("keyd"), fn, on_gone, w,
		    &err);
		w->fresh = true;
	}
	if (w->agent == NULL)
		later(w, RETRY_MS);
	return w->agent != NULL;
}

static void
ask_certs(struct watch *w)
{
	struct key_certs_in in = { generation, WAIT_MS };
	struct err err;

	if (open_agent(w, on_certs))
		(void)hub_agent_send(w->agent, w->verb, &in, -1, &err);
}

static void
ask_tickets(struct watch *w)
{
	struct err err;

	if (open_agent(w, on_tickets))
		(void)hub_agent_send(w->agent, w->verb, NULL, -1, &err);
}

static void
on_timer(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct watch *w = arg;

	w->ask(w);
}

static int
first_more(void *ctx UNUSED, const void *more, struct err *err UNUSED)
{
	certs_add(more);
	return 0;
}

/* Before the first client: so STARTTLS works as soon as we are ready.  Without
 * keyd we go on, and ask again. */
static void
first_certs(void)
{
	struct key_certs_in in = { 0, 0 };
	struct key_certs_out out;
	struct key_tickets_out secrets;
	struct err err = ERR_INIT;
	struct ipc c;

	ipc_init(&c, socket_path("keyd"), FIRST_MS);
	if (ipc_call_more(&c, &key_certs, &in, -1, first_more, NULL, &out,
	    &err) == 0) {
		certs_take();
		generation = out.generation;
		if (ipc_call(&c, &key_tickets, NULL, -1, &secrets, NULL, NULL,
		    &err) == 0)
			tickets_set(&secrets.keys);
	} else {
		certs_drop();
		log_event(LOG_ERROR, "keyd", KERR(&err), KEND);
	}
	ipc_free(&c);
}

int
keyd_start(struct err *err)
{
	certs = (struct watch){ .verb = &key_certs, .ask = ask_certs };
	tickets = (struct watch){ .verb = &key_tickets, .ask = ask_tickets };
	certs.timer = evtimer_new(hub_base, on_timer, &certs);
	tickets.timer = evtimer_new(hub_base, on_timer, &tickets);
	if (certs.timer == NULL || tickets.timer == NULL)
		return err_temp(err, "4.3.0", "evtimer_new");
	ask_start();
	first_certs();
	ask_move();
	ask_certs(&certs);
	ask_tickets(&tickets);
	return 0;
}
