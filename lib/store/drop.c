/*
 * drop.c - opening, locking and reading a drop.  Invariant: once scanned,
 * msg is sorted by (time, unique part), no two have the same unique part
 * unless their salts differ, and the order never changes.
 */
#include "store/drop.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "store/dir.h"
#include "store/name.h"
#include "store/drop_part.h"

enum { LOCK_POLL_MS = 100, TMP_OLD = 36 * 3600 };

const char *const drop_subs[2] = { "new", "cur" };

int
drop_open(struct drop *d, const char *home, struct err *err)
{
	int dir, i;

	*d = (struct drop){ .maildir = -1, .sub = { -1, -1 }, .lock = -1 };
	dir = open(home, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(err, "open %s", home);
	d->maildir = dir_open(dir, "Maildir", O_PATH | O_DIRECTORY, 0);
	close_fd(dir);
	if (d->maildir < 0)
		return err_sys(err, "open %s/Maildir", home);
	for (i = 0; i < 2; i++) {
		d->sub[i] = dir_open(d->maildir, drop_subs[i],
		    O_PATH | O_DIRECTORY, 0);
		if (d->sub[i] < 0)
			return err_sys(err, "open %s/Maildir/%s", home,
			    drop_subs[i]);
	}
	return 0;
}

void
drop_close(struct drop *d)
{
	close_fd(d->maildir);
	close_fd(d->sub[0]);
	close_fd(d->sub[1]);
	drop_unlock(d);
	arena_free(&d->names);
	free(d->msg);
	*d = (struct drop){ .maildir = -1, .sub = { -1, -1 }, .lock = -1 };
}

int
drop_lock(struct drop *d, int64_t wait_ms, struct err *err)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int64_t end = mono_ms() + wait_ms;

	d->lock = dir_open(d->maildir, ".state/pop3.lock", O_RDWR | O_CREAT,
	    0600);
	if (d->lock < 0)
		return err_sys(err, "open Maildir/.state/pop3.lock");
	while (fcntl(d->lock, F_OFD_SETLK, &fl) < 0) {
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return err_sys(err, "lock Maildir/.state/pop3.lock");
		if (mono_ms() >= end)
			return 0;
		usleep(LOCK_POLL_MS * 1000);
	}
	return 1;
}

void
drop_unlock(struct drop *d)
{
	close_fd(d->lock);
	d->lock = -1;
}

int64_t
drop_last_login(const struct drop *d)
{
	char buf[32];
	ssize_t n = pread(d->lock, buf, sizeof(buf), 0);
	uint64_t t;

	if (n <= 0 || !slice_u64(slice_trim((struct slice){ buf, (size_t)n }),
	    INT64_MAX, &t))
		return 0;
	return (int64_t)t;
}

int
drop_set_login(struct drop *d, int64_t now, struct err *err)
{
	char buf[32];
	int n = snprintf(buf, sizeof(buf), "%lld\n", (long long)now);

	if (ftruncate(d->lock, 0) < 0 ||
	    pwrite(d->lock, buf, (size_t)n, 0) != n)
		return err_sys(err, "write Maildir/.state/pop3.lock");
	return 0;
}

/* --- scanning --------------------------------------------------------- */

struct scan {
	struct drop *d;
	bool in_cur;
};

static int
add_msg(void *ctx, const char *name, int type)
{
	struct scan *s = ctx;
	struct drop *d = s->d;
	struct drop_msg *m;
	struct mail_name n;

	if (type != DT_REG && type != DT_UNKNOWN)
		return 0;
	if (d->n == d->max) {
		d->more = true;
		return 1;
	}
	if (d->n == d->cap) {
		d->cap = d->cap ? d->cap * 2 : 64;
		d->msg = xrealloc(d->msg, d->cap * sizeof(*d->msg));
	}
	mail_name_parse(slice_of(name), &n);
	m = &d->msg[d->n++];
	*m = (struct drop_msg){
		.name = arena_strdup(&d->names, name),
		.time = n.time, .unique = (unsigned short)n.unique.n,
		.in_cur = s->in_cur,
		.size = n.has_size ? n.size : UINT64_MAX,
		.octets = n.has_wsize ? n.wsize : UINT64_MAX,
	};
	return 0;
}

int
drop_cmp(const void *pa, const void *pb)
{
	const struct drop_msg *a = pa, *b = pb;
	size_t n = MIN(a->unique, b->unique);
	int r;

	if (a->time != b->time)
		return a->time < b->time ? -1 : 1;
	r = memcmp(a->name, b->name, n);
	if (r == 0)
		r = (a->unique > b->unique) - (a->unique < b->unique);
	return r;
}

/* which of two of one unique part keeps it: that in cur/, then by name */
static int
cmp_dup(const void *pa, const void *pb)
{
	const struct drop_msg *a = pa, *b = pb;
	int r = drop_cmp(a, b);

	if (r == 0)
		r = b->in_cur - a->in_cur;
	return r ? r : strcmp(a->name, b->name);
}

/* A second file of one unique part (copied or restored by another program)
 * gets a name of its own, now and for ever; where that can not be, its UIDL
 * is told apart by the inode.  The same inode in new/ and cur/ is one message
 * that is being moved. */
static void
part_dup(struct drop *d, const struct drop_msg *first, struct drop_msg *m)
{
	int sub = d->sub[m->in_cur];
	struct str name = STR_INIT;
	struct stat st, other;

	if (fstatat(sub, m->name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    (fstatat(d->sub[first->in_cur], first->name, &other,
	    AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == other.st_ino)) {
		m->gone = true;
		return;
	}
	str_add(&name, m->name, m->unique);
	str_addf(&name, ".D%llx", (unsigned long long)st.st_ino);
	m->salt = (uint64_t)st.st_ino;
	if (name.len < USHRT_MAX) {
		size_t unique = name.len;

		str_adds(&name, m->name + m->unique);
		if (renameat2(sub, m->name, sub, name.s,
		    RENAME_NOREPLACE) == 0) {
			m->name = arena_strdup(&d->names, name.s);
			m->unique = (unsigned short)unique;
			m->salt = 0;
		}
	}
	str_free(&name);
}

static void
part_dups(struct drop *d)
{
	size_t i, first = 0;

	for (i = 1; i < d->n; i++) {
		if (drop_cmp(&d->msg[first], &d->msg[i]) != 0)
			first = i;
		else
			part_dup(d, &d->msg[first], &d->msg[i]);
	}
}

/* --- sizes that the name does not tell ------------------------------------ */

/* octets as smtp_stuff sends them, without dots: every CR LF, CR and LF is
 * one line end, and the last line has one */
static int
count_octets(int fd, uint64_t *octets_r)
{
	static char buf[65536];
	uint64_t octets = 0;
	bool cr = false, eol = true;
	ssize_t n, i;

	while ((n = read(fd, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		for (i = 0; i < n; i++) {
			eol = buf[i] == '\n' || buf[i] == '\r';
			if (buf[i] != '\n' || !cr)
				octets += eol ? 2 : 1;
			cr = buf[i] == '\r';
		}
	}
	*octets_r = octets + (eol ? 0 : 2);
	return 0;
}

/* 0, or -1: the message is left out */
static int
measure(struct drop *d, struct drop_msg *m)
{
	struct stat st;
	int fd, r;

	if (m->size != UINT64_MAX && m->octets != UINT64_MAX)
		return 0;
	fd = dir_open(d->sub[m->in_cur], m->name, O_RDONLY | O_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	r = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? 0 : -1;
	if (r == 0)
		m->size = (uint64_t)st.st_size;
	if (r == 0 && m->octets == UINT64_MAX)
		r = count_octets(fd, &m->octets);
	close(fd);
	return r;
}

static void
keep_real(struct drop *d)
{
	size_t i, n = 0;

	for (i = 0; i < d->n; i++)
		if (!d->msg[i].gone && measure(d, &d->msg[i]) == 0)
			d->msg[n++] = d->msg[i];
	d->n = n;
}

static int
clean_one(void *ctx, const char *name, int type)
{
	int *tmp = ctx;
	struct stat st;

	(void)type;
	if (fstatat(*tmp, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    MAX(st.st_mtime, st.st_ctime) < wall_s() - TMP_OLD)
		unlinkat(*tmp, name, 0);
	return 0;
}

/* what nobody finished within 36 hours was left by a crash */
static void
clean_tmp(struct drop *d)
{
	int tmp = dir_open(d->maildir, "tmp", O_PATH | O_DIRECTORY, 0);
	struct err ignored;

	if (tmp >= 0)
		dir_each(tmp, ".", false, clean_one, &tmp, &ignored);
	close_fd(tmp);
}

int
drop_scan(struct drop *d, size_t max, struct err *err)
{
	struct scan s = { .d = d };
	int i;

	d->max = max;
	/* new/ first: what is moved meanwhile is seen twice, never missed */
	for (i = 0; i < 2; i++) {
		s.in_cur = i == 1;
		if (dir_each(d->maildir, drop_subs[i], false, add_msg, &s,
		    err) < 0)
			return -1;
	}
	if (d->n > 0) {
		qsort(d->msg, d->n, sizeof(*d->msg), cmp_dup);
		part_dups(d);
		keep_real(d);
		qsort(d->msg, d->n, sizeof(*d->msg), drop_cmp);
	}
	clean_tmp(d);
	return 0;
}

void
drop_uidl(const struct drop *d, size_t i, struct str *out)
{
	const struct drop_msg *m = &d->msg[i];

	mail_name_uidl(out, (struct slice){ m->name, m->unique }, m->salt);
}

void
drop_stat(const struct drop *d, uint64_t *count_r, uint64_t *octets_r)
{
	size_t i;

	*count_r = *octets_r = 0;
	for (i = 0; i < d->n; i++)
		if (!d->msg[i].deleted) {
			++*count_r;
			*octets_r += d->msg[i].octets;
		}
}
