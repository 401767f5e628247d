/*
 * sites.c - who stands behind next hops, as their agent says: one site is
 * what shares hosts.  A site is here while a destination of it is.
 */
#include "qmgr.h"

enum { BUCKETS = 1 << 10, NAME_MAX_BYTES = 255 };

static struct site *table[BUCKETS];

static struct site **
bucket(const char *name)
{
	uint64_t h = 0xcbf29ce484222325;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 0x100000001b3;
	return &table[(h ^ h >> 29) % BUCKETS];
}

struct site *
site_find(const char *name)
{
	struct site *s = *bucket(name);

	while (s != NULL && strcmp(s->name, name) != 0)
		s = s->hash_next;
	return s;
}

static struct site *
site_get(const char *name)
{
	struct site *s = site_find(name), **b = bucket(name);

	if (s != NULL)
		return s;
	s = xcalloc(1, sizeof(*s));
	s->name = xstrdup(name);
	TAILQ_INIT(&s->blocked);
	s->hash_next = *b;
	*b = s;
	policy_apply_site(s);
	return s;
}

/* those with a limit are in the scheduler's list */
void
site_limited(struct site *s, bool limited)
{
	struct site **p;

	if (s->limited == limited)
		return;
	s->limited = limited;
	if (limited) {
		s->next = sched_sites;
		sched_sites = s;
		return;
	}
	for (p = &sched_sites; *p != s; p = &(*p)->next)
		;
	*p = s->next;
}

void
site_release(struct site *s)
{
	struct site **p;

	if (s == NULL || s->dests > 0)
		return;
	site_limited(s, false);
	for (p = bucket(s->name); *p != s; p = &(*p)->hash_next)
		;
	*p = s->hash_next;
	free(s->name);
	free(s);
}

bool
site_set(struct dest *d, const char *name)
{
	struct site *old = d->site;

	if (*name == '\0' || strlen(name) > NAME_MAX_BYTES ||
	    (old != NULL && strcmp(old->name, name) == 0))
		return false;
	sched_site(d, site_get(name));
	site_release(old);
	return true;
}
