/*
 * do.c - actions, done: a verdict, or what the message gets by them.
 */
#include "base/clock.h"
#include "base/log.h"
#include "policy/internal.h"

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
	if (!*flag) {
		e->defer_text = a->text[0] != '\0' ? text_expand(e, a->text) :
		    "try again later";
		e->defer_rule = e->rule->where;
	}
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
