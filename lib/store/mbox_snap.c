/*
 * mbox_snap.c - the snapshot INDEX/<mailbox id>: header, keywords, names,
 * records.  It is derived, never synced, replaced by rename, and believed
 * only where its checksums hold and the log still has at the place that it
 * names the bytes that it saw there.  A damaged one is as good as none: every
 * offset is checked against the length although the checksum was right.
 *
 * Names and records are many, and only a crash tears what was written whole: in
 * the boot that wrote them, as long as the file has the time that its writer
 * gave it, their sum is computed at one open of SNAP_SAMPLE.  So whoever uses
 * the offset of a name or the number of a set compares it with the length
 * (mbox_name_get, mailbox_keywords).
 */
#include "store/mbox_snap.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/fault.h"
#include "store/dir.h"

static char boot[40];		/* "": not known */

static uint64_t
page_up(uint64_t v)
{
	return (v + SNAP_PAGE - 1) / SNAP_PAGE * SNAP_PAGE;
}

/* of the log's bytes before off: 1, or 0 where they can not be read */
static int
log_crc(struct mailbox_impl *in, int64_t off, uint32_t *crc)
{
	char buf[SNAP_LOG_BYTES];
	ssize_t want = (ssize_t)MIN(off, SNAP_LOG_BYTES);

	if (want <= 0 || pread(in->log, buf, (size_t)want, off - want) != want)
		return 0;
	*crc = mbox_crc(0, buf, (size_t)want);
	return 1;
}

void
mailbox_prepare(void)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, boot, sizeof(boot) - 1);

	close_fd(fd);
	boot[n == 37 ? 36 : 0] = '\0';
}

/* --- reading -------------------------------------------------------------- */

static bool
head_good(const struct snap_head *h, uint64_t size)
{
	uint64_t end;

	return memcmp(h->magic, SNAP_MAGIC, sizeof(h->magic)) == 0 &&
	    h->order == 0x01020304 && h->version == SNAP_VERSION &&
	    h->head_size == sizeof(*h) &&
	    h->record_size == sizeof(struct mailbox_msg) &&
	    mbox_crc(0, h, offsetof(struct snap_head, head_crc)) ==
	    h->head_crc && h->id[32] == '\0' &&
	    h->boot[sizeof(h->boot) - 1] == '\0' &&
	    h->kw_names <= KEYWORDS_MAX && h->kw_sets <= UINT32_MAX &&
	    h->names_at % SNAP_PAGE == 0 && h->records_at % SNAP_PAGE == 0 &&
	    h->kw_len <= size && h->names_at >= sizeof(*h) + h->kw_len &&
	    h->names_at <= size && h->names_len > 0 &&
	    h->names_len <= UINT32_MAX &&
	    h->records_at >= h->names_at + h->names_len &&
	    h->records_at <= size && h->n < UINT32_MAX &&
	    !mul_overflows(h->n, sizeof(struct mailbox_msg), &end) &&
	    end == size - h->records_at && h->uidnext > 0 &&
	    h->uidvalidity > 0 && h->modseq > 0 && h->off > 0 &&
	    h->dirty_lo <= h->dirty_hi && h->dirty_hi <= h->n &&
	    h->wait_lo <= h->wait_hi && h->wait_hi <= h->n &&
	    h->unsettled <= h->n;
}

/* does it belong to the log that is open? */
static bool
fits_log(struct mailbox_impl *in, const struct snap_head *h)
{
	char buf[512];
	struct slice rest, rec, id, w;
	ssize_t n = pread(in->log, buf, sizeof(buf), 0);
	uint64_t gen, validity;
	uint32_t crc;
	struct stat st;

	rest = (struct slice){ buf, n > 0 ? (size_t)n : 0 };
	return mbox_log_next(&rest, &rec) == 1 && slice_starts(rec, "H 1 ") &&
	    slice_cut(&rec, ' ', &w) && slice_cut(&rec, ' ', &w) &&
	    slice_cut(&rec, ' ', &id) && slice_eqz(id, h->id) &&
	    mbox_word_u64(&rec, &validity) && validity == h->uidvalidity &&
	    mbox_word_u64(&rec, &gen) && gen == h->generation &&
	    fstat(in->log, &st) == 0 && st.st_size >= h->off &&
	    log_crc(in, h->off, &crc) && crc == h->log_crc;
}

/* names, NUL behind each; then each set: count and numbers (16 bits) */
static bool
take_keywords(struct mbox_kw *kw, const struct snap_head *h, const char *p)
{
	uint64_t i, left = h->kw_len;
	uint16_t num[KEYWORDS_MAX], n;
	const char *z;
	size_t k;

	for (i = 0; i < h->kw_names; i++) {
		z = left > 0 ? memchr(p, '\0', left) : NULL;
		if (z == NULL || !mbox_kw_define(kw, i, slice_of(p)))
			return false;
		left -= (uint64_t)(z + 1 - p);
		p = z + 1;
	}
	for (i = 1; i < h->kw_sets; i++) {
		if (left < sizeof(n))
			return false;
		memcpy(&n, p, sizeof(n));
		if (n == 0 || n > KEYWORDS_MAX || left < (n + 1U) * sizeof(n))
			return false;
		memcpy(num, p + sizeof(n), n * sizeof(n));
		for (k = 0; k < n; k++)
			if (num[k] >= kw->names ||
			    (k > 0 && num[k] <= num[k - 1]))
				return false;
		if (mbox_kw_set(kw, num, n) != i)
			return false;
		p += (n + 1U) * sizeof(n);
		left -= (n + 1U) * sizeof(n);
	}
	return left == 0;
}

static bool
records_good(const struct mailbox_msg *v, const struct snap_head *h,
    const char *names)
{
	uint32_t last = 0;
	uint64_t i;

	if (names[0] != '\0' || names[h->names_len - 1] != '\0')
		return false;
	for (i = 0; i < h->n; i++) {
		if (v[i].uid <= last || v[i].uid >= h->uidnext ||
		    v[i].name >= h->names_len ||
		    v[i].kw >= MAX(h->kw_sets, 1) ||
		    (v[i].flags & ~MSG_KEPT) || (v[i].file_flags & ~MSG_KEPT))
			return false;
		last = v[i].uid;
	}
	return true;
}

/* mb->msg: the records with room behind them */
static bool
map_records(struct mailbox *mb, int fd, const struct snap_head *h)
{
	struct mbox_state *st = &mb->in->st;
	size_t used = h->n * sizeof(struct mailbox_msg);

	st->map_len = page_up(used + used / 4) + 64 * 1024;
	st->map = mmap(NULL, st->map_len, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (st->map == MAP_FAILED) {
		st->map = NULL;
		return false;
	}
	mb->msg = st->map;
	st->cap = st->map_len / sizeof(struct mailbox_msg);
	if (used == 0)
		return true;
	if (mmap(st->map, page_up(used), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_FIXED, fd, (off_t)h->records_at) == MAP_FAILED)
		return false;
	/* messages without UIDs would be taken for lost ones */
	fault_vital(st->map, page_up(used));
	return true;
}

/* written in this boot, and by nobody since */
static bool
is_fresh(const struct snap_head *h, const struct stat *st)
{
	return boot[0] != '\0' && strcmp(h->boot, boot) == 0 &&
	    timespec_ns(st->st_mtim) == h->stamp &&
	    random_below(SNAP_SAMPLE) != 0;
}

static bool
body_good(const struct mailbox *mb, const struct snap_head *h, uint32_t crc)
{
	const struct mbox_state *st = &mb->in->st;
	size_t used = h->n * sizeof(*mb->msg);

	madvise((void *)(uintptr_t)st->names, st->names_len,
	    MADV_POPULATE_READ);
	madvise(st->map, page_up(used), MADV_POPULATE_READ);
	crc = mbox_crc(crc, st->names, st->names_len);
	crc = mbox_crc(crc, mb->msg, used);
	return crc == h->body_crc && records_good(mb->msg, h, st->names);
}

static bool
map_all(struct mailbox *mb, int fd, const struct snap_head *h, bool fresh)
{
	struct mbox_state *st = &mb->in->st;
	char *kw;
	bool fine;
	void *p;

	p = mmap(NULL, h->names_len, PROT_READ, MAP_PRIVATE, fd,
	    (off_t)h->names_at);
	if (p == MAP_FAILED)
		return false;
	st->names = p;
	st->names_len = h->names_len;
	fault_vital(p, st->names_len);
	if (!map_records(mb, fd, h))
		return false;
	kw = xmalloc(h->kw_len + 1);
	fine = pread(fd, kw, h->kw_len, sizeof(*h)) == (ssize_t)h->kw_len;
	fine = fine && mbox_crc(0, kw, h->kw_len) == h->kw_crc &&
	    take_keywords(&st->kw, h, kw) && (fresh ?
	    st->names[0] == '\0' && st->names[h->names_len - 1] == '\0' :
	    body_good(mb, h, h->kw_crc));
	free(kw);
	return fine;
}

static void
take_head(struct mailbox *mb, const struct snap_head *h)
{
	struct mbox_state *st = &mb->in->st;

	slice_copy(mb->id, sizeof(mb->id), slice_of(h->id));
	mb->n = h->n;
	mb->uidvalidity = h->uidvalidity;
	mb->uidnext = h->uidnext;
	mb->modseq = h->modseq;
	st->have_head = st->scanned = true;
	st->generation = h->generation;
	st->base_modseq = h->base_modseq;
	st->off = st->snap_off = h->off;
	st->live = h->live;
	st->recent = h->recent;
	st->dirty_lo = h->dirty_lo;
	st->dirty_hi = h->dirty_hi;
	st->wait_lo = h->wait_lo;
	st->wait_hi = h->wait_hi;
	st->unsettled = h->unsettled;
	st->known.ns[SUB_NEW] = h->ns[SUB_NEW];
	st->known.ns[SUB_CUR] = h->ns[SUB_CUR];
	st->known.scanned = h->scanned;
	st->logged = st->known;
}

/* the id is in the first line of the log */
static int
open_snap(struct mailbox_impl *in)
{
	char buf[512], name[33];
	struct slice rest, rec, w;
	ssize_t n = pread(in->log, buf, sizeof(buf), 0);
	size_t i;

	rest = (struct slice){ buf, n > 0 ? (size_t)n : 0 };
	if (mbox_log_next(&rest, &rec) != 1 || !slice_starts(rec, "H 1 ") ||
	    !slice_cut(&rec, ' ', &w) || !slice_cut(&rec, ' ', &w) ||
	    !slice_cut(&rec, ' ', &w) || w.n == 0 || w.n > 32)
		return -1;
	for (i = 0; i < w.n; i++)
		if (!ascii_isalnum(w.p[i]))
			return -1;
	slice_copy(name, sizeof(name), w);
	return dir_open(in->index, name, O_RDONLY | O_NONBLOCK, 0);
}

int
mbox_snap_load(struct mailbox *mb)
{
	struct mailbox_impl *in = mb->in;
	struct snap_head h;
	struct stat st;
	int fd, r = 0;

	in->st.snap_off = -1;
	if (in->index < 0 || (fd = open_snap(in)) < 0)
		return 0;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    pread(fd, &h, sizeof(h), 0) == (ssize_t)sizeof(h) &&
	    head_good(&h, (uint64_t)st.st_size) && fits_log(in, &h)) {
		if (map_all(mb, fd, &h, is_fresh(&h, &st))) {
			take_head(mb, &h);
			in->st.snap_old = boot[0] != '\0' &&
			    strcmp(h.boot, boot) != 0 && h.n > SNAP_OLD;
			r = 1;
		} else {
			mbox_state_free(mb);
			mbox_kw_init(&in->st.kw);
			in->st.snap_off = -1;
		}
	}
	close(fd);
	return r;
}

/* --- writing -------------------------------------------------------------- */

bool
mbox_snap_due(const struct mailbox *mb)
{
	const struct mbox_state *st = &mb->in->st;
	int64_t from = st->snap_off > 0 ? st->snap_off : 0;

	return mb->in->index >= 0 && mb->in->log >= 0 && !mb->in->no_snap &&
	    mb->gone == 0 && st->ndoom == 0 && !st->begun &&
	    (st->off - from > SNAP_WORTH || st->named > SNAP_NAMED ||
	    st->snap_old);
}

static void
put_keywords(const struct mbox_kw *kw, struct str *out)
{
	size_t i;

	for (i = 0; i < kw->names; i++)
		str_add(out, kw->name[i], strlen(kw->name[i]) + 1);
	for (i = 1; i < kw->sets; i++) {
		str_add(out, &kw->set[i].n, sizeof(kw->set[i].n));
		str_add(out, kw->set[i].num,
		    kw->set[i].n * sizeof(*kw->set[i].num));
	}
}

/* records with their names in a heap of their own */
static struct mailbox_msg *
put_names(const struct mailbox *mb, struct str *heap)
{
	struct mailbox_msg *v = xcalloc(mb->n + 1, sizeof(*v));
	const char *name;
	size_t i;

	str_addc(heap, '\0');
	for (i = 0; i < mb->n; i++) {
		v[i] = mb->msg[i];
		v[i].flags &= MSG_KEPT;
		v[i].file_flags &= MSG_KEPT;
		v[i].name = (uint32_t)heap->len;
		name = mbox_name_get(&mb->in->st, mb->msg[i].name);
		str_add(heap, name, strlen(name) + 1);
	}
	return v;
}

static void
fill_head(const struct mailbox *mb, struct snap_head *h, size_t kw_len,
    size_t names_len)
{
	const struct mbox_state *st = &mb->in->st;

	memset(h, 0, sizeof(*h));
	memcpy(h->magic, SNAP_MAGIC, sizeof(h->magic));
	h->order = 0x01020304;
	h->version = SNAP_VERSION;
	h->head_size = sizeof(*h);
	h->record_size = sizeof(struct mailbox_msg);
	memcpy(h->id, mb->id, sizeof(mb->id));
	h->uidvalidity = mb->uidvalidity;
	h->uidnext = mb->uidnext;
	h->recent = st->recent;
	h->modseq = mb->modseq;
	h->generation = st->generation;
	h->base_modseq = st->base_modseq;
	h->off = st->off;
	h->live = st->live;
	h->ns[SUB_NEW] = st->logged.ns[SUB_NEW];
	h->ns[SUB_CUR] = st->logged.ns[SUB_CUR];
	h->scanned = st->logged.scanned;
	h->n = mb->n;
	h->dirty_lo = MIN(st->dirty_lo, mb->n);
	h->dirty_hi = MIN(st->dirty_hi, mb->n);
	h->dirty_lo = MIN(h->dirty_lo, h->dirty_hi);
	h->wait_hi = MIN(st->wait_hi, mb->n);
	h->wait_lo = MIN(st->wait_lo, h->wait_hi);
	h->unsettled = MIN(st->unsettled, mb->n);
	memcpy(h->boot, boot, sizeof(h->boot));
	h->stamp = wall_s() * 1000000000 + random_below(1000000000);
	h->kw_names = st->kw.names;
	h->kw_sets = st->kw.sets;
	h->kw_len = kw_len;
	h->names_at = page_up(sizeof(*h) + kw_len);
	h->names_len = names_len;
	h->records_at = page_up(h->names_at + names_len);
}

static int
write_at(int fd, const void *p, size_t n, uint64_t at)
{
	ssize_t w;

	for (; n > 0; n -= (size_t)w, at += (uint64_t)w) {
		w = pwrite(fd, p, n, (off_t)at);
		if (w <= 0)
			return -1;
		p = (const char *)p + w;
	}
	return 0;
}

static int
give_stamp(int fd, int64_t stamp)
{
	struct timespec ts[2] = { { .tv_nsec = UTIME_OMIT },
		{ stamp / 1000000000, stamp % 1000000000 } };

	return futimens(fd, ts);
}

static int
write_file(const struct mailbox *mb, int fd)
{
	struct str kw = STR_INIT, heap = STR_INIT;
	size_t size = mb->n * sizeof(struct mailbox_msg);
	struct mailbox_msg *v;
	struct snap_head h;
	int r;

	put_keywords(&mb->in->st.kw, &kw);
	v = put_names(mb, &heap);
	fill_head(mb, &h, kw.len, heap.len);
	h.kw_crc = mbox_crc(0, kw.s, kw.len);
	h.body_crc = mbox_crc(h.kw_crc, heap.s, heap.len);
	h.body_crc = mbox_crc(h.body_crc, v, size);
	r = log_crc(mb->in, h.off, &h.log_crc) ? 0 : -1;
	h.head_crc = mbox_crc(0, &h, offsetof(struct snap_head, head_crc));
	if (r == 0 && (write_at(fd, &h, sizeof(h), 0) < 0 ||
	    write_at(fd, kw.s, kw.len, sizeof(h)) < 0 ||
	    write_at(fd, heap.s, heap.len, h.names_at) < 0 ||
	    write_at(fd, v, size, h.records_at) < 0 ||
	    ftruncate(fd, (off_t)(h.records_at + size)) < 0 ||
	    give_stamp(fd, h.stamp) < 0))
		r = -1;
	free(v);
	str_free(&heap);
	str_free(&kw);
	return r;
}

void
mbox_snap_write(struct mailbox *mb)
{
	struct mailbox_impl *in = mb->in;
	struct str tmp = STR_INIT;
	int fd, r;

	if (in->index < 0 || mb->gone > 0 || in->st.ndoom > 0 ||
	    in->st.begun || in->log < 0)
		return;
	str_addf(&tmp, "%s.%d", mb->id, (int)getpid());
	unlinkat(in->index, tmp.s, 0);
	fd = dir_open(in->index, tmp.s, O_RDWR | O_CREAT | O_EXCL, 0600);
	r = fd < 0 ? -1 : write_file(mb, fd);
	if (r == 0)
		r = renameat(in->index, tmp.s, in->index, mb->id);
	if (r < 0) {
		in->no_snap = true;
		if (fd >= 0)
			unlinkat(in->index, tmp.s, 0);
	} else {
		in->st.snap_off = in->st.off;
		in->st.named = 0;
		in->st.snap_old = false;
	}
	close_fd(fd);
	str_free(&tmp);
}
