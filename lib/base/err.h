/*
 * err.h - one error, handed to the caller.
 *
 * A function that can fail takes `struct err *err` last and returns -1
 * failed (err is set), 0 no, none or end of file, 1 yes or found.  Failing is
 * one line: `return err_perm(err, "5.1.1", "no such user: %s", u);`.
 * Only the edges (a reply, an exit code, a log line) read it.
 * dsn is an RFC 3463 status code.  The text is one line, printable, without
 * a trailing full stop.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/base.h"

enum err_kind { ERR_NONE, ERR_TEMP, ERR_PERM };

struct err {
	enum err_kind kind;
	char dsn[12];
	char text[480];
};
#define ERR_INIT { ERR_NONE, "", "" }

/* each sets *err and returns -1; control characters become '?' */
int err_temp(struct err *err, const char *dsn, const char *fmt, ...)
    PRINTF(3, 4);
int err_perm(struct err *err, const char *dsn, const char *fmt, ...)
    PRINTF(3, 4);
/* trouble of our own machine: temporary, 4.3.0, ": strerror(errno)" added;
 * disk full (ENOSPC, EDQUOT) becomes 4.3.1.  errno is kept. */
int err_sys(struct err *err, const char *fmt, ...) PRINTF(2, 3);
/* put text in front of an error that is being handed up: "text: old" */
int err_prefix(struct err *err, const char *fmt, ...) PRINTF(2, 3);

#endif
