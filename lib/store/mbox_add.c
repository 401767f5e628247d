/*
 * mbox_add.c - APPEND and COPY.  Files are complete and on the disk in tmp/
 * (or are another mailbox's) before anything is seen.  Then, under the lock:
 * UIDs are reserved, the files linked into cur/ under their final names, the
 * directory synced, and the records written and synced.  Linking comes before
 * the log, unlike elsewhere: a reader of the log finds the file of each
 * message, and what a crash leaves in between is a file with a free UID above
 * uidnext, which the next scan takes in.  A file of a UID that is in nobody's
 * answer may so appear, but nothing that was answered is missing.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "store/dir.h"
#include "store/mbox.h"
#include "store/quota.h"

enum { ADD_FSYNC = 4, ADD_BUFFER = 64 * 1024, UNIQUE_MAX = 150 };

enum { FETCH_NOT, FETCH_NAME, FETCH_BYTES };
struct adding {
	struct mailbox *from;	/* COPY; NULL: a file in tmp/ */
	char *tmp;		/* its name below the folder, or NULL */
	char *unique;
	uint64_t size, wsize;
	int64_t date;
	unsigned flags;
	struct slice *kw;
	size_t nkw, index;
	int fetch;		/* COPY: what must be done before */
	char *linked;		/* name in cur/, once it is there */
};

struct mailbox_add {
	struct mailbox *mb;
	struct adding *v;
	size_t n, cap;
	int fd;			/* of the one being written */
	struct str buf;
	bool cr;		/* a CR is held back */
	char last;		/* what was written last */
	size_t fresh;		/* files that must be synced */
	bool moves;		/* mailbox_add_moves */
	bool measured;		/* the quota was asked: */
	uint64_t left;		/* octets that fit in, with what is in v */
	struct arena mem;
};

struct mailbox_add *
mailbox_add_new(struct mailbox *mb)
{
	struct mailbox_add *a = xcalloc(1, sizeof(*a));

	a->mb = mb;
	a->fd = -1;
	a->buf = (struct str)STR_INIT;
	return a;
}

void
mailbox_add_moves(struct mailbox_add *a)
{
	a->moves = true;
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

static int
make_tmp(struct mailbox_add *a, struct adding *m, struct err *err)
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

static uint64_t
sum_of(const struct mailbox_add *a, size_t n)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		if (a->moves && a->v[i].from != NULL &&
		    a->v[i].from->in->maildir == a->mb->in->maildir)
			continue;
		if (add_overflows(sum, a->v[i].size, &sum))
			sum = UINT64_MAX;
	}
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

	if (check_room(a, sum_of(a, a->n) + 1, err) < 0)
		return -1;
	if (a->fd >= 0)		/* one that was not ended */
		drop_tmp(a, &a->v[a->n]);
	m = next_one(a);
	str_reset(&a->buf);
	a->cr = false;
	a->last = 0;
	return make_tmp(a, m, err);
}

static int
flush(struct mailbox_add *a, struct err *err)
{
	if (check_room(a, sum_of(a, a->n + 1), err) < 0)
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

static int
set_date(int fd, int64_t date)
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
	if (r == 0 && set_date(a->fd, m->date) < 0)
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

int
mailbox_add_copy(struct mailbox_add *a, struct mailbox *from, size_t i,
    struct err *err)
{
	int64_t date = mailbox_date(from, i);	/* may move the array */
	const struct mailbox_msg *src = &from->msg[i];
	struct mailbox_keywords k = mailbox_keywords(from, src->kw);
	struct adding *m;
	size_t j;

	if (src->flags & MSG_GONE)
		return err_perm(err, "5.2.0", "message is gone");
	m = next_one(a);
	m->from = from;
	m->index = i;
	m->unique = copy_unique(a, mbox_unique(mbox_name_get(&from->in->st,
	    src->name)));
	m->size = src->size;
	m->wsize = src->wsize;
	m->date = date;
	m->flags = src->flags & MSG_KEPT;
	m->kw = arena_alloc(&a->mem, (k.n + 1) * sizeof(*m->kw));
	for (j = 0; j < k.n; j++)
		m->kw[j] = slice_of(arena_strdup(&a->mem, k.v[j]));
	m->nkw = k.n;
	a->n++;
	return 0;
}

static int
copy_bytes(int from, int to)
{
	static char buf[ADD_BUFFER];
	ssize_t n;

	while ((n = read(from, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || full_write(to, buf, (size_t)n) < 0)
			return -1;
	}
	return 0;
}

static int
copy_file(struct mailbox_add *a, struct adding *m, int from, struct err *err)
{
	int r = 0;

	if (make_tmp(a, m, err) < 0)
		return -1;
	if (copy_bytes(from, a->fd) < 0 || set_date(a->fd, m->date) < 0 ||
	    fsync(a->fd) < 0)
		r = err_sys(err, "copy a message");
	close(a->fd);
	a->fd = -1;
	return r;
}

static bool
link_named(struct mailbox_add *a, struct adding *m, const char *name,
    unsigned flags)
{
	struct mailbox_impl *f = m->from->in;
	int sub;

	str_reset(&f->path);
	sub = mbox_name_file(mbox_name_get(&f->st,
	    m->from->msg[m->index].name), flags, &f->path);
	if (sub < 0) {
		errno = ENOENT;
		return false;
	}
	return linkat(f->sub[sub], f->path.s, a->mb->in->sub[SUB_CUR], name,
	    0) == 0;
}

/* link the other mailbox's file into cur/ */
static bool
link_from(struct mailbox_add *a, struct adding *m, const char *name)
{
	const struct mailbox_msg *src = &m->from->msg[m->index];

	return link_named(a, m, name, src->file_flags) || (errno == ENOENT &&
	    link_named(a, m, name, src->flags & MSG_KEPT));
}

/* Files that could not be linked are found (the name is another now) or copied
 * to tmp/ (another file system, too many links), without the lock: the other
 * mailbox's may be needed for that. */
static int
fetch_copies(struct mailbox_add *a, struct err *err)
{
	struct adding *m;
	int fd, r = 0;

	for (m = a->v; m < a->v + a->n && r == 0; m++) {
		if (m->from == NULL || m->fetch == FETCH_NOT)
			continue;
		fd = mailbox_read(m->from, m->index, err);
		r = fd < 0 ? -1 : 0;
		if (r == 0 && m->fetch == FETCH_BYTES) {
			r = copy_file(a, m, fd, err);
			m->from = NULL;
		}
		close_fd(fd);
	}
	return r;
}

/* --- commit --------------------------------------------------------------- */

static int
sync_files(struct mailbox_add *a, struct err *err)
{
	struct mailbox_impl *in = a->mb->in;
	size_t i;
	int fd, r = 0;

	if (a->fresh > ADD_FSYNC)
		return syncfs(in->sub[SUB_CUR]) < 0 ?
		    err_sys(err, "sync the file system") : 0;
	for (i = 0; i < a->n && r == 0; i++) {
		if (a->v[i].tmp == NULL)
			continue;
		fd = dir_open(in->dir, a->v[i].tmp, O_RDONLY, 0);
		if (fd < 0 || fsync(fd) < 0)
			r = err_sys(err, "sync a message");
		close_fd(fd);
	}
	return r;
}

static int
check_quota(struct mailbox_add *a, struct err *err)
{
	struct mailbox_impl *in = a->mb->in;
	struct quota_use use;
	uint64_t sum = sum_of(a, a->n);
	int r;

	if (in->quota == 0 || in->maildir < 0 || (a->moves && sum == 0))
		return 0;
	r = quota_fits(in->maildir, in->quota, sum, &use, err);
	return r == 0 ? err_perm(err, "5.2.2", "mailbox is full") :
	    r < 0 ? -1 : 0;
}

static void
add_quota(struct mailbox_add *a)
{
	struct mailbox_impl *in = a->mb->in;
	int64_t bytes = 0, count = 0;
	size_t i;

	for (i = 0; i < a->n; i++)
		if (!(a->v[i].flags & MSG_DELETED)) {
			bytes += (int64_t)a->v[i].size;
			count++;
		}
	if (in->quota > 0 && in->maildir >= 0 && count > 0)
		quota_add(in->maildir, bytes, count);
}

/* link it and make its record.  0, 1 it must be fetched before, -1 */
static int
place(struct mailbox_add *a, struct adding *m, uint32_t uid, uint64_t modseq,
    struct err *err)
{
	struct mailbox *mb = a->mb;
	struct mailbox_msg msg = { .uid = uid, .modseq = modseq,
		.size = m->size, .wsize = m->wsize, .date = m->date,
		.saved = wall_s() };
	struct str kind = STR_INIT, name = STR_INIT;
	static uint16_t num[KEYWORDS_MAX];
	unsigned flags = m->flags;
	int n, r;

	n = mbox_kw_numbers(mb, m->kw, m->nkw, num, &flags, true, err);
	if (n < 0)
		return -1;
	msg.flags = msg.file_flags = (uint16_t)flags;
	msg.kw = mbox_kw_set(&mb->in->st.kw, num, (size_t)n);
	mbox_name_final(&kind, slice_of(m->unique), flags, &msg);
	mbox_name_file(kind.s, flags, &name);
	if (m->from != NULL) {
		r = !link_from(a, m, name.s);
		m->fetch = r == 0 ? FETCH_NOT : errno == ENOENT &&
		    m->fetch == FETCH_NOT ? FETCH_NAME : FETCH_BYTES;
	} else {
		r = linkat(mb->in->dir, m->tmp, mb->in->sub[SUB_CUR], name.s,
		    0) < 0 ? err_sys(err, "link in cur") : 0;
	}
	if (r == 0) {
		m->linked = arena_strdup(&a->mem, name.s);
		mbox_record_add(&mb->in->out, mb, &msg, kind.s);
	}
	str_free(&kind);
	str_free(&name);
	return r;
}

static void
take_back(struct mailbox_add *a)
{
	size_t i;

	for (i = 0; i < a->n; i++) {
		if (a->v[i].linked != NULL)
			unlinkat(a->mb->in->sub[SUB_CUR], a->v[i].linked, 0);
		a->v[i].linked = NULL;
	}
}

/* 0, 1 some must be fetched before, -1 */
static int
commit_locked(struct mailbox_add *a, uint32_t *first_r, struct err *err)
{
	struct mailbox *mb = a->mb;
	uint32_t uid = mb->uidnext;
	uint64_t modseq = mbox_next_modseq(mb);
	struct mbox_own own;
	bool settled = mb->in->st.unsettled >= mb->n;
	size_t i;
	int r = mbox_reserve(mb, (uint64_t)uid + a->n, err);

	mbox_own_begin(mb, &own);
	for (i = 0; i < a->n && r >= 0; i++)
		r |= place(a, &a->v[i], uid + (uint32_t)i, modseq, err);
	if (r == 0 && fsync(mb->in->sub[SUB_CUR]) < 0)
		r = err_sys(err, "sync cur");
	if (r == 0)
		r = mbox_commit(mb, true, err);
	if (r != 0) {
		take_back(a);
		mbox_abandon(mb);
		return r;
	}
	*first_r = uid;
	mbox_own_end(mb, &own);
	if (settled)
		mbox_note_known(mb);
	return 0;
}

int
mailbox_add_commit(struct mailbox_add *a, uint32_t *first_r, struct err *err)
{
	int r, tries;

	if (!a->mb->in->writable)
		return err_perm(err, "5.7.8", "mailbox is read-only");
	if (check_quota(a, err) < 0 || sync_files(a, err) < 0)
		return -1;
	for (r = 1, tries = 0; r > 0 && tries < 4; tries++) {
		if (fetch_copies(a, err) < 0 || mbox_lock(a->mb, err) < 0)
			return -1;
		r = commit_locked(a, first_r, err);
		mbox_checkpoint_if_due(a->mb);
		mbox_unlock(a->mb);
	}
	if (r > 0)
		return err_temp(err, "4.3.0", "messages can not be copied");
	if (r == 0)
		add_quota(a);
	return r;
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
