/*
 * login.c - names of local users.  The jail allows no look-up later, so the
 * names are read before it, by the local personality only.
 */
#include "smtpd.h"

#include <pwd.h>

enum { USERS_MAX = 100000 };

static struct user { uid_t uid; char *name; } *users;
static size_t count, space;

static int
by_uid(const void *va, const void *vb)
{
	const struct user *a = va, *b = vb;

	return a->uid < b->uid ? -1 : a->uid > b->uid;
}

int
login_load(const char *path, struct err *err)
{
	FILE *f = fopen(path, "re");
	struct passwd *pw;

	if (f == NULL)
		return err_sys(err, "%s", path);
	while (count < USERS_MAX && (pw = fgetpwent(f)) != NULL) {
		if (count == space) {
			space = space > 0 ? 2 * space : 64;
			users = xrealloc(users, space * sizeof(*users));
		}
		users[count].uid = pw->pw_uid;
		users[count++].name = xstrdup(pw->pw_name);
	}
	fclose(f);
	if (count > 0)
		qsort(users, count, sizeof(*users), by_uid);
	return 0;
}

const char *
login_name(uid_t uid)
{
	struct user key = { uid, NULL }, *u;

	if (count == 0)
		return "";
	u = bsearch(&key, users, count, sizeof(*users), by_uid);
	return u != NULL ? u->name : "";
}
