/*
 * limit.h - limitd: counters and rates by any key.  A key is text of at most
 * LIMIT_KEY_MAX bytes whose first word says what is counted:
 * "auth-fail net 192.0.2.0/24", "submit ann@example.org".  Counts are of a
 * sliding window, kept across restarts, bounded in number: where there is no
 * room the coldest key is forgotten.  Programs go on without limitd (and say
 * so), but where their configuration says otherwise.
 */
#ifndef PROTO_LIMIT_H
#define PROTO_LIMIT_H

#include "ipc/ipc.h"

enum { LIMIT_KEY_MAX = 300, LIMIT_KEYS = 32 };

/* Parallel lists.  Where each key with its amount added stays within its
 * limit, all are counted; else none is, and the first that does not says so.
 * limit "COUNT/TIME": 500/1h; "0/TIME": counted, no limit. */
struct limit_hit_in {
	struct strlist key, limit;
	struct strlist amount;		/* "" or missing: 1 */
};
struct limit_hit_out {
	bool over;
	int64_t at;			/* index of the key that is over */
	int64_t wait;			/* ms until the amount would fit */
	struct strlist used;		/* now, of each key */
};
extern const struct verb_def limit_hit;

/* what they stand at; nothing is counted */
extern const struct verb_def limit_peek;	/* the same in and out */

/* What was counted by hit and then not used: given back, as far as it is still
 * counted in the present window. */
extern const struct verb_def limit_return;	/* in: of hit */

struct limit_forget_in { struct strlist key; };
extern const struct verb_def limit_forget;

/* How many of the values has the key never seen within `remember`?  They are
 * remembered, some thousands of a key (the oldest go).  over: more than
 * limit new ones in its window; then none is remembered. */
struct limit_seen_in {
	const char *key;
	struct strlist value;		/* hashed there, never stored */
	int64_t remember;		/* ms */
	const char *limit;		/* "100/1d"; "" none */
	bool peek;			/* nothing is remembered or counted */
};
struct limit_seen_out {
	bool over;
	int64_t fresh, used, wait;
};
extern const struct verb_def limit_seen;

/*
 * Greylisting.  A value (sender and recipient) of a key (a network) passes
 * when it comes again no sooner than delay and no later than window after it
 * was first seen; from then on for as long as it comes within remember.  A key
 * of which `after` values passed (0: never) lets all pass.
 */
struct limit_grey_in {
	const char *key, *value;
	int64_t delay, window, remember;	/* ms */
	int64_t after;
	bool peek;			/* nothing is remembered */
};
struct limit_grey_out {
	bool pass, fresh;	/* fresh: it was not known */
	int64_t wait;		/* ms until it would pass */
};
extern const struct verb_def limit_grey;

/* the keys with a prefix and what they stand at: for postrider limits */
struct limit_list_in { const char *prefix; int64_t max; };
struct limit_list_more { const char *key; int64_t used, window; };
extern const struct verb_def limit_list;
extern const struct verb_def *const limit_verbs[];	/* NULL ends */

#endif
