/*
 * ext.c - the table of extensions and the walks over it.
 */
#include "ext.h"

/* in the order of the answer to EHLO */
const struct ext *const ext_table[] = {
	&ext_pipelining,
	&ext_size,
	&ext_8bitmime,
	&ext_enhancedstatuscodes,
	&ext_chunking,
	&ext_smtputf8,
	&ext_dsn,
	&ext_limits,
	&ext_starttls,
	&ext_futurerelease,
	&ext_mt_priority,
	&ext_requiretls,
	&ext_verp,
	&ext_xclient,
	&ext_xforward,
	&ext_auth,
	NULL
};

static bool
is_hidden(const char *keyword)
{
	return strlist_ihas(&conf.hide, slice_of(keyword));
}

int
ext_check_hide(struct err *err)
{
	const char *names[ARRAY_LEN(ext_table)], *near;
	size_t i, j;

	for (i = 0; ext_table[i] != NULL; i++)
		names[i] = ext_table[i]->keyword;
	names[i] = NULL;
	for (i = 0; i < conf.hide.n; i++) {
		for (j = 0; names[j] != NULL; j++)
			if (strcasecmp(names[j], conf.hide.v[i]) == 0)
				break;
		if (names[j] != NULL)
			continue;
		near = nearest_name(names, slice_of(conf.hide.v[i]));
		return err_perm(err, "5.3.5", "hide: no such keyword: %s%s%s",
		    conf.hide.v[i], near != NULL ? "; did you mean " : "",
		    near != NULL ? near : "");
	}
	return 0;
}

void
ext_announce(const struct session *s, struct str *out)
{
	const struct ext *const *e;

	for (e = ext_table; *e != NULL; e++) {
		if (is_hidden((*e)->keyword) ||
		    ((*e)->offered != NULL && !(*e)->offered(s)))
			continue;
		str_addc(out, '\n');
		str_adds(out, (*e)->keyword);
		if ((*e)->args != NULL)
			(*e)->args(s, out);
	}
}

bool
ext_command_offered(const struct session *s, const struct command *c)
{
	const struct ext *const *e;
	const struct command *own;

	for (e = ext_table; *e != NULL; e++)
		for (own = (*e)->commands; own != NULL && own->name != NULL;
		    own++)
			if (strcmp(own->name, c->name) == 0)
				return (*e)->offered == NULL ||
				    (*e)->offered(s);
	return true;
}

static const struct ext_param *
find_param(struct slice name, bool rcpt)
{
	const struct ext *const *e;
	const struct ext_param *p;

	for (e = ext_table; *e != NULL; e++)
		for (p = (*e)->params; p != NULL && p->name != NULL; p++)
			if (slice_ieqz(name, p->name) &&
			    (rcpt ? p->rcpt != NULL : p->mail != NULL))
				return p;
	return NULL;
}

int
ext_params(struct session *s, const struct smtp_args *args, struct txn *t,
    struct rcpt *r, struct err *err, int *code_r)
{
	const struct ext_param *p;
	size_t i;

	*code_r = 0;
	for (i = 0; i < args->n; i++) {
		p = find_param(args->params[i].name, r != NULL);
		if (p == NULL) {
			/* RFC 5321 section 4.1.1.11 */
			*code_r = 555;
			return err_perm(err, "5.5.4", "unknown parameter %.*s",
			    (int)MIN(args->params[i].name.n, 40),
			    args->params[i].name.p);
		}
		if ((r != NULL ? p->rcpt(s, t, r, args->params[i].value, err) :
		    p->mail(s, t, args->params[i].value, err)) < 0)
			return -1;
	}
	return 1;
}
