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
	LATE_MIN = 256,	/* files whose renaming would keep a client waiting */
	AHEAD = 8
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

/* Those that keep their UIDs come first, the rest by time and name.  The order
 * in which a directory is read is none, and sorting many by comparing takes
 * longer than parsing their names: the digits of a key are sorted instead. */
struct order {
	uint64_t key;
	struct mbox_file *f;
};
static_assert(sizeof(struct order) == MBOX_ROOM_ORDER, "room for two");

static int
cmp_order(const void *pa, const void *pb)
{
	const struct mbox_file *a = ((const struct order *)pa)->f;
	const struct mbox_file *b = ((const struct order *)pb)->f;

	if (a->time != b->time)
		return a->time < b->time ? -1 : 1;
	return strcmp(a->name, b->name);
}

static void
sort_digit(struct order *to, const struct order *from, size_t n, int shift)
{
	size_t at[256] = { 0 }, i, sum = 0, k;

	for (i = 0; i < n; i++)
		at[from[i].key >> shift & 0xff]++;
	for (i = 0; i < ARRAY_LEN(at); i++) {
		k = at[i];
		at[i] = sum;
		sum += k;
	}
	for (i = 0; i < n; i++)
		to[at[from[i].key >> shift & 0xff]++] = from[i];
}

/* *v is of mbox_room_take, and another may take its place */
static void
sort_order(struct mbox_scan *s, struct order **v, size_t n)
{
	struct order *to = mbox_room_take(s, n * sizeof(*to)), *from = *v, *w;
	uint64_t differ = 0;
	size_t i, k;
	int shift;

	mbox_populate(to, n * sizeof(*to));
	for (i = 0; i < n; i++) {
		from[i].key = from[i].f->keep ? from[i].f->uid :
		    1ULL << 63 | (uint64_t)from[i].f->time;
		differ |= from[i].key ^ from[0].key;
	}
	for (shift = 0; shift < 64; shift += 8)
		if (differ >> shift & 0xff) {
			sort_digit(to, from, n, shift);
			w = from;
			from = to;
			to = w;
		}
	mbox_room_give(s, to);
	*v = from;
	for (i = 0; i < n; i = k) {
		for (k = i + 1; k < n && from[k].key == from[i].key; )
			k++;
		if (k - i > 1)
			qsort(from + i, k - i, sizeof(*from), cmp_order);
	}
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

static struct order *
list_taken(const struct mailbox *mb, struct mbox_scan *s, bool cur,
    size_t *n_r)
{
	struct order *v = mbox_room_take(s, (s->n + 1) * sizeof(*v));
	struct mbox_file *f;
	size_t i, n = 0, late = 0;

	mbox_populate(v, s->n * sizeof(*v));
	for (f = s->v; f < s->v + s->n; f++) {
		if (f->used || (!cur && f->sub == SUB_CUR))
			continue;
		/* can the record tell the name as it is? */
		f->late = mb->in->writable && f->sub == SUB_CUR &&
		    f->uid == 0 && f->ours;
		late += f->late;
		v[n++].f = f;
	}
	for (i = 0; late < LATE_MIN && i < n; i++)
		v[i].f->late = false;
	*n_r = n;
	return v;
}

/* UIDs: the good ones are kept, once each */
static void
sort_taken(const struct mailbox *mb, struct mbox_scan *s, struct order **v,
    size_t n)
{
	struct mbox_file *f;
	uint32_t last = 0;
	size_t i;
	bool again = false;

	for (i = 0; i < n; i++)
		(*v)[i].f->keep = uid_good(mb, (*v)[i].f->uid);
	sort_order(s, v, n);
	for (i = 0; i < n && (*v)[i].f->keep; i++) {
		f = (*v)[i].f;
		f->keep = f->uid != last;
		again |= !f->keep;
		last = f->uid;
	}
	if (again)
		sort_order(s, v, n);
}

/* What the name does not tell is looked up: 1, 0 it can not be taken in now */
static int
examine(const struct mailbox *mb, const struct mbox_file *f,
    struct mailbox_msg *m)
{
	int dir = mb->in->sub[f->sub];
	struct stat st;

	m->size = f->size;
	m->wsize = f->wsize;
	m->date = MBOX_NO_DATE;
	if (f->late && f->sized)
		return 1;
	if (fstatat(dir, f->name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(st.st_mode))
		return 0;
	m->date = st.st_mtime;
	if (!f->sized || m->size != (uint64_t)st.st_size)
		return mbox_measure(dir, f->name, &m->size, &m->wsize) == 0;
	return 1;
}

/* The message of a file; 0 there is none.  A name that it shall get at once,
 * and one that only the record needs, goes behind names. */
static int
record(struct mailbox *mb, struct mbox_file *f, struct mailbox_msg *m,
    struct str *names)
{
	struct mailbox_impl *in = mb->in;
	size_t at = names->len;

	if (!examine(mb, f, m))
		return 0;
	m->flags = m->file_flags = f->flags;
	/* the log was lost: when it was saved is not known any more */
	if (!in->st.scanned && f->uid != 0)
		m->saved = m->date;
	if (in->unwritten && f->late) {
		m->name = f->at - 1;
		mbox_add_msg(mb, m, true);
		return 1;
	}
	if (in->writable && !f->late)
		mbox_name_final(names, slice_of(f->name), m->flags, m);
	else
		str_adds(names, f->name - 1);
	if (in->unwritten)
		mbox_add_msg(mb, m, mbox_name_waits(names->s + at));
	else
		mbox_record_add(&in->out, mb, m, names->s + at);
	f->final = (uint32_t)at;
	if (f->late)
		str_trunc(names, at);
	else
		str_addc(names, '\0');
	return 1;
}

/* The first messages of a state: what they are called lies where the directory
 * was read to, and behind it. */
static void
keep_names(struct mailbox *mb, struct mbox_scan *s, const struct order *v,
    const struct str *names)
{
	struct mbox_state *st = &mb->in->st;
	size_t i, at = s->names.len;

	assert(st->names_len == 0 && st->more.len == 0);
	if (at + names->len > UINT32_MAX)
		die("names of a mailbox are over 4 GiB");
	str_free(&st->more);
	st->more = s->names;
	s->names = (struct str)STR_INIT;
	str_addsl(&st->more, slice_str(names));
	/* a directory that once held many more */
	if (st->more.cap / 4 > st->more.len) {
		st->more.cap = st->more.len + 1;
		st->more.s = xrealloc(st->more.s, st->more.cap);
	}
	for (i = 0; i < mb->n; i++)
		if (!v[i].f->late)
			mb->msg[i].name = (uint32_t)at + v[i].f->final;
	for (i = 0; i < s->n; i++)
		s->v[i].name = st->more.s + s->v[i].at;
}

static void
rename_taken(struct mailbox *mb, const struct order *v, size_t n,
    const struct str *names)
{
	struct mailbox_impl *in = mb->in;
	const struct mbox_file *f;
	struct mbox_own own;
	bool new = false;
	size_t i;

	if (!in->writable)
		return;
	mbox_own_begin(mb, &own);
	for (i = 0; i < n; i++) {
		f = v[i].f;
		if (f->late)
			continue;
		str_reset(&in->path);
		mbox_name_file(names->s + f->final, f->flags, &in->path);
		new |= f->sub == SUB_NEW;
		if (f->sub == SUB_CUR && strcmp(f->name, in->path.s) == 0)
			continue;
		if (mbox_rename(in->sub[f->sub], f->name, in->sub[SUB_CUR],
		    in->path.s) < 0)
			in->rescan = true;
	}
	mbox_own_end(mb, &own);
	if (new)
		in->st.known.ns[SUB_NEW] = 0;
}

static int
take(struct mailbox *mb, struct mbox_scan *s, struct order *v, size_t n,
    struct err *err)
{
	struct mailbox_msg all = { .saved = wall_s() }, m;
	struct str names = STR_INIT;
	uint64_t next = mb->uidnext;
	size_t i, k = 0;
	int r;

	/* UIDs are given above all that were, and above all that are kept */
	for (i = 0; i < n && v[i].f->keep; i++)
		next = MAX(next, (uint64_t)v[i].f->uid + 1);
	r = mbox_reserve(mb, next + n, err);
	if (r < 0)
		return -1;
	if (mb->in->unwritten)
		mbox_make_room(mb, n);
	all.modseq = mbox_next_modseq(mb);
	for (i = 0; i < n; i++) {
		if (i + AHEAD < n)
			__builtin_prefetch(v[i + AHEAD].f);
		m = all;
		m.uid = v[i].f->keep ? v[i].f->uid : (uint32_t)next;
		if (!record(mb, v[i].f, &m, &names))
			continue;
		next += !v[i].f->keep;
		v[k++] = v[i];
	}
	if (mb->in->unwritten) {
		keep_names(mb, s, v, &names);
		r = mbox_checkpoint(mb, err);
	} else {
		r = mbox_commit(mb, true, err);
	}
	if (r == 0)
		rename_taken(mb, v, k, &names);
	str_free(&names);
	return r;
}

int
mbox_take_in(struct mailbox *mb, struct mbox_scan *s, bool cur,
    struct err *err)
{
	struct order *v;
	size_t n;
	int r = 0;

	/* without a log that could keep them UIDs can not be given, but those
	 * that are this view's alone */
	if (!mb->in->writable && !mb->passing)
		return 0;
	v = list_taken(mb, s, cur, &n);
	if (n > 0) {
		sort_taken(mb, s, &v, n);
		r = take(mb, s, v, n, err);
		/* UIDs between others: in their order in a new log */
		if (r == 0 && mb->in->damaged && mb->in->opening)
			r = mbox_checkpoint(mb, err);
		if (r == 0)
			mb->in->fresh = mb->in->damaged = false;
	}
	mbox_room_give(s, v);
	return r;
}
