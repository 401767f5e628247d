/*
 * rules.c - rows in their order, and the blocks of if and endif.
 */
#include "map/rules.h"

static char *
skip_blanks(char *p, const char *end)
{
	while (p < end && ascii_isblank(*p))
		p++;
	return p;
}

/* is it this word, with a blank or nothing behind it?  *pp is set there */
static bool
take_word(char **pp, char *end, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(end - *pp) < n || !slice_ieqz((struct slice){ *pp, n },
	    word) || ((size_t)(end - *pp) > n && !ascii_isblank((*pp)[n])))
		return false;
	*pp = skip_blanks(*pp + n, end);
	return true;
}

static struct map_rule *
add_rule(struct map_rules *r, enum rule_kind kind, size_t line)
{
	if (r->n == r->cap) {
		r->cap = r->cap > 0 ? 2 * r->cap : 16;
		r->v = xrealloc(r->v, r->cap * sizeof(*r->v));
	}
	r->v[r->n] = (struct map_rule){ .kind = kind, .line = line };
	return &r->v[r->n++];
}

static int
end_if(struct map_rules *r, size_t line, char *p, char *end, struct err *err)
{
	if (p < end)
		return err_temp(err, "4.3.5", "text behind endif");
	if (r->depth == 0)
		return err_temp(err, "4.3.5", "an endif without its if");
	r->v[r->open[--r->depth]].end = r->n;
	add_rule(r, RULE_ENDIF, line);
	return 0;
}

/* the pattern of a row or of an if, which gets what is behind it */
static int
take_pattern(struct map_rule *rule, char **pp, char *end,
    rule_pattern_fn *pattern, struct err *err)
{
	char *p = *pp;

	while (p < end && *p == '!') {
		rule->negate = !rule->negate;
		p = skip_blanks(p + 1, end);
	}
	if (p == end)
		return err_temp(err, "4.3.5", "no pattern");
	if (pattern(rule, &p, end, err) != 0)
		return -1;
	rule->shown = (struct slice){ *pp, (size_t)(p - *pp) };
	if (p < end && !ascii_isblank(*p))
		return err_temp(err, "4.3.5", "expected a blank behind the "
		    "pattern");
	*pp = skip_blanks(p, end);
	return 0;
}

static int
parse_rule(struct map_rules *r, size_t line, char *p, char *end,
    rule_pattern_fn *pattern, rule_value_fn *value, struct err *err)
{
	struct map_rule *rule;
	bool is_if;

	if (take_word(&p, end, "endif"))
		return end_if(r, line, p, end, err);
	is_if = take_word(&p, end, "if");
	if (is_if && r->depth == RULES_NEST)
		return err_temp(err, "4.3.5", "more than %d if within if",
		    RULES_NEST);
	/* before its pattern: what is inside of a bad if is looked at, too */
	rule = add_rule(r, is_if ? RULE_IF : RULE_ROW, line);
	if (is_if)
		r->open[r->depth++] = r->n - 1;
	if (take_pattern(rule, &p, end, pattern, err) != 0)
		return -1;
	if (is_if)
		return p == end ? 0 : err_temp(err, "4.3.5", "text behind "
		    "the pattern of if");
	rule->value = (struct slice){ p, (size_t)(end - p) };
	return value != NULL ? value(rule, err) : 0;
}

int
map_rules_parse(struct map_rules *r, rule_pattern_fn *pattern,
    rule_value_fn *value, struct err *err)
{
	struct map_table *t = &r->text;
	struct map_lines l = { t, t->buf, t->buf + t->len, 0, 0 };
	char *p, *end;
	int got;

	while ((got = map_lines_next(&l, &p, &end, err)) != 0) {
		if (got > 0 && parse_rule(r, l.row, p, end, pattern, value,
		    err) != 0)
			got = err_prefix(err, "%s:%zu", t->name, l.row);
		if (got < 0 && map_table_bad(t, err) != 0)
			return -1;
	}
	while (r->depth > 0) {
		map_table_err(t, r->v[r->open[--r->depth]].line, err,
		    "an if without its endif");
		if (map_table_bad(t, err) != 0)
			return -1;
	}
	return map_table_good(t, err);
}

int
map_rules_each(const struct map_rules *r, map_each_fn *fn, void *ctx)
{
	size_t i;
	int rc;

	for (i = 0; i < r->n; i++) {
		if (r->v[i].kind != RULE_ROW)
			continue;
		rc = fn(ctx, r->v[i].shown, r->v[i].value);
		if (rc != 0)
			return rc;
	}
	return 0;
}

void
map_rules_free(struct map_rules *r)
{
	map_table_free(&r->text);
	free(r->v);
	*r = (struct map_rules){ 0 };
}
