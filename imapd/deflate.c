/*
 * deflate.c - zlib on both ways.  Every flush of the io ends with a sync flush,
 * so the client can read all that was sent.  Memory: 8 KiB windows out, 32
 * KiB in, as the client may choose that.
 */
#include "deflate.h"

#include <zlib.h>

enum { RAW = 8192, OUT_WINDOW = 13, IN_WINDOW = 15, MEMORY = 5 };

struct deflate {
	struct io_layer layer;
	z_stream in, out;
	unsigned char raw[RAW];
	struct str early;	/* read before the layer was there */
	struct str packed;
	bool more;		/* inflate filled its output */
};

/* up to n octets of what comes: taken from `early` first */
static ssize_t
read_raw(struct deflate *d, int fd)
{
	ssize_t r;

	if (d->early.len > 0) {
		r = (ssize_t)MIN(d->early.len, (size_t)RAW);
		memcpy(d->raw, d->early.s, (size_t)r);
		memmove(d->early.s, d->early.s + r,
		    d->early.len - (size_t)r);
		str_trunc(&d->early, d->early.len - (size_t)r);
		return r;
	}
	return read(fd, d->raw, RAW);
}

static ssize_t
decode(void *ctx, int fd, char *p, size_t n)
{
	struct deflate *d = ctx;
	ssize_t r;
	int rc;

	if (d->in.avail_in == 0 && !d->more) {
		r = read_raw(d, fd);
		if (r <= 0)
			return r;
		d->in.next_in = d->raw;
		d->in.avail_in = (uInt)r;
	}
	d->in.next_out = (Bytef *)p;
	d->in.avail_out = (uInt)MIN(n, (size_t)1 << 20);
	n = d->in.avail_out;
	rc = inflate(&d->in, Z_SYNC_FLUSH);
	if (rc == Z_STREAM_END)
		return 0;
	if (rc != Z_OK && rc != Z_BUF_ERROR) {
		errno = EPROTO;
		return -1;
	}
	d->more = d->in.avail_out == 0;
	n -= d->in.avail_out;
	if (n == 0)
		errno = EAGAIN;
	return n > 0 ? (ssize_t)n : -1;
}

static bool
pending(void *ctx)
{
	const struct deflate *d = ctx;

	return d->in.avail_in > 0 || d->more || d->early.len > 0;
}

static void
encode(void *ctx, struct str *s)
{
	struct deflate *d = ctx;
	size_t room;

	str_reset(&d->packed);
	d->out.next_in = (Bytef *)s->s;
	d->out.avail_in = (uInt)s->len;
	do {
		str_grow(&d->packed, RAW);
		room = d->packed.cap - d->packed.len - 1;
		d->out.next_out = (Bytef *)d->packed.s + d->packed.len;
		d->out.avail_out = (uInt)room;
		deflate(&d->out, Z_SYNC_FLUSH);
		d->packed.len += room - d->out.avail_out;
	} while (d->out.avail_out == 0);
	str_reset(s);
	str_add(s, d->packed.s, d->packed.len);
}

struct deflate *
deflate_start(struct io *io)
{
	struct deflate *d = xcalloc(1, sizeof(*d));

	d->layer = (struct io_layer){ d, decode, pending, encode };
	d->early = (struct str)STR_INIT;
	d->packed = (struct str)STR_INIT;
	if (inflateInit2(&d->in, -IN_WINDOW) != Z_OK) {
		free(d);
		return NULL;
	}
	if (deflateInit2(&d->out, Z_DEFAULT_COMPRESSION, Z_DEFLATED,
	    -OUT_WINDOW, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK) {
		inflateEnd(&d->in);
		free(d);
		return NULL;
	}
	str_add(&d->early, io->in + io->in_pos, io_pending(io));
	io_consume(io, io_pending(io));
	io->layer = &d->layer;
	return d;
}

void
deflate_stop(struct deflate *d, struct io *io)
{
	if (d == NULL)
		return;
	io->layer = NULL;
	inflateEnd(&d->in);
	deflateEnd(&d->out);
	str_free(&d->early);
	str_free(&d->packed);
	free(d);
}
