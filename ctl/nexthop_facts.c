/*
 * nexthop_facts.c - what DNS says of a next hop: its MX records, their
 * addresses, TLSA records, the policy of MTA-STS, and what is proven.
 */
#include "conf/common.h"
#include "ctl.h"
#include "proto/sts.h"
#include "serve/dns.h"

#include <arpa/inet.h>

enum { DNS_MS = 10000, STS_MS = 15000, HOSTS = 10, SMTP_PORT = 25 };

struct hop {
	const char *name;	/* domain, host or address */
	bool bracket;		/* no MX */
	int port;
	bool json;
};

static void PRINTF(3, 4)
say(const struct hop *h, const char *what, const char *fmt, ...)
{
	struct str text = STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(&text, fmt, ap);
	va_end(ap);
	show_step(h->json, what, text.s);
	str_free(&text);
}

/* domain, domain:port, [host], [address]:port */
static struct hop
parse(const char *nexthop, bool json)
{
	struct slice s = slice_of(nexthop), port;
	struct hop h = { .port = SMTP_PORT, .json = json };
	size_t colon = slice_rfind(s, ':');
	uint64_t n;

	port = slice_sub(s, colon + 1, s.n);
	if (colon < s.n && slice_u64(port, 65535, &n) && n > 0 &&
	    (s.p[0] != '[' || s.p[colon - 1] == ']')) {
		h.port = (int)n;
		s.n = colon;
	}
	if (slice_starts(s, "[") && slice_ends(s, "]")) {
		h.bracket = true;
		s = slice_sub(s, 1, s.n - 2);
		if (slice_istarts(s, "IPv6:"))
			s = slice_sub(s, 5, s.n);
	}
	h.name = arena_slice(&ctl_arena, s);
	return h;
}

static bool
is_address(const char *z)
{
	unsigned char b[16];

	return inet_pton(AF_INET, z, b) == 1 || inet_pton(AF_INET6, z, b) == 1;
}

static const char *
proven(bool secure)
{
	return secure ? "proven by DNSSEC" : "not proven";
}

/* what is not there, or not known; true: it is */
static bool
known(const struct hop *h, const struct dns_question *q)
{
	struct err err;

	if (q->a.status == DNS_OK)
		return true;
	if (q->a.status == DNS_NODATA && q->type != DNS_MX)
		return false;
	dns_err(q, &err);
	say(h, "dns", "%s (%s)", err.text, q->a.status < DNS_SERVFAIL ?
	    proven(q->a.secure) : dns_status_name(q->a.status));
	return false;
}

static bool
ask(const struct hop *h, struct dns_question *q, size_t n)
{
	struct err err = ERR_INIT;

	if (dns_ask(q, n, DNS_MS, "", &ctl_arena, &err) == 0)
		return true;
	say(h, "dns", "%s", err.text);
	return false;
}

/* of one host; the addresses that matter for its TLSA records come first */
static void
host_facts(const struct hop *h, const char *host)
{
	struct dns_question q[] = {
		{ .name = host, .type = DNS_A },
		{ .name = host, .type = DNS_AAAA },
		{ .name = arena_printf(&ctl_arena, "_%d._tcp.%s", h->port,
		    host), .type = DNS_TLSA },
	};
	bool secure = true;
	size_t i, k;

	if (!ask(h, q, ARRAY_LEN(q)))
		return;
	for (i = 0; i < 2; i++)
		if (known(h, &q[i]))
			for (k = 0; k < q[i].a.n; k++)
				say(h, "host", "%s has %s (%s)", host,
				    q[i].a.rr[k], proven(q[i].a.secure));
	for (i = 0; i < 2; i++)
		secure &= q[i].a.secure || q[i].a.status != DNS_OK;
	if (q[2].a.status == DNS_NXDOMAIN || !known(h, &q[2]))
		return;
	for (k = 0; k < q[2].a.n; k++)
		say(h, "tlsa", "%s %s (%s)", q[2].name, q[2].a.rr[k],
		    q[2].a.secure && secure ? proven(true) :
		    "not proven: not used");
}

static const char *
mx_host(const char *rr)
{
	const char *host = strchr(rr, ' ');

	return host != NULL ? host + 1 : rr;
}

static uint64_t
mx_pref(const char *rr)
{
	struct slice s = slice_of(rr);
	uint64_t n;

	s.n = slice_find(s, ' ');
	return slice_u64(s, UINT16_MAX, &n) ? n : UINT16_MAX;
}

static int
by_pref(const void *va, const void *vb)
{
	const char *const *a = va, *const *b = vb;
	uint64_t x = mx_pref(*a), y = mx_pref(*b);

	return x != y ? (x > y) - (x < y) : strcmp(*a, *b);
}

static void
mx_facts(const struct hop *h)
{
	struct dns_question q = { .name = h->name, .type = DNS_MX };
	const char **rr;
	size_t i;

	if (!ask(h, &q, 1))
		return;
	if (!known(h, &q)) {
		if (q.a.status == DNS_NODATA)
			host_facts(h, h->name);
		return;
	}
	rr = arena_alloc(&ctl_arena, q.a.n * sizeof(*rr));
	memcpy(rr, q.a.rr, q.a.n * sizeof(*rr));
	qsort(rr, q.a.n, sizeof(*rr), by_pref);
	for (i = 0; i < q.a.n; i++)
		say(h, "mx", "%s %s (%s)", h->name, rr[i],
		    proven(q.a.secure));
	for (i = 0; i < q.a.n && i < HOSTS; i++)
		if (strcmp(mx_host(rr[i]), ".") != 0)
			host_facts(h, mx_host(rr[i]));
}

static void
sts_facts(const struct hop *h)
{
	static const char *const modes[] = { "none", "testing", "enforce" };
	struct sts_policy_in in = { .domain = h->name, .session = "",
		.timeout = DNS_MS };
	struct sts_policy_out out;
	struct err err = ERR_INIT;
	struct str mx = STR_INIT;
	struct ipc c;
	size_t i;

	ipc_init(&c, socket_path("stsd"), STS_MS);
	if (ipc_call(&c, &sts_policy, &in, -1, &out, NULL, NULL, &err) < 0) {
		say(h, "mta-sts", "%s", err.text);
	} else {
		for (i = 0; i < out.mx.n; i++)
			str_addf(&mx, "%s %s", i > 0 ? "," : ":",
			    out.mx.v[i]);
		say(h, "mta-sts", "%s %s%s", h->name,
		    modes[out.mode >= 0 && out.mode < 3 ? out.mode : 0],
		    mx.s);
	}
	str_free(&mx);
	ipc_free(&c);
}

void
nexthop_facts(const char *nexthop, bool json)
{
	struct hop h = parse(nexthop, json);

	if (is_address(h.name))
		return;
	if (h.bracket) {
		host_facts(&h, h.name);
		return;
	}
	mx_facts(&h);
	sts_facts(&h);
}
