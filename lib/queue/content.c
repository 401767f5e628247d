/*
 * content.c - the id is the name: nobody but content_create makes a file
 * here, and O_EXCL decides who owns an id.
 */
#include "queue/content.h"

#include "base/clock.h"

#include <fcntl.h>
#include <sys/stat.h>

static const char digits[] =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

enum { RANDOM_BITS = 12, TRIES = 16, NEAR_BITS = 15 /* 33 ms */ };

void
qid_print(int64_t id, char q[QID_SIZE])
{
	uint64_t v = (uint64_t)id;
	int i;

	for (i = QID_LEN - 1; i >= 0; i--) {
		q[i] = digits[v % 62];
		v /= 62;
	}
	q[QID_LEN] = '\0';
}

static int
digit(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'Z')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 36;
	return -1;
}

int
qid_parse(const char *q, int64_t *id_r)
{
	uint64_t v = 0;
	int i, d;

	for (i = 0; i < QID_LEN; i++) {
		d = digit((unsigned char)q[i]);
		if (d < 0)
			return 0;
		if (mul_overflows(v, (uint64_t)62, &v) ||
		    add_overflows(v, (uint64_t)d, &v))
			return 0;
	}
	if (q[QID_LEN] != '\0' || v > INT64_MAX)
		return 0;
	*id_r = (int64_t)v;
	return 1;
}

bool
qid_valid(const char *q)
{
	int64_t id;

	return qid_parse(q, &id);
}

static int64_t
qid_of_us(int64_t us)
{
	return (int64_t)((uint64_t)us << RANDOM_BITS & INT64_MAX);
}

void
qid_make(char q[QID_SIZE])
{
	uint16_t r;

	random_few(&r, sizeof(r));
	qid_print(qid_of_us(wall_us()) | (r & ((1 << RANDOM_BITS) - 1)), q);
}

void
qid_make_near(char q[QID_SIZE])
{
	int64_t us = wall_us();
	uint16_t r;

	random_few(&r, sizeof(r));
	qid_print(qid_of_us(us) | (r & 0xf) << 8 | (us >> NEAR_BITS & 0xff),
	    q);
}

int64_t
qid_time_us(int64_t id)
{
	return id >> RANDOM_BITS;
}

int64_t
qid_at(int64_t unix_s)
{
	return qid_of_us(unix_s * 1000000);
}

void
content_dir(struct str *out, const char *spool, const char *q)
{
	int64_t id = 0;

	if (!qid_parse(q, &id))
		die("content_dir: bad queue id %.20s", q);
	str_addf(out, "%s/content/%02x", spool, (unsigned)(id & 0xff));
}

void
content_path(struct str *out, const char *spool, const char *q)
{
	content_dir(out, spool, q);
	str_addc(out, '/');
	str_adds(out, q);
}

static int
sync_dir(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0)
		return err_sys(err, "open %s", path);
	if (fsync(fd) != 0)
		rc = err_sys(err, "fsync %s", path);
	close_fd(fd);
	return rc;
}

static int
make_dir(const char *spool, const char *q, struct err *err)
{
	struct str dir = STR_INIT, parent = STR_INIT;
	mode_t old;
	int made, rc = 0;

	content_dir(&dir, spool, q);
	str_addf(&parent, "%s/content", spool);
	old = umask(0);
	made = mkdir(dir.s, 0771);
	umask(old);
	if (made != 0 && errno != EEXIST)
		rc = err_sys(err, "mkdir %s", dir.s);
	else
		rc = sync_dir(parent.s, err);
	str_free(&dir);
	str_free(&parent);
	return rc;
}

static int
create_file(const char *path, mode_t mode)
{
	return open(path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC |
	    O_NOFOLLOW, mode);
}

static int
create(const char *spool, const char *q, mode_t mode, int *fd_r,
    struct err *err)
{
	struct str path = STR_INIT;
	int fd, rc = 1;

	content_path(&path, spool, q);
	fd = create_file(path.s, mode);
	if (fd < 0 && errno == ENOENT) {
		if (make_dir(spool, q, err) != 0) {
			str_free(&path);
			return -1;
		}
		fd = create_file(path.s, mode);
	}
	if (fd >= 0)
		*fd_r = fd;
	else
		rc = errno == EEXIST ? 0 : err_sys(err, "create %s", path.s);
	str_free(&path);
	return rc;
}

/* readable to the group, whatever umask says: other programs read it */
static int
create_readable(const char *spool, const char *q, mode_t mode, int *fd_r,
    struct err *err)
{
	mode_t old = umask(0);
	int rc = create(spool, q, mode, fd_r, err);

	umask(old);
	return rc;
}

int
content_create(const char *spool, const char *q, int *fd_r, struct err *err)
{
	return create_readable(spool, q, 0640, fd_r, err);
}

int
content_create_whole(const char *spool, const char *q, int *fd_r,
    struct err *err)
{
	return create(spool, q, 0440, fd_r, err);
}

int
content_write(const char *spool, const char *q, struct slice bytes,
    struct err *err)
{
	struct err ignored;
	int fd = -1, rc;

	if (content_remove(spool, q, err) < 0)
		return -1;
	rc = create_readable(spool, q, 0440, &fd, err);
	if (rc == 0)
		rc = err_temp(err, "4.3.0", "%s appeared again", q);
	else if (rc == 1)
		rc = full_write(fd, bytes.p, bytes.n) < 0 ?
		    err_sys(err, "write %s", q) : 0;
	close_fd(fd);
	if (rc < 0 && fd >= 0)	/* a part of it is of no use */
		content_remove(spool, q, &ignored);
	return rc;
}

int
content_create_new(const char *spool, char q[QID_SIZE], int *fd_r,
    struct err *err)
{
	int i, rc;

	for (i = 0; i < TRIES; i++) {
		qid_make(q);
		rc = content_create(spool, q, fd_r, err);
		if (rc != 0)
			return rc;
	}
	return err_temp(err, "4.3.0", "no free queue id after %d tries",
	    TRIES);
}

int
content_sync(const char *spool, const char *q, struct err *err)
{
	struct str dir = STR_INIT;
	int rc;

	content_dir(&dir, spool, q);
	rc = sync_dir(dir.s, err);
	str_free(&dir);
	return rc;
}

int
content_open(const char *spool, const char *q, int *fd_r, struct err *err)
{
	struct str path = STR_INIT;
	int fd, rc = 1;

	content_path(&path, spool, q);
	fd = open(path.s, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0)
		*fd_r = fd;
	else
		rc = errno == ENOENT ? 0 : err_sys(err, "open %s", path.s);
	str_free(&path);
	return rc;
}

int
content_remove(const char *spool, const char *q, struct err *err)
{
	struct str path = STR_INIT;
	int rc = 1;

	content_path(&path, spool, q);
	if (unlink(path.s) != 0)
		rc = errno == ENOENT ? 0 : err_sys(err, "unlink %s", path.s);
	str_free(&path);
	return rc;
}

size_t
content_trace(struct slice text, const char *name)
{
	const char *nl;

	if (!slice_istarts(text, name))
		return 0;
	nl = memchr(text.p, '\n', text.n);
	return nl == NULL ? 0 : (size_t)(nl - text.p) + 1;
}
