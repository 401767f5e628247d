/*
 * args.c - the arguments of MAIL and RCPT: path and parameters.
 */
#include "smtp/command.h"

static void
skip_blanks(struct slice *s)
{
	while (s->n > 0 && ascii_isblank((unsigned char)s->p[0])) {
		s->p++;
		s->n--;
	}
}

/* RFC 5321 section 4.1.2: esmtp-keyword; and esmtp-value, where = is
 * tolerated (SRS addresses in an ORCPT that was not encoded) */
static bool
param_valid(const struct smtp_param *p)
{
	size_t i;

	if (p->name.n == 0 || !ascii_isalnum((unsigned char)p->name.p[0]))
		return false;
	for (i = 0; i < p->name.n; i++)
		if (!ascii_isalnum((unsigned char)p->name.p[i]) &&
		    p->name.p[i] != '-')
			return false;
	return p->value.p == NULL || p->value.n > 0;
}

static int
params_parse(struct slice rest, struct smtp_args *r, struct err *err)
{
	struct slice word;
	size_t i, eq;

	while (slice_word(&rest, &word)) {
		struct smtp_param *p = &r->params[r->n];

		if (r->n == SMTP_PARAMS_MAX)
			return err_perm(err, "5.5.4", "too many parameters");
		eq = slice_find(word, '=');
		p->name = slice_sub(word, 0, eq);
		p->value = eq == word.n ? SLICE_NULL :
		    slice_sub(word, eq + 1, word.n);
		if (!param_valid(p))
			return err_perm(err, "5.5.4", "malformed parameter");
		for (i = 0; i < r->n; i++)
			if (slice_ieq(r->params[i].name, p->name))
				return err_perm(err, "5.5.4", "parameter %.*s "
				    "given twice", (int)MIN(p->name.n, 40),
				    p->name.p);
		r->n++;
	}
	return 1;
}

int
smtp_args_parse(struct slice rest, const char *keyword, unsigned flags,
    struct arena *a, struct smtp_args *r, struct err *err)
{
	bool sender = strcmp(keyword, "FROM") == 0;

	r->n = 0;
	skip_blanks(&rest);
	if (!slice_istarts(rest, keyword))
		return err_perm(err, "5.5.4", "expected %s:<address>",
		    keyword);
	rest = slice_sub(rest, strlen(keyword), rest.n);
	skip_blanks(&rest);
	if (rest.n == 0 || rest.p[0] != ':')
		return err_perm(err, "5.5.4", "expected %s:<address>",
		    keyword);
	rest = slice_sub(rest, 1, rest.n);
	skip_blanks(&rest);
	if (smtp_path_parse(&rest, flags, a, &r->addr, err) < 0) {
		if (sender)
			snprintf(err->dsn, sizeof(err->dsn), "5.1.7");
		return -1;
	}
	if (rest.n > 0 && !ascii_isblank((unsigned char)rest.p[0]))
		return err_perm(err, "5.5.4", "a blank is missing behind the "
		    "address");
	return params_parse(rest, r, err);
}

const struct smtp_param *
smtp_args_find(const struct smtp_args *args, const char *name)
{
	size_t i;

	for (i = 0; i < args->n; i++)
		if (slice_ieqz(args->params[i].name, name))
			return &args->params[i];
	return NULL;
}
