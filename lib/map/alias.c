/*
 * alias.c - targets of an alias.  The compiler of the table and the router
 * cut a value in the same way, so what was compiled can be followed.
 */
#include "map/alias.h"

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

/* what a quoted target holds, or one as |"cmd arg" behind its bar; else as it
 * is */
static const char *
unquoted(struct slice t, struct arena *a)
{
	struct str s = STR_INIT;
	const char *z;
	size_t i, from = t.n > 1 && t.p[0] == '|' && t.p[1] == '"';

	if (t.n < from + 2 || t.p[from] != '"' || t.p[t.n - 1] != '"')
		return arena_slice(a, t);
	if (from > 0)
		str_addc(&s, '|');
	for (i = from + 1; i + 1 < t.n; i++) {
		if (t.p[i] == '\\' && i + 2 < t.n)
			i++;
		str_addc(&s, t.p[i]);
	}
	z = arena_slice(a, slice_str(&s));
	str_free(&s);
	return z;
}

static bool
has_controls(const char *z)
{
	for (; *z != '\0'; z++)
		if ((unsigned char)*z < 0x20 || *z == 0x7f)
			return true;
	return false;
}

static bool
is_special(struct slice t)
{
	if (t.n > 0 && t.p[0] == '"')
		t = slice_sub(t, 1, t.n);
	return t.n > 0 && (t.p[0] == '|' || t.p[0] == '/' || t.p[0] == ':');
}

int
alias_parse(struct slice target, struct arena *a, struct alias_target *t,
    struct err *err)
{
	const char *z;

	t->kind = ALIAS_ADDRESS;
	t->text = "";
	if (!is_special(target)) {
		if (target.n > 1 && target.p[0] == '\\') {
			t->kind = ALIAS_PLAIN;
			target = slice_sub(target, 1, target.n);
		}
		t->text = arena_slice(a, target);
		return 0;
	}
	z = unquoted(target, a);
	if (has_controls(z))
		return err_temp(err, "4.3.5", "control characters in a "
		    "command or path");
	if (z[0] == '|') {
		t->kind = ALIAS_COMMAND;
		z++;
		z += strspn(z, " \t");
	} else if (z[0] == '/') {
		t->kind = ALIAS_FILE;
	} else {
		t->kind = ALIAS_INCLUDE;
		if (!slice_istarts(slice_of(z), ":include:/"))
			return err_temp(err, "4.3.5", "%.80s: expected "
			    ":include:/PATH", z);
		z += strlen(":include:");
	}
	t->text = z;
	return z[0] != '\0' ? 0 : err_temp(err, "4.3.5", "an empty command");
}

static int
check_target(struct slice target, bool only_addresses, struct err *err)
{
	struct arena a = { 0 };
	struct alias_target t;
	struct smtp_address addr;
	char shown[80];
	struct err why = ERR_INIT;
	int r = alias_parse(target, &a, &t, err);

	slice_copy(shown, sizeof(shown), target);
	if (r == 0 && only_addresses && t.kind > ALIAS_PLAIN)
		r = err_temp(err, "4.3.5", "%s: commands, files and lists are "
		    "not possible here", shown);
	else if (r == 0 && t.kind <= ALIAS_PLAIN &&
	    smtp_address_parse(slice_of(t.text), SMTP_ADDR_BARE, &a, &addr,
	    &why) < 0)
		r = err_temp(err, "4.3.5", "%s is no address: %s", shown,
		    why.text);
	arena_free(&a);
	return r;
}

int
alias_check(struct slice value, bool only_addresses, struct err *err)
{
	struct slice target;
	bool any = false;

	while (alias_next(&value, &target)) {
		any = true;
		if (check_target(target, only_addresses, err) < 0)
			return -1;
	}
	return any ? 0 : err_temp(err, "4.3.5", "an alias without an address");
}
