/*
 * filter.c - patterns are matched without recursion, so that no pattern is
 * slow: glob_match goes back only to its last star.
 */
#include "queue/filter.h"

#include "queue/content.h"

static bool
same(char a, char b)
{
	return ascii_lower((unsigned char)a) == ascii_lower((unsigned char)b);
}

bool
glob_match(const char *p, const char *s)
{
	const char *star = NULL, *from = NULL;

	while (*s) {
		if (*p == '*') {
			star = ++p;
			from = s;
		} else if (*p && (*p == '?' || same(*p, *s))) {
			p++;
			s++;
		} else if (star != NULL) {
			p = star;
			s = ++from;
		} else {
			return false;
		}
	}
	while (*p == '*')
		p++;
	return *p == '\0';
}

static void
read_pattern(const char *z, struct address_pattern *p)
{
	*p = (struct address_pattern){ .kind = PAT_ANY, .s = z };
	if (*z == '\0')
		return;
	if (slice_eqz(slice_of(z), "<>")) {
		p->kind = PAT_NULL;
		return;
	}
	p->wild = strpbrk(z, "*?") != NULL;
	p->kind = strchr(z, '@') != NULL ? PAT_ADDR : PAT_DOMAIN;
	p->whole = p->wild && p->kind == PAT_DOMAIN;
	if (*z == '@') {
		p->kind = PAT_DOMAIN;
		p->s = z + 1;
	}
}

static int
read_id(const char *z, const char *name, int64_t *id, struct err *err)
{
	if (*z == '\0' || qid_parse(z, id))
		return 0;
	return err_perm(err, "5.5.4", "%s: no queue id: %.40s", name, z);
}

static void
read_dest(const char *z, struct arena *a, struct queue_filter *f)
{
	const char *colon = strchr(z, ':');

	f->transport = "";
	f->nexthop = z;
	if (colon == NULL)
		return;
	f->transport = arena_slice(a, (struct slice){ z,
	    (size_t)(colon - z) });
	f->nexthop = colon + 1;
}

int
queue_filter_read(const struct qmgr_filter *in, int64_t now, struct arena *a,
    struct queue_filter *f, struct err *err)
{
	*f = (struct queue_filter){ .id = -1, .after = -1,
	    .before = INT64_MAX, .state = in->state };
	if (read_id(in->q, "q", &f->id, err) != 0 ||
	    read_id(in->after, "after", &f->after, err) != 0)
		return -1;
	if (in->older < 0 || in->younger < 0 || in->limit < 0 ||
	    in->older > now || in->younger > now)
		return err_perm(err, "5.5.4", "an age or limit out of range");
	read_pattern(in->from, &f->from);
	read_pattern(in->to, &f->to);
	read_dest(in->dest, a, f);
	if (in->older > 0)
		f->before = qid_at(now - in->older);
	if (in->younger > 0)
		f->after = MAX(f->after, qid_at(now - in->younger) - 1);
	f->limit = in->limit;
	return 0;
}

int
queue_state(const struct queue_message *m, const struct queue_rcpt *r,
    bool active, int64_t now)
{
	if (m->hold)
		return QSTATE_HOLD;
	if (active)
		return QSTATE_ACTIVE;
	if (m->release_at > now)
		return QSTATE_SCHEDULED;
	return r->due > now ? QSTATE_DEFERRED : QSTATE_READY;
}

const char *
queue_state_name(int state)
{
	static const char *const names[] = { "any", "active", "ready",
	    "deferred", "hold", "scheduled" };

	return names[state];
}

static const char *
domain_of(const char *addr)
{
	const char *at = strrchr(addr, '@');

	return at != NULL ? at + 1 : "";
}

/* A pattern without an @ may mean a domain as well as an address. */
static bool
pattern_match(const struct address_pattern *p, const char *addr)
{
	if (p->whole && glob_match(p->s, addr))
		return true;
	switch (p->kind) {
	case PAT_ANY:
		return true;
	case PAT_NULL:
		return *addr == '\0';
	case PAT_DOMAIN:
		addr = domain_of(addr);
		break;
	case PAT_ADDR:
		break;
	}
	return p->wild ? glob_match(p->s, addr) :
	    slice_ieqz(slice_of(addr), p->s);
}

bool
queue_filter_message(const struct queue_filter *f,
    const struct queue_message *m)
{
	if (f->id >= 0 && m->id != f->id)
		return false;
	if (m->id <= f->after || m->id >= f->before)
		return false;
	return pattern_match(&f->from, m->sender);
}

bool
queue_filter_rcpt(const struct queue_filter *f, const struct queue_rcpt *r,
    int state)
{
	if (f->state != QSTATE_ANY && state != f->state)
		return false;
	if (*f->transport && !glob_match(f->transport, r->transport))
		return false;
	if (*f->nexthop && !glob_match(f->nexthop, r->nexthop))
		return false;
	return pattern_match(&f->to, r->addr);
}
