/*
 * session.c - one SMTP client session.
 *
 * Invariant: `state` names the reply that is read next; with pipelining the
 * commands behind it (RCPT, DATA) are already written.  A message counts
 * exactly once: accepted, temp, perm or dropped (connection lost).
 */
#include "load.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
begin_message(struct session *s)
{
	s->message = fig.started++;
	s->rcpt_sent = s->rcpt_got = s->rcpt_ok = 0;
	s->failed = false;
	s->refusal = 0;
	if (s->sent++ > 0)
		s->begun = now();
	s->state = ST_MAIL;
	out_cmd(s, "MAIL FROM:<%s>\r\n", opt.sender);
	if (!opt.pipelining)
		return;
	while (s->rcpt_sent < opt.rcpts)
		out_rcpt(s);
	out_cmd(s, "DATA\r\n");
}

static void
finish(struct session *s)
{
	s->state = ST_QUIT;
	out_cmd(s, "QUIT\r\n");
}

static void
next_message(struct session *s)
{
	if (opt.idle_s > 0) {
		s->state = ST_HELD;
		fig.held++;
	} else if (load_has_work() &&
	    (opt.per_conn == 0 || s->sent < opt.per_conn))
		begin_message(s);
	else
		finish(s);
}

static void
count_failure(struct session *s, int code)
{
	if (code >= 500)
		fig.perm++;
	else
		fig.temp++;
	s->message = -1;
}

static void
refuse(struct session *s, int code, const char *text)
{
	if (!s->failed)
		s->refusal = code;
	s->failed = true;
	snprintf(fig.last_error, sizeof(fig.last_error), "%s", text);
}

static void
message_done(struct session *s, int code, const char *text)
{
	double t = now();

	if (s->failed || code != 250) {
		refuse(s, code, text);
		count_failure(s, s->refusal);
		finish(s);
		return;
	}
	fig.latency[fig.accepted] = (t - s->begun) * 1e3;
	fig.commit[fig.accepted++] = (t - s->dot) * 1e3;
	fig.last = t;
	s->message = -1;
	next_message(s);
}

static void
send_body(struct session *s, bool nothing)
{
	s->state = ST_DOT;
	s->dot = now();
	if (nothing) {
		out_cmd(s, ".\r\n");
		return;
	}
	out_cmd(s, "Message-ID: <%ld.%d@bench.test>\r\n", s->message,
	    (int)getpid());
	s->body = load_body;
	s->body_len = load_body_len;
	s->body_pos = 0;
}

static void
reply_envelope(struct session *s, int code, const char *text)
{
	bool good = code == 250 || code == 251;

	if (!good)
		refuse(s, code, text);
	if (s->state == ST_RCPT) {
		s->rcpt_got++;
		s->rcpt_ok += good;
		fig.rcpt_ok += good;
		fig.rcpt_bad += !good;
	}
	if (s->failed && !opt.pipelining) {
		count_failure(s, s->refusal);
		finish(s);
		return;
	}
	if (s->rcpt_got < opt.rcpts) {
		s->state = ST_RCPT;
		if (!opt.pipelining)
			out_rcpt(s);
		return;
	}
	s->state = ST_DATA;
	if (!opt.pipelining)
		out_cmd(s, "DATA\r\n");
}

static void
reply_hello(struct session *s, int code, const char *text)
{
	static const int want[] = { [ST_BANNER] = 220, [ST_EHLO] = 250,
		[ST_AUTH] = 235 };

	if (code != want[s->state]) {
		snprintf(fig.last_error, sizeof(fig.last_error), "%s", text);
		fig.conn_failed++;
		s->retry_at = now() + 0.1;
		session_close(s);
	} else if (s->state == ST_BANNER) {
		s->state = ST_EHLO;
		out_cmd(s, "EHLO bench.test\r\n");
	} else if (s->state == ST_EHLO && opt.auth_user != NULL) {
		s->state = ST_AUTH;
		out_auth(s);
	} else
		next_message(s);
}

static void
reply(struct session *s, int code, const char *text)
{
	switch (s->state) {
	case ST_BANNER:
	case ST_EHLO:
	case ST_AUTH:
		reply_hello(s, code, text);
		break;
	case ST_MAIL:
	case ST_RCPT:
		reply_envelope(s, code, text);
		break;
	case ST_DATA:
		if (code == 354) {
			send_body(s, s->failed);
			break;
		}
		refuse(s, code, text);
		count_failure(s, s->refusal);
		finish(s);
		break;
	case ST_DOT:
		message_done(s, code, text);
		break;
	case ST_QUIT:
		session_close(s);
		break;
	case ST_HELD:		/* a time-out: the session is going */
	case ST_OFF:
	case ST_CONNECT:
		break;
	}
}

/* what is left of it after n bytes of it and of what came before went out */
static size_t
left(size_t *pos, size_t len, size_t n)
{
	size_t k = len - *pos < n ? len - *pos : n;

	*pos += k;
	return n - k;
}

/* 0, or -1: the connection is gone or broken */
static int
session_write(struct session *s)
{
	ssize_t n;

	while (s->out_pos < s->out_len || s->body_pos < s->body_len) {
		struct iovec v[2] = {
			{ s->out + s->out_pos, s->out_len - s->out_pos },
			{ (char *)s->body + s->body_pos,
			    s->body_len - s->body_pos } };
		struct msghdr m = { .msg_iov = v, .msg_iovlen = 2 };

		n = sendmsg(s->fd, &m, MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -1;
		left(&s->body_pos, s->body_len,
		    left(&s->out_pos, s->out_len, (size_t)n));
	}
	s->out_pos = s->out_len = 0;
	s->body_pos = s->body_len = 0;
	return 0;
}

/* handle every whole line; a reply ends with a line "NNN text" */
static void
take_lines(struct session *s)
{
	char *nl, *line = s->in;

	while (s->state != ST_OFF && (nl = memchr(line, '\n',
	    s->in_len - (size_t)(line - s->in))) != NULL) {
		*nl = '\0';
		if (nl > line && nl[-1] == '\r')
			nl[-1] = '\0';
		if (strlen(line) >= 3 && line[3] != '-')
			reply(s, (int)strtol(line, NULL, 10), line);
		line = nl + 1;
	}
	if (s->state == ST_OFF)
		return;
	s->in_len -= (size_t)(line - s->in);
	memmove(s->in, line, s->in_len);
}

/* What is left is told by the next event.  0, or -1: end of file or a broken
 * connection */
static int
session_read(struct session *s)
{
	ssize_t n;

	if (s->in_len == sizeof(s->in))
		return -1;
	n = recv(s->fd, s->in + s->in_len, sizeof(s->in) - s->in_len, 0);
	if (n == 0)
		return -1;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	s->in_len += (size_t)n;
	take_lines(s);
	return 0;
}

static void
lost(struct session *s)
{
	if (s->state == ST_HELD)
		fig.held--;
	if (s->state >= ST_MAIL && s->state <= ST_DOT) {
		fig.dropped++;
		snprintf(fig.last_error, sizeof(fig.last_error),
		    "connection lost in state %d", (int)s->state);
	} else if (s->state < ST_MAIL) {
		fig.conn_failed++;
		s->retry_at = now() + 0.1;
	}
	session_close(s);
}

void
session_ready(struct session *s, int epfd, uint32_t events)
{
	struct epoll_event ev = { .data = { .ptr = s } };
	bool more;

	if (s->state == ST_CONNECT)
		s->state = ST_BANNER;
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && session_read(s) < 0) {
		lost(s);
		return;
	}
	if (s->state == ST_OFF)
		return;
	if (session_write(s) < 0) {
		lost(s);
		return;
	}
	more = s->out_len > 0 || s->body_len > 0;
	if (s->state == ST_QUIT && !more && !opt.wait_quit) {
		session_close(s);
		return;
	}
	if (more != s->want_write) {
		s->want_write = more;
		ev.events = EPOLLIN | (more ? EPOLLOUT : 0);
		epoll_ctl(epfd, EPOLL_CTL_MOD, s->fd, &ev);
	}
}

int
session_open(struct session *s, int epfd)
{
	/* the server speaks first */
	struct epoll_event ev = { .events = EPOLLIN, .data = { .ptr = s } };
	struct sockaddr_in from = { .sin_family = AF_INET };

	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return -1;
	from.sin_addr.s_addr = htonl(INADDR_LOOPBACK +
	    (uint32_t)(s->number % opt.sources));
	s->begun = now();
	if (fig.connections++ == 0)
		fig.first = s->begun;
	if ((opt.sources > 1 &&
	    bind(s->fd, (void *)&from, sizeof(from)) < 0) ||
	    (connect(s->fd, (void *)&opt.to, sizeof(opt.to)) < 0 &&
	    errno != EINPROGRESS) ||
	    epoll_ctl(epfd, EPOLL_CTL_ADD, s->fd, &ev) < 0) {
		fig.conn_failed++;
		close(s->fd);
		s->fd = -1;
		s->retry_at = now() + 0.1;
		return -1;
	}
	s->state = ST_CONNECT;
	s->message = -1;
	s->want_write = false;
	return 0;
}

void
session_close(struct session *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->state = ST_OFF;
	s->sent = 0;
	s->in_len = 0;
	s->out_len = s->out_pos = 0;
	s->body_len = s->body_pos = 0;
}
