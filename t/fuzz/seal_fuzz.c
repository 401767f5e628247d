/*
 * seal_fuzz.c - what is said to be a seal is none, whatever it looks like, for
 * nobody knows the key; and what was sealed opens as it was, or was not sealed.
 */
#include "base/clock.h"
#include "proto/seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool
same(const struct router_route_more *a, const struct router_route_more *b)
{
	return strcmp(a->addr, b->addr) == 0 &&
	    strcmp(a->transport, b->transport) == 0 &&
	    strcmp(a->nexthop, b->nexthop) == 0 &&
	    strcmp(a->mailbox, b->mailbox) == 0 && a->quota == b->quota;
}

/* the input as fields, cut at newlines */
static void
round_trip(struct slice in, struct arena *a)
{
	struct router_route_more r = { 0 }, got;
	const char *part[6], *rcpt, *sender;
	struct slice s;
	struct str seal = STR_INIT;
	int64_t until;
	size_t i;

	for (i = 0; i < ARRAY_LEN(part); i++)
		part[i] = slice_cut(&in, '\n', &s) ? arena_slice(a, s) : "";
	rcpt = part[0];
	sender = part[1];
	r.addr = part[2][0] != '\0' ? part[2] : rcpt;
	r.transport = part[3];
	r.nexthop = part[4];
	r.mailbox = part[5];
	r.quota = in.n;
	seal_route(&r, rcpt, sender, mono_ms() + SEAL_TIME_MAX, &seal);
	if (seal.len > 0) {
		assert(seal.len <= SEAL_MAX);
		if (seal_open(seal.s, rcpt, sender, a, &got, &until) != 1 ||
		    !same(&r, &got))
			abort();
		seal.s[seal.len / 2] ^= 1;
		if (seal_open(seal.s, rcpt, sender, a, &got, &until) != 0)
			abort();
	}
	str_free(&seal);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in = { (const char *)data, n };
	struct arena a = { 0 };
	struct router_route_more got;
	struct err err = ERR_INIT;
	int64_t until;

	if (!seal_ready() && seal_take(seal_make(), &err) < 0)
		abort();
	if (!slice_has_nul(in)) {
		if (seal_open(arena_slice(&a, in), "ann@example.org", "", &a,
		    &got, &until) != 0)
			abort();
		round_trip(in, &a);
	}
	arena_free(&a);
	return 0;
}
