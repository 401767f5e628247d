/*
 * sync.c - syncfs of the file systems whose files qmgr makes durable.
 *
 * One thread does nothing but that, for the epochs; it shares the jail.  Each
 * begin has one end, which the loop hears of.
 */
#include "qmgr.h"

#include <event2/event.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

static int spool_fd = -1, mail_fd = -1;	/* mail: -1 the same file system */
static int now_fd = -1;		/* the spool, for sync_spool_now: an error is
				 * told once to each that opened it */
static uint64_t mail_dev;
static void (*ended)(int e);
static int done_fd = -1;

/* ---- the thread; the lock is for these ---- */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
static bool asked;
static int result;		/* 0 or an errno */

static int
sync_both(void)
{
	if (syncfs(spool_fd) < 0)
		return errno;
	if (mail_fd >= 0 && syncfs(mail_fd) < 0)
		return errno;
	return 0;
}

static void *
work(void *arg UNUSED)
{
	static const uint64_t one = 1;
	ssize_t n;
	int e;

	for (;;) {
		pthread_mutex_lock(&lock);
		while (!asked)
			pthread_cond_wait(&wake, &lock);
		asked = false;
		pthread_mutex_unlock(&lock);
		e = sync_both();
		pthread_mutex_lock(&lock);
		result = e;
		pthread_mutex_unlock(&lock);
		while ((n = write(done_fd, &one, sizeof(one))) < 0 &&
		    errno == EINTR)
			continue;
		if (n != sizeof(one))
			abort();
	}
	return NULL;
}

/* ---- the loop ---- */
void
sync_begin(void)
{
	pthread_mutex_lock(&lock);
	asked = true;
	pthread_cond_signal(&wake);
	pthread_mutex_unlock(&lock);
}

static void
on_done(evutil_socket_t fd, short what UNUSED, void *arg UNUSED)
{
	uint64_t n;
	int e;

	if (read((int)fd, &n, sizeof(n)) != sizeof(n))
		return;
	pthread_mutex_lock(&lock);
	e = result;
	pthread_mutex_unlock(&lock);
	ended(e);
}

int
sync_spool_now(struct err *err)
{
	return syncfs(now_fd) < 0 ? err_sys(err, "sync the spool") : 0;
}

uint64_t
sync_mail_dev(void)
{
	return mail_dev;
}

/* ---- start ---- */
int
sync_before_jail(struct err *err)
{
	const char *path = common_path(common.spool_dir, "content");
	struct stat spool, mail;

	spool_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	now_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (spool_fd < 0 || now_fd < 0 || fstat(spool_fd, &spool) < 0)
		return err_sys(err, "%s", path);
	mail_fd = open(common.mail_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mail_fd < 0 || fstat(mail_fd, &mail) < 0)
		return 0;	/* agents sync for themselves */
	mail_dev = mail.st_dev;
	if (mail.st_dev == spool.st_dev) {
		close_fd(mail_fd);
		mail_fd = -1;
	}
	return 0;
}

int
sync_start(void (*end)(int e), struct err *err)
{
	struct event *done_ev;
	sigset_t all, old;
	pthread_t t;
	int e;

	ended = end;
	done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (done_fd < 0)
		return err_sys(err, "eventfd");
	done_ev = event_new(hub_base, done_fd, EV_READ | EV_PERSIST, on_done,
	    NULL);
	if (done_ev == NULL || event_add(done_ev, NULL) < 0)
		die("event_new");
	/* signals are the loop's */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	e = pthread_create(&t, NULL, work, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (e != 0) {
		errno = e;
		return err_sys(err, "thread");
	}
	return 0;
}
