/*
 * journal.h - the write-ahead journal of the queue: envelopes, and contents,
 * that were accepted but whose rows and files are not yet on the disk.
 *
 * Some files in one directory; one is current and appended to, those behind
 * it are closed and wait until everything in them is durable elsewhere, the
 * rest is free and will be overwritten in place.  Each use of a file has a
 * generation, which counts up over all files.  The caller keeps in queue.db
 * the highest generation that is done with; files up to it are not read.
 * The form is described in postrider-journal(5).
 *
 * A batch is added to, then written and synced at once by journal_commit: only
 * then is anything of it durable.  A batch that failed is not in the journal.
 * Errors are err_temp (4.3.1 where the disk is full or the journal has its
 * limit).  Not thread-safe; one process at a time (the lock of queue.db).
 */
#ifndef QUEUE_JOURNAL_H
#define QUEUE_JOURNAL_H

#include "base/err.h"
#include "base/str.h"

/* longest content of one record, and sizes of files */
enum { JOURNAL_CONTENT_MAX = 16 << 20 };
struct journal;

/* What a replay finds, in the order in which it came in; borrowed.  content.p
 * NULL: the record has none. */
struct journal_entry {
	int64_t id, gen;
	struct slice env, content;
	bool done;		/* a note says so that counts */
	bool doubt;		/* a sync of it failed */
};
/* -1 (err) ends the replay */
typedef int journal_fn(void *ctx, const struct journal_entry *e,
    struct err *err);
/* damage that a power cut does not explain; nothing is missing silently */
typedef void journal_damaged_fn(void *ctx, const char *file, int64_t at);

/*
 * Open the directory, made where it is missing, and give fn all that was
 * written in generations above done; they stay in use until they are retired.
 * limit: bytes in use from which on nothing is taken.  boot (16 bytes) tells
 * apart the boots of the machine.  0, or -1.
 */
struct journal_open {
	const char *dir;
	int64_t limit, done;
	const unsigned char *boot;
	journal_fn *fn;
	journal_damaged_fn *damaged;
	void *ctx;
};
int journal_open(const struct journal_open *o, struct journal **j_r,
    struct err *err);
void journal_close(struct journal *j);	/* NULL is fine */

/* Into the batch: envelope, and content_len bytes of fd unless that is -1.
 * -1: nothing was added (also where the content has another length) */
int journal_add(struct journal *j, int64_t id, struct slice env, int fd,
    uint64_t content_len, struct err *err);
/* bytes of the batch, which are in memory */
size_t journal_batch(const struct journal *j);
/* -1: none of the batch is durable, or ever will be */
int journal_commit(struct journal *j, struct err *err);
/* A note, of no use after the machine went down: this message is done with.
 * Written with the next batch, or by journal_flush, without a sync. */
void journal_note(struct journal *j, int64_t id);
void journal_flush(struct journal *j);

/* A sync failed that wrote, or may have, generations up to gen: whoever reads
 * them must know, and notes of them do not count.  Synced; 0 or -1 */
int journal_doubt(struct journal *j, int64_t gen, struct err *err);
/* was there such a failure? */
bool journal_doubted(const struct journal *j);

/* Once more what closed files of generations from..to have, without notes */
int journal_reread(struct journal *j, int64_t from, int64_t to,
    journal_fn *fn, void *ctx, struct err *err);

/* the generation of the current file */
int64_t journal_current(const struct journal *j);
/* Close the current file if there is anything in it and few are closed.  The
 * highest closed generation; 0: there is none. */
int64_t journal_rotate(struct journal *j);
/* the oldest generation in use that has the id, 0 none */
int64_t journal_has(const struct journal *j, int64_t id);
/* is anything in use above that generation? */
bool journal_busy(const struct journal *j, int64_t gen);
/* generations up to gen are done with, durably: their files are free */
void journal_retire(struct journal *j, int64_t gen);
int64_t journal_bytes(const struct journal *j);		/* in use */

#endif
