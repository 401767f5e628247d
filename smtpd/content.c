/*
 * content.c - reads DATA and chunks.  Invariant: whatever goes wrong with the
 * message, exactly the octets that belong to it are taken off the stream.
 */
#include "content.h"

#include "backend.h"
#include "base/clock.h"
#include "filter.h"
#include "smtp/data.h"

enum {
	IN_SIZE = 32768,	/* with OUT_SIZE below malloc's limits for */
	OUT_SIZE = 32768,	/* mmap and trim: no system calls for memory */
};

struct content {
	struct session *s;
	struct smtp_data data;
	struct str out;
	int fd;
	uint64_t stored, wire;
	struct err err;		/* kind is ERR_NONE while all is well */
};

struct content *
content_new(struct session *s, bool chunks)
{
	struct content *c = xcalloc(1, sizeof(*c));
	unsigned flags = 0;

	c->s = s;
	c->fd = -1;
	c->out = (struct str)STR_INIT;
	if (session_normalizes())
		flags |= SMTP_DATA_NORMALIZE;
	if (chunks)
		flags |= SMTP_DATA_CHUNKS;
	smtp_data_init(&c->data, flags);
	return c;
}

void
content_free(struct content *c)
{
	if (c == NULL)
		return;
	close_fd(c->fd);
	str_free(&c->out);
	free(c);
}

/* what the message itself is refused for; the first reason stays */
static void
judge(struct content *c)
{
	const struct smtp_data *d = &c->data;

	if (c->err.kind != ERR_NONE)
		return;
	if (d->bytes > conf.message_size)
		err_perm(&c->err, "5.3.4", "message too big: the limit is "
		    "%llu bytes", (unsigned long long)conf.message_size);
	else if (!session_normalizes() && d->bare_cr + d->bare_lf > 0)
		err_perm(&c->err, "5.5.2", "bare CR or bare LF in the "
		    "message: lines end with CRLF (RFC 5321 section 2.3.8)");
	else if (d->nul > 0)
		err_perm(&c->err, "5.6.0", "NUL in the message");
	else if (d->longest > conf.data_line_length)
		err_perm(&c->err, "5.6.0", "a line of the message is too "
		    "long: the limit is %llu bytes",
		    (unsigned long long)conf.data_line_length);
}

static void
store(struct content *c)
{
	struct err err = ERR_INIT;

	judge(c);
	if (c->fd < 0)
		session_name(c->s, true);
	/* err also keeps what went wrong before a second try was well */
	if (c->err.kind == ERR_NONE && c->fd < 0 &&
	    backend_begin(c->s, c->s->txn, &c->fd, &err) < 0)
		c->err = err;
	if (c->err.kind == ERR_NONE && c->out.len > 0) {
		if (full_write(c->fd, c->out.s, c->out.len) < 0)
			err_sys(&c->err, "can not store the message");
		c->stored += c->out.len;
	}
	str_reset(&c->out);
}

/* Octets beyond which nobody is read to the end. */
static uint64_t
hard_limit(void)
{
	return 2 * conf.message_size + (1 << 20);
}

/* The client may pause for data_timeout, and lag behind data_rate by as much
 * in all. */
static void
set_deadline(struct io *io, int64_t start, uint64_t taken)
{
	if (conf.data_rate > 0)
		io->cmd_deadline = start + conf.data_timeout +
		    (int64_t)(taken / conf.data_rate * 1000);
}

struct reader {
	struct session *s;
	int64_t start;
	int timeout_ms, wake_fd;
};

/* A stop of the service waits until the message is read. */
static struct reader
reader_begin(struct session *s)
{
	struct io *io = s->io;
	struct reader r = { s, 0, io->timeout_ms, io->wake_fd };

	if (conf.data_rate > 0)
		r.start = mono_ms();
	io->timeout_ms = (int)conf.data_timeout;
	io->wake_fd = -1;
	io_set_inbuf(io, IN_SIZE);
	return r;
}

static void
reader_end(struct reader *r)
{
	r->s->io->timeout_ms = r->timeout_ms;
	r->s->io->wake_fd = r->wake_fd;
	r->s->io->cmd_deadline = 0;
}

/* decode buf; the octets taken */
static size_t
take(struct content *c, struct slice buf)
{
	size_t used;

	smtp_data_feed(&c->data, buf, &c->out, &used);
	c->wire += used;
	if (c->out.len >= OUT_SIZE)
		store(c);
	return used;
}

enum content_read
content_data(struct session *s, struct content *c)
{
	struct reader r = reader_begin(s);
	enum content_read result = READ_OK;
	struct slice buf;

	while (!c->data.ended) {
		set_deadline(s->io, r.start, c->wire);
		if (io_peek(s->io, &buf) <= 0) {
			result = READ_LOST;
			break;
		}
		io_consume(s->io, take(c, buf));
		if (c->wire > hard_limit()) {
			result = READ_ENDLESS;
			break;
		}
	}
	reader_end(&r);
	return result;
}

enum content_read
content_chunk(struct session *s, struct content *c, uint64_t n)
{
	struct reader r = reader_begin(s);
	enum content_read result = READ_OK;
	uint64_t had = c != NULL ? c->wire : 0, left = n;
	struct slice buf;

	if (n > hard_limit() || had + n > hard_limit())
		result = READ_ENDLESS;
	while (result == READ_OK && left > 0) {
		set_deadline(s->io, r.start, n - left);
		if (io_peek(s->io, &buf) <= 0) {
			result = READ_LOST;
			break;
		}
		if (buf.n > left)
			buf.n = (size_t)left;
		left -= buf.n;
		if (c != NULL)
			take(c, buf);
		io_consume(s->io, buf.n);
	}
	reader_end(&r);
	return result;
}

int
content_check(struct content *c, struct err *err)
{
	judge(c);
	if (c->err.kind == ERR_NONE)
		return 0;
	*err = c->err;
	return -1;
}

int
content_put(struct content *c, uint64_t *size_r, struct err *err)
{
	smtp_data_finish(&c->data, &c->out);
	judge(c);
	if (c->fd >= 0 || c->err.kind != ERR_NONE ||
	    filters_any(c->s) || rules_at_end(c->s))
		return 0;
	session_name(c->s, true);
	*size_r = c->out.len;
	return backend_put(c->s, c->s->txn, &c->out, err);
}

int
content_finish(struct content *c, uint64_t *size_r, struct err *err)
{
	store(c);
	*size_r = c->stored;
	return content_check(c, err);
}
