/*
 * feed.c - what a command reads: a file in memory, whole and sealed before the
 * command begins, so that none takes a part of a message for all of it, whoever
 * dies meanwhile.  The content begins with our trace, first of all Return-Path
 * and, where there was one recipient, Delivered-To.
 */
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

/* what comes in front; how much of the content's beginning it stands for */
static uint64_t
head(struct str *out, struct slice content, const struct words *w)
{
	size_t at = content_trace(content, "Return-Path:");

	if (conf.return_path)
		str_addf(out, "Return-Path: <%s>%s", w->sender, line_end());
	content = slice_sub(content, at, content.n);
	if (conf.original_to && w->original[0] != '\0')
		field(out, "X-Original-To: ", w->original);
	if (conf.delivered_to && w->recipient[0] != '\0')
		field(out, "Delivered-To: ", w->recipient);
	return at + content_trace(content, "Delivered-To:");
}

/* what is at `at' of the content, but not beyond its size: 0 or -1 */
static int
piece(const struct feed *f, uint64_t at, struct slice *s, struct err *err)
{
	static char buf[CHUNK];
	ssize_t n;

	do {
		n = pread(f->fd, buf, MIN(f->size - at, (uint64_t)CHUNK),
		    (off_t)at);
	} while (n < 0 && errno == EINTR);
	if (n < 0 || (n == 0 && at < f->size))
		return err_temp(err, "4.3.0", "content can not be read");
	*s = (struct slice){ buf, (size_t)n };
	return 0;
}

static int
copy(const struct feed *f, int to, struct str *out, struct err *err)
{
	struct from_line form = { .end = line_end(), .plain = !conf.from_line };
	uint64_t at, written = 0;
	struct slice s;

	if (conf.from_line)
		from_line_begin(out, &form, f->words->sender,
		    f->created / 1000000);
	if (piece(f, 0, &s, err) < 0)
		return -1;
	at = head(out, s, f->words);
	while (at < f->size) {
		if (piece(f, at, &s, err) < 0)
			return -1;
		at += from_line_add(out, &form, s, s.n == f->size - at);
		if (content_put(to, slice_str(out), written, err) < 0)
			return -1;
		written += out->len;
		str_reset(out);
	}
	if (conf.from_line)
		from_line_end(out, &form);
	return content_put(to, slice_str(out), written, err);
}

int
feed_file(const struct feed *f, struct err *err)
{
	struct str out = STR_INIT;
	int rc, fd;

	if (content_float(&fd, err) < 0)
		return -1;
	rc = copy(f, fd, &out, err);
	if (rc == 0)
		rc = content_seal(fd, err);
	str_free(&out);
	if (rc == 0)
		return fd;
	close(fd);
	return -1;
}
