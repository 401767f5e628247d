/*
 * clamd.c - clamd by its own protocol, INSTREAM: the message in chunks, one
 * line as the answer.
 */
#include "clamd.h"

#include <arpa/inet.h>

#include "base/log.h"

enum { ANSWER_MAX = 1024, PIECE = 65536 };

/* "stream: NAME FOUND", "stream: OK" */
int
clamd_read(struct slice s, struct slice *name, struct err *err)
{
	size_t colon;

	s = slice_trim(s);
	colon = slice_find(s, ':');
	if (colon < s.n && slice_eqz(slice_sub(s, 0, colon), "stream"))
		s = slice_trim(slice_sub(s, colon + 1, s.n));
	if (slice_eqz(s, "OK"))
		return 0;
	if (slice_ends(s, " FOUND")) {
		*name = slice_trim(slice_sub(s, 0, s.n - 6));
		return 1;
	}
	return err_temp(err, "4.3.0", "clamd: %.*s", (int)MIN(s.n,
	    (size_t)200), s.p);
}

static void
put_chunk(struct io *io, const char *p, size_t n)
{
	uint32_t be = htonl((uint32_t)n);

	io_put(io, &be, sizeof(be));
	io_put(io, p, n);
}

static int
send_message(struct io *io, struct view *view, struct err *err)
{
	struct str head = STR_INIT;
	char *buf = xmalloc(PIECE);
	uint64_t at = 0;
	ssize_t n = 1;

	io_put(io, "zINSTREAM", 10);
	view_header(view, false, &head);
	if (head.len > 0)
		put_chunk(io, head.s, head.len);
	str_free(&head);
	while (n > 0 && !io->failed) {
		n = view_body(view, at, buf, PIECE, err);
		if (n <= 0)
			break;
		put_chunk(io, buf, (size_t)n);
		at += (uint64_t)n;
		io_flush(io);
	}
	free(buf);
	put_chunk(io, "", 0);
	/* it may have answered before the end, and hung up */
	io_flush(io);
	return n < 0 ? -1 : 0;
}

/* up to NUL, or to its end */
static int
read_answer(struct io *io, struct str *out, struct err *err)
{
	struct slice buf;
	size_t at;

	if (io->failed && !io->timed_out)
		io->failed = false;
	str_reset(&io->out);
	while (out->len < ANSWER_MAX) {
		if (io_peek(io, &buf) <= 0) {
			if (io->eof && out->len > 0)
				return 0;
			return net_err(io, err);
		}
		at = slice_find(buf, '\0');
		str_addsl(out, slice_sub(buf, 0, at));
		if (at < buf.n)
			return 0;
		io_consume(io, buf.n);
	}
	return err_temp(err, "4.3.0", "clamd: an answer without end");
}

static int
judge(struct member *m, struct view *view, struct slice answer,
    struct verdict *v, struct err *err)
{
	struct slice name;
	struct str shown = STR_INIT;
	const char *z, *text;
	size_t i;
	int r = clamd_read(answer, &name, err);

	if (r <= 0)
		return r;
	for (i = 0; i < MIN(name.n, (size_t)100); i++)
		str_addc(&shown, ascii_isprint((unsigned char)name.p[i]) ?
		    name.p[i] : '?');
	z = arena_slice(&m->s->ta, slice_str(&shown));
	str_free(&shown);
	log_event(LOG_INFO, "found", KS("filter", m->c->name), KS("name", z),
	    KEND);
	text = arena_printf(&m->s->ta, "the message has a virus: %s", z);
	return found_do(m, view, "X-Virus", z, text, v, err);
}

static int
content(struct member *m, struct view *view,
    const struct filter_content_in *in UNUSED, struct verdict *v,
    struct err *err)
{
	struct str answer = STR_INIT;
	struct io io;
	int r;

	if (net_open(m->c, &io, err) < 0)
		return -1;
	net_deadline(&io, m->c->timeout_content);
	r = send_message(&io, view, err);
	if (r == 0)
		r = read_answer(&io, &answer, err);
	io_close(&io);
	if (r == 0)
		r = judge(m, view, slice_str(&answer), v, err);
	str_free(&answer);
	return r;
}

static void
nothing(struct member *m UNUSED)
{
}

const struct filter_kind kind_clamd = { .content = content,
	.close = nothing };
