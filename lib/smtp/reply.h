/*
 * reply.h - SMTP replies, written and read: RFC 5321 section 4.2, 3463, 2034.
 *
 * Writing: whatever the text holds (an address, an error of a map), the reply
 * is well-formed: no bare CR or LF, controls and 8-bit bytes become '?', no
 * line over 512 octets, each line with its code.
 * Reading: line by line as they come, tolerant (mixed codes: the last line
 * counts; missing text; wrong or no enhanced code), bounded.
 */
#ifndef SMTP_REPLY_H
#define SMTP_REPLY_H

#include "base/err.h"
#include "base/str.h"

enum {
	SMTP_REPLY_LINE = 512,		/* octets with CRLF, what we write */
	SMTP_REPLY_LINES_MAX = 100,	/* of one reply */
	SMTP_REPLY_TEXT_MAX = 4000,	/* bytes of text kept of a reply */
};

/*
 * Append a whole reply.  dsn is an RFC 3463 code put before the text of each
 * line, or NULL or "" for none.  text may have several lines (\n between
 * them, no \n at the end); a line too long is split at a blank; what is
 * beyond SMTP_REPLY_LINES_MAX lines is left out.
 */
void smtp_reply(struct str *out, int code, const char *dsn, const char *text);
/* the same from an error: its dsn and text; code 0: 451 or 550 by kind */
void smtp_reply_err(struct str *out, int code, const struct err *err);

struct smtp_reply {
	int code;		/* 200..599, once complete */
	char dsn[12];		/* enhanced code of the last line, or "" */
	struct str text;	/* lines without their three digits (enhanced
				 * codes stay), parted by \n; no controls */
	size_t lines;
	bool truncated;		/* text beyond SMTP_REPLY_TEXT_MAX dropped */
};
#define SMTP_REPLY_INIT { 0, "", STR_INIT, 0, false }

void smtp_reply_reset(struct smtp_reply *r);	/* for the next reply */
void smtp_reply_free(struct smtp_reply *r);
/* One line, without its end.  1: the reply is complete, 0: more lines follow,
 * -1: not SMTP or too many lines (temporary, 4.5.0); hang up then. */
int smtp_reply_line(struct smtp_reply *r, struct slice line, struct err *err);
/* An RFC 3463 code at the start of s, whose class digit is 2, 4 or 5: its
 * length, copied to dsn; or 0. */
size_t smtp_dsn_parse(struct slice s, char dsn[12]);

#endif
