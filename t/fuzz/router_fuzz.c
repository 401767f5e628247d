/*
 * router_fuzz.c - an address that a client named, or a login and an address:
 * where mail for it goes is one line of text, a mailbox that lies below the
 * mail root, and a way; who is not ours is relayed to and never delivered.
 */
#include "../../router/router.h"

#include "base/log.h"
#include "conf/common.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { RESOLVE, OWNS, REWRITE, HOP, KINDS_, TARGETS = 20 };

struct router_conf conf = {
	.mailboxes = "inline:ann@example.com=;bob@example.com=quota=1M;"
	    "gone@example.com=disabled=yes;a b@example.com=;"
	    "with+plus@example.com=;fwd@example.com=forward=\"ann, x@y\"",
	.aliases = "inline:sales=ann, bob@example.com;self=self, ann;"
	    "all@example.com=sales bob, far@away.example;cmd=|/bin/sh;"
	    "a=b;b=c,a;c=a, bob;\"q q\"@example.com=ann;ext+ra=bob;"
	    "@other.example=ann@example.com",
	.virtual_domains = "inline:table.example=;"
	    "as.example=alias_of=example.com",
	.senders = "inline:shop@away.example=bob@example.com;"
	    "@our.example=ann;@free.example=*",
	.relay_recipients = "inline:in@relay.example=",
	.relayhost = "[smart.example]:587",
	.transport = "inline:dom.example=smtp:[192.0.2.1]:25;"
	    ".sub.example=lmtp:unix:/run/lmtp;err.example=error:5.7.1 no",
	.sender_relayhost = "inline:@brand.example=brand-out.example",
	.domains = "", .fallback_transport = "",
	.canonical = "inline:old@example.com=ann@example.com",
	.canonical_sender = "inline:@inner.example=@example.com",
	.canonical_recipient = "", .relocated = "inline:left@example.com=x@y",
	.sender_bcc = "", .recipient_bcc = "", .always_bcc = "",
	.srs_domain = "", .alias_user = "nobody",
	.hostname_is_local = true, .alias_depth = 5, .alias_targets = TARGETS,
};

static void
drop(const char *line UNUSED, size_t n UNUSED)
{
}

static void
begin(void)
{
	static struct arena a;

	if (common.hostname != NULL)
		return;
	log_set_sink(drop);
	common.hostname = "mx.example.net";
	strlist_add(&common.domains, &a, "example.com");
	strlist_add(&common.domains, &a, "other.example");
	strlist_add(&common.system_domains, &a, "Sys.Example");
	strlist_add(&conf.relay_domains, &a, "relay.example");
	strlist_add(&conf.masquerade_domains, &a, "example.com");
	common.system_users = "inline:joe=1000:1000:/home/joe";
	common.recipient_delimiter = "+-";
	common.postmaster = "";
	common.mail_dir = "/m";
	common.first_uid = 1000;
	tables_init();
	domain_own_addresses();
}

static void
one_line(const char *z)
{
	for (; *z != '\0'; z++)
		assert((unsigned char)*z >= ' ' && *z != 0x7f);
}

/* a virtual mailbox is DOMAIN/LOCALPART, and stays where it is */
static void
below(const char *mailbox)
{
	struct slice rest = slice_of(mailbox), part;

	assert(mailbox[0] != '/');
	while (slice_cut(&rest, '/', &part))
		assert(part.n > 0 && !slice_eqz(part, "..") &&
		    !slice_eqz(part, "."));
}

static bool
is_ours(const char *addr)
{
	static const char *const ours[] = { "@example.com", "@other.example",
	    "@table.example", "@sys.example", "@mx.example.net" };
	size_t i;

	for (i = 0; i < ARRAY_LEN(ours); i++)
		if (slice_iends(slice_of(addr), ours[i]))
			return true;
	return false;
}

static void
judge(const struct router_route_more *m)
{
	if (m->dsn[0] != '\0') {
		assert(m->dsn[0] == '4' || m->dsn[0] == '5');
		return;		/* addr is what was asked for */
	}
	one_line(m->addr);
	one_line(m->nexthop);
	one_line(m->transport);
	assert(m->transport[0] != '\0');
	if (strcmp(m->transport, "local") != 0)
		return;
	assert(is_ours(m->addr));
	assert(m->mailbox[0] != '\0');
	below(m->mailbox);
}

static void
route(const char *addr, struct arena *a)
{
	struct expand_how how = { .limit = TARGETS };
	struct places r = { 0 };
	struct place p;
	struct way w;
	struct err err = ERR_INIT;
	size_t i;

	if (place_find(addr, false, a, &p, &err) < 0) {
		assert(err.kind != ERR_NONE && err.dsn[0] != '\0');
	} else {
		one_line(p.addr);
		if (p.class == CLASS_VIRTUAL)
			below(p.mailbox);
		if (p.class == CLASS_RELAY && way_find(&p, "s@brand.example",
		    a, &w, &err) == 1)
			one_line(w.nexthop);
	}
	if (expand(addr, &how, a, &r, &err) == 0)
		for (i = 0; i < r.n; i++)
			judge(&r.v[i]);
	free(r.v);
}

/* a login, a tab, an address */
static void
ownership(struct slice s, struct arena *a)
{
	struct slice login;
	struct err err;

	slice_cut(&s, '\t', &login);
	assert(s.p == NULL || owns(arena_slice(a, login), arena_slice(a, s),
	    a, &err) <= 1);
}

static void
rewritten(const char *addr, struct arena *a)
{
	struct smtp_address x;
	const char *to;
	struct err err;
	int kind;

	for (kind = 0; kind < 4; kind++)
		if (canonical(kind, addr, a, &to, &err) == 0 && to != addr)
			assert(smtp_address_parse(slice_of(to),
			    SMTP_ADDR_BARE | SMTP_ADDR_NULL, a, &x,
			    &err) == 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena a = { 0 };
	struct slice s;

	if (n == 0 || n > 4096)
		return 0;
	begin();
	s = (struct slice){ (const char *)data + 1, n - 1 };
	if (slice_has_nul(s))
		return 0;
	switch (data[0] % KINDS_) {
	case RESOLVE:
		route(arena_slice(&a, s), &a);
		break;
	case OWNS:
		ownership(s, &a);
		break;
	case REWRITE:
		rewritten(arena_slice(&a, s), &a);
		break;
	case HOP:
		(void)way_nexthop_ok(s);
		break;
	}
	arena_free(&a);
	return 0;
}
