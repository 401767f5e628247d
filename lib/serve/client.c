/*
 * client.c - SERVE_CLIENT: one client after another, `uses` times.
 */
#include "base/clock.h"
#include "base/log.h"
#include "serve/internal.h"
#include "serve/tls.h"

static bool
begin_tls(const struct daemon *d, struct io *io, struct peer *peer)
{
	if (d->tls != NULL)
		return tls_start(io, peer, d->tls, d->tls_service()) == 0;
	log_event(LOG_ERROR, "tls-failed", KS("client", peer->addr),
	    KS("reason", "this program has no TLS: listen = inet:"), KEND);
	return false;
}

static void
serve_one(const struct daemon *d, int fd, const struct arrival *a)
{
	struct tls_facts facts = { 0 };
	struct peer peer;
	struct io io;

	io_init_socket(&io, fd, 0);
	serve_arrived(&peer, &io, fd, a);
	peer.facts = &facts;
	log_set_session(peer.id);
	io_wake_on(&io, serve_stop_fd);
	if (!a->tls || begin_tls(d, &io, &peer))
		d->client(&io, &peer);
	tls_facts_free(&facts);
	io_close(&io);
	log_set_session(NULL);
	log_set_queue(NULL);
}

/* After a client, what is kept for the next is given back at *idle_at,
 * also where another process is faster at each client that wakes us. */
static enum wait_result
wait_client(const struct daemon *d, int64_t *idle_at)
{
	enum wait_result r;
	int64_t left;

	if (*idle_at > 0) {
		left = *idle_at - mono_ms();
		r = left > 0 ? serve_wait(left) : WAIT_IDLE;
		if (r != WAIT_IDLE)
			return r;
		tls_release();
		if (d->idle != NULL)
			d->idle();
		*idle_at = 0;
	}
	return serve_wait(launch.max_idle);
}

int
serve_clients(const struct daemon *d)
{
	int64_t used = 0, idle_at = 0;
	enum wait_result r;
	struct arrival a;
	int fd;

	for (;;) {
		r = wait_client(d, &idle_at);
		if (r == WAIT_DRAIN || (r == WAIT_IDLE && status_spare()))
			return 0;
		fd = r == WAIT_READY ? serve_accept(&a) : -1;
		if (fd < 0)
			continue;
		status_busy();
		serve_one(d, fd, &a);
		if (a.gated)
			gate_end(&a.gate);
		used++;
		if (launch.uses > 0 && used >= launch.uses)
			return 0;
		status_idle();
		if (d->idle != NULL || tls_kept())
			idle_at = mono_ms() + IDLE_MS;
	}
}
