/*
 * verbs.c - from a message to a verb function: known, permitted, with the
 * descriptor that it wants, decoded.
 */
#include "conf/common.h"
#include "serve/internal.h"

static int
do_ping(struct call *c UNUSED, const void *in UNUSED, void *out UNUSED,
    struct err *err UNUSED)
{
	return 0;
}

static const struct verb ping = { &verb_ping, do_ping, PEER_SUITE };

const struct verb *
verb_find(const struct daemon *d, const char *name)
{
	const struct verb *v;

	for (v = d->verbs; v != NULL && v->def != NULL; v++)
		if (strcmp(v->def->name, name) == 0)
			return v;
	return strcmp(name, "ping") == 0 ? &ping : NULL;
}

int
call_more(struct call *c, const void *more, struct err *err)
{
	return c->more(c, more, err);
}

bool
verb_allowed(const struct verb *v, const struct ipc_cred *peer)
{
	int role;

	if ((v->peers & PEER_ANY) || peer->uid == 0 ||
	    (common.single_uid && peer->uid == geteuid()))
		return true;
	for (role = ROLE_NET; role < ROLE_COUNT; role++)
		if (peer->uid == common.uid[role] && (v->peers & 1u << role))
			return true;
	return false;
}

void
verb_print(const struct daemon *d)
{
	const struct verb *v;
	int role;

	for (v = d->verbs; v != NULL && v->def != NULL; v++) {
		printf("verb %s\t", v->def->name);
		if (v->peers & PEER_ANY || (v->peers & PEER_SUITE) ==
		    PEER_SUITE) {
			puts(v->peers & PEER_ANY ? "any" : "suite");
			continue;
		}
		printf("root");
		for (role = ROLE_NET; role < ROLE_COUNT; role++)
			if (v->peers & 1u << role)
				printf(" %s", role_name((enum role)role));
		puts("");
	}
}

/* the bit of a verb that a connection may use only once, or 0 */
static uint64_t
once_bit(const struct daemon *d, const struct verb *v)
{
	if (!(v->def->flags & VERB_ONCE))
		return 0;
	assert(v - d->verbs < 64);
	return (uint64_t)1 << (v - d->verbs);
}

int
verb_run(const struct daemon *d, struct call *c, struct ipc_msg *m,
    void **out, bool *fatal, struct err *err)
{
	const struct verb *v = verb_find(d, m->verb);
	uint64_t bit;
	void *in = NULL;
	int rc;

	*fatal = true;
	c->fd = m->fd;	/* whatever comes, the caller closes it */
	m->fd = -1;
	if (v == NULL)
		return err_perm(err, "5.5.1", "unknown verb %s", m->verb);
	c->def = v->def;
	if (!verb_allowed(v, &c->peer))
		return err_perm(err, "5.7.1", "%s: not permitted to uid %u",
		    m->verb, (unsigned)c->peer.uid);
	bit = once_bit(d, v);
	if (*c->once & bit)
		return err_perm(err, "5.5.1", "%s: only once", m->verb);
	if ((v->def->flags & VERB_FD_IN) && c->fd < 0)
		return err_perm(err, "5.5.4", "%s: no descriptor came along",
		    m->verb);
	if (v->def->in != NULL) {
		in = arena_alloc(c->arena, v->def->in_size);
		if (ipc_decode(m, v->def->in, in, c->arena, err) < 0)
			return -1;
	}
	*out = NULL;
	if (v->def->out != NULL) {
		*out = arena_alloc(c->arena, v->def->out_size);
		field_defaults(v->def->out, *out, c->arena);
	}
	*fatal = false;
	rc = v->fn(c, in, *out, err);
	if (rc >= 0)
		*c->once |= bit;
	return rc;
}
