/*
 * answer.c - rows become one value.  What is over a limit is no answer: half
 * of an alias would lose mail.
 */
#include "mapd.h"

void
answer_reset(struct answer *a)
{
	if (a->value.cap > 0)
		explicit_bzero(a->value.s, a->value.cap);
	str_reset(&a->value);
	a->rows = 0;
	a->ttl = -1;
}

int
answer_row(struct answer *a, const struct slice *col, size_t n,
    struct err *err)
{
	const struct table_conf *c = &a->t->c;

	if (a->rows > 0 && c->rows == ROWS_ONE)
		return err_temp(err, "4.3.5", "%s: more than one row where "
		    "one is expected", a->t->spec);
	if (a->rows >= c->max_rows)
		return err_temp(err, "4.3.5", "%s: more than %lld rows",
		    a->t->spec, (long long)c->max_rows);
	if (a->rows > 0)
		str_addc(&a->value, ',');
	if (template_row(a->t->result, col, n, &a->value, err) < 0)
		return err_prefix(err, "%s", a->t->spec);
	if (a->value.len > c->max_size)
		return err_temp(err, "4.3.5", "%s: an answer of more than %llu "
		    "bytes", a->t->spec, (unsigned long long)c->max_size);
	if (slice_has_nul(slice_str(&a->value)))
		return err_temp(err, "4.3.5", "%s: a NUL in an answer",
		    a->t->spec);
	a->rows++;
	return c->rows != ROWS_FIRST;
}
