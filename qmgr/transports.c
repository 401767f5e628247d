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

/* name:agents:requests:concurrency:initial, the last may be missing: 1, or 0
 * it is another transport's */
static int
read_row(struct slice row, const struct transport *t, uint64_t v[4])
{
	struct slice part;
	size_t k;

	slice_cut(&row, ':', &part);
	if (!slice_eqz(part, t->name))
		return 0;
	for (k = 0; k < 4 && slice_cut(&row, ':', &part); k++)
		slice_u64(part, 10000, &v[k]);
	return 1;
}

static void
find_row(const struct transport *t, uint64_t v[4])
{
	const struct strlist *l = &qmgr.conf.transport_limits;
	struct slice rest = slice_of(TRANSPORT_LIMITS), row;
	bool found = false;
	size_t i;

	for (i = 0; i < l->n; i++)
		found |= read_row(slice_of(l->v[i]), t, v);
	while (!found && slice_word(&rest, &row))
		read_row(row, t, v);
}

/* its service may have fewer places, and those of pipe are also for what the
 * accounts' own commands need */
static int64_t
with_places(const struct transport *t, int64_t agents)
{
	int64_t places = places_of(t->name);

	if (places < INT64_MAX && strcmp(t->name, "pipe") == 0 &&
	    places_of(COMMAND_SERVICE) < INT64_MAX)
		places -= places_of(COMMAND_SERVICE);
	if (agents <= MAX(1, places))
		return agents;
	log_event(LOG_INFO, "narrow", KS("transport", t->name),
	    KI("agents", agents), KI("places", places), KEND);
	return MAX(1, places);
}

static void
set_limits(struct transport *t)
{
	bool shared = listed(&qmgr.conf.shared_agents, t->name);
	uint64_t v[4] = { (uint64_t)qmgr.conf.agents,
	    shared ? (uint64_t)qmgr.conf.agent_requests : AHEAD,
	    (uint64_t)qmgr.conf.destination_concurrency,
	    (uint64_t)qmgr.conf.initial_concurrency };

	find_row(t, v);
	t->agents_max = with_places(t, (int64_t)MAX(1, v[0]));
	t->agent_requests = (int64_t)MAX(1, v[1]);
	t->limit = t->agents_max * t->agent_requests;
	t->dest_max = (int64_t)MAX(1, v[2]);
	t->dest_start = MIN(t->dest_max, (int64_t)MAX(1, v[3]));
	t->cohorts = qmgr.conf.failed_cohorts;
	t->exclusive = !shared;
	/* up to so many recipients, one after the other, with child_timeout */
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
