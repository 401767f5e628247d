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
	.hostname_is_local = true,
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

	if (place_find(addr, a, &p, &err) < 0) {
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

static void
show_expansion(const char *addr, struct arena *a, struct str *out)
{
	struct places r = { 0 };
	struct err err = ERR_INIT;
	size_t i;

	if (expand(addr, a, conf.alias_targets, &r, &err) < 0)
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
	    "cmd@example.com: commands, files and lists are not possible "
	    "here" },
	{ "a file", "file", "file@example.com* 4.3.5t alias "
	    "file@example.com: commands, files and lists are not possible "
	    "here" },
	{ "a list", "list", "list@example.com* 4.3.5t alias "
	    "list@example.com: commands, files and lists are not possible "
	    "here" },
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
	test_settings();
	tables_close();
	arena_free(&a);
	return tap_done();
}
