/*
 * pump.c - bytes from the encrypted to the plain side and back.  What a side
 * does not take at once is held, at most CHUNK bytes, and meanwhile nothing is
 * read for it; an idle session holds nothing.
 */
#include "tlsd.h"

#include <event2/event.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/clock.h"

enum { ROUNDS = 4, RECORD = 16384, LINGER_MS = 5000, FLUSH_MS = 300000,
	TICKETS_MS = 10 };

static char buf[CHUNK];
static size_t used;		/* of it, since it was wiped */

static void update(struct session *s);

void
pump_forget(struct session *s)
{
	give_forget(s);
	explicit_bzero(buf, used);
	used = 0;
}

/* --- reading --- */

/* 1 more, 0 nothing now, -1 the end; *n grows */
static int
read_record(struct session *s, size_t *n)
{
	size_t got = 0;
	int rc, e;

	s->message = false;
	ERR_clear_error();
	errno = 0;
	rc = SSL_read_ex(s->ssl, buf + *n, sizeof(buf) - *n, &got);
	if (rc == 1) {
		*n += got;
		used = MAX(used, *n);
		return 1;
	}
	e = SSL_get_error(s->ssl, rc);
	if (e == SSL_ERROR_WANT_READ)
		return s->message && !s->failed;
	if (e == SSL_ERROR_WANT_WRITE) {
		hub_watch(s->net_out);
		return 0;
	}
	s->net_eof = true;
	if (e != SSL_ERROR_ZERO_RETURN)
		s->failed = true;
	ERR_clear_error();
	return -1;
}

static void
read_net(struct session *s)
{
	int i, rc = 1;
	size_t n;

	for (i = 0; i < ROUNDS && rc == 1 && s->to_plain.n == 0; i++) {
		n = 0;
		while (rc == 1 && n + RECORD <= sizeof(buf))
			rc = read_record(s, &n);
		if (n > 0)
			give_plain(s, buf, n);
		if (s->failed)
			break;
	}
	/* what libssl has read already wakes nobody */
	if (rc == 1 && s->to_plain.n == 0)
		event_active(s->net_in, EV_TIMEOUT, 0);
	give_plain_end(s);
}

static void
read_plain(struct session *s)
{
	ssize_t n;
	int i;

	for (i = 0; i < ROUNDS && s->to_net.n == 0 && !s->failed; i++) {
		n = recv(s->plain, buf, sizeof(buf), MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (n <= 0) {
			s->plain_eof = true;
			break;
		}
		used = MAX(used, (size_t)n);
		give_net(s, buf, (size_t)n);
		if ((size_t)n < sizeof(buf))
			break;
	}
	give_net_end(s);
}

/* --- the events --- */

void
pump_net_in(struct session *s)
{
	if (s->to_plain.n == 0 && !s->net_eof)
		read_net(s);
	update(s);
}

void
pump_net_out(struct session *s)
{
	hub_unwatch(s->net_out);
	if (wire_flush(s) < 0)
		s->failed = true;
	if (s->to_net.n > 0)
		give_net_rest(s);
	give_net_end(s);
	if (s->to_plain.n == 0 && !s->net_eof && !s->failed)
		read_net(s);	/* it may have waited for room to write */
	update(s);
}

static void
on_plain_in(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct session *s = arg;

	if (s->to_net.n == 0 && !s->plain_eof)
		read_plain(s);
	if (s->tickets_wait && s->wire.n == 0) {
		s->tickets_wait = false;
		evtimer_del(s->timer);
	}
	update(s);
}

static void
on_plain_out(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct session *s = arg;

	give_plain_rest(s);
	give_plain_end(s);
	if (s->to_plain.n == 0 && !s->net_eof && !s->failed)
		read_net(s);	/* libssl may have some of it already */
	update(s);
}

void
pump_timer(struct session *s)
{
	if (s->tickets_wait) {
		s->tickets_wait = false;
		if (wire_flush(s) < 0)
			s->failed = true;
		update(s);
		return;
	}
	session_log(s, "cut", "the peer does not end");
	session_free(s);
}

static void
want(struct event *ev, bool on)
{
	if (on == hub_watched(ev))
		return;
	if (on)
		hub_watch(ev);
	else
		hub_unwatch(ev);
}

static struct event *
make(struct event **ev, int fd, short what, event_callback_fn fn,
    struct session *s)
{
	if (*ev == NULL)
		*ev = event_new(hub_base, fd, what | EV_PERSIST, fn, s);
	if (*ev == NULL)
		die("event_new");
	return *ev;
}

/* has the program closed its end, not only stopped to write? */
static bool
hung_up(const struct session *s)
{
	struct pollfd p = { s->plain, 0, 0 };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLHUP);
}

/* When the program is gone the client gets the rest, and then it has some time
 * to say good-bye: closing with input unread would cut off the rest. */
static void
end_some_time(struct session *s)
{
	int64_t ms = s->to_net.n > 0 || !s->said_bye ? FLUSH_MS : LINGER_MS;
	struct timeval tv = { ms / 1000, 0 };

	if (s->plain_eof && !s->net_eof && hung_up(s) &&
	    (!evtimer_pending(s->timer, NULL) || s->said_bye)) {
		s->tickets_wait = false;
		evtimer_add(s->timer, &tv);
	}
}

static void
update(struct session *s)
{
	bool over = s->net_eof && s->to_plain.n == 0 &&
	    (s->said_bye || s->failed);

	if (s->failed && s->to_plain.n == 0)
		over = true;
	if (over) {
		session_log(s, s->failed ? "broken" : s->got_bye ? "closed" :
		    "truncated", s->why != NULL ? s->why : "");
		session_free(s);
		return;
	}
	want(s->net_in, !s->net_eof && s->to_plain.n == 0 && !s->failed);
	want(s->plain_in, !s->plain_eof && s->to_net.n == 0 && !s->failed);
	if (s->to_net.n > 0 || (s->wire.n > 0 && !s->tickets_wait))
		hub_watch(s->net_out);
	if (s->to_plain.n > 0)
		hub_watch(make(&s->plain_out, s->plain, EV_WRITE,
		    on_plain_out, s));
	else if (s->plain_out != NULL)
		hub_unwatch(s->plain_out);
	end_some_time(s);
}

/* KeyUpdates cost us work and the client nothing: KEYUPDATES at once, then
 * one a second. */
static void
count_update(struct session *s)
{
	int64_t now = mono_ms(), more = (now - s->updates_at) / 1000;

	if (s->updates_at == 0 || more > 0) {
		s->updates = (int)MIN(s->updates + more, (int64_t)KEYUPDATES);
		s->updates_at = now;
	}
	if (--s->updates < 0) {
		s->failed = true;
		s->why = "too many key updates";
	}
}

void
pump_message(int out, int version UNUSED, int type, const void *p, size_t n,
    SSL *ssl, void *arg UNUSED)
{
	const unsigned char *msg = p;
	struct session *s = ssl_session(ssl);

	/* RFC 8446 section 6.2: "unrelated to the peer" */
	if (out && s != NULL && s->hs != NULL && type == SSL3_RT_ALERT &&
	    n == 2 && msg[1] == SSL_AD_INTERNAL_ERROR)
		s->hs->ours = true;
	if (out || s == NULL || !s->done || n < 1)
		return;
	if (type == SSL3_RT_ALERT && n == 2 && msg[1] == SSL_AD_CLOSE_NOTIFY)
		s->got_bye = true;
	if (type != SSL3_RT_HANDSHAKE)
		return;
	s->message = true;
	if (msg[0] == SSL3_MT_KEY_UPDATE)
		count_update(s);
}

void
pump_start(struct session *s)
{
	static const struct timeval some = { 0, TICKETS_MS * 1000 };

	hub_unwatch(s->net_out);
	evtimer_del(s->timer);
	make(&s->plain_in, s->plain, EV_READ, on_plain_in, s);
	if (s->tickets_wait)
		evtimer_add(s->timer, &some);
	/* it may have come with the end of the handshake */
	if (s->readable || SSL_has_pending(s->ssl))
		event_active(s->net_in, EV_TIMEOUT, 0);
	update(s);
}
