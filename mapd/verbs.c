/*
 * verbs.c - the three questions.  A table answers only the roles that its file
 * names: what holds password hashes is for auth.
 */
#include "conf/common.h"
#include "mapd.h"

static bool
may_ask(const struct table *t, const struct ipc_cred *peer)
{
	int role;

	if (peer->uid == 0 || (common.single_uid && peer->uid == geteuid()))
		return true;
	for (role = ROLE_NET; role < ROLE_COUNT; role++)
		if (peer->uid == common.uid[role] && (t->roles & 1u << role))
			return true;
	return false;
}

static struct table *
find(const struct call *c, const char *spec, struct err *err)
{
	struct table *t = table_find(spec);

	if (t == NULL)
		err_temp(err, "4.3.5", "%s is not among the tables of "
		    "mapd.conf", spec);
	else if (!may_ask(t, &c->peer))
		err_temp(err, "4.3.5", "%s is not for this program (uid %u): "
		    "see \"for\" in %s", spec, (unsigned)c->peer.uid, t->path);
	else
		return t;
	return NULL;
}

static int
do_get(struct call *c, const void *vin, void *vout, struct err *err)
{
	const struct lookup_get_in *in = vin;
	struct lookup_get_out *out = vout;
	struct table *t = find(c, in->map, err);
	struct str value = STR_INIT;
	int r = t != NULL ? lookup(t, in->key, &value, err) : -1;

	explicit_bzero((char *)(uintptr_t)in->key, strlen(in->key));
	out->found = r > 0;
	out->value = arena_slice(c->arena, slice_str(&value));
	if (value.cap > 0)
		explicit_bzero(value.s, value.cap);
	str_free(&value);
	return r < 0 ? -1 : 0;
}

static int
check_one(struct call *c, struct table *t, struct err *err)
{
	struct err why = ERR_INIT;
	struct lookup_check_more more = { t->spec, true, "" };

	if (lookup_try(t, &why) < 0) {
		more.good = false;
		more.text = why.text;
	}
	return call_more(c, &more, err);
}

static int
do_check(struct call *c, const void *vin, void *out UNUSED, struct err *err)
{
	const struct lookup_check_in *in = vin;
	struct table *t;
	size_t i;

	if (in->map[0] != '\0') {
		t = find(c, in->map, err);
		return t != NULL ? check_one(c, t, err) : -1;
	}
	for (i = 0; (t = table_at(i)) != NULL; i++)
		if (may_ask(t, &c->peer) && check_one(c, t, err) < 0)
			return -1;
	return 0;
}

static int
do_stat(struct call *c UNUSED, const void *in UNUSED, void *vout,
    struct err *err UNUSED)
{
	struct lookup_stat_out *out = vout;
	const struct table *t;
	size_t i, k;

	*out = (struct lookup_stat_out){ stats.queries, stats.hits,
		stats.failures, 0 };
	for (i = 0; (t = table_at(i)) != NULL; i++)
		for (k = 0; k < t->servers; k++)
			out->connections += t->server[k].conn != NULL;
	return 0;
}

const struct verb mapd_serves[] = {
	{ &lookup_get, do_get, PEER_SUITE },
	{ &lookup_check, do_check, PEER_SUITE },
	{ &lookup_stat, do_stat, PEER_SUITE },
	{ NULL, NULL, 0 }
};
