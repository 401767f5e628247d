/*
 * give.c - what goes out, to either side.  What a side does not take at once is
 * held, and until it has gone nothing more may be given to that side.
 */
#include "tlsd.h"

#include <event2/event.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include "base/io.h"

static void
hold(struct held *h, const char *p, size_t n)
{
	h->p = xmalloc(n);
	memcpy(h->p, p, n);
	h->at = 0;
	h->n = n;
}

static void
release(struct held *h)
{
	if (h->p != NULL)
		explicit_bzero(h->p, h->n);
	free(h->p);
	*h = (struct held){ 0 };
}

/* --- towards the plain side --- */

/* what was taken; less where the side is full, or -1: it is gone */
static ssize_t
send_plain(struct session *s, const char *p, size_t n)
{
	size_t at = 0;
	ssize_t r;

	while (at < n) {
		r = send(s->plain, p + at, n - at, MSG_NOSIGNAL |
		    MSG_DONTWAIT);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK ||
			    io_later(errno) ? (ssize_t)at : -1;
		at += (size_t)r;
	}
	return (ssize_t)at;
}

/* Whoever reads no more gets no more: the rest is thrown away. */
void
give_plain(struct session *s, const char *p, size_t n)
{
	ssize_t r = send_plain(s, p, n);

	s->in += n;
	if (r >= 0 && (size_t)r < n)
		hold(&s->to_plain, p + r, n - (size_t)r);
}

void
give_plain_rest(struct session *s)
{
	struct held *h = &s->to_plain;
	ssize_t r = send_plain(s, h->p + h->at, h->n - h->at);

	if (r >= 0)
		h->at += (size_t)r;
	if (r < 0 || h->at == h->n)
		release(h);
}

/* the end of what comes from the net is told when all before it was given */
void
give_plain_end(struct session *s)
{
	if (s->net_eof && s->to_plain.n == 0)
		shutdown(s->plain, SHUT_WR);
}

/* --- towards the net --- */

/* 1 all, 0 some is left from *at on, -1 the session is broken */
static int
send_net(struct session *s, const char *p, size_t n, size_t *at)
{
	size_t done;
	int rc, e;

	while (*at < n) {
		ERR_clear_error();
		rc = SSL_write_ex(s->ssl, p + *at, n - *at, &done);
		if (rc == 1) {
			*at += done;
			s->out += done;
			continue;
		}
		e = SSL_get_error(s->ssl, rc);
		return e == SSL_ERROR_WANT_WRITE || e == SSL_ERROR_WANT_READ ?
		    0 : -1;
	}
	return 1;
}

void
give_net(struct session *s, const char *p, size_t n)
{
	size_t at = 0;
	int rc = send_net(s, p, n, &at);

	if (rc < 0)
		s->failed = true;
	else if (rc == 0)
		hold(&s->to_net, p + at, n - at);
}

void
give_net_rest(struct session *s)
{
	struct held *h = &s->to_net;
	int rc = send_net(s, h->p, h->n, &h->at);

	if (rc < 0)
		s->failed = true;
	if (rc != 0)
		release(h);
}

/* close_notify, after all that was to be sent */
void
give_net_end(struct session *s)
{
	int rc;

	if (!s->plain_eof || s->to_net.n > 0 || s->said_bye)
		return;
	ERR_clear_error();
	rc = SSL_shutdown(s->ssl);
	if (rc < 0 && SSL_get_error(s->ssl, rc) == SSL_ERROR_WANT_WRITE) {
		hub_watch(s->net_out);
		return;
	}
	ERR_clear_error();
	s->said_bye = true;
	if (!s->net_eof)	/* else it is closed */
		shutdown(s->net, SHUT_WR);
}

void
give_forget(struct session *s)
{
	release(&s->to_plain);
	release(&s->to_net);
}
