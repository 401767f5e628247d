/*
 * parts.h - the parts of a report, for the files of lib/dsn only.
 *
 * Each writer appends one body part (without boundary) to out, LF form, and
 * can not fail.  dsn_original_open looks at the message to be returned first,
 * since what it holds decides the types of the parts around it.
 */
#ifndef DSN_PARTS_H
#define DSN_PARTS_H

#include "dsn/report.h"

enum { DSN_DIAGNOSTIC_MAX = 2000, DSN_SUBJECT_MAX = 200 };

struct dsn_original {
	struct str header;	/* its fields, with the empty line if there */
	uint64_t start;		/* offset of the header in the file, behind a
				 * Return-Path of ours */
	uint64_t body;		/* offset behind what header holds */
	bool present;		/* there is something to return */
	bool full;		/* the body is returned as well */
	bool header_8bit, header_utf8;	/* 8-bit at all; and valid UTF-8 */
	bool body_8bit;
};

/* 1, or -1: the file can not be read.  Free it in any case. */
int dsn_original_open(const struct dsn_report *r, struct dsn_original *o,
    struct err *err);
void dsn_original_free(struct dsn_original *o);
/* the part's own header; then its content goes to the sink */
void dsn_original_head(const struct dsn_original *o, struct str *out);
int dsn_original_copy(const struct dsn_report *r,
    const struct dsn_original *o, dsn_sink *sink, void *arg, struct err *err);

/* the text for people, with its part header */
void dsn_human(const struct dsn_report *r, const struct dsn_original *o,
    struct str *out);
/* message/delivery-status or message/global-delivery-status */
void dsn_status(const struct dsn_report *r, struct str *out);

/* a recipient's address is UTF-8 */
bool dsn_is_global(const struct dsn_report *r);
/* one line, printable: controls become blanks; without utf8, 8-bit bytes
 * become '?', and so do bytes that are no UTF-8 with it; at most max bytes */
void dsn_clean(struct str *out, const char *z, size_t max, bool utf8);
/* host of "host[ip]"; "[ip]" where there is no more */
struct slice dsn_mta(const char *remote);

#endif
