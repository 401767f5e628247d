/*
 * ask.c - one question, one connection, one deadline.  The answer is given
 * once, and the connection ends with it.
 */
#include "stsd.h"

#include <event2/event.h>

#include "conf/common.h"
#include "ipc/codec.h"

struct ask {
	struct hub_agent *agent;
	struct event *timer;
	ask_fn *fn;
	void *ctx;
};

static void
end(struct ask *k, bool close_agent)
{
	if (close_agent)
		hub_agent_close(k->agent);
	event_free(k->timer);
	free(k);
}

static void
on_msg(struct hub_agent *a UNUSED, void *ctx, struct ipc_msg *m)
{
	struct ask *k = ctx;
	struct err why = ERR_INIT;

	if (strcmp(m->verb, "more") == 0) {
		k->fn(k->ctx, m, NULL);
		return;
	}
	if (strcmp(m->verb, "ok") == 0) {
		k->fn(k->ctx, m, NULL);
	} else {
		ipc_get_err(m, &why);
		k->fn(k->ctx, NULL, &why);
	}
	end(k, true);
}

static void
on_gone(struct hub_agent *a UNUSED, void *ctx, const struct err *why)
{
	struct ask *k = ctx;

	k->fn(k->ctx, NULL, why);
	end(k, false);
}

static void
on_timer(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct ask *k = arg;
	struct err why;

	err_temp(&why, "4.4.1", "no answer in time");
	k->fn(k->ctx, NULL, &why);
	end(k, true);
}

int
ask(const char *path, const struct verb_def *v, const void *in, int fd,
    int64_t timeout_ms, ask_fn *fn, void *ctx, struct err *err)
{
	struct timeval tv = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };
	struct ask *k = xcalloc(1, sizeof(*k));

	k->fn = fn;
	k->ctx = ctx;
	k->agent = hub_agent_open(path, on_msg, on_gone, k, err);
	if (k->agent == NULL) {
		free(k);
		return -1;
	}
	k->timer = event_new(hub_base, -1, 0, on_timer, k);
	if (k->timer == NULL || event_add(k->timer, &tv) < 0)
		die("event_new");
	if (hub_agent_send(k->agent, v, in, fd, err) < 0) {
		end(k, true);
		return -1;
	}
	return 0;
}

/* --- TXT records --- */

struct txt {
	txt_fn *fn;
	void *ctx;
	struct txt_answer r;
	struct arena arena;
};

static void
txt_end(struct txt *t)
{
	t->fn(t->ctx, &t->r);
	arena_free(&t->arena);
	free(t);
}

static void
txt_more(struct txt *t, const struct ipc_msg *m)
{
	struct dns_query_more more;
	struct arena a = { 0 };
	struct err err;
	size_t i;

	if (ipc_decode(m, dns_query.more, &more, &a, &err) == 0) {
		t->r.away = false;
		t->r.status = (enum dns_status)more.status;
		t->r.ttl = more.ttl;
		t->r.why = arena_strdup(&t->arena, more.why);
		for (i = 0; i < more.rr.n; i++)
			strlist_add(&t->r.rr, &t->arena,
			    arena_strdup(&t->arena, more.rr.v[i]));
	}
	arena_free(&a);
}

static void
on_txt(void *ctx, const struct ipc_msg *m, const struct err *why)
{
	struct txt *t = ctx;

	if (m != NULL && strcmp(m->verb, "more") == 0) {
		txt_more(t, m);
		return;
	}
	if (m == NULL) {
		t->r.away = true;
		t->r.why = arena_strdup(&t->arena, why->text);
	}
	txt_end(t);
}

void
txt_ask(const char *name, txt_fn *fn, void *ctx)
{
	static const char *path;	/* never freed: made once */
	struct dns_query_in in = { .timeout = conf.dns_timeout,
		.session = "" };
	struct txt *t = xcalloc(1, sizeof(*t));
	struct err err = ERR_INIT;

	if (path == NULL)
		path = socket_path("dnsd");
	t->fn = fn;
	t->ctx = ctx;
	t->r.away = true;
	t->r.why = "no answer";
	strlist_add(&in.name, &t->arena, name);
	strlist_add(&in.type, &t->arena, arena_printf(&t->arena, "%d",
	    DNS_TXT));
	if (ask(path, &dns_query, &in, -1, conf.dns_timeout + 5000, on_txt,
	    t, &err) == 0)
		return;
	t->r.why = arena_strdup(&t->arena, err.text);
	txt_end(t);
}
