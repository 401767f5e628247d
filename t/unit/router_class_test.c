/*
 * router_class_test.c - what the table of domains says, what aliases lead to
 * besides addresses, forwarding
 */
#include "../../router/router.h"

#include <sys/stat.h>

#include "base/log.h"
#include "conf/common.h"
#include "map/alias.h"
#include "test/tap.h"

struct router_conf conf = {
	.mailboxes = "inline:"
	    "ann@example.com=;bob@example.com=;cid@example.com=;"
	    "first-last@example.com=;first@example.com=;"
	    "to@example.com=forward=bob@example.com keep=no;"
	    "both@example.com=\"forward=bob,far@away.example\";"
	    "me@example.com=\"forward=me@example.com,bob keep=no\";"
	    "x@example.com=forward=y keep=no;y@example.com=forward=x;"
	    "moved@example.com=transport=[192.0.2.7];"
	    "hosted@example.com=transport=lmtp:[192.0.2.7]:24;"
	    "in@half.example=;in@list.example=;in@caught.example=;"
	    "in@off.example=;in@here.example=",
	.aliases = "inline:"
	    "special@other.example=cid;"
	    "info@alias.example=ann@example.com;"
	    "team=ann, bob;owner-team=cid;"
	    "plain=\\ann, \\to;ann=bob;"
	    "twice=\"\\\"|/bin/a b\\\", |/bin/c \\\"|/bin/a b\\\"\";"
	    "spool=/var/spool/all, /var/maildir/;"
	    "up=/var/../etc/x;@here.example=/var/spool/all;"
	    "list@list.example=ann",
	.further_aliases = { 0 },
	.domains = "inline:"
	    "other.example=alias_of=example.com;"
	    "third.example=alias_of=other.example;"
	    "lost.example=alias_of=away.example;"
	    "round.example=alias_of=round.example;"
	    "alias.example=class=alias;"
	    "half.example=class=virtual relay=tenant.example;"
	    "list.example=class=virtual relay=lmtp:[192.0.2.1]:24 "
	    "catch_all=bob@example.com;"
	    "caught.example=class=virtual catch_all=ann,bob;"
	    "off.example=class=virtual disabled=yes;"
	    "pass.example=class=relay relay=[192.0.2.2];"
	    "here.example=class=virtual quota=5M;"
	    "sys2.example=class=system;"
	    "bad.example=class=nonsense",
	.virtual_domains = "", .senders = "", .relay_recipients = "",
	.relayhost = "smart.example", .transport = "",
	.sender_relayhost = "", .fallback_transport = "", .canonical = "",
	.canonical_sender = "", .canonical_recipient = "", .relocated = "",
	.sender_bcc = "", .recipient_bcc = "", .always_bcc = "",
	.srs_domain = "", .alias_user = "nobody", .include_size = 200,
	.alias_depth = 5, .alias_targets = 20,
};

static struct arena keep;
static const char *sender = "x@out.example";

static void
show(const char *addr, bool all, struct arena *a, struct str *out)
{
	const struct expand_how how = { .sender = sender, .keep = all,
		.limit = conf.alias_targets };
	const struct router_route_more *m;
	struct places r = { 0 };
	struct err err = ERR_INIT;
	size_t i;

	if (expand(addr, &how, a, &r, &err) < 0)
		str_addf(out, "error %s %s", err.dsn, err.text);
	for (i = 0; i < r.n; i++) {
		m = &r.v[i];
		str_addf(out, "%s%s%s", i ? " | " : "", m->addr,
		    m->aliased ? "*" : "");
		if (m->failed)
			str_addf(out, " %s%s %s", m->dsn, m->temporary ?
			    "t" : "", m->text);
		else if (strcmp(m->transport, "smtp") == 0)
			str_addf(out, " smtp:%s", m->nexthop);
		else if (m->mailbox[0] == '\0')
			str_addf(out, " %s:%s", m->transport, m->nexthop);
		else
			str_addf(out, " %s %s", m->transport, m->mailbox);
		if (m->sender[0] != '\0')
			str_addf(out, " <%s>", m->sender);
	}
	free(r.v);
}

struct row {
	const char *name, *addr, *want;
};

static void
test_rows(const char *what, const struct row *rows, size_t n)
{
	struct arena a = { 0 };
	struct str out = STR_INIT;
	size_t i;

	tables_close();
	tables_init();
	for (i = 0; i < n; i++) {
		str_reset(&out);
		show(rows[i].addr, false, &a, &out);
		is_str(out.s, rows[i].want, "%s: %s", what, rows[i].name);
		arena_reset(&a);
	}
	arena_free(&a);
	str_free(&out);
}

#define NOBODY " 5.1.1 no such user"
static const struct row classes[] = {
	{ "another name, user by user", "ann+x@Other.Example",
	    "ann+x@example.com local example.com/ann" },
	{ "an alias of its own", "special@other.example",
	    "cid@example.com* local example.com/cid" },
	{ "one of the other", "team@other.example",
	    "ann@example.com* local example.com/ann <owner-team@example.com> "
	    "| bob@example.com* local example.com/bob "
	    "<owner-team@example.com>" },
	{ "a name of a name", "ann@third.example",
	    "ann@example.com local example.com/ann" },
	{ "nobody there", "nobody@other.example",
	    "nobody@example.com" NOBODY },
	{ "of a foreign domain", "ann@lost.example", "error 4.3.5 domains: "
	    "lost.example: alias_of: leads to no domain of ours" },
	{ "of itself", "ann@round.example", "error 4.3.5 domains: "
	    "round.example: alias_of: leads to no domain of ours" },
	{ "aliases alone", "info@alias.example",
	    "ann@example.com* local example.com/ann" },
	{ "nobody of them", "ann2@alias.example",
	    "ann2@alias.example" NOBODY },
	{ "hybrid: here", "in@half.example",
	    "in@half.example local half.example/in" },
	{ "hybrid: there", "out+x@half.example",
	    "out+x@half.example smtp:tenant.example" },
	{ "hybrid: through us", "out%away@half.example",
	    "out%away@half.example 5.7.1 relaying denied" },
	{ "hybrid with a transport", "out@list.example",
	    "out@list.example lmtp-client:[192.0.2.1]:24" },
	{ "caught", "any@caught.example",
	    "ann@example.com* local example.com/ann | "
	    "bob@example.com* local example.com/bob" },
	{ "not caught", "in@caught.example",
	    "in@caught.example local caught.example/in" },
	{ "disabled", "in@off.example", "in@off.example 5.2.1 the domain "
	    "off.example is disabled" },
	{ "relayed for", "any@pass.example",
	    "any@pass.example smtp:[192.0.2.2]" },
	{ "logins", "joe@sys2.example", "joe@sys2.example system joe" },
	{ "a mailbox elsewhere", "moved@example.com",
	    "moved@example.com smtp:[192.0.2.7]" },
	{ "by another transport", "hosted+x@example.com",
	    "hosted+x@example.com lmtp-client example.com/hosted" },
	{ "a bad row", "x@bad.example", "error 4.3.0 domains: bad.example: "
	    "class = nonsense: expected one of default|system|virtual|alias|"
	    "relay" },
};

static const struct row listed[] = {
	{ "hybrid: listed", "out@list.example",
	    "out@list.example lmtp-client:[192.0.2.1]:24" },
	{ "hybrid: not listed, so caught", "no@list.example",
	    "bob@example.com* local example.com/bob" },
	{ "hybrid: an alias first", "list@list.example",
	    "ann@example.com* local example.com/ann" },
	{ "not listed at all", "out@half.example",
	    "out@half.example" NOBODY },
	{ "the fallback is for others", "no@example.com",
	    "no@example.com" NOBODY },
};

static const struct row fallback[] = {
	{ "who is unknown", "no+x@example.com",
	    "no+x@example.com lmtp-client:unix:/run/old" },
	{ "who is not", "cid@example.com",
	    "cid@example.com local example.com/cid" },
	{ "through us", "no!x@example.com",
	    "no!x@example.com 5.7.1 relaying denied" },
	{ "moved", "gone+x@example.com", "gone+x@example.com 5.1.6 user has "
	    "moved to new@away.example" },
	{ "moved, before the mailbox", "bob@example.com", "bob@example.com "
	    "5.1.6 user has moved to call ?555" },
	{ "a domain", "any@half.example", "any@half.example 5.1.6 user has "
	    "moved to whole.example" },
};

static const struct row targets[] = {
	{ "no alias, no forwarding", "plain@example.com",
	    "ann@example.com* local example.com/ann | "
	    "to@example.com* local example.com/to" },
	{ "commands", "twice@example.com",
	    "twice@example.com* pipe nobody:|/bin/a b | "
	    "twice@example.com* pipe nobody:|/bin/c" },
	{ "files", "spool@example.com",
	    "spool@example.com* command nobody:/var/spool/all | "
	    "spool@example.com* command nobody:/var/maildir/" },
	{ "a path upwards", "up@example.com", "up@example.com* 4.3.5t alias "
	    "up@example.com: a path with \"..\"" },
	{ "from a pattern", "do-rm@example.com", "do-rm@example.com* 4.3.5t "
	    "alias do-rm@example.com: commands and files are taken from "
	    "tables of the types cdb, text and inline alone" },
	{ "what a pattern made", "to-bob@example.com",
	    "bob@example.com* local example.com/bob" },
	{ "a pattern sees whole addresses", "to-bob+x@example.com",
	    "bob+x@example.com* local example.com/bob" },
	{ "forwarded", "to@example.com",
	    "bob@example.com* local example.com/bob" },
	{ "with an extension", "to+x@example.com",
	    "bob+x@example.com* local example.com/bob" },
	{ "and kept; out of the site without", "both+x@example.com",
	    "both+x@example.com local example.com/both | "
	    "bob+x@example.com* local example.com/bob | "
	    "far@away.example* smtp:smart.example" },
	{ "to itself, too", "me@example.com",
	    "me@example.com* local example.com/me | "
	    "bob@example.com* local example.com/bob" },
	{ "in a circle", "x@example.com",
	    "y@example.com* local example.com/y | "
	    "x@example.com* local example.com/x" },
};

/* each delimiter is tried, the longest name first */
static const struct row cuts[] = {
	{ "a name with a delimiter", "first-last+x-y@example.com",
	    "first-last+x-y@example.com local example.com/first-last" },
	{ "the shorter one", "first-x+y@example.com",
	    "first-x+y@example.com local example.com/first" },
	{ "nobody", "last-x@example.com", "last-x@example.com" NOBODY },
	{ "alias", "team-x+y@example.com",
	    "ann-x+y@example.com* local example.com/ann "
	    "<owner-team@example.com> | bob-x+y@example.com* local "
	    "example.com/bob <owner-team@example.com>" },
};

static void
put(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0 ||
	    chmod(path, mode) < 0)
		die("%s: %s", path, strerror(errno));
}

/* where the first target of an alias, a file, goes */
static const char *
target_hop(const char *addr, struct arena *a)
{
	struct router_route_more m = { 0 };
	struct alias_target t;
	struct place p;
	struct slice rest, one;
	struct err err;

	if (place_find(addr, false, a, &p, &err) != 1)
		return "no place";
	rest = slice_of(p.targets);
	if (alias_next(&rest, &one) != 1 ||
	    alias_parse(one, a, &t, &err) < 0 ||
	    target_place(&p, &t, a, &m, &err) < 0)
		return "no target";
	return m.nexthop;
}

static void
test_places(void)
{
	struct router_conf old = conf;
	struct arena a = { 0 };
	struct str out = STR_INIT;
	char dir[] = "/tmp/router_class.XXXXXX";
	const char *file;
	struct place p;
	struct err err = ERR_INIT;

	if (mkdtemp(dir) == NULL)
		die("mkdtemp: %s", strerror(errno));
	test_rows("class", classes, ARRAY_LEN(classes));
	ok(place_find("in@here.example", false, &a, &p, &err) == 1 &&
	    p.quota == 5 << 20, "quota of the domain");
	ok(place_find("ann@other.example", false, &a, &p, &err) == 1 &&
	    strcmp(p.named, "ann@other.example") == 0, "as it was named");
	conf.relay_recipients = "inline:out@list.example=";
	test_rows("recipients", listed, ARRAY_LEN(listed));
	conf.relay_recipients = "";
	conf.fallback_transport = "lmtp:unix:/run/old";
	conf.relocated = "inline:gone@example.com=new@away.example;"
	    "bob@example.com=call \xc2""555;@half.example=whole.example";
	test_rows("unknown", fallback, ARRAY_LEN(fallback));
	conf = old;
	conf.alias_commands = conf.alias_files = true;
	is_str(target_hop("spool+x@example.com", &a), "spool",
	    "a row is a destination");
	is_str(target_hop("any.name@here.example", &a), "@here.example",
	    "... whoever it takes");
	file = arena_printf(&keep, "%s/patterns", dir);
	put(file, "/^to-(.*)@(.*)$/ $1@$2\n/^do-(.*)@/ |$1\n", 0644);
	strlist_add(&conf.further_aliases, &keep, arena_printf(&keep,
	    "pcre:%s", file));
	test_rows("target", targets, ARRAY_LEN(targets));
	show("to@example.com", true, &a, &out);
	is_str(out.s, "to@example.com local example.com/to | "
	    "bob@example.com* local example.com/bob",
	    "forwarding, as if all were kept");
	sender = "";
	str_reset(&out);
	show("team", false, &a, &out);
	is_str(out.s, "ann@example.com* local example.com/ann | "
	    "bob@example.com* local example.com/bob",
	    "the null sender has no owner");
	sender = "x@out.example";
	common.recipient_delimiter = "+-";
	test_rows("delimiters", cuts, ARRAY_LEN(cuts));
	common.recipient_delimiter = "+";
	tables_close();
	conf = old;
	tables_init();
	unlink(file);
	rmdir(dir);
	arena_free(&a);
	str_free(&out);
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
	common.system_users = "inline:joe=1000:1000:/home/joe";
	common.recipient_delimiter = "+";
	common.postmaster = "";
	common.mail_dir = "/m";
	common.first_uid = 1000;
	strlist_add(&conf.propagate_extensions, &a, "aliases");
	strlist_add(&conf.propagate_extensions, &a, "forward");
	tables_init();
	test_places();
	tables_close();
	arena_free(&a);
	arena_free(&keep);
	return tap_done();
}
