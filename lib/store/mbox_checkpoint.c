/*
 * mbox_checkpoint.c - the log written anew: what is live, and what was
 * expunged in the last 90 days (a million UIDs at most).  It is complete and
 * synced before it takes the name, so at any instant there is one good log.
 */
#include "store/mbox.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/dir.h"

enum {
	HISTORY_UIDS = 1000000, CHECKPOINT_MIN = 256 * 1024,
	RECORD_MIN = 70,	/* bytes of an A record with a short name */
	PIECE = 64 * 1024,	/* of a log, written at a time */
	AHEAD = 8
};
static const uint64_t history_us = 90ULL * 86400 * 1000000;

int
mbox_sync_dir(struct mailbox_impl *in, const char *name, struct err *err)
{
	int fd = dir_open(in->dir, name, O_RDONLY | O_DIRECTORY, 0), r = 0;

	if (fd < 0 || fsync(fd) < 0)
		r = err_sys(err, "sync the directory %s", name);
	close_fd(fd);
	return r;
}

int
mbox_replace_begin(struct mailbox_impl *in, const char *tmp, struct err *err)
{
	int fd;

	unlinkat(in->dir, tmp, 0);
	fd = dir_open(in->dir, tmp, O_RDWR | O_CREAT | O_EXCL, 0600);
	return fd < 0 ? err_sys(err, "make %s", tmp) : fd;
}

int
mbox_replace_end(struct mailbox_impl *in, int fd, bool written, const char *tmp,
    const char *name, struct err *err)
{
	/* errno tells why it was not */
	if (!written ||
	    renameat(in->dir, tmp, in->dir, name) < 0) {
		err_sys(err, "write %s", name);
		unlinkat(in->dir, tmp, 0);
		close_fd(fd);
		return -1;
	}
	return fd;
}

/* --- the log -------------------------------------------------------------- */

/* modseq and number of UIDs of an E or V record; 0 it is none */
static int
gone_record(struct slice rec, uint64_t *modseq, uint64_t *count)
{
	struct slice set;
	struct uid_range u;

	if (rec.n < 2 || (rec.p[0] != 'E' && rec.p[0] != 'V') ||
	    rec.p[1] != ' ')
		return 0;
	rec = slice_sub(rec, 2, rec.n);
	if (!mbox_word_u64(&rec, modseq) || !slice_cut(&rec, ' ', &set))
		return 0;
	*count = 0;
	while (mbox_set_next(&set, &u))
		*count += (uint64_t)u.last - u.first + 1;
	return 1;
}

static void
add_history(struct mailbox *mb, struct str *out, struct slice log)
{
	uint64_t modseq, n, total = 0, old;
	struct slice rest = log, rec;
	int r;

	old = (uint64_t)wall_us() - history_us;
	while ((r = mbox_log_next(&rest, &rec)) != 0)
		if (r > 0 && gone_record(rec, &modseq, &n))
			total += n;
	for (rest = log; (r = mbox_log_next(&rest, &rec)) != 0; ) {
		if (r < 0 || !gone_record(rec, &modseq, &n))
			continue;
		if (modseq < old || total > HISTORY_UIDS) {
			total -= n;
			mb->in->st.base_modseq =
			    MAX(mb->in->st.base_modseq, modseq);
			continue;
		}
		/* as V: nothing is left to be unlinked */
		mbox_log_addf(out, "V%.*s", (int)rec.n - 1, rec.p + 1);
	}
}

/* the old log whole; empty where it can not be read */
static struct slice
read_old(struct mailbox_impl *in)
{
	struct slice s = { NULL, 0 };
	struct stat st;
	ssize_t n;
	char *buf;

	if (in->log < 0 || fstat(in->log, &st) < 0 || st.st_size <= 0)
		return s;
	buf = xmalloc((size_t)st.st_size);
	n = pread(in->log, buf, (size_t)st.st_size, 0);
	s = (struct slice){ buf, n > 0 ? (size_t)n : 0 };
	return s;
}

/* A log being written in pieces: their memory is used again, and stays in the
 * processor's cache. */
struct text {
	int fd;
	struct str s;
	int64_t len;	/* of what was written */
	int failed;	/* errno */
};

static void
flush(struct mbox_state *st, struct text *t)
{
	if (t->s.len == 0)
		return;
	if (!t->failed && full_write(t->fd, t->s.s, t->s.len) < 0)
		t->failed = errno;
	mbox_note_end(st, slice_str(&t->s));
	t->len += (int64_t)t->s.len;
	str_reset(&t->s);
}

static void
add_state(struct mailbox *mb, struct text *t)
{
	struct mbox_state *st = &mb->in->st;
	struct str *out = &t->s;
	size_t i;

	for (i = 0; i < st->kw.names; i++)
		mbox_log_addf(out, "K %zu %s", i, st->kw.name[i]);
	if (st->recent > 0)
		mbox_log_addf(out, "M recent %lu", (unsigned long)st->recent);
	for (i = 0; i < mb->n; i++) {
		/* names lie in no order */
		if (i + AHEAD < mb->n)
			__builtin_prefetch(mbox_name_get(st,
			    mb->msg[i + AHEAD].name));
		if (mb->msg[i].flags & MSG_GONE)
			continue;
		mbox_record_add(out, mb, &mb->msg[i],
		    mbox_name_get(st, mb->msg[i].name));
		if (out->len >= PIECE)
			flush(st, t);
	}
	if (st->unsettled >= mb->n)
		mbox_log_addf(out, "D %lld %lld %lld",
		    (long long)st->known.ns[SUB_NEW],
		    (long long)st->known.ns[SUB_CUR],
		    (long long)st->known.scanned);
}

/* Its length does not depend on `live`, which is known last. */
static void
add_head(const struct mailbox *mb, struct str *out)
{
	const struct mbox_state *st = &mb->in->st;

	mbox_log_addf(out, "H 1 %s %lu %llu %llu %lu %012lld", mb->id,
	    (unsigned long)mb->uidvalidity,
	    (unsigned long long)st->generation + 1,
	    (unsigned long long)st->base_modseq, (unsigned long)mb->uidnext,
	    (long long)st->live);
}

/* its length, or -1 and errno */
static int64_t
write_log(struct mailbox *mb, int fd)
{
	struct mbox_state *st = &mb->in->st;
	struct slice old = read_old(mb->in);
	struct text t = { .fd = fd, .s = STR_INIT };
	struct str head = STR_INIT;

	add_history(mb, &t.s, old);
	free((char *)(uintptr_t)old.p);
	/* the head comes last, to its place */
	add_head(mb, &head);
	t.failed = lseek(fd, (off_t)head.len, SEEK_SET) < 0 ? errno : 0;
	add_state(mb, &t);
	flush(st, &t);
	st->live = t.len;
	str_reset(&head);
	add_head(mb, &head);
	if (t.len == 0)
		mbox_note_end(st, slice_str(&head));
	if (!t.failed && (lseek(fd, 0, SEEK_SET) < 0 ||
	    full_write(fd, head.s, head.len) < 0))
		t.failed = errno;
	t.len += (int64_t)head.len;
	str_free(&head);
	str_free(&t.s);
	errno = t.failed;
	return t.failed ? -1 : t.len;
}

/* the new log has its name: so that it keeps it */
static int
sync_log(struct mailbox_impl *in, int fd, struct stat *sb, struct err *err)
{
	if (fstat(fd, sb) < 0)
		return err_sys(err, "stat .state/log");
	if (mbox_sync_dir(in, ".state", err) < 0)
		return -1;
	return in->fresh ? mbox_sync_dir(in, ".", err) : 0;
}

int
mbox_checkpoint(struct mailbox *mb, struct err *err)
{
	static const char tmp[] = ".state/log.tmp";
	struct mailbox_impl *in = mb->in;
	struct stat sb;
	int64_t len = 0;
	int fd;

	/* a log that is lost or damaged does not wait until all is certain */
	if (mbox_unlink_doom(mb, err) < 0)
		return -1;
	if (in->st.base_modseq == 0)
		in->st.base_modseq = mb->modseq;
	fd = mbox_replace_begin(in, tmp, err);
	if (fd >= 0) {
		len = write_log(mb, fd);
		if (len >= 0 && fsync(fd) < 0)
			len = -1;
		/* of a first one UIDs are reserved as late as they can be:
		 * mbox_first.c */
		if (len >= 0 && in->unwritten && mbox_reserve_again(mb) < 0)
			len = -1;
		fd = mbox_replace_end(in, fd, len >= 0, tmp, ".state/log",
		    err);
		if (fd >= 0 && in->unwritten)
			mbox_reserve_first(mb);
	}
	if (fd >= 0 && sync_log(in, fd, &sb, err) < 0) {
		close_fd(fd);
		fd = -1;
	}
	if (fd >= 0) {
		close_fd(in->log);
		in->log = fd;
		in->log_ino = sb.st_ino;
		in->unwritten = false;
		in->st.generation++;
		in->st.off = len;
		in->st.snap_off = -1;
	} else {
		in->log_ino = 0;
	}
	return fd < 0 ? -1 : 0;
}

/* Messages that came since are live, too: the least that they can have. */
static int64_t
live(const struct mailbox *mb)
{
	return MAX(mb->in->st.live, (int64_t)(mb->n - mb->gone) * RECORD_MIN);
}

void
mbox_checkpoint_if_due(struct mailbox *mb)
{
	struct mbox_state *st = &mb->in->st;
	struct err late;

	if (!mb->in->writable || st->ndoom > 0 || st->begun ||
	    st->off < CHECKPOINT_MIN || st->off < 2 * live(mb) +
	    CHECKPOINT_MIN)
		return;
	if (mbox_checkpoint(mb, &late) < 0)
		mbox_late(mb, &late);
}

void
mbox_late(const struct mailbox *mb, const struct err *err)
{
	log_event(LOG_WARN, "mailbox-late", KS("id", mb->id), KERR(err), KEND);
}
