/*
 * drop_update.c - reading a message and the UPDATE state.  A message that is
 * not under its name any more was renamed by another program, and is found by
 * one look through both directories for all of them.
 */
#include <dirent.h>
#include <fcntl.h>

#include "store/dir.h"
#include "store/drop_part.h"
#include "store/name.h"
#include "store/quota.h"

struct refind {
	struct drop *d;
	bool in_cur;
};

static int
refind_one(void *ctx, const char *name, int type)
{
	struct refind *f = ctx;
	struct drop *d = f->d;
	struct drop_msg key, *m;
	struct mail_name n;

	if (type != DT_REG && type != DT_UNKNOWN)
		return 0;
	mail_name_parse(slice_of(name), &n);
	key = (struct drop_msg){ .name = name, .time = n.time,
		.unique = (unsigned short)n.unique.n };
	m = bsearch(&key, d->msg, d->n, sizeof(*d->msg), drop_cmp);
	if (m == NULL || m->salt != 0 || !m->gone)
		return 0;
	m->gone = false;
	if (strcmp(m->name, name) != 0)
		m->name = arena_strdup(&d->names, name);
	m->in_cur = f->in_cur;
	return 0;
}

/* Look for all messages anew; what is not found is gone. */
static int
refind(struct drop *d, struct err *err)
{
	struct refind f = { .d = d };
	size_t i;
	int k;

	for (i = 0; i < d->n; i++)
		d->msg[i].gone = d->msg[i].salt == 0;
	for (k = 0; k < 2; k++) {
		f.in_cur = k == 1;
		if (dir_each(d->maildir, drop_subs[k], false, refind_one, &f,
		    err) < 0)
			return -1;
	}
	return 0;
}

int
drop_read(struct drop *d, size_t i, struct err *err)
{
	struct drop_msg *m = &d->msg[i];
	int fd = -1, try;

	for (try = 0; try < 2 && !m->gone; try++) {
		fd = dir_open(d->sub[m->in_cur], m->name,
		    O_RDONLY | O_NONBLOCK, 0);
		if (fd >= 0)
			return fd;
		if (errno != ENOENT)
			return err_sys(err, "open message");
		if (try == 0 && refind(d, err) < 0)
			return -1;
		m->gone |= try == 1 || m->salt != 0;
	}
	return err_perm(err, "5.2.0", "another program removed it");
}

/* 1 removed by us, 0 it was gone, -1 */
static int
remove_msg(struct drop *d, struct drop_msg *m, bool *looked, struct err *err)
{
	while (!m->gone) {
		if (unlinkat(d->sub[m->in_cur], m->name, 0) == 0)
			return 1;
		if (errno != ENOENT)
			return err_sys(err, "remove message");
		if (*looked || m->salt != 0)
			return 0;
		*looked = true;
		if (refind(d, err) < 0)
			return -1;
	}
	return 0;
}

static void
save_seen(struct drop *d, struct drop_msg *m, unsigned flags,
    struct drop_done *done)
{
	struct mail_name n;
	struct str name = STR_INIT;

	mail_name_parse(slice_of(m->name), &n);
	mail_name_flag(&name, &n, flags & DROP_MARK_SEEN ? 'S' : 0);
	if ((!m->in_cur || strcmp(name.s, m->name) != 0) &&
	    renameat2(d->sub[m->in_cur], m->name, d->sub[1], name.s,
	    RENAME_NOREPLACE) == 0)
		done->seen++;
	str_free(&name);
}

static int
sync_subs(struct drop *d, const bool touched[2], struct err *err)
{
	int i, fd, r = 0;

	for (i = 0; i < 2; i++) {
		if (!touched[i])
			continue;
		fd = dir_open(d->maildir, drop_subs[i],
		    O_RDONLY | O_DIRECTORY, 0);
		if (fd < 0 || fsync(fd) < 0)
			r = err_sys(err, "sync Maildir/%s", drop_subs[i]);
		close_fd(fd);
	}
	return r;
}

static bool
counts(const struct drop_msg *m)
{
	struct mail_name n;

	mail_name_parse(slice_of(m->name), &n);
	return slice_find(n.flags, 'T') == n.flags.n;
}

int
drop_update(struct drop *d, unsigned flags, struct drop_done *done,
    struct err *err)
{
	bool touched[2] = { false, false }, looked = false;
	int64_t bytes = 0, count = 0;
	struct err first = ERR_INIT, e;
	struct drop_msg *m;
	int r;

	*done = (struct drop_done){ 0 };
	for (m = d->msg; m < d->msg + d->n; m++) {
		if (!m->deleted) {
			if (m->seen && (flags & DROP_SAVE_SEEN) && !m->gone)
				save_seen(d, m, flags, done);
			continue;
		}
		r = remove_msg(d, m, &looked, &e);
		if (r < 0 && done->failed++ == 0)
			first = e;
		if (r < 0)
			continue;
		done->deleted++;
		if (r == 0)
			continue;
		touched[m->in_cur] = true;
		if (counts(m)) {
			bytes -= (int64_t)m->size;
			count--;
		}
	}
	if (count != 0)
		quota_add(d->maildir, bytes, count);
	if (sync_subs(d, touched, &e) < 0 && first.kind == ERR_NONE)
		first = e;
	if (first.kind == ERR_NONE)
		return 0;
	*err = first;
	return -1;
}
