/*
 * qmgr_sync_test.c - the thread of qmgr that syncs: each begin has one end,
 * which says what became of it, whatever interrupts it.  The calls of sync.c
 * are ours: what they count is looked at when the thread waits.
 */
#include <event2/event.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "../../qmgr/qmgr.h"
#include "conf/common.h"
#include "serve/hub.h"
#include "test/tap.h"

static int interrupts[2];	/* so many reads, so many writes, are */
static int sync_errno;
static int syncs, ends, last;

static bool
interrupted(int *left, size_t n)
{
	/* the eventfd's count: what the test says is longer */
	if (n != sizeof(uint64_t) || *left == 0)
		return false;
	(*left)--;
	errno = EINTR;
	return true;
}

ssize_t
write(int fd, const void *p, size_t n)
{
	return interrupted(interrupts + 1, n) ? -1 :
	    syscall(SYS_write, fd, p, n);
}

ssize_t
read(int fd, void *p, size_t n)
{
	return interrupted(interrupts, n) ? -1 : syscall(SYS_read, fd, p, n);
}

int
syncfs(int fd)
{
	syncs++;
	errno = sync_errno;
	return sync_errno != 0 ? -1 : (int)syscall(SYS_syncfs, fd);
}

static void
on_end(int e)
{
	ends++;
	last = e;
	event_base_loopbreak(hub_base);
}

/* one begin; a lost end is waited for no longer than a moment */
static void
sync_once(int error, int interruptions)
{
	struct timeval limit = { 20, 0 };

	ends = 0;
	last = -1;
	sync_errno = error;
	interrupts[0] = interrupts[1] = interruptions;
	sync_begin();
	event_base_loopexit(hub_base, &limit);
	event_base_dispatch(hub_base);
	is_int(ends, 1, "one end, %d interruptions", interruptions);
	is_int(last, error, "with errno %d", error);
	is_int(interrupts[0] + interrupts[1], 0, "all of them were met");
}

int
main(void)
{
	struct err err = ERR_INIT;
	const char *dir = tap_dir();
	char *content = xasprintf("%s/content", dir);

	common.spool_dir = dir;
	common.mail_dir = dir;
	hub_base = event_base_new();
	is_int(sync_before_jail(&err), -1, "no spool");
	mkdir(content, 0700);
	is_int(sync_before_jail(&err), 0, "a spool");
	is_int(sync_mail_dev() > 0, 1, "that mailboxes share");
	is_int(sync_start(on_end, &err), 0, "the thread begins");
	sync_once(0, 0);
	is_int(syncs, 1, "one file system is synced once");
	sync_once(EIO, 0);
	sync_once(0, 1);
	sync_once(ENOSPC, 2);
	sync_once(0, 7);
	is_int(sync_spool_now(&err), 0, "at once");
	sync_errno = EIO;
	is_int(sync_spool_now(&err), -1, "at once, and it fails");
	free(content);
	return tap_done();
}
