/*
 * cmd_tls_policy.c - postrider tls-policy: which TLS the servers of others
 * promise, and the reports that they are sent.
 */
#include "base/clock.h"
#include "conf/common.h"
#include "ctl.h"
#include "proto/sts.h"

#include <time.h>

enum { LIST_MS = 30000, REPORT_MS = 300000 };

static const char *const modes[] = { "none", "testing", "enforce" };

struct rows {
	struct table t;
	bool json;
};

static const char *
mode_word(int mode)
{
	return modes[mode >= 0 && mode < 3 ? mode : 0];
}

static void
join(const struct strlist *l, struct str *out)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		str_addf(out, "%s%s", i > 0 ? "," : "", l->v[i]);
}

static void
add_json(const struct sts_list_more *m)
{
	struct str o = STR_INIT;
	bool first = true;
	size_t i;

	str_addc(&o, '{');
	json_member(&o, &first, "domain", m->domain);
	json_member(&o, &first, "id", m->id);
	json_member(&o, &first, "mode", mode_word(m->mode));
	str_adds(&o, ",\"mx\":[");
	for (i = 0; i < m->mx.n; i++) {
		if (i > 0)
			str_addc(&o, ',');
		json_string(&o, m->mx.v[i]);
	}
	str_addc(&o, ']');
	json_int(&o, &first, "fetched", m->fetched);
	json_int(&o, &first, "expires", m->expires);
	json_member(&o, &first, "why", m->why);
	printf("%s}\n", o.s);
	str_free(&o);
}

static const char *
left(int64_t expires)
{
	struct str s = STR_INIT;
	const char *z;

	if (expires == 0)
		return "-";
	show_age(&s, MAX(expires - wall_s(), (int64_t)0));
	z = arena_strdup(&ctl_arena, s.s);
	str_free(&s);
	return z;
}

static int
on_row(void *ctx, const void *more, struct err *err UNUSED)
{
	const struct sts_list_more *m = more;
	struct rows *r = ctx;
	struct str mx = STR_INIT;

	if (r->json) {
		add_json(m);
		return 0;
	}
	join(&m->mx, &mx);
	table_cell(&r->t, arena_strdup(&ctl_arena, m->domain));
	table_cell(&r->t, m->expires != 0 ? mode_word(m->mode) : "-");
	table_cell(&r->t, left(m->expires));
	table_cell(&r->t, arena_strdup(&ctl_arena, mx.s));
	table_cell(&r->t, arena_strdup(&ctl_arena, m->why));
	str_free(&mx);
	return 0;
}

static int
policy_list(int argc, char **argv)
{
	static const char *const head[] = { "domain", "mode", "left", "mx",
		"trouble" };
	struct rows r = { .t = { .columns = ARRAY_LEN(head) } };
	struct err err = ERR_INIT;
	struct ipc c;
	size_t i;
	int rc = verb_words(argc, argv, &r.json, 0, 0,
	    "tls-policy list [--json]");

	if (rc == EXIT_OK)
		rc = verb_ask(&c, "stsd", LIST_MS, &err);
	if (rc != EXIT_OK)
		return rc;
	for (i = 0; i < ARRAY_LEN(head) && !r.json; i++)
		table_cell(&r.t, head[i]);
	rc = ipc_call_more(&c, &sts_list, NULL, -1, on_row, &r, NULL, &err);
	ipc_free(&c);
	if (rc < 0)
		return fail_err(&err);
	if (!r.json)
		table_print(&r.t);
	return EXIT_OK;
}

/* forget, and fetch: what the next delivery would get */
static int
refresh(struct ipc *c, const char *domain, struct err *err)
{
	struct sts_refresh_in in = { .domain = domain };
	struct sts_policy_in ask = { .domain = domain, .session = "" };
	struct sts_policy_out out;
	size_t i;

	if (ipc_call(c, &sts_refresh, &in, -1, NULL, NULL, NULL, err) < 0 ||
	    ipc_call(c, &sts_policy, &ask, -1, &out, NULL, NULL, err) < 0)
		return fail_err(err);
	if (out.text.n == 0)
		printf("%s: no policy (see `postrider tls-policy list')\n",
		    domain);
	for (i = 0; i < out.text.n; i++)
		printf("%s: %s\n", domain, out.text.v[i]);
	return EXIT_OK;
}

static int
policy_refresh(int argc, char **argv)
{
	return verb_each(argc, argv, "tls-policy refresh DOMAIN...", "stsd",
	    REPORT_MS, refresh);
}

static int
on_report(void *ctx, const void *more, struct err *err UNUSED)
{
	const struct sts_report_more *m = more;
	bool *open = ctx;

	if (m->domain[0] != '\0') {
		printf("%s# %s: %s%s\n", *open ? "\n" : "", m->domain,
		    m->to[0] != '\0' ? "to " : "not sent: ",
		    m->to[0] != '\0' ? m->to : m->why);
		*open = true;
	}
	fputs(m->json, stdout);
	return 0;
}

/* 2026-11-23 in UTC */
static bool
parse_day(const char *z, int64_t *r)
{
	struct tm tm = { 0 };
	const char *end = strptime(z, "%Y-%m-%d", &tm);

	*r = end != NULL && *end == '\0' ? (int64_t)timegm(&tm) : -1;
	return *r >= 0;
}

static int
policy_report(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "day", required_argument, NULL, 'd' },
		{ "send", no_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 }
	};
	struct sts_report_in in = { .day = 0 };
	struct err err = ERR_INIT;
	bool open = false;
	struct ipc c;
	int o, rc;

	while ((o = next_option(argc, argv, "", longs)) != -1) {
		if (o == 's')
			in.send = true;
		else if (o != 'd')
			return EXIT_USAGE;
		else if (!parse_day(optarg, &in.day))
			return fail_usage("--day %s: expected YYYY-MM-DD",
			    optarg);
	}
	if (argc > optind)
		return fail_usage("usage: postrider tls-policy report "
		    "[--day YYYY-MM-DD] [--send]");
	rc = verb_ask(&c, "stsd", REPORT_MS, &err);
	if (rc != EXIT_OK)
		return rc;
	rc = ipc_call_more(&c, &sts_report, &in, -1, on_report, &open, NULL,
	    &err);
	ipc_free(&c);
	if (open)
		putchar('\n');
	return rc < 0 ? fail_err(&err) : EXIT_OK;
}

static const struct cmd verbs[] = {
	{ "list", policy_list, "[--json]", "MTA-STS policies that are kept" },
	{ "refresh", policy_refresh, "DOMAIN...", "forget a policy and fetch "
	    "it" },
	{ "report", policy_report, "[--day YYYY-MM-DD] [--send]",
	    "TLS reports of a day, normally yesterday" },
	{ NULL, NULL, NULL, NULL }
};

int
cmd_tls_policy(int argc, char **argv)
{
	if (argc < 2) {
		printf("usage: postrider tls-policy VERB ...\n\n");
		print_cmds(verbs, "tls-policy ");
		return EXIT_USAGE;
	}
	return run_cmd(verbs, "tls-policy verb", argc - 1, argv + 1);
}
