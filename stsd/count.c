/*
 * count.c - sessions.  The names in a row are those of strangers' servers, so
 * rows of a domain and domains of a day are limited: what does not fit is
 * counted without names, or not at all.
 */
#include "stsd.h"

#include "base/hash.h"
#include "base/log.h"
#include "conf/common.h"

enum { POLICIES_MAX = 8, LINES_MAX = 4096, TEXT_MAX = 200 };

const char *
report_from(void)
{
	static char *made;

	if (conf.from[0] != '\0')
		return conf.from;
	if (made == NULL)
		made = xasprintf("noreply-smtp-tls-reporting@%s",
		    common.domains.n > 0 ? common.domains.v[0] :
		    common.hostname);
	return made;
}

const char *
report_submitter(void)
{
	const char *at = strrchr(report_from(), '@');

	return at != NULL && at[1] != '\0' ? at + 1 : common.hostname;
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* the lines, in one order where their order means nothing */
static void
join(const struct strlist *l, bool sort, struct str *out)
{
	const char **v = xmalloc((l->n + 1) * sizeof(*v));
	size_t i;

	if (l->n > 0)
		memcpy(v, l->v, l->n * sizeof(*v));
	if (sort)
		qsort(v, l->n, sizeof(*v), by_text);
	for (i = 0; i < l->n && out->len + strlen(v[i]) < LINES_MAX; i++)
		if (v[i][0] != '\0' && strchr(v[i], '\n') == NULL)
			str_addf(out, "%s\n", v[i]);
	free(v);
}

struct row {
	int64_t day, pkey, result, n;
	const char *domain, *source, *mx_host, *mx_helo, *mx_addr, *reason;
};

static int
add(const struct row *r)
{
	return db_run("UPDATE day_count SET n = n + ? WHERE day = ? AND"
	    " domain = ? AND pkey = ? AND result = ? AND source = ? AND"
	    " mx_host = ? AND mx_helo = ? AND mx_addr = ? AND reason = ?",
	    "iisiisssss", r->n, r->day, r->domain, r->pkey, r->result,
	    r->source, r->mx_host, r->mx_helo, r->mx_addr, r->reason);
}

static void
insert(const struct row *r)
{
	db_run("INSERT INTO day_count VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	    "isiisssssi", r->day, r->domain, r->pkey, r->result, r->source,
	    r->mx_host, r->mx_helo, r->mx_addr, r->reason, r->n);
	db_run("UPDATE day_domain SET rows = rows + 1 WHERE day = ? AND"
	    " domain = ?", "is", r->day, r->domain);
}

/* is there a place for the domain on this day? */
static bool
has_domain(int64_t day, const char *domain)
{
	static int64_t of, n = -1, dropped;

	if (db_number(0, "SELECT 1 FROM day_domain WHERE day = ? AND"
	    " domain = ?", "is", day, domain) == 1)
		return true;
	if (of != day || n < 0) {
		of = day;
		dropped = 0;
		n = db_number(0, "SELECT count(*) FROM day_domain WHERE"
		    " day = ?", "i", day);
	}
	if (n >= conf.report_domains) {
		if (dropped++ == 0)
			log_event(LOG_WARN, "not-counted", KS("domain",
			    domain), KI("domains", n), KEND);
		return false;
	}
	n++;
	return db_run("INSERT INTO day_domain VALUES(?, ?, 0, 0, 0)", "is",
	    day, domain) == 1;
}

static bool
has_place(const struct row *r, int kind, const char *lines, const char *mx)
{
	if (!has_domain(r->day, r->domain))
		return false;
	if (db_number(0, "SELECT 1 FROM day_policy WHERE day = ? AND"
	    " domain = ? AND pkey = ?", "isi", r->day, r->domain,
	    r->pkey) == 1)
		return true;
	if (db_run("UPDATE day_domain SET policies = policies + 1 WHERE"
	    " day = ? AND domain = ? AND policies < ?", "isi", r->day,
	    r->domain, (int64_t)POLICIES_MAX) != 1)
		return false;
	return db_run("INSERT INTO day_policy VALUES(?, ?, ?, ?, ?, ?)",
	    "isiiss", r->day, r->domain, r->pkey, (int64_t)kind, lines,
	    mx) == 1;
}

static void
count_row(struct row *r, int kind, const char *lines, const char *mx)
{
	if (add(r) != 0 || !has_place(r, kind, lines, mx))
		return;
	if (r->result != STS_SUCCESS && db_number(0, "SELECT rows FROM"
	    " day_domain WHERE day = ? AND domain = ?", "is", r->day,
	    r->domain) >= conf.report_rows) {
		r->source = r->mx_host = r->mx_helo = r->mx_addr =
		    r->reason = "";
		if (add(r) != 0)
			return;
	}
	insert(r);
}

/* printable, and not too long */
static const char *
clip(const char *z, struct arena *a)
{
	struct slice s = slice_of(z);
	char *r;
	size_t i;

	r = arena_slice(a, slice_sub(s, 0, TEXT_MAX));
	for (i = 0; r[i] != '\0'; i++)
		if (!ascii_isprint((unsigned char)r[i]))
			r[i] = '?';
	return r;
}

void
count_session(const struct sts_count_in *in, int64_t now)
{
	static const unsigned char key[HASH_KEY];
	struct str lines = STR_INIT, mx = STR_INIT, all = STR_INIT;
	struct arena a = { 0 };
	bool ok = in->result == STS_SUCCESS;
	struct row r = { .day = now / 86400, .result = in->result,
		.n = in->n, .domain = domain_name(in->domain, &a) };

	if (!conf.tls_reports || r.domain == NULL ||
	    strcasecmp(in->sender, report_from()) == 0)
		goto out;
	join(&in->policy, in->kind != STS_STS, &lines);
	join(&in->mx, true, &mx);
	str_addf(&all, "%d\n%s\n%s", in->kind, lines.s, mx.s);
	r.pkey = (int64_t)(hash_sip(key, all.s, all.len) >> 1);
	r.source = ok ? "" : clip(in->source, &a);
	r.mx_host = ok ? "" : clip(in->mx_host, &a);
	r.mx_helo = ok ? "" : clip(in->mx_helo, &a);
	r.mx_addr = ok ? "" : clip(in->mx_addr, &a);
	r.reason = ok ? "" : clip(in->reason, &a);
	count_row(&r, in->kind, lines.s, mx.s);
out:
	str_free(&lines);
	str_free(&mx);
	str_free(&all);
	arena_free(&a);
}

void
count_tick(int64_t now)
{
	static int64_t last = -1;
	int64_t before = now / 86400 - conf.report_keep / 86400000;

	if (now / 3600 == last)
		return;
	last = now / 3600;
	db_run("DELETE FROM day_count WHERE day < ?", "i", before);
	db_run("DELETE FROM day_policy WHERE day < ?", "i", before);
	db_run("DELETE FROM day_domain WHERE day < ?", "i", before);
}
