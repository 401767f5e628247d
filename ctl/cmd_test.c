/*
 * cmd_test.c - postrider test: the way of an address, as router sees it.
 */
#include "conf/common.h"
#include "ctl.h"
#include "proto/router.h"

enum { TEST_MS = 30000, WHAT_WIDTH = 12 };

struct told {
	bool json;
	int status;
};

static void
print_json(const struct router_explain_more *m)
{
	struct str o = STR_INIT;
	bool first = true;

	str_addc(&o, '{');
	json_member(&o, &first, "what", m->what);
	json_member(&o, &first, "text", m->text);
	printf("%s}\n", o.s);
	str_free(&o);
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
	if (t->json)
		print_json(m);
	else
		printf("%-*s %s\n", WHAT_WIDTH, m->what, m->text);
	return 0;
}

int
explain_address(const struct router_explain_in *in, bool json)
{
	struct told t = { .json = json, .status = EXIT_FAILED };
	struct err err = ERR_INIT;
	struct ipc c;
	int rc;

	if (instance_load(&err) != 0)
		return fail_err(&err);
	if (!may_ask("router"))
		return EXIT_FAILED;
	ipc_init(&c, socket_path("router"), TEST_MS);
	rc = ipc_call_more(&c, &router_explain, in, -1, on_step, &t, NULL,
	    &err);
	ipc_free(&c);
	return rc < 0 ? fail_err(&err) : t.status;
}

int
cmd_test(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "sender", required_argument, NULL, 's' },
		{ "relay", no_argument, NULL, 'r' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 }
	};
	struct router_explain_in in = { .addr = "", .sender = "" };
	bool json = false;
	int o;

	while ((o = next_option(argc, argv, ":", longs)) != -1) {
		if (o == 's')
			in.sender = optarg;
		else if (o == 'r')
			in.relay = true;
		else if (o == 'j')
			json = true;
		else
			return EXIT_USAGE;
	}
	if (argc - optind != 1)
		return fail_usage("usage: postrider test [--sender ADDRESS] "
		    "[--relay] [--json] ADDRESS");
	in.addr = argv[optind];
	return explain_address(&in, json);
}
