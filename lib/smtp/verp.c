/*
 * verp.c - a sender for each recipient.
 */
#include "smtp/verp.h"

bool
smtp_verp_valid(struct slice delims)
{
	return delims.n == 2 && strchr("-+=", delims.p[0]) != NULL &&
	    strchr("-+=", delims.p[1]) != NULL && !slice_has_nul(delims);
}

static bool
make(const char *sender, const char *rcpt, const char *delims,
    struct arena *a, struct str *out)
{
	struct smtp_address s, r;
	struct err err;

	if (smtp_address_parse(slice_of(sender), 0, a, &s, &err) != 1 ||
	    smtp_address_parse(slice_of(rcpt), 0, a, &r, &err) != 1 ||
	    s.local.n + r.local.n + r.domain.n + 2 > SMTP_LOCAL_MAX)
		return false;
	s.local = slice_of(arena_printf(a, "%.*s%c%.*s%c%.*s",
	    (int)s.local.n, s.local.p, delims[0], (int)r.local.n, r.local.p,
	    delims[1], (int)r.domain.n, r.domain.p));
	smtp_address_print(&s, out);
	return true;
}

void
smtp_verp(const char *sender, const char *rcpt, const char *delims,
    struct str *out)
{
	struct arena a = { 0 };

	if (sender[0] == '\0' || !smtp_verp_valid(slice_of(delims)) ||
	    !make(sender, rcpt, delims, &a, out))
		str_adds(out, sender);
	arena_free(&a);
}
