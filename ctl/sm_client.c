/*
 * sm_client.c - SMTP to the suite's public socket.  All recipients are taken
 * or none: what we exit with is true of the whole message.
 */
#include "base/clock.h"
#include "base/io.h"
#include "conf/common.h"
#include "ctl.h"
#include "sendmail.h"
#include "smtp/data.h"
#include "smtp/reply.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { TIMEOUT_MS = 300000, END_MS = 600000, CHUNK = 65536 };

int
sm_connect(void)
{
	const char *path = common_path(common.run_dir, "public/sendmail");
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd, r;

	if (strlen(path) >= sizeof(sun.sun_path))
		return -1 - sm_fail(EX_TEMPFAIL, "%s: path is too long",
		    path);
	slice_copy(sun.sun_path, sizeof(sun.sun_path), slice_of(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0)
		return fd;
	r = sm_fail(EX_TEMPFAIL, "the mail system is down (%s: %s); try again "
	    "later", path, strerror(errno));
	close_fd(fd);
	return -1 - r;
}

struct client {
	struct io io;
	struct smtp_reply reply;
	bool body8, utf8, size, dsn, release, priority, verp;
};

/* the status that says the same as a refusal */
static int
status_of(const struct smtp_reply *r)
{
	static const struct { const char *dsn; int status; } known[] = {
		{ "5.1.2", EX_NOHOST }, { "5.1.10", EX_NOHOST },
		{ "5.1.", EX_NOUSER }, { "5.2.1", EX_NOUSER },
		{ "5.7.", EX_NOPERM }, { "5.3.4", EX_DATAERR },
		{ "5.2.3", EX_DATAERR }, { "5.6.", EX_DATAERR },
		{ "5.5.2", EX_DATAERR },
	};
	size_t i;

	if (r->code < 500)
		return EX_TEMPFAIL;
	for (i = 0; i < ARRAY_LEN(known); i++)
		if (strncmp(r->dsn, known[i].dsn, strlen(known[i].dsn)) == 0)
			return known[i].status;
	return EX_UNAVAILABLE;
}

static int
lost(struct client *c)
{
	return sm_fail(EX_TEMPFAIL, "the mail system hung up%s%s",
	    c->io.err.text[0] ? ": " : "", c->io.err.text);
}

static int
read_reply(struct client *c)
{
	struct err err = ERR_INIT;
	struct slice line;
	bool too_long;
	int r = 0;

	smtp_reply_reset(&c->reply);
	while (r == 0) {
		if (io_getline(&c->io, 4096, &line, NULL, &too_long) != 1)
			return lost(c);
		r = smtp_reply_line(&c->reply, line, &err);
	}
	return r > 0 ? EX_OK : sm_fail(EX_TEMPFAIL, "%s", err.text);
}

/* a reply of the class wanted, else what says who was refused and why */
static int
expect(struct client *c, int class, const char *what)
{
	int r = read_reply(c);

	if (r != EX_OK)
		return r;
	if (c->reply.code / 100 == class)
		return EX_OK;
	return sm_fail(status_of(&c->reply), "%s%s%d %s", what,
	    what[0] ? ": " : "", c->reply.code, c->reply.text.s);
}

static void
read_keywords(struct client *c)
{
	struct slice rest = slice_str(&c->reply.text), line, word;

	while (slice_cut(&rest, '\n', &line)) {
		if (!slice_word(&line, &word))
			continue;
		c->body8 |= slice_ieqz(word, "8BITMIME");
		c->utf8 |= slice_ieqz(word, "SMTPUTF8");
		c->size |= slice_ieqz(word, "SIZE");
		c->dsn |= slice_ieqz(word, "DSN");
		c->release |= slice_ieqz(word, "FUTURERELEASE");
		c->priority |= slice_ieqz(word, "MT-PRIORITY");
		c->verp |= slice_ieqz(word, "XVERP");
	}
}

static bool
needs_utf8(const struct mail *m)
{
	size_t i;

	if (!slice_is_ascii(slice_of(m->sender)))
		return true;
	for (i = 0; i < m->rcpts.n; i++)
		if (!slice_is_ascii(slice_of(m->rcpts.v[i])))
			return true;
	return false;
}

/* A message that would go out at once, or after others, is not what was asked
 * for. */
static int
check_offers(const struct client *c, const struct mail *m)
{
	if (needs_utf8(m) && !c->utf8)
		return sm_fail(EX_DATAERR, "the mail system takes no "
		    "addresses beyond ASCII");
	if (m->release_at != 0 && !c->release)
		return sm_fail(EX_UNAVAILABLE, "the mail system keeps no "
		    "messages for later");
	if (m->verp != NULL && !c->verp)
		return sm_fail(EX_UNAVAILABLE, "the mail system gives no "
		    "senders for each recipient");
	if (m->priority != 0 && !c->priority)
		return sm_fail(EX_UNAVAILABLE, "the mail system knows no "
		    "priorities");
	return EX_OK;
}

static void
say_when(struct client *c, const struct mail *m)
{
	struct str date = STR_INIT;

	if (m->release_at != 0) {
		date_3339(&date, m->release_at * 1000000);
		io_printf(&c->io, " HOLDUNTIL=%.19sZ", date.s);
		str_free(&date);
	}
	if (m->priority != 0)
		io_printf(&c->io, " MT-PRIORITY=%lld",
		    (long long)m->priority);
}

static int
say_mail(struct client *c, const struct mail *m)
{
	bool utf8 = needs_utf8(m);
	int r = check_offers(c, m);

	if (r != EX_OK)
		return r;
	io_printf(&c->io, "MAIL FROM:<%s>", m->sender);
	if (c->size)
		io_printf(&c->io, " SIZE=%llu",
		    (unsigned long long)(m->size - m->body +
		    m->header.len));
	if (m->eight_bit && c->body8)
		io_puts(&c->io, " BODY=8BITMIME");
	if (utf8)
		io_puts(&c->io, " SMTPUTF8");
	if (c->dsn && m->ret != NULL)
		io_printf(&c->io, " RET=%s", m->ret);
	if (c->dsn && m->envid != NULL)
		io_printf(&c->io, " ENVID=%s", m->envid);
	if (m->verp != NULL)
		io_printf(&c->io, " XVERP=%s", m->verp);
	say_when(c, m);
	io_puts(&c->io, "\r\n");
	return expect(c, 2, m->sender);
}

static int
say_rcpts(struct client *c, const struct mail *m)
{
	int r = EX_OK;
	size_t i;

	for (i = 0; r == EX_OK && i < m->rcpts.n; i++) {
		io_printf(&c->io, "RCPT TO:<%s>", m->rcpts.v[i]);
		if (c->dsn && m->notify != NULL)
			io_printf(&c->io, " NOTIFY=%s", m->notify);
		io_puts(&c->io, "\r\n");
		r = expect(c, 2, m->rcpts.v[i]);
	}
	return r;
}

static int
send_content(struct client *c, const struct mail *m)
{
	static char buf[CHUNK];
	struct str out = STR_INIT;
	struct smtp_stuff s;
	off_t at = (off_t)m->body;
	ssize_t n;

	smtp_stuff_init(&s, 0);
	smtp_stuff_feed(&s, slice_str(&m->header), &out);
	while ((n = pread(m->fd, buf, sizeof(buf), at)) > 0 && !c->io.failed) {
		smtp_stuff_feed(&s, (struct slice){ buf, (size_t)n }, &out);
		io_put(&c->io, out.s, out.len);
		(void)io_flush(&c->io);
		str_reset(&out);
		at += n;
	}
	/* without its end the message is not there for the other side */
	if (n >= 0) {
		smtp_stuff_finish(&s, &out);
		io_put(&c->io, out.s, out.len);
	}
	str_free(&out);
	return n < 0 ? sm_fail(EX_TEMPFAIL, "cannot read the message: %s",
	    strerror(errno)) : EX_OK;
}

static int
hello(struct client *c)
{
	int r = expect(c, 2, "");

	if (r != EX_OK)
		return r;
	io_puts(&c->io, "EHLO localhost\r\n");
	r = expect(c, 2, "");
	if (r == EX_OK)
		read_keywords(c);
	return r;
}

static int
converse(struct client *c, const struct mail *m)
{
	int r = hello(c);

	if (r == EX_OK)
		r = say_mail(c, m);
	if (r == EX_OK)
		r = say_rcpts(c, m);
	if (r != EX_OK)
		return r;
	io_puts(&c->io, "DATA\r\n");
	r = expect(c, 3, "");
	if (r == EX_OK)
		r = send_content(c, m);
	if (r != EX_OK)
		return r;
	c->io.timeout_ms = END_MS;
	r = expect(c, 2, "");
	if (r == EX_OK && m->verbose)
		printf("%d %s\n", c->reply.code, c->reply.text.s);
	return r;
}

int
sm_send(struct mail *m)
{
	struct client c = { .reply = SMTP_REPLY_INIT };
	int fd = sm_connect(), r;

	if (fd < 0)
		return -1 - fd;
	io_init(&c.io, fd, TIMEOUT_MS);
	r = converse(&c, m);
	if (r == EX_OK) {
		/* the message is theirs: nothing that comes now matters */
		io_puts(&c.io, "QUIT\r\n");
		(void)io_flush(&c.io);
	}
	smtp_reply_free(&c.reply);
	io_close(&c.io);
	return r;
}

/* --- -bv --- */

/* what RCPT says of each; the worst status */
static int
verify(struct client *c, const struct mail *m)
{
	int r = hello(c), worst = EX_OK;
	size_t i;

	if (r == EX_OK)
		r = say_mail(c, m);
	if (r != EX_OK)
		return r;
	for (i = 0; i < m->rcpts.n; i++) {
		io_printf(&c->io, "RCPT TO:<%s>\r\n", m->rcpts.v[i]);
		r = read_reply(c);
		if (r != EX_OK)
			return r;
		printf("%s... %s: %d %s\n", m->rcpts.v[i],
		    c->reply.code / 100 == 2 ? "deliverable" :
		    "undeliverable", c->reply.code, c->reply.text.s);
		if (c->reply.code / 100 != 2)
			worst = status_of(&c->reply);
	}
	return worst;
}

int
sm_verify(struct mail *m)
{
	struct client c = { .reply = SMTP_REPLY_INIT };
	int fd = sm_connect(), r;

	if (fd < 0)
		return -1 - fd;
	io_init(&c.io, fd, TIMEOUT_MS);
	r = verify(&c, m);
	if (!c.io.failed) {
		io_puts(&c.io, "QUIT\r\n");
		(void)io_flush(&c.io);
	}
	smtp_reply_free(&c.reply);
	io_close(&c.io);
	return r;
}

/* --- -bs --- */

/* the code of the last reply line that the server began */
static char reply_code[4];

static void
note_replies(const char *p, size_t n)
{
	static size_t at;	/* in the line */
	size_t i;

	for (i = 0; i < n; i++) {
		if (at < 3)
			reply_code[at] = p[i];
		at = p[i] == '\n' ? 0 : at + 1;
	}
}

/* 1 some bytes, 0 the end, -1 trouble */
static int
pump(int from, int to)
{
	static char buf[CHUNK];
	ssize_t n = read(from, buf, sizeof(buf));

	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 1 : -1;
	if (n == 0)
		return 0;
	if (to == STDOUT_FILENO)
		note_replies(buf, (size_t)n);
	return full_write(to, buf, (size_t)n) == 0 ? 1 : -1;
}

/* the server went; had it all that it asked for? */
static int
relay_end(void)
{
	if (memcmp(reply_code, "354", 3) == 0)
		return sm_fail(EX_TEMPFAIL, "the input ended inside a "
		    "message, which was not sent");
	return EX_OK;
}

int
sm_relay(void)
{
	int fd = sm_connect(), r;
	struct pollfd p[2] = { { STDIN_FILENO, POLLIN, 0 },
	    { fd, POLLIN, 0 } };

	if (fd < 0)
		return -1 - fd;
	for (;;) {
		if (poll(p, 2, -1) < 0) {
			if (errno == EINTR)
				continue;
			return sm_fail(EX_OSERR, "poll: %s", strerror(errno));
		}
		if (p[1].revents != 0) {
			r = pump(fd, STDOUT_FILENO);
			if (r <= 0)
				return r == 0 ? relay_end() : sm_fail(EX_IOERR,
				    "the connection broke");
		}
		if (p[0].fd >= 0 && p[0].revents != 0) {
			r = pump(STDIN_FILENO, fd);
			if (r > 0)
				continue;
			/* no more commands, but replies may come */
			p[0].fd = -1;
			shutdown(fd, SHUT_WR);
		}
	}
}
