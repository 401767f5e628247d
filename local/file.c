/*
 * file.c - delivery to a file, by a process that is its owner.
 *
 * A mailbox of mbox form is locked as others do (a file PATH.lock where the
 * directory lets us, and fcntl), and is as long as before where anything
 * fails.  A process that is killed in the middle may leave a part of a
 * message there; the next attempt appends it whole.
 */
#include <fcntl.h>
#include <sys/file.h>
#include <time.h>

#include "base/clock.h"
#include "forward.h"
#include "mime/from_line.h"

enum { LOCK_TRIES = 40, LOCK_WAIT_MS = 250, LOCK_OLD_S = 600, CHUNK = 65536 };

void
file_directory(const char *path, struct str *out)
{
	size_t n = strlen(path);

	/* of a Maildir it is the one above, which may have to be made */
	while (n > 1 && path[n - 1] == '/')
		n--;
	while (n > 1 && path[n - 1] != '/')
		n--;
	str_add(out, path, n);
}

static void
pause_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

/* 1 ours, 0 not needed or not possible here, -1 */
static int
dot_lock(const char *lock, struct err *err)
{
	struct stat st;
	int fd, i;

	for (i = 0; i < LOCK_TRIES; i++) {
		fd = open(lock, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd >= 0) {
			close(fd);
			return 1;
		}
		if (errno == EACCES || errno == EPERM || errno == EROFS)
			return 0;
		if (errno != EEXIST)
			return err_sys(err, "lock");
		/* who made it is long gone */
		if (stat(lock, &st) == 0 &&
		    wall_us() / 1000000 - st.st_mtime > LOCK_OLD_S)
			unlink(lock);
		else
			pause_ms(LOCK_WAIT_MS);
	}
	return err_temp(err, "4.2.0", "mailbox is locked");
}

static int
kernel_lock(int fd, struct err *err)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int i;

	for (i = 0; i < LOCK_TRIES; i++) {
		if (fcntl(fd, F_SETLK, &l) == 0)
			return 0;
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return err_sys(err, "lock");
		pause_ms(LOCK_WAIT_MS);
	}
	return err_temp(err, "4.2.0", "mailbox is locked");
}

/* --- mbox ----------------------------------------------------------------- */

static int
put(int fd, struct str *s, struct err *err)
{
	int rc = s->len == 0 ? 0 : full_write(fd, s->s, s->len);

	str_reset(s);
	return rc < 0 ? err_sys(err, "write") : 0;
}

static int
append(const struct job *j, const struct store_content *c, int fd,
    struct err *err)
{
	static char buf[CHUNK];
	struct from_line form = { .end = "\n" };
	struct str out = STR_INIT;
	uint64_t at = 0;
	ssize_t n;
	int rc;

	from_line_begin(&out, &form, j->sender, wall_us() / 1000000);
	rc = put(fd, &out, err);
	while (rc == 0 && at < c->size) {
		n = store_content_pread(c, buf, (size_t)MIN(c->size - at,
		    (uint64_t)CHUNK), at);
		if (n <= 0) {
			rc = n < 0 ? err_sys(err, "read content") :
			    err_temp(err, "4.3.0", "content is too short");
			break;
		}
		at += from_line_add(&out, &form, (struct slice){ buf,
		    (size_t)n }, at + (uint64_t)n == c->size);
		rc = put(fd, &out, err);
	}
	if (rc == 0) {
		from_line_end(&out, &form);
		rc = put(fd, &out, err);
	}
	str_free(&out);
	return rc;
}

static int
mbox_locked(const struct job *j, const struct rcpt *r, int fd,
    struct err *err)
{
	off_t was;
	int rc;

	if (kernel_lock(fd, err) < 0)
		return -1;
	was = lseek(fd, 0, SEEK_END);
	if (was < 0)
		return err_sys(err, "seek");
	rc = append(j, rcpt_content(j, r), fd, err);
	if (rc == 0 && fsync(fd) < 0)
		rc = err_sys(err, "sync");
	if (rc < 0 && (ftruncate(fd, was) < 0 || fsync(fd) < 0))
		return -1;
	return rc;
}

static int
sync_dir(const char *path, struct err *err)
{
	struct str dir = STR_INIT;
	int fd, rc;

	file_directory(path, &dir);
	fd = open(dir.s, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc = fd < 0 || fsync(fd) < 0 ? err_sys(err, "sync directory") : 0;
	close_fd(fd);
	str_free(&dir);
	return rc;
}

static int
mbox(const struct job *j, const struct rcpt *r, const char *path, uid_t uid,
    struct err *err)
{
	struct stat st;
	bool made = false;
	int fd, rc;

	fd = open(path, O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK |
	    O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		fd = open(path, O_RDWR | O_APPEND | O_NOFOLLOW | O_CREAT |
		    O_EXCL | O_CLOEXEC, 0600);
		made = fd >= 0;
	}
	if (fd < 0 || fstat(fd, &st) < 0) {
		rc = err_sys(err, "open");
	} else if (!S_ISREG(st.st_mode) || st.st_nlink != 1 ||
	    st.st_uid != uid) {
		rc = err_temp(err, "4.3.5", "not a file of its owner, or it "
		    "has several names");
	} else {
		rc = mbox_locked(j, r, fd, err);
		if (rc == 0 && made)
			rc = sync_dir(path, err);
	}
	close_fd(fd);
	return rc;
}

/* --- Maildir -------------------------------------------------------------- */

static int
make_dirs(const char *path, struct err *err)
{
	static const char *const sub[] = { "", "tmp", "new", "cur" };
	struct str p = STR_INIT;
	size_t i;
	int rc = 0;

	for (i = 0; i < ARRAY_LEN(sub) && rc == 0; i++) {
		str_reset(&p);
		str_addf(&p, "%s%s", path, sub[i]);
		if (mkdir(p.s, 0700) < 0 && errno != EEXIST)
			rc = err_sys(err, "make Maildir");
	}
	str_free(&p);
	return rc < 0 ? -1 : sync_dir(path, err);
}

static int
maildir(const struct job *j, const struct rcpt *r, const char *path,
    struct err *err)
{
	struct str tmp = STR_INIT, new = STR_INIT;
	int fd, rc;

	if (make_dirs(path, err) < 0)
		return -1;
	str_addf(&tmp, "%stmp/%s", path, r->slot.unique);
	str_addf(&new, "%snew/%s", path, r->slot.unique);
	unlink(tmp.s);
	fd = open(tmp.s, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	rc = fd < 0 ? err_sys(err, "make file") :
	    store_content_copy(rcpt_content(j, r), fd, true) < 0 ?
	    err_sys(err, "write") : 0;
	close_fd(fd);
	/* of the same name is the same message: it was delivered before */
	if (rc == 0 && link(tmp.s, new.s) < 0 && errno != EEXIST)
		rc = err_sys(err, "link");
	if (fd >= 0)
		unlink(tmp.s);
	if (rc == 0)
		rc = sync_dir(new.s, err);
	str_free(&tmp);
	str_free(&new);
	return rc;
}

int
file_deliver(const struct job *j, const struct rcpt *r, const char *path,
    uid_t uid, struct err *err)
{
	struct str lock = STR_INIT;
	int locked, rc = -1;

	if (path[strlen(path) - 1] == '/') {
		rc = maildir(j, r, path, err);
	} else {
		str_addf(&lock, "%s.lock", path);
		locked = dot_lock(lock.s, err);
		if (locked >= 0)
			rc = mbox(j, r, path, uid, err);
		if (locked == 1)
			unlink(lock.s);
		str_free(&lock);
	}
	return rc < 0 ? err_prefix(err, "%s", path) : 0;
}
