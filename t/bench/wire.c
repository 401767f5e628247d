/*
 * wire.c - the commands of a session, appended to its output buffer.
 *
 * Invariant: a command line fits into CMD_MAX; main() has checked the lengths
 * of everything that comes from the options.
 */
#include "load.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
out_add(struct session *s, const void *p, size_t n)
{
	if (s->out_len + n > s->out_cap) {
		s->out_cap = (s->out_len + n) * 2;
		s->out = realloc(s->out, s->out_cap);
		if (s->out == NULL)
			abort();
	}
	memcpy(s->out + s->out_len, p, n);
	s->out_len += n;
}

void
out_cmd(struct session *s, const char *fmt, ...)
{
	char line[CMD_MAX];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(line))
		abort();	/* main() has checked the options' lengths */
	out_add(s, line, (size_t)n);
}

static void
base64(char *dst, const unsigned char *p, size_t n)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t i;

	for (i = 0; i < n; i += 3) {
		unsigned v = p[i] << 16;

		if (i + 1 < n)
			v |= p[i + 1] << 8;
		if (i + 2 < n)
			v |= p[i + 2];
		*dst++ = set[v >> 18 & 63];
		*dst++ = set[v >> 12 & 63];
		*dst++ = i + 1 < n ? set[v >> 6 & 63] : '=';
		*dst++ = i + 2 < n ? set[v & 63] : '=';
	}
	*dst = '\0';
}

void
out_auth(struct session *s)
{
	unsigned char raw[200];
	char text[sizeof(raw) * 2];
	size_t u = strlen(opt.auth_user), p = strlen(opt.auth_pass);

	raw[0] = '\0';
	memcpy(raw + 1, opt.auth_user, u);
	raw[1 + u] = '\0';
	memcpy(raw + 2 + u, opt.auth_pass, p);
	base64(text, raw, u + p + 2);
	out_cmd(s, "AUTH PLAIN %s\r\n", text);
}

/* the user's number where the template says %d or %0Nd */
void
out_rcpt(struct session *s)
{
	long n = s->message * opt.rcpts + s->rcpt_sent;
	const char *t = opt.rcpt, *at = strchr(t, '%');
	char *end;
	long user = opt.first_user + n % opt.users;
	int width;

	s->rcpt_sent++;
	if (at == NULL) {
		out_cmd(s, "RCPT TO:<%s>\r\n", t);
		return;
	}
	width = (int)strtol(at + 1, &end, 10);
	out_cmd(s, "RCPT TO:<%.*s%0*ld%s>\r\n", (int)(at - t), t, width, user,
	    end + 1);
}
