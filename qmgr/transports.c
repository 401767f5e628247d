/*
 * transports.c - a transport is the name of a socket; its limits come from
 * the configuration.
 */
#include "qmgr.h"

enum { TRANSPORTS = 64, AHEAD = 2 /* one at work and one behind it */ };

struct transport *transports;

bool
transport_name_ok(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_");

	return n > 0 && n <= 32 && name[n] == '\0';
}

static bool
listed(const struct strlist *l, const char *name)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (strcmp(l->v[i], name) == 0)
			return true;
	return false;
}

/* name:agents:requests:concurrency:initial, the last may be missing */
static void
set_limits(struct transport *t)
{
	const struct strlist *l = &qmgr.conf.transport_limits;
	bool shared = listed(&qmgr.conf.shared_agents, t->name);
	uint64_t v[4] = { (uint64_t)qmgr.conf.agents,
	    shared ? (uint64_t)qmgr.conf.agent_requests : AHEAD,
	    (uint64_t)qmgr.conf.destination_concurrency,
	    (uint64_t)qmgr.conf.initial_concurrency };
	struct slice rest, part;
	size_t i, k;

	for (i = 0; i < l->n; i++) {
		rest = slice_of(l->v[i]);
		slice_cut(&rest, ':', &part);
		if (!slice_eqz(part, t->name))
			continue;
		for (k = 0; k < 4 && slice_cut(&rest, ':', &part); k++)
			slice_u64(part, 10000, &v[k]);
	}
	t->agents_max = (int64_t)MAX(1, v[0]);
	t->agent_requests = (int64_t)MAX(1, v[1]);
	t->limit = t->agents_max * t->agent_requests;
	t->dest_max = (int64_t)MAX(1, v[2]);
	t->dest_start = MIN(t->dest_max, (int64_t)MAX(1, v[3]));
	t->cohorts = qmgr.conf.failed_cohorts;
	t->exclusive = !shared;
	/* it waits for the commands of accounts */
	if (strcmp(t->name, "system") == 0)
		t->timeout_ms = qmgr.conf.relay_timeout;
	t->backlog_share = qmgr.conf.backlog_share;
}

struct transport *
transport_get(const char *name)
{
	struct transport *t;
	int n = 0;

	for (t = transports; t != NULL; t = t->next, n++)
		if (strcmp(t->name, name) == 0)
			return t;
	if (n >= TRANSPORTS || !transport_name_ok(name))
		return NULL;
	t = xmalloc(sizeof(*t));
	sched_transport_init(t, name);
	set_limits(t);
	t->next = transports;
	transports = t;
	return t;
}
