/*
 * alias.c - targets of an alias.  The compiler of the table and the router
 * cut a value in the same way, so what was compiled can be followed.
 */
#include "map/alias.h"

#include "base/arena.h"
#include "smtp/address.h"

int
alias_next(struct slice *rest, struct slice *target)
{
	bool quote = false;
	size_t i = 0, start;

	while (i < rest->n && (rest->p[i] == ',' || ascii_isblank(rest->p[i])))
		i++;
	for (start = i; i < rest->n; i++) {
		if (rest->p[i] == '\\' && quote && i + 1 < rest->n)
			i++;
		else if (rest->p[i] == '"')
			quote = !quote;
		else if (!quote && (rest->p[i] == ',' ||
		    ascii_isblank(rest->p[i])))
			break;
	}
	*target = slice_sub(*rest, start, i - start);
	*rest = slice_sub(*rest, i, rest->n);
	return target->n > 0;
}

bool
alias_foreign(struct slice target)
{
	return (target.n > 0 && strchr("|/:", target.p[0]) != NULL) ||
	    slice_starts(target, "\"|") || slice_starts(target, "\"/");
}

static int
check_target(struct slice target, struct err *err)
{
	struct arena a = { 0 };
	struct smtp_address addr;
	char shown[80];
	struct err why = ERR_INIT;
	int r = 0;

	slice_copy(shown, sizeof(shown), target);
	if (alias_foreign(target))
		r = err_temp(err, "4.3.5", "%s: commands, files and lists are "
		    "not possible here", shown);
	else if (smtp_address_parse(target, SMTP_ADDR_BARE, &a, &addr,
	    &why) < 0)
		r = err_temp(err, "4.3.5", "%s is no address: %s", shown,
		    why.text);
	arena_free(&a);
	return r;
}

int
alias_check(struct slice value, struct err *err)
{
	struct slice target;
	bool any = false;

	while (alias_next(&value, &target)) {
		any = true;
		if (check_target(target, err) < 0)
			return -1;
	}
	return any ? 0 : err_temp(err, "4.3.5", "an alias without an address");
}
