/*
 * action.c - what a rule does.  A word of the language is a row; access.c has
 * the words of others for the same actions.
 */
#include "base/clock.h"
#include "base/field.h"
#include "base/log.h"
#include "internal.h"
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

	while ((z = words_arg(w)) != NULL)
		strlist_add(&a->names, &w->p->a, z);
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

/* --- doing it ----------------------------------------------------------- */

static const char *
reply_text(struct eval *e, const struct action *a)
{
	if (a->text[0] != '\0')
		return text_expand(e, a->text);
	return a->op == ACT_DEFER ? "try again later" :
	    "refused by local policy";
}

static void
decide(struct eval *e, const struct action *a, int action)
{
	struct policy_verdict *v = e->v;

	v->action = action;
	v->rule = e->rule->where;
	if (action != POLICY_REJECT && action != POLICY_DEFER)
		return;
	v->code = a->code != 0 ? a->code : action == POLICY_REJECT ?
	    (e->p->stage == POLICY_CONNECT ? 554 : 550) : 450;
	v->dsn = arena_strdup(e->marks->a, a->dsn[0] != '\0' ? a->dsn :
	    action == POLICY_REJECT ? "5.7.1" : "4.7.1");
	v->text = reply_text(e, a);
	v->close = v->code == 421 || v->code == 521;
}

/* the same twice, for two recipients, is done once */
static bool
is_marked(const struct edits *l, const struct edit *x)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (l->v[i].op == x->op && l->v[i].n == x->n &&
		    strcmp(l->v[i].name, x->name) == 0 &&
		    strcmp(l->v[i].value, x->value) == 0)
			return true;
	return false;
}

static int
add_edit(struct eval *e, const struct action *a, struct err *err)
{
	struct edit x = { .op = a->edit, .n = a->n, .name = "" };
	const char *text = text_expand(e, a->text);
	size_t colon;

	x.by = arena_printf(e->a, "rule %s", e->rule->where);
	x.value = text;
	if (a->edit == EDIT_RELEASE)
		x.n = wall_s() + a->n / 1000;
	if (a->edit == EDIT_INSERT_HEADER) {
		colon = slice_find(slice_of(text), ':');
		x.n = 1;
		x.name = arena_slice(e->a, slice_sub(slice_of(text), 0,
		    colon));
		x.value = arena_slice(e->a, slice_trim(slice_sub(slice_of(
		    text), colon + 1, strlen(text))));
	}
	if (is_marked(&e->marks->edits, &x) || is_marked(&e->own.edits, &x))
		return 0;
	return edits_add(&e->own.edits, &x, -1, e->marks->a, err);
}

static void
add_filters(struct eval *e, const struct strlist *names)
{
	size_t i;

	for (i = 0; i < names->n; i++)
		if (!strlist_has(&e->own.filters, names->v[i]))
			strlist_add(&e->own.filters, e->marks->a,
			    arena_strdup(e->marks->a, names->v[i]));
}

static void
warn(struct eval *e, const struct action *a)
{
	const struct policy_facts *f = e->f;

	if (f->dry)
		return;
	log_event(LOG_WARN, "rule", KS("stage",
	    policy_stage_name(e->p->stage)), KS("rule", e->rule->where),
	    KS("action", "warn"), KS("client", f->client),
	    KS("from", f->has_sender ? f->sender : NULL),
	    KS("to", f->rcpt[0] != '\0' ? f->rcpt : NULL),
	    KS("text", text_expand(e, a->text)), KEND);
}

/* the answer of a policy server, done as an action of this rule */
static int
ask(struct eval *e, const struct action *a, struct err *err)
{
	struct action said = { 0 };
	const char *text;

	if (server_ask(a->server, e, &text, err) < 0)
		return -1;
	eval_trace(e, "    answers %s", text);
	return access_parse(text, e->a, &said, err) < 0 ? -1 :
	    action_do(e, &said, err);
}

static int
hold_back(struct eval *e, const struct action *a, bool *flag)
{
	if (!*flag)
		e->defer_text = a->text[0] != '\0' ? text_expand(e, a->text) :
		    "try again later";
	*flag = true;
	return 0;
}

int
action_do(struct eval *e, const struct action *a, struct err *err)
{
	switch ((enum action_op)a->op) {
	case ACT_DUNNO:
		return 0;
	case ACT_PERMIT:
		decide(e, a, POLICY_PERMIT);
		return 1;
	case ACT_REJECT:
		decide(e, a, POLICY_REJECT);
		return 1;
	case ACT_DEFER:
		decide(e, a, POLICY_DEFER);
		return 1;
	case ACT_DISCARD:
		if (add_edit(e, a, err) < 0)
			return -1;
		decide(e, a, POLICY_DISCARD);
		return 1;
	case ACT_DEFER_IF_PERMIT:
		return hold_back(e, a, &e->permit_defers);
	case ACT_DEFER_IF_REJECT:
		return hold_back(e, a, &e->reject_defers);
	case ACT_WARN:
		warn(e, a);
		return 0;
	case ACT_DELAY:
		e->v->delay = MAX(e->v->delay, a->n);
		return 0;
	case ACT_EDIT:
		return add_edit(e, a, err);
	case ACT_SCORE:
		e->own.score += a->n;
		return 0;
	case ACT_TAG:
		if (!eval_has_tag(e, a->text))
			strlist_add(&e->own.tags, e->marks->a,
			    arena_strdup(e->marks->a, a->text));
		return 0;
	case ACT_FILTER:
		add_filters(e, &a->names);
		return 0;
	case ACT_NO_FILTER:
		e->own.no_filters = true;
		return 0;
	case ACT_TABLE:
		return access_table(e, a, err);
	case ACT_ASK:
		return ask(e, a, err);
	}
	return 0;
}
