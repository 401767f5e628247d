/*
 * quota.c - maildirsize.  The file is replaced by rename and otherwise only
 * appended to, so whoever reads it sees whole lines.
 */
#include "store/quota.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "store/dir.h"
#include "store/name.h"

struct count {
	int maildir;
	const char *sub;	/* directory at work, below maildir */
	struct quota_use u;
	struct err *err;
};

static int
count_file(void *ctx, const char *name, int type)
{
	struct count *c = ctx;
	struct mail_name n;
	struct str path = STR_INIT;
	struct stat st;

	if (type != DT_REG && type != DT_UNKNOWN)
		return 0;
	mail_name_parse(slice_of(name), &n);
	if (slice_find(n.flags, 'T') < n.flags.n)
		return 0;
	if (!n.has_size) {
		str_addf(&path, "%s/%s", c->sub, name);
		if (fstatat(c->maildir, path.s, &st,
		    AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
			n.size = (uint64_t)st.st_size;
		str_free(&path);
	}
	if (add_overflows(c->u.bytes, n.size, &c->u.bytes))
		c->u.bytes = UINT64_MAX;
	c->u.count++;
	return 0;
}

static int
count_folder(struct count *c, const char *folder)
{
	static const char *const subs[] = { "new", "cur" };
	struct str path = STR_INIT;
	size_t i;
	int r = 0;

	for (i = 0; i < ARRAY_LEN(subs) && r == 0; i++) {
		str_reset(&path);
		str_addf(&path, "%s/%s", folder, subs[i]);
		c->sub = path.s;
		r = dir_each(c->maildir, path.s, false, count_file, c, c->err);
	}
	str_free(&path);
	return r;
}

static int
count_if_folder(void *ctx, const char *name, int type)
{
	if (name[0] != '.' || (type != DT_DIR && type != DT_UNKNOWN) ||
	    strcmp(name, ".Trash") == 0 || strcmp(name, ".state") == 0)
		return 0;
	return count_folder(ctx, name);
}

/* a new maildirsize; without room for it the count alone must do */
static void
write_file(int maildir, uint64_t limit, const struct quota_use *u)
{
	struct str text = STR_INIT, tmp = STR_INIT;
	int fd, r;

	str_addf(&text, "%lluS\n%llu %llu\n", (unsigned long long)limit,
	    (unsigned long long)u->bytes, (unsigned long long)u->count);
	str_addf(&tmp, "tmp/maildirsize.%d.%08x", (int)getpid(),
	    random_below(UINT32_MAX));
	fd = dir_open(maildir, tmp.s, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd >= 0) {
		r = full_write(fd, text.s, text.len);
		close(fd);
		if (r < 0 ||
		    renameat(maildir, tmp.s, maildir, "maildirsize") < 0)
			unlinkat(maildir, tmp.s, 0);
	}
	str_free(&text);
	str_free(&tmp);
}

static int
recount(int maildir, uint64_t limit, struct quota_use *u, struct err *err)
{
	struct count c = { .maildir = maildir, .err = err };

	if (count_folder(&c, ".") < 0 ||
	    dir_each(maildir, ".", true, count_if_folder, &c, err) < 0)
		return -1;
	*u = c.u;
	if (limit != 0)
		write_file(maildir, limit, u);
	return 0;
}

/* "-12" */
static int
take_number(struct slice s, int64_t *r)
{
	bool minus = s.n > 0 && s.p[0] == '-';
	uint64_t v;

	if (!slice_u64(slice_sub(s, minus ? 1 : 0, s.n), INT64_MAX, &v))
		return 0;
	*r = minus ? -(int64_t)v : (int64_t)v;
	return 1;
}

/* the lines behind the first: 1, or 0 where they make no sense */
static int
sum_lines(struct slice rest, struct quota_use *u, size_t *lines_r)
{
	int64_t bytes = 0, count = 0, b, n;
	struct slice line, w;

	*lines_r = 0;
	while (slice_cut(&rest, '\n', &line)) {
		if (!slice_word(&line, &w))
			continue;
		if (!take_number(w, &b) || !slice_word(&line, &w) ||
		    !take_number(w, &n) || add_overflows(bytes, b, &bytes) ||
		    add_overflows(count, n, &count))
			return 0;
		++*lines_r;
	}
	if (bytes < 0 || count < 0)
		return 0;
	u->bytes = (uint64_t)bytes;
	u->count = (uint64_t)count;
	return 1;
}

/* 1 the file holds; 0 count anew.  *fresh: it was just counted */
static int
read_size(int maildir, uint64_t limit, struct quota_use *u, bool *fresh)
{
	char buf[QUOTA_FILE_MAX + 1];
	struct slice rest, head;
	struct str want = STR_INIT;
	struct stat st;
	size_t lines;
	ssize_t n;
	int64_t age;
	int fd, ok;

	fd = dir_open(maildir, "maildirsize", O_RDONLY | O_NONBLOCK, 0);
	if (fd < 0)
		return 0;
	ok = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	n = ok ? read(fd, buf, sizeof(buf)) : -1;
	close(fd);
	if (n <= 0 || n > QUOTA_FILE_MAX)
		return 0;
	age = wall_s() - st.st_mtime;
	if (age > QUOTA_OLD)
		return 0;
	rest = (struct slice){ buf, (size_t)n };
	str_addf(&want, "%lluS", (unsigned long long)limit);
	ok = slice_cut(&rest, '\n', &head) &&
	    slice_eq(slice_trim(head), slice_str(&want));
	str_free(&want);
	if (!ok || !sum_lines(rest, u, &lines))
		return 0;
	*fresh = lines <= 1 && age <= QUOTA_OVER_OLD;
	return 1;
}

int
quota_used(int maildir, uint64_t limit, struct quota_use *u, struct err *err)
{
	if (limit == 0)
		return recount(maildir, 0, u, err);
	return quota_fits(maildir, limit, 0, u, err) < 0 ? -1 : 0;
}

static bool
fits(const struct quota_use *u, uint64_t limit, uint64_t size)
{
	uint64_t sum;

	return !add_overflows(u->bytes, size, &sum) && sum <= limit;
}

int
quota_fits(int maildir, uint64_t limit, uint64_t size, struct quota_use *u,
    struct err *err)
{
	bool fresh = false;

	if (read_size(maildir, limit, u, &fresh) &&
	    (fresh || fits(u, limit, size)))
		return fits(u, limit, size);
	if (recount(maildir, limit, u, err) < 0)
		return -1;
	return fits(u, limit, size);
}

void
quota_add(int maildir, int64_t bytes, int64_t count)
{
	char line[64];
	int fd, n;

	fd = dir_open(maildir, "maildirsize",
	    O_WRONLY | O_APPEND | O_NONBLOCK, 0);
	if (fd < 0)
		return;
	n = snprintf(line, sizeof(line), "%lld %lld\n", (long long)bytes,
	    (long long)count);
	/* one write: lines of others are never cut */
	if (write(fd, line, (size_t)n) != n)
		unlinkat(maildir, "maildirsize", 0);
	close(fd);
}
