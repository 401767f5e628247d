/*
 * base.h - what every file of Postrider includes first.
 *
 * Standard headers, attributes, checked size arithmetic, and the list of
 * functions that nobody may call: each of them has led a mail server into an
 * overflow or a silent truncation.  Use str.h, slice.h and field.h instead.
 * Nothing here allocates.
 */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <sys/types.h>

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define NORETURN __attribute__((noreturn))
#define UNUSED __attribute__((unused))
#define MUST_USE __attribute__((warn_unused_result))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

#if defined(__SANITIZE_ADDRESS__)
#define WITH_SANITIZERS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_SANITIZERS 1
#endif
#endif

/* true where the sum or product does not fit; *r is then undefined */
#define add_overflows(a, b, r) __builtin_add_overflow((a), (b), (r))
#define mul_overflows(a, b, r) __builtin_mul_overflow((a), (b), (r))

/* Trouble that no caller can handle: out of memory, a lost environment.
 * Logs the text and exits 75; master throttles the respawn. */
void die(const char *fmt, ...) PRINTF(1, 2) NORETURN;

/* malloc and friends that die instead of returning NULL; free with free() */
void *xmalloc(size_t n);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n);
char *xstrdup(const char *s);
char *xasprintf(const char *fmt, ...) PRINTF(1, 2);

/* EINTR-proof helpers.  full_write: 0 all written, -1 errno. */
int full_write(int fd, const void *p, size_t n);
/* n bytes of from, which begin at `at`, to the end of to: 0, -1 errno (EIO:
 * there are fewer) */
int full_copy(int from, uint64_t at, uint64_t n, int to);
/* read a whole small file (at most max bytes) into a malloced, NUL-terminated
 * buffer; its length in *n_r.  NULL and errno (EFBIG: longer than max). */
char *read_file(const char *path, size_t max, size_t *n_r);
/* close unless negative; errno is kept */
void close_fd(int fd);

/* banned: use struct str, snprintf, slice_u64 (lint bans some more) */
#pragma GCC poison strcpy strcat sprintf vsprintf strtok gets atoi atol atoll
#pragma GCC poison strncpy strncat mktemp tmpnam

#endif
