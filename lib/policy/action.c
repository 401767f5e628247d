/*
 * action.c - what a rule does.  A word of the language is a row; access.c has
 * the words of others for the same actions.
 */
#include "base/field.h"
#include "policy/internal.h"
#include "smtp/address.h"

enum { DELAY_MAX = 60000, SCORE_MAX = 1000000, ACTIONS_MAX = 40 };

struct action_def {
	const char *name;
	int op;			/* enum action_op */
	int edit;		/* enum edit_op */
	int (*parse)(struct words *w, struct action *a, struct err *err);
};

static int
need_text(struct words *w, struct action *a, const char *what,
    struct err *err)
{
	a->text = words_arg(w);
	if (a->text == NULL)
		return words_expected(w, what, err);
	return text_check(a->text, err);
}

static int
parse_nothing(struct words *w UNUSED, struct action *a UNUSED,
    struct err *err UNUSED)
{
	return 0;
}

static int
parse_reason(struct words *w, struct action *a, struct err *err)
{
	const char *z = words_text(w);

	a->text = z != NULL ? z : "";
	return text_check(a->text, err);
}

/* RFC 3463: class.subject.detail */
static bool
is_dsn(const char *z)
{
	struct slice rest = slice_of(z), part;
	uint64_t u;
	int n = 0;

	while (slice_cut(&rest, '.', &part)) {
		if (part.n > 3 || !slice_u64(part, 999, &u) ||
		    (n == 0 && u != 4 && u != 5))
			return false;
		n++;
	}
	return n == 3;
}

static bool
see_code(const struct words *w, uint64_t *code)
{
	return w->at < w->n && w->v[w->at].kind == WORD_PLAIN &&
	    slice_u64(slice_of(w->v[w->at].z), 999, code) && *code >= 400 &&
	    *code <= 599;
}

/* [code] [status] ["text"] */
static int
parse_reply(struct words *w, struct action *a, struct err *err)
{
	char class = a->op == ACT_REJECT ? '5' : '4';
	uint64_t code;

	if (see_code(w, &code)) {
		/* a refusal for good with 421 ends the session */
		if (code / 100 != (uint64_t)(class - '0'))
			return words_expected(w, class == '5' ?
			    "a code 5yz" : "a code 4yz", err);
		a->code = (int)code;
		w->at++;
	}
	if (w->at < w->n && w->v[w->at].kind == WORD_PLAIN &&
	    is_dsn(w->v[w->at].z)) {
		a->dsn = w->v[w->at].z;
		if (a->dsn[0] != class || strlen(a->dsn) > 11)
			return words_expected(w, class == '5' ?
			    "a status 5.y.z" : "a status 4.y.z", err);
		w->at++;
	}
	return parse_reason(w, a, err);
}

static int
parse_address(struct words *w, struct action *a, struct err *err)
{
	struct smtp_address addr;

	if (need_text(w, a, "an address", err) < 0)
		return -1;
	if (strchr(a->text, '$') != NULL)
		return 0;
	return smtp_address_parse(slice_of(a->text), 0, &w->p->a, &addr,
	    err) < 0 ? -1 : 0;
}

static int
parse_header(struct words *w, struct action *a, struct err *err)
{
	size_t colon;

	if (need_text(w, a, "\"Name: value\"", err) < 0)
		return -1;
	colon = slice_find(slice_of(a->text), ':');
	if (colon == 0 || a->text[colon] == '\0' ||
	    strcspn(a->text, " $") < colon)
		return err_perm(err, "5.3.5", "expected \"Name: value\", not "
		    "\"%.60s\"", a->text);
	return 0;
}

static int
parse_priority(struct words *w, struct action *a, struct err *err)
{
	return words_int(w, -9, 9, &a->n, err);
}

static int
parse_delay(struct words *w, struct action *a, struct err *err)
{
	if (words_time(w, &a->n, err) < 0)
		return -1;
	return a->n <= DELAY_MAX ? 0 : err_perm(err, "5.3.5",
	    "no answer is delayed for more than %ds", DELAY_MAX / 1000);
}

static int
parse_release(struct words *w, struct action *a, struct err *err)
{
	return words_time(w, &a->n, err);
}

static int
parse_score(struct words *w, struct action *a, struct err *err)
{
	return words_int(w, -SCORE_MAX, SCORE_MAX, &a->n, err);
}

static int
parse_tag(struct words *w, struct action *a, struct err *err)
{
	a->text = words_arg(w);
	return a->text != NULL ? 0 : words_expected(w, "a name", err);
}

static int
parse_filter(struct words *w, struct action *a, struct err *err)
{
	const char *z;

	while ((z = words_arg(w)) != NULL) {
		strlist_add(&a->names, &w->p->a, z);
		strlist_add(&w->p->filters, &w->p->a, z);
		strlist_add(&w->p->filters, &w->p->a, w->where);
	}
	return a->names.n > 0 ? 0 :
	    words_expected(w, "names of filters", err);
}

static int
parse_transport(struct words *w, struct action *a, struct err *err)
{
	if (need_text(w, a, "transport:nexthop", err) < 0)
		return -1;
	return strchr(a->text, ':') != NULL ? 0 : err_perm(err, "5.3.5",
	    "expected transport:nexthop, not %.60s", a->text);
}

static int
parse_table(struct words *w, struct action *a, struct err *err)
{
	const char *z;

	if (matcher_table(w, &a->table, err) < 0)
		return -1;
	z = words_arg(w);
	if (z == NULL || fact_find(z) == FACT_NONE)
		return words_expected(w, "what is looked up: client, "
		    "client_name, helo, sender, recipient, ...", err);
	if (facts[fact_find(z)].from > w->p->from)
		return err_perm(err, "5.3.5", "%s is not known before %s", z,
		    policy_stage_name(facts[fact_find(z)].from));
	w->p->needs |= facts[fact_find(z)].needs;
	a->n = fact_find(z);
	return 0;
}

static int
parse_ask(struct words *w, struct action *a, struct err *err)
{
	return server_parse(w, &a->server, err);
}

static const struct action_def defs[] = {
	{ "permit", ACT_PERMIT, 0, parse_nothing },
	{ "reject", ACT_REJECT, 0, parse_reply },
	{ "defer", ACT_DEFER, 0, parse_reply },
	{ "discard", ACT_DISCARD, EDIT_DISCARD, parse_reason },
	{ "warn", ACT_WARN, 0, parse_reason },
	{ "delay", ACT_DELAY, 0, parse_delay },
	{ "hold", ACT_EDIT, EDIT_HOLD, parse_reason },
	{ "redirect", ACT_EDIT, EDIT_REDIRECT, parse_address },
	{ "bcc", ACT_EDIT, EDIT_BCC, parse_address },
	{ "prepend", ACT_EDIT, EDIT_INSERT_HEADER, parse_header },
	{ "priority", ACT_EDIT, EDIT_PRIORITY, parse_priority },
	{ "release", ACT_EDIT, EDIT_RELEASE, parse_release },
	{ "transport", ACT_EDIT, EDIT_TRANSPORT, parse_transport },
	{ "score", ACT_SCORE, 0, parse_score },
	{ "tag", ACT_TAG, 0, parse_tag },
	{ "filter", ACT_FILTER, 0, parse_filter },
	{ "no-filter", ACT_NO_FILTER, 0, parse_nothing },
	{ "table", ACT_TABLE, 0, parse_table },
	{ "ask", ACT_ASK, 0, parse_ask },
};

int
action_parse(struct words *w, struct action **a_r, struct err *err)
{
	const char *names[ACTIONS_MAX], *near, *z = words_arg(w);
	struct action *a = arena_alloc(&w->p->a, sizeof(*a));
	size_t i;

	if (z == NULL)
		return words_expected(w, "an action", err);
	a->text = a->dsn = "";
	for (i = 0; i < ARRAY_LEN(defs); i++) {
		names[i] = defs[i].name;
		if (strcmp(z, defs[i].name) != 0)
			continue;
		a->name = z;
		a->op = defs[i].op;
		a->edit = defs[i].edit;
		*a_r = a;
		if (defs[i].parse(w, a, err) == 0)
			return 0;
		err_prefix(err, "%s", z);
		return -1;
	}
	names[i] = NULL;
	near = nearest_name(names, slice_of(z));
	return err_perm(err, "5.3.5", "no such action: %.60s%s%s", z,
	    near != NULL ? "; did you mean " : "", near != NULL ? near : "");
}
