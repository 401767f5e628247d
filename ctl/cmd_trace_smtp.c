/*
 * cmd_trace_smtp.c - postrider trace-smtp: what a server says to smtp before
 * a message is sent.
 */
#include "conf/common.h"
#include "ctl.h"
#include "proto/agent.h"

enum { TRACE_MS = 300000 };

static int
print_line(void *ctx UNUSED, const void *more, struct err *err UNUSED)
{
	const struct agent_probe_more *m = more;

	printf("%s\n", m->line);
	fflush(stdout);
	return 0;
}

/* of an address: its domain, and it is a recipient */
static const char *
next_hop(const char *dest, struct agent_probe_in *in)
{
	const char *at = strrchr(dest, '@');

	if (at == NULL || at[1] == '\0' || dest[0] == '[')
		return dest;
	strlist_add(&in->rcpt, &ctl_arena, dest);
	return at + 1;
}

static int
trace(const char *transport, const struct agent_probe_in *in)
{
	struct err err = ERR_INIT;
	struct ipc c;
	int rc;

	if (instance_load(&err) != 0)
		return fail_err(&err);
	if (!may_ask(transport))
		return EXIT_FAILED;
	ipc_init(&c, socket_path(transport), TRACE_MS);
	rc = ipc_call_more(&c, &agent_probe, in, -1, print_line, NULL, NULL,
	    &err);
	ipc_free(&c);
	return rc < 0 ? fail_err(&err) : EXIT_OK;
}

int
cmd_trace_smtp(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "auth", no_argument, NULL, 'a' },
		{ "from", required_argument, NULL, 'f' },
		{ "to", required_argument, NULL, 't' },
		{ "transport", required_argument, NULL, 'x' },
		{ NULL, 0, NULL, 0 }
	};
	struct agent_probe_in in = { .sender = "" };
	const char *transport = "smtp";
	int o;

	while ((o = next_option(argc, argv, "", longs)) != -1) {
		if (o == 'a')
			in.auth = true;
		else if (o == 'f')
			in.sender = optarg;
		else if (o == 't')
			strlist_add(&in.rcpt, &ctl_arena, optarg);
		else if (o == 'x')
			transport = optarg;
		else
			return EXIT_USAGE;
	}
	if (argc != optind + 1)
		return fail_usage("usage: postrider trace-smtp [--auth] "
		    "[--from ADDRESS] [--to ADDRESS]... [--transport NAME] "
		    "DEST");
	in.nexthop = next_hop(argv[optind], &in);
	return trace(transport, &in);
}
