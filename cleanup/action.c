/*
 * action.c - what a table of content checks wants done.
 *
 *   REJECT [x.y.z] text      WARN text     INFO text     DUNNO
 *   IGNORE   STRIP text      REPLACE text  PREPEND text  PASS text
 *   HOLD text   DISCARD text   REDIRECT address   BCC address
 *   FILTER transport:nexthop
 *
 * The text may hold what a stranger wrote (groups of an expression): in a
 * header it stays one field, in a body one line.
 */
#include "base/log.h"
#include "checks.h"
#include "mime/header.h"

enum { TOLD_MAX = 50, SHOWN_MAX = 200 };

enum action { A_REJECT, A_WARN, A_INFO, A_DUNNO, A_IGNORE, A_STRIP, A_REPLACE,
	A_PREPEND, A_PASS, A_HOLD, A_DISCARD, A_REDIRECT, A_BCC, A_FILTER };
static const struct {
	const char *name, *shown;
	enum action action;
	bool text;		/* must have one */
} known[] = {
	{ "reject", "reject", A_REJECT, false },
	{ "warn", "warn", A_WARN, false },
	{ "info", "info", A_INFO, false },
	{ "dunno", "dunno", A_DUNNO, false },
	{ "ok", "dunno", A_DUNNO, false },
	{ "permit", "dunno", A_DUNNO, false },
	{ "ignore", "ignore", A_IGNORE, false },
	{ "strip", "strip", A_STRIP, false },
	{ "replace", "replace", A_REPLACE, true },
	{ "prepend", "prepend", A_PREPEND, true },
	{ "pass", "pass", A_PASS, false },
	{ "hold", "hold", A_HOLD, false },
	{ "discard", "discard", A_DISCARD, false },
	{ "redirect", "redirect", A_REDIRECT, true },
	{ "bcc", "bcc", A_BCC, true },
	{ "filter", "filter", A_FILTER, true },
};
const char *const check_names[CHECKS] = { "header", "mime_header",
	"nested_header", "body" };

/* index in known, or -1: err */
static int
parse(const char *action, struct slice *text, struct err *err)
{
	struct slice rest = slice_of(action), word = SLICE_NULL;
	size_t i;

	slice_word(&rest, &word);
	*text = slice_trim(rest);
	for (i = 0; i < ARRAY_LEN(known); i++)
		if (slice_ieqz(word, known[i].name))
			break;
	if (i == ARRAY_LEN(known))
		return err_temp(err, "4.3.5", "not an action of a content "
		    "check: %.*s", (int)MIN(word.n, (size_t)40), word.p);
	if (known[i].text && text->n == 0)
		return err_temp(err, "4.3.5", "nothing behind %s",
		    known[i].name);
	return (int)i;
}

int
check_action_valid(const char *action, struct err *err)
{
	struct slice text;

	return MIN(parse(action, &text, err), 0);
}

static void
tell(struct checks *k, const struct check_hit *h, const char *action,
    struct slice text)
{
	struct str line = STR_INIT, reason = STR_INIT;

	if (++k->told > TOLD_MAX)
		return;
	str_addsl(&line, slice_sub(h->line, 0, SHOWN_MAX));
	str_addsl(&reason, slice_sub(text, 0, SHOWN_MAX));
	log_event(LOG_INFO, "check", KS("action", action),
	    KS("where", check_names[h->where]), KS("line", line.s),
	    KS("from", k->m->sender),
	    KS("reason", reason.len > 0 ? reason.s : NULL), KEND);
	str_free(&line);
	str_free(&reason);
}

/* 5.7.1 unless the text begins with a code of its own */
static int
reject(struct slice text, struct err *err)
{
	struct slice rest = text, word = SLICE_NULL;
	char dsn[12] = "5.7.1";
	size_t i;

	slice_word(&rest, &word);
	if (word.n >= 5 && word.n < sizeof(dsn) &&
	    (word.p[0] == '4' || word.p[0] == '5') && word.p[1] == '.') {
		for (i = 2; i < word.n && (ascii_isdigit(word.p[i]) ||
		    word.p[i] == '.'); i++)
			;
		if (i == word.n) {
			slice_copy(dsn, sizeof(dsn), word);
			text = slice_trim(rest);
		}
	}
	if (text.n == 0)
		text = SLICE_LIT("message content rejected");
	return (dsn[0] == '4' ? err_temp : err_perm)(err, dsn, "%.*s",
	    (int)MIN(text.n, (size_t)400), text.p);
}

/* Line ends of the text that are no folds become blanks. */
static char *
one_line(struct checks *k, const struct check_hit *h, struct slice text)
{
	char *z = arena_printf(&k->m->arena, "%.*s\n", (int)text.n, text.p);
	size_t i, n = strlen(z) - 1;

	for (i = 0; i < n; i++)
		if (z[i] == '\r' || (z[i] == '\n' && (h->where == CHECK_BODY ||
		    !ascii_isblank((unsigned char)z[i + 1]))))
			z[i] = ' ';
	return z;
}

static bool
is_field(const char *z)
{
	struct mime_scan scan;
	struct mime_field f;

	mime_scan_init(&scan, slice_of(z));
	return mime_scan_next(&scan, &f) && f.raw.n == strlen(z);
}

/* text "": delete it */
static int
change(struct checks *k, const struct check_hit *h, enum action a,
    struct slice text, struct err *err)
{
	const char *z = "";
	uint64_t len = a == A_PREPEND ? 0 : h->all;

	if (a == A_REPLACE || a == A_PREPEND) {
		z = one_line(k, h, text);
		if (h->where != CHECK_BODY && !is_field(z))
			return err_temp(err, "4.3.5", "not a header field: "
			    "%.200s", z);
	}
	k->added += strlen(z);
	if (k->added > CHECK_TEXT_MAX || k->splices.n >= CHECK_CHANGES_MAX)
		return err_temp(err, "4.3.5", "content checks change too "
		    "much");
	/* the last line of a part: its end is the boundary's */
	if (a == A_REPLACE && h->where == CHECK_BODY && h->all == h->line.n)
		splice_add(&k->splices, h->at, len,
		    (struct slice){ z, strlen(z) - 1 });
	else
		splice_add(&k->splices, h->at, len, slice_of(z));
	return 0;
}

static int
envelope(struct checks *k, const struct check_hit *h, int op,
    struct slice text, struct err *err)
{
	struct edit e = { .op = op,
		.value = arena_slice(&k->m->arena, text),
		.by = check_names[h->where] };

	return envelope_edit(k->m, &e, err);
}

int
check_act(struct checks *k, const struct check_hit *h, struct err *err)
{
	struct slice text;
	int i = parse(h->action, &text, err);

	if (i < 0)
		return -1;
	if (known[i].action != A_DUNNO && known[i].action != A_IGNORE)
		tell(k, h, known[i].shown, text);
	switch (known[i].action) {
	case A_REJECT:
		return reject(text, err);
	case A_WARN:
	case A_INFO:
	case A_DUNNO:
		return 0;
	case A_PASS:
		return 1;
	case A_IGNORE:
	case A_STRIP:
	case A_REPLACE:
	case A_PREPEND:
		return change(k, h, known[i].action, text, err);
	case A_HOLD:
		return envelope(k, h, EDIT_HOLD, text.n > 0 ? text :
		    SLICE_LIT("content check"), err);
	case A_DISCARD:
		return envelope(k, h, EDIT_DISCARD, text, err) < 0 ? -1 : 1;
	case A_REDIRECT:
		return envelope(k, h, EDIT_REDIRECT, text, err);
	case A_BCC:
		return envelope(k, h, EDIT_BCC, text, err);
	case A_FILTER:
		return envelope(k, h, EDIT_TRANSPORT, text, err);
	}
	return 0;
}
