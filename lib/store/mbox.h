/*
 * mbox.h - inside lib/store: what the files mbox_*.c share of one open
 * mailbox.
 *
 * All changes are made one way: under the lock, after the log's tail was
 * read, records are written to the log and synced, and then applied to the
 * array by the same code that reads the log of others (mbox_apply.c).
 */
#ifndef STORE_MBOX_H
#define STORE_MBOX_H

#include "store/dir.h"
#include "store/mailbox.h"
#include "store/name.h"

enum {
	SUB_NEW, SUB_CUR,
	MBOX_LINE_MAX = 1 << 20,	/* bytes of a record */
	MBOX_NUMBER_MAX = 24,
	MBOX_SET_MAX = 16 * 1024,	/* of the UIDs in one that we write */
	/* when to look where our changes may hide another's */
	MBOX_SCAN_S = 30, MBOX_SCAN_N = 2000, MBOX_SCAN_MAX_S = 1800,
	MBOX_UID_AHEAD = 4096,	/* UIDs reserved in postrider-uid */
	/* in file_flags, whose low bits are the flags of the name: a renaming
	 * was begun (S), and the name may have the flags that are in the
	 * upper byte */
	MBOX_BEGUN = 0x8000,
};
#define MBOX_NO_DATE INT64_MIN	/* in mailbox_msg: that of the file */
/* flag of mbox_open: nothing is written, whatever is found */
enum { MBOX_LOOK = 1 << 8 };
#define MBOX_UID_FILE "postrider-uid"

/* times of new/ and cur/ for which the array is right */
struct mbox_known {
	int64_t ns[2];		/* 0: not known */
	int64_t scanned;	/* unix time since which our own changes of
				 * cur/ may hide another's; 0: none do */
};

/* a message expunged by the log whose file may still be there */
struct mbox_doom { uint32_t uid, name; uint16_t flags, file_flags; };

/* Keyword definitions and sets.  Set 0 is the empty one. */
struct mbox_kwset {
	uint16_t n;
	uint16_t *num;		/* numbers, sorted */
	const char **v;		/* names, sorted */
};
struct mbox_kw {
	const char **name;	/* by number */
	size_t names, sets, cap_names, cap_sets, table_size;
	struct mbox_kwset *set;
	uint32_t *table;	/* hash of sets, open addressing */
	const char **sorted;	/* all names */
	size_t nsorted;
	struct arena mem, set_mem;	/* of names; of sets */
};

/* all that reading the log and the snapshot makes, but what struct mailbox
 * shows */
struct mbox_state {
	size_t cap;		/* of mb->msg */
	void *map;		/* mb->msg is in here, else malloced */
	size_t map_len;
	const char *names;	/* names of the snapshot, mapped */
	size_t names_len;
	struct str more;	/* names that came later, behind these */
	struct mbox_kw kw;
	struct mbox_doom *doom;
	size_t ndoom, doom_cap;
	bool hunted;		/* some of these could not be found */
	bool have_head;		/* H was read */
	bool scanned;		/* the directories were read once: D */
	uint64_t generation, base_modseq;
	int64_t off;		/* the log is read up to here */
	char end[8];		/* checksum of the record before off, */
	bool has_end;		/* where it is known */
	int64_t live;		/* its size at the last checkpoint */
	int64_t snap_off;	/* what the snapshot on the disk covers */
	bool snap_old;		/* it is of another boot */
	uint32_t recent;	/* watermark: above it is \Recent */
	size_t dirty_lo, dirty_hi;	/* in here flags may differ from
					 * file_flags */
	bool begun;		/* some have MBOX_BEGUN */
	size_t wait_lo, wait_hi;	/* in here are files that wait for
					 * the name with a UID: T */
	size_t named;		/* names changed by T, in no snapshot yet */
	size_t unsettled;	/* from here names may not be made yet */
	struct mbox_known known, logged;
};

struct mailbox_impl {
	int dir, sub[2];	/* the folder, new, cur */
	int log, lock;
	int index, maildir;
	unsigned flags;		/* of mailbox_open */
	uint64_t quota, log_ino;
	char *host;
	int held;		/* how often the lock was taken */
	bool writable;		/* else nothing is ever written */
	bool opening;		/* mailbox_open is not done */
	bool loading;		/* no view yet: nothing to tell */
	bool mine;		/* records being applied are our own */
	bool changed;		/* since the last refresh */
	bool damaged;		/* the log had bad lines */
	bool fresh;		/* the log was just made */
	bool unwritten;		/* it is not on the disk yet, and the lock is
				 * held since it was looked for */
	bool doom_late;		/* it was said that mbox_finish_doom failed */
	bool rescan;		/* a file was not where it should be */
	bool no_snap;		/* it could not be written */
	uint32_t reserved;	/* from postrider-uid; 0 not read yet */
	struct mbox_state st;
	struct str out;		/* records being made */
	struct str path;
	struct mailbox_keywords tmp_kw;
};

/* --- mbox_log.c: records -------------------------------------------------- */
uint32_t mbox_crc(uint32_t crc, const void *p, size_t n);
/* end the record that begins at out->s[start]: checksum and newline */
void mbox_log_seal(struct str *out, size_t start);
void mbox_log_addf(struct str *out, const char *fmt, ...) PRINTF(2, 3);
void mbox_log_text(struct str *out, const char *s);	/* escaped */
void mbox_log_number(struct str *out, int64_t v);	/* and a blank */
/* the same, written so that it ends at p: where it begins, at most
 * MBOX_NUMBER_MAX before */
char *mbox_log_before(char *p, int64_t v);
bool mbox_log_untext(struct str *out, struct slice s);
/* cut the next good record (without checksum) off *rest: 1, 0 no whole line,
 * -1 a bad line, which is then cut off */
int mbox_log_next(struct slice *rest, struct slice *rec);
/* next range of a UID set: 1, or 0 at its end or where it is none */
int mbox_set_next(struct slice *set, struct uid_range *r);
bool mbox_word_u64(struct slice *rest, uint64_t *r);
bool mbox_word_i64(struct slice *rest, int64_t *r);
/* a number, or "-": MBOX_NO_DATE */
bool mbox_word_date(struct slice *rest, int64_t *r);
/* "FS,3,7" or "-" */
struct mbox_flagspec { unsigned flags; uint16_t *num; size_t n; };
void mbox_flagspec_add(struct str *out, unsigned flags, const uint16_t *num,
    size_t n);

/* --- mbox_apply.c --------------------------------------------------------- */
/* Apply the good records at the start of text: bytes used; *bad where it
 * ended at a whole line that is no record. */
size_t mbox_apply(struct mailbox *mb, struct slice text, bool *bad);
/* what applying an A record does; waits: mbox_name_waits of its name */
void mbox_add_msg(struct mailbox *mb, const struct mailbox_msg *m, bool waits);
/* an A record of message m, whose name is "<kind><text>" */
void mbox_record_add(struct str *out, const struct mailbox *mb,
    const struct mailbox_msg *m, const char *name);

/* --- mbox_read.c: the log, the lock --------------------------------------- */
/* the log's tail, without the lock.  0, 1 something there is no record, -1 */
int mbox_tail(struct mailbox *mb, struct err *err);
/* Lock and catch up; the state is then that of the log.  0 or -1 */
int mbox_lock(struct mailbox *mb, struct err *err);
void mbox_unlock(struct mailbox *mb);
/* note the checksum that the records read or written last end with */
void mbox_note_end(struct mbox_state *st, struct slice records);
/* Under the lock: write in->out to the log, sync, apply, and empty it.  0, or
 * -1 and nothing was written. */
int mbox_commit(struct mailbox *mb, bool sync, struct err *err);
/* records that will not be written: the state is read anew */
void mbox_abandon(struct mailbox *mb);
uint64_t mbox_next_modseq(const struct mailbox *mb);
/* in->log, or -1 and errno */
void mbox_open_log(struct mailbox_impl *in);
/* load all from snapshot and log: 0 or -1 */
int mbox_load(struct mailbox *mb, struct err *err);
/* the same where a view is open: it is brought up to date */
int mbox_reload(struct mailbox *mb, struct err *err);
/* is the log on the disk still the one that is open? */
bool mbox_log_current(const struct mailbox *mb);

/* --- mbox_checkpoint.c ---------------------------------------------------- */
/* Under the lock: write the log anew.  0 or -1 */
int mbox_checkpoint(struct mailbox *mb, struct err *err);
void mbox_checkpoint_if_due(struct mailbox *mb);
/* What was answered is so; what comes behind it failed, and is done again at
 * the next occasion: the log has it. */
void mbox_late(const struct mailbox *mb, const struct err *err);
/* Replace a file of the folder: begin, what is in it is written to the
 * descriptor and synced, end: it is renamed, or removed where it was not
 * written (errno).  The descriptor, or -1 */
int mbox_replace_begin(struct mailbox_impl *in, const char *tmp,
    struct err *err);
int mbox_replace_end(struct mailbox_impl *in, int fd, bool written,
    const char *tmp, const char *name, struct err *err);
int mbox_sync_dir(struct mailbox_impl *in, const char *name, struct err *err);

/* --- mbox_first.c --------------------------------------------------------- */
/* make the first log, or one in the place of one that is lost; where the
 * mailbox is being opened mbox_first writes it, with what is there */
int mbox_create_log(struct mailbox *mb, struct err *err);
int mbox_first(struct mailbox *mb, struct err *err);
/* Is err a full disk, and the mailbox one that a client wants to read? */
bool mbox_may_pass(const struct mailbox *mb, const struct err *err);
/* No log can be made: nothing is written, and UIDVALIDITY is one that no other
 * view has.  0 also where there is a log now, or -1 */
int mbox_passing(struct mailbox *mb, struct err *err);
/* Under the lock: no UID from uid on was ever given out.  Of a log that is not
 * written yet this is done later: before it gets its name, where there is a
 * postrider-uid already (0, or -1 and errno), and behind that, where there is
 * none. */
int mbox_reserve(struct mailbox *mb, uint64_t uid, struct err *err);
int mbox_reserve_again(struct mailbox *mb);
void mbox_reserve_first(struct mailbox *mb);

/* --- mbox_state.c --------------------------------------------------------- */
void mbox_state_free(struct mailbox *mb);
void mbox_set_array(struct mailbox *mb, struct mailbox_msg *v, size_t cap);
/* Memory that will be written: its pages are had at once, which takes less than
 * half of the time that a fault for each does. */
void mbox_populate(void *p, size_t n);
/* for so many, where there are none yet */
void mbox_make_room(struct mailbox *mb, size_t n);
struct mailbox_msg *mbox_append_msg(struct mailbox *mb);
void mbox_dirty(struct mbox_state *st, size_t i);
/* message i waits for its name */
void mbox_wait(struct mbox_state *st, size_t i);
void mbox_doom_add(struct mbox_state *st, const struct mailbox_msg *m);

/* --- mbox_name.c: names in the heap: kind and text --------------------------
 * 'c' base: cur/<base>:2,<flags>;  'o' base:2,others: the same with letters
 * that are not ours;  'o' without ":2,": cur/<name>;  'n': new/<name> */
uint32_t mbox_name_keep(struct mbox_state *st, const char *kind_text);
uint32_t mbox_name_keep_slice(struct mbox_state *st, struct slice kind_text);
const char *mbox_name_get(const struct mbox_state *st, uint32_t name);
/* the file name, appended; which directory: SUB_NEW, SUB_CUR, or -1 */
int mbox_name_file(const char *kind_text, unsigned flags, struct str *out);
void mbox_letters(struct str *out, unsigned flags, struct slice others);
/* to p, which has room for all; how many */
enum { MBOX_LETTERS = 6 };
size_t mbox_letters_put(char *p, unsigned flags);
unsigned mbox_letters_parse(struct slice s);
/* are all letters flags of ours, in our order? */
bool mbox_letters_ours(struct slice s);
/* the name that the message shall have, kind first, appended */
void mbox_name_final(struct str *out, struct slice file, unsigned flags,
    const struct mailbox_msg *m);
struct slice mbox_unique(const char *kind_text);
/* Is it a name of another program's, without a UID? */
bool mbox_name_waits(const char *kind_text);

/* --- mbox_kw.c ------------------------------------------------------------ */
void mbox_kw_init(struct mbox_kw *kw);
void mbox_kw_free(struct mbox_kw *kw);
bool mbox_kw_define(struct mbox_kw *kw, uint64_t num, struct slice name);
/* number of a name, or -1 */
int mbox_kw_find(const struct mbox_kw *kw, struct slice name);
uint32_t mbox_kw_set(struct mbox_kw *kw, const uint16_t *num, size_t n);
uint32_t mbox_kw_change(struct mbox_kw *kw, uint32_t set, char op,
    const uint16_t *num, size_t n);
/* Sets that no message has are dropped, where there are more than twice as
 * many sets as messages, and some.  Numbers of sets change. */
void mbox_kw_compact(struct mailbox *mb);
/* Numbers of names, ascending; what is new is left out or, with define,
 * defined by a K record in in->out.  $Forwarded sets *flags.  How many, or
 * -1: too many. */
int mbox_kw_numbers(struct mailbox *mb, const struct slice *v, size_t n,
    uint16_t num[KEYWORDS_MAX], unsigned *flags, bool define,
    struct err *err);
bool mbox_keyword_valid(struct slice s);

/* --- mbox_snap.c ---------------------------------------------------------- */
/* 1 the state was read from it, 0 there is none that fits */
int mbox_snap_load(struct mailbox *mb);
void mbox_snap_write(struct mailbox *mb);
/* is it worth it? */
bool mbox_snap_due(const struct mailbox *mb);

/* --- mbox_scan.c: directories --------------------------------------------- */
/* what a directory holds */
struct mbox_file {
	const char *name;
	uint32_t at;		/* where it is in names, behind its kind */
	uint32_t uid;		/* U=, 0 none */
	int64_t time;		/* what else the name tells */
	uint64_t size, wsize;
	uint8_t flags, sub;
	bool sized;		/* both sizes */
	bool ours;		/* letters and their order */
	bool used;
	bool keep, late;	/* of mbox_take.c */
	uint32_t final;
};
struct mbox_scan {
	struct mbox_file *v;
	size_t n, cap;
	struct str names;	/* as those of a state: "", and kind and text */
	int64_t ns[2];		/* times before they were read */
	bool same[2];		/* and behind it */
	bool sure[2];		/* nothing can have changed meanwhile */
	void *room;		/* for v and what else is needed meanwhile */
	size_t room_size, room_used;
};
int mbox_scan_dirs(struct mailbox *mb, struct mbox_scan *s, bool cur,
    struct err *err);
void mbox_scan_free(struct mbox_scan *s);
/* Memory, of the scan's while there is some, until the scan is freed; give
 * frees what is not. */
enum { MBOX_ROOM_ORDER = 16 };	/* kept for who sorts files, twice each */
void *mbox_room_take(struct mbox_scan *s, size_t n);
void mbox_room_give(const struct mbox_scan *s, void *p);
/* files by name */
struct mbox_index { uint32_t *slot; size_t size; };
void mbox_index_make(struct mbox_index *x, const struct mbox_scan *s);
struct mbox_file *mbox_index_find(const struct mbox_index *x,
    const struct mbox_scan *s, int sub, const char *name);
/* Do times of the directories ask for a look?  Bits 1 << SUB_. */
unsigned mbox_look(const struct mailbox *mb);
/* rename(2) that overwrites nothing, on any file system.  0 or -1 and errno */
int mbox_rename(int from, const char *name, int to, const char *as);
/* around changes that we make ourselves in cur/ */
struct mbox_own { int64_t before; };
void mbox_own_begin(struct mailbox *mb, struct mbox_own *o);
void mbox_own_end(struct mailbox *mb, const struct mbox_own *o);
/* note the times in the log, where they are others; not synced */
void mbox_note_known(struct mailbox *mb);

/* --- mbox_sync.c: directories and array ----------------------------------- */
/* Under the lock: compare the directories with the array. */
int mbox_sync_all(struct mailbox *mb, struct err *err);
/* the same for new/ alone, as long as cur/ did not change */
int mbox_sync_new(struct mailbox *mb, struct err *err);
/* take in files that the log does not know, of new/ alone or also of cur/: log
 * them, then rename */
int mbox_take_in(struct mailbox *mb, struct mbox_scan *s, bool cur,
    struct err *err);

/* --- mbox_expunge.c ------------------------------------------------------- */
/* Under the lock: log that they are expunged.  Before the lock is given back
 * mbox_finish_doom should be called. */
int mbox_expunge_log(struct mailbox *mb, const uint32_t *idx, size_t n,
    struct err *err);
/* both */
int mbox_expunge_locked(struct mailbox *mb, const uint32_t *idx, size_t n,
    struct err *err);
/* Under the lock: unlink what the log says is expunged; note that in it.  What
 * can not be done now is said, and done by the next: nobody has to wait for
 * that. */
void mbox_finish_doom(struct mailbox *mb);
/* the same without a word in the log.  0, 1 some may still be there, -1 */
int mbox_unlink_doom(struct mailbox *mb, struct err *err);
/* Unlink files that are not under their names any more; v is sorted.  again:
 * nothing is waited for.  0, 1 some may still be there, -1 */
int mbox_hunt(struct mailbox *mb, struct mbox_doom *v, size_t n, bool again,
    struct err *err);
/* files of what is doomed are `used` */
void mbox_doom_mark(struct mailbox *mb, struct mbox_scan *s);

/* --- mbox_settle.c -------------------------------------------------------- */
/* Under the lock: give files the names that their flags ask for. */
int mbox_settle_locked(struct mailbox *mb, struct err *err);

/* --- mbox_open.c --------------------------------------------------------- */
/* what snapshot and log tell, without a look at the directories */
struct mailbox *mbox_open(const struct mailbox_place *p, unsigned flags,
    struct err *err);
void mbox_free(struct mailbox *mb);
/* close, but what waits is left to others */
void mbox_leave(struct mailbox *mb);

struct stat;
/* the file of message i by the name that the log tells.  0 or -1 */
int mbox_stat(struct mailbox *mb, size_t i, struct stat *st);
/* size, wsize by reading the file.  0 or -1 */
int mbox_measure(int dir, const char *name, uint64_t *size, uint64_t *wsize);
/* --- mbox_flags.c: ranges of UIDs ----------------------------------------- */
/* "F modseq " + set + tail records for the messages idx[0..n) */
void mbox_record_set(struct mailbox *mb, char type, uint64_t modseq,
    const uint32_t *idx, size_t n, const char *tail);

#endif
