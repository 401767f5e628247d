/*
 * header.h - walks the header of a message: RFC 5322 sections 2.2 and 3.6.
 *
 * Works on bytes in memory with LF line ends (a CR before the LF is
 * tolerated and left out of values).  Nothing is copied: names and values
 * borrow the buffer.  The header ends at the first empty line, at the end of
 * the buffer, or at a line that is no field (then the body starts there:
 * `malformed`).  Bounded by MIME_FIELDS_MAX fields.
 */
#ifndef MIME_HEADER_H
#define MIME_HEADER_H

#include "base/err.h"
#include "base/str.h"

enum {
	MIME_FIELDS_MAX = 5000,
	MIME_HEADER_MAX = 1 << 20,	/* a sensible bound for loading */
};

struct mime_field {
	struct slice name;	/* without blanks before the colon */
	struct slice value;	/* behind the colon, folds left in, trimmed */
	struct slice raw;	/* whole field with its final line end */
	size_t offset;		/* of raw in the buffer */
};

struct mime_scan {
	struct slice buf;
	size_t pos, count;
	size_t body;		/* once ended: where the body starts */
	bool ended;
	bool blank;		/* an empty line ended the header */
	bool malformed;		/* a line that is no field ended it */
	bool too_many;		/* MIME_FIELDS_MAX ended it */
};

void mime_scan_init(struct mime_scan *s, struct slice buf);
/* 1: *f is the next field; 0: the header has ended */
int mime_scan_next(struct mime_scan *s, struct mime_field *f);

/* first field of that name (folded case): 1 or 0 */
int mime_find(struct slice buf, const char *name, struct mime_field *f);
size_t mime_count(struct slice buf, const char *name);
/* where the body starts (behind the empty line); buf.n: there is none */
size_t mime_body_offset(struct slice buf);
/* value on one line: each fold becomes one blank */
void mime_unfold(struct slice value, struct str *out);
/* Received fields, for loop detection (RFC 5321 section 6.3) */
size_t mime_hops(struct slice buf);

/*
 * Append the header of the message in fd, read by pread from offset 0 on, up
 * to and with its empty line, at most max bytes.  1: whole header; 0: it is
 * longer than max (the first max bytes are there); -1.
 */
int mime_header_load(int fd, size_t max, struct str *out, struct err *err);

#endif
