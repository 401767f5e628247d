/*
 * main.c - postrider, the one admin command; sendmail, mailq and newaliases
 * are other names of the same program.
 */
#include "base/field.h"
#include "base/log.h"
#include "ctl.h"
#include "domain.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "(not configured)"
#endif

const char *instance = "/etc/postrider";
struct arena ctl_arena;

static int cmd_help(int argc, char **argv);
static int cmd_version(int argc, char **argv);

static const struct cmd cmds[] = {
	{ "init", cmd_init, "DIR [--domain D]... [--user NAME:PASSWORD]... "
	    "[--port-base N] [--force]", "make a private instance" },
	{ "start", cmd_start, "", "done when every listener answers" },
	{ "stop", cmd_stop, "", "let sessions end, then stop" },
	{ "reload", cmd_reload, "", "take a changed configuration" },
	{ "status", cmd_status, "[--pids | --json]", "what runs" },
	{ "check", cmd_check, "", "check the whole configuration" },
	{ "user", cmd_user, "VERB ...", "accounts: add, delete, passwd, list, "
	    "show, import, quota" },
	{ "domain", cmd_domain, "VERB ...", "what is special about domains: "
	    "list, set, remove" },
	{ "mailbox", cmd_mailbox, "VERB ...", "what lies in a mailbox: list, "
	    "check, repair, rebuild, dump, restore" },
	{ "queue", cmd_queue, "VERB ...", "the queue: list, show, flush, hold, "
	    "release, delete, stats" },
	{ "cert", cmd_cert, "VERB ...", "certificates: show, self-signed, "
	    "check" },
	{ "credentials", cmd_credentials, "VERB ...", "our accounts at other "
	    "servers: set, list, remove" },
	{ "limits", cmd_limits, "VERB ...", "what is counted and limited: "
	    "list, forget" },
	{ "srs", cmd_srs, "VERB ...", "secrets of rewritten senders: rotate" },
	{ "dns", cmd_dns, "[--json] NAME [TYPE...] | flush [NAME]",
	    "what is known of a name" },
	{ "test", cmd_test, "[--sender ADDRESS] [--relay] [--json] [--no-dns] "
	    "ADDRESS",
	    "where an address goes, and why" },
	{ "tls-policy", cmd_tls_policy, "VERB ...", "TLS of others' servers: "
	    "list, refresh, report" },
	{ "trace-smtp", cmd_trace_smtp, "[--auth] [--from ADDRESS] "
	    "[--to ADDRESS]... [--transport NAME] DEST",
	    "talk to a server without sending a message" },
	{ "map", cmd_map, "[--all] [TABLE...] | query TABLE KEY... | "
	    "list TABLE | check [TABLE...]",
	    "compile changed tables; look keys up" },
	{ "log", cmd_log, "[-f] [-n N] [--q ID] [--s ID] [--since TIME]",
	    "what happened" },
	{ "call", cmd_call, "SOCKET VERB [NAME=VALUE]...",
	    "send one request to a daemon" },
	{ "version", cmd_version, "", "the version" },
	{ "help", cmd_help, "[VERB]", "this text" },
	{ NULL, NULL, NULL, NULL }
};

static void
complain(const char *fmt, va_list ap)
{
	struct str s = STR_INIT;

	str_vaddf(&s, fmt, ap);
	fflush(stdout);
	fprintf(stderr, "postrider: %s\n", s.s);
	str_free(&s);
}

int
fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(fmt, ap);
	va_end(ap);
	return EXIT_FAILED;
}

int
fail_err(const struct err *err)
{
	return fail("%s", err->text);
}

int
fail_usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(fmt, ap);
	va_end(ap);
	return EXIT_USAGE;
}

void
print_cmds(const struct cmd *table, const char *prefix)
{
	struct table t = { .columns = 2 };

	for (; table->name != NULL; table++) {
		table_cell(&t, arena_printf(&ctl_arena, "  %s%s %s", prefix,
		    table->name, table->args[0] && strlen(table->args) < 36 ?
		    table->args : table->args[0] ? "..." : ""));
		table_cell(&t, table->doc);
	}
	table_print(&t);
}

static const struct cmd *
find(const struct cmd *table, const char *name)
{
	for (; table->name != NULL; table++)
		if (strcmp(table->name, name) == 0)
			return table;
	return NULL;
}

int
run_cmd(const struct cmd *table, const char *what, int argc, char **argv)
{
	const struct cmd *c = find(table, argv[0]);
	const char *names[64], *near;
	size_t n = 0;

	if (c != NULL) {
		restart_options();
		return c->fn(argc, argv);
	}
	for (; table->name != NULL && n < ARRAY_LEN(names) - 1; table++)
		names[n++] = table->name;
	names[n] = NULL;
	near = nearest_name(names, slice_of(argv[0]));
	if (near != NULL)
		return fail_usage("unknown %s \"%s\"; did you mean \"%s\"?",
		    what, argv[0], near);
	return fail_usage("unknown %s \"%s\"; see `postrider help'", what,
	    argv[0]);
}

static int
cmd_version(int argc UNUSED, char **argv UNUSED)
{
	printf("postrider %s\n", PACKAGE_VERSION);
	printf("tables of mapd: sqlite"
#ifdef HAVE_PGSQL
	    " pgsql"
#endif
#ifdef HAVE_MYSQL
	    " mysql"
#endif
#ifdef HAVE_LDAP
	    " ldap"
#endif
#ifdef HAVE_LMDB
	    " lmdb"
#endif
#ifdef HAVE_OAUTH
	    " oauth jwks refresh"
#endif
	    "\n");
	return EXIT_OK;
}

static int
cmd_help(int argc, char **argv)
{
	const struct cmd *c;
	char *names[] = { argv[argc > 1 ? 1 : 0], NULL };

	if (argc > 1 && strcmp(argv[1], "--names") == 0) {
		for (c = cmds; c->name != NULL; c++)
			puts(c->name);
		return EXIT_OK;
	}
	if (argc > 1 && (c = find(cmds, argv[1])) != NULL) {
		if (strcmp(c->name, "user") == 0 ||
		    strcmp(c->name, "cert") == 0 ||
		    strcmp(c->name, "domain") == 0 ||
		    strcmp(c->name, "queue") == 0) {
			(void)c->fn(1, names);
			return EXIT_OK;
		}
		printf("usage: postrider [-i DIR] %s %s\n  %s\n", c->name,
		    c->args, c->doc);
		return EXIT_OK;
	}
	if (argc > 1)
		return run_cmd(cmds, "verb", 1, names);
	printf("usage: postrider [-i DIR] VERB ...\n\n");
	print_cmds(cmds, "");
	printf("\n-i DIR: the instance (else $POSTRIDER_INSTANCE, else %s)\n"
	    "`postrider help VERB' says more; postrider(8) says all.\n",
	    "/etc/postrider");
	return EXIT_OK;
}

static int
postrider_main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "as", required_argument, NULL, 'a' },
		{ "instance", required_argument, NULL, 'i' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 }
	};
	char *words[2] = { NULL, NULL };
	int c;

	restart_options();
	while ((c = next_option(argc, argv, "+:i:hV", longs)) != -1) {
		if (c == 'i')
			instance = optarg;
		else if (c == 'a')
			acting_as = optarg;
		else if (c == 'h')
			return cmd_help(1, words);
		else if (c == 'V')
			return cmd_version(1, words);
		else
			return EXIT_USAGE;
	}
	if (optind == argc) {
		(void)cmd_help(1, words);
		return EXIT_USAGE;
	}
	if (acting_as != NULL && strcmp(argv[optind], "user") != 0 &&
	    strcmp(argv[optind], "domain") != 0)
		return fail_usage("--as is for the verbs user and domain");
	/* VERB --help, for every verb */
	if (optind + 1 < argc && strcmp(argv[optind + 1], "--help") == 0) {
		words[1] = argv[optind];
		return cmd_help(2, words);
	}
	return run_cmd(cmds, "verb", argc - optind, argv + optind);
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*fn)(int argc, char **argv);
	} names[] = {
		{ "sendmail", sendmail_main },
		{ "mailq", mailq_main },
		{ "newaliases", newaliases_main },
	};
	const char *env = getenv("POSTRIDER_INSTANCE");
	const char *self = argc > 0 ? argv[0] : "postrider", *slash;
	size_t i;
	int r;

	slash = strrchr(self, '/');
	if (slash != NULL)
		self = slash + 1;
	if (env != NULL && env[0] != '\0')
		instance = env;
	log_open("postrider");
	for (i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(self, names[i].name) == 0)
			return names[i].fn(argc, argv);
	r = argc > 0 ? postrider_main(argc, argv) : EXIT_USAGE;
	if (fflush(stdout) != 0 && r == EXIT_OK)
		return fail("cannot write: %s", strerror(errno));
	return r;
}
