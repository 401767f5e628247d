/*
 * drop_update.c - reading a message and the UPDATE state.  A message that is
 * not under its name any more was renamed by another program (a session of
 * IMAP does this, too), and is found by one look through both directories for
 * all of them.  One that is being renamed may be missed by readdir: what is not
 * found counts as gone only where the directories did not change meanwhile,
 * or, where they never stop, after some looks and for what is looked for.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "store/dir.h"
#include "store/drop_part.h"
#include "store/name.h"
#include "store/quota.h"

enum { WAITS_MAX = 2, PASSES_MAX = 50 };

struct refind {
	struct drop *d;
	const struct drop_msg *one;	/* NULL: all that are deleted */
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
	if (m == NULL || m->salt != 0 || m->found)
		return 0;
	m->found = true;
	if (strcmp(m->name, name) != 0)
		m->name = arena_strdup(&d->names, name);
	m->in_cur = f->in_cur;
	return 0;
}

/* is any not found that is looked for? */
static bool
misses(const struct refind *f)
{
	const struct drop *d = f->d;
	const struct drop_msg *m;

	if (f->one != NULL)
		return !f->one->found && f->one->salt == 0;
	for (m = d->msg; m < d->msg + d->n; m++)
		if (m->deleted && !m->found && m->salt == 0)
			return true;
	return false;
}

/* Both directories once.  0 nothing changed meanwhile, -1 failed, else how long
 * to wait, in ms, before it can be told of another look */
static int64_t
look(struct refind *f, struct err *err)
{
	struct drop *d = f->d;
	int64_t before[2], now, wait = 0;
	size_t i;
	int k;

	for (i = 0; i < d->n; i++)
		d->msg[i].found = false;
	/* new/ first: what moves to cur/ meanwhile is not missed */
	for (k = 0; k < 2; k++) {
		before[k] = dir_time(d->sub[k]);
		f->in_cur = k == 1;
		if (dir_each(d->maildir, drop_subs[k], false, refind_one, f,
		    err) < 0)
			return -1;
	}
	for (k = 0; k < 2; k++) {
		now = dir_time(d->sub[k]);
		wait = MAX(wait, dir_settles_ms(now) + (now != before[k]));
	}
	return wait;
}

/* Look for all messages anew; what is not found is gone. */
static int
refind(struct drop *d, const struct drop_msg *one, struct err *err)
{
	struct refind f = { .d = d, .one = one };
	struct drop_msg *m;
	int waits = WAITS_MAX;
	int64_t wait;

	for (;;) {
		wait = look(&f, err);
		if (wait < 0)
			return -1;
		if (wait == 0 || !misses(&f) || waits-- == 0)
			break;
		usleep((useconds_t)wait * 1000 + 5000);
	}
	for (m = d->msg; m < d->msg + d->n; m++)
		if (m->found)
			m->gone = false;
		else if (m->salt == 0 && (wait == 0 ||
		    (one != NULL ? m == one : m->deleted)))
			m->gone = true;
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
		if (try == 0 && refind(d, m, err) < 0)
			return -1;
		m->gone |= try == 1 || m->salt != 0;
	}
	return err_perm(err, "5.2.0", "another program removed it");
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

struct removing {
	struct drop *d;
	struct drop_done *done;
	int64_t bytes, count;	/* of the quota */
	bool touched[2];
	struct err first;
};

static void
keep_first(struct removing *r, const struct err *e)
{
	if (r->first.kind == ERR_NONE)
		r->first = *e;
}

/* removed, or gone */
static void
done_with(struct removing *r, struct drop_msg *m)
{
	m->deleted = false;
	m->gone = true;
	r->done->deleted++;
}

static void
failed(struct removing *r, struct drop_msg *m, const struct err *e)
{
	m->deleted = false;
	r->done->failed++;
	keep_first(r, e);
}

/* How many were not under their names? */
static size_t
remove_pass(struct removing *r)
{
	struct drop *d = r->d;
	struct drop_msg *m;
	size_t missing = 0;
	struct err e;

	for (m = d->msg; m < d->msg + d->n; m++) {
		if (!m->deleted)
			continue;
		if (m->gone) {
			done_with(r, m);
		} else if (unlinkat(d->sub[m->in_cur], m->name, 0) == 0) {
			r->touched[m->in_cur] = true;
			if (counts(m)) {
				r->bytes -= (int64_t)m->size;
				r->count--;
			}
			done_with(r, m);
		} else if (errno != ENOENT) {
			err_sys(&e, "remove message");
			failed(r, m, &e);
		} else if (m->salt != 0) {
			done_with(r, m);
		} else {
			missing++;
		}
	}
	return missing;
}

/* Some may be renamed again by the time that they are found. */
static void
remove_all(struct removing *r)
{
	struct drop *d = r->d;
	struct err e = ERR_INIT;
	size_t i;
	int pass = 0, bad = 0;

	while (remove_pass(r) > 0 && bad == 0 && pass++ < PASSES_MAX)
		bad = refind(d, NULL, &e);
	if (bad == 0)
		err_temp(&e, "4.2.0", "another program renames the messages");
	for (i = 0; i < d->n; i++)
		if (d->msg[i].deleted)
			failed(r, &d->msg[i], &e);
}

int
drop_update(struct drop *d, unsigned flags, struct drop_done *done,
    struct err *err)
{
	struct removing r = { .d = d, .done = done, .first = ERR_INIT };
	struct drop_msg *m;
	struct err e;

	*done = (struct drop_done){ 0 };
	for (m = d->msg; m < d->msg + d->n; m++)
		if (!m->deleted && m->seen && (flags & DROP_SAVE_SEEN) &&
		    !m->gone)
			save_seen(d, m, flags, done);
	remove_all(&r);
	if (r.count != 0)
		quota_add(d->maildir, r.bytes, r.count);
	if (sync_subs(d, r.touched, &e) < 0)
		keep_first(&r, &e);
	if (r.first.kind == ERR_NONE)
		return 0;
	*err = r.first;
	return -1;
}
