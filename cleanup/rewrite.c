/*
 * rewrite.c - another content for a message under way.
 *
 * What a writer has open is not touched: a new file gets its name, when it is
 * complete.  The name is always there, as a queue id without content would
 * mean that the message was delivered (qmgr/settle.c); a new file that a
 * killed process leaves is content without envelope.  So the descriptor that
 * smtpd has leads to nothing afterwards.
 */
#include "rewrite.h"

#include <sys/stat.h>

#include "base/log.h"

enum { PIECE = 65536 };

struct writer {
	int fd;
	uint64_t size;
	char *buf;
	size_t n;
	bool cr;		/* of a body: one is held back */
	char last;
};

static char *
buffer(int i)
{
	static char *buf[2];

	if (buf[i] == NULL)
		buf[i] = xmalloc(PIECE);
	return buf[i];
}

static int
flush(struct writer *w, struct err *err)
{
	if (full_write(w->fd, w->buf, w->n) < 0)
		return err_sys(err, "write content");
	w->n = 0;
	return 0;
}

static int
put(struct writer *w, const char *p, size_t n, struct err *err)
{
	size_t part;

	w->size += n;
	if (n > 0)
		w->last = p[n - 1];
	for (; n > 0; p += part, n -= part) {
		part = MIN(n, PIECE - w->n);
		memcpy(w->buf + w->n, p, part);
		w->n += part;
		if (w->n == PIECE && flush(w, err) < 0)
			return -1;
	}
	return 0;
}

/* CRLF becomes LF; a CR alone stays, to be refused with the rest */
static int
put_lines(struct writer *w, struct slice s, struct err *err)
{
	const char *p = s.p, *end = s.p + s.n, *cr;

	while (p < end) {
		if (w->cr && *p != '\n' && put(w, "\r", 1, err) < 0)
			return -1;
		w->cr = false;
		cr = memchr(p, '\r', (size_t)(end - p));
		if (put(w, p, (size_t)((cr ? cr : end) - p), err) < 0)
			return -1;
		w->cr = cr != NULL;
		p = cr ? cr + 1 : end;
	}
	return 0;
}

static ssize_t
read_at(int fd, char *p, size_t n, uint64_t at)
{
	ssize_t r;

	do
		r = pread(fd, p, n, (off_t)at);
	while (r < 0 && errno == EINTR);
	return r;
}

/* source bytes from..to */
static int
put_range(struct writer *w, int fd, uint64_t from, uint64_t to,
    struct err *err)
{
	ssize_t r;

	for (; from < to; from += (uint64_t)r) {
		r = read_at(fd, buffer(1),
		    (size_t)MIN((uint64_t)PIECE, to - from), from);
		if (r == 0)
			return err_temp(err, "4.3.0", "content got shorter");
		if (r < 0)
			return err_sys(err, "read content");
		if (put(w, buffer(1), (size_t)r, err) < 0)
			return -1;
	}
	return 0;
}

/* Others have this file and may write to it meanwhile: what is read is read
 * once, and where it grows, not for ever. */
static int
put_body(struct writer *w, int fd, uint64_t max, struct err *err)
{
	uint64_t at = 0;
	struct stat st;
	ssize_t r;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_temp(err, "4.3.0", "a body that is no file");
	while ((r = read_at(fd, buffer(1), PIECE, at)) > 0) {
		at += (uint64_t)r;
		if (at > max)
			return err_temp(err, "4.3.0", "a body of more than "
			    "%llu bytes", (unsigned long long)max);
		if (put_lines(w, (struct slice){ buffer(1), (size_t)r },
		    err) < 0)
			return -1;
	}
	if (r < 0)
		return err_sys(err, "read a body");
	if (w->cr && put(w, "\r", 1, err) < 0)
		return -1;
	w->cr = false;
	return at > 0 && w->last != '\n' ? put(w, "\n", 1, err) : 0;
}

static int
write_all(struct writer *w, const struct message *m, uint64_t size,
    const struct splices *s, struct err *err)
{
	const struct splice *v;
	uint64_t at = 0;

	for (v = s->v; v < s->v + s->n; v++) {
		if (put_range(w, m->fd, at, v->at, err) < 0 ||
		    put(w, v->text.p, v->text.n, err) < 0)
			return -1;
		at = v->at + v->len;
	}
	if (s->has_body) {
		if (put_body(w, s->body, conf.body_limit, err) < 0)
			return -1;
	} else if (put_range(w, m->fd, at, size, err) < 0) {
		return -1;
	}
	return flush(w, err);
}

int
rewrite_copy(const struct message *m, const struct splices *s,
    uint64_t *size, char q_r[QID_SIZE], int *fd_r, struct err *err)
{
	struct writer w = { .fd = -1, .buf = buffer(0) };

	if (spool_space(*size, err) < 0 ||
	    spool_sibling(m->q, q_r, &w.fd, err) < 0)
		return -1;
	if (write_all(&w, m, *size, s, err) < 0) {
		close_fd(w.fd);
		spool_remove(q_r);
		return -1;
	}
	*fd_r = w.fd;
	*size = w.size;
	return 0;
}

/* One that floats is short and in nobody else's hands: it is written over. */
static int
rewrite_floating(struct message *m, const struct splices *s, uint64_t *size,
    struct err *err)
{
	struct str out = STR_INIT;
	const struct splice *v;
	uint64_t at = 0;
	char *old = xmalloc((size_t)*size);
	int rc = content_read(m->fd, old, (size_t)*size, 0, err);

	for (v = s->v; rc == 0 && v < s->v + s->n; v++) {
		str_add(&out, old + at, (size_t)(v->at - at));
		str_addsl(&out, v->text);
		at = v->at + v->len;
	}
	if (rc == 0) {
		str_add(&out, old + at, (size_t)(*size - at));
		rc = content_put(m->fd, slice_str(&out), 0, err);
	}
	if (rc == 0 && out.len < *size &&
	    ftruncate(m->fd, (off_t)out.len) < 0)
		rc = err_sys(err, "cut content");
	if (rc == 0)
		*size = out.len;
	free(old);
	str_free(&out);
	return rc;
}

int
rewrite(struct message *m, const struct splices *s, uint64_t *size,
    struct err *err)
{
	uint64_t new_size = *size;
	char q[QID_SIZE];
	int fd;

	if (m->floating && !s->has_body)
		return rewrite_floating(m, s, size, err);
	if (rewrite_copy(m, s, &new_size, q, &fd, err) < 0)
		return -1;
	if (spool_rename(q, m->q, err) < 0) {
		close_fd(fd);
		spool_remove(q);
		return -1;
	}
	close_fd(m->fd);
	m->fd = fd;
	m->sealed = m->floating = false;
	*size = new_size;
	return 0;
}
