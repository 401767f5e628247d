/*
 * arena.h - memory that is freed as a whole.
 *
 * One arena per message or session, one reset per command.  Nothing from an
 * arena is freed alone; arena_reset keeps the first block for reuse.  Grows
 * or dies.  `struct arena a = { 0 };` is an empty arena.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/base.h"
#include "base/str.h"

struct arena_block;
struct arena {
	struct arena_block *head;
	size_t total;		/* bytes handed out since the last reset */
};

void *arena_alloc(struct arena *a, size_t n);	/* zeroed, aligned */
char *arena_strdup(struct arena *a, const char *s);
char *arena_slice(struct arena *a, struct slice s);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF(2, 3);
void arena_reset(struct arena *a);
void arena_wipe(struct arena *a);	/* and what was in it is zeros */
void arena_free(struct arena *a);

/* a growing list of C strings in an arena, NULL-free; {0} is empty */
struct strlist {
	const char **v;
	size_t n, cap;
};
void strlist_add(struct strlist *l, struct arena *a, const char *s);
bool strlist_has(const struct strlist *l, const char *s);	/* exact */
bool strlist_ihas(const struct strlist *l, struct slice s);	/* ASCII fold */

#endif
