/*
 * cmd_test.c - postrider test: the way of an address, as router sees it, and
 * what DNS says of where it leads.
 */
#include "conf/common.h"
#include "ctl.h"
#include "proto/router.h"

enum { TEST_MS = 30000, WHAT_WIDTH = 12, NEXTHOPS_MAX = 20 };

struct told {
	bool json;
	int status;
	struct strlist nexthops;	/* of other hosts */
};

void
show_step(bool json, const char *what, const char *text)
{
	struct str o = STR_INIT;
	bool first = true;

	if (!json) {
		printf("%-*s %s\n", WHAT_WIDTH, what, text);
		return;
	}
	str_addc(&o, '{');
	json_member(&o, &first, "what", what);
	json_member(&o, &first, "text", text);
	printf("%s}\n", o.s);
	str_free(&o);
}

/* the services of this host take mail by themselves */
static bool
is_far(const char *transport, const char *nexthop)
{
	return strcmp(transport, "local") != 0 &&
	    strcmp(transport, "system") != 0 &&
	    strcmp(transport, "command") != 0 &&
	    strcmp(transport, "pipe") != 0 && nexthop[0] != '\0' &&
	    strncmp(nexthop, "unix:", 5) != 0;
}

static int
on_step(void *ctx, const void *more, struct err *err UNUSED)
{
	const struct router_explain_more *m = more;
	struct told *t = ctx;

	if (strcmp(m->what, "result") == 0)
		t->status = strcmp(m->text, "accepted") == 0 ? EXIT_OK :
		    strncmp(m->text, "deferred", 8) == 0 ? EXIT_DEFERRED :
		    EXIT_FAILED;
	if (is_far(m->transport, m->nexthop) &&
	    !strlist_has(&t->nexthops, m->nexthop))
		strlist_add(&t->nexthops, &ctl_arena,
		    arena_strdup(&ctl_arena, m->nexthop));
	show_step(t->json, m->what, m->text);
	return 0;
}

int
explain_address(const struct router_explain_in *in, bool json, bool dns)
{
	struct told t = { .json = json, .status = EXIT_FAILED };
	struct err err = ERR_INIT;
	struct ipc c;
	size_t i;
	int rc;

	if (instance_load(&err) != 0)
		return fail_err(&err);
	if (!may_ask("router"))
		return EXIT_FAILED;
	ipc_init(&c, socket_path("router"), TEST_MS);
	rc = ipc_call_more(&c, &router_explain, in, -1, on_step, &t, NULL,
	    &err);
	ipc_free(&c);
	if (rc < 0) {
		fail_err(&err);
		return EXIT_DEFERRED;
	}
	for (i = 0; dns && i < t.nexthops.n && i < NEXTHOPS_MAX; i++)
		nexthop_facts(t.nexthops.v[i], json);
	return t.status;
}

int
cmd_test(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "sender", required_argument, NULL, 's' },
		{ "relay", no_argument, NULL, 'r' },
		{ "json", no_argument, NULL, 'j' },
		{ "no-dns", no_argument, NULL, 'n' },
		{ "client", required_argument, NULL, 'c' },
		{ "helo", required_argument, NULL, 'h' },
		{ "rcpt", required_argument, NULL, 't' },
		{ "login", required_argument, NULL, 'l' },
		{ "tls", no_argument, NULL, 'T' },
		{ "service", required_argument, NULL, 'S' },
		{ "size", required_argument, NULL, 'z' },
		{ NULL, 0, NULL, 0 }
	};
	struct router_explain_in in = { .addr = "", .sender = "" };
	struct rules_test rt = { .client = NULL };
	bool json = false, dns = true;
	int o;

	while ((o = next_option(argc, argv, ":", longs)) != -1) {
		if (o == 's')
			in.sender = rt.sender = optarg;
		else if (rules_option(&rt, o, optarg))
			continue;
		else if (o == 'r')
			in.relay = true;
		else if (o == 'j')
			json = true;
		else if (o == 'n')
			dns = false;
		else
			return EXIT_USAGE;
	}
	if (rt.client != NULL)
		return argc != optind ? fail_usage("with --client, the "
		    "recipient is --rcpt ADDRESS") :
		    test_rules(&rt, json, dns);
	if (argc - optind != 1)
		return fail_usage("usage: postrider test [--sender ADDRESS] "
		    "[--relay] [--json] [--no-dns] ADDRESS\n"
		    "       postrider test --client ADDRESS[,NAME] [--helo "
		    "NAME] [--sender ADDRESS] [--rcpt ADDRESS]\n"
		    "         [--login NAME] [--tls] [--service SERVICE] "
		    "[--size N] [--json] [--no-dns]");
	in.addr = argv[optind];
	return explain_address(&in, json, dns);
}
