/*
 * parse.c - words to rules, and what a policy holds.
 */
#include "base/field.h"
#include "policy/internal.h"
#include "serve/jail.h"

enum { RULES_MAX = 1000, DEPTH_MAX = 50, TESTS_MAX = 100 };

static const char *const stages[] = { "connect", "helo", "mail", "rcpt",
	"data", "end" };

const char *
policy_stage_name(enum policy_stage s)
{
	return stages[s];
}

void
policy_closes(struct policy *p, void (*fn)(void *), void *self)
{
	struct closer *c = arena_alloc(&p->a, sizeof(*c));

	*c = (struct closer){ fn, self, p->closers };
	p->closers = c;
}

/* --- conditions --------------------------------------------------------- */

static int parse_or(struct words *w, struct cond **c_r, int depth,
    struct err *err);

static int
unknown_test(const char *z, struct err *err)
{
	const char *names[TESTS_MAX], *near;
	size_t n = 0;
	const struct test *t;

	for (t = tests; t->name != NULL && n < TESTS_MAX - 1; t++)
		names[n++] = t->name;
	names[n] = NULL;
	near = nearest_name(names, slice_of(z));
	return err_perm(err, "5.3.5", "no such test: %.60s%s%s", z,
	    near != NULL ? "; did you mean " : "", near != NULL ? near : "");
}

static const struct test *
find_test(const char *z)
{
	const struct test *t;

	for (t = tests; t->name != NULL; t++)
		if (strcmp(t->name, z) == 0)
			return t;
	return NULL;
}

/* the words from..w->at as they were written, for people */
static const char *
words_print(const struct words *w, size_t from)
{
	static const char *const around[] = { "", "\"", "/", "" };
	struct str z = STR_INIT;
	const char *q, *r;

	for (; from < w->at; from++) {
		q = around[w->v[from].kind];
		if (z.len > 0 && strcmp(w->v[from].z, ",") != 0)
			str_addc(&z, ' ');
		str_addf(&z, "%s%s%s", q, w->v[from].z, q);
	}
	r = arena_slice(&w->p->a, slice_str(&z));
	str_free(&z);
	return r;
}

static int
parse_otherwise(struct words *w, struct cond *c, struct err *err)
{
	c->otherwise = -1;
	if (!words_take(w, "else"))
		return 0;
	if (words_take(w, "true"))
		c->otherwise = 1;
	else if (words_take(w, "false"))
		c->otherwise = 0;
	else
		return words_expected(w, "true or false behind else", err);
	return 0;
}

static int
parse_test(struct words *w, struct cond *c, struct err *err)
{
	size_t from = w->at;
	const char *z = words_arg(w);

	if (z == NULL)
		return words_expected(w, "a test", err);
	c->op = COND_TEST;
	c->test = find_test(z);
	if (c->test == NULL)
		return unknown_test(z, err);
	if (c->test->from > w->p->from)
		return err_perm(err, "5.3.5", "%s is not known before %s", z,
		    stages[c->test->from]);
	w->p->needs |= c->test->needs;
	if (c->test->parse(c->test, w, &c->self, err) < 0) {
		err_prefix(err, "%s", z);
		return -1;
	}
	c->text = words_print(w, from);
	return parse_otherwise(w, c, err);
}

static int
parse_one(struct words *w, struct cond **c_r, int depth, struct err *err)
{
	struct cond *c;

	if (depth > DEPTH_MAX)
		return err_perm(err, "5.3.5", "conditions more than %d deep",
		    DEPTH_MAX);
	if (words_take(w, "(")) {
		if (parse_or(w, c_r, depth + 1, err) < 0)
			return -1;
		return words_take(w, ")") ? 0 : words_expected(w, "`)'", err);
	}
	*c_r = c = arena_alloc(&w->p->a, sizeof(*c));
	if (!words_take(w, "not"))
		return parse_test(w, c, err);
	c->op = COND_NOT;
	return parse_one(w, &c->a, depth + 1, err);
}

static struct cond *
join(struct words *w, int op, struct cond *a)
{
	struct cond *c = arena_alloc(&w->p->a, sizeof(*c));

	c->op = op;
	c->a = a;
	return c;
}

static int
parse_and(struct words *w, struct cond **c_r, int depth, struct err *err)
{
	int r = parse_one(w, c_r, depth, err);

	while (r == 0 && words_take(w, "and")) {
		*c_r = join(w, COND_AND, *c_r);
		r = parse_one(w, &(*c_r)->b, depth, err);
	}
	return r;
}

static int
parse_or(struct words *w, struct cond **c_r, int depth, struct err *err)
{
	int r = parse_and(w, c_r, depth, err);

	while (r == 0 && words_take(w, "or")) {
		*c_r = join(w, COND_OR, *c_r);
		r = parse_and(w, &(*c_r)->b, depth, err);
	}
	return r;
}

/* --- rules -------------------------------------------------------------- */

static int
parse_rule(struct words *w, struct rule *r, struct err *err)
{
	struct action **next = &r->actions;

	do {
		if (action_parse(w, next, err) < 0)
			return -1;
		next = &(*next)->next;
	} while (words_take(w, ","));
	if (words_take(w, "if") && parse_or(w, &r->cond, 0, err) < 0)
		return -1;
	if (w->at < w->n)
		return words_expected(w, r->cond != NULL ?
		    "and, or or the end" : "if or the end", err);
	return 0;
}

static int
parse_line(struct policy *p, struct slice line, size_t number,
    struct rule **r_r, struct err *err)
{
	struct slice where = line;
	struct words w = { .p = p };
	struct rule *r;
	size_t tab = slice_find(line, '\t');

	*r_r = NULL;
	if (tab > 0 && tab < line.n) {
		where = slice_sub(line, 0, tab);
		line = slice_sub(line, tab + 1, line.n);
		w.where = arena_slice(&p->a, where);
	} else
		w.where = arena_printf(&p->a, "%s_rules:%zu",
		    stages[p->stage], number);
	line = slice_trim(line);
	if (line.n == 0)
		return 0;
	*r_r = r = arena_alloc(&p->a, sizeof(*r));
	r->where = w.where;
	r->text = arena_slice(&p->a, line);
	if (words_split(line, &w, err) == 0 && parse_rule(&w, r, err) == 0)
		return 0;
	err_prefix(err, "%s", r->where);
	return -1;
}

int
policy_compile(struct policy **p_r, enum policy_stage stage,
    enum policy_stage from, const char *text, struct err *err)
{
	struct policy *p = xcalloc(1, sizeof(*p));
	struct slice rest = slice_of(text), line;
	struct rule **next = &p->rules;
	size_t n = 0;

	*p_r = NULL;
	p->stage = stage;
	p->from = from;
	while (slice_cut(&rest, '\n', &line)) {
		if (++n > RULES_MAX)
			err_perm(err, "5.3.5", "more than %d rules",
			    RULES_MAX);
		if (n > RULES_MAX || parse_line(p, line, n, next, err) < 0) {
			policy_free(p);
			return -1;
		}
		if (*next != NULL)
			next = &(*next)->next;
	}
	if (p->rules != NULL)
		*p_r = p;
	else
		policy_free(p);
	return 0;
}

int
policy_compile_all(const struct policy_conf *c,
    struct policy *set[POLICY_STAGES], struct err *err)
{
	enum policy_stage i, from;

	if (policy_set_dnsbl(&c->dnsbl, err) < 0) {
		err_prefix(err, "dnsbl");
		return -1;
	}
	for (i = 0; i < POLICY_STAGES; i++) {
		from = c->delay_reject ? MAX(i, POLICY_MAIL) : i;
		policy_free(set[i]);
		if (policy_compile(&set[i], i, from, c->rules[i], err) < 0)
			return -1;
	}
	return 0;
}

int
policy_open(struct policy *p, struct err *err)
{
	size_t i;

	for (i = 0; i < p->tables.n; i++)
		if (jail_table(p->tables.v[i], err) < 0)
			return -1;
	for (i = 0; i < p->servers.n; i++)
		if (server_jail(p->servers.v[i], err) < 0)
			return -1;
	if (p->needs & POLICY_NEEDS_INET)
		jail_need(JAIL_INET);
	if (p->servers.n > 0)
		jail_need(JAIL_UNIX);
	return 0;
}

void
policy_free(struct policy *p)
{
	struct closer *c;

	if (p == NULL)
		return;
	for (c = p->closers; c != NULL; c = c->next)
		c->fn(c->self);
	arena_free(&p->a);
	free(p);
}

const struct strlist *
policy_filters(const struct policy *p)
{
	static const struct strlist none;

	return p != NULL ? &p->filters : &none;
}

unsigned
policy_needs(const struct policy *p)
{
	return p != NULL ? p->needs : 0;
}
