/*
 * feed.c - what a command reads.  The content begins with our trace, first
 * of all Return-Path and, where there was one recipient, Delivered-To.
 */
#include <limits.h>
#include <time.h>

#include "pipe.h"

enum { CHUNK = 65536, FROM = 5 };	/* length of "From " */

/* mbox: sender and time, as ctime(3) prints it */
static void
from_line(struct str *out, const struct words *w, int64_t created)
{
	time_t t = (time_t)(created / 1000000);
	char when[64];
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(when, sizeof(when), "%a %b %e %H:%M:%S %Y", &tm);
	str_addf(out, "From %s  %s", w->sender[0] != '\0' ? w->sender :
	    "MAILER-DAEMON", when);
}

static void
end_line(struct str *out)
{
	str_adds(out, conf.line_end == END_CRLF ? "\r\n" : "\n");
}

/* length of the field at the start of text, with its end; 0: another one */
static size_t
field_length(struct slice text, const char *name)
{
	const char *nl;

	if (!slice_istarts(text, name))
		return 0;
	nl = memchr(text.p, '\n', text.n);
	return nl == NULL ? 0 : (size_t)(nl - text.p) + 1;
}

static void
field(struct str *out, const char *name, const char *value)
{
	str_addf(out, "%s%s", name, value);
	end_line(out);
}

void
feed_init(struct feed *f, int fd, uint64_t size, const struct words *w,
    int64_t created)
{
	char head[4096];
	struct slice rest = { head, 0 };
	ssize_t n = pread(fd, head, sizeof(head), 0);
	size_t skip;

	*f = (struct feed){ .fd = fd, .size = size, .line_start = true,
		.failed = n < 0 };
	rest.n = n > 0 ? (size_t)n : 0;
	if (conf.from_line) {
		from_line(&f->out, w, created);
		end_line(&f->out);
	}
	skip = field_length(rest, "Return-Path:");
	rest = slice_sub(rest, skip, rest.n);
	f->at = skip;
	if (conf.return_path)
		str_addf(&f->out, "Return-Path: <%s>%s", w->sender,
		    conf.line_end == END_CRLF ? "\r\n" : "\n");
	skip = field_length(rest, "Delivered-To:");
	f->at += skip;
	if (conf.original_to && w->original[0] != '\0')
		field(&f->out, "X-Original-To: ", w->original);
	if (conf.delivered_to && w->recipient[0] != '\0')
		field(&f->out, "Delivered-To: ", w->recipient);
}

/* Convert text; returns how much of it: "From " may go on in the next. */
static size_t
convert(struct feed *f, const char *p, size_t n, bool last)
{
	size_t i = 0, to;
	const char *nl;

	while (i < n) {
		if (f->line_start && conf.from_line && p[i] == 'F') {
			if (n - i < FROM && !last)
				return i;
			if (n - i >= FROM && memcmp(p + i, "From ", FROM) == 0)
				str_addc(&f->out, '>');
		}
		nl = memchr(p + i, '\n', n - i);
		to = nl == NULL ? n : (size_t)(nl - p);
		str_add(&f->out, p + i, to - i);
		f->line_start = nl != NULL;
		if (nl != NULL)
			end_line(&f->out);
		i = nl == NULL ? n : to + 1;
	}
	return n;
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
	f->at += convert(f, buf, (size_t)n, (uint64_t)n == left);
	/* mbox: a message ends with an empty line */
	if (f->at == f->size && conf.from_line) {
		if (!f->line_start)
			end_line(&f->out);
		end_line(&f->out);
	}
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
