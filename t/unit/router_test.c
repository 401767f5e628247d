/* router_test.c - which place an address has, and where an alias ends */
#include "../../router/router.h"

#include "base/log.h"
#include "conf/common.h"
#include "test/tap.h"

struct router_conf conf = {
	.mailboxes = "inline:"
	    "ann@example.com=;"
	    "bob@example.com=quota=1M;"
	    "gone@example.com=disabled=yes;"
	    "zoe@other.example=;"
	    "a b@example.com=;"
	    "with+plus@example.com=;"
	    "per%cent@example.com=;"
	    "bad@example.com=nonsense;"
	    "dot@table.example=",
	.aliases = "inline:"
	    "sales=ann, bob@example.com;"
	    "all@example.com=sales zoe@other.example, far@away.example;"
	    "self=self, ann;"
	    "a=b;b=c,a;c=a, bob;"
	    "loop1=loop2;loop2=loop1;"
	    "d0=d1;d1=d2;d2=d3;d3=d4;d4=ann;"
	    "empty=;"
	    "cmd=|/bin/sh;file=/tmp/x;list=:include:/tmp/x;"
	    "mixed=ann, nobody, gone, two words, ann;"
	    "quoted=\"\\\"a b\\\"@example.com,\\\"ann\\\"@example.com\";"
	    "ext+ra=zoe@other.example;"
	    "syn=@;"
	    "x@away.example=ann;"
	    "@other.example=ann@example.com;"
	    "many=1@z.example 2@z.example 3@z.example 4@z.example 5@z.example "
	    "6@z.example 7@z.example 8@z.example 9@z.example",
	.virtual_domains = "inline:table.example=",
	.senders = "inline:shop@away.example=bob@example.com;"
	    "@our.example=zoe@other.example, ann;@free.example=*",
	.relay_recipients = "", .relayhost = "",
	.transport = "", .sender_relayhost = "",
	.hostname_is_local = true,
	.domains = "", .fallback_transport = "", .canonical = "",
	.canonical_sender = "", .canonical_recipient = "", .relocated = "",
	.sender_bcc = "", .recipient_bcc = "", .always_bcc = "",
	.srs_domain = "", .alias_user = "nobody",
	.alias_depth = 5,
	.alias_targets = 9,
};

static const char *const class_names[] = { "virtual", "system", "alias",
	"relay" };

static void
show_place(const char *addr, struct arena *a, struct str *out)
{
	struct err err = ERR_INIT;
	struct place p;

	if (place_find(addr, false, a, &p, &err) < 0) {
		str_addf(out, "%s %s", err.dsn, err.text);
		return;
	}
	str_addf(out, "%s %s", class_names[p.class], p.addr);
	if (p.mailbox[0] != '\0')
		str_addf(out, " %s", p.mailbox);
	if (p.quota > 0)
		str_addf(out, " %llu", (unsigned long long)p.quota);
}

static const struct { const char *name, *addr, *want; } places[] = {
	{ "a mailbox", "ann@example.com",
	    "virtual ann@example.com example.com/ann" },
	{ "folded domain and key", "Ann@EXAMPLE.com",
	    "virtual Ann@example.com example.com/ann" },
	{ "bare name", "ann", "virtual ann@example.com example.com/ann" },
	{ "quota of the account", "bob@example.com",
	    "virtual bob@example.com example.com/bob 1048576" },
	{ "extension", "ann+lists@example.com",
	    "virtual ann+lists@example.com example.com/ann" },
	{ "a mailbox with the delimiter", "with+plus@example.com",
	    "virtual with+plus@example.com example.com/with+plus" },
	{ "quoted", "\"a b\"@example.com",
	    "virtual \"a b\"@example.com example.com/a b" },
	{ "disabled", "gone@example.com", "5.2.1 mailbox disabled" },
	{ "unknown", "nobody@example.com", "5.1.1 no such user" },
	{ "unknown with extension", "nobody+x@example.com",
	    "5.1.1 no such user" },
	{ "only an extension", "+x@example.com", "5.1.1 no such user" },
	{ "mailbox of another domain", "zoe@example.com",
	    "5.1.1 no such user" },
	{ "a bad record", "bad@example.com",
	    "4.3.0 expected name=value, found \"nonsense\"" },
	{ "not an address", "a@b@example.com", "5.1.3 bad address syntax: "
	    "malformed domain" },
	{ "empty", "", "5.1.3 bad address syntax: empty" },

	{ "our host name", "ann@mx.example.net",
	    "virtual ann@example.com example.com/ann" },
	{ "our address", "ann@[127.0.0.1]",
	    "virtual ann@example.com example.com/ann" },
	{ "another address", "ann@[192.0.2.77]", "relay ann@[192.0.2.77]" },
	{ "domain of the table", "dot@Table.Example",
	    "virtual dot@table.example table.example/dot" },
	{ "unknown there", "ann@table.example", "5.1.1 no such user" },

	{ "alias by local part", "sales@example.com",
	    "alias sales@example.com" },
	{ "in every domain", "sales@table.example",
	    "alias sales@table.example" },
	{ "alias with extension", "sales+x@example.com",
	    "alias sales+x@example.com" },
	{ "alias of an extension", "ext+ra@example.com",
	    "alias ext+ra@example.com" },
	{ "and of no other", "ext+b@example.com", "5.1.1 no such user" },
	{ "alias by address", "all@example.com", "alias all@example.com" },
	{ "not in another domain", "all@table.example",
	    "5.1.1 no such user" },
	{ "catch-all", "anything@other.example",
	    "alias anything@other.example" },
	{ "a mailbox before it", "zoe@other.example",
	    "virtual zoe@other.example other.example/zoe" },

	{ "relay", "Far@Away.example", "relay Far@away.example" },
	{ "alias of a foreign domain is none", "x@away.example",
	    "relay x@away.example" },
	{ "percent hack", "far%away.example@example.com",
	    "5.7.1 relaying denied" },
	{ "percent hack past a catch-all", "far%away.example@other.example",
	    "5.7.1 relaying denied" },
	{ "a percent of ours", "per%cent@example.com",
	    "virtual per%cent@example.com example.com/per%cent" },
	{ "bang path", "away!far@example.com", "5.7.1 relaying denied" },
	{ "quoted at", "\"far@away.example\"@example.com",
	    "5.7.1 relaying denied" },
	{ "quoted at is no key", "\"all@example.com\"@table.example",
	    "5.7.1 relaying denied" },

	{ "system account", "daemon@sys.example",
	    "5.1.1 no such user" },
	{ "a login", "Joe@sys.example", "system Joe@sys.example joe" },
	{ "a login with extension", "joe+x@sys.example",
	    "system joe+x@sys.example joe" },
	{ "no login", "ann@sys.example", "5.1.1 no such user" },
	{ "alias among logins", "sales@sys.example",
	    "alias sales@sys.example" },
	{ "a path is no login", "\"../joe\"@sys.example",
	    "5.1.1 no such user" },

	{ "postmaster", "postmaster@example.com",
	    "alias postmaster@example.com" },
	{ "bare postmaster", "Postmaster", "alias Postmaster@example.com" },
	{ "abuse of another domain", "ABUSE@table.example",
	    "alias ABUSE@table.example" },
	{ "postmaster of the system", "postmaster@sys.example",
	    "alias postmaster@sys.example" },
};

static void
test_places(void)
{
	struct arena a = { 0 };
	struct str out = STR_INIT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(places); i++) {
		str_reset(&out);
		show_place(places[i].addr, &a, &out);
		is_str(out.s, places[i].want, "place: %s", places[i].name);
		arena_reset(&a);
	}
	arena_free(&a);
	str_free(&out);
}

static const char *sender;

static void
show_expansion(const char *addr, struct arena *a, struct str *out)
{
	const struct expand_how how = { .sender = sender,
		.limit = conf.alias_targets };
	struct places r = { 0 };
	struct err err = ERR_INIT;
	size_t i;

	if (expand(addr, &how, a, &r, &err) < 0)
		str_addf(out, "error %s %s", err.dsn, err.text);
	for (i = 0; i < r.n; i++) {
		str_addf(out, "%s%s", i ? " | " : "", r.v[i].addr);
		if (r.v[i].aliased)
			str_addc(out, '*');
		if (r.v[i].failed)
			str_addf(out, " %s%s %s", r.v[i].dsn,
			    r.v[i].temporary ? "t" : "", r.v[i].text);
		else
			str_addf(out, " %s:%s", r.v[i].transport,
			    r.v[i].nexthop);
	}
	free(r.v);
}

static const struct { const char *name, *addr, *want; } expansions[] = {
	{ "no alias", "ann@example.com", "ann@example.com local:example.com" },
	{ "extension kept", "ann+x@example.com",
	    "ann+x@example.com local:example.com" },
	{ "relay", "far@Away.example", "far@away.example smtp:away.example" },
	{ "system", "joe@sys.example", "joe@sys.example system:sys.example" },
	{ "unknown", "nobody@example.com",
	    "nobody@example.com 5.1.1 no such user" },
	{ "not an address", "a@@b",
	    "a@@b 5.1.3 bad address syntax: malformed domain" },
	{ "two", "sales@table.example", "ann@example.com* local:example.com | "
	    "bob@example.com* local:example.com" },
	{ "alias in alias", "all@example.com",
	    "ann@example.com* local:example.com | "
	    "bob@example.com* local:example.com | "
	    "zoe@other.example* local:other.example | "
	    "far@away.example* smtp:away.example" },
	{ "an alias that names itself", "self",
	    "ann@example.com* local:example.com" },
	{ "a loop with a way out", "a",
	    "bob@example.com* local:example.com" },
	{ "a loop", "loop1",
	    "loop1* 4.3.5t alias loop1: leads nowhere" },
	{ "an empty alias", "empty@example.com",
	    "empty@example.com* 4.3.5t alias empty@example.com: "
	    "leads nowhere" },
	{ "deep", "d0", "ann@example.com* local:example.com" },
	{ "a command", "cmd", "cmd@example.com* 4.3.5t alias "
	    "cmd@example.com: a command, and alias_commands = no" },
	{ "a file", "file", "file@example.com* 4.3.5t alias "
	    "file@example.com: a file, and alias_files = no" },
	{ "a list", "list", "list@example.com* 4.3.5t alias "
	    "list@example.com: /tmp/x is in none of include_dirs" },
	{ "good and bad ones, each once", "mixed",
	    "ann@example.com* local:example.com | "
	    "nobody@example.com* 5.1.1 no such user | "
	    "gone@example.com* 5.2.1 mailbox disabled | "
	    "two@example.com* 5.1.1 no such user | "
	    "words@example.com* 5.1.1 no such user" },
	{ "quoted targets", "quoted",
	    "\"a b\"@example.com* local:example.com | "
	    "ann@example.com* local:example.com" },
	{ "a target that is no address", "syn",
	    "@* 5.1.3 bad address syntax: no local part" },
	{ "too many", "many",
	    "many* 4.3.5t alias many: too many addresses" },
	{ "postmaster: the first mailbox", "postmaster@table.example",
	    "\"a b\"@example.com* local:example.com" },
};

static void
test_expansions(void)
{
	struct arena a = { 0 };
	struct str out = STR_INIT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(expansions); i++) {
		str_reset(&out);
		show_expansion(expansions[i].addr, &a, &out);
		is_str(out.s, expansions[i].want, "expansion: %s",
		    expansions[i].name);
		arena_reset(&a);
	}
	arena_free(&a);
	str_free(&out);
}

/* by which agent, with all of its tables: no alias on the way */
static const struct { const char *name, *addr, *sender, *want; } ways[] = {
	{ "relayhost", "far@away.example", "x@out.example",
	    "far@away.example smtp:[smart.example]:587" },
	{ "a local one stays", "ann@example.com", "x@out.example",
	    "ann@example.com local:example.com" },
	{ "by domain", "a@dom.example", "", "a@dom.example "
	    "smtp:[192.0.2.1]:25" },
	{ "a domain is not its subdomains", "a@sub.dom.example",
	    "x@out.example", "a@sub.dom.example smtp:[smart.example]:587" },
	{ "by .domain", "a@x.y.sub.example", "",
	    "a@x.y.sub.example lmtp-client:unix:/run/lmtp" },
	{ "by its address", "Boss@dom.example", "",
	    "Boss@dom.example smtp:boss.example" },
	{ "without extension", "boss+x@dom.example", "",
	    "boss+x@dom.example smtp:boss.example" },
	{ "with extension", "boss+y@dom.example", "",
	    "boss+y@dom.example fax:dom.example" },
	{ "a mailbox of ours", "bob@example.com", "",
	    "bob@example.com lmtp-client:[192.0.2.9]:24" },
	{ "only the next hop", "a@hop.example", "",
	    "a@hop.example smtp:there.example:26" },
	{ "only the agent: no relayhost", "a@plain.example", "",
	    "a@plain.example smtp:plain.example" },
	{ "neither: as without the table", "a@none.example", "x@out.example",
	    "a@none.example smtp:[smart.example]:587" },
	{ "error", "a@err.example", "", "a@err.example 5.1.2 gone away" },
	{ "error with a code", "a@err2.example", "",
	    "a@err2.example 5.7.27 no mail there" },
	{ "retry", "a@retry.example", "", "a@retry.example 4.3.0t address is "
	    "not deliverable" },
	{ "a row without colon", "a@bad1.example", "", "a@bad1.example "
	    "4.3.5t transport: row bad1.example: expected "
	    "transport:nexthop" },
	{ "a bad next hop", "a@bad2.example", "", "a@bad2.example 4.3.5t "
	    "transport: row bad2.example: not a next hop" },
	{ "a bad name", "a@bad3.example", "", "a@bad3.example 4.3.5t "
	    "transport: row bad3.example: not the name of a transport" },
	{ "relay is smtp", "a@rel.example", "", "a@rel.example "
	    "smtp:inner.example" },
	{ "by sender", "far@away.example", "ann@example.com",
	    "far@away.example smtp:[isp.example]:465" },
	{ "by sender with extension", "far@away.example", "ann+x@example.com",
	    "far@away.example smtp:[isp.example]:465" },
	{ "by domain of the sender", "far@away.example", "z@Brand.example",
	    "far@away.example smtp:brand-out.example" },
	{ "no next hop of its own", "far@away.example", "no@brand.example",
	    "far@away.example smtp:[smart.example]:587" },
	{ "null sender", "far@away.example", "",
	    "far@away.example smtp:bounces.example" },
	{ "transport before sender", "a@dom.example", "ann@example.com",
	    "a@dom.example smtp:[192.0.2.1]:25" },
	{ "a bad row of a sender", "far@away.example", "bad@brand.example",
	    "far@away.example 4.3.5t sender_relayhost: row "
	    "bad@brand.example: not a next hop" },
	{ "a literal", "a@[IPv6:2001:DB8::1]", "x@direct.example",
	    "a@[ipv6:2001:db8::1] smtp:[2001:db8::1]" },
	{ "a relay domain", "in@relay.example", "x@out.example",
	    "in@relay.example smtp:[smart.example]:587" },
	{ "nobody there", "out@relay.example", "", "out@relay.example 5.1.1 "
	    "no such user" },
	{ "with extension", "in+x@relay.example", "x@out.example",
	    "in+x@relay.example smtp:[smart.example]:587" },
	{ "subdomains, all of one", "any@b.all.example", "x@out.example",
	    "any@b.all.example smtp:[smart.example]:587" },
};

static struct strlist relay_domains;

static void
set_ways(void)
{
	static struct arena a;

	strlist_add(&relay_domains, &a, "Relay.example");
	strlist_add(&relay_domains, &a, ".all.example");
	conf.relay_domains = relay_domains;
	conf.relay_recipients = "inline:in@relay.example=;@b.all.example=;"
	    "in%away@relay.example=";
	conf.relayhost = "[smart.example]:587";
	conf.sender_relayhost = "inline:ann@example.com=[isp.example]:465;"
	    "@brand.example=brand-out.example;no@brand.example=DUNNO;"
	    "bad@brand.example=a b;<>=bounces.example;"
	    "x@direct.example=dunno";
	conf.transport = "inline:dom.example=smtp:[192.0.2.1]:25;"
	    ".sub.example=lmtp:unix:/run/lmtp;"
	    "boss@dom.example=:boss.example;boss+y@dom.example=fax:;"
	    "bob@example.com=lmtp:[192.0.2.9]:24;"
	    "hop.example=:there.example:26;plain.example=smtp:;"
	    "none.example=:;err.example=error:gone away;"
	    "err2.example=error:5.7.27 no mail there;retry.example=retry:;"
	    "bad1.example=nonsense;bad2.example=smtp:a b;"
	    "bad3.example=a/b:x;rel.example=relay:inner.example;"
	    "[ipv6:2001:db8::1]=smtp:";
}

static void
test_ways(void)
{
	struct router_conf old = conf;
	struct arena a = { 0 };
	struct str out = STR_INIT;
	struct place p;
	struct err err;
	size_t i;

	tables_close();
	set_ways();
	tables_init();
	for (i = 0; i < ARRAY_LEN(ways); i++) {
		str_reset(&out);
		sender = ways[i].sender;
		show_expansion(ways[i].addr, &a, &out);
		is_str(out.s, ways[i].want, "way: %s", ways[i].name);
		arena_reset(&a);
	}
	sender = NULL;
	ok(place_find("in@relay.example", false, &a, &p, &err) == 1 && p.open,
	    "anybody may send to a relay domain");
	ok(place_find("x@away.example", false, &a, &p, &err) == 1 && !p.open,
	    "and to no other");
	ok(place_find("a%c@b.all.example", false, &a, &p, &err) == 1 && !p.open,
	    "nor through it");
	ok(place_find("in%away@relay.example", false, &a, &p, &err) == 1 &&
	    p.open, "but where that is a name there");
	tables_close();
	conf = old;
	conf.transport = "inline:*=smtp:star.example";
	conf.relayhost = "smart.example";
	tables_init();
	show_expansion("a@b.example", &a, (str_reset(&out), &out));
	is_str(out.s, "a@b.example smtp:star.example", "* before relayhost");
	show_expansion("ann", &a, (str_reset(&out), &out));
	is_str(out.s, "ann@example.com local:example.com",
	    "* is not for our own");
	tables_close();
	conf = old;
	tables_init();
	arena_free(&a);
	str_free(&out);
}

static const struct { const char *hop; bool want; } hops[] = {
	{ "example.com", true }, { "example.com:25", true },
	{ "[example.com]", true }, { "[example.com]:587", true },
	{ "[192.0.2.1]:25", true }, { "[2001:db8::1]:25", true },
	{ "[IPv6:2001:db8::1]", true }, { "unix:/run/x y", false },
	{ "unix:/run/x", true }, { "unix:", false }, { "", false },
	{ "example.com:", false }, { "example.com:0", false },
	{ "example.com:65536", false }, { "[a", false }, { "[a]b", false },
	{ "[]", false }, { "a/b", false }, { "[a]:x", false },
};

static void
test_hops(void)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(hops); i++)
		is_int(way_nexthop_ok(slice_of(hops[i].hop)), hops[i].want,
		    "next hop \"%s\"", hops[i].hop);
}

/* one address in another configuration */
static void
check(const char *addr, const char *want, const char *name)
{
	struct arena a = { 0 };
	struct str out = STR_INIT;

	tables_close();
	tables_init();
	show_expansion(addr, &a, &out);
	is_str(out.s, want, "%s", name);
	arena_free(&a);
	str_free(&out);
}

static void
test_settings(void)
{
	struct router_conf old = conf;

	conf.alias_depth = 4;
	check("d0", "d4@example.com* 4.3.5t alias d4@example.com: aliases "
	    "within aliases too deep", "deeper than alias_depth");
	common.postmaster = "bob@example.com";
	check("abuse@example.com", "bob@example.com* local:example.com",
	    "postmaster of common.conf");
	common.postmaster = "postmaster@example.com";
	check("postmaster@example.com", "postmaster@example.com* 4.3.5t "
	    "alias postmaster@example.com: leads nowhere",
	    "who is nobody: temporary");
	common.postmaster = "";
	common.default_quota = 5;
	conf.mailboxes = "inline:gone@example.com=disabled=yes";
	check("postmaster@example.com", "error 4.3.0 no mailbox for "
	    "postmaster", "no mailbox at all: temporary");
	conf.mailboxes = "inline:postmaster@example.com=disabled=yes;"
	    "zoe@b.example=;bob@example.com=";
	check("postmaster@example.com", "bob@example.com* local:example.com",
	    "a disabled postmaster, the default domain first");
	conf.hostname_is_local = false;
	check("ann@mx.example.net", "ann@mx.example.net "
	    "smtp:mx.example.net", "hostname_is_local = no");
	conf.aliases = "";
	check("sales@example.com", "sales@example.com 5.1.1 no such user",
	    "no aliases");
	conf.aliases = "text:/nonexistent/aliases";
	check("sales@example.com", "error 4.3.0 cannot open table "
	    "/nonexistent/aliases: No such file or directory",
	    "unreadable aliases: temporary");
	conf.mailboxes = "cdb:/nonexistent/m";
	check("ann@example.com", "error 4.3.0 cannot open table "
	    "/nonexistent/m.cdb: No such file or directory",
	    "unreadable mailboxes: temporary");
	conf = old;
}

static const struct { const char *login, *addr; int want; } owned[] = {
	{ "ann@example.com", "ann@example.com", 1 },
	{ "ann@example.com", "Ann@EXAMPLE.com", 1 },
	{ "ann@example.com", "ann", 1 },
	{ "ann@example.com", "ann@mx.example.net", 1 },
	{ "ann@example.com", "ann+x@example.com", 1 },
	{ "ann@example.com", "ann-x@example.com", 0 },
	{ "ann@example.com", "bob@example.com", 0 },
	{ "ann@example.com", "nobody@example.com", 0 },
	{ "ann@example.com", "ann@away.example", 0 },
	{ "ann@example.com", "sales@example.com", 1 },
	{ "bob@example.com", "sales+x@example.com", 1 },
	{ "zoe@other.example", "sales@example.com", 0 },
	{ "zoe@other.example", "all@example.com", 1 },
	{ "ann@example.com", "x@other.example", 1 },
	{ "ann@example.com", "zoe@other.example", 0 },
	{ "ann@example.com", "loop1", 0 },
	{ "ann@example.com", "many", 0 },
	{ "ann@example.com", "", 0 },
	{ "ann@example.com", "a@b@example.com", 0 },
	{ "nobody@example.com", "bob@example.com", 0 },
	{ "joe@sys.example", "Joe+x@sys.example", 1 },
	{ "joe@sys.example", "ann@example.com", 0 },
	/* by the table */
	{ "bob@example.com", "shop@away.example", 1 },
	{ "bob@example.com", "shop+x@away.example", 1 },
	{ "ann@example.com", "shop@away.example", 0 },
	{ "ann@example.com", "any@our.example", 1 },
	{ "bob@example.com", "any@our.example", 0 },
	{ "zoe@other.example", "x@free.example", 1 },
};

static void
test_owns(void)
{
	struct arena a = { 0 };
	struct err err = ERR_INIT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(owned); i++) {
		is_int(owns(owned[i].login, owned[i].addr, &a, &err),
		    owned[i].want, "%s as %s", owned[i].login,
		    owned[i].addr);
		arena_reset(&a);
	}
	tables_close();
	conf.senders = "cdb:/nonexistent";
	tables_init();
	is_int(owns("ann@example.com", "x@away.example", &a, &err), -1,
	    "a table that can not be read: nobody knows");
	conf.senders = "";
	tables_close();
	tables_init();
	arena_free(&a);
}

static void
no_log(const char *line UNUSED, size_t n UNUSED)
{
}

int
main(void)
{
	struct arena a = { 0 };

	log_set_sink(no_log);
	common.hostname = "mx.example.net";
	strlist_add(&common.domains, &a, "example.com");
	strlist_add(&common.domains, &a, "other.example");
	strlist_add(&common.system_domains, &a, "Sys.Example");
	common.system_users = "inline:joe=1000:1000:/home/joe;"
	    "daemon=2:2:/";
	common.recipient_delimiter = "+";
	common.postmaster = "";
	common.mail_dir = "/m";
	common.first_uid = 1000;
	tables_init();
	domain_own_addresses();
	test_places();
	test_expansions();
	test_owns();
	test_ways();
	test_hops();
	test_settings();
	tables_close();
	arena_free(&a);
	return tap_done();
}
