/*
 * verbs.c - the interface of proto/dns.h.
 */
#include "dnsd.h"

struct dns_stat_out counters;

static int
do_query(struct call *c, const void *in, void *out UNUSED, struct err *err)
{
	return request_start(c, in, err);
}

static int
do_client(struct call *c, const void *in, void *out UNUSED, struct err *err)
{
	return client_start(c, in, err);
}

static int
do_stat(struct call *c UNUSED, const void *in UNUSED, void *out,
    struct err *err UNUSED)
{
	struct dns_stat_out *o = out;

	*o = counters;
	return 0;
}

static int
do_flush(struct call *c UNUSED, const void *vin, void *out UNUSED,
    struct err *err)
{
	const struct dns_flush_in *in = vin;
	char name[NAME_TEXT];

	if (!name_make(in->name, name))
		return err_perm(err, "5.5.4", "%s is no domain name",
		    in->name);
	if (resolver_renew(err) < 0)
		return -1;
	question_flush(name);
	return 0;
}

const struct verb dnsd_serves[] = {
	{ &dns_query, do_query, PEER_SUITE },
	{ &dns_client, do_client, PEER_SUITE },
	{ &dns_stat, do_stat, PEER_SUITE },
	{ &dns_flush, do_flush, PEER_ADMIN },
	{ NULL, NULL, 0 }
};
