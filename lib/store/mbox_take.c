/*
 * mbox_take.c - taking in: a file that the log does not know gets a UID.
 * It is logged first (one sync for all), then renamed; a renaming that did
 * not happen is finished by the next scan, which finds the file by its unique
 * part.
 *
 * Where there are many in cur/ (a Maildir of another program's) they are
 * logged under the names that they have, by what these tell; when the session
 * idles or ends (mbox_settle.c) they are looked at, and renamed.
 */
#include "store/mbox.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "store/dir.h"

enum {
	UID_JUMP = 1 << 20,
	LATE_MIN = 256	/* files whose renaming would keep a client waiting */
};

int
mbox_measure(int dir, const char *name, uint64_t *size, uint64_t *wsize)
{
	static char buf[65536];
	uint64_t total = 0, lines = 0;
	char last = 0;
	ssize_t n, i;
	int fd;

	fd = dir_open(dir, name, O_RDONLY | O_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	while ((n = read(fd, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			close_fd(fd);
			return -1;
		}
		for (i = 0; i < n; i++) {
			lines += buf[i] == '\n' && last != '\r';
			last = buf[i];
		}
		total += (uint64_t)n;
	}
	close(fd);
	*size = total;
	*wsize = total + lines;
	return 0;
}

struct taken {
	struct mbox_file *f;
	struct mail_name n;
	uint64_t size, wsize;
	int64_t date;
	size_t name;		/* of the final name in the arena of names */
	bool keep;		/* its U= is good */
	bool late;		/* it is renamed later */
};

/* those that keep their UIDs first, the rest by time and name */
static int
cmp_taken(const void *pa, const void *pb)
{
	const struct taken *a = pa, *b = pb;

	if (a->keep != b->keep)
		return b->keep - a->keep;
	if (a->keep && a->f->uid != b->f->uid)
		return a->f->uid < b->f->uid ? -1 : 1;
	if (a->n.time != b->n.time)
		return a->n.time < b->n.time ? -1 : 1;
	return strcmp(a->f->name, b->f->name);
}

static bool
uid_good(const struct mailbox *mb, uint32_t uid)
{
	uint32_t last = mb->n > 0 ? mb->msg[mb->n - 1].uid : 0;
	size_t i;

	/* its line in the log was damaged; nobody has seen the array yet */
	if (uid != 0 && mb->in->damaged && mb->in->opening &&
	    uid < mb->uidnext) {
		i = mailbox_find(mb, uid);
		return i == mb->n || mb->msg[i].uid != uid;
	}
	if (uid == 0 || uid <= last)
		return false;
	/* a log that is lost: names are all there is */
	if (mb->in->fresh || mb->in->damaged || !mb->in->st.scanned)
		return uid < UINT32_MAX - UID_JUMP;
	return uid >= mb->uidnext && uid - mb->uidnext < UID_JUMP;
}

/* Can the record tell the name as it is?  Letters in the order of ours. */
static bool
may_wait(const struct taken *t)
{
	struct slice f = t->n.flags;
	size_t i;

	if (t->f->sub != SUB_CUR || t->f->uid != 0)
		return false;
	for (i = 0; i < f.n; i++)
		if (!mbox_letters_parse(slice_sub(f, i, 1)) ||
		    (i > 0 && f.p[i] <= f.p[i - 1]))
			return false;
	return true;
}

static void
choose_late(struct taken *v, size_t n)
{
	size_t i, late = 0;

	for (i = 0; i < n; i++) {
		v[i].late = may_wait(&v[i]);
		late += v[i].late;
	}
	for (i = 0; late < LATE_MIN && i < n; i++)
		v[i].late = false;
}

/* 1, 0 it can not be taken in now */
static int
examine(struct mailbox *mb, struct taken *t)
{
	int dir = mb->in->sub[t->f->sub];
	struct stat st;

	t->size = t->n.size;
	t->wsize = t->n.wsize;
	t->date = MBOX_NO_DATE;
	if (t->late && t->n.has_size && t->n.has_wsize)
		return 1;
	if (fstatat(dir, t->f->name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(st.st_mode))
		return 0;
	t->date = st.st_mtime;
	if (!t->n.has_size || !t->n.has_wsize ||
	    t->size != (uint64_t)st.st_size)
		return mbox_measure(dir, t->f->name, &t->size,
		    &t->wsize) == 0;
	return 1;
}

/* UIDs: the good ones are kept, once each */
static void
sort_taken(struct mailbox *mb, struct taken *v, size_t n)
{
	uint32_t last = 0;
	size_t i, kept;
	bool again = false;

	for (i = 0; i < n; i++)
		v[i].keep = uid_good(mb, v[i].f->uid);
	qsort(v, n, sizeof(*v), cmp_taken);
	for (kept = 0; kept < n && v[kept].keep; kept++)
		;
	for (i = 0; i < kept; i++) {
		v[i].keep = v[i].f->uid != last;
		again |= !v[i].keep;
		last = v[i].f->uid;
	}
	if (again)
		qsort(v, n, sizeof(*v), cmp_taken);
}

static void
record(struct mailbox *mb, struct taken *t, uint32_t uid, uint64_t modseq,
    int64_t now, struct str *names)
{
	struct mailbox_msg m = {
		.uid = uid, .modseq = modseq, .size = t->size,
		.wsize = t->wsize, .date = t->date,
		.saved = now,
	};

	m.flags = m.file_flags = (uint16_t)mbox_letters_parse(t->n.flags);
	/* the log was lost: when it was saved is not known any more */
	if (!mb->in->st.scanned && t->f->uid != 0)
		m.saved = t->date;
	t->name = names->len;
	if (mb->in->writable && !t->late) {
		mbox_name_final(names, slice_of(t->f->name), m.flags, &m);
	} else {
		str_addc(names, t->f->sub == SUB_NEW ? 'n' : 'o');
		str_adds(names, t->f->name);
	}
	mbox_record_add(&mb->in->out, mb, &m, names->s + t->name);
	if (t->late)
		str_trunc(names, t->name);	/* nobody will ask */
	else
		str_addc(names, '\0');
}

static void
rename_taken(struct mailbox *mb, const struct taken *v, size_t n,
    const struct str *names)
{
	struct mailbox_impl *in = mb->in;
	struct mbox_own own;
	bool new = false;
	size_t i;

	if (!in->writable)
		return;
	mbox_own_begin(mb, &own);
	for (i = 0; i < n; i++) {
		if (v[i].late)
			continue;
		str_reset(&in->path);
		mbox_name_file(names->s + v[i].name,
		    mbox_letters_parse(v[i].n.flags), &in->path);
		new |= v[i].f->sub == SUB_NEW;
		if (v[i].f->sub == SUB_CUR &&
		    strcmp(v[i].f->name, in->path.s) == 0)
			continue;
		if (mbox_rename(in->sub[v[i].f->sub], v[i].f->name,
		    in->sub[SUB_CUR], in->path.s) < 0)
			in->rescan = true;
	}
	mbox_own_end(mb, &own);
	if (new)
		in->st.known.ns[SUB_NEW] = 0;
}

static int
take(struct mailbox *mb, struct taken *v, size_t n, struct err *err)
{
	struct str names = STR_INIT;
	uint64_t modseq, next = mb->uidnext;
	int64_t now = wall_s();
	size_t i;
	int r;

	sort_taken(mb, v, n);
	/* UIDs are given above all that were, and above all that are kept */
	for (i = 0; i < n && v[i].keep; i++)
		next = MAX(next, (uint64_t)v[i].f->uid + 1);
	r = mbox_reserve(mb, next + n, err);
	if (r == 0) {
		modseq = mbox_next_modseq(mb);
		for (i = 0; i < n; i++)
			record(mb, &v[i], v[i].keep ? v[i].f->uid :
			    (uint32_t)next++, modseq, now, &names);
		r = mbox_commit(mb, true, err);
	}
	if (r == 0)
		rename_taken(mb, v, n, &names);
	str_free(&names);
	return r;
}

int
mbox_take_in(struct mailbox *mb, struct mbox_file **f, size_t n,
    struct err *err)
{
	struct taken *v;
	size_t i, k = 0;
	int r = 0;

	/* without a log that could keep them UIDs can not be given */
	if (n == 0 || (!mb->in->writable && !mb->in->fresh))
		return 0;
	v = xcalloc(n, sizeof(*v));
	for (i = 0; i < n; i++) {
		v[i].f = f[i];
		mail_name_parse(slice_of(f[i]->name), &v[i].n);
	}
	if (mb->in->writable)
		choose_late(v, n);
	for (i = 0; i < n; i++)
		if (examine(mb, &v[i]))
			v[k++] = v[i];
	if (k > 0)
		r = take(mb, v, k, err);
	/* UIDs between others: in their order in a new log */
	if (r == 0 && mb->in->damaged && mb->in->opening)
		r = mbox_checkpoint(mb, err);
	if (r == 0)
		mb->in->fresh = mb->in->damaged = false;
	free(v);
	return r;
}
