/*
 * client.c - the life of a connection, from accept to hand-over or refusal:
 * what is common to its states.  Whatever ends it calls client_free once, and
 * nobody touches it then.
 */
#include "gate.h"

#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/common.h"

enum { PIECE = 65536, PIECES = 100 };

struct gate_stat_out stat_;
static struct client *clients;

/* --- small things --- */

const char *
client_name(const struct client *c)
{
	static char text[ADDR_TEXT];

	return addr_text(&c->addr, text);
}

/* NULL where it came by none */
const char *
client_proxy(const struct client *c)
{
	static char text[ADDR_TEXT];

	return c->proxied ? addr_text(&c->peer, text) : NULL;
}

const char *
client_lists(const struct client *c)
{
	static struct str text = STR_INIT;

	str_reset(&text);
	dnsbl_names(&made.lists, c->lists.hits, false, " ", &text);
	return text.len > 0 ? text.s : NULL;
}

bool
client_say(struct client *c, const char *text, size_t n)
{
	return send(c->fd, text, n, MSG_DONTWAIT | MSG_NOSIGNAL) ==
	    (ssize_t)n;
}

static void
on_event(evutil_socket_t fd, short what, void *arg);

void
client_arm(struct client *c, short what, int64_t ms)
{
	struct timeval tv = { MAX(ms, (int64_t)0) / 1000,
		MAX(ms, (int64_t)0) % 1000 * 1000 };

	event_del(&c->event);
	event_assign(&c->event, hub_base, what != 0 ? c->fd : -1, what,
	    on_event, c);
	if (event_add(&c->event, &tv) < 0)
		die("event_add");
}

void
client_free(struct client *c)
{
	event_del(&c->event);
	ask_drop(c);
	if (c->state == WAITING)
		send_drop(c);
	talk_free(c->talk);
	str_free(&c->head);
	close_fd(c->fd);
	if (c->counted)
		count_end(&c->addr);
	*c->prev = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	free(c);
	stat_.held--;
}

/* What it has sent is thrown away, or the reset would overtake our words; but
 * not for as long as it sends. */
static void
close_told(struct client *c, const struct str *text)
{
	int i = 0;

	if (text->len > 0)
		(void)client_say(c, text->s, text->len);
	while (i++ < PIECES && recv(c->fd, NULL, PIECE, MSG_DONTWAIT |
	    MSG_TRUNC) == PIECE)
		;
	client_free(c);
}

void
client_refuse(struct client *c, int code, const char *dsn, const char *why)
{
	struct str text = STR_INIT;

	if (c->tls || conf.protocol == OTHER)
		;	/* nothing that it would understand */
	else if (conf.protocol == IMAP)
		str_addf(&text, "* BYE %s\r\n", why);
	else if (conf.protocol == POP3)
		str_addf(&text, "-ERR %s\r\n", why);
	else
		str_addf(&text, "%d %s %s %s\r\n", code, dsn, common.hostname,
		    why);
	close_told(c, &text);
	str_free(&text);
}

void
client_busy(struct client *c, const char *text)
{
	stat_.refused++;
	client_refuse(c, 421, "4.3.2", text);
}

void
client_reason(const struct client *c, struct str *out)
{
	char text[ADDR_TEXT];

	str_addf(out, "client [%s] ", addr_text(&c->addr, text));
	if (c->failed == PREGREET) {
		str_adds(out, "spoke before it was greeted");
		return;
	}
	str_adds(out, "blocked using ");
	dnsbl_names(&made.lists, c->lists.hits, true, ", ", out);
}

void
client_pass(struct client *c, enum gate_how how)
{
	static const char *const words[] = { "untested", "exempt", "allowed",
		"known", "tested" };

	c->how = how;
	log_event(how == GATE_TESTED ? LOG_INFO : LOG_DEBUG, "pass",
	    KS("client", client_name(c)), KS("how", words[how]),
	    KI("score", c->lists.score), KS("lists", client_lists(c)),
	    KI("silent", __builtin_popcountll(c->lists.silent)),
	    KS("proxy", client_proxy(c)), KI("ms", mono_ms() - c->start),
	    KEND);
	send_client(c);
}

/* --- */

static void
on_event(evutil_socket_t fd UNUSED, short what, void *arg)
{
	struct client *c = arg;
	bool time = !(what & EV_READ);

	log_set_session(c->id);
	if (c->state == PROXIED)
		admit_header(c, time);
	else if (c->state == TESTING && time)
		test_wait(c);
	else if (c->state == TESTING)
		test_early(c);
	else if (c->state == SILENT)
		silent_read(c, time);
	else if (c->state == WAITING)
		client_busy(c, "too busy");
	else if (time)
		talk_timeout(c);
	else
		talk_read(c);
	log_set_session(NULL);
}

static struct client *
make(int fd, bool tls)
{
	struct client *c = xcalloc(1, sizeof(*c));

	c->fd = fd;
	c->tls = tls;
	c->head = (struct str)STR_INIT;
	c->start = mono_ms();
	session_id(c->id);
	event_assign(&c->event, hub_base, -1, 0, on_event, c);
	c->next = clients;
	c->prev = &clients;
	if (clients != NULL)
		clients->prev = &c->next;
	clients = c;
	stat_.held++;
	stat_.connections++;
	return c;
}

void
client_new(int fd, const struct sockaddr *from, bool tls)
{
	struct client *c = make(fd, tls);
	int port = 0;

	if (!addr_of(from, &c->addr, &port)) {
		client_free(c);
		return;
	}
	c->peer = c->addr;
	log_set_session(c->id);
	admit(c);
	log_set_session(NULL);
}

void
client_drain(void)
{
	struct client *c, *next;
	int64_t n = stat_.held;

	for (c = clients; c != NULL; c = next) {
		next = c->next;
		client_refuse(c, 421, "4.3.2", "service is being restarted");
	}
	if (n > 0)
		log_event(LOG_INFO, "drained", KI("clients", n), KEND);
}
