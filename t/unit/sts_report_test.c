/*
 * sts_report_test.c - sessions are counted and become a report: RFC 8460
 * sections 4.4 and 5.3.
 */
#include <event2/event.h>
#include <jansson.h>
#include <zlib.h>

#include "../../stsd/stsd.h"
#include "base/log.h"
#include "conf/common.h"
#include "test/tap.h"

enum { DAY = 20000 };
static const int64_t noon = DAY * 86400LL + 43200;

struct stsd_conf conf = { .tls_reports = true, .organization = "Example Ltd",
    .contact = "", .from = "", .report_rows = 3, .report_domains = 4,
    .report_keep = 7 * 86400000LL };

static void
drop(const char *line UNUSED, size_t n UNUSED)
{
}

static void
count(const char *domain, int kind, const char *line, int result,
    const char *host)
{
	struct arena a = { 0 };
	struct sts_count_in in = { .domain = domain, .kind = kind,
		.result = result, .n = 2, .source = "192.0.2.1",
		.mx_host = host, .mx_helo = "h\xc3\xa9lo", .mx_addr = "::1",
		.reason = "it failed", .sender = "ann@example.test" };

	strlist_add(&in.policy, &a, line);
	strlist_add(&in.mx, &a, "b.example");
	strlist_add(&in.mx, &a, "a.example");
	count_session(&in, noon);
	arena_free(&a);
}

/* a path of names and numbers; "" where there is nothing, else as JSON */
static const char *
at(const json_t *j, const char *path, struct str *out)
{
	struct slice rest = slice_of(path), part;
	uint64_t n;
	char *z;

	while (j != NULL && slice_cut(&rest, '/', &part)) {
		z = slice_dup(part);
		j = slice_u64(part, 1000, &n) ? json_array_get(j, n) :
		    json_object_get(j, z);
		free(z);
	}
	str_reset(out);
	z = j == NULL ? NULL : json_dumps(j, JSON_ENCODE_ANY | JSON_COMPACT);
	str_adds(out, z != NULL ? z : "");
	free(z);
	return out->s;
}

#define P0 "policies/0/"
static const struct { const char *path, *want; } wants[] = {
	{ "organization-name", "\"Example Ltd\"" },
	{ "date-range/start-datetime", "\"2024-10-04T00:00:00Z\"" },
	{ "date-range/end-datetime", "\"2024-10-04T23:59:59Z\"" },
	{ "contact-info", "\"postmaster@example.test\"" },
	{ "report-id", "\"1728086399.peer.example@example.test\"" },
	{ P0 "policy/policy-type", "\"sts\"" },
	{ P0 "policy/policy-string", "[\"version: STSv1\"]" },
	{ P0 "policy/policy-domain", "\"peer.example\"" },
	{ P0 "policy/mx-host", "[\"a.example\",\"b.example\"]" },
	{ P0 "summary/total-successful-session-count", "4" },
	{ P0 "summary/total-failure-session-count", "2" },
	{ P0 "failure-details/0/result-type", "\"certificate-expired\"" },
	{ P0 "failure-details/0/sending-mta-ip", "\"192.0.2.1\"" },
	{ P0 "failure-details/0/receiving-mx-hostname", "\"a.example\"" },
	{ P0 "failure-details/0/receiving-mx-helo", "\"h\?\?lo\"" },
	{ P0 "failure-details/0/receiving-ip", "\"::1\"" },
	{ P0 "failure-details/0/failed-session-count", "2" },
	{ P0 "failure-details/0/failure-reason-code", "\"it failed\"" },
	{ "policies/1/policy/policy-type", "\"tlsa\"" },
	{ "policies/1/policy/policy-string", "[\"3 1 1 AB\"]" },
	{ "policies/2/policy/policy-type", "\"no-policy-found\"" },
	{ "policies/2/policy/policy-string", "" },
	{ "policies/2/summary/total-successful-session-count", "2" },
	{ "policies/2/failure-details", "" },
	{ "policies/3", "" },
};

static void
test_json(const struct report *r)
{
	json_error_t why;
	json_t *j = json_loadb(r->json.s, r->json.len, 0, &why);
	struct str got = STR_INIT;
	size_t i;

	ok(j != NULL, "the report is JSON");
	for (i = 0; i < ARRAY_LEN(wants); i++)
		is_str(at(j, wants[i].path, &got), wants[i].want, "%s",
		    wants[i].path);
	json_decref(j);
	str_free(&got);
}

static void
test_gzip(const struct report *r)
{
	struct str gz = STR_INIT, text = STR_INIT;
	char back[20000];
	z_stream z = { 0 };
	struct err err;

	is_int(report_gzip(&r->json, &gz, &err), 0, "compressed");
	ok(gz.len > 2 && memcmp(gz.s, "\x1f\x8b", 2) == 0, "as gzip");
	z.next_in = (unsigned char *)gz.s;
	z.avail_in = (unsigned)gz.len;
	z.next_out = (unsigned char *)back;
	z.avail_out = sizeof(back);
	ok(inflateInit2(&z, 15 + 16) == Z_OK && inflate(&z, Z_FINISH) ==
	    Z_STREAM_END && z.total_out == r->json.len &&
	    memcmp(back, r->json.s, r->json.len) == 0, "and back");
	inflateEnd(&z);
	message_make(r->domain, r->id, r->file, slice_str(&gz),
	    "tls@peer.example", &text);
	ok(strstr(text.s, "\nTLS-Report-Domain: peer.example\n"
	    "TLS-Report-Submitter: example.test\nTLS-Required: No\n") != NULL,
	    "header of the message");
	ok(strstr(text.s, "multipart/report; report-type=\"tlsrpt\";") !=
	    NULL, "its type");
	ok(strstr(text.s, " filename=\"example.test!peer.example!1728000000!"
	    "1728086399.json.gz\"\n") != NULL, "name of the file");
	ok(strstr(text.s, "\nH4sI") != NULL, "base64");
	str_free(&gz);
	str_free(&text);
}

static void
test_bounds(void)
{
	struct arena a = { 0 };
	char host[40], domain[40];
	struct report r;
	int i;

	for (i = 0; i < 20; i++) {
		snprintf(host, sizeof(host), "mx%d.example", i);
		count("many.example", STS_NO_POLICY, "", STS_NO_STARTTLS, host);
	}
	is_int(db_number(-1, "SELECT count(*) FROM day_count WHERE domain ="
	    " 'many.example'", ""), 4, "rows of a domain are limited");
	is_int(db_number(-1, "SELECT sum(n) FROM day_count WHERE domain ="
	    " 'many.example'", ""), 40, "nothing is lost");
	for (i = 0; i < 20; i++) {
		snprintf(host, sizeof(host), "version: %d", i);
		count("text.example", STS_STS, host, STS_SUCCESS, "");
	}
	is_int(db_number(-1, "SELECT count(*) FROM day_policy WHERE domain ="
	    " 'text.example'", ""), 8, "policies of a domain are limited");
	for (i = 0; i < 20; i++) {
		snprintf(domain, sizeof(domain), "d%d.example", i);
		count(domain, STS_NO_POLICY, "", STS_SUCCESS, "");
	}
	is_int(db_number(-1, "SELECT count(*) FROM day_domain", ""), 4,
	    "domains of a day are limited");
	is_int(report_make(DAY, "none.example", noon, &a, &r), 0,
	    "nothing counted, no report");
	count_tick(noon + 8 * 86400);
	is_int(db_number(-1, "SELECT count(*) FROM day_count", ""), 0,
	    "and all goes in time");
	arena_free(&a);
}

static void
test_own(void)
{
	struct sts_count_in in = { .domain = "own.example", .n = 1,
		.source = "", .mx_host = "", .mx_helo = "", .mx_addr = "",
		.reason = "",
		.sender = "NoReply-smtp-tls-reporting@example.test" };

	count_session(&in, noon);
	in.domain = "[192.0.2.1]";
	in.sender = "";
	count_session(&in, noon);
	is_int(db_number(-1, "SELECT count(*) FROM day_domain", ""), 0,
	    "our reports and literals are not counted");
}

int
main(void)
{
	struct arena a = { 0 };
	struct report r;
	struct err err;
	char dir[300];

	log_set_sink(drop);
	snprintf(dir, sizeof(dir), "%s", tap_dir());
	common.spool_dir = dir;
	common.hostname = "mail.example.test";
	common.single_uid = true;
	strlist_add(&common.domains, &a, "example.test");
	hub_base = event_base_new();
	db_init();
	is_int(db_open(&err), 0, "a new database");
	test_own();
	count("Peer.Example", STS_STS, "version: STSv1", STS_SUCCESS, "x");
	count("peer.example.", STS_STS, "version: STSv1", STS_SUCCESS, "y");
	count("peer.example", STS_STS, "version: STSv1", STS_EXPIRED,
	    "a.example");
	count("peer.example", STS_TLSA, "3 1 1 AB", STS_SUCCESS, "x");
	count("peer.example", STS_NO_POLICY, "", STS_SUCCESS, "x");
	is_int(report_make(DAY, "peer.example", noon + 86400, &a, &r), 1,
	    "a report");
	is_int(r.good, 8, "good ones");
	is_int(r.failed, 2, "failures");
	test_json(&r);
	test_gzip(&r);
	str_free(&r.json);
	test_bounds();
	db_commit();
	event_base_free(hub_base);
	arena_free(&a);
	return tap_done();
}
