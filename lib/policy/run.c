/*
 * run.c - a stage: rule by rule until one decides.  What the rules leave
 * behind is collected and becomes the message's only in the end, as a
 * recipient that is refused leaves nothing.
 */
#include "base/log.h"
#include "policy/internal.h"

void
eval_set(struct eval *e, const char *name, const char *z)
{
	size_t i;

	z = arena_strdup(e->a, z);
	for (i = 0; i + 1 < e->set.n; i += 2)
		if (strcmp(e->set.v[i], name) == 0) {
			e->set.v[i + 1] = z;
			return;
		}
	strlist_add(&e->set, e->a, name);
	strlist_add(&e->set, e->a, z);
}

const char *
eval_get(const struct eval *e, const char *name)
{
	size_t i;

	for (i = 0; i + 1 < e->set.n; i += 2)
		if (strcmp(e->set.v[i], name) == 0)
			return e->set.v[i + 1];
	return NULL;
}

int64_t
eval_score(const struct eval *e)
{
	int64_t n = e->marks->score + e->own.score;

	if (e->session != NULL && e->session != e->marks)
		n += e->session->score;
	return e->p->stage > POLICY_RCPT ? n + e->marks->rcpt_score : n;
}

bool
eval_has_tag(const struct eval *e, const char *tag)
{
	return strlist_has(&e->own.tags, tag) ||
	    strlist_has(&e->marks->tags, tag) ||
	    (e->session != NULL && strlist_has(&e->session->tags, tag)) ||
	    (e->p->stage > POLICY_RCPT &&
	    strlist_has(&e->marks->rcpt_tags, tag));
}

static void
print_list(struct str *out, const struct strlist *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		str_addf(out, "%s%s", out->len > 0 ? "," : "", l->v[i]);
}

const char *
eval_tags(const struct eval *e)
{
	struct str z = STR_INIT;
	const char *r;

	if (e->session != NULL && e->session != e->marks)
		print_list(&z, &e->session->tags);
	print_list(&z, &e->marks->tags);
	if (e->p->stage > POLICY_RCPT)
		print_list(&z, &e->marks->rcpt_tags);
	print_list(&z, &e->own.tags);
	r = arena_slice(e->a, slice_str(&z));
	str_free(&z);
	return r;
}

void
eval_trace(struct eval *e, const char *fmt, ...)
{
	struct str z = STR_INIT;
	va_list ap;

	if (e->trace == NULL)
		return;
	va_start(ap, fmt);
	str_vaddf(&z, fmt, ap);
	va_end(ap);
	e->trace(e->ctx, e->rule->where, z.s);
	str_free(&z);
}

/* --- conditions --------------------------------------------------------- */

static int
run_test(struct eval *e, const struct cond *c, struct err *err)
{
	struct err why = ERR_INIT;
	int r = c->test->eval(c->test, c->self, e, &why);

	if (r >= 0) {
		eval_trace(e, "  %s: %s", c->text, r > 0 ? "yes" : "no");
		return r;
	}
	eval_trace(e, "  %s: %s%s", c->text, why.text, c->otherwise < 0 ? "" :
	    c->otherwise > 0 ? " (else true)" : " (else false)");
	*err = why;
	return c->otherwise;
}

/* What can not be known does not matter where the other side decides. */
static int
run_cond(struct eval *e, const struct cond *c, struct err *err)
{
	int a, b, decides;

	if (c->op == COND_TEST)
		return run_test(e, c, err);
	a = run_cond(e, c->a, err);
	if (c->op == COND_NOT)
		return a < 0 ? a : !a;
	decides = c->op == COND_OR;
	if (a == decides)
		return a;
	b = run_cond(e, c->b, err);
	return b == decides || a >= 0 ? b : a;
}

/* --- rules -------------------------------------------------------------- */

static void
log_trouble(const struct eval *e, const struct err *why)
{
	if (!e->f->dry)
		log_event(LOG_WARN, "rule-trouble", KS("stage",
		    policy_stage_name(e->p->stage)),
		    KS("rule", e->rule->where), KERR(why), KEND);
}

static void
defer(struct eval *e)
{
	struct policy_verdict *v = e->v;

	v->action = POLICY_DEFER;
	v->code = 451;
	v->dsn = "4.3.5";
	v->text = "temporary trouble here; try again later";
	v->rule = e->rule->where;
}

/* Trouble of our own: nobody is refused for good because of it.  Where all
 * that a rule does is to say something, it is left out. */
static bool
trouble(struct eval *e, const struct err *why)
{
	const struct action *a;

	log_trouble(e, why);
	for (a = e->rule->actions; a != NULL; a = a->next)
		if (a->op != ACT_WARN && a->op != ACT_DELAY)
			break;
	if (a == NULL)
		return false;
	defer(e);
	return true;
}

static bool
run_rule(struct eval *e, const struct rule *rule)
{
	struct err err = ERR_INIT;
	const struct action *a;
	int r;

	e->rule = rule;
	eval_trace(e, "%s", rule->text);
	r = rule->cond != NULL ? run_cond(e, rule->cond, &err) : 1;
	for (a = rule->actions; r > 0 && a != NULL; a = a->next) {
		r = action_do(e, a, &err);
		if (r != 0)
			break;
		r = 1;
		if (a->next == NULL)
			return false;
	}
	return r < 0 ? trouble(e, &err) : r > 0;
}

/* DEFER_IF_PERMIT and DEFER_IF_REJECT of tables and policy servers */
static void
second_thoughts(struct eval *e)
{
	struct policy_verdict *v = e->v;
	bool permits = v->action == POLICY_NONE || v->action == POLICY_PERMIT;

	if (!(e->permit_defers && permits) &&
	    !(e->reject_defers && v->action == POLICY_REJECT))
		return;
	v->action = POLICY_DEFER;
	v->code = 450;
	v->dsn = "4.7.1";
	v->text = e->defer_text;
	v->rule = e->defer_rule;
	v->close = false;
}

static void
merge_list(struct strlist *to, const struct strlist *from, struct arena *a)
{
	size_t i;

	for (i = 0; i < from->n; i++)
		if (!strlist_has(to, from->v[i]))
			strlist_add(to, a, from->v[i]);
}

bool
policy_spares(const struct policy_marks *m)
{
	return m->no_filters || (m->rcpt_scored && m->rcpt_no_filters);
}

/* of recipients: the highest score, and no filter where all want none */
static void
merge_rcpt(struct policy_marks *m, const struct policy_marks *own)
{
	bool first = !m->rcpt_scored;

	if (first || own->score > m->rcpt_score)
		m->rcpt_score = own->score;
	m->rcpt_no_filters = own->no_filters && (first ||
	    m->rcpt_no_filters);
	m->rcpt_scored = true;
}

/* What a rule wants and does not fit would be missed: not taken now. */
static void
merge(struct eval *e, struct policy_marks *m)
{
	const struct policy_marks *own = &e->own;
	bool rcpt = e->p->stage == POLICY_RCPT;
	struct err err = ERR_INIT;
	size_t i;

	for (i = 0; i < own->edits.n; i++)
		if (edits_add(&m->edits, &own->edits.v[i], -1, m->a,
		    &err) < 0) {
			log_trouble(e, &err);
			defer(e);
			break;
		}
	merge_list(rcpt ? &m->rcpt_tags : &m->tags, &own->tags, m->a);
	merge_list(&m->filters, &own->filters, m->a);
	if (rcpt) {
		merge_rcpt(m, own);
	} else {
		m->score += own->score;
		m->no_filters |= own->no_filters;
	}
}

/* does what a recipient leaves count?  not where somebody refuses it */
static bool
takes(const struct policy_facts *f, const struct policy_verdict *v)
{
	return f->refused[0] == '\0' && v->action != POLICY_REJECT &&
	    v->action != POLICY_DEFER;
}

void
policy_run(const struct policy *p, const struct policy_facts *f,
    const struct policy_marks *session, struct policy_marks *m,
    struct policy_verdict *v, policy_trace_fn *trace, void *ctx)
{
	struct arena scratch = { 0 };
	struct eval e = { .p = p, .f = f, .session = session, .marks = m,
		.a = &scratch, .trace = trace, .ctx = ctx, .v = v };
	const struct rule *r;

	*v = (struct policy_verdict){ .dsn = "", .text = "", .rule = "" };
	if (p == NULL)
		return;
	for (r = p->rules; r != NULL; r = r->next)
		if (run_rule(&e, r))
			break;
	second_thoughts(&e);
	if (p->stage != POLICY_RCPT || takes(f, v))
		merge(&e, m);
	arena_free(&scratch);
}
