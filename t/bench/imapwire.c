/*
 * imapwire.c - one IMAP connection: commands out, responses in.
 *
 * Invariant: `in' holds the begin of one line, never a literal's octets; those
 * are counted in `literal' and dropped.  A line that ends with {N} has a
 * literal and a rest; only the first line of a response names it.
 */
#include "imapload.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

void
send_raw(struct session *s, const char *text, size_t n)
{
	if (s->out_len + n > s->out_cap) {
		s->out_cap = (s->out_len + n) * 2;
		s->out = realloc(s->out, s->out_cap);
		if (s->out == NULL)
			err(2, "memory");
	}
	memcpy(s->out + s->out_len, text, n);
	s->out_len += n;
}

static void
send_head(struct session *s, const char *fmt, va_list ap)
{
	char line[CMD_MAX];
	int n, tag;

	memset(&s->answer, 0, sizeof(s->answer));
	s->begun = now();
	tag = snprintf(line, sizeof(line), "A%u ", ++s->tag);
	n = vsnprintf(line + tag, sizeof(line) - (size_t)tag, fmt, ap);
	if (n < 0 || tag + n >= (int)sizeof(line))
		errx(2, "a command is too long");
	send_raw(s, line, (size_t)(tag + n));
}

void
send_cmd(struct session *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	send_head(s, fmt, ap);
	va_end(ap);
	send_raw(s, "\r\n", 2);
}

void
send_literal(struct session *s, const char *text, size_t n,
    const char *fmt, ...)
{
	char head[40];
	va_list ap;
	int len;

	va_start(ap, fmt);
	send_head(s, fmt, ap);
	va_end(ap);
	len = snprintf(head, sizeof(head), "{%zu%s}\r\n", n,
	    s->plus ? "+" : "");
	send_raw(s, head, (size_t)len);
	if (s->plus) {
		send_raw(s, text, n);
		send_raw(s, "\r\n", 2);
	} else {
		s->payload = text;
		s->payload_len = n;
	}
}

/* numbers of a SEARCH, SORT or THREAD response */
static long
count_numbers(const char *p, const char *end)
{
	bool inside = false;
	long n = 0;

	for (; p < end; p++) {
		if (isdigit((unsigned char)*p) && !inside)
			n++;
		inside = isdigit((unsigned char)*p) != 0;
	}
	return n;
}

static void
capability(struct session *s, const char *line)
{
	if (strcasestr(line, "LITERAL+") != NULL)
		s->plus = true;
}

static void
set_status(struct session *s, const char *p, const char *end)
{
	size_t n = (size_t)(end - p);

	if (n >= STATUS_MAX)
		n = STATUS_MAX - 1;
	memcpy(s->answer.status, p, n);
	s->answer.status[n] = '\0';
}

static void
untagged(struct session *s, const char *p, const char *end)
{
	char *rest;
	long n = strtol(p, &rest, 10);

	if (rest > p && strncmp(rest, " FETCH ", 7) == 0)
		s->answer.fetches++;
	else if (rest > p && strncmp(rest, " EXISTS", 7) == 0) {
		s->exists = n;
		work_exists(s, n);
	} else if (strncmp(p, "SEARCH", 6) == 0 || strncmp(p, "SORT", 4) == 0 ||
	    strncmp(p, "THREAD", 6) == 0)
		s->answer.numbers += count_numbers(p, end);
	else {
		s->answer.others++;
		capability(s, p);
	}
}

static void
plus(struct session *s)
{
	if (s->payload == NULL) {
		work_plus(s);
		return;
	}
	send_raw(s, s->payload, s->payload_len);
	send_raw(s, "\r\n", 2);
	s->payload = NULL;
}

/* the first line of a response */
static void
response(struct session *s, const char *p, const char *end)
{
	char tag[16];
	int n = snprintf(tag, sizeof(tag), "A%u ", s->tag);

	if (s->state == ST_GREETING) {
		capability(s, p);
		set_status(s, p, end);
		work_answered(s, strncmp(p, "* OK", 4) == 0);
	} else if (p[0] == '*' && p[1] == ' ')
		untagged(s, p + 2, end);
	else if (p[0] == '+')
		plus(s);
	else if (strncmp(p, tag, (size_t)n) == 0) {
		capability(s, p);
		set_status(s, p + n, end);
		s->payload = NULL;
		work_answered(s, strncmp(p + n, "OK", 2) == 0);
	}
}

/* octets of the literal that a line announces at its end; -1 none */
static long
announced(const char *line, const char *end)
{
	const char *p = end;

	if (end == line || end[-1] != '}')
		return -1;
	for (p = end - 1; p > line && isdigit((unsigned char)p[-1]); p--)
		;
	if (p == line || p[-1] != '{' || p == end - 1)
		return -1;
	return strtol(p, NULL, 10);
}

/* one line; its LF is replaced by NUL */
static void
take_line(struct session *s, char *line, char *end)
{
	bool first = !s->inside;
	long lit;

	if (end > line && end[-1] == '\r')
		end--;
	*end = '\0';
	lit = announced(line, end);
	s->inside = lit >= 0;
	if (lit > 0) {
		s->literal = (size_t)lit;
		s->answer.literal += (size_t)lit;
	}
	if (first)
		response(s, line, end);
}

/* handle what was read; what is left is the begin of a line */
static void
take(struct session *s)
{
	char *p = s->in, *end = s->in + s->in_len, *nl;

	while (p < end && s->state != ST_OFF) {
		if (s->literal > 0) {
			size_t n = (size_t)(end - p);

			if (n > s->literal)
				n = s->literal;
			s->literal -= n;
			p += n;
			continue;
		}
		if ((nl = memchr(p, '\n', (size_t)(end - p))) == NULL)
			break;
		take_line(s, p, nl);
		p = nl + 1;
	}
	if (s->state == ST_OFF)
		return;
	s->in_len = (size_t)(end - p);
	memmove(s->in, p, s->in_len);
}

/* 0, or -1: the connection has ended */
static int
session_read(struct session *s)
{
	ssize_t n;
	size_t room;

	for (;;) {
		if (s->in_cap - s->in_len < 4096) {
			s->in_cap = s->in_cap ? s->in_cap * 2 :
			    opt.mode == MODE_SCRIPT ? 1 << 18 : 1 << 14;
			s->in = realloc(s->in, s->in_cap);
			if (s->in == NULL)
				err(2, "memory");
		}
		room = s->in_cap - s->in_len;
		n = recv(s->fd, s->in + s->in_len, room, 0);
		if (n == 0)
			return -1;
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -1;
		s->in_len += (size_t)n;
		s->answer.bytes += (size_t)n;
		take(s);
		if (s->state == ST_OFF || (size_t)n < room)
			return 0;
	}
}

/* 0, or -1 */
static int
session_write(struct session *s)
{
	ssize_t n;

	while (s->out_pos < s->out_len) {
		n = send(s->fd, s->out + s->out_pos, s->out_len - s->out_pos,
		    MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -1;
		s->out_pos += (size_t)n;
	}
	s->out_pos = s->out_len = 0;
	return 0;
}

void
session_flush(struct session *s, int epfd)
{
	struct epoll_event ev = { .data = { .ptr = s } };
	bool more;

	if (s->state == ST_OFF)
		return;
	if (session_write(s) < 0) {
		work_lost(s);
		return;
	}
	more = s->out_len > 0;
	if (more == s->want_write)
		return;
	s->want_write = more;
	ev.events = EPOLLIN | (more ? EPOLLOUT : 0);
	epoll_ctl(epfd, EPOLL_CTL_MOD, s->fd, &ev);
}

void
session_ready(struct session *s, int epfd, uint32_t events)
{
	if (s->state == ST_CONNECT)
		s->state = ST_GREETING;
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) &&
	    session_read(s) < 0) {
		work_lost(s);
		return;
	}
	session_flush(s, epfd);
}

int
session_open(struct session *s, int epfd)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT,
		.data = { .ptr = s } };

	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return -1;
	s->opened = s->begun = now();
	memset(&s->answer, 0, sizeof(s->answer));
	if ((connect(s->fd, (void *)&opt.to, sizeof(opt.to)) < 0 &&
	    errno != EINPROGRESS) ||
	    epoll_ctl(epfd, EPOLL_CTL_ADD, s->fd, &ev) < 0) {
		close(s->fd);
		s->fd = -1;
		return -1;
	}
	s->state = ST_CONNECT;
	s->want_write = true;
	return 0;
}

void
session_close(struct session *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->state = ST_OFF;
	s->in_len = s->out_len = s->out_pos = s->literal = 0;
	s->inside = s->plus = false;
	s->payload = NULL;
	s->exists = 0;
}
