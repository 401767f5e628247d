/*
 * admit.c - who it is, from a proxy's header or of the connection, and whether
 * that alone is enough: exempt, denied, allowed, one too many.
 */
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "gate.h"
#include "proxy.h"

enum { FEW = 3 };

static struct map_live allow, deny;

/* one line for the first few, then each time that they are ten times more */
static bool
worth_telling(int64_t times)
{
	while (times > FEW && times % 10 == 0)
		times /= 10;
	return times <= FEW;
}

static void
too_many(struct client *c, enum over o, int64_t times)
{
	stat_.refused++;
	if (worth_telling(times))
		log_event(LOG_INFO, "refuse", KS("client", client_name(c)),
		    KS("limit", count_limit(o)), KI("times", times),
		    KS("proxy", client_proxy(c)), KEND);
	client_refuse(c, 421, "4.7.0", "too many connections from you");
}

static bool
has(struct map_live *m, const struct client *c, struct str *value)
{
	char text[ADDR_TEXT];
	struct err ignored;

	if (m->spec == NULL || m->spec[0] == '\0')
		return false;
	addr_text(&c->addr, text);
	if (map_live_get(m, text, value, &ignored) == 1)
		return true;
	addr_network_text(&c->addr, (int)conf.ipv4_prefix,
	    (int)conf.ipv6_prefix, text);
	return map_live_get(m, text, value, &ignored) == 1;
}

static void
denied(struct client *c, const struct str *text)
{
	struct str why = STR_INIT;
	char addr[ADDR_TEXT];
	size_t i;

	stat_.refused++;
	log_event(LOG_INFO, "refuse", KS("client", client_name(c)),
	    KS("test", "deny"), KS("action", "drop"),
	    KS("proxy", client_proxy(c)), KEND);
	str_addf(&why, "client [%s] %s", addr_text(&c->addr, addr),
	    text->len > 0 ? text->s : "is not welcome");
	for (i = 0; i < why.len; i++)
		if (!ascii_isprint((unsigned char)why.s[i]))
			why.s[i] = '?';
	str_trunc(&why, MIN(why.len, (size_t)300));
	client_refuse(c, 521, "5.7.1", why.s);
	str_free(&why);
}

static void
begin(struct client *c)
{
	struct str text = STR_INIT;
	int64_t times = 0;
	enum over o;

	log_event(LOG_DEBUG, "connect", KS("client", client_name(c)),
	    KS("proxy", client_proxy(c)), KEND);
	if (nets_have(&made.except, &c->addr)) {
		client_pass(c, GATE_EXEMPT);
		return;
	}
	if (has(&deny, c, &text)) {
		denied(c, &text);
	} else if (has(&allow, c, &text)) {
		client_pass(c, GATE_ALLOWED);
	} else if ((o = count_add(&c->addr, &times)) != WITHIN) {
		too_many(c, o, times);
	} else {
		c->counted = true;
		test_client(c);
	}
	str_free(&text);
}

/* --- proxies --- */

static void
bad_proxy(struct client *c, const char *why)
{
	stat_.refused++;
	log_event(LOG_WARN, "bad-proxy", KS("proxy", client_name(c)),
	    KS("reason", why), KI("ms", mono_ms() - c->start), KEND);
	client_free(c);
}

static void
use_header(struct client *c, const struct proxy *p)
{
	str_free(&c->head);
	if (p->local) {
		client_pass(c, GATE_EXEMPT);
		return;
	}
	c->state = TESTING;
	c->proxied = true;
	c->addr = p->from;
	c->local = p->to;
	c->port = (uint16_t)p->from_port;
	c->local_port = (uint16_t)p->to_port;
	begin(c);
}

/* Only the header is taken: what is behind it may be a handshake of TLS. */
static void
read_header(struct client *c)
{
	char buf[PROXY_MAX];
	size_t have = c->head.len;
	struct proxy p;
	const char *why = "";
	ssize_t n;
	int r;

	n = recv(c->fd, buf, PROXY_MAX - have, MSG_PEEK | MSG_DONTWAIT);
	if (n <= 0) {
		bad_proxy(c, n == 0 ? "no header" : strerror(errno));
		return;
	}
	str_add(&c->head, buf, (size_t)n);
	r = proxy_parse(c->head.s, c->head.len, &p, &why);
	if (r < 0 || (r == 0 && c->head.len >= PROXY_MAX)) {
		bad_proxy(c, r < 0 ? why : "header too long");
		return;
	}
	n = r > 0 ? r - (ssize_t)have : n;
	if (recv(c->fd, buf, (size_t)n, MSG_DONTWAIT) != n) {
		bad_proxy(c, "it is gone");
		return;
	}
	if (r > 0)
		use_header(c, &p);
	else
		client_arm(c, EV_READ, c->start + conf.proxy_timeout -
		    mono_ms());
}

void
admit_header(struct client *c, bool time)
{
	if (time)
		bad_proxy(c, "no header in time");
	else
		read_header(c);
}

void
admit(struct client *c)
{
	if (!nets_have(&made.proxies, &c->addr)) {
		c->state = TESTING;
		begin(c);
		return;
	}
	c->state = PROXIED;
	if (stat_.held > conf.clients)
		client_free(c);
	else
		client_arm(c, EV_READ, conf.proxy_timeout);
}

void
admit_start(void)
{
	map_live_init(&allow, conf.allow);
	map_live_init(&deny, conf.deny);
}
