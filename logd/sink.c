/*
 * sink.c - after a failed write the next one begins on a line of its own.
 */
#include "sink.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define SYSLOG_SOCKET "/dev/log"

void
sink_init(struct sink *s, enum sink_kind kind, const char *path)
{
	*s = (struct sink){ .kind = kind, .path = path, .fd = -1 };
}

void
sink_close(struct sink *s)
{
	if (s->kind != SINK_STDOUT)
		close_fd(s->fd);
	s->fd = -1;
}

static int
open_file(struct sink *s, struct err *err)
{
	struct stat st;
	int fd;

	fd = open(s->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC |
	    O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0640);
	if (fd < 0)
		return err_sys(err, "cannot open %s", s->path);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return err_temp(err, "4.3.5", "%s is no regular file",
		    s->path);
	}
	s->fd = fd;
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	return 0;
}

static int
open_syslog(struct sink *s, struct err *err)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX,
	    .sun_path = SYSLOG_SOCKET };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return err_sys(err, "cannot make a socket");
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) != 0) {
		err_sys(err, "cannot connect to %s", SYSLOG_SOCKET);
		close(fd);
		return -1;
	}
	s->fd = fd;
	return 0;
}

int
sink_open(struct sink *s, struct err *err)
{
	sink_close(s);
	s->half = false;
	switch (s->kind) {
	case SINK_FILE:
		return open_file(s, err);
	case SINK_SYSLOG:
		return open_syslog(s, err);
	case SINK_STDOUT:
		s->fd = STDOUT_FILENO;
		break;
	}
	return 0;
}

int
sink_check(struct sink *s, struct err *err)
{
	struct stat st;

	if (s->fd >= 0 && s->kind != SINK_FILE)
		return 0;
	if (s->fd >= 0 && lstat(s->path, &st) == 0 && st.st_dev == s->dev &&
	    st.st_ino == s->ino)
		return 0;
	return sink_open(s, err) == 0 ? 1 : -1;
}

static int
send_lines(int fd, struct slice batch)
{
	struct slice line;

	while (batch.n > 0 && slice_cut(&batch, '\n', &line) == 1)
		if (line.n > 0 && send(fd, line.p, line.n,
		    MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			return -1;
	return 0;
}

/* 0 all of it, or -1 errno */
static int
put(struct sink *s, struct slice b)
{
	ssize_t r;

	if (s->kind == SINK_SYSLOG)
		return send_lines(s->fd, b);
	if (s->half) {
		if (write(s->fd, "\n", 1) != 1)
			return -1;
		s->half = false;
	}
	while (b.n > 0) {
		r = write(s->fd, b.p, b.n);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -1;
		b = slice_sub(b, (size_t)r, b.n);
		s->half = r > 0 && b.p[-1] != '\n';
	}
	return 0;
}

bool
sink_write(struct sink *s, struct slice batch, size_t count, uint64_t *lost_r,
    struct err *err)
{
	*lost_r = 0;
	if (s->fd < 0)
		errno = EBADF;
	if (s->fd < 0 || put(s, batch) != 0) {
		if (s->dropped == 0)
			err_sys(err, "cannot write the log");
		if (s->kind == SINK_SYSLOG)
			sink_close(s);
		s->dropped += count;
		return false;
	}
	*lost_r = s->dropped;
	s->dropped = 0;
	return true;
}
