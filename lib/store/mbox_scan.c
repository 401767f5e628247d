/*
 * mbox_scan.c - reading new/ and cur/, and knowing when that is needed.
 *
 * A directory is read again when its time is not the one for which the array
 * is right.  Times have a grain (dir.h): a young one may stay the same through
 * another change.  For new/, which is mostly empty, it
 * is then not taken as known.  In cur/ our own changes would cause a scan
 * each time: they are taken as known, and, since they may hide a change of
 * another program in the same instant, `scanned` says since when; after
 * MBOX_SCAN_S (for each MBOX_SCAN_N messages) the directory is read all the
 * same.
 */
#include "store/mbox.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/hash.h"
#include "store/dir.h"

enum {
	ROOM_MIN = 256 * 1024, ROOM_MAX = 4 << 20,
	ENTRY_MIN = 64,	/* of a directory: a usual name takes as much */
	LARGE_PAGE = 2 << 20, LARGE_MIN = 512 * 1024
};

struct reading {
	struct mailbox_impl *in;
	struct mbox_scan *s;
	int sub;
};

/* --- memory -------------------------------------------------------------- */

/* What a scan of a large directory takes is needed for some milliseconds, and
 * a fault for each of its pages would be a good part of them: it is put into
 * large pages, where the system has them, and given back whole. */
static void
room_make(struct mbox_scan *s, size_t size)
{
	size_t n = (size + LARGE_PAGE - 1) & ~(size_t)(LARGE_PAGE - 1), skip;
	char *p;

	if (s->room != NULL || size < LARGE_MIN)
		return;
	p = mmap(NULL, n + LARGE_PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return;
	skip = (LARGE_PAGE - ((uintptr_t)p & (LARGE_PAGE - 1))) &
	    (LARGE_PAGE - 1);
	if (skip > 0)
		munmap(p, skip);
	munmap(p + skip + n, LARGE_PAGE - skip);
	s->room = p + skip;
	s->room_size = n;
	s->room_used = 0;
	madvise(s->room, n, MADV_HUGEPAGE);
}

void *
mbox_room_take(struct mbox_scan *s, size_t n)
{
	char *p = s->room;

	n = (n + 15) & ~(size_t)15;
	if (p == NULL || s->room_size - s->room_used < n)
		return xmalloc(n);
	p += s->room_used;
	s->room_used += n;
	return p;
}

void
mbox_room_give(const struct mbox_scan *s, void *p)
{
	const char *room = s->room, *at = p;

	if (room == NULL || at < room || at >= room + s->room_size)
		free(p);
}

static void
grow(struct mbox_scan *s)
{
	size_t cap = s->cap ? s->cap * 2 : 64;
	struct mbox_file *v = xmalloc(cap * sizeof(*v));

	if (s->n > 0)
		memcpy(v, s->v, s->n * sizeof(*v));
	mbox_room_give(s, s->v);
	s->v = v;
	s->cap = cap;
}

/* --- reading ------------------------------------------------------------- */

static int
add_file(void *ctx, const char *name, int type)
{
	struct reading *r = ctx;
	struct mbox_scan *s = r->s;
	size_t len = strlen(name);
	struct mail_name n;
	struct stat st;

	if (type == DT_UNKNOWN && fstatat(r->in->sub[r->sub], name, &st,
	    AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
		type = DT_REG;
	if (type != DT_REG)
		return 0;
	if (s->n == s->cap)
		grow(s);
	mail_name_parse((struct slice){ name, len }, &n);
	if (s->names.len + len + 2 > UINT32_MAX)
		die("names of a mailbox are over 4 GiB");
	str_addc(&s->names, r->sub == SUB_NEW ? 'n' : 'o');
	s->v[s->n++] = (struct mbox_file){
		.at = (uint32_t)s->names.len,
		.uid = n.uid < UINT32_MAX ? (uint32_t)n.uid : 0,
		.time = n.time, .size = n.size, .wsize = n.wsize,
		.flags = (uint8_t)mbox_letters_parse(n.flags),
		.sub = (uint8_t)r->sub,
		.sized = n.has_size && n.has_wsize,
		.ours = mbox_letters_ours(n.flags),
	};
	str_add(&s->names, name, len + 1);
	return 0;
}

void
mbox_index_make(struct mbox_index *x, const struct mbox_scan *s)
{
	size_t i, k;

	for (x->size = 64; x->size < 2 * s->n; x->size *= 2)
		;
	x->slot = xcalloc(x->size, sizeof(*x->slot));
	for (i = 0; i < s->n; i++) {
		k = hash_secret(s->v[i].name, strlen(s->v[i].name));
		for (k &= x->size - 1; x->slot[k] != 0; )
			k = (k + 1) & (x->size - 1);
		x->slot[k] = (uint32_t)i + 1;
	}
}

struct mbox_file *
mbox_index_find(const struct mbox_index *x, const struct mbox_scan *s, int sub,
    const char *name)
{
	size_t k = hash_secret(name, strlen(name)) & (x->size - 1);
	struct mbox_file *f;

	for (; x->slot[k] != 0; k = (k + 1) & (x->size - 1)) {
		f = &s->v[x->slot[k] - 1];
		if (f->sub == sub && strcmp(f->name, name) == 0)
			return f;
	}
	return NULL;
}

/* Room for what a directory of that size may hold, at once: growing takes
 * pages twice.  Names and files take mostly more than half of that each. */
static void
make_room(struct mbox_scan *s, const struct stat *st)
{
	size_t size = (size_t)MIN(MAX(st->st_size, 0), ROOM_MAX);

	if (s->v != NULL || size < ROOM_MIN)
		return;
	str_grow(&s->names, size);
	s->cap = size / ENTRY_MIN;
	/* and what sorting takes */
	room_make(s, s->cap * (sizeof(*s->v) + 2 * MBOX_ROOM_ORDER));
	s->v = mbox_room_take(s, s->cap * sizeof(*s->v));
	mbox_populate(s->names.s, size / 2);
	mbox_populate(s->v, size / 2);
}

int
mbox_scan_dirs(struct mailbox *mb, struct mbox_scan *s, bool cur,
    struct err *err)
{
	struct mailbox_impl *in = mb->in;
	struct reading r = { in, s, 0 };
	struct stat st;
	size_t i;
	int k;

	str_reset(&s->names);
	if (cur && fstat(in->sub[SUB_CUR], &st) == 0)
		make_room(s, &st);
	str_addc(&s->names, '\0');
	s->n = 0;
	/* new/ first: what moves to cur/ meanwhile is not missed */
	for (k = SUB_NEW; k <= (cur ? SUB_CUR : SUB_NEW); k++) {
		r.sub = k;
		s->ns[k] = dir_time(in->sub[k]);
		if (dir_each(in->sub[k], ".", false, add_file, &r, err) < 0) {
			s->n = 0;
			return -1;
		}
		s->same[k] = dir_time(in->sub[k]) == s->ns[k];
		s->sure[k] = s->same[k] && dir_settles_ms(s->ns[k]) == 0;
	}
	for (i = 0; i < s->n; i++)
		s->v[i].name = s->names.s + s->v[i].at;
	return 0;
}

void
mbox_scan_free(struct mbox_scan *s)
{
	str_free(&s->names);
	mbox_room_give(s, s->v);
	if (s->room != NULL)
		munmap(s->room, s->room_size);
	memset(s, 0, sizeof(*s));
}

/* The larger the mailbox, the more a scan costs; what it is for is rare. */
static int64_t
scan_after(const struct mailbox *mb)
{
	int64_t s = MBOX_SCAN_S * ((int64_t)mb->n / MBOX_SCAN_N + 1);

	return MIN(s, MBOX_SCAN_MAX_S);
}

unsigned
mbox_look(const struct mailbox *mb)
{
	const struct mailbox_impl *in = mb->in;
	const struct mbox_known *k = &in->st.known;
	unsigned look = 0;
	int64_t age;

	if (k->ns[SUB_NEW] == 0 || dir_time(in->sub[SUB_NEW]) !=
	    k->ns[SUB_NEW])
		look |= 1 << SUB_NEW;
	age = wall_s() - k->scanned;
	if (k->ns[SUB_CUR] == 0 || dir_time(in->sub[SUB_CUR]) !=
	    k->ns[SUB_CUR] || in->rescan ||
	    (k->scanned != 0 && (age >= scan_after(mb) || age < 0)))
		look |= 1 << SUB_CUR;
	return look;
}

struct twin { int dir; const char *as; struct slice unique; ino_t ino; };

static int
is_twin(void *ctx, const char *name, int type)
{
	const struct twin *t = ctx;
	struct mail_name n;
	struct stat st;

	(void)type;
	mail_name_parse(slice_of(name), &n);
	return slice_eq(n.unique, t->unique) && strcmp(name, t->as) != 0 &&
	    fstatat(t->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_ino == t->ino;
}

/* Is the file there under a third name?  Of the old one alone it can not be
 * told: over NFS it may be gone by the request that was answered ENOENT. */
static bool
has_twin(int from, const char *name, int to, const char *as)
{
	struct twin t = { .dir = to, .as = as };
	struct mail_name n;
	struct err ignored;
	struct stat st;

	mail_name_parse(slice_of(name), &n);
	t.unique = n.unique;
	if (fstatat(to, as, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	t.ino = st.st_ino;
	if (dir_each(to, ".", false, is_twin, &t, &ignored) == 1)
		return true;
	t.dir = from;
	return from != to &&
	    dir_each(from, ".", false, is_twin, &t, &ignored) == 1;
}

/* NFS: two names for a moment, of one inode.  Where another program renames
 * the old one in that moment, ours is one too many. */
static int
rename_by_link(int from, const char *name, int to, const char *as)
{
	int e;

	if (linkat(from, name, to, as, 0) < 0)
		return -1;
	if (unlinkat(from, name, 0) == 0)
		return 0;
	e = errno;
	if (e == ENOENT && !has_twin(from, name, to, as))
		return 0;
	unlinkat(to, as, 0);
	errno = e;
	return -1;
}

int
mbox_rename(int from, const char *name, int to, const char *as)
{
	if (renameat2(from, name, to, as, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
		return -1;
	return rename_by_link(from, name, to, as);
}

void
mbox_own_begin(struct mailbox *mb, struct mbox_own *o)
{
	o->before = dir_time(mb->in->sub[SUB_CUR]);
}

void
mbox_own_end(struct mailbox *mb, const struct mbox_own *o)
{
	struct mbox_known *k = &mb->in->st.known;
	int64_t now = dir_time(mb->in->sub[SUB_CUR]);

	if (now == o->before)
		return;
	if (k->ns[SUB_CUR] == 0 || k->ns[SUB_CUR] != o->before) {
		/* somebody else was there before */
		k->ns[SUB_CUR] = 0;
		return;
	}
	k->ns[SUB_CUR] = now;
	if (k->scanned == 0)
		k->scanned = wall_s();
}

void
mbox_note_known(struct mailbox *mb)
{
	struct mbox_state *st = &mb->in->st;
	struct err ignored;

	if (!mb->in->writable || (st->unsettled >= mb->n &&
	    memcmp(&st->known, &st->logged, sizeof(st->known)) == 0))
		return;
	mbox_log_addf(&mb->in->out, "D %lld %lld %lld",
	    (long long)st->known.ns[SUB_NEW],
	    (long long)st->known.ns[SUB_CUR], (long long)st->known.scanned);
	mbox_commit(mb, false, &ignored);
}
