/*
 * cmd_retr.c - RETR and TOP.  A message is read and sent in large pieces and
 * never held whole, but for a small one that is made before it is asked for.
 * Once +OK is out, trouble can only end the session.
 */
#include "base/log.h"
#include "session.h"
#include "smtp/data.h"

enum { CHUNK = 128 * 1024, FLUSH_AT = 64 * 1024, AHEAD_MAX = 32 * 1024 };

/* how much of a message TOP sends: the header, a blank line, `left' lines */
struct top {
	bool body;
	uint64_t left;
	size_t line;		/* bytes of the line at work, CR left out */
};

/* Bytes of the piece that are still wanted; less than n: it ends there. */
static size_t
top_take(struct top *t, const char *p, size_t n)
{
	const char *at = p, *end = p + n, *nl;

	while (at < end) {
		if (t->body && t->left == 0)
			break;
		nl = memchr(at, '\n', (size_t)(end - at));
		if (nl == NULL) {
			t->line += (size_t)(end - at);
			t->line -= end[-1] == '\r' && t->line == 1;
			return n;
		}
		t->line += (size_t)(nl - at);
		t->line -= nl > at && nl[-1] == '\r' && t->line == 1;
		if (t->body)
			t->left--;
		else if (t->line == 0)
			t->body = true;
		t->line = 0;
		at = nl + 1;
	}
	return (size_t)(at - p);
}

static ssize_t
read_some(int fd, char *buf, size_t n)
{
	ssize_t r;

	do {
		r = read(fd, buf, n);
	} while (r < 0 && errno == EINTR);
	return r;
}

static char buf[CHUNK];

/* 0, or -1: the session is lost */
static int
send_file(struct io *io, int fd, struct top *top)
{
	struct smtp_stuff st;
	size_t take;
	ssize_t n;

	smtp_stuff_init(&st, 0);
	do {
		n = read_some(fd, buf, sizeof(buf));
		if (n <= 0)
			break;
		take = top ? top_take(top, buf, (size_t)n) : (size_t)n;
		smtp_stuff_feed(&st, (struct slice){ buf, take }, &io->out);
		if (io->out.len >= FLUSH_AT && io_flush(io) < 0)
			return -1;
		/* a regular file gives less only where it ends */
	} while (take == (size_t)n && take == sizeof(buf));
	if (n < 0) {
		struct err err;

		err_sys(&err, "read message");
		log_event(LOG_ERROR, "mailbox", KERR(&err), KEND);
		io->failed = true;
		return -1;
	}
	smtp_stuff_finish(&st, &io->out);
	return 0;
}

/* the line before the message: once a message, so without printf */
static void
octets_follow(const struct session *s, size_t i, struct str *out)
{
	str_adds(out, "+OK ");
	str_addu(out, s->drop.msg[i].octets);
	str_adds(out, " octets\r\n");
}

static enum cmd_result
send_message(struct session *s, size_t i, struct top *top)
{
	struct err err;
	int fd = drop_read(&s->drop, i, &err), r;

	if (fd < 0 && err.kind == ERR_PERM) {
		pop3_bad(&s->pop3, "message %zu is gone: %s", i + 1, err.text);
		return CMD_OK;
	}
	if (fd < 0) {
		log_event(LOG_ERROR, "mailbox", KERR(&err), KEND);
		err_temp(&err, "4.3.0", "the message can not be read now");
		return pop3_trouble(&s->pop3, &err);
	}
	if (top != NULL)
		pop3_ok(&s->pop3, "the top follows");
	else
		octets_follow(s, i, &s->pop3.io->out);
	r = send_file(s->pop3.io, fd, top);
	close(fd);
	return r == 0 ? CMD_OK : CMD_QUIT;
}

/* the text of a message that is there, not marked and small; else nothing */
static void
make_ahead(struct session *s, size_t i)
{
	struct ahead *a = &s->ahead;
	struct err err = ERR_INIT;
	struct smtp_stuff st;
	ssize_t n;
	int fd;

	if (i >= s->drop.n || s->drop.msg[i].deleted ||
	    s->drop.msg[i].gone || s->drop.msg[i].octets > AHEAD_MAX)
		return;
	fd = drop_read(&s->drop, i, &err);
	if (fd < 0)
		return;
	n = read_some(fd, buf, sizeof(buf));
	close(fd);
	if (n < 0 || (size_t)n == sizeof(buf))
		return;
	str_reset(&a->text);
	octets_follow(s, i, &a->text);
	smtp_stuff_init(&st, 0);
	smtp_stuff_feed(&st, (struct slice){ buf, (size_t)n }, &a->text);
	smtp_stuff_finish(&st, &a->text);
	a->ready = true;
	a->i = i;
}

/* where nothing waits to be sent the two change places */
static void
put_ahead(struct io *io, struct str *text)
{
	struct str out = io->out;

	if (out.len > 0) {
		io_put(io, text->s, text->len);
		return;
	}
	io->out = *text;
	*text = out;
}

static enum cmd_result
retrieve(struct session *s, size_t i)
{
	struct io *io = s->pop3.io;
	bool ready = s->ahead.ready && s->ahead.i == i;
	enum cmd_result r = CMD_OK;

	s->ahead.ready = false;
	if (ready) {
		put_ahead(io, &s->ahead.text);
	} else {
		r = send_message(s, i, NULL);
	}
	/* one who reads them in turn, and has not sent the next command yet */
	if (r == CMD_OK && (ready || i == s->next) && io_pending(io) == 0) {
		if (io_flush(io) == 0)
			make_ahead(s, i + 1);
	}
	s->next = i + 1;
	return r;
}

enum cmd_result
cmd_retr(void *session, struct slice args)
{
	struct session *s = session;
	ssize_t i = take_message(s, &args);
	enum cmd_result r;

	if (i < 0)
		return CMD_BAD;
	r = retrieve(s, (size_t)i);
	if (r == CMD_OK && !s->drop.msg[i].gone) {
		s->drop.msg[i].seen = true;
		s->retr++;
	}
	return r;
}

enum cmd_result
cmd_top(void *session, struct slice args)
{
	struct session *s = session;
	struct top top = { 0 };
	struct slice word;
	ssize_t i = take_message(s, &args);

	if (i < 0)
		return CMD_BAD;
	if (!slice_word(&args, &word) ||
	    !slice_u64(word, INT64_MAX, &top.left))
		return pop3_bad(&s->pop3, "expected a number of lines");
	s->top++;
	return send_message(s, (size_t)i, &top);
}
