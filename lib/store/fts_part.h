/*
 * fts_part.h - shared by the parts of fts.h, of use to nobody else.
 *
 * A document of the index is the header or the body of a message; its number
 * is made of the number of the mailbox in the file, the UID, and which of the
 * two it is, so nothing has to be looked up to get from one to the other.
 *
 * Which messages the index knows are bits, FTS_SPAN UIDs a row: one for "is
 * in it", one for "will not be" (too long), which stays a candidate.
 */
#ifndef STORE_FTS_PART_H
#define STORE_FTS_PART_H

#include "store/fts.h"
#include "store/side.h"

enum {
	FTS_SPAN = 8192,
	FTS_BITS = FTS_SPAN / 8,	/* bytes of each of the two */
	FTS_TEXT_MAX = 4 << 20,	/* folded text of a message */
	FTS_WAIT = 256,		/* messages written together */
	FTS_WAIT_BYTES = 4 << 20,
	FTS_GRAMS_MAX = 32,	/* of a term; the others are not asked */
	FTS_DEAD_MIN = 20000,	/* expunged messages that are let be */
};
enum {
	F_FIND, F_ADD, F_CLEAR, F_NUMBER, F_OF_ID, F_NEW, F_DROP_BOX, F_BITS,
	F_BITS_GET, F_BITS_PUT, F_BITS_DROP, F_BITS_CLEAR, F_DEAD, F_DEAD_ADD,
	F_DEAD_CLEAR, F_TOTAL
};

/* what the index knows of FTS_SPAN UIDs */
struct fts_span { uint32_t base; unsigned char in[FTS_BITS], never[FTS_BITS]; };

struct fts_waiting { uint32_t uid; size_t at, header, body; bool never; };

struct fts {
	struct side side;
	/* the mailbox last asked for; number 0: not in the file */
	char box[33];
	uint32_t uidvalidity;
	int64_t number;
	unsigned opened;	/* the file that has it so: side.opened */
	/* its bits as last read, sorted */
	struct fts_span *span;
	size_t nspan;
	/* of that mailbox, to be written; text: grams of header, body,
	 * header, ... */
	struct fts_waiting *wait;	/* room for FTS_WAIT; NULL: none */
	size_t nwait;
	struct str text, fold;
};

/* It is this mailbox from now on; make: it gets a number.  What waits for
 * another one is written, and bits are read where again.  false: no index. */
bool fts_box(struct fts *f, const struct mailbox *mb, bool make, bool again);
bool fts_is_in(const struct fts *f, uint32_t uid);
bool fts_is_never(const struct fts *f, uint32_t uid);
int64_t fts_key(int64_t number, uint32_t uid, unsigned which);

/* the trigrams of folded text as words with blanks between, appended */
void fts_grams(struct slice text, struct str *out);
/* The question for one term: some of its trigrams, all where it is short.  0:
 * the term can not be asked for. */
int fts_query(struct slice term, struct str *out);

/* Add to what waits: header and body are the next bytes of f->text; the
 * caller sees to it that there is room. */
void fts_wait(struct fts *f, uint32_t uid, size_t header, size_t body);
void fts_wait_never(struct fts *f, uint32_t uid);	/* too long */
bool fts_full(const struct fts *f);
/* Write what waits: 0, or -1 (it still waits) */
int fts_write(struct fts *f);
void fts_drop_waiting(struct fts *f);
/* where most of the index is of messages that are gone: empty it */
void fts_renew(struct fts *f);

#endif
