/*
 * target.c - commands and files that an alias leads to.
 *
 * A command line runs as alias_user, so whoever can write a row could run
 * anything: only the admin's own files are believed, tables of fixed rows, and
 * only where the configuration says so.  What a server answers or a pattern has
 * put together is never a command.
 */
#include <pwd.h>

#include "map/alias.h"
#include "router.h"

enum { TARGET_MAX = 2000 };

static int
check_allowed(const struct place *p, const struct alias_target *t,
    struct err *err)
{
	bool command = t->kind == ALIAS_COMMAND;

	if (command ? !conf.alias_commands : !conf.alias_files)
		return err_temp(err, "4.3.5", "%s", command ?
		    "a command, and alias_commands = no" :
		    "a file, and alias_files = no");
	if (p->table == NULL || !map_spec_is_fixed(p->table->spec))
		return err_temp(err, "4.3.5", "commands and files are taken "
		    "from tables of the types cdb, text and inline alone");
	if (strlen(t->text) > TARGET_MAX)
		return err_temp(err, "4.3.5", "a command or path of more than "
		    "%d octets", TARGET_MAX);
	if (!command && strstr(t->text, "/../") != NULL)
		return err_temp(err, "4.3.5", "a path with \"..\"");
	return 0;
}

int
target_place(const struct place *p, const struct alias_target *t,
    struct arena *a, struct router_route_more *m, struct err *err)
{
	bool command = t->kind == ALIAS_COMMAND;

	if (check_allowed(p, t, err) < 0)
		return -1;
	/* Both may take long: each row is a destination of its own, whatever
	 * names of people it takes. */
	m->transport = command ? "pipe" : "command";
	m->nexthop = p->row;
	m->mailbox = arena_printf(a, "%s:%s%s", conf.alias_user,
	    command ? "|" : "", t->text);
	return 0;
}

int
target_check(struct err *err)
{
	const struct passwd *pw = getpwnam(conf.alias_user);

	if (conf.alias_user[0] == '\0' ||
	    strpbrk(conf.alias_user, ":|/") != NULL)
		return err_perm(err, "5.3.5", "alias_user: expected a login, "
		    "found \"%s\"", conf.alias_user);
	if (strcmp(conf.alias_user, "root") == 0 ||
	    (pw != NULL && pw->pw_uid == 0))
		return err_perm(err, "5.3.5", "alias_user: commands of "
		    "aliases can not run as root");
	return 0;
}
