/*
 * wire.c - what libssl reads and writes of the net.  Two things are saved: a
 * read that only finds out that there is no more, for which the loop will tell,
 * and the writes of a server's session tickets, one by one, which wake the
 * client for nothing: they go with the first data, or a little later.
 */
#include "tlsd.h"

#include <openssl/bio.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/io.h"

enum { WIRE = 4096 };		/* what waits at most */

static BIO_METHOD *method;

static bool
again(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ||
	    io_later(errno);
}

static int
wire_read(BIO *b, char *p, int n)
{
	struct session *s = BIO_get_data(b);
	ssize_t r;

	BIO_clear_retry_flags(b);
	if (!s->readable) {
		BIO_set_retry_read(b);
		return -1;
	}
	do {
		r = recv(s->net, p, (size_t)n, MSG_DONTWAIT);
	} while (r < 0 && errno == EINTR);
	/* the end, too, makes the socket readable once more */
	if (r < n)
		s->readable = false;
	if (r < 0 && again())
		BIO_set_retry_read(b);
	else if (r == 0)
		BIO_set_flags(b, BIO_FLAGS_IN_EOF);
	return (int)r;
}

static void
keep(struct session *s, const char *p, size_t n)
{
	struct held *h = &s->wire;

	if (h->p == NULL)
		h->p = xmalloc(WIRE);
	memcpy(h->p + h->n, p, n);
	h->n += n;
}

void
wire_forget(struct session *s)
{
	free(s->wire.p);	/* it is encrypted */
	s->wire = (struct held){ 0 };
}

/* What waits, and then p.  How much went of p, or -1. */
static ssize_t
send_both(struct session *s, const char *p, size_t n)
{
	struct held *h = &s->wire;
	size_t left = h->n - h->at;
	struct iovec v[2] = { { h->p + h->at, left }, { (char *)p, n } };
	struct msghdr mh = { .msg_iov = v, .msg_iovlen = n > 0 ? 2 : 1 };
	ssize_t r;

	do {
		r = sendmsg(s->net, &mh, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (r < 0 && errno == EINTR);
	if (r < 0)
		return -1;
	if ((size_t)r < left) {
		h->at += (size_t)r;
		errno = EAGAIN;
		return n > 0 ? -1 : 0;
	}
	wire_forget(s);
	return r - (ssize_t)left;
}

static int
wire_write(BIO *b, const char *p, int n)
{
	struct session *s = BIO_get_data(b);
	ssize_t r;

	BIO_clear_retry_flags(b);
	if (s->corked && s->wire.at == 0 && s->wire.n + (size_t)n <= WIRE) {
		keep(s, p, (size_t)n);
		return n;
	}
	if (s->wire.n > 0) {
		r = send_both(s, p, (size_t)n);
	} else {
		do {
			r = send(s->net, p, (size_t)n, MSG_DONTWAIT |
			    MSG_NOSIGNAL);
		} while (r < 0 && errno == EINTR);
	}
	/* of p nothing went, where only what waited did */
	if ((r < 0 && again()) || (r == 0 && n > 0)) {
		BIO_set_retry_write(b);
		return -1;
	}
	return (int)r;
}

int
wire_flush(struct session *s)
{
	if (s->wire.n == 0)
		return 1;
	if (send_both(s, NULL, 0) < 0) {
		if (again())
			return 0;
		wire_forget(s);
		return -1;
	}
	return s->wire.n == 0;
}

static long
wire_ctrl(BIO *b, int command, long n UNUSED, void *p UNUSED)
{
	if (command == BIO_CTRL_EOF)
		return BIO_test_flags(b, BIO_FLAGS_IN_EOF) != 0;
	return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP;
}

void
wire_init(void)
{
	method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK,
	    "wire");
	if (method == NULL || BIO_meth_set_read(method, wire_read) != 1 ||
	    BIO_meth_set_write(method, wire_write) != 1 ||
	    BIO_meth_set_ctrl(method, wire_ctrl) != 1)
		die("BIO_meth_new");
}

int
wire_open(struct session *s)
{
	BIO *b = BIO_new(method);

	if (b == NULL)
		return -1;
	BIO_set_data(b, s);
	BIO_set_init(b, 1);
	SSL_set_bio(s->ssl, b, b);
	s->readable = true;
	return 0;
}
