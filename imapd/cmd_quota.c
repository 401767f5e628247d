/*
 * cmd_quota.c - GETQUOTA and GETQUOTAROOT: RFC 9208.  A user has one root,
 * named "", of which the whole mailbox is part, where there is a limit.
 */
#include "share.h"

enum { KIB = 1024 };

/* * QUOTA "" (STORAGE used limit) in KiB, used rounded up */
static int
put_quota(struct session *s, struct err *err)
{
	uint64_t bytes, count;

	if (tree_quota(&s->tree, &bytes, &count, err) < 0)
		return -1;
	imap_say(&s->imap, "QUOTA \"\" (STORAGE %llu %llu)",
	    (unsigned long long)((bytes + KIB - 1) / KIB),
	    (unsigned long long)(s->tree.quota / KIB));
	return 0;
}

void
cmd_getquota(void *session)
{
	struct session *s = session;
	struct slice root = { 0 };
	struct err err = ERR_INIT;

	imap_lex_sp(&s->imap.lex);
	imap_lex_astring(&s->imap.lex, &root);
	if (!imap_args_end(&s->imap))
		return;
	if (root.n > 0 || s->tree.quota == 0)
		imap_no(&s->imap, "NONEXISTENT", "there is no such root");
	else if (put_quota(s, &err) < 0)
		imap_fail(&s->imap, &err);
	else
		imap_ok(&s->imap, NULL, "that is the quota");
}

void
cmd_getquotaroot(void *session)
{
	struct session *s = session;
	struct slice name = { 0 };
	struct str out = STR_INIT;
	struct err err = ERR_INIT;
	unsigned rights;
	bool limited;
	int r;

	imap_lex_sp(&s->imap.lex);
	imap_lex_mailbox(&s->imap.lex, &name);
	if (!imap_args_end(&s->imap))
		return;
	r = share_place(s, name.p, ACL_READ, NULL, &rights, &err);
	limited = s->tree.quota > 0 && !share_foreign(name.p);
	if (r == 0) {
		str_adds(&out, "* QUOTAROOT ");
		imap_put_mailbox(&out, name, utf8(s));
		str_adds(&out, limited ? " \"\"\r\n" : "\r\n");
		imap_put(&s->imap, &out);
		if (limited)
			r = put_quota(s, &err);
	}
	if (r < 0)
		imap_fail(&s->imap, &err);
	else
		imap_ok(&s->imap, NULL, "that is the quota");
	str_free(&out);
}

/* limits are the administrator's */
void
cmd_setquota(void *session)
{
	struct session *s = session;
	struct imap_lex *l = &s->imap.lex;
	struct slice root, name;
	uint64_t limit;

	imap_lex_sp(l);
	imap_lex_astring(l, &root);
	imap_lex_sp(l);
	for (imap_lex_open(l); imap_lex_next(l); ) {
		imap_lex_atom(l, &name);
		imap_lex_sp(l);
		imap_lex_number64(l, &limit);
	}
	if (imap_args_end(&s->imap))
		imap_no(&s->imap, "NOPERM", "the administrator sets quotas");
}
