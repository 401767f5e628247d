/*
 * owner.c - who has authenticated sends as itself: the sender must be an
 * address of its login.  cleanup does the same for the header.
 */
#include "backend.h"

static bool
is_user(const struct session *s)
{
	return s->login.len > 0 && conf.personality != LOCAL;
}

bool
owner_checks_header(const struct session *s)
{
	return is_user(s) && (conf.sender_check == CHECK_HEADER ||
	    conf.sender_check == CHECK_BOTH);
}

int
owner_check(const struct session *s, struct txn *t, struct err *err,
    int *code)
{
	bool check = conf.sender_check == CHECK_ENVELOPE ||
	    conf.sender_check == CHECK_BOTH;
	struct router_owns_out out;

	if (!is_user(s))
		return 1;
	if (t->sender[0] == '\0' && !conf.null_sender) {
		*code = 550;
		return err_perm(err, "5.7.1", "the null sender is not for "
		    "clients that authenticate");
	}
	if (backend_owns(s->login.s, check ? t->sender : "", &out, err) < 0)
		return -1;
	t->limit_hour = out.limit_hour;
	t->limit_day = out.limit_day;
	t->limit_new = out.limit_new;
	t->domain = arena_strdup(&t->arena, out.domain);
	t->domain_hour = out.domain_hour;
	t->domain_day = out.domain_day;
	if (out.owned)
		return 1;
	*code = 550;
	return err_perm(err, "5.7.1", "<%s>: sender address not owned by "
	    "user %s", t->sender, s->login.s);
}
