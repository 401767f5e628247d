/*
 * report.c - RFC 8460 section 4.4: what was counted for a domain on a day.
 */
#include "stsd.h"

#include <jansson.h>
#include <time.h>
#include <zlib.h>

#include "conf/common.h"

static const char *const kinds[] = { "no-policy-found", "tlsa", "sts" };
static const char *const results[] = { "success", "starttls-not-supported",
	"certificate-host-mismatch", "certificate-expired",
	"certificate-not-trusted", "validation-failure", "tlsa-invalid",
	"dnssec-invalid", "dane-required", "sts-policy-fetch-error",
	"sts-policy-invalid", "sts-webpki-invalid" };

/* 2026-11-23T00:00:00Z */
static json_t *
json_time(int64_t t)
{
	time_t tt = (time_t)t;
	struct tm tm;
	char buf[40];

	gmtime_r(&tt, &tm);
	strftime(buf, sizeof(buf), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_string(buf);
}

static json_t *
json_lines(const char *z)
{
	struct slice rest = slice_of(z), line;
	json_t *l = json_array();

	while (slice_cut(&rest, '\n', &line))
		if (line.n > 0)
			json_array_append_new(l, json_stringn(line.p,
			    line.n));
	return l;
}

static void
set(json_t *o, const char *name, const char *z)
{
	if (z[0] != '\0')
		json_object_set_new(o, name, json_string(z));
}

static const char *
word(const char *const *list, size_t n, int64_t i)
{
	return list[i >= 0 && (size_t)i < n ? (size_t)i : 0];
}

static json_t *
failure(struct sqlite3_stmt *st, struct arena *a)
{
	json_t *o = json_object();

	set(o, "result-type", word(results, ARRAY_LEN(results),
	    db_int(st, 0)));
	set(o, "sending-mta-ip", db_text(st, 1, a));
	set(o, "receiving-mx-hostname", db_text(st, 2, a));
	set(o, "receiving-mx-helo", db_text(st, 3, a));
	set(o, "receiving-ip", db_text(st, 4, a));
	json_object_set_new(o, "failed-session-count",
	    json_integer(db_int(st, 6)));
	set(o, "failure-reason-code", db_text(st, 5, a));
	return o;
}

/* the sessions under one policy */
static void
add_sessions(json_t *policy, int64_t pkey, struct arena *a, struct report *r)
{
	struct sqlite3_stmt *st = db_select("SELECT result, source, mx_host,"
	    " mx_helo, mx_addr, reason, n FROM day_count WHERE day = ? AND"
	    " domain = ? AND pkey = ? ORDER BY n DESC", "isi", r->day,
	    r->domain, pkey);
	json_t *details = json_array(), *sum = json_object();
	int64_t good = 0, bad = 0;

	while (db_row(st)) {
		if (db_int(st, 0) == STS_SUCCESS) {
			good += db_int(st, 6);
			continue;
		}
		bad += db_int(st, 6);
		json_array_append_new(details, failure(st, a));
	}
	json_object_set_new(sum, "total-successful-session-count",
	    json_integer(good));
	json_object_set_new(sum, "total-failure-session-count",
	    json_integer(bad));
	json_object_set_new(policy, "summary", sum);
	if (json_array_size(details) > 0)
		json_object_set(policy, "failure-details", details);
	json_decref(details);
	r->good += good;
	r->failed += bad;
}

static json_t *
policy(struct sqlite3_stmt *st, struct arena *a, struct report *r)
{
	json_t *o = json_object(), *p = json_object();
	int64_t kind = db_int(st, 1);
	const char *lines = db_text(st, 2, a), *mx = db_text(st, 3, a);

	set(p, "policy-type", word(kinds, ARRAY_LEN(kinds), kind));
	if (kind != STS_NO_POLICY && lines[0] != '\0')
		json_object_set_new(p, "policy-string", json_lines(lines));
	set(p, "policy-domain", r->domain);
	if (mx[0] != '\0')
		json_object_set_new(p, "mx-host", json_lines(mx));
	json_object_set_new(o, "policy", p);
	add_sessions(o, db_int(st, 0), a, r);
	return o;
}

static const char *
contact(struct arena *a)
{
	if (conf.contact[0] != '\0')
		return conf.contact;
	return arena_printf(a, "postmaster@%s", common.domains.n > 0 ?
	    common.domains.v[0] : common.hostname);
}

static void
print(json_t *policies, struct arena *a, struct report *r)
{
	json_t *o = json_object(), *range = json_object();
	char *text;

	set(o, "organization-name", conf.organization[0] != '\0' ?
	    conf.organization : common.hostname);
	json_object_set_new(range, "start-datetime", json_time(r->from));
	json_object_set_new(range, "end-datetime", json_time(r->to));
	json_object_set_new(o, "date-range", range);
	set(o, "contact-info", contact(a));
	set(o, "report-id", r->id);
	json_object_set(o, "policies", policies);
	text = json_dumps(o, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
	if (text == NULL)
		die("out of memory");
	str_adds(&r->json, text);
	free(text);
	json_decref(o);
}

int
report_make(int64_t day, const char *domain, int64_t now, struct arena *a,
    struct report *r)
{
	json_t *policies = json_array();
	struct sqlite3_stmt *st;

	*r = (struct report){ .day = day, .domain = domain,
		.from = day * 86400, .json = STR_INIT };
	r->to = MIN(r->from + 86399, MAX(now, r->from));
	r->id = arena_printf(a, "%lld.%s@%s", (long long)r->to, domain,
	    report_submitter());
	r->file = arena_printf(a, "%s!%s!%lld!%lld.json.gz",
	    report_submitter(), domain, (long long)r->from,
	    (long long)r->to);
	st = db_select("SELECT pkey, kind, lines, mx FROM day_policy WHERE"
	    " day = ? AND domain = ? ORDER BY kind DESC, pkey", "is", day,
	    domain);
	while (db_row(st))
		json_array_append_new(policies, policy(st, a, r));
	if (json_array_size(policies) > 0)
		print(policies, a, r);
	json_decref(policies);
	return r->json.len > 0;
}

int
report_gzip(const struct str *json, struct str *out, struct err *err)
{
	z_stream z = { .next_in = (unsigned char *)json->s,
		.avail_in = (unsigned)json->len };
	uLong n;
	int rc;

	if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 9,
	    Z_DEFAULT_STRATEGY) != Z_OK)
		return err_temp(err, "4.3.0", "zlib");
	n = deflateBound(&z, (uLong)json->len);
	str_grow(out, n);
	z.next_out = (unsigned char *)out->s + out->len;
	z.avail_out = (unsigned)n;
	rc = deflate(&z, Z_FINISH);
	if (rc == Z_STREAM_END) {
		out->len += z.total_out;
		out->s[out->len] = '\0';
	}
	deflateEnd(&z);
	return rc == Z_STREAM_END ? 0 : err_temp(err, "4.3.0", "zlib");
}
