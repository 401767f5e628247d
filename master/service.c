/*
 * service.c - how many children a service has.
 *
 * A listener is watched only while nobody is idle or starting and a further
 * child is allowed; so a connection that a child will take wakes nobody else.
 */
#include "base/clock.h"
#include "base/log.h"
#include "master.h"

#include <event2/event.h>

enum { BURST = 16, LOOK_AGAIN_MS = 5, TELL_MS = 60000 };

struct service *services;

struct service *
service_find(const char *name)
{
	struct service *s = services;

	while (s != NULL && strcmp(s->name, name) != 0)
		s = s->next;
	return s;
}

static size_t
total(const struct service *s)
{
	return s->starting + s->ready;
}

static void
call_later(struct service *s, int64_t ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	event_add(s->retry, &tv);
}

void
service_disarm(struct service *s)
{
	size_t i;

	if (!s->armed)
		return;
	for (i = 0; i < s->watches; i++)
		event_del(s->watch[i].event);
	s->armed = false;
}

static void
arm(struct service *s)
{
	size_t i;

	if (s->armed)
		return;
	s->armed = true;
	for (i = 0; i < s->watches; i++)
		if (event_add(s->watch[i].event, NULL) < 0) {
			/* the kernel has no memory for it */
			service_disarm(s);
			call_later(s, LOOK_AGAIN_MS);
			return;
		}
}

static bool
spawn(struct service *s, size_t n)
{
	struct err err = ERR_INIT;
	size_t room = (size_t)s->conf->process_limit - total(s);

	for (n = MIN(MIN(n, room), (size_t)BURST); n > 0; n--)
		if (child_spawn(s, &err) != 0) {
			service_failed(s, err.text, true);
			return false;
		}
	return true;
}

/* clients that wait in the queues of TCP listeners */
static size_t
waiting(const struct service *s)
{
	size_t i, n = 0;

	for (i = 0; i < s->watches; i++)
		if (listen_tcp(s->watch[i].listener->kind))
			n += listen_waiting(s->watch[i].listener);
	return n;
}

/* may the service have a further child now? */
static bool
may_spawn(struct service *s)
{
	int64_t now = mono_ms();

	if (s->stopping || s->conf == NULL)
		return false;
	if (s->throttled_until > now) {
		call_later(s, s->throttled_until - now + 1);
		return false;
	}
	s->throttled_until = 0;
	/* a hub starts when its predecessor has ended, or lets it */
	if (s->conf->process_limit == 1 && s->old > 0)
		return false;
	return true;
}

static void
tell_limit(struct service *s)
{
	int64_t now = mono_ms();

	if (s->conf->process_limit == 1 || s->watches == 0 ||
	    (s->limit_told != 0 && now - s->limit_told < TELL_MS))
		return;
	s->limit_told = now;
	log_event(LOG_WARN, "limit", KS("service", s->name),
	    KI("processes", s->conf->process_limit), KEND);
}

void
service_update(struct service *s)
{
	size_t spare, idle, n;

	if (!may_spawn(s)) {
		service_disarm(s);
		return;
	}
	spare = (size_t)s->conf->spare;
	idle = child_idle(s);
	if (idle + s->starting < spare &&
	    !spawn(s, spare - idle - s->starting)) {
		service_update(s);
		return;
	}
	if (idle == 0 && total(s) >= (size_t)s->conf->process_limit)
		tell_limit(s);
	if (idle == 0 && s->starting == 0 &&
	    total(s) < (size_t)s->conf->process_limit)
		arm(s);
	else
		service_disarm(s);
	if (idle > 0 || s->starting == 0)
		return;
	n = waiting(s);
	if (n > s->starting && !spawn(s, n - s->starting))
		service_update(s);
	else if (n > 0)
		call_later(s, LOOK_AGAIN_MS);
}

static void
on_client(evutil_socket_t fd UNUSED, short what UNUSED, void *ctx)
{
	struct watch *w = ctx;
	struct service *s = w->service;
	unsigned n = listen_waiting(w->listener);

	/* none: a child has become idle meanwhile and taken the client */
	service_disarm(s);
	if (n > 0 && may_spawn(s) && child_idle(s) + s->starting == 0)
		(void)spawn(s, n);
	service_update(s);
}

static void
on_retry(evutil_socket_t fd UNUSED, short what UNUSED, void *ctx)
{
	service_update(ctx);
}

static void
on_status(evutil_socket_t fd UNUSED, short what UNUSED, void *ctx)
{
	child_status(ctx);
}

static void
free_watches(struct service *s)
{
	service_disarm(s);
	while (s->watches > 0)
		event_free(s->watch[--s->watches].event);
}

static void
service_free(struct service *s)
{
	free_watches(s);
	if (s->status != NULL)
		event_free(s->status);
	if (s->retry != NULL)
		event_free(s->retry);
	close_fd(s->status_read);
	close_fd(s->status_write);
	free(s->name);
	free(s);
}

static struct service *
service_new(const char *name, struct err *err)
{
	struct service *s = xcalloc(1, sizeof(*s));
	int p[2] = { -1, -1 };

	s->name = xstrdup(name);
	if (pipe_high(p) == 0) {
		evutil_make_socket_nonblocking(p[0]);
		s->status = event_new(base, p[0], EV_READ | EV_PERSIST,
		    on_status, s);
		s->retry = evtimer_new(base, on_retry, s);
	}
	s->status_read = p[0];
	s->status_write = p[1];
	if (s->status == NULL || s->retry == NULL ||
	    event_add(s->status, NULL) != 0) {
		err_sys(err, "cannot make a service");
		service_free(s);
		return NULL;
	}
	return s;
}

/* the listeners are bound, so this can not fail but for memory */
static void
set_watches(struct service *s)
{
	struct watch *w;
	size_t i;

	free_watches(s);
	for (i = 0; i < s->conf->listen.n; i++) {
		w = &s->watch[s->watches];
		w->service = s;
		w->listener = listen_find(s->conf->listen.v[i]);
		assert(w->listener != NULL);
		w->event = event_new(base, w->listener->fd,
		    EV_READ | EV_PERSIST, on_client, w);
		if (w->event == NULL)
			die("out of memory");
		s->watches++;
	}
}

static void
take(struct service *s, const struct service_conf *c)
{
	generation_finish(s);
	s->conf = c;
	s->order = c->order;
	s->reads_log = c->reads_log;
	s->stopping = false;
	s->failures = 0;
	s->throttled_until = 0;
	set_watches(s);
}

void
service_finish(struct service *s)
{
	s->stopping = true;
	service_disarm(s);
	event_del(s->retry);
	generation_finish(s);
}

void
service_close(struct service *s)
{
	struct listener *l[LISTENERS_MAX];
	size_t i, n = s->watches;

	for (i = 0; i < n; i++)
		l[i] = s->watch[i].listener;
	free_watches(s);
	for (i = 0; i < n; i++)
		listen_close(l[i]);
}

static int
make_missing(const struct config *c, struct err *err)
{
	struct service *s;
	size_t i;

	for (i = 0; i < c->services; i++) {
		if (!c->service[i].enabled ||
		    service_find(c->service[i].name) != NULL)
			continue;
		s = service_new(c->service[i].name, err);
		if (s == NULL)
			return -1;
		s->next = services;
		services = s;
	}
	return 0;
}

int
service_apply(struct config *c, struct err *err)
{
	const struct service_conf *sc;
	struct config *old = config;
	struct service *s;

	/* another configuration: what was sealed by the old one is void */
	if (make_missing(c, err) != 0 || child_reseal(err) != 0) {
		service_sweep();
		return -1;
	}
	config = c;
	for (s = services; s != NULL; s = s->next) {
		sc = config_find(c, s->name);
		if (sc != NULL && sc->enabled) {
			take(s, sc);
			continue;
		}
		service_finish(s);
		free_watches(s);
		s->conf = NULL;
	}
	listen_commit();
	for (s = services; s != NULL; s = s->next)
		service_update(s);
	service_sweep();
	config_free(old);
	return 0;
}

void
service_sweep(void)
{
	struct service **p = &services, *s;

	while ((s = *p) != NULL) {
		if (s->conf != NULL || s->children != NULL) {
			p = &s->next;
			continue;
		}
		*p = s->next;
		service_free(s);
	}
}
