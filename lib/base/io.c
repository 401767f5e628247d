/*
 * io.c - in[in_pos..in_len) is what was read and not yet consumed.  A wait is
 * bounded by timeout_ms, by cmd_deadline and by deadline, whichever is first.
 */
#include "base/io.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/clock.h"

enum { IN_DEFAULT = 4096, OUT_LIMIT = 32768,
	LAST_WRITE_MS = 1000, LATER_MS = 5, LATER_MAX = 2000 };

volatile sig_atomic_t io_stopping;

void
io_init_socket(struct io *io, int fd, int timeout_ms)
{
	memset(io, 0, sizeof(*io));
	io->fd = io->out_fd = fd;
	io->timeout_ms = timeout_ms;
	io->in_cap = IN_DEFAULT;
	io->out = (struct str)STR_INIT;
	io->wake_fd = -1;
	io->is_socket = true;
}

void
io_init(struct io *io, int fd, int timeout_ms)
{
	struct stat st;

	io_init_socket(io, fd, timeout_ms);
	io->is_socket = fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

void
io_block(struct io *io, int ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	io->block_ms = setsockopt(io->fd, SOL_SOCKET, SO_RCVTIMEO, &tv,
	    sizeof(tv)) == 0 ? ms : 0;
}

void
io_free(struct io *io)
{
	free(io->in);
	io->in = NULL;
	io->in_pos = io->in_len = 0;
	str_free(&io->out);
}

void
io_close(struct io *io)
{
	io_free(io);
	close_fd(io->fd);
	io->fd = -1;
}

void
io_wake_on(struct io *io, int fd)
{
	io->wake_fd = fd;
}

static int
fail(struct io *io, const char *what)
{
	io->failed = true;
	return err_sys(&io->err, "%s", what);
}

static int
fail_timeout(struct io *io)
{
	io->failed = io->timed_out = true;
	return err_temp(&io->err, "4.4.2", "timeout");
}

/* milliseconds to wait at most; -1 for ever, 0 none left */
static int
time_left(const struct io *io)
{
	int64_t now, left = io->timeout_ms > 0 ? io->timeout_ms : INT_MAX;

	if (io->deadline == 0 && io->cmd_deadline == 0)
		return io->timeout_ms > 0 ? io->timeout_ms : -1;
	now = mono_ms();
	if (io->deadline > 0)
		left = MIN(left, io->deadline - now);
	if (io->cmd_deadline > 0)
		left = MIN(left, io->cmd_deadline - now);
	return left < 0 ? 0 : (int)left;
}

static int
fail_woken(struct io *io)
{
	io->failed = io->woken = true;
	err_temp(&io->err, "4.3.2", "service shutting down");
	return 0;
}

/* 1 ready, 0 wake_fd asks us to stop, -1 timeout or trouble */
static int
wait_to_write(struct io *io)
{
	struct pollfd p[2] = { { io->out_fd, POLLOUT, 0 },
	    { io->wake_fd, POLLIN, 0 } };
	int64_t rest;
	int r, left;

	for (;;) {
		left = time_left(io);
		if (left == 0)	/* however slowly the peer reads */
			return fail_timeout(io);
		if (io->last_write > 0) {
			rest = io->last_write - mono_ms();
			if (rest <= 0)
				return fail_woken(io);
			left = left < 0 ? (int)rest : (int)MIN(left, rest);
		}
		r = poll(p, io->wake_fd >= 0 && io->last_write == 0 ? 2 : 1,
		    left);
		if (r < 0 && errno != EINTR)
			return fail(io, "poll");
		if (r > 0 && p[0].revents != 0)
			return 1;
		if (r > 0)
			io->last_write = mono_ms() + LAST_WRITE_MS;
		else if (r == 0 && io->last_write == 0)
			return fail_timeout(io);
	}
}

/* the same; who waits here may be idle, and has waited ms */
static int
wait_to_read(struct io *io, int ms)
{
	struct pollfd p[2] = { { io->fd, POLLIN, 0 },
	    { io->wake_fd, POLLIN, 0 } };
	nfds_t n = io->wake_fd >= 0 ? 2 : 1;
	int r, left, idle = io->idle != NULL ? io->idle_ms : 0;

	if (idle > 0)
		idle = MAX(idle - ms, 1);
	for (;;) {
		left = time_left(io);
		if (left == 0)	/* whatever the peer goes on to send */
			return fail_timeout(io);
		if (idle > 0 && (left < 0 || idle < left)) {
			r = poll(p, n, idle);
			if (r == 0) {
				io->idle(io->idle_arg);
				idle = 0;
				continue;
			}
		} else {
			r = poll(p, n, left);
		}
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return fail(io, "poll");
		if (r == 0)
			return fail_timeout(io);
		return p[0].revents != 0 ? 1 : fail_woken(io);
	}
}

static ssize_t
send_some(struct io *io, const char *p, size_t n)
{
	if (io->is_socket)
		return send(io->out_fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	return write(io->out_fd, p, n);
}

bool
io_later(int e)
{
	if (e != ENOBUFS && e != ENOMEM && e != ETOOMANYREFS)
		return false;
	poll(NULL, 0, LATER_MS);
	return true;
}

int
io_flush(struct io *io)
{
	int later = 0;
	size_t at = 0;
	ssize_t w;

	if (io->layer != NULL && io->out.len > 0 && !io->failed)
		io->layer->encode(io->layer->ctx, &io->out);
	while (!io->failed && at < io->out.len) {
		w = send_some(io, io->out.s + at, io->out.len - at);
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0 && errno == EAGAIN) {
			wait_to_write(io);
			continue;
		}
		if (w < 0 && later++ < LATER_MAX && io_later(errno)) {
			if (time_left(io) == 0)
				fail_timeout(io);
			continue;
		}
		if (w < 0) {
			fail(io, "write");
			break;
		}
		at += (size_t)w;
		io->bytes_out += (size_t)w;
	}
	str_reset(&io->out);
	return io->failed ? -1 : 0;
}

int
io_break(struct io *io, const char *why)
{
	if (io->failed)
		return -1;
	io->failed = true;
	str_reset(&io->out);
	return err_temp(&io->err, "4.3.0", "%s", why);
}

void
io_put(struct io *io, const void *p, size_t n)
{
	if (io->failed)
		return;
	str_add(&io->out, p, n);
	if (io->out.len >= OUT_LIMIT)
		io_flush(io);
}

void
io_puts(struct io *io, const char *z)
{
	io_put(io, z, strlen(z));
}

void
io_printf(struct io *io, const char *fmt, ...)
{
	va_list ap;

	if (io->failed)
		return;
	va_start(ap, fmt);
	str_vaddf(&io->out, fmt, ap);
	va_end(ap);
	if (io->out.len >= OUT_LIMIT)
		io_flush(io);
}

static bool
layer_pending(const struct io *io)
{
	return io->layer != NULL && io->layer->pending(io->layer->ctx);
}

static ssize_t
get(struct io *io, char *p, size_t n)
{
	if (io->layer != NULL)
		return io->layer->decode(io->layer->ctx, io->fd, p, n);
	return read(io->fd, p, n);
}

/* may the first wait be the kernel's, in read itself? */
static bool
may_block(const struct io *io)
{
	int left = io->block_ms > 0 && io->layer == NULL && !io_stopping ?
	    time_left(io) : 0;

	return left < 0 || left > io->block_ms;
}

/* wait, and read into the room at in_len: as read(2) */
static ssize_t
wait_and_get(struct io *io)
{
	bool blocks = may_block(io);
	int waited = blocks ? io->block_ms : 0;
	ssize_t r;

	for (;;) {
		if (!blocks && !layer_pending(io) &&
		    wait_to_read(io, waited) <= 0)
			return -1;
		r = get(io, io->in + io->in_len, io->in_cap - io->in_len);
		if (r >= 0)
			return r;
		if (errno != EINTR && errno != EAGAIN)
			return fail(io, "read");
		if (!blocks || errno == EINTR)
			waited = 0;
		blocks = false;
	}
}

/* read once more behind in_len, making room first: 1, 0 EOF, -1 */
static int
fill(struct io *io)
{
	ssize_t r;

	if (io->failed)
		return -1;
	if (io->eof)
		return 0;
	if (io_flush(io) < 0)
		return -1;
	if (io->in == NULL)
		io->in = xmalloc(io->in_cap);
	if (io->in_pos > 0) {
		memmove(io->in, io->in + io->in_pos, io->in_len - io->in_pos);
		io->in_len -= io->in_pos;
		io->in_pos = 0;
	}
	if (io->in_len == io->in_cap) {
		io->in_cap *= 2;
		io->in = xrealloc(io->in, io->in_cap);
	}
	r = wait_and_get(io);
	if (r < 0)
		return -1;
	if (r == 0) {
		io->eof = true;
		return 0;
	}
	io->in_len += (size_t)r;
	io->bytes_in += (size_t)r;
	return 1;
}

/* consume up to and with the next LF without keeping it */
static int
skip_line(struct io *io, size_t budget)
{
	struct slice s;
	size_t i;
	int r;

	for (;;) {
		s = (struct slice){ io->in + io->in_pos, io_pending(io) };
		i = slice_find(s, '\n');
		if (i < s.n) {
			io->in_pos += i + 1;
			return 1;
		}
		if (s.n > budget) {
			io->failed = true;
			return err_perm(&io->err, "5.5.2", "endless line");
		}
		budget -= s.n;
		io->in_pos = io->in_len = 0;
		r = fill(io);
		if (r <= 0)
			return r;
	}
}

static struct slice
take_line(struct io *io, size_t n, enum io_eol *eol)
{
	struct slice line = { io->in + io->in_pos, n };

	io->in_pos += n + 1;
	if (eol != NULL)
		*eol = IO_LF;
	if (line.n > 0 && line.p[line.n - 1] == '\r') {
		line.n--;
		if (eol != NULL)
			*eol = IO_CRLF;
	}
	return line;
}

int
io_getline(struct io *io, size_t max, struct slice *line, enum io_eol *eol,
    bool *too_long)
{
	size_t seen = 0, n;
	const char *nl;
	int r;

	*too_long = false;
	for (;;) {
		n = io_pending(io);
		nl = n > seen ? memchr(io->in + io->in_pos + seen, '\n',
		    n - seen) : NULL;
		if (nl != NULL) {
			n = (size_t)(nl - io->in) - io->in_pos;
			*line = take_line(io, n, eol);
			*too_long = line->n > max;
			if (*too_long)
				*line = SLICE_LIT("");
			return 1;
		}
		if (n > max + 1) {
			*too_long = true;
			*line = SLICE_LIT("");
			return skip_line(io, 16 * max);
		}
		seen = n;
		r = fill(io);
		if (r <= 0)
			return r;
	}
}

int
io_peek(struct io *io, struct slice *buf)
{
	int r;

	if (io_pending(io) == 0) {
		r = fill(io);
		if (r <= 0)
			return r;
	}
	*buf = (struct slice){ io->in + io->in_pos, io_pending(io) };
	return 1;
}

void
io_consume(struct io *io, size_t n)
{
	assert(n <= io_pending(io));
	io->in_pos += n;
}

size_t
io_pending(const struct io *io)
{
	return io->in_len - io->in_pos;
}

bool
io_has_line(const struct io *io)
{
	return io_pending(io) > 0 &&
	    memchr(io->in + io->in_pos, '\n', io_pending(io)) != NULL;
}

void
io_unread(struct io *io, const void *p, size_t n)
{
	size_t have = io_pending(io), need;

	if (n == 0)
		return;
	if (add_overflows(n, have, &need))
		die("io_unread: %zu bytes", n);
	if (io->in == NULL || need > io->in_cap) {
		io->in_cap = MAX(need, io->in_cap);
		io->in = xrealloc(io->in, io->in_cap);
	}
	memmove(io->in + n, io->in + io->in_pos, have);
	memcpy(io->in, p, n);
	io->in_pos = 0;
	io->in_len = need;
}

void
io_shrink(struct io *io)
{
	if (io_pending(io) > 0)
		return;
	free(io->in);
	io->in = NULL;
	io->in_pos = io->in_len = 0;
	io->in_cap = IN_DEFAULT;
	if (io->out.len == 0)
		str_free(&io->out);
}

void
io_wipe(struct io *io)
{
	if (io->in == NULL)
		return;
	explicit_bzero(io->in, io->in_pos);
	explicit_bzero(io->in + io->in_len, io->in_cap - io->in_len);
}

void
io_set_inbuf(struct io *io, size_t cap)
{
	if (cap <= io->in_cap)
		return;
	if (io->in != NULL)
		io->in = xrealloc(io->in, cap);
	io->in_cap = cap;
}
