/*
 * cmd_dns.c - postrider dns: what dnsd knows of a name, and forgetting it.
 */
#include "conf/common.h"
#include "ctl.h"
#include "serve/dns.h"

enum { FLUSH_MS = 10000 };

static void
print_answer(const struct dns_question *q)
{
	const struct dns_answer *a = &q->a;
	size_t i;

	printf("%s %s: %s%s", q->name, dns_type_name(q->type),
	    dns_status_name(a->status), a->secure ? " secure" : "");
	if (a->status < DNS_SERVFAIL)
		printf(" ttl=%lld", (long long)a->ttl);
	if (a->canon[0] != '\0' && !slice_ieqz(slice_of(q->name), a->canon))
		printf(" canon=%s", a->canon);
	if (a->why[0] != '\0')
		printf(" (%s)", a->why);
	printf("\n");
	for (i = 0; i < a->n; i++)
		printf("    %s\n", a->rr[i]);
}

static void
print_json(const struct dns_question *q)
{
	const struct dns_answer *a = &q->a;
	struct str o = STR_INIT;
	bool first = true;
	size_t i;

	str_addc(&o, '{');
	json_member(&o, &first, "name", q->name);
	json_member(&o, &first, "type", dns_type_name(q->type));
	json_member(&o, &first, "status", dns_status_name(a->status));
	str_addf(&o, ",\"secure\":%s", a->secure ? "true" : "false");
	json_int(&o, &first, "ttl", a->ttl);
	json_member(&o, &first, "canon", a->canon);
	json_member(&o, &first, "why", a->why);
	str_adds(&o, ",\"rr\":[");
	for (i = 0; i < a->n; i++) {
		if (i > 0)
			str_addc(&o, ',');
		json_string(&o, a->rr[i]);
	}
	printf("%s]}\n", o.s);
	str_free(&o);
}

/* the questions that a name without types stands for */
static size_t
usual(struct dns_question *q, const char *name)
{
	static const enum dns_type types[] = { DNS_MX, DNS_A, DNS_AAAA };
	struct str reverse = STR_INIT;
	size_t i;

	if (dns_reverse_name(name, &reverse)) {
		q[0] = (struct dns_question){ .type = DNS_PTR,
			.name = arena_strdup(&ctl_arena, reverse.s) };
		str_free(&reverse);
		return 1;
	}
	for (i = 0; i < ARRAY_LEN(types); i++)
		q[i] = (struct dns_question){ .name = name,
			.type = types[i] };
	return ARRAY_LEN(types);
}

static int
dns_show(struct dns_question *q, size_t n, bool json)
{
	struct err err = ERR_INIT;
	bool good = false, late = false;
	size_t i;

	if (dns_ask(q, n, 0, "", &ctl_arena, &err) < 0)
		return fail_err(&err);
	for (i = 0; i < n; i++) {
		if (json)
			print_json(&q[i]);
		else
			print_answer(&q[i]);
		good |= q[i].a.status == DNS_OK;
		late |= q[i].a.status >= DNS_SERVFAIL;
	}
	return good ? EXIT_OK : late ? EXIT_DEFERRED : EXIT_FAILED;
}

static int
dns_forget(const char *name)
{
	struct dns_flush_in in = { .name = name };
	struct err err = ERR_INIT;
	struct ipc c;
	int rc;

	ipc_init(&c, socket_path("dnsd"), FLUSH_MS);
	rc = ipc_call(&c, &dns_flush, &in, -1, NULL, NULL, NULL, &err);
	ipc_free(&c);
	return rc < 0 ? fail_err(&err) : EXIT_OK;
}

static int
open_dnsd(void)
{
	struct err err = ERR_INIT;

	if (instance_load(&err) != 0)
		return fail_err(&err);
	return may_ask("dnsd") ? EXIT_OK : EXIT_FAILED;
}

int
cmd_dns(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 }
	};
	struct dns_question q[DNS_QUESTIONS];
	bool json = false;
	size_t n = 0;
	int o, i, rc;

	while ((o = next_option(argc, argv, "", longs)) != -1) {
		if (o != 'j')
			return EXIT_USAGE;
		json = true;
	}
	if (argc == optind || argc - optind > DNS_QUESTIONS)
		return fail_usage("usage: postrider dns [--json] NAME "
		    "[TYPE...] | flush [NAME]");
	for (i = optind + 1; i < argc && strcmp(argv[optind], "flush") != 0;
	    i++) {
		q[n] = (struct dns_question){ .name = argv[optind] };
		if (!dns_type_find(argv[i], &q[n++].type))
			return fail_usage("%s: no such type of records",
			    argv[i]);
	}
	rc = open_dnsd();
	if (rc != EXIT_OK)
		return rc;
	if (strcmp(argv[optind], "flush") == 0)
		return dns_forget(optind + 1 < argc ? argv[optind + 1] : ".");
	return dns_show(q, n > 0 ? n : usual(q, argv[optind]), json);
}
