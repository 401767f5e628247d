/*
 * request.c - the questions of one request are asked at once, and each answer
 * goes out as it comes.  A caller may send further requests meanwhile; they
 * are asked at once, too, but told in the order that they came.
 */
#include "dnsd.h"

#include <event2/event.h>

#include "base/clock.h"
#include "base/log.h"
#include "serve/dns.h"
#include "serve/hub.h"

enum { SESSION = 32, SAY_MS = 10000, SAY_MOST = 50 };

struct request;
struct part {
	struct waiter w;		/* first: the waiter is the part */
	struct request *r;
	struct answer *a;		/* NULL: not known yet */
	bool told;
	int type;
	char name[NAME_TEXT];
};

struct request {
	struct caller *caller;
	struct request *next;
	struct hub_ticket ticket;
	struct event *timer;
	size_t left, n;
	char session[SESSION];
	struct part parts[];
};

static size_t works;
static bool draining;

void
work_begin(void)
{
	works++;
}

void
work_end(void)
{
	if (--works == 0 && draining)
		hub_exit();
}

void *
caller_open(const struct ipc_cred *peer UNUSED)
{
	struct caller *c = xcalloc(1, sizeof(*c));

	c->last = &c->first;
	return c;
}

static void
free_request(struct request *r)
{
	size_t i;

	for (i = 0; i < r->n; i++) {
		question_leave(&r->parts[i].w);
		answer_drop(r->parts[i].a);
	}
	if (r->timer != NULL)
		event_free(r->timer);
	free(r);
	work_end();
}

void
caller_close(void *caller)
{
	struct caller *c = caller;
	struct request *r;

	while ((r = c->first) != NULL) {
		c->first = r->next;
		free_request(r);
	}
	client_gone(c);
	free(c);
}

void
request_drain(void)
{
	draining = true;
	if (works == 0)
		hub_exit();
}

/* whether one more line is well; what was left out is said with the next */
static bool
may_say(uint64_t *left_out)
{
	static int64_t since;
	static uint64_t lines, dropped;
	int64_t now = mono_ms();

	if (since == 0 || now - since >= SAY_MS) {
		since = now;
		lines = 0;
	}
	if (++lines > SAY_MOST) {
		dropped++;
		return false;
	}
	*left_out = dropped;
	dropped = 0;
	return true;
}

/* what failed is said once, not for each who hears of it */
static void
say(const struct part *p)
{
	struct answer *a = p->a;
	uint64_t left_out;

	if (a->status < DNS_SERVFAIL || a->said || !may_say(&left_out))
		return;
	a->said = true;
	log_set_session(p->r->session);
	log_event(a->status == DNS_BOGUS ? LOG_WARN : LOG_INFO, "unanswered",
	    KS("name", p->name), KI("type", p->type),
	    KS("status", dns_status_name(a->status)), KS("reason", a->why),
	    left_out > 0 ? LOG_A_UINT : LOG_A_END, "left_out",
	    (unsigned long long)left_out, KEND);
	log_set_session(NULL);
}

static void
tell(struct part *p)
{
	const struct answer *a = p->a;
	int64_t age = (mono_ms() - a->came) / 1000;
	struct dns_query_more more = { .i = p - p->r->parts,
		.status = a->status, .secure = a->secure,
		.ttl = MAX(a->ttl - age, (int64_t)0), .canon = a->canon,
		.rr = a->rr, .why = a->why };
	struct err err;

	if (a->status >= DNS_SERVFAIL || a->came == 0)
		more.ttl = 0;
	p->told = true;
	hub_more(p->r->ticket, &more, &err);	/* who is gone hears nothing */
}

/* the first request of a caller is told, and when it is done the next */
static void
go_on(struct caller *c)
{
	struct request *r;
	size_t i;

	while ((r = c->first) != NULL) {
		for (i = 0; i < r->n; i++)
			if (r->parts[i].a != NULL && !r->parts[i].told)
				tell(&r->parts[i]);
		if (r->left > 0)
			return;
		hub_ok(r->ticket, NULL);
		c->first = r->next;
		if (c->first == NULL)
			c->last = &c->first;
		free_request(r);
	}
}

static void
set_answer(struct part *p, struct answer *a)
{
	p->a = a;
	a->refs++;
	p->r->left--;
	p->r->caller->asked--;
	say(p);
}

static void
on_answer(struct waiter *w, struct answer *a)
{
	struct part *p = (struct part *)w;
	struct request *r = p->r;

	set_answer(p, a);
	if (r->timer != NULL)	/* else request_start goes on */
		go_on(r->caller);
}

static void
on_deadline(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct request *r = arg;
	struct answer *a;
	size_t i;

	for (i = 0; i < r->n; i++) {
		if (r->parts[i].a != NULL)
			continue;
		question_leave(&r->parts[i].w);
		a = answer_fail(DNS_TIMEOUT, "no answer in time");
		counters.timeouts++;
		set_answer(&r->parts[i], a);
		answer_drop(a);
	}
	go_on(r->caller);
}

static bool
parse_type(const char *z, int *type_r)
{
	enum { OPT = 41, META = 128, META_END = 255 };
	uint64_t n;

	if (!slice_u64(slice_of(z), UINT16_MAX, &n) || n == 0 || n == OPT ||
	    (n >= META && n <= META_END))
		return false;
	*type_r = (int)n;
	return true;
}

static int
check(const struct dns_query_in *in, struct err *err)
{
	size_t n = in->name.n, i;
	int type;

	if (n == 0 || n > DNS_QUESTIONS || in->type.n != n)
		return err_perm(err, "5.5.4", "1 to %d names, each with a "
		    "type", DNS_QUESTIONS);
	for (i = 0; i < n; i++)
		if (!parse_type(in->type.v[i], &type))
			return err_perm(err, "5.5.4", "%s is no type of "
			    "records", in->type.v[i]);
	return 0;
}

static struct request *
make(struct call *call, const struct dns_query_in *in)
{
	size_t i, n = in->name.n;
	struct request *r = xcalloc(1, sizeof(*r) + n * sizeof(r->parts[0]));

	r->caller = call->conn;
	r->n = r->left = n;
	slice_copy(r->session, sizeof(r->session), slice_of(in->session));
	for (i = 0; i < n; i++)
		r->parts[i].r = r;
	r->ticket = hub_hold(call);
	*r->caller->last = r;
	r->caller->last = &r->next;
	r->caller->asked += n;
	work_begin();
	return r;
}

static void
ask(struct part *p, const char *name, const char *type)
{
	struct answer *a;

	p->w.fn = on_answer;
	if (!parse_type(type, &p->type) || !name_make(name, p->name)) {
		a = answer_fail(DNS_NXDOMAIN, "not a domain name");
	} else if (p->r->caller->asked > (size_t)conf.connection_questions) {
		a = answer_fail(DNS_SERVFAIL, "too many questions of one "
		    "caller are under way");
		counters.failed++;
	} else {
		question_ask(&p->w, p->name, p->type);
		return;
	}
	set_answer(p, a);
	answer_drop(a);
}

int
request_start(struct call *call, const struct dns_query_in *in,
    struct err *err)
{
	int64_t ms = in->timeout > 0 ? MIN(in->timeout, conf.max_timeout) :
	    conf.timeout;
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };
	struct request *r;
	size_t i;

	if (check(in, err) < 0)
		return -1;
	r = make(call, in);
	for (i = 0; i < r->n; i++)
		ask(&r->parts[i], in->name.v[i], in->type.v[i]);
	r->timer = event_new(hub_base, -1, 0, on_deadline, r);
	if (r->timer == NULL || event_add(r->timer, &tv) < 0)
		die("event_new");
	go_on(r->caller);
	return CALL_LATER;
}
