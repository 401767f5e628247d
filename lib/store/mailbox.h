/*
 * mailbox.h - one mailbox (folder) as IMAP sees it: messages in the order of
 * their UIDs, with flags, keywords and modification sequences, kept true
 * while deliveries, other sessions and foreign programs change the Maildir.
 * The format is postrider-store(5).
 *
 * What is on the disk is the truth: names in cur/ (UID, sizes, flags) and the
 * log .state/log (all else).  The snapshot below the index directory only
 * makes opening fast.
 *
 * A struct mailbox is a view.  msg[0..n) is sorted by UID; sequence number is
 * index + 1.  mailbox_refresh appends what is new, changes flags and marks
 * what is gone with MSG_GONE, but it moves nothing: only mailbox_purge takes
 * messages out, when the protocol allows it.  Indexes stay good until then;
 * the pointer msg does not (refresh and add may move it).
 *
 * Whatever returned 0 from a function that changes something is durable.
 * Functions return 0 or -1 and err, where nothing else is said: temporary for
 * trouble of ours, permanent for what can not be (5.7.8 read-only, 5.2.2 over
 * quota, 5.1.1 no such mailbox, 5.3.4 too many keywords).
 * One process, one thread; any number of mailboxes may be open.
 */
#ifndef STORE_MAILBOX_H
#define STORE_MAILBOX_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum {
	/* kept: system flags, as in names (R A is ANSWERED, T is DELETED) */
	MSG_SEEN = 1 << 0,
	MSG_ANSWERED = 1 << 1,
	MSG_FLAGGED = 1 << 2,
	MSG_DELETED = 1 << 3,
	MSG_DRAFT = 1 << 4,
	MSG_FORWARDED = 1 << 5,	/* P in names; the keyword $Forwarded */
	MSG_KEPT = 0x3f,
	/* of this view */
	MSG_RECENT = 1 << 8,	/* \Recent: this session saw it first */
	MSG_GONE = 1 << 9,	/* expunged, not yet purged */
	MSG_TOUCHED = 1 << 10,	/* flags or modseq changed by others since
				 * the caller cleared this bit */
};

struct mailbox_msg {
	uint32_t uid;
	uint16_t flags;		/* MSG_... */
	uint16_t file_flags;	/* of the name as last seen: MSG_KEPT bits */
	uint64_t modseq;
	uint64_t size;		/* of the file */
	uint64_t wsize;		/* RFC822.SIZE: with CRLF line ends */
	int64_t date;		/* ask mailbox_date */
	int64_t saved;		/* SAVEDATE, unix seconds */
	uint32_t kw;		/* keyword set, see mailbox_keywords */
	uint32_t name;		/* the module's own */
};

struct mailbox_impl;
struct mailbox {
	struct mailbox_msg *msg;
	size_t n;		/* MSG_GONE included */
	size_t gone;		/* of these */
	uint32_t uidvalidity, uidnext;
	uint64_t modseq;	/* HIGHESTMODSEQ, never 0 */
	uint32_t recent_uid;	/* none below it is MSG_RECENT; 0: none is */
	bool readonly;
	bool passing;		/* nothing can be written, there neither:
				 * UIDVALIDITY, UIDs and id are this view's */
	bool touched;		/* one may be MSG_TOUCHED; the caller's to
				 * clear */
	char id[33];		/* MAILBOXID, letters and digits */
	struct mailbox_impl *in;
};

/* where it lies */
struct mailbox_place {
	int dir;		/* the folder: holds cur, new, tmp; O_PATH is
				 * enough; stays the caller's */
	int index;		/* directory for snapshots, -1: none */
	int maildir;		/* the user's INBOX, for maildirsize */
	uint64_t quota;		/* bytes, 0 none */
	const char *hostname;	/* for new names */
};
/* Before a jail closes: without it a snapshot is checked whole at each open. */
void mailbox_prepare(void);
enum {
	MAILBOX_READONLY = 1,	/* EXAMINE: \Recent stays for others */
	MAILBOX_NO_RECENT = 2,	/* STATUS, COPY: the same, but writable */
};
/* Open, reading the snapshot and the log's tail; taking in what lies in new/
 * is mailbox_refresh's, which open calls at its end.  Makes what is missing of
 * new, cur, tmp and .state.  NULL: err */
struct mailbox *mailbox_open(const struct mailbox_place *p, unsigned flags,
    struct err *err);
/* Renames what is still to be renamed, writes the snapshot where it pays.
 * NULL is fine. */
void mailbox_close(struct mailbox *mb);
/* Give back memory while the session idles; all works on afterwards. */
void mailbox_shrink(struct mailbox *mb);
/* Files waiting for a new name: do some of it now.  Is there more? */
bool mailbox_settle(struct mailbox *mb);

/* Was the folder removed, or is it on its way? */
bool mailbox_removed(const struct mailbox *mb);
/* Take in what others did: the log's tail, and the directories where their
 * times say that they changed.  1 something changed, 0 nothing, -1. */
int mailbox_refresh(struct mailbox *mb, struct err *err);
/* Take out MSG_GONE messages, telling each as EXPUNGE does: seq is its number
 * after those before it were taken out (RFC 3501 section 7.4.1). */
typedef void mailbox_gone_fn(void *ctx, uint32_t seq, uint32_t uid);
void mailbox_purge(struct mailbox *mb, mailbox_gone_fn *fn, void *ctx);

/* index of the first message with a UID of at least uid; n: none */
size_t mailbox_find(const struct mailbox *mb, uint32_t uid);

/* the message file for reading: fd, or -1 (permanent 5.2.0: it is gone).
 * Found again where another program renamed it. */
int mailbox_read(struct mailbox *mb, size_t i, struct err *err);
/* INTERNALDATE, unix seconds: mostly known, else the file is looked at */
int64_t mailbox_date(struct mailbox *mb, size_t i);
/* EMAILID (RFC 8474): the same for copies of one message; 27 characters */
void mailbox_emailid(const struct mailbox *mb, size_t i, char out[28]);

/* Keywords: a message has a set of them; sets are shared and numbered. */
enum { KEYWORD_MAX = 128 /* bytes */, KEYWORDS_MAX = 4096 /* in a mailbox */ };
struct mailbox_keywords { const char *const *v; size_t n; };
/* of set kw, sorted; set 0 is empty.  Good until the next change. */
struct mailbox_keywords mailbox_keywords(const struct mailbox *mb,
    uint32_t kw);
/* all that are in use or were: for FLAGS */
struct mailbox_keywords mailbox_all_keywords(const struct mailbox *mb);
/* does set kw hold it?  folded case (RFC 3501 section 2.3.2) */
bool mailbox_has_keyword(const struct mailbox *mb, uint32_t kw,
    struct slice name);

/* STORE.  idx[0..n) ascending; those that are MSG_GONE are left out. */
enum flags_op { FLAGS_SET, FLAGS_ADD, FLAGS_REMOVE };
struct flags_change {
	enum flags_op op;
	unsigned flags;			/* MSG_KEPT bits */
	const struct slice *kw;		/* keywords, case as given */
	size_t nkw;
	bool conditional;		/* RFC 7162 UNCHANGEDSINCE */
	uint64_t unchanged_since;
};
/* One record in the log and one sync, whatever n.  modified (n bools, or NULL)
 * says which failed UNCHANGEDSINCE.  Changes here do not set MSG_TOUCHED. */
int mailbox_flags(struct mailbox *mb, const uint32_t *idx, size_t n,
    const struct flags_change *c, bool *modified, struct err *err);

/* Expunge: logged, synced, unlinked; they are MSG_GONE then. */
int mailbox_expunge(struct mailbox *mb, const uint32_t *idx, size_t n,
    struct err *err);

/*
 * Messages to be added together: APPEND, MULTIAPPEND, COPY, MOVE, REPLACE.
 * All or nothing: mailbox_add_commit makes all durable and gives them their
 * UIDs, which are consecutive; mailbox_add_free drops what was not committed.
 * The view mb sees them at its next refresh.
 */
struct mailbox_add;
struct mailbox_add *mailbox_add_new(struct mailbox *mb);
/* a new message: begin, any number of writes, end.  Bytes are as the client
 * sends them: CRLF becomes LF, a bare LF stays. */
int mailbox_add_begin(struct mailbox_add *a, struct err *err);
int mailbox_add_write(struct mailbox_add *a, struct slice bytes,
    struct err *err);
struct mailbox_attrs {
	unsigned flags;
	const struct slice *kw;
	size_t nkw;
	int64_t date;		/* INTERNALDATE; INT64_MIN: now */
};
int mailbox_add_end(struct mailbox_add *a, const struct mailbox_attrs *at,
    struct err *err);
/* message i of from with its flags, keywords and date: a link to its file
 * where possible, else a copy */
int mailbox_add_copy(struct mailbox_add *a, struct mailbox *from, size_t i,
    struct err *err);
/* Before the first: it is a MOVE.  What will be added are copies of messages
 * idx[0], idx[1] and so on of from, in this order, and the commit expunges
 * those.  One that somebody else has expunged or moved before is left out:
 * mine says which were not, and UIDs are given to these alone.  idx and mine
 * stay the caller's.  Within one user's folders no quota is asked. */
void mailbox_add_moves(struct mailbox_add *a, struct mailbox *from,
    const uint32_t *idx, bool *mine);
/* *first_r is the UID of the first (uids follow); quota is checked here */
int mailbox_add_commit(struct mailbox_add *a, uint32_t *first_r,
    struct err *err);
void mailbox_add_free(struct mailbox_add *a);

/* QRESYNC and CONDSTORE (RFC 7162): UIDs that went after modseq, below or at
 * max, ascending, appended as ranges to *out (malloced pairs of first and
 * last).  Where the log does not reach back so far: all UIDs that are not
 * there, and the answer is 0 instead of 1.  -1: err. */
struct uid_range { uint32_t first, last; };
int mailbox_vanished(struct mailbox *mb, uint64_t modseq,
    struct uid_range **out, size_t *n, struct err *err);

/* what STATUS asks, without a view that is kept */
struct mailbox_status {
	uint64_t messages, recent, unseen, deleted, size, deleted_size;
	uint32_t uidnext, uidvalidity;
	uint64_t modseq;
	char id[33];
};
int mailbox_status(const struct mailbox_place *p, struct mailbox_status *st,
    struct err *err);

/* postrider mailbox check, repair, rebuild: compare log, names and snapshot;
 * each finding is one line to fn.  How many were found, or -1. */
enum { CHECK_ONLY, CHECK_REPAIR, CHECK_REBUILD };
typedef void mailbox_finding_fn(void *ctx, const char *text);
int mailbox_check(const struct mailbox_place *p, int how,
    mailbox_finding_fn *fn, void *ctx, struct err *err);

#endif
