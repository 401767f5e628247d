/*
 * resolver.c - libunbound, in our event loop, so that it needs no threads and
 * no further rights.  It can not forget one name: whoever wants that gets a
 * new context with an empty cache, and the old one goes when its last question
 * was answered.
 *
 * Why a question failed it says only in its log, right before it calls back:
 * the log goes to a stream of ours, and its last line is the reason.
 */
#include "dnsd.h"

#include <event2/event.h>
#include <unbound.h>
#include <unbound-event.h>

#include "base/clock.h"
#include "base/log.h"
#include "resolver.h"
#include "serve/hub.h"

enum { CONTEXTS = 4, CLASS_IN = 1, SEC_BOGUS = 1, SEC_SECURE = 2 };

struct context {
	struct ub_ctx *ub;
	size_t asked;			/* not answered yet */
	struct context *older;
};

struct asking {
	struct context *c;
	char name[NAME_TEXT];
	int type;
	answer_fn *fn;
	void *ctx;
};

static struct context *newest;		/* and older ones, not done yet */
static struct event *sweep;
static FILE *sink;
static char reason[480];	/* of the question that failed last */
static char complaint[480];	/* the last other line */

/* "... error: SERVFAIL <name type class>: why" -> why */
static ssize_t
take_line(void *cookie UNUSED, const char *p, size_t n)
{
	struct slice s = { p, n };
	const char *at = memmem(p, n, "SERVFAIL <", 10);
	const char *why = at != NULL ? memmem(at, (size_t)(p + n - at), ">: ",
	    3) : NULL;

	if (why != NULL) {
		s.n = (size_t)(p + n - why) - 3;
		s.p = why + 3;
		slice_copy(reason, sizeof(reason), slice_trim(s));
	} else if (slice_trim(s).n > 0) {
		at = memmem(p, n, "error: ", 7);
		if (at != NULL)
			s = (struct slice){ at + 7, (size_t)(p + n - at) - 7 };
		slice_copy(complaint, sizeof(complaint), slice_trim(s));
		log_event(LOG_DEBUG, "library", KS("reason", complaint),
		    KEND);
	}
	return (ssize_t)n;
}

static int
open_sink(void)
{
	cookie_io_functions_t io = { .write = take_line };

	sink = fopencookie(NULL, "w", io);
	if (sink == NULL)
		return -1;
	setvbuf(sink, NULL, _IOLBF, 4096);
	return 0;
}

/* libunbound reads much of it only with the first question, or when it is
 * asked for its zones */
static int
try_options(struct err *err)
{
	struct ub_ctx *ub = ub_ctx_create();
	int rc;

	if (ub == NULL || (sink == NULL && open_sink() < 0))
		return err_temp(err, "4.3.0", "libunbound");
	complaint[0] = '\0';
	ub_ctx_debugout(ub, sink);
	rc = options_set(ub, err);
	if (rc == 0 && ub_ctx_print_local_zones(ub) != 0)
		rc = err_perm(err, "5.3.5", "libunbound does not take its "
		    "options: %s", complaint);
	ub_ctx_delete(ub);
	return rc;
}

int
resolver_check(struct err *err)
{
	return options_load(err) < 0 ? -1 : try_options(err);
}

int
resolver_renew(struct err *err)
{
	struct ub_ctx *ub = ub_ctx_create_event(hub_base);
	struct context *c;
	size_t n = 0;

	for (c = newest; c != NULL; c = c->older)
		n++;
	if (ub == NULL || n >= CONTEXTS) {
		ub_ctx_delete(ub);
		return err_temp(err, "4.3.0", n >= CONTEXTS ? "try again "
		    "later: old questions are under way" : "libunbound");
	}
	ub_ctx_debugout(ub, sink);
	if (options_set(ub, err) < 0) {
		ub_ctx_delete(ub);
		return -1;
	}
	c = xcalloc(1, sizeof(*c));
	c->ub = ub;
	c->older = newest;
	newest = c;
	if (c->older != NULL)
		event_active(sweep, EV_TIMEOUT, 0);
	return 0;
}

/* old contexts that are done with; not from inside their own call */
static void
on_sweep(evutil_socket_t fd UNUSED, short what UNUSED, void *arg UNUSED)
{
	struct context **at = &newest->older, *c;

	while ((c = *at) != NULL) {
		if (c->asked > 0) {
			at = &c->older;
			continue;
		}
		*at = c->older;
		ub_ctx_delete(c->ub);
		free(c);
	}
}

int
resolver_start(struct err *err)
{
	sweep = event_new(hub_base, -1, 0, on_sweep, NULL);
	if (sweep == NULL || (sink == NULL && open_sink() < 0))
		return err_temp(err, "4.3.0", "no event or no stream");
	return resolver_renew(err);
}

/* libunbound counts what failed and what had no answer as one */
static struct answer *
failed(const char *why)
{
	bool late = strstr(why, "upstream server timeout") != NULL;

	return answer_fail(late ? DNS_TIMEOUT : DNS_SERVFAIL,
	    why[0] != '\0' ? why : "no server gave a usable answer");
}

static struct answer *
read_answer(const struct asking *q, const void *packet, size_t n, int sec)
{
	struct answer *a = answer_new();

	if (wire_answer(packet, n, q->name, q->type, a) == 0 &&
	    a->status != DNS_SERVFAIL) {
		a->secure = sec == SEC_SECURE;
		a->ttl = MIN(a->ttl, conf.max_ttl / 1000);
		if (a->status != DNS_OK)
			a->ttl = MIN(a->ttl, conf.max_negative_ttl / 1000);
	}
	return a;
}

static void
on_answer(void *arg, int rcode, void *packet, int n, int sec, char *why_bogus,
    int limited UNUSED)
{
	struct asking *q = arg;
	struct answer *a;

	if (sec == SEC_BOGUS)
		a = answer_fail(DNS_BOGUS, why_bogus != NULL ? why_bogus :
		    "DNSSEC proves it false");
	else if (rcode != 0 || packet == NULL || n < 0)
		a = failed(reason);
	else
		a = read_answer(q, packet, (size_t)n, sec);
	reason[0] = '\0';
	a->came = mono_ms();
	if (--q->c->asked == 0 && q->c != newest)
		event_active(sweep, EV_TIMEOUT, 0);
	q->fn(q->ctx, a);
	free(q);
}

void
resolver_ask(const char *name, int type, answer_fn *fn, void *ctx)
{
	struct asking *q = xcalloc(1, sizeof(*q));
	struct answer *a;
	int rc;

	slice_copy(q->name, sizeof(q->name), slice_of(name));
	q->type = type;
	q->fn = fn;
	q->ctx = ctx;
	q->c = newest;
	newest->asked++;
	reason[0] = '\0';
	rc = ub_resolve_event(newest->ub, name, type, CLASS_IN, q, on_answer,
	    NULL);
	if (rc == 0)
		return;
	a = answer_fail(DNS_SERVFAIL, ub_strerror(rc));
	a->came = mono_ms();
	newest->asked--;
	fn(ctx, a);
	free(q);
}
