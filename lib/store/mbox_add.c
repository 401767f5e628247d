/*
 * mbox_add.c - APPEND and COPY: messages that shall be added.  Files are
 * complete in tmp/, or are another mailbox's, before anything is seen;
 * mbox_add_commit.c does the rest.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "store/dir.h"
#include "store/mbox_add_part.h"
#include "store/quota.h"

enum { UNIQUE_MAX = 150 };

struct mailbox_add *
mailbox_add_new(struct mailbox *mb)
{
	struct mailbox_add *a = xcalloc(1, sizeof(*a));

	a->mb = mb;
	a->fd = -1;
	a->buf = (struct str)STR_INIT;
	return a;
}

static bool
same_dir(int x, int y)
{
	struct stat a, b;

	return fstat(x, &a) == 0 && fstat(y, &b) == 0 &&
	    a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

void
mailbox_add_moves(struct mailbox_add *a, struct mailbox *from,
    const uint32_t *idx, bool *mine)
{
	a->from = from;
	a->idx = idx;
	a->mine = mine;
	a->within = same_dir(from->in->maildir, a->mb->in->maildir);
}

static struct adding *
next_one(struct mailbox_add *a)
{
	if (a->n == a->cap) {
		a->cap = a->cap ? a->cap * 2 : 8;
		a->v = xrealloc(a->v, a->cap * sizeof(*a->v));
	}
	memset(&a->v[a->n], 0, sizeof(*a->v));
	return &a->v[a->n];
}

int
mbox_add_tmp(struct mailbox_add *a, struct adding *m, struct err *err)
{
	static unsigned seq;
	struct mailbox_impl *in = a->mb->in;
	struct str name = STR_INIT;

	if (a->mb->in->writable == false)
		return err_perm(err, "5.7.8", "mailbox is read-only");
	mail_name_fresh(&name, wall_us(), (long)getpid(), ++seq, in->host);
	if (m->unique == NULL)
		m->unique = arena_strdup(&a->mem, name.s);
	m->tmp = arena_printf(&a->mem, "tmp/%s", name.s);
	str_free(&name);
	a->fd = dir_open(in->dir, m->tmp, O_RDWR | O_CREAT | O_EXCL, 0440);
	if (a->fd < 0 && errno == ENOENT) {
		mkdirat(in->dir, "tmp", 0700);
		a->fd = dir_open(in->dir, m->tmp, O_RDWR | O_CREAT | O_EXCL,
		    0440);
	}
	if (a->fd < 0) {
		m->tmp = NULL;
		return err_sys(err, "make a file in tmp");
	}
	return 0;
}

static void
drop_tmp(struct mailbox_add *a, struct adding *m)
{
	if (m->tmp != NULL)
		unlinkat(a->mb->in->dir, m->tmp, 0);
	m->tmp = NULL;
	close_fd(a->fd);
	a->fd = -1;
}

uint64_t
mbox_add_sum(const struct mailbox_add *a, size_t n)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < n && !a->within; i++)
		if (add_overflows(sum, a->v[i].size, &sum))
			sum = UINT64_MAX;
	return sum;
}

/* Before the data come and while they do: what can not stay must not fill
 * the disk.  The commit asks once more. */
static int
check_room(struct mailbox_add *a, uint64_t sum, struct err *err)
{
	struct mailbox_impl *in = a->mb->in;
	struct quota_use use;

	if (in->quota == 0 || in->maildir < 0)
		return 0;
	if (!a->measured) {
		if (quota_used(in->maildir, in->quota, &use, err) < 0)
			return -1;
		a->left = in->quota - MIN(in->quota, use.bytes);
		a->measured = true;
	}
	return sum <= a->left ? 0 : err_perm(err, "5.2.2", "mailbox is full");
}

int
mailbox_add_begin(struct mailbox_add *a, struct err *err)
{
	struct adding *m;

	if (check_room(a, mbox_add_sum(a, a->n) + 1, err) < 0)
		return -1;
	if (a->fd >= 0)		/* one that was not ended */
		drop_tmp(a, &a->v[a->n]);
	m = next_one(a);
	str_reset(&a->buf);
	a->cr = false;
	a->last = 0;
	return mbox_add_tmp(a, m, err);
}

static int
flush(struct mailbox_add *a, struct err *err)
{
	if (check_room(a, mbox_add_sum(a, a->n + 1), err) < 0)
		return -1;
	if (full_write(a->fd, a->buf.s, a->buf.len) < 0)
		return err_sys(err, "write a file in tmp");
	str_reset(&a->buf);
	return 0;
}

static void
put(struct mailbox_add *a, char c)
{
	struct adding *m = &a->v[a->n];

	m->size++;
	m->wsize += c == '\n' && a->last != '\r' ? 2 : 1;
	a->last = c;
	str_addc(&a->buf, c);
}

/* CRLF becomes LF, but behind another CR: sent again it is then the same */
int
mailbox_add_write(struct mailbox_add *a, struct slice bytes, struct err *err)
{
	const char *p = bytes.p, *end = bytes.p + bytes.n, *q;
	struct adding *m = &a->v[a->n];

	while (p < end) {
		if (a->cr) {
			a->cr = false;
			if (*p != '\n' || a->last == '\r')
				put(a, '\r');
		}
		for (q = p; q < end && *q != '\r' && *q != '\n'; q++)
			;
		if (q > p) {
			str_add(&a->buf, p, (size_t)(q - p));
			m->size += (uint64_t)(q - p);
			m->wsize += (uint64_t)(q - p);
			a->last = q[-1];
		}
		p = q;
		if (p < end && *p == '\r')
			a->cr = true;
		else if (p < end)
			put(a, '\n');
		p += p < end;
		if (a->buf.len >= ADD_BUFFER && flush(a, err) < 0)
			return -1;
	}
	return 0;
}

static void
copy_keywords(struct mailbox_add *a, struct adding *m, const struct slice *kw,
    size_t n)
{
	size_t i;

	m->kw = arena_alloc(&a->mem, (n + 1) * sizeof(*m->kw));
	m->nkw = n;
	for (i = 0; i < n; i++)
		m->kw[i] = (struct slice){ arena_slice(&a->mem, kw[i]),
			kw[i].n };
}

int
mbox_add_date(int fd, int64_t date)
{
	struct timespec ts[2] = { { .tv_nsec = UTIME_OMIT },
		{ .tv_sec = (time_t)date } };

	return futimens(fd, ts);
}

int
mailbox_add_end(struct mailbox_add *a, const struct mailbox_attrs *at,
    struct err *err)
{
	struct adding *m = &a->v[a->n];
	int r;

	if (a->cr)
		put(a, '\r');
	a->cr = false;
	m->flags = at->flags & MSG_KEPT;
	m->date = at->date == INT64_MIN ? wall_s() : at->date;
	copy_keywords(a, m, at->kw, at->nkw);
	r = flush(a, err);
	if (r == 0 && mbox_add_date(a->fd, m->date) < 0)
		r = err_sys(err, "set the date of a message");
	if (r < 0) {
		drop_tmp(a, m);
		return -1;
	}
	close(a->fd);
	a->fd = -1;
	a->fresh++;
	a->n++;
	return 0;
}

/* --- COPY ----------------------------------------------------------------- */

/* the unique part of the copy: .C and a number, in the place of an older one */
static char *
copy_unique(struct mailbox_add *a, struct slice u)
{
	struct str s = STR_INIT;
	char *z;

	if (u.n > 10 && u.p[u.n - 10] == '.' && u.p[u.n - 9] == 'C')
		u.n -= 10;
	if (u.n == 0 || u.n > UNIQUE_MAX)
		mail_name_fresh(&s, wall_us(), (long)getpid(),
		    random_below(UINT32_MAX), a->mb->in->host);
	else
		str_addsl(&s, u);
	str_addf(&s, ".C%08x", random_below(UINT32_MAX));
	z = arena_strdup(&a->mem, s.s);
	str_free(&s);
	return z;
}

void
mbox_add_flags(struct mailbox_add *a, struct adding *m, struct mailbox *from)
{
	const struct mailbox_msg *src = &from->msg[m->index];
	struct mailbox_keywords k = mailbox_keywords(from, src->kw);
	size_t j;

	m->modseq = src->modseq;
	m->flags = src->flags & MSG_KEPT;
	m->kw = arena_alloc(&a->mem, (k.n + 1) * sizeof(*m->kw));
	for (j = 0; j < k.n; j++)
		m->kw[j] = slice_of(arena_strdup(&a->mem, k.v[j]));
	m->nkw = k.n;
}

int
mailbox_add_copy(struct mailbox_add *a, struct mailbox *from, size_t i,
    struct err *err)
{
	int64_t date = mailbox_date(from, i);	/* may move the array */
	const struct mailbox_msg *src = &from->msg[i];
	struct adding *m;

	/* a MOVE leaves it out */
	if ((src->flags & MSG_GONE) && a->from == NULL)
		return err_perm(err, "5.2.0", "message is gone");
	m = next_one(a);
	m->from = from;
	m->index = i;
	m->unique = copy_unique(a, mbox_unique(mbox_name_get(&from->in->st,
	    src->name)));
	m->size = src->size;
	m->wsize = src->wsize;
	m->date = date;
	m->as_is = true;
	mbox_add_flags(a, m, from);
	a->n++;
	return 0;
}

void
mailbox_add_free(struct mailbox_add *a)
{
	size_t i;

	if (a == NULL)
		return;
	if (a->fd >= 0)
		drop_tmp(a, &a->v[a->n]);
	for (i = 0; i < a->n; i++)
		if (a->v[i].tmp != NULL)
			unlinkat(a->mb->in->dir, a->v[i].tmp, 0);
	free(a->v);
	str_free(&a->buf);
	arena_free(&a->mem);
	free(a);
}
