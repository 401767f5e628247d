/*
 * lock.c - one master an instance, by a lock that the kernel drops with its
 * holder; the pid file is for people.
 */
#include "conf/common.h"
#include "master.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

static int lock_fd = -1;
static bool written;

static const char *
pid_path(void)
{
	static const char *path;

	if (path == NULL)
		path = common_path(common.run_dir, "master.pid");
	return path;
}

static void
read_pid(char *buf, size_t cap)
{
	size_t n;
	char *text = read_file(pid_path(), 64, &n);

	slice_copy(buf, cap, text != NULL ?
	    slice_trim((struct slice){ text, n }) : SLICE_LIT("unknown"));
	free(text);
}

int
lock_take(bool *unclean, struct err *err)
{
	const char *path = common_path(common.run_dir, "master.lock");
	char pid[32];

	lock_fd = fd_high(open(path, O_RDWR | O_CREAT | O_CLOEXEC |
	    O_NOFOLLOW, 0600));
	if (lock_fd < 0)
		return err_sys(err, "cannot open %s", path);
	if (flock(lock_fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK)
			return err_sys(err, "cannot lock %s", path);
		read_pid(pid, sizeof(pid));
		return err_temp(err, "4.3.5",
		    "master is running already (pid %s) for %s", pid,
		    common.instance_dir);
	}
	*unclean = access(pid_path(), F_OK) == 0;
	return 0;
}

int
lock_write_pid(struct err *err)
{
	char text[32], *tmp = xasprintf("%s.new", pid_path());
	int fd, n, r = 0;

	(void)unlink(tmp);
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
	    0644);
	n = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (fd < 0 || full_write(fd, text, (size_t)n) != 0 ||
	    fchmod(fd, 0644) != 0 || rename(tmp, pid_path()) != 0)
		r = err_sys(err, "cannot write %s", pid_path());
	close_fd(fd);
	free(tmp);
	written = r == 0;
	return r;
}

void
lock_release(void)
{
	if (written)
		(void)unlink(pid_path());
	close_fd(lock_fd);
	lock_fd = -1;
}
