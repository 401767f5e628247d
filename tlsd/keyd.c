/*
 * keyd.c - what we ask of keyd: certificates and ticket secrets over two
 * connections of the loop, as they change; signatures by calls that block for
 * a moment.  A keyd that is not there costs each handshake at most
 * key_timeout, and only one in BREAK_MS.
 */
#include "tlsd.h"

#include <event2/event.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/common.h"
#include "proto/key.h"

enum { FIRST_MS = 3000, RETRY_MS = 200, BREAK_MS = 200, WAIT_MS = 600000,
	TICKETS_RETRY_MS = 1000 };

struct watch {
	const struct verb_def *verb;
	struct hub_agent *agent;
	struct event *timer;
	void (*ask)(struct watch *w);
};

static struct ipc signer;
static int64_t broken_until;	/* mono_ms; 0 no */
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

	if (w->agent == NULL)
		w->agent = hub_agent_open(socket_path("keyd"), fn, on_gone, w,
		    &err);
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
	ipc_init(&signer, socket_path("keyd"), (int)conf.key_timeout);
	first_certs();
	ask_certs(&certs);
	ask_tickets(&tickets);
	return 0;
}

static int
call(const struct verb_def *v, const void *in, void *out)
{
	struct err err = ERR_INIT;
	int64_t now = mono_ms();

	if (broken_until > now)
		return -1;
	if (ipc_call(&signer, v, in, -1, out, NULL, NULL, &err) == 0)
		return 0;
	if (signer.fd < 0)		/* not its answer: it is not there */
		broken_until = mono_ms() + BREAK_MS;
	log_event(LOG_ERROR, "keyd", KERR(&err), KEND);
	return -1;
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
