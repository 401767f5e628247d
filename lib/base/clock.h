/*
 * clock.h - time, random numbers and ids.
 *
 * Waits and deadlines are monotonic milliseconds; what is stored or shown is
 * wall time, in seconds or microseconds since 1970.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <time.h>

#include "base/str.h"

int64_t mono_ms(void);			/* monotonic milliseconds */
int64_t wall_us(void);			/* microseconds since 1970 */
int64_t wall_s(void);
/* of a file, say: nanoseconds, which wrap, for any date may have been set */
int64_t timespec_ns(struct timespec t);
/* RFC 5322 section 3.3 date-time in the local zone: Sun, 22 Nov 2026 ... */
void date_5322(struct str *out, int64_t unix_s);
/* RFC 3339 in UTC with microseconds: 2026-11-22T17:43:01.000000Z */
void date_3339(struct str *out, int64_t unix_us);
/* getrandom(2); dies where the kernel gives none */
void random_bytes(void *p, size_t n);
/* the same from a small stock: for ids, not for secrets */
void random_few(void *p, size_t n);
uint32_t random_below(uint32_t n);	/* 0 .. n-1, uniform */
/* a new session id: 8 lower-case letters and digits, and NUL */
void session_id(char id[9]);

/* "90", "90s", "5m", "2h", "1d", "1w", "250ms" -> ms; 1, or 0 malformed */
int parse_duration(struct slice s, int64_t *ms_r);
void format_duration(struct str *out, int64_t ms);
/* "100", "64K", "10M", "2G", "1T" (powers of 1024) -> bytes; 1 or 0 */
int parse_size(struct slice s, uint64_t *r);
void format_size(struct str *out, uint64_t n);

#endif
