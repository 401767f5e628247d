/*
 * mbox_checkpoint.c - the log written anew: what is live, and what was
 * expunged in the last 90 days (a million UIDs at most).  It is complete and
 * synced before it takes the name, so at any instant there is one good log.
 *
 * postrider-uid, in the folder itself, outlives .state/: UIDVALIDITY, the
 * mailbox id, and a number that no UID has reached.  It is written before
 * UIDs beyond that number are given out.
 */
#include "store/mbox.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/dir.h"

enum {
	HISTORY_UIDS = 1000000, CHECKPOINT_MIN = 256 * 1024,
	RECORD_MIN = 70		/* bytes of an A record with a short name */
};
static const uint64_t history_us = 90ULL * 86400 * 1000000;

static int
sync_dir(struct mailbox_impl *in, const char *name, struct err *err)
{
	int fd = dir_open(in->dir, name, O_RDONLY | O_DIRECTORY, 0), r = 0;

	if (fd < 0 || fsync(fd) < 0)
		r = err_sys(err, "sync the directory %s", name);
	close_fd(fd);
	return r;
}

/* --- postrider-uid -------------------------------------------------------- */

struct uid_file { uint64_t validity, next; char id[33]; };

static bool
read_uid_file(struct mailbox_impl *in, struct uid_file *u)
{
	char buf[256];
	struct slice rest, rec, w;
	uint64_t version;
	ssize_t n;
	int fd;

	fd = dir_open(in->dir, MBOX_UID_FILE, O_RDONLY | O_NONBLOCK, 0);
	if (fd < 0)
		return false;
	n = pread(fd, buf, sizeof(buf), 0);
	close(fd);
	if (n <= 0)
		return false;
	rest = (struct slice){ buf, (size_t)n };
	if (mbox_log_next(&rest, &rec) != 1 || !mbox_word_u64(&rec, &version) ||
	    version != 1 || !mbox_word_u64(&rec, &u->validity) ||
	    u->validity == 0 || u->validity > UINT32_MAX ||
	    !mbox_word_u64(&rec, &u->next) || u->next == 0 ||
	    u->next > UINT32_MAX || !slice_cut(&rec, ' ', &w) || w.n == 0 ||
	    w.n > 32)
		return false;
	slice_copy(u->id, sizeof(u->id), w);
	return true;
}

/* replace a file: written, synced, renamed.  The descriptor, or -1 */
static int
replace(struct mailbox_impl *in, const char *tmp, const char *name,
    struct slice text, struct err *err)
{
	int fd;

	unlinkat(in->dir, tmp, 0);
	fd = dir_open(in->dir, tmp, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		return err_sys(err, "make %s", tmp);
	if (full_write(fd, text.p, text.n) < 0 || fsync(fd) < 0 ||
	    renameat(in->dir, tmp, in->dir, name) < 0) {
		err_sys(err, "write %s", name);
		unlinkat(in->dir, tmp, 0);
		close_fd(fd);
		return -1;
	}
	return fd;
}

static int
write_uid_file(struct mailbox *mb, uint64_t next, struct err *err)
{
	struct str text = STR_INIT;
	int fd;

	next = MIN(next, UINT32_MAX);
	mbox_log_addf(&text, "1 %lu %llu %s", (unsigned long)mb->uidvalidity,
	    (unsigned long long)next, mb->id);
	fd = replace(mb->in, MBOX_UID_FILE ".tmp", MBOX_UID_FILE,
	    slice_str(&text), err);
	str_free(&text);
	if (fd < 0)
		return -1;
	close(fd);
	if (sync_dir(mb->in, ".", err) < 0) {
		/* what is in the file may not last: it is not believed */
		mb->in->reserved = MAX(mb->in->reserved, 1);
		return -1;
	}
	mb->in->reserved = (uint32_t)next;
	return 0;
}

int
mbox_reserve(struct mailbox *mb, uint64_t uid, struct err *err)
{
	struct mailbox_impl *in = mb->in;
	struct uid_file u;

	if (uid >= UINT32_MAX)
		return err_perm(err, "5.3.4", "no UIDs are left");
	if (!in->writable)
		return 0;
	if (in->reserved == 0 && read_uid_file(in, &u) &&
	    u.validity == mb->uidvalidity && strcmp(u.id, mb->id) == 0)
		in->reserved = (uint32_t)u.next;
	if (uid <= in->reserved)
		return 0;
	return write_uid_file(mb, uid + MBOX_UID_AHEAD, err);
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

static void
add_state(struct mailbox *mb, struct str *out)
{
	struct mbox_state *st = &mb->in->st;
	size_t i;

	for (i = 0; i < st->kw.names; i++)
		mbox_log_addf(out, "K %zu %s", i, st->kw.name[i]);
	if (st->recent > 0)
		mbox_log_addf(out, "M recent %lu", (unsigned long)st->recent);
	for (i = 0; i < mb->n; i++)
		if (!(mb->msg[i].flags & MSG_GONE))
			mbox_record_add(out, mb, &mb->msg[i],
			    mbox_name_get(st, mb->msg[i].name));
	if (st->unsettled >= mb->n)
		mbox_log_addf(out, "D %lld %lld %lld",
		    (long long)st->known.ns[SUB_NEW],
		    (long long)st->known.ns[SUB_CUR],
		    (long long)st->known.scanned);
}

static void
make_text(struct mailbox *mb, struct str *text)
{
	struct mbox_state *st = &mb->in->st;
	struct slice old = read_old(mb->in);
	struct str body = STR_INIT;

	add_history(mb, &body, old);
	free((char *)(uintptr_t)old.p);
	add_state(mb, &body);
	st->live = (int64_t)body.len;
	mbox_log_addf(text, "H 1 %s %lu %llu %llu %lu %lld", mb->id,
	    (unsigned long)mb->uidvalidity,
	    (unsigned long long)st->generation + 1,
	    (unsigned long long)st->base_modseq, (unsigned long)mb->uidnext,
	    (long long)st->live);
	str_addsl(text, slice_str(&body));
	str_free(&body);
}

/* the new log has its name: so that it keeps it */
static int
sync_log(struct mailbox_impl *in, int fd, struct stat *sb, struct err *err)
{
	if (fstat(fd, sb) < 0)
		return err_sys(err, "stat .state/log");
	if (sync_dir(in, ".state", err) < 0)
		return -1;
	return in->fresh ? sync_dir(in, ".", err) : 0;
}

int
mbox_checkpoint(struct mailbox *mb, struct err *err)
{
	struct mailbox_impl *in = mb->in;
	struct str text = STR_INIT;
	struct stat sb;
	int fd;

	if (mbox_unlink_doom(mb, err) < 0)
		return -1;
	if (in->st.base_modseq == 0)
		in->st.base_modseq = mb->modseq;
	make_text(mb, &text);
	fd = replace(in, ".state/log.tmp", ".state/log", slice_str(&text),
	    err);
	if (fd >= 0 && sync_log(in, fd, &sb, err) < 0) {
		close_fd(fd);
		fd = -1;
	}
	if (fd >= 0) {
		close_fd(in->log);
		in->log = fd;
		in->log_ino = sb.st_ino;
		in->st.generation++;
		in->st.off = (int64_t)text.len;
		mbox_note_end(&in->st, slice_str(&text));
		in->st.snap_off = -1;
	} else {
		in->log_ino = 0;
	}
	str_free(&text);
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

/* The clock's seconds, but above all that were given in this Maildir: a
 * folder that is deleted and made again within a second is another one. */
static uint32_t
new_validity(struct mailbox_impl *in)
{
	static const char last[] = ".state/uidvalidity";
	char buf[16], tmp[64];
	uint64_t v = 0;
	ssize_t n = 0;
	int fd;

	fd = dir_open(in->maildir, last, O_RDONLY | O_NONBLOCK, 0);
	if (fd >= 0)
		n = pread(fd, buf, sizeof(buf), 0);
	close_fd(fd);
	if (n > 1)
		slice_u64((struct slice){ buf, (size_t)n - 1 }, UINT32_MAX - 1,
		    &v);
	v = MIN(MAX(v + 1, (uint64_t)MAX(wall_s(), 1)), UINT32_MAX);
	snprintf(tmp, sizeof(tmp), ".state/uidvalidity.%d", (int)getpid());
	fd = dir_open(in->maildir, tmp, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd >= 0) {
		n = snprintf(buf, sizeof(buf), "%lu\n", (unsigned long)v);
		if (full_write(fd, buf, (size_t)n) < 0 ||
		    renameat(in->maildir, tmp, in->maildir, last) < 0)
			unlinkat(in->maildir, tmp, 0);
	}
	close_fd(fd);
	return (uint32_t)v;
}

int
mbox_create_log(struct mailbox *mb, struct err *err)
{
	struct mailbox_impl *in = mb->in;
	unsigned char rnd[16];
	struct uid_file u;
	struct str id = STR_INIT;

	if (read_uid_file(in, &u)) {
		mb->uidvalidity = (uint32_t)u.validity;
		mb->uidnext = MAX(mb->uidnext, (uint32_t)u.next);
		slice_copy(mb->id, sizeof(mb->id), slice_of(u.id));
	} else {
		random_bytes(rnd, sizeof(rnd));
		hex_encode(&id, rnd, sizeof(rnd));
		slice_copy(mb->id, sizeof(mb->id), slice_str(&id));
		str_free(&id);
		mb->uidvalidity = new_validity(in);
	}
	mb->modseq = mbox_next_modseq(mb);
	in->st.base_modseq = mb->modseq;
	in->st.have_head = true;
	in->fresh = true;
	return mbox_checkpoint(mb, err);
}
