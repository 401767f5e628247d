/*
 * router_form_test.c - the form of addresses that others see, files of
 * addresses, copies that nobody named
 */
#include "../../router/router.h"

#include <sys/stat.h>

#include "base/log.h"
#include "conf/common.h"
#include "test/tap.h"

struct router_conf conf = {
	.mailboxes = "inline:ann@example.com=", .aliases = "", .domains = "",
	.virtual_domains = "", .senders = "", .relay_recipients = "",
	.relayhost = "", .transport = "", .sender_relayhost = "",
	.fallback_transport = "", .canonical = "", .canonical_sender = "",
	.canonical_recipient = "", .relocated = "", .sender_bcc = "",
	.recipient_bcc = "", .always_bcc = "", .srs_domain = "",
	.alias_user = "nobody", .include_size = 200,
};

static void
put(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0 ||
	    chmod(path, mode) < 0)
		die("%s: %s", path, strerror(errno));
}

static void
set_list(struct strlist *l, struct arena *a, const char *words)
{
	struct slice rest = slice_of(words), word;

	*l = (struct strlist){ 0 };
	while (slice_word(&rest, &word))
		strlist_add(l, a, arena_slice(a, word));
}

static const struct { int kind; const char *addr, *want; } forms[] = {
	{ REWRITE_ENVELOPE_SENDER, "ann@example.com", "Ann.A@brand.example" },
	{ REWRITE_HEADER_SENDER, "ann+x@example.com",
	    "Ann.A+x@brand.example" },
	{ REWRITE_ENVELOPE_SENDER, "root@host.example.com",
	    "root@host.example.com" },
	{ REWRITE_ENVELOPE_SENDER, "bob@host.example.com",
	    "bob@example.com" },
	{ REWRITE_ENVELOPE_SENDER, "bob@a.dmz.example.com",
	    "bob@a.dmz.example.com" },
	{ REWRITE_ENVELOPE_RECIPIENT, "bob@host.example.com",
	    "bob@host.example.com" },
	{ REWRITE_HEADER_RECIPIENT, "bob@host.example.com",
	    "bob@example.com" },
	{ REWRITE_ENVELOPE_RECIPIENT, "old@away.example",
	    "new@away.example" },
	{ REWRITE_ENVELOPE_SENDER, "old@away.example", "old@away.example" },
	{ REWRITE_HEADER_SENDER, "x@old.example", "x@new.example" },
	{ REWRITE_HEADER_SENDER, "cid@example.com", "cid@example.com" },
	{ REWRITE_HEADER_SENDER, "cid", "cid2@example.com" },
	{ REWRITE_HEADER_SENDER, "", "" },
	{ REWRITE_HEADER_SENDER, "a@@b", "a@@b" },
};

static void
test_forms(struct arena *keep)
{
	struct router_conf old = conf;
	struct arena a = { 0 };
	struct err err = ERR_INIT;
	const char *z;
	size_t i;

	ok(canonical_idle(REWRITE_HEADER_SENDER), "nothing to do");
	tables_close();
	conf.canonical_sender = "inline:ann@example.com=Ann.A@brand.example;"
	    "bad@example.com=a b";
	conf.canonical_recipient = "inline:old@away.example=new@away.example";
	conf.canonical = "inline:@old.example=@new.example";
	set_list(&conf.masquerade_domains, keep, "!dmz.example.com "
	    "example.com");
	set_list(&conf.masquerade_exceptions, keep, "root");
	set_list(&conf.masquerade_classes, keep, "envelope_sender "
	    "header_sender header_recipient");
	tables_init();
	ok(!canonical_idle(REWRITE_HEADER_SENDER), "something to do");
	for (i = 0; i < ARRAY_LEN(forms); i++) {
		if (strcmp(forms[i].addr, "cid") == 0) {
			tables_close();
			conf.canonical = "inline:cid=cid2";
			tables_init();
		}
		is_int(canonical(forms[i].kind, forms[i].addr, &a, &z, &err),
		    0, "form of \"%s\"", forms[i].addr);
		is_str(z, forms[i].want, "... %d", forms[i].kind);
	}
	is_int(canonical(REWRITE_HEADER_SENDER, "bad@example.com", &a, &z,
	    &err), -1, "a row that is no address");
	is_str(err.dsn, "4.3.5", "... for the admin");
	set_list(&conf.masquerade_classes, keep, "header");
	is_int(canonical_check(&err), -1, "no such class");
	tables_close();
	conf = old;
	tables_init();
	arena_free(&a);
}

static void
show_file(const char *path, struct str *out)
{
	struct err err = ERR_INIT;
	struct slice text;

	str_reset(out);
	if (include_get(path, &text, &err) < 0)
		str_addf(out, "%s %s", err.dsn, err.text);
	else
		str_addsl(out, text);
}

static void
test_include(struct arena *keep)
{
	char dir[] = "/tmp/router_class.XXXXXX";
	const char *list, *big;
	struct str out = STR_INIT;

	if (mkdtemp(dir) == NULL)
		die("mkdtemp: %s", strerror(errno));
	common.conf_dir = dir;
	set_list(&conf.include_dirs, keep, dir);
	include_init();
	list = arena_printf(keep, "%s/list", dir);
	big = arena_printf(keep, "%s/big", dir);
	put(list, " # c\nann\n\n\"A, B\" <b@x.example>, <c>\nd, e\n", 0644);
	show_file(list, &out);
	is_str(out.s, "ann,b@x.example,c,d, e,", "addresses in a file");
	put(list, "f\n", 0644);
	show_file(list, &out);
	is_str(out.s, "f,", "read anew");
	put(list, "f\n", 0646);
	show_file(list, &out);
	ok(strstr(out.s, "4.3.5 ") == out.s && strstr(out.s,
	    "everybody may write it"), "of everybody");
	put(big, arena_printf(keep, "%0201d", 0), 0644);
	show_file(big, &out);
	ok(strstr(out.s, "include_size") != NULL, "too large");
	show_file("/etc/passwd", &out);
	is_str(out.s, "4.3.5 /etc/passwd is in none of include_dirs",
	    "elsewhere");
	show_file(arena_printf(keep, "%s/../passwd", dir), &out);
	ok(strstr(out.s, "none of") != NULL, "upwards");
	show_file(arena_printf(keep, "%s/none", dir), &out);
	ok(strstr(out.s, "No such file") != NULL, "none");
	unlink(list);
	unlink(big);
	rmdir(dir);
	str_free(&out);
}

static void
test_copies(void)
{
	const char *rcpts[] = { "ann+x@example.com", "bob@example.com",
		"cid@example.com" };
	const struct strlist l = { rcpts, 3, 3 };
	struct router_conf old = conf;
	struct arena a = { 0 };
	struct copies r = { 0 };
	struct str out = STR_INIT;
	struct err err = ERR_INIT;
	size_t i;

	tables_close();
	conf.always_bcc = "log@example.com";
	conf.sender_bcc = "inline:@out.example=s@example.com log@example.com";
	conf.recipient_bcc = "inline:ann@example.com=a@example.com;"
	    "@example.com=r@example.com";
	tables_init();
	is_int(copies_find("x@out.example", &l, &a, &r, &err), 0, "copies");
	for (i = 0; i < r.n; i++)
		str_addf(&out, "%s%lld %s", i ? " | " : "",
		    (long long)r.v[i].n, r.v[i].addr);
	is_str(out.s, "0 log@example.com | 0 s@example.com | "
	    "0 a@example.com | 1 r@example.com", "each once");
	tables_close();
	conf.recipient_bcc = "inline:@example.com=|/bin/x";
	tables_init();
	is_int(copies_find("", &l, &a, &r, &err), -1, "a bad row");
	tables_close();
	conf = old;
	tables_init();
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
	common.recipient_delimiter = "+";
	set_list(&conf.propagate_extensions, &a, "canonical");
	set_list(&conf.canonical_classes, &a, "envelope_sender header_sender "
	    "envelope_recipient header_recipient");
	tables_init();
	test_forms(&a);
	test_include(&a);
	test_copies();
	tables_close();
	arena_free(&a);
	return tap_done();
}
