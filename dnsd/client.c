/*
 * client.c - the name of a client: each of its PTR names is asked for its
 * addresses, and the first that has the client's is its name (RFC 5321
 * section 4.4, RFC 8601 section 3: iprev).  A lookup is two rounds of
 * questions; the second begins from the loop, not from inside of an answer.
 */
#include "dnsd.h"

#include <arpa/inet.h>
#include <event2/event.h>

#include "serve/dns.h"
#include "serve/hub.h"

enum { NAMES = 8 };		/* of one address; more are not looked at */

struct target {
	struct waiter w;	/* first */
	struct lookup *l;
	struct answer *a;	/* NULL: not known */
	char name[NAME_TEXT];
};

struct lookup {
	struct caller *caller;
	struct lookup *next, **prev;
	struct hub_ticket ticket;
	struct event *step, *deadline;
	char addr[INET6_ADDRSTRLEN];
	bool forward;		/* the second round */
	size_t n, left;		/* of targets in this round */
	struct target ptr, names[NAMES];
};

static void
free_lookup(struct lookup *l)
{
	size_t i;

	question_leave(&l->ptr.w);
	answer_drop(l->ptr.a);
	for (i = 0; i < l->n; i++) {
		question_leave(&l->names[i].w);
		answer_drop(l->names[i].a);
	}
	*l->prev = l->next;
	if (l->next != NULL)
		l->next->prev = l->prev;
	event_free(l->step);
	event_free(l->deadline);
	free(l);
	work_end();
}

void
client_gone(struct caller *c)
{
	while (c->lookups != NULL)
		free_lookup(c->lookups);
}

static const char *
confirmed(const struct lookup *l)
{
	const struct answer *a;
	size_t i;

	for (i = 0; i < l->n; i++) {
		a = l->names[i].a;
		if (a != NULL && strlist_has(&a->rr, l->addr))
			return l->names[i].name;
	}
	return "";
}

static void
finish(struct lookup *l)
{
	struct dns_client_out out = { .name = confirmed(l) };

	hub_ok(l->ticket, &out);
	free_lookup(l);
}

static void
on_answer(struct waiter *w, struct answer *a)
{
	struct target *t = (struct target *)w;

	t->a = a;
	a->refs++;
	if (--t->l->left == 0)
		event_active(t->l->step, EV_TIMEOUT, 0);
}

/* what may stand in a header as a name */
static bool
is_host(const char *name)
{
	for (; *name != '\0'; name++)
		if (!ascii_isalnum((unsigned char)*name) &&
		    strchr("-_.", *name) == NULL)
			return false;
	return true;
}

static void
add_names(struct lookup *l)
{
	const struct answer *a = l->ptr.a;
	size_t i;

	for (i = 0; a != NULL && i < a->rr.n && l->n < NAMES; i++)
		if (name_make(a->rr.v[i], l->names[l->n].name) &&
		    is_host(l->names[l->n].name))
			l->n++;
}

static void
ask_names(struct lookup *l)
{
	int type = strchr(l->addr, ':') != NULL ? DNS_AAAA : DNS_A;
	size_t i;

	l->left = l->n;
	for (i = 0; i < l->n; i++) {
		l->names[i].l = l;
		l->names[i].w.fn = on_answer;
		question_ask(&l->names[i].w, l->names[i].name, type);
	}
}

static void
on_step(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct lookup *l = arg;

	if (!l->forward) {
		l->forward = true;
		add_names(l);
		ask_names(l);
	}
	if (l->left == 0)
		finish(l);
}

static void
on_deadline(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	finish(arg);
}

/* the address in the form that answers have it, and its reverse name */
static int
take_address(struct lookup *l, const char *addr, struct err *err)
{
	struct str reverse = STR_INIT;
	unsigned char bin[16];
	int family = strchr(addr, ':') != NULL ? AF_INET6 : AF_INET;

	if (!dns_reverse_name(addr, &reverse) ||
	    inet_pton(family, addr, bin) != 1 ||
	    inet_ntop(family, bin, l->addr, sizeof(l->addr)) == NULL) {
		str_free(&reverse);
		return err_perm(err, "5.5.4", "%s is no address", addr);
	}
	slice_copy(l->ptr.name, sizeof(l->ptr.name), slice_str(&reverse));
	str_free(&reverse);
	return 0;
}

static void
link_lookup(struct lookup *l, struct caller *c)
{
	l->caller = c;
	l->next = c->lookups;
	l->prev = &c->lookups;
	if (l->next != NULL)
		l->next->prev = &l->next;
	c->lookups = l;
	work_begin();
}

int
client_start(struct call *c, const struct dns_client_in *in, struct err *err)
{
	int64_t ms = in->timeout > 0 ? MIN(in->timeout, conf.max_timeout) :
	    conf.timeout;
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };
	struct lookup *l = xcalloc(1, sizeof(*l));

	if (take_address(l, in->addr, err) < 0) {
		free(l);
		return -1;
	}
	l->step = event_new(hub_base, -1, 0, on_step, l);
	l->deadline = event_new(hub_base, -1, 0, on_deadline, l);
	if (l->step == NULL || l->deadline == NULL ||
	    event_add(l->deadline, &tv) < 0)
		die("event_new");
	l->ticket = hub_hold(c);
	link_lookup(l, c->conn);
	l->ptr.l = l;
	l->ptr.w.fn = on_answer;
	l->left = 1;
	question_ask(&l->ptr.w, l->ptr.name, DNS_PTR);
	return CALL_LATER;
}
