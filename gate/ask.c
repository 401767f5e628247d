/*
 * ask.c - questions to dnsd.  A connection has one question at a time; there
 * are a few of them, kept for the next, and who finds none free waits in line.
 * Trouble is no answer, and no answer counts nothing.
 */
#include "gate.h"

#include "base/clock.h"
#include "base/log.h"
#include "conf/common.h"

enum { AGENTS = 100, SAY_MS = 60000 };

struct question {
	struct question *next, **prev;	/* in line; or next alone: idle */
	struct hub_agent *agent;	/* NULL: it waits in line */
	struct client *client;		/* NULL: nobody wants it any more */
	struct event *soon;		/* no way to dnsd: said a bit later */
};

static struct question *line, **line_end = &line, *idle;
static size_t agents, waiting;

static void
line_put(struct question *q)
{
	q->prev = line_end;
	*line_end = q;
	line_end = &q->next;
}

static void
line_take(struct question *q)
{
	*q->prev = q->next;
	if (q->next != NULL)
		q->next->prev = q->prev;
	else
		line_end = q->prev;
}

static void
say_missing(const struct err *err)
{
	static int64_t said;

	if (said != 0 && mono_ms() - said < SAY_MS)
		return;
	said = mono_ms();
	log_event(LOG_WARN, "no-dns", KERR(err), KEND);
}

static struct question *connection(struct err *err);
static void ask_next(struct question *q);

static void
give(struct question *q)
{
	struct client *c = q->client;

	q->client = NULL;
	if (c == NULL)
		return;
	c->question = NULL;
	waiting--;
	client_answered(c);
}

static void
take(struct client *c, const struct ipc_msg *m)
{
	struct dns_query_more more;
	struct arena a = { 0 };
	struct dns_answer answer;
	struct err err;

	if (ipc_decode(m, dns_query.more, &more, &a, &err) == 0 &&
	    more.i >= 0 && (size_t)more.i < made.lists.zones) {
		answer = (struct dns_answer){
			.status = (enum dns_status)more.status,
			.rr = more.rr.v, .n = more.rr.n };
		c->lists.silent &= ~((uint64_t)1 << more.i);
		dnsbl_take(&made.lists, (size_t)more.i, &answer, &c->lists);
	}
	arena_free(&a);
	client_answering(c);
}

static void
on_msg(struct hub_agent *a UNUSED, void *ctx, struct ipc_msg *m)
{
	struct question *q = ctx;

	if (strcmp(m->verb, "more") == 0) {
		if (q->client != NULL)
			take(q->client, m);
		return;
	}
	give(q);
	ask_next(q);
}

static void
on_gone(struct hub_agent *a UNUSED, void *ctx, const struct err *why)
{
	struct question *q = ctx, **p;
	struct err err;

	if (q->client != NULL)
		say_missing(why);
	for (p = &idle; *p != NULL; p = &(*p)->next)
		if (*p == q) {
			*p = q->next;
			break;
		}
	give(q);
	agents--;
	free(q);
	if (line != NULL && (q = connection(&err)) != NULL)
		ask_next(q);
}

static int
send_question(struct question *q, struct err *err)
{
	struct dns_query_in in = { .timeout = conf.dnsbl_timeout };
	struct str name = STR_INIT;
	struct arena a = { 0 };
	char text[ADDR_TEXT];
	size_t i;
	int r;

	in.session = q->client->id;
	addr_text(&q->client->addr, text);
	for (i = 0; i < made.lists.zones; i++) {
		str_reset(&name);
		dnsbl_name(made.lists.zone[i], text, &name);
		strlist_add(&in.name, &a, arena_strdup(&a, name.s));
		strlist_add(&in.type, &a, "1");
	}
	r = hub_agent_send(q->agent, &dns_query, &in, -1, err);
	str_free(&name);
	arena_free(&a);
	return r;
}

/* the next one in line has this connection, or nobody has */
static void
ask_next(struct question *q)
{
	struct question *next = line;
	struct err err;

	if (next == NULL) {
		q->next = idle;
		idle = q;
		return;
	}
	line_take(next);
	q->client = next->client;
	q->client->question = q;
	free(next);
	/* where it fails on_gone follows */
	(void)send_question(q, &err);
}

static void
on_soon(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct question *q = arg;

	event_free(q->soon);
	give(q);
	free(q);
}

static void
answer_soon(struct question *q)
{
	static const struct timeval now = { 0, 0 };

	q->soon = event_new(hub_base, -1, 0, on_soon, q);
	if (q->soon == NULL || event_add(q->soon, &now) < 0)
		die("event_new");
}

static struct question *
connection(struct err *err)
{
	static const char *path;
	struct question *q = idle;

	if (q != NULL) {
		idle = q->next;
		return q;
	}
	if (path == NULL)
		path = socket_path("dnsd");
	q = xcalloc(1, sizeof(*q));
	q->agent = hub_agent_open(path, on_msg, on_gone, q, err);
	if (q->agent != NULL) {
		agents++;
		return q;
	}
	free(q);
	return NULL;
}

void
ask_start(struct client *c)
{
	struct err err = ERR_INIT;
	struct question *q = NULL;

	waiting++;
	/* until they answer */
	c->lists.silent = UINT64_MAX >> (64 - made.lists.zones);
	if (idle != NULL || agents < AGENTS)
		q = connection(&err);
	if (q == NULL) {
		q = xcalloc(1, sizeof(*q));
		q->client = c;
		c->question = q;
		if (agents > 0 && err.kind == ERR_NONE) {
			line_put(q);
		} else {
			say_missing(&err);
			answer_soon(q);
		}
		return;
	}
	q->client = c;
	c->question = q;
	(void)send_question(q, &err);
}

void
ask_drop(struct client *c)
{
	struct question *q = c->question;

	if (q == NULL)
		return;
	c->question = NULL;
	q->client = NULL;
	waiting--;
	if (q->agent != NULL || q->soon != NULL)
		return;
	line_take(q);
	free(q);
}

size_t
ask_waiting(void)
{
	return waiting;
}
