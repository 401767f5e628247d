/*
 * inotify.c - the one inotify instance.  It is opened before the jail; in the
 * jail no file can be opened at all, only watched, by the descriptor that a
 * subscriber sent: through /proc/self/fd, where the kernel checks that we (the
 * store) may read the directory.
 */
#include "notifyd.h"

#include <sys/inotify.h>

#include "base/clock.h"
#include "base/log.h"

enum { READ_MAX = 65536, READS = 16, PAUSE_MS = 5, TELL_MS = 60000 };
enum { EVENTS = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |
	IN_DELETE_SELF };
enum { FLAGS = IN_ONLYDIR | IN_DONT_FOLLOW | IN_MASK_CREATE };

static const struct { const char *name; uint32_t mask; } dirs[] = {
	{ "new", EVENTS | FLAGS }, { "cur", EVENTS | FLAGS },
	/* its log is written to, or replaced */
	{ ".state", IN_MODIFY | IN_MOVED_TO | FLAGS },
};
static int fd_ = -1;
static struct event *readable, *pause_over;
static struct dir *by_wd;		/* hash */

int
inotify_open(struct err *err)
{
	fd_ = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	return fd_ < 0 ? err_sys(err, "inotify") : 0;
}

/* the kernel has no room for more: those folders have to be looked at */
static void
say_full(void)
{
	static int64_t told;
	int64_t now = mono_ms();

	if (told != 0 && now - told < TELL_MS)
		return;
	told = now;
	log_event(LOG_WARN, "watches-full",
	    KU("watches", HASH_COUNT(by_wd)), KEND);
}

void
inotify_watch(struct folder *f, int fd)
{
	char path[64];
	size_t i;

	for (i = 0; i < FOLDER_DIRS; i++) {
		struct dir *d = &f->dir[i];

		snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", fd,
		    dirs[i].name);
		d->folder = f;
		d->wd = inotify_add_watch(fd_, path, dirs[i].mask);
		if (d->wd < 0 && (errno == ENOSPC || errno == ENOMEM))
			say_full();
		if (d->wd >= 0)
			HASH_ADD(hh, by_wd, wd, sizeof(d->wd), d);
	}
}

/* .state may be missing: then our own writers have not been there yet */
bool
inotify_covers(const struct folder *f)
{
	return f->dir[0].wd >= 0 && f->dir[1].wd >= 0 && f->dir[2].wd >= 0;
}

static void
drop(struct dir *d)
{
	HASH_DEL(by_wd, d);
	d->wd = -1;
}

void
inotify_unwatch(struct folder *f)
{
	size_t i;

	for (i = 0; i < FOLDER_DIRS; i++)
		if (f->dir[i].wd >= 0) {
			inotify_rm_watch(fd_, f->dir[i].wd);
			drop(&f->dir[i]);
		}
}

static void
on_event(const struct inotify_event *ev)
{
	struct dir *d;

	if (ev->mask & IN_Q_OVERFLOW) {
		folder_all_changed();
		return;
	}
	HASH_FIND(hh, by_wd, &ev->wd, sizeof(ev->wd), d);
	if (d == NULL)
		return;
	if (!(ev->mask & (IN_IGNORED | IN_DELETE_SELF))) {
		folder_changed(d->folder);
		return;
	}
	if (ev->mask & IN_IGNORED)
		drop(d);
	folder_lost(d->folder);
}

/* Under load events are read some at a time. */
static void
on_readable(evutil_socket_t fd, short what UNUSED, void *arg UNUSED)
{
	static const struct timeval pause = { 0, PAUSE_MS * 1000 };
	static union {
		struct inotify_event align;
		char bytes[READ_MAX];
	} buf;
	const struct inotify_event *ev;
	ssize_t n, at;
	int i;

	for (i = 0; i < READS; i++) {
		n = read((int)fd, buf.bytes, sizeof(buf.bytes));
		if (n <= 0)
			break;
		for (at = 0; at < n; at += (ssize_t)(sizeof(*ev) + ev->len)) {
			ev = (const void *)(buf.bytes + at);
			on_event(ev);
		}
	}
	hub_unwatch(readable);
	evtimer_add(pause_over, &pause);
}

static void
on_pause_over(evutil_socket_t fd UNUSED, short what UNUSED, void *arg UNUSED)
{
	hub_watch(readable);
}

int
inotify_start(struct err *err)
{
	readable = event_new(hub_base, fd_, EV_READ | EV_PERSIST, on_readable,
	    NULL);
	pause_over = evtimer_new(hub_base, on_pause_over, NULL);
	if (readable == NULL || pause_over == NULL ||
	    event_add(readable, NULL) < 0)
		return err_temp(err, "4.3.0", "cannot wait for inotify");
	return 0;
}
