/*
 * test_simple.c - tests that need nobody else: flags, numbers and tags.
 */
#include "base/clock.h"
#include "policy/tests.h"

static const char *const ops[] = { ">=", ">", "<=", "<", "=", "!=" };

int
eval_flag(const struct test *t, void *self UNUSED, struct eval *e,
    struct err *err UNUSED)
{
	switch (t->arg) {
	case FLAG_TRUSTED:
		return e->f->trusted;
	case FLAG_ESMTP:
		return e->f->esmtp;
	case FLAG_RCPT_UNKNOWN:
		return strcmp(e->f->refused, "5.1.1") == 0;
	case FLAG_UNAUTH_DESTINATION:
		return strcmp(e->f->refused, "5.7.1") == 0;
	default:
		return 1;
	}
}

int
parse_tag_test(const struct test *t UNUSED, struct words *w, void **self_r,
    struct err *err)
{
	const char *z = words_arg(w);

	*self_r = (void *)(uintptr_t)z;
	return z != NULL ? 0 : words_expected(w, "the name of a tag", err);
}

int
eval_tag(const struct test *t UNUSED, void *self, struct eval *e,
    struct err *err UNUSED)
{
	return eval_has_tag(e, self);
}

int
comparison_parse(struct words *w, struct comparison *c, struct err *err)
{
	struct slice z;
	bool minus;
	uint64_t u;
	size_t i;

	for (i = 0; i < ARRAY_LEN(ops); i++)
		if (words_take(w, ops[i]))
			break;
	if (i == ARRAY_LEN(ops))
		return words_expected(w, "one of >= > <= < = !=", err);
	c->op = (int)i;
	z = w->at < w->n && w->v[w->at].kind == WORD_PLAIN ?
	    slice_of(w->v[w->at].z) : SLICE_NULL;
	minus = slice_starts(z, "-");
	if (!parse_size(slice_sub(z, minus, z.n), &u) || u > INT64_MAX)
		return words_expected(w, "a number", err);
	c->n = minus ? -(int64_t)u : (int64_t)u;
	w->at++;
	return 0;
}

bool
comparison_holds(const struct comparison *c, int64_t n)
{
	switch (c->op) {
	case 0:
		return n >= c->n;
	case 1:
		return n > c->n;
	case 2:
		return n <= c->n;
	case 3:
		return n < c->n;
	case 4:
		return n == c->n;
	default:
		return n != c->n;
	}
}

int
parse_number(const struct test *t UNUSED, struct words *w, void **self_r,
    struct err *err)
{
	struct comparison *c = arena_alloc(&w->p->a, sizeof(*c));

	*self_r = c;
	return comparison_parse(w, c, err);
}

int
eval_number(const struct test *t, void *self, struct eval *e,
    struct err *err UNUSED)
{
	int64_t n = 0;

	switch (t->arg) {
	case NUMBER_SCORE:
		n = eval_score(e);
		break;
	case NUMBER_GATE:
		n = e->f->gate_score;
		break;
	case NUMBER_SIZE:
		n = (int64_t)MIN(e->f->size, (uint64_t)INT64_MAX);
		break;
	case NUMBER_NRCPT:
		n = e->f->nrcpt;
		break;
	case NUMBER_BITS:
		n = e->f->bits;
		break;
	}
	eval_trace(e, "    %s: %lld", t->name, (long long)n);
	return comparison_holds(self, n);
}
