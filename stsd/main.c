/*
 * main.c - stsd(8): which TLS do the servers of others promise, and how did
 * it go?  One process, which waits for nobody.
 */
#include "stsd.h"

#include <event2/event.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/common.h"
#include "smtp/address.h"

struct stsd_conf conf;

static const struct field fields[] = {
	F_TIME(struct stsd_conf, check_interval, "1m", "1s", "1h",
	    "how long the TXT record of a domain is believed at least"),
	F_STR(struct stsd_conf, contact, "",
	    "contact-info of reports; empty: postmaster of the first domain"),
	F_TIME(struct stsd_conf, dns_timeout, "20s", "100ms", "5m",
	    "time for a TXT record"),
	F_TIME(struct stsd_conf, fetch_timeout, "1m", "1s", "5m",
	    "time for a policy host to give its policy"),
	F_INT(struct stsd_conf, fetches, "20", "1", "500",
	    "policies that are fetched at a time"),
	F_STR(struct stsd_conf, from, "",
	    "who sends reports; empty: noreply-smtp-tls-reporting of the "
	    "first domain"),
	F_INT(struct stsd_conf, max_domains, "20000", "100", "1000000",
	    "policies that are kept; those not used longest go"),
	F_STR(struct stsd_conf, organization, "",
	    "organization-name of reports; empty: the host name"),
	F_TIME(struct stsd_conf, refresh, "1d", "1s", "30d",
	    "a policy of that age is fetched anew"),
	F_TIME(struct stsd_conf, report_delay, "4h", "0", "20h",
	    "reports go at a random time after midnight UTC, at most so late"),
	F_INT(struct stsd_conf, report_domains, "50000", "1", "10000000",
	    "domains whose sessions are counted on a day"),
	F_TIME(struct stsd_conf, report_keep, "7d", "2d", "60d",
	    "how long counts are kept"),
	F_INT(struct stsd_conf, report_rows, "200", "1", "10000",
	    "failures of a domain on a day that are told apart"),
	F_INT(struct stsd_conf, report_tries, "8", "1", "100",
	    "attempts to send a report"),
	F_TIME(struct stsd_conf, retry, "5m", "1s", "1h",
	    "pause after a failed fetch; it doubles up to 1h"),
	F_BOOL(struct stsd_conf, tls_reports, "yes",
	    "count TLS sessions and report them to domains that ask for it"),
	F_TIME(struct stsd_conf, wait, "30s", "0", "5m",
	    "how long a delivery waits for a policy that is not known yet"),
	F_END
};

/* --- requests --- */

static int
do_policy(struct call *c, const void *in, void *out, struct err *err)
{
	return domain_policy(c, in, out, err);
}

static int
do_count(struct call *c UNUSED, const void *in, void *out UNUSED,
    struct err *err UNUSED)
{
	count_session(in, wall_s());
	return 0;
}

static int
do_list(struct call *c, const void *in UNUSED, void *out UNUSED,
    struct err *err)
{
	return domain_list(c, err);
}

static int
do_refresh(struct call *c, const void *in_, void *out UNUSED,
    struct err *err)
{
	const struct sts_refresh_in *in = in_;
	const char *name = domain_name(in->domain, c->arena);

	if (name == NULL)
		return err_perm(err, "5.1.2", "%s can not have a policy",
		    in->domain);
	domain_forget(name);
	return 0;
}

static int
do_report(struct call *c, const void *in, void *out UNUSED, struct err *err)
{
	return batch_verb(c, in, err);
}

const struct verb stsd_serves[] = {
	{ &sts_policy, do_policy, PEER_OUT },
	{ &sts_count, do_count, PEER_OUT },
	{ &sts_list, do_list, PEER_ADMIN },
	{ &sts_refresh, do_refresh, PEER_ADMIN },
	{ &sts_report, do_report, PEER_ADMIN },
	{ NULL, NULL, 0 }
};

/* --- the daemon --- */

enum { TICK_S = 1 };

static void
on_tick(evutil_socket_t fd UNUSED, short what UNUSED, void *arg UNUSED)
{
	int64_t now = wall_s();

	domain_tick(now);
	count_tick(now);
	batch_tick(now);
	outbox_tick(now);
}

static int
before_jail(struct err *err UNUSED)
{
	struct str s = STR_INIT;

	/* the time zone is read once, while /etc can be seen */
	date_5322(&s, wall_s());
	str_free(&s);
	db_init();
	return 0;
}

static int
start(struct err *err)
{
	static const struct timeval tv = { TICK_S, 0 };
	struct event *tick = event_new(hub_base, -1, EV_PERSIST, on_tick,
	    NULL);

	if (tick == NULL || event_add(tick, &tv) < 0)
		return err_temp(err, "4.3.0", "no timer");
	batch_start(wall_s());
	return db_open(err);
}

/* Callers whose connection ends ask our successor. */
static int
run(const struct daemon *d)
{
	int r = hub_run(d);

	db_commit();
	return r;
}

static int
check(struct err *err)
{
	struct smtp_address addr;
	struct arena a = { 0 };
	int r = 1;

	if (conf.from[0] != '\0')
		r = smtp_address_parse(slice_of(conf.from), 0, &a, &addr, err);
	arena_free(&a);
	return r < 0 ? err_prefix(err, "from") : 0;
}

static const struct daemon stsd = {
	.name = "stsd", .kind = SERVE_EVENT,
	.fields = fields, .conf = &conf,
	.check = check, .before_jail = before_jail, .start = start,
	.run = run, .verbs = stsd_serves,
	.jail = { .groups = JAIL_EPOLL | JAIL_FILES | JAIL_WRITE |
	    JAIL_SQLITE | JAIL_UNIX, .files = 8192 },
};

int
main(int argc, char **argv)
{
	return serve_main(argc, argv, &stsd);
}
