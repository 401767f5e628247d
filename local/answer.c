/*
 * answer.c - nothing of an answer is used before it was looked at.
 */
#include "answer.h"

#include "smtp/reply.h"

static bool
is_status(const char *z)
{
	char dsn[12];

	return (z[0] == '4' || z[0] == '5') &&
	    smtp_dsn_parse(slice_of(z), dsn) == strlen(z);
}

int
answer_take(struct answer *a, struct err *err)
{
	struct err *e = &a->err;

	if (a->rc >= 0)
		return a->rc > 0;
	e->dsn[sizeof(e->dsn) - 1] = e->text[sizeof(e->text) - 1] = '\0';
	if (!is_status(e->dsn))
		return err_temp(err, "4.3.0", "%s", e->text);
	return e->dsn[0] == '5' ? err_perm(err, e->dsn, "%s", e->text) :
	    err_temp(err, e->dsn, "%s", e->text);
}
