/*
 * ids.c - from root to a role or a user, with no way back.
 */
#include <grp.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "conf/common.h"
#include "serve/internal.h"

static int
set_caps(uint32_t mask)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = { { mask, mask, 0 }, { 0, 0, 0 } };

	return (int)syscall(SYS_capset, &h, d);
}

/* ours, of the first 32; 0, or -1 and errno */
static int
get_caps(uint32_t *effective_r, uint32_t *permitted_r)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];

	if (syscall(SYS_capget, &h, d) < 0)
		return -1;
	*effective_r = d[0].effective;
	*permitted_r = d[0].permitted;
	return 0;
}

/* Without the right to, what a program could get stays as it is: a jail ends
 * that, too (no_new_privs). */
static int
bound_caps(unsigned keep, struct err *err)
{
	uint32_t have, may;
	int i;

	if (get_caps(&have, &may) == 0 && !(have >> CAP_SETPCAP & 1))
		return 0;
	for (i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
		if ((i >= 32 || !(keep >> i & 1)) &&
		    prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0)
			return err_sys(err, "bound capabilities");
	return 0;
}

int
serve_keep_caps(unsigned caps, bool bound, struct err *err)
{
	uint32_t have, may;

	if (geteuid() != 0)
		return 0;
	if (bound && bound_caps(caps, err) < 0)
		return -1;
	/* a container may have fewer already */
	if (get_caps(&have, &may) < 0 || set_caps(caps & may) < 0)
		return err_sys(err, "capabilities");
	return 0;
}

/* The file system uid alone becomes the store's: files that cleanup creates
 * belong to the store, but signals, sockets and ids are the queue's.  A
 * set*uid sets fsuid too, so this comes last, by a capability kept for it. */
static int
set_fsuid(struct err *err)
{
	uid_t store = common.uid[ROLE_STORE];

	if (set_caps(1u << CAP_SETUID) < 0)
		return err_sys(err, "capset");
	setfsuid(store);
	if ((uid_t)setfsuid((uid_t)-1) != store)
		return err_perm(err, "5.3.5", "could not set the file system "
		    "uid");
	return 0;
}

int
serve_become(uid_t uid, gid_t gid, unsigned how, struct err *err)
{
	gid_t groups[2] = { gid, common.suite_gid };
	bool fsuid_store = how & BECOME_FSUID_STORE;

	if (common.single_uid)
		return 0;
	if (setgroups(how & BECOME_ROLE ? 2 : 1, groups) < 0 ||
	    setresgid(gid, gid, gid) < 0)
		return err_sys(err, "set group %u", (unsigned)gid);
	if (fsuid_store && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return err_sys(err, "keep capabilities");
	if (setresuid(uid, uid, uid) < 0)
		return err_sys(err, "set user %u", (unsigned)uid);
	if (fsuid_store && set_fsuid(err) < 0)
		return -1;
	if (uid != 0 && (set_caps(0) < 0 || setuid(0) == 0))
		return err_perm(err, "5.3.5", "could go back to root");
	return 0;
}

int
serve_role(const struct daemon *d, struct err *err)
{
	int role = role_find(slice_of(launch.user));

	if (common.single_uid || d->keep_root || d->user_root)
		return 0;
	if (role <= ROLE_ROOT)
		return err_perm(err, "5.3.5", "%s: user = \"%s\" is not a "
		    "role that it can run as", d->name, launch.user);
	if (bound_caps(0, err) < 0)
		return -1;
	return serve_become(common.uid[role], common.gid[role], BECOME_ROLE |
	    (launch.fsuid_store ? BECOME_FSUID_STORE : 0), err);
}
