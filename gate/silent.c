/*
 * silent.c - who may come, and has said nothing yet: it is greeted and waits
 * here until its first line is whole, so that a client which never says a word,
 * or drips it, has no process.  What it says stays in the kernel; who begins
 * with TLS has said enough with a byte.  Only who spoke is known from then on.
 */
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/common.h"
#include "gate.h"

enum { LINE = 1000 };		/* a longer one is the session's business */

/* readable when there are n bytes more, not again for what is there */
static void
low_water(struct client *c, ssize_t n)
{
	int value = (int)n;

	setsockopt(c->fd, SOL_SOCKET, SO_RCVLOWAT, &value, sizeof(value));
	c->low_water = n > 1;
}

static void
spoke(struct client *c)
{
	if (c->low_water)
		low_water(c, 1);
	cache_put(&c->addr, c->fresh, c->lists.score);
	client_pass(c, (enum gate_how)c->how);
}

static void
gone(struct client *c, const char *end)
{
	stat_.hangups++;
	log_event(LOG_INFO, "hangup", KS("client", client_name(c)),
	    KS("proxy", client_proxy(c)), KS("end", end),
	    KI("ms", mono_ms() - c->start), KEND);
	if (strcmp(end, "timeout") == 0)
		client_refuse(c, 421, "4.4.2", "timeout");
	else
		client_free(c);
}

void
silent_read(struct client *c, bool time)
{
	char buf[LINE];
	ssize_t n;

	if (time) {
		gone(c, "timeout");
		return;
	}
	n = recv(c->fd, buf, LINE, MSG_PEEK | MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		gone(c, n == 0 ? "eof" : "lost");
		return;
	}
	if (n > 0 && (c->tls || n == LINE ||
	    memchr(buf, '\n', (size_t)n) != NULL)) {
		spoke(c);
		return;
	}
	if (n > 0)
		low_water(c, n + 1);
	client_arm(c, EV_READ, c->wait_until - mono_ms());
}

void
silent_wait(struct client *c, enum gate_how how)
{
	bool busy = stat_.held * 2 > conf.clients;
	struct str hello = STR_INIT;

	c->how = how;
	if (!c->tls && conf.protocol != SMTP) {	/* it waits for the server */
		spoke(c);
		return;
	}
	c->state = SILENT;
	c->wait_until = mono_ms() + (busy ? conf.idle_time_busy :
	    conf.idle_time);
	if (!c->tls) {
		str_addf(&hello, "220 %s ESMTP %s\r\n", common.hostname,
		    conf.banner);
		c->greeted = true;
		if (!client_say(c, hello.s, hello.len))
			c->wait_until = 0;
		str_free(&hello);
	}
	/* it may have said all when the test was told to ignore that */
	if (c->pregreet)
		silent_read(c, false);
	else
		client_arm(c, EV_READ, c->wait_until - mono_ms());
}
