/*
 * rights.c - calls that take rights away: who goes on behind one that failed
 * has them still.  Some have no name in the library, syscall(2) has them all.
 */
#include <grp.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "shim.h"

static bool
kept(void)
{
	return shim_fails(FAULT_RIGHTS, EPERM);
}

INT_CALL(setgroups, (size_t n, const gid_t *g), (n, g), kept())
INT_CALL(initgroups, (const char *user, gid_t g), (user, g), kept())
INT_CALL(setresgid, (gid_t r, gid_t e, gid_t s), (r, e, s), kept())
INT_CALL(setresuid, (uid_t r, uid_t e, uid_t s), (r, e, s), kept())
INT_CALL(setrlimit, (__rlimit_resource_t what, const struct rlimit *l),
    (what, l), what != RLIMIT_MEMLOCK && kept())
INT_CALL(close_range, (unsigned low, unsigned high, int flags),
    (low, high, flags), kept())

/* it says what was, not that it failed; -1 asks */
EXPORT int
setfsuid(uid_t uid)
{
	REAL(setfsuid);
	return real(uid != (uid_t)-1 && kept() ? (uid_t)-1 : uid);
}

/* to ask is to take nothing away; of the capabilities one stands for all */
static bool
takes(int what, unsigned long arg)
{
	return what != PR_CAPBSET_READ && what != PR_GET_DUMPABLE &&
	    (what != PR_CAPBSET_DROP || arg == 0);
}

EXPORT int
prctl(int what, ...)
{
	unsigned long a[4];
	va_list ap;
	int i;

	REAL(prctl);
	va_start(ap, what);
	for (i = 0; i < 4; i++)
		a[i] = va_arg(ap, unsigned long);
	va_end(ap);
	if (takes(what, a[0]) && kept())
		return -1;
	return real(what, a[0], a[1], a[2], a[3]);
}

static bool
fails_by_number(const long *call)
{
	switch (call[0]) {
	case SYS_openat2:
		return shim_fails(FAULT_FILES, EMFILE);
	case SYS_seccomp:
		/* libseccomp looks what there is, without a filter */
		return call[1] == SECCOMP_SET_MODE_FILTER && call[3] != 0 &&
		    kept();
	case SYS_capset:
	case SYS_close_range:
	case SYS_landlock_create_ruleset:
	case SYS_landlock_add_rule:
	case SYS_landlock_restrict_self:
		return kept();
	}
	return false;
}

EXPORT long
syscall(long number, ...)
{
	long a[7] = { number };
	va_list ap;
	int i;

	REAL(syscall);
	va_start(ap, number);
	for (i = 1; i < 7; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	return fails_by_number(a) ? -1 :
	    real(number, a[1], a[2], a[3], a[4], a[5], a[6]);
}
