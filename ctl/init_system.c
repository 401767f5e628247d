/*
 * init_system.c - the accounts that the programs of the suite run as, made
 * where root makes an instance and they are missing.
 */
#include "conf/common.h"
#include "ctl.h"

#include <grp.h>
#include <pwd.h>

static const char *
find_tool(const char *name)
{
	static const char *const dirs[] = { "/usr/sbin", "/sbin", "/usr/bin",
	    "/bin" };
	const char *path;
	size_t i;

	for (i = 0; i < ARRAY_LEN(dirs); i++) {
		path = arena_printf(&ctl_arena, "%s/%s", dirs[i], name);
		if (access(path, X_OK) == 0)
			return path;
	}
	return NULL;
}

static int
tool(const char *name, char *const argv[], struct err *err)
{
	const char *path = find_tool(name);

	if (path == NULL)
		return err_temp(err, "4.3.5", "there is no %s to make the "
		    "suite's accounts with", name);
	if (run_program(path, argv) != 0)
		return err_temp(err, "4.3.5", "%s failed", name);
	return 0;
}

static int
make_group(const char *name, struct err *err)
{
	char *argv[] = { (char *)"groupadd", (char *)"--system",
	    (char *)name, NULL };

	if (getgrnam(name) != NULL)
		return 0;
	if (tool("groupadd", argv, err) != 0 && getgrnam(name) == NULL)
		return -1;
	return 0;
}

static int
make_user(const char *name, const char *group, struct err *err)
{
	char *argv[] = { (char *)"useradd", (char *)"--system",
	    (char *)"--user-group", (char *)"--groups", (char *)group,
	    (char *)"--home-dir", (char *)"/nonexistent",
	    (char *)"--no-create-home", (char *)"--shell",
	    (char *)"/usr/sbin/nologin", (char *)"--comment",
	    (char *)"Postrider", (char *)name, NULL };

	if (getpwnam(name) != NULL)
		return 0;
	/* two that make an instance at a time: the other was faster */
	if (tool("useradd", argv, err) != 0 && getpwnam(name) == NULL)
		return -1;
	return 0;
}

int
init_system_users(struct err *err)
{
	struct common c;
	struct arena a = { 0 };
	const char *const *names[] = { &c.net_user, &c.queue_user,
	    &c.maps_user, &c.store_user, &c.auth_user, &c.log_user,
	    &c.tls_user, &c.key_user, &c.limit_user, &c.out_user, &c.sts_user,
	    &c.filter_user };
	size_t i;
	int r;

	memset(&c, 0, sizeof(c));
	field_defaults(common_fields, &c, &a);
	r = make_group(c.group, err);
	for (i = 0; r == 0 && i < ARRAY_LEN(names); i++)
		r = make_user(*names[i], c.group, err);
	arena_free(&a);
	return r;
}
