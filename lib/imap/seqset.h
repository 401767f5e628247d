/*
 * seqset.h - sets of message sequence numbers or UIDs: RFC 3501 and 9051
 * `sequence-set`, RFC 5182 "$".
 *
 * A set is an array of ranges; no operation costs more for a wide range than
 * for a narrow one.  As parsed a set keeps the client's order and its `*`;
 * imap_seqset_resolve turns it into sorted, disjoint ranges, which
 * contains and the iterators want.  Memory is the arena's.
 */
#ifndef IMAP_SEQSET_H
#define IMAP_SEQSET_H

#include "base/arena.h"
#include "base/str.h"

enum { IMAP_STAR = 0 };		/* * in a range that is not resolved */

struct imap_range {
	uint32_t lo, hi;	/* both are in it */
};
struct imap_seqset {
	struct imap_range *v;
	size_t n, cap;
	bool saved;		/* it was "$": n is 0 until the caller fills */
	bool star;		/* there is a * in it */
};

/* The whole slice into *r (overwritten), at most max ranges.  NULL, or what
 * is wrong with it (a static text). */
const char *imap_seqset_parse(struct slice s, size_t max, struct arena *a,
    struct imap_seqset *r);
/* Sort, merge, replace * by last.  Numbers over last are cut off, but a range
 * with * always has last in it.  last 0 (an empty mailbox) empties the set. */
void imap_seqset_resolve(struct imap_seqset *s, uint32_t last);
/* the same without a bound; a * becomes UINT32_MAX */
void imap_seqset_normalise(struct imap_seqset *s);
/* Whether all numbers are within 1..last, * aside; a client that names a
 * sequence number beyond gets BAD.  Before imap_seqset_resolve. */
bool imap_seqset_fits(const struct imap_seqset *s, uint32_t last);
bool imap_seqset_contains(const struct imap_seqset *s, uint32_t n);
/* how many numbers are in a resolved set */
uint64_t imap_seqset_count(const struct imap_seqset *s);

/* Append n, joined to the last range where it follows it.  In rising order
 * the set stays resolved; other orders are kept as they are (COPYUID). */
void imap_seqset_add(struct imap_seqset *s, struct arena *a, uint32_t n);
void imap_seqset_add_range(struct imap_seqset *s, struct arena *a,
    uint32_t lo, uint32_t hi);
/* 1:3,5,7:* ; the empty set prints nothing */
void imap_seqset_print(const struct imap_seqset *s, struct str *out);

/* print without storing: {.out = &str}, add each, end */
struct imap_setw {
	struct str *out;
	uint32_t lo, hi;
	bool some;		/* something was added */
	bool written;		/* a range is in out */
};
void imap_setw_add(struct imap_setw *w, uint32_t n);
void imap_setw_add_range(struct imap_setw *w, uint32_t lo, uint32_t hi);
void imap_setw_end(struct imap_setw *w);

/*
 * Walk over the messages of a mailbox that are in a resolved set, as runs of
 * array positions: message sequence number - 1.  The UIDs are uint32_t, rise,
 * and lie stride bytes apart, &view[0].uid and sizeof(view[0]).  Cost: one
 * binary search a range.
 */
struct imap_seqiter {
	const struct imap_seqset *set;
	const char *uids;	/* NULL: the set is of sequence numbers */
	size_t stride, i;
	uint32_t count, from;
};
void imap_seqiter_seq(struct imap_seqiter *it, const struct imap_seqset *s,
    uint32_t count);
void imap_seqiter_uid(struct imap_seqiter *it, const struct imap_seqset *s,
    const uint32_t *first, size_t stride, uint32_t count);
/* positions *first_r .. *last_r, both in it; false: no more */
bool imap_seqiter_next(struct imap_seqiter *it, uint32_t *first_r,
    uint32_t *last_r);

#endif
