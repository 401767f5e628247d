/*
 * limitd.h - counters by key.
 *
 * window.c    one sliding window
 * values.c    what a key has seen: hashes, with the time of each
 * table.c     the keys, by class; who goes where there is no room
 * snapshot.c  the table in a file
 * grey.c      what comes again
 * verbs.c     the requests
 *
 * Times are milliseconds since 1970 on a clock that does not leap while we
 * run, and are handed down: nothing but daemon.c reads a clock.
 */
#ifndef LIMITD_LIMITD_H
#define LIMITD_LIMITD_H

#include "proto/limit.h"
#include "serve/serve.h"

struct limitd_conf {
	int64_t max_keys, max_values, key_values, connections;
	int64_t save_interval;
};
extern struct limitd_conf conf;
extern struct daemon limitd;
extern const struct verb limitd_serves[];
int64_t now_ms(void);

/*
 * A sliding window of two buckets: cur counts since start, prev is the count
 * of the bucket before, of which the part counts that the window still
 * covers, as if it had come evenly.
 */
enum { COUNT_MAX = 1000000000 };
struct window {
	int64_t length;		/* ms, at most LIMITS_TIME_MAX */
	int64_t start;
	int64_t cur, prev;
};
int64_t window_used(struct window *w, int64_t now);
/* ms until amount fits into limit; 0: now; length where it never will */
int64_t window_wait(struct window *w, int64_t limit, int64_t amount,
    int64_t now);
void window_add(struct window *w, int64_t amount, int64_t now);
/* undo what window_add just added */
void window_take(struct window *w, int64_t amount);

/* values, sorted by hash */
struct value {
	uint64_t hash;
	int64_t time;
};
struct values {
	struct value *v;
	size_t n, cap;
};
/* how many of the hashes are not there, or from before `since` */
size_t values_new(const struct values *s, const uint64_t *hash, size_t n,
    int64_t since);
/* when it was put in; 0 never */
int64_t values_time(const struct values *s, uint64_t hash);
/* Put them in, with this time.  Over max the oldest go. */
void values_add(struct values *s, const uint64_t *hash, size_t n,
    int64_t now, size_t max);
void values_free(struct values *s);

/* --- table.c --- */
enum { WINDOWS = 4 };	/* of a key */
struct entry;
struct class;
/* the key's entry, which is now the warmest of its class; NULL: none */
struct entry *table_find(const char *key);
/* the same, made where it is not there: the coldest key of the largest class
 * goes where there is no room */
struct entry *table_make(const char *key);
void table_forget(const char *key);
/* its window of that length; make: NULL never, the least used one goes */
struct window *entry_window(struct entry *e, int64_t length, bool make,
    int64_t now);
struct values *entry_values(struct entry *e);
/* after values were added: room is made for them elsewhere */
void table_settle(struct entry *e);
const char *entry_key(const struct entry *e);
size_t entry_windows(struct entry *e, struct window **w);
/* Each entry, by class, coldest first; fn may not change the table.  It ends
 * where fn returns non-zero. */
int table_each(int (*fn)(void *ctx, struct entry *e), void *ctx);
/* entries that hold nothing go */
void table_sweep(int64_t now);
size_t table_count(void);
void table_clear(void);
/* the secret of hashes of values, kept with the table */
extern unsigned char table_secret[16];
extern bool table_dirty;

/* --- grey.c --- */
/* key and value are checked */
void grey_judge(const struct limit_grey_in *in, int64_t now,
    struct limit_grey_out *out);

/* --- snapshot.c --- */
/* 1 read, 0 there is none, -1: err; the table is then empty */
int snapshot_read(const char *path, int64_t now, struct err *err);
int snapshot_write(const char *path, int64_t now, struct err *err);

#endif
