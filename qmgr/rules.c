/*
 * rules.c - what others answer, and what we make of it: the file of
 * reply_rules, a regular expression and actions a line.  Each expression has a
 * limit on its work, so no answer can hold us up; one that reaches it does not
 * match.  What a rule does to a destination is a curb: listed, durable, and
 * undone like one of the admin.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "qmgr.h"

#include <pcre2.h>

enum { RULES_MAX = 500, FILE_MAX = 256 << 10, SUBJECT_MAX = 1000,
	TEXT_MAX = 1000, COUNTERS = 1 << 10, MATCH_LIMIT = 20000,
	DEPTH_LIMIT = 500, HEAP_LIMIT_K = 1024 };

struct rule {
	pcre2_code *re;
	int line;
	bool permanent, temporary, pause, site;
	int64_t concurrency, messages, seconds;
	int64_t lasts;			/* seconds */
	int64_t times, within;		/* after so many in that time */
};
static struct rule *rules;
static size_t nrules;
static pcre2_match_data *match_data;
static pcre2_match_context *limits;

/* How often a rule met a destination, by its names: it may have left memory in
 * between.  One that others push out begins anew. */
static struct counter {
	uint64_t key;
	int64_t n, since;
} counters[COUNTERS];

/* --- reading --- */

static bool
read_seconds(struct slice v, int64_t *to)
{
	int64_t ms;

	if (!parse_duration(v, &ms) || ms < 1000)
		return false;
	*to = ms / 1000;
	return true;
}

static bool
read_word(struct rule *r, struct slice word)
{
	struct slice value = word, name;
	uint64_t n;

	slice_cut(&value, '=', &name);
	if (slice_eqz(word, "permanent"))
		return r->permanent = true;
	if (slice_eqz(word, "temporary"))
		return r->temporary = true;
	if (slice_eqz(word, "site"))
		return r->site = true;
	if (slice_eqz(name, "pause"))
		return r->pause = read_seconds(value, &r->lasts);
	if (slice_eqz(name, "for"))
		return read_seconds(value, &r->lasts);
	if (slice_eqz(name, "rate"))
		return rate_read(value, &r->messages, &r->seconds);
	if (slice_eqz(name, "after"))
		return rate_read(value, &r->times, &r->within);
	if (!slice_eqz(name, "concurrency") || !slice_u64(value, 10000, &n))
		return false;
	r->concurrency = (int64_t)n;
	return n > 0;
}

static bool
curbs_something(const struct rule *r)
{
	return r->pause || r->concurrency > 0 || r->messages > 0;
}

static int
read_actions(struct rule *r, struct slice text, struct err *err)
{
	struct slice word;

	while (slice_word(&text, &word))
		if (!read_word(r, word))
			return err_perm(err, "5.3.5", "%.*s: expected "
			    "permanent, temporary, pause=T, concurrency=N, "
			    "rate=N/T, for=T, after=N/T or site",
			    (int)MIN(word.n, 60), word.p);
	if (r->permanent && r->temporary)
		return err_perm(err, "5.3.5", "permanent or temporary?");
	if (!r->permanent && !r->temporary && !curbs_something(r))
		return err_perm(err, "5.3.5", "no action");
	if (curbs_something(r) && r->lasts == 0)
		return err_perm(err, "5.3.5", "for how long?  Say for=T");
	return 0;
}

static int
compile(struct rule *r, struct slice re, uint32_t flags, struct err *err)
{
	PCRE2_UCHAR text[120];
	PCRE2_SIZE at;
	int code;

	r->re = pcre2_compile((PCRE2_SPTR)re.p, re.n, flags |
	    PCRE2_NEVER_BACKSLASH_C, &code, &at, NULL);
	if (r->re != NULL)
		return 0;
	pcre2_get_error_message(code, text, sizeof(text));
	return err_perm(err, "5.3.5", "%s at %zu", (char *)text, at);
}

/* /REGEX/ or /REGEX/i, then actions */
static int
read_line(struct rule *r, struct slice line, struct err *err)
{
	struct slice re = slice_sub(line, 1, SIZE_MAX), rest, flags;
	size_t end;

	if (line.p[0] != '/')
		return err_perm(err, "5.3.5", "expected /REGEX/ ACTION...");
	for (end = 0; end < re.n && re.p[end] != '/'; end++)
		end += re.p[end] == '\\' && end + 1 < re.n;
	if (end >= re.n)
		return err_perm(err, "5.3.5", "no / at the end of the "
		    "expression");
	rest = slice_sub(re, end + 1, SIZE_MAX);
	re.n = end;
	slice_cut(&rest, ' ', &flags);
	if (flags.n > 0 && !slice_eqz(flags, "i"))
		return err_perm(err, "5.3.5", "/%.*s: expected /i or a blank",
		    (int)MIN(flags.n, 20), flags.p);
	if (compile(r, re, flags.n > 0 ? PCRE2_CASELESS : 0, err) != 0)
		return -1;
	return read_actions(r, rest, err);
}

static int
read_rules(struct slice text, const char *path, struct err *err)
{
	struct slice line;
	int n;

	rules = xcalloc(RULES_MAX, sizeof(*rules));
	for (n = 1; slice_cut(&text, '\n', &line); n++) {
		line = slice_trim(line);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		if (nrules == RULES_MAX)
			return err_perm(err, "5.3.5", "%s: more than %d rules",
			    path, RULES_MAX);
		rules[nrules].line = n;
		if (read_line(&rules[nrules], line, err) != 0)
			return err_prefix(err, "%s:%d", path, n);
		nrules++;
	}
	return 0;
}

int
rules_before_jail(struct err *err)
{
	const char *name = qmgr.conf.reply_rules;
	char *path, *text;
	size_t n;
	int rc;

	if (*name == '\0')
		return 0;
	path = *name == '/' ? xstrdup(name) :
	    xasprintf("%s/%s", common.conf_dir, name);
	text = read_file(path, FILE_MAX, &n);
	rc = text == NULL ? err_sys(err, "%s", path) :
	    read_rules((struct slice){ text, n }, path, err);
	match_data = pcre2_match_data_create(1, NULL);
	limits = pcre2_match_context_create(NULL);
	if (match_data == NULL || limits == NULL)
		die("pcre2");
	pcre2_set_match_limit(limits, MATCH_LIMIT);
	pcre2_set_depth_limit(limits, DEPTH_LIMIT);
	pcre2_set_heap_limit(limits, HEAP_LIMIT_K);
	free(text);
	free(path);
	return rc;
}

/* --- using --- */

static bool
matches(const struct rule *r, const struct str *subject)
{
	return pcre2_match(r->re, (PCRE2_SPTR)subject->s, subject->len, 0, 0,
	    match_data, limits) >= 0;
}

static uint64_t
counter_key(const struct rule *r, const struct dest *d)
{
	uint64_t h = 0xcbf29ce484222325 ^ (uint64_t)r->line;
	const char *p;

	for (p = d->transport->name; *p; p++)
		h = (h ^ (unsigned char)*p) * 0x100000001b3;
	h = (h ^ ':') * 0x100000001b3;
	for (p = d->nexthop; *p; p++)
		h = (h ^ (unsigned char)*p) * 0x100000001b3;
	return h * 0x9e3779b97f4a7c15;
}

/* often enough? */
static bool
counted(const struct rule *r, const struct dest *d)
{
	uint64_t key = counter_key(r, d);
	struct counter *c = &counters[key >> 54];
	int64_t now = wall_s();

	if (r->times == 0)
		return true;
	if (c->key != key || now - c->since > r->within)
		*c = (struct counter){ key, 0, now };
	if (++c->n < r->times)
		return false;
	c->n = 0;
	return true;
}

/* a limit of the admin stays, and one that was just made */
static bool
needed(const struct queue_curb *c, const struct queue_curb *old, int64_t now)
{
	return old == NULL || (old->until != 0 &&
	    old->until < now + (c->until - now) / 2);
}

static void
set_curb(const struct rule *r, const struct dest *d, const char *text)
{
	bool site = r->site && d->site != NULL;
	int64_t now = wall_s();
	struct queue_curb c = { .paused = r->pause,
		.concurrency = r->concurrency, .messages = r->messages,
		.seconds = r->seconds, .since = now,
		.until = now + r->lasts };
	struct err err;
	char *name = site ? xasprintf("site:%s", d->site->name) :
	    xasprintf("%s:%s", d->transport->name, d->nexthop);
	char *why = xasprintf("rule %d: %.300s", r->line, text);

	c.name = name;
	c.reason = why;
	if (needed(&c, site ? curb_find_site(d->site->name) :
	    curb_find(d->transport->name, d->nexthop), now) &&
	    curb_set(&c, NULL, &err) != 0)
		log_event(LOG_WARN, "rule-failed", KS("dest", name),
		    KERR(&err), KEND);
	free(name);
	free(why);
}

static void
turn_status(const struct rule *r, struct agent_result *a)
{
	static char dsn[16], text[TEXT_MAX];

	if (!r->permanent && !r->temporary)
		return;
	/* trouble here stays to be known as that: it is not for the sender */
	if (r->permanent && *a->peer == '\0' &&
	    strncmp(a->dsn, "4.3.", 4) == 0) {
		snprintf(text, sizeof(text), "given up by a rule; last: "
		    "%s %s", a->dsn, a->text);
		a->text = text;
	}
	a->status = r->permanent ? AGENT_FAILED : AGENT_DEFERRED;
	snprintf(dsn, sizeof(dsn), "%c%s", r->permanent ? '5' : '4',
	    strlen(a->dsn) > 1 ? a->dsn + 1 : ".0.0");
	a->dsn = dsn;
}

void
rules_apply(const struct dest *d, const char *q, struct agent_result *a)
{
	struct str subject = STR_INIT;
	const struct rule *r;

	if (nrules == 0)
		return;
	str_addf(&subject, "%s %.*s", a->dsn, SUBJECT_MAX, a->text);
	for (r = rules; r < rules + nrules; r++)
		if (matches(r, &subject))
			break;
	if (r < rules + nrules && counted(r, d)) {
		log_event(LOG_INFO, "rule", KS("q", q), KI("rule", r->line),
		    KS("transport", d->transport->name),
		    KS("dest", d->nexthop), KS("dsn", a->dsn),
		    KS("reason", a->text), KEND);
		turn_status(r, a);
		if (curbs_something(r))
			set_curb(r, d, subject.s);
	}
	str_free(&subject);
}
