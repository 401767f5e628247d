/*
 * verbs.c - what is asked from outside.
 */
#include "gate.h"

#include "base/clock.h"

static int
do_stat(struct call *c UNUSED, const void *in UNUSED, void *vout,
    struct err *err UNUSED)
{
	struct gate_stat_out *out = vout;

	send_reap();
	*out = stat_;
	out->waiting = (int64_t)send_queued();
	out->asking = (int64_t)ask_waiting();
	out->sessions = (int64_t)send_sessions();
	out->known = (int64_t)cache_entries();
	out->counted = (int64_t)count_entries();
	return 0;
}

static int
parse(const char *text, struct addr *a, struct err *err)
{
	if (addr_parse(slice_of(text), a))
		return 0;
	return err_perm(err, "5.5.4", "addr = %s: expected an address", text);
}

static int
do_look(struct call *c UNUSED, const void *vin, void *vout, struct err *err)
{
	const struct gate_look_in *in = vin;
	struct gate_look_out *out = vout;
	int64_t now = wall_s();
	struct addr a;
	struct known k;

	if (parse(in->addr, &a, err) < 0)
		return -1;
	send_reap();
	count_look(&a, out);
	out->known = cache_get(&a, &k);
	if (out->known) {
		out->pregreet = MAX(k.until[PREGREET] - now, (int64_t)0);
		out->dnsbl = MAX(k.until[DNSBL] - now, (int64_t)0);
		out->score = k.score;
	}
	return 0;
}

static int
do_forget(struct call *c UNUSED, const void *vin, void *out UNUSED,
    struct err *err)
{
	const struct gate_look_in *in = vin;
	bool all = strcmp(in->addr, ".") == 0;
	struct addr a;

	if (!all && parse(in->addr, &a, err) < 0)
		return -1;
	count_forget(all ? NULL : &a);
	cache_forget(all ? NULL : &a);
	return 0;
}

const struct verb gate_serves[] = {
	{ &gate_stat, do_stat, PEER_SUITE },
	{ &gate_look, do_look, PEER_ADMIN },
	{ &gate_forget, do_forget, PEER_ADMIN },
	{ NULL, NULL, 0 }
};
