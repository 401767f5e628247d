/*
 * tap.h - tests in C that speak TAP.
 *
 *   int main(void) { ok(1 + 1 == 2, "adds"); is_str(a, "x", "name");
 *	return tap_done(); }
 * Each check prints one line and, where it fails, what it got and wanted.
 * tap_done prints the plan and returns the exit status; a test without any
 * check fails.
 */
#ifndef TEST_TAP_H
#define TEST_TAP_H

#include "base/base.h"

#define ok(cond, ...) tap_ok(!!(cond), __FILE__, __LINE__, __VA_ARGS__)
#define is_str(got, want, ...) \
	tap_is_str((got), (want), __FILE__, __LINE__, __VA_ARGS__)
#define is_int(got, want, ...) \
	tap_is_int((long long)(got), (long long)(want), __FILE__, __LINE__, \
	    __VA_ARGS__)

bool tap_ok(bool pass, const char *file, int line, const char *fmt, ...)
    PRINTF(4, 5);
bool tap_is_str(const char *got, const char *want, const char *file, int line,
    const char *fmt, ...) PRINTF(5, 6);
bool tap_is_int(long long got, long long want, const char *file, int line,
    const char *fmt, ...) PRINTF(5, 6);
void tap_diag(const char *fmt, ...) PRINTF(1, 2);
int tap_done(void);
/* a throw-away directory, removed by tap_done; the path is tap's */
const char *tap_dir(void);

#endif
