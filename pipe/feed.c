/*
 * feed.c - what a command reads.  The content begins with our trace, first
 * of all Return-Path and, where there was one recipient, Delivered-To.
 */
#include <limits.h>

#include "pipe.h"
#include "queue/content.h"

enum { CHUNK = 65536 };

static const char *
line_end(void)
{
	return conf.line_end == END_CRLF ? "\r\n" : "\n";
}

static void
field(struct str *out, const char *name, const char *value)
{
	str_addf(out, "%s%s%s", name, value, line_end());
}

void
feed_init(struct feed *f, int fd, uint64_t size, const struct words *w,
    int64_t created)
{
	char head[4096];
	struct slice rest = { head, 0 };
	ssize_t n = pread(fd, head, sizeof(head), 0);
	size_t skip;

	*f = (struct feed){ .fd = fd, .size = size, .failed = n < 0,
		.form = { .end = line_end(), .plain = !conf.from_line } };
	rest.n = n > 0 ? (size_t)n : 0;
	if (conf.from_line)
		from_line_begin(&f->out, &f->form, w->sender,
		    created / 1000000);
	skip = content_trace(rest, "Return-Path:");
	rest = slice_sub(rest, skip, rest.n);
	f->at = skip;
	if (conf.return_path)
		str_addf(&f->out, "Return-Path: <%s>%s", w->sender,
		    line_end());
	skip = content_trace(rest, "Delivered-To:");
	f->at += skip;
	if (conf.original_to && w->original[0] != '\0')
		field(&f->out, "X-Original-To: ", w->original);
	if (conf.delivered_to && w->recipient[0] != '\0')
		field(&f->out, "Delivered-To: ", w->recipient);
}

static int
fill(struct feed *f)
{
	static char buf[CHUNK];
	uint64_t left = f->size - f->at;
	size_t want = (size_t)MIN(left, (uint64_t)CHUNK);
	ssize_t n = pread(f->fd, buf, want, (off_t)f->at);

	if (n <= 0) {
		f->failed = true;
		return -1;
	}
	f->at += from_line_add(&f->out, &f->form, (struct slice){ buf,
	    (size_t)n }, (uint64_t)n == left);
	if (f->at == f->size && conf.from_line)
		from_line_end(&f->out, &f->form);
	return 0;
}

int
feed_next(struct feed *f, struct slice *piece)
{
	if (f->sent == f->out.len) {
		str_reset(&f->out);
		f->sent = 0;
		while (f->out.len == 0 && f->at < f->size && !f->failed)
			if (fill(f) < 0)
				return -1;
	}
	if (f->failed)
		return -1;
	if (f->sent == f->out.len)
		return 0;
	*piece = slice_sub(slice_str(&f->out), f->sent, PIPE_BUF);
	return 1;
}

void
feed_took(struct feed *f, size_t n)
{
	f->sent += n;
}

void
feed_free(struct feed *f)
{
	str_free(&f->out);
}
