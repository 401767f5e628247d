/*
 * data.c - the content of a message on its way out: CRLF at the end of each
 * line, never a CR or LF alone, dots doubled (but for BDAT).
 */
#include "smtp.h"

#include "base/clock.h"
#include "smtp/data.h"

enum { SMALL = 64 << 10, BLOCK = 128 << 10 };

/* where content comes from: memory, then what is left of the file */
struct source {
	struct slice mem;
	int fd;
	off_t at;
	uint64_t left;		/* in the file */
	struct str buf, folded;
	bool fold;
	uint64_t line;		/* octets of the line at work */
};

static void
source_open(struct source *c, const struct job *j)
{
	struct slice head = slice_str(&j->head);

	*c = (struct source){ .fd = j->fd, .buf = STR_INIT,
		.folded = STR_INIT };
	c->fold = need_fold(j);
	if (j->converted.len > 0) {
		c->mem = slice_str(&j->converted);
		return;
	}
	c->mem = slice_sub(head, (size_t)j->skip, head.n);
	c->at = (off_t)head.n;
	c->left = j->size - c->mem.n;
}

static void
source_close(struct source *c)
{
	str_free(&c->buf);
	str_free(&c->folded);
}

/* a line that is too long goes on behind a blank, as in a header; no
 * character of UTF-8 is cut */
static struct slice
fold(struct source *c, struct slice s)
{
	size_t i;

	if (!c->fold)
		return s;
	str_reset(&c->folded);
	for (i = 0; i < s.n; i++) {
		unsigned char b = (unsigned char)s.p[i];

		if (b != '\n' && c->line >= (uint64_t)conf.line_max - 3 &&
		    (b & 0xc0) != 0x80) {
			str_adds(&c->folded, "\n ");
			c->line = 1;
		}
		str_addc(&c->folded, (char)b);
		c->line = b == '\n' ? 0 : c->line + 1;
	}
	return slice_str(&c->folded);
}

/* 1 a piece, 0 there is no more, -1 */
static int
source_next(struct source *c, struct slice *piece, struct err *err)
{
	ssize_t n;

	if (c->mem.n > 0) {
		*piece = fold(c, slice_sub(c->mem, 0, BLOCK));
		c->mem = slice_sub(c->mem, BLOCK, c->mem.n);
		return 1;
	}
	if (c->left == 0)
		return 0;
	str_reset(&c->buf);
	str_grow(&c->buf, BLOCK);
	n = pread(c->fd, c->buf.s, MIN(c->left, (uint64_t)BLOCK), c->at);
	if (n < 0)
		return err_sys(err, "read the content");
	if (n == 0)
		return err_temp(err, "4.3.0", "the content is shorter than "
		    "it was");
	c->at += n;
	c->left -= (uint64_t)n;
	*piece = fold(c, (struct slice){ c->buf.s, (size_t)n });
	return 1;
}

static int
lost(struct session *s, struct err *err)
{
	s->bye = true;
	if (s->io.woken)
		return err_temp(err, "4.3.2", "this host shuts down");
	return err_temp(err, "4.4.2", "%s while sending the content",
	    s->io.timed_out ? "timeout" : "lost connection");
}

/* What is large and moves is not cut off: its time grows with what went. */
static void
content_begin(struct session *s)
{
	s->content_at = mono_ms();
	s->content_from = s->io.bytes_out;
}

static void
content_end(struct session *s, struct job *j)
{
	j->deadline += mono_ms() - s->content_at;
	s->io.deadline = j->deadline;
}

static int
flush(struct session *s, struct job *j, struct err *err)
{
	uint64_t n = s->io.bytes_out - s->content_from + s->io.out.len;
	int rc;

	s->io.deadline = s->content_at + conf.data_block_timeout +
	    (int64_t)(n / conf.min_data_rate * 1000 +
	    n % conf.min_data_rate * 1000 / conf.min_data_rate);
	s->io.timeout_ms = (int)conf.data_block_timeout;
	rc = io_flush(&s->io);
	s->io.timeout_ms = 0;
	results_alive(j);
	return rc < 0 ? lost(s, err) : 0;
}

bool
data_is_small(const struct job *j)
{
	return j->converted.len > 0 ? j->converted.len <= SMALL : j->whole;
}

int
data_send(struct session *s, struct job *j, struct err *err)
{
	struct smtp_stuff st;
	struct source c;
	struct slice piece;
	int rc;

	content_begin(s);
	smtp_stuff_init(&st, 0);
	source_open(&c, j);
	while ((rc = source_next(&c, &piece, err)) == 1) {
		smtp_stuff_feed(&st, piece, &s->io.out);
		if ((!data_is_small(j) || s->io.out.len > 4 * SMALL) &&
		    (rc = flush(s, j, err)) < 0)
			break;
	}
	source_close(&c);
	/* what has begun can not be taken back: the end must never come */
	if (rc < 0) {
		s->bye = s->lost = true;
		io_break(&s->io, "content not sent");
	} else {
		smtp_stuff_finish(&st, &s->io.out);
		rc = flush(s, j, err);
	}
	content_end(s, j);
	return rc;
}

void
bdat_put(struct session *s, struct job *j)
{
	static struct str wire = STR_INIT;
	struct smtp_stuff st;
	struct source c;
	struct slice piece;
	struct err ignored;

	str_reset(&wire);
	smtp_stuff_init(&st, SMTP_STUFF_NODOTS);
	source_open(&c, j);
	while (source_next(&c, &piece, &ignored) == 1)
		smtp_stuff_feed(&st, piece, &wire);
	source_close(&c);
	smtp_stuff_finish(&st, &wire);
	str_addf(&s->io.out, "BDAT %zu LAST\r\n", wire.len);
	str_add(&s->io.out, wire.s, wire.len);
}

/* what is sent in chunks */
struct chunks {
	struct session *s;
	struct job *j;
	struct str wire;
	bool waiting;		/* for the reply to the last one */
};

/* one chunk; the reply to the one before it: 0, 1 refused, -1 */
static int
chunk(struct chunks *k, bool last, struct err *err)
{
	struct session *s = k->s;
	bool waited = k->waiting;

	/* once the last went, only its own reply may be missing */
	if (last && waited && reply_read(s, AT_BODY, err) < 0)
		return -1;
	if (last && waited && s->reply.code / 100 != 2) {
		k->waiting = false;
		return 1;
	}
	str_addf(&s->io.out, "BDAT %zu%s\r\n", k->wire.len,
	    last ? " LAST" : "");
	str_add(&s->io.out, k->wire.s, k->wire.len);
	str_reset(&k->wire);
	k->waiting = true;
	if (flush(s, k->j, err) < 0)
		return -1;
	if (last || !waited)
		return 0;
	if (reply_read(s, AT_BODY, err) < 0)
		return -1;
	return s->reply.code / 100 == 2 ? 0 : 1;
}

/* the reply to the chunk behind the one that was refused says nothing new */
static int
refused(struct session *s, struct err *err)
{
	struct smtp_reply first = s->reply;
	int rc;

	s->reply = (struct smtp_reply)SMTP_REPLY_INIT;
	rc = s->bye ? 0 : reply_read(s, AT_BODY, err);
	smtp_reply_free(&s->reply);
	s->reply = first;
	if (rc < 0)
		s->bye = s->lost = true;
	return 1;
}

int
bdat_send(struct session *s, struct job *j, struct err *err)
{
	struct chunks k = { .s = s, .j = j, .wire = STR_INIT };
	struct smtp_stuff st;
	struct source c;
	struct slice piece;
	int rc, more;

	content_begin(s);
	smtp_stuff_init(&st, SMTP_STUFF_NODOTS);
	source_open(&c, j);
	do {
		more = rc = source_next(&c, &piece, err);
		if (more == 1)
			smtp_stuff_feed(&st, piece, &k.wire);
		else if (more == 0)
			smtp_stuff_finish(&st, &k.wire);
		if (rc >= 0)
			rc = chunk(&k, more == 0, err);
	} while (rc == 0 && more == 1);
	source_close(&c);
	str_free(&k.wire);
	content_end(s, j);
	if (rc < 0) {
		s->bye = s->lost = true;
		io_break(&s->io, "content not sent");
	}
	return rc == 1 && k.waiting ? refused(s, err) : rc;
}

static int
load(struct job *j, struct str *all, struct err *err)
{
	struct source c;
	struct slice piece;
	int rc;

	if (j->size > conf.convert_max)
		return err_perm(err, "5.6.3", "the message is too long to be "
		    "encoded for a server without 8BITMIME");
	source_open(&c, j);
	while ((rc = source_next(&c, &piece, err)) == 1)
		str_addsl(all, piece);
	source_close(&c);
	return rc;
}

static int
encode(struct job *j, struct err *err)
{
	struct str all = STR_INIT;
	int rc = load(j, &all, err);

	if (rc == 0)
		rc = convert(slice_str(&all), (uint64_t)conf.line_max,
		    &j->converted, err);
	str_free(&all);
	return rc;
}

int
data_prepare(struct session *s, struct job *j, struct err *err)
{
	bool eight = !s->caps.eightbit && j->eightbit != 0;
	bool lines = conf.long_lines != LONG_SEND;

	if (!eight && !lines) {
		str_reset(&j->converted);
		return 0;
	}
	if (need_scan(j, err) < 0)
		return -1;
	if ((eight && j->eightbit == 1) || (conf.long_lines == LONG_ENCODE &&
	    j->longest > (uint64_t)conf.line_max))
		return j->converted.len > 0 ? 0 : encode(j, err);
	str_reset(&j->converted);
	return 0;
}
