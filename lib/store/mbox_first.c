/*
 * mbox_first.c - postrider-uid, and a log for a mailbox that has none.
 *
 * postrider-uid, in the folder itself, outlives .state/: UIDVALIDITY, the
 * mailbox id, and a number that no UID has reached.  It is written before
 * UIDs beyond that number are given out.  Where there is none, a log that is
 * lost is followed by one with another UIDVALIDITY, so the first of them may
 * come late, or be lost to a power cut, and no UID is told twice.
 *
 * A mailbox that is opened for the first time is read first, and its log is
 * written with all that is there: one file, once, and synced once, before
 * anybody is told a UID.  Until then nothing of it is on the disk, and the lock
 * is held.  Then it gets its name, and postrider-uid is made: who is killed
 * leaves both, the log alone, or nothing.  Where postrider-uid outlived a log
 * it is written anew and synced before the next log has its name; who is
 * killed between the two leaves a gap of MBOX_UID_AHEAD UIDs, which is as much
 * as such a loss costs anyhow: gaps in UIDs mean nothing to a client.
 *
 * Where no log can be written, since the disk is full or read-only or the
 * folder another user's, its mail can be read all the same, under a UIDVALIDITY
 * that is this view's alone (passing).
 */
#include "store/mbox.h"

#include <fcntl.h>
#include <sys/file.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/dir.h"

enum { HOLD_POLL_US = 5000 };

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

/* 0, or -1 and errno */
static int
write_uid_file(struct mailbox *mb, uint64_t next, bool sync, struct err *err)
{
	struct mailbox_impl *in = mb->in;
	struct str text = STR_INIT;
	int fd, e;

	next = MIN(next, UINT32_MAX);
	mbox_log_addf(&text, "1 %lu %llu %s", (unsigned long)mb->uidvalidity,
	    (unsigned long long)next, mb->id);
	fd = mbox_replace_begin(in, MBOX_UID_FILE ".tmp", err);
	if (fd >= 0)
		fd = mbox_replace_end(in, fd, full_write(fd, text.s,
		    text.len) == 0 && (!sync || fsync(fd) == 0),
		    MBOX_UID_FILE ".tmp", MBOX_UID_FILE, err);
	e = errno;
	str_free(&text);
	errno = e;
	if (fd < 0)
		return -1;
	close(fd);
	in->reserved = (uint32_t)next;
	return 0;
}

/* Up to where are they reserved? */
static uint32_t
reserved(struct mailbox *mb)
{
	struct mailbox_impl *in = mb->in;
	struct uid_file u;

	if (in->reserved == 0 && read_uid_file(in, &u) &&
	    u.validity == mb->uidvalidity && strcmp(u.id, mb->id) == 0)
		in->reserved = (uint32_t)u.next;
	return in->reserved;
}

int
mbox_reserve(struct mailbox *mb, uint64_t uid, struct err *err)
{
	struct mailbox_impl *in = mb->in;

	if (uid >= UINT32_MAX)
		return err_perm(err, "5.3.4", "no UIDs are left");
	if (!in->writable || in->unwritten || uid <= reserved(mb))
		return 0;
	if (write_uid_file(mb, uid + MBOX_UID_AHEAD, true, err) < 0)
		return -1;
	if (mbox_sync_dir(in, ".", err) < 0) {
		/* what is in the file may not last: it is not believed */
		in->reserved = 1;
		return -1;
	}
	return 0;
}

/* the directory is synced with the log's */
int
mbox_reserve_again(struct mailbox *mb)
{
	struct err ignored;

	return mb->n == 0 || reserved(mb) == 0 || mb->uidnext <= reserved(mb) ?
	    0 : write_uid_file(mb, (uint64_t)mb->uidnext + MBOX_UID_AHEAD,
	    true, &ignored);
}

void
mbox_reserve_first(struct mailbox *mb)
{
	struct err ignored;

	/* where it can not be, it is made with the next message */
	if (mb->n > 0 && mb->in->reserved == 0)
		write_uid_file(mb, (uint64_t)mb->uidnext + MBOX_UID_AHEAD,
		    false, &ignored);
}

/* --- the first log -------------------------------------------------------- */

/* Who gives a UIDVALIDITY holds cur/ until the log has it, or, where there can
 * be none, until its second is over: no other view of this folder has the same,
 * today or later.  A foreign program that holds it does not keep us for
 * ever. */
static bool
hold(const struct mailbox_impl *in)
{
	int64_t end = mono_ms() + DIR_LOCK_MS;

	while (flock(in->sub[SUB_CUR], LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return true;	/* a file system without such locks */
		if (mono_ms() >= end)
			return false;
		usleep(HOLD_POLL_US);
	}
	return true;
}

static void
let_go(const struct mailbox_impl *in)
{
	flock(in->sub[SUB_CUR], LOCK_UN);
}

/* The clock's seconds, but above all that were given in this Maildir: a
 * folder that is deleted and made again within a second is another one. */
static uint32_t
new_validity(struct mailbox_impl *in)
{
	char buf[16];
	uint64_t v = 0;
	ssize_t n = 0;
	int fd;

	fd = dir_open(in->maildir, ".state/uidvalidity",
	    O_RDWR | O_CREAT | O_NONBLOCK, 0600);
	if (fd >= 0)
		n = read(fd, buf, sizeof(buf));
	if (n > 1)
		slice_u64((struct slice){ buf, (size_t)n - 1 }, UINT32_MAX - 1,
		    &v);
	v = MIN(MAX(v + 1, (uint64_t)MAX(wall_s(), 1)), UINT32_MAX);
	/* in place, always ten digits; where they can not be written, or are
	 * lost, the clock does */
	n = snprintf(buf, sizeof(buf), "%010lu\n", (unsigned long)v);
	if (fd >= 0 && lseek(fd, 0, SEEK_SET) == 0)
		full_write(fd, buf, (size_t)n);
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
	int r;

	if (read_uid_file(in, &u)) {
		mb->uidvalidity = (uint32_t)u.validity;
		mb->uidnext = MAX(mb->uidnext, (uint32_t)u.next);
		slice_copy(mb->id, sizeof(mb->id), slice_of(u.id));
	} else {
		random_bytes(rnd, sizeof(rnd));
		hex_encode(&id, rnd, sizeof(rnd));
		slice_copy(mb->id, sizeof(mb->id), slice_str(&id));
		str_free(&id);
		hold(in);
		mb->uidvalidity = new_validity(in);
	}
	mb->modseq = mbox_next_modseq(mb);
	in->st.base_modseq = mb->modseq;
	in->st.have_head = true;
	in->fresh = true;
	/* The first log is written with the messages that it is for: nobody
	 * was told anything yet. */
	in->unwritten = in->opening && in->log < 0;
	if (in->unwritten)
		return 0;
	r = mbox_checkpoint(mb, err);
	let_go(in);
	return r;
}

int
mbox_first(struct mailbox *mb, struct err *err)
{
	int r = 0;

	if (mb->in->unwritten && mbox_sync_all(mb, err) < 0)
		r = -1;
	else if (mb->in->unwritten)
		r = mbox_checkpoint(mb, err);
	let_go(mb->in);
	return r;
}

/* --- no log --------------------------------------------------------------- */

bool
mbox_may_pass(const struct mailbox *mb, const struct err *err)
{
	const struct mailbox_impl *in = mb->in;

	return in->opening && !(in->flags & MAILBOX_NO_RECENT) &&
	    strcmp(err->dsn, "4.3.1") == 0;
}

/* what was made of a log that could not be written */
static void
forget(struct mailbox *mb)
{
	struct mailbox_impl *in = mb->in;

	mbox_state_free(mb);
	mbox_kw_init(&in->st.kw);
	mbox_abandon(mb);
	in->unwritten = in->fresh = in->rescan = false;
	mb->recent_uid = 0;
}

int
mbox_passing(struct mailbox *mb, struct err *err)
{
	struct mailbox_impl *in = mb->in;
	unsigned char rnd[16];
	struct str id = STR_INIT;
	bool held;

	if (in->writable) {
		log_event(LOG_WARN, "mailbox-full", KERR(err), KEND);
		in->writable = false;
	}
	forget(mb);
	held = hold(in);
	mbox_open_log(in);	/* who held it may have made one */
	if (in->log < 0 && held) {
		mb->uidvalidity = (uint32_t)wall_s();
		while (in->opening && !(in->flags & MAILBOX_NO_RECENT) &&
		    wall_s() == (int64_t)mb->uidvalidity)
			usleep(HOLD_POLL_US);
	}
	let_go(in);
	if (in->log >= 0)
		return 0;
	if (!held)
		return err_temp(err, "4.3.2", "cur is locked");
	random_bytes(rnd, sizeof(rnd));
	hex_encode(&id, rnd, sizeof(rnd));
	slice_copy(mb->id, sizeof(mb->id), slice_str(&id));
	str_free(&id);
	mb->uidnext = 1;
	mb->modseq = 1;
	mb->passing = true;
	in->st.have_head = true;
	in->fresh = true;
	return 0;
}
