/*
 * batch.c - the domains of a day, some at a time: where does the report go?
 * The night's batch gives each report to the outbox and marks the domain;
 * who could not be asked stays for the next one.
 */
#include "stsd.h"

#include "base/clock.h"
#include "base/log.h"

enum { AT_ONCE = 8, AGAIN_S = 3600, PIECE = 32768, DAY = 86400 };

struct batch {
	int64_t day;
	bool night, send;
	struct hub_ticket ticket;	/* unless night */
	struct arena arena;
	struct strlist names;
	size_t next, pending, failed;
};

struct job {
	struct batch *b;
	const char *domain;
};

static bool night_runs, night_failed;
static int64_t night_at;
static int64_t night_day;	/* the last that was tried */

static void step(struct batch *b);

/* --- one domain --- */

/* to `postrider tls-policy report` */
static void
tell(struct batch *b, const struct report *r, const struct strlist *rua,
    const char *why)
{
	struct sts_report_more more = { .domain = r->domain, .to = "",
		.json = "", .why = why };
	struct str to = STR_INIT;
	struct slice rest = slice_str(&r->json), piece;
	char *text;
	struct err err;
	size_t i;

	for (i = 0; i < rua->n; i++)
		str_addf(&to, "%s%s", i > 0 ? "," : "", rua->v[i]);
	more.to = to.s;
	do {
		piece = slice_sub(rest, 0, PIECE);
		rest = slice_sub(rest, piece.n, rest.n);
		text = slice_dup(piece);
		more.json = text;
		(void)hub_more(b->ticket, &more, &err);
		free(text);
		more.domain = more.to = more.why = "";
	} while (rest.n > 0);
	str_free(&to);
}

static int
post(const struct report *r, const struct strlist *rua)
{
	struct str gz = STR_INIT;
	struct err err;
	size_t i;
	int rc = report_gzip(&r->json, &gz, &err);

	for (i = 0; rc == 0 && i < rua->n; i++)
		outbox_add(r, &gz, rua->v[i]);
	str_free(&gz);
	if (rc < 0)
		log_event(LOG_WARN, "report-failed", KS("domain", r->domain),
		    KERR(&err), KEND);
	return rc;
}

/* 1 rua, 0 there are none for good, -1 not to be found out now */
static int
find_rua(const struct txt_answer *t, struct arena *a, struct strlist *rua,
    const char **why_r)
{
	struct err err = ERR_INIT;
	int rc;

	*why_r = "no TLSRPT record";
	if (t->away || (t->status != DNS_OK && t->status != DNS_NODATA &&
	    t->status != DNS_NXDOMAIN)) {
		*why_r = arena_printf(a, "DNS: %s", t->why);
		return -1;
	}
	rc = t->status == DNS_OK ? tlsrpt_txt(&t->rr, a, rua, &err) : 0;
	if (rc < 0)
		*why_r = arena_strdup(a, err.text);
	if (rc > 0)
		*why_r = "";
	return rc > 0;
}

static void
mark(const struct batch *b, const char *domain)
{
	if (b->night)
		db_run("UPDATE day_domain SET done = 1 WHERE day = ? AND"
		    " domain = ?", "is", b->day, domain);
}

static void
on_rua(void *ctx, const struct txt_answer *t)
{
	struct job *j = ctx;
	struct batch *b = j->b;
	struct strlist rua = { 0 };
	struct arena a = { 0 };
	struct report r;
	const char *why;
	int rc = find_rua(t, &a, &rua, &why), made;

	made = report_make(b->day, j->domain, wall_s(), &a, &r);
	if (made > 0 && !b->night)
		tell(b, &r, &rua, why);
	if (made > 0 && rc > 0 && b->send && post(&r, &rua) < 0)
		rc = -1;
	if (rc < 0)
		b->failed++;
	else
		mark(b, j->domain);
	str_free(&r.json);
	arena_free(&a);
	free(j);
	b->pending--;
	step(b);
}

static void
start(struct batch *b, const char *domain)
{
	struct job *j = xcalloc(1, sizeof(*j));
	char name[300];

	j->b = b;
	j->domain = domain;
	b->pending++;
	snprintf(name, sizeof(name), "_smtp._tls.%s", domain);
	txt_ask(name, on_rua, j);
}

/* --- all of them --- */

static void
end(struct batch *b)
{
	if (!b->night) {
		hub_ok(b->ticket, NULL);
	} else {
		night_runs = false;
		night_failed |= b->failed > 0;
		if (b->failed > 0)
			log_event(LOG_WARN, "reports-wait", KU("domains",
			    b->failed), KEND);
	}
	arena_free(&b->arena);
	free(b);
}

/* An answer may come before txt_ask returns: only the outermost call goes on
 * or ends. */
static void
step(struct batch *b)
{
	static const struct batch *inside;
	const struct batch *outer = inside;

	if (inside == b)
		return;
	inside = b;
	while (b->pending < AT_ONCE && b->next < b->names.n)
		start(b, b->names.v[b->next++]);
	inside = outer;
	if (b->pending == 0)
		end(b);
}

static struct batch *
make(int64_t day, bool night)
{
	struct batch *b = xcalloc(1, sizeof(*b));
	struct sqlite3_stmt *st = db_select("SELECT domain FROM day_domain"
	    " WHERE day = ? AND done <= ? ORDER BY domain", "ii", day,
	    (int64_t)(night ? 0 : 1));

	b->day = day;
	b->night = b->send = night;
	while (db_row(st))
		strlist_add(&b->names, &b->arena, db_text(st, 0, &b->arena));
	return b;
}

int
batch_verb(struct call *c, const struct sts_report_in *in, struct err *err)
{
	int64_t today = wall_s() / DAY;
	int64_t day = in->day > 0 ? in->day / DAY : today - 1;
	struct batch *b;

	if (day > today)
		return err_perm(err, "5.5.4", "that day is still to come");
	b = make(day, false);
	b->send = in->send;
	b->ticket = hub_hold(c);
	step(b);
	return CALL_LATER;
}

/* --- every night --- */

/* some time after the next midnight, not when all others do it */
static void
plan(int64_t now)
{
	int64_t delay = conf.report_delay / 1000;

	night_at = (now / DAY + 1) * DAY + (delay > 0 ?
	    (int64_t)random_below((uint32_t)delay) : 0);
}

void
batch_start(int64_t now)
{
	/* what a stop has missed */
	plan(now - DAY);
}

/* Day by day; then, where somebody could not be asked, all of them again. */
void
batch_tick(int64_t now)
{
	int64_t day;

	if (!conf.tls_reports || night_runs || now < night_at)
		return;
	day = db_number(-1, "SELECT min(day) FROM day_domain WHERE day > ?"
	    " AND day < ? AND done = 0", "ii", night_day, now / DAY);
	/* min() of nothing is NULL, which is 0 */
	if (day <= 0) {
		plan(now);
		if (night_failed)
			night_at = MIN(night_at, now + AGAIN_S);
		night_failed = false;
		night_day = 0;
		return;
	}
	night_day = day;
	night_runs = true;
	log_event(LOG_INFO, "reports", KI("day", day), KEND);
	step(make(day, true));
}
