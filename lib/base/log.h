/*
 * log.h - one event, one logfmt line, one write of at most 4096 bytes to fd 2.
 *
 *   log_event(LOG_INFO, "mail", KS("from", from), KU("size", size), KEND);
 * prints   smtpd[412]: mail s=1f3a from=a@b size=2310
 *
 * Values are quoted where they hold blanks, quotes, = or controls ("a b",
 * \" and \\ and \xHH inside); one value is cut at 1000 bytes.  fd 2 is a
 * non-blocking pipe to logd: a line that does not fit is dropped and counted,
 * and the count goes out with the next line that fits (dropped=N).
 * Every event and every key is described in doc/postrider-log.5 (lint).
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/base.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_arg { LOG_A_END, LOG_A_STR, LOG_A_INT, LOG_A_UINT, LOG_A_ERR };

#define KS(key, z) LOG_A_STR, (key), (const char *)(z)	/* NULL: left out */
#define KI(key, i) LOG_A_INT, (key), (long long)(i)
#define KU(key, u) LOG_A_UINT, (key), (unsigned long long)(u)
/* a struct err *: dsn=… reason=… */
#define KERR(e) LOG_A_ERR, "", (const struct err *)(e)
#define KEND LOG_A_END

struct err;
/* name is shown before the pid; once, at start */
void log_open(const char *name);
/* lines below this level are not written; LOG_INFO at start */
void log_set_level(enum log_level level);
/* a warning or error carries level=warn or level=error */
void log_event(enum log_level level, const char *event, ...);
/* s=SID and q=QID on every following line; NULL or "" ends it */
void log_set_session(const char *sid);
void log_set_queue(const char *qid);
/* tests: give lines to fn instead of fd 2 (NULL: back to fd 2) */
void log_set_sink(void (*fn)(const char *line, size_t n));
/* append a value of n bytes, quoted as above */
struct str;
void log_quote(struct str *out, const char *value, size_t n);

#endif
