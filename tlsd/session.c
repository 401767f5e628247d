/*
 * session.c - from a descriptor to a handshake that is done or has failed.
 * A session ends at one place, session_free, and is in no list afterwards.
 */
#include "tlsd.h"

#include <event2/event.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"

static struct session *sessions;
static size_t nsessions;
static bool draining, patient;

size_t
sessions_open(void)
{
	return nsessions;
}

static bool
is_full(void)
{
	return (int64_t)nsessions >= launch.clients;
}

bool
sessions_closed(void)
{
	return draining || is_full();
}

void
session_limit(void)
{
	hub_full(is_full());
	if (is_full())
		callers_end();
}

struct session *
session_new(int net, bool server)
{
	struct session *s = xcalloc(1, sizeof(*s));

	s->net = net;
	s->plain = -1;
	s->server = server;
	s->updates = KEYUPDATES;
	s->next = sessions;
	s->prev = &sessions;
	if (sessions != NULL)
		sessions->prev = &s->next;
	sessions = s;
	nsessions++;
	counters.sessions++;
	return s;
}

static void
free_event(struct event *ev)
{
	if (ev != NULL)
		hub_free(ev);
}

static void
free_handshake(struct session *s)
{
	if (s->hs == NULL)
		return;
	arena_free(&s->hs->arena);
	free(s->hs);
	s->hs = NULL;
}

void
session_free(struct session *s)
{
	if (s->hs != NULL)
		fibre_cancel(&s->hs->work);
	if (s->wire.n > 0)		/* an alert */
		(void)wire_flush(s);
	wire_forget(s);
	free_event(s->net_in);
	free_event(s->net_out);
	free_event(s->plain_in);
	free_event(s->plain_out);
	free_event(s->timer);
	SSL_free(s->ssl);
	close_fd(s->net);
	close_fd(s->plain);
	pump_forget(s);
	free_handshake(s);
	*s->prev = s->next;
	if (s->next != NULL)
		s->next->prev = s->prev;
	free(s);
	nsessions--;
	counters.sessions--;
	session_limit();
	session_over();
}

void
session_over(void)
{
	if (draining && nsessions == 0 && (callers_open() == 0 || patient))
		hub_exit();
}

static void
on_patient(evutil_socket_t fd UNUSED, short what UNUSED, void *arg UNUSED)
{
	patient = true;
	session_over();
}

/* The generation ends: what is there goes on to its end, and who has called us
 * has some time to say what for. */
void
session_drain(void)
{
	static const struct timeval some = { 1, 0 };

	draining = true;
	callers_end();
	if (event_base_once(hub_base, -1, EV_TIMEOUT, on_patient, NULL,
	    &some) < 0)
		patient = true;
	session_over();
}

void
session_log(struct session *s, const char *what, const char *reason)
{
	log_set_session(s->id);
	log_event(LOG_DEBUG, "session-end", KS("what", what),
	    KS("why", reason), KU("in", s->in), KU("out", s->out), KEND);
	log_set_session(NULL);
}

static void
fail(struct session *s, const struct err *err)
{
	struct handshake *h = s->hs;
	enum log_level level = h->ours ? LOG_WARN : LOG_INFO;

	counters.failed++;
	log_set_session(s->id);
	if (s->server)
		log_event(level, "handshake-failed",
		    KS("service", h->server.service),
		    KS("client", h->server.client_addr),
		    KS("why", err->text), KEND);
	else
		log_event(level, "handshake-failed",
		    KS("service", h->client.service),
		    KS("server", h->client.sni), KS("why", err->text), KEND);
	log_set_session(NULL);
	caller_err(h, err);
	session_free(s);
}

static void
fail_openssl(struct session *s)
{
	bool verify = ERR_GET_REASON(ERR_peek_error()) ==
	    SSL_R_CERTIFICATE_VERIFY_FAILED;
	struct err err = ERR_INIT;
	char why[200];

	if (reason_text(s, s->hs->e, why, sizeof(why)))
		s->hs->ours = true;
	err_temp(&err, s->hs->no_cert ? "4.3.5" : verify ? "4.7.5" :
	    s->server && s->hs->ours ? "4.3.0" : "4.7.0", "%s", why);
	fail(s, &err);
}

/* The plain side: one end stays, the other is the caller's. */
static int
make_plain(struct session *s, struct err *err)
{
	int p[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p) < 0)
		return err_sys(err, "socketpair");
	s->plain = p[0];
	return p[1];
}

static void
finish(struct session *s)
{
	const struct tls_facts_out *facts = &s->hs->facts;
	struct err err = ERR_INIT;
	int theirs;

	if (s->hs->unwanted) {
		SSL_shutdown(s->ssl);
		fail(s, &s->hs->err);
		return;
	}
	theirs = make_plain(s, &err);
	if (theirs < 0) {
		s->hs->ours = true;
		fail(s, &err);
		return;
	}
	ERR_clear_error();
	s->done = true;
	counters.handshakes++;
	counters.resumed += facts->resumed;
	log_set_session(s->id);
	log_event(LOG_DEBUG, "handshake", KS("version", facts->version),
	    KS("cipher", facts->cipher), KS("sni", facts->sni), KEND);
	log_set_session(NULL);
	caller_ok(s->hs, facts, theirs);
	close(theirs);
	free_handshake(s);
	SSL_certs_clear(s->ssl);
	pump_start(s);
}

/* What was written goes.  The tickets of TLS 1.3, with which our part of a
 * handshake ends, go with what the program says first. */
static void
flush(struct session *s, bool done)
{
	if (done && s->server && SSL_version(s->ssl) == TLS1_3_VERSION)
		s->tickets_wait = s->wire.n > 0;
	else if (wire_flush(s) == 0)
		hub_watch(s->net_out);
}

/* May wait for keyd: in a server's signature, and to have a certificate
 * vouched for. */
static void
work(void *arg)
{
	struct session *s = arg;
	struct handshake *h = s->hs;

	ERR_clear_error();
	errno = 0;
	s->corked = true;
	h->rc = SSL_do_handshake(s->ssl);
	s->corked = false;
	h->e = h->rc == 1 ? 0 : SSL_get_error(s->ssl, h->rc);
	h->sys = errno;
	if (h->rc != 1)
		return;
	if (!s->server && peer_check(s->ssl, &h->client, &h->err) < 0)
		h->unwanted = true;
	else
		facts_fill(s, &h->arena, &h->facts);
}

static void
after(void *arg)
{
	struct session *s = arg;
	int e = s->hs->e;

	errno = s->hs->sys;
	if (s->hs->rc == 1) {
		flush(s, true);
		finish(s);
	} else if (e == SSL_ERROR_WANT_READ) {
		hub_unwatch(s->net_out);
		hub_watch(s->net_in);
		flush(s, false);
	} else if (e == SSL_ERROR_WANT_WRITE) {
		hub_unwatch(s->net_in);
		hub_watch(s->net_out);
	} else {
		fail_openssl(s);
	}
}

/* Only a server asks keyd. */
static void
step(struct session *s)
{
	struct err err = ERR_INIT;
	int rc;

	if (!s->server) {
		work(s);
		after(s);
		return;
	}
	s->hs->work = (struct fibre_work){ .work = work, .then = after,
		.arg = s };
	rc = fibre_run(&s->hs->work);
	if (rc == 0) {
		hub_unwatch(s->net_in);
		hub_unwatch(s->net_out);
	} else if (rc < 0) {
		s->hs->ours = true;
		err_temp(&err, "4.3.0", "no memory for a handshake");
		fail(s, &err);
	}
}

/* What is waited for may be in libssl already (EV_TIMEOUT, by our own hand):
 * of the socket that says nothing. */
static void
on_net_in(evutil_socket_t fd UNUSED, short what, void *arg)
{
	struct session *s = arg;

	if (what & EV_READ)
		s->readable = true;
	if (s->done)
		pump_net_in(s);
	else
		step(s);
}

static void
on_net_out(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct session *s = arg;

	if (s->done)
		pump_net_out(s);
	else if (wire_flush(s) != 0)
		step(s);
}

static void
on_timer(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct session *s = arg;
	struct err err = ERR_INIT;

	if (s->done) {
		pump_timer(s);
		return;
	}
	err_temp(&err, "4.7.0", "handshake took too long");
	fail(s, &err);
}

void
session_start(struct session *s)
{
	struct handshake *h = s->hs;
	int64_t ms = s->server ? h->server.timeout : h->client.timeout;
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	s->net_in = event_new(hub_base, s->net, EV_READ | EV_PERSIST,
	    on_net_in, s);
	s->net_out = event_new(hub_base, s->net, EV_WRITE | EV_PERSIST,
	    on_net_out, s);
	s->timer = evtimer_new(hub_base, on_timer, s);
	if (s->net_in == NULL || s->net_out == NULL || s->timer == NULL)
		die("event_new");
	event_add(s->timer, &tv);
	step(s);
}
