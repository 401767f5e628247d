/*
 * tests.c - is it silent until it is greeted, what do lists say: side by side.
 * What is decided is decided early: a list that is enough need not wait for
 * the greeting, nor who is on a list of good ones.
 */
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/common.h"
#include "gate.h"

enum { SAID_MAX = 100 };

static void decide(struct client *c);

static void
fail(struct client *c, enum action action, enum test test)
{
	static const char *const names[TESTS] = { "pregreet", "dnsbl" };
	bool talk = action == ENFORCE && conf.protocol == SMTP && !c->tls;
	struct str why = STR_INIT;

	ask_drop(c);
	c->failed = test;
	stat_.refused++;
	log_event(LOG_INFO, "refuse", KS("client", client_name(c)),
	    KS("test", names[test]), KS("action", talk ? "enforce" : "drop"),
	    KI("score", c->lists.score), KS("lists", client_lists(c)),
	    KS("proxy", client_proxy(c)), KI("ms", mono_ms() - c->start), KEND);
	if (talk) {
		talk_begin(c);
		return;
	}
	client_reason(c, &why);
	client_refuse(c, 521, "5.7.1", why.s);
	str_free(&why);
}

static int64_t
greet_wait(void)
{
	return stat_.held * 2 > conf.clients ? conf.greet_wait_busy :
	    conf.greet_wait;
}

static bool
failed_lists(const struct client *c)
{
	return c->tests >> DNSBL & 1 &&
	    c->lists.score >= conf.dnsbl_threshold;
}

void
test_wait(struct client *c)
{
	int64_t now = mono_ms();
	short what = c->pregreet || c->tls ? 0 : EV_READ;

	if (c->tests >> PREGREET & 1 && now < c->wait_until)
		client_arm(c, what, c->wait_until - now);
	else if (c->question != NULL && now < c->answer_until)
		client_arm(c, what, c->answer_until - now);
	else
		decide(c);
}

void
client_answered(struct client *c)
{
	if (c->state != TESTING)
		return;
	log_set_session(c->id);
	if (conf.dnswl_threshold < 0 &&
	    c->lists.score <= conf.dnswl_threshold) {
		c->tests &= ~(1U << PREGREET);
		decide(c);
	} else if (failed_lists(c) && conf.dnsbl_action >= ENFORCE) {
		decide(c);
	} else {
		test_wait(c);
	}
	log_set_session(NULL);
}

/* Some lists have answered: is it enough, whatever the others say? */
void
client_answering(struct client *c)
{
	const struct dnsbl *d = &made.lists;
	int64_t least = c->lists.score;
	size_t i;

	if (c->state != TESTING || conf.dnsbl_action < ENFORCE)
		return;
	for (i = 0; i < d->lists; i++)
		if (c->lists.silent >> d->list[i].zone & 1 &&
		    d->list[i].weight < 0)
			least += d->list[i].weight;
	if (least < conf.dnsbl_threshold)
		return;
	log_set_session(c->id);
	decide(c);
	log_set_session(NULL);
}

static void
decide(struct client *c)
{
	unsigned now = 0;

	ask_drop(c);
	if (failed_lists(c) && conf.dnsbl_action >= ENFORCE) {
		fail(c, (enum action)conf.dnsbl_action, DNSBL);
		return;
	}
	if (c->tests >> PREGREET & 1 && !c->pregreet)
		now |= 1U << PREGREET;
	if (c->tests >> DNSBL & 1 && !failed_lists(c))
		now |= 1U << DNSBL;
	/* who did not answer may know better soon */
	c->fresh = c->lists.silent != 0 ? now & ~(1U << DNSBL) : now;
	c->passed |= now;
	silent_wait(c, GATE_TESTED);
}

/* it says something, or goes, before it is greeted */
void
test_early(struct client *c)
{
	char said[SAID_MAX + 1];
	ssize_t n = recv(c->fd, said, SAID_MAX, MSG_PEEK | MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		test_wait(c);
		return;
	}
	if (n <= 0) {
		stat_.hangups++;
		log_event(LOG_INFO, "hangup", KS("client", client_name(c)),
		    KS("proxy", client_proxy(c)), KS("end", "tests"),
		    KI("ms", mono_ms() - c->start), KEND);
		client_free(c);
		return;
	}
	c->pregreet = true;	/* and we listen no more */
	if (c->tests >> PREGREET & 1) {
		said[n] = '\0';
		log_event(LOG_INFO, "pregreet", KS("client", client_name(c)),
		    KS("said", said), KS("proxy", client_proxy(c)),
		    KI("ms", mono_ms() - c->start), KEND);
		if (conf.pregreet >= ENFORCE) {
			fail(c, (enum action)conf.pregreet, PREGREET);
			return;
		}
	}
	test_wait(c);
}

static void
start_tests(struct client *c)
{
	struct str teaser = STR_INIT;
	int64_t now = mono_ms();

	c->state = TESTING;
	if (stat_.held > conf.clients) {
		client_busy(c, "too many clients");
		return;
	}
	c->wait_until = now + greet_wait();
	c->answer_until = now + conf.dnsbl_timeout;
	if (c->tests >> PREGREET & 1) {
		str_addf(&teaser, "220-%s %s\r\n", common.hostname,
		    conf.teaser);
		(void)client_say(c, teaser.s, teaser.len);
		str_free(&teaser);
	}
	if (c->tests >> DNSBL & 1)
		ask_start(c);
	test_wait(c);
}

/* Nothing is left to test.  While there are few sessions it begins at once. */
static void
tested(struct client *c, enum gate_how how)
{
	if ((int64_t)send_sessions() < conf.sessions_direct ||
	    stat_.held > conf.clients)
		client_pass(c, how);
	else
		silent_wait(c, how);
}

void
test_client(struct client *c)
{
	int64_t now = wall_s();
	struct known k;
	int i;

	if (conf.pregreet != OFF && conf.protocol == SMTP && !c->tls)
		c->tests |= 1U << PREGREET;
	if (made.lists.zones > 0 && conf.dnsbl_action != OFF)
		c->tests |= 1U << DNSBL;
	if (c->tests == 0) {
		tested(c, GATE_UNTESTED);
		return;
	}
	if (cache_get(&c->addr, &k)) {
		for (i = 0; i < TESTS; i++)
			if (k.until[i] > now && c->tests >> i & 1)
				c->passed |= 1U << i;
		if (c->passed >> DNSBL & 1)
			c->lists.score = k.score;
		c->tests &= ~c->passed;
	}
	if (c->tests == 0)
		tested(c, GATE_KNOWN);
	else
		start_tests(c);
}
