/*
 * data.h - message content between the wire and the store: RFC 5321 sections
 * 2.3.8, 4.1.1.4, 4.5.2; RFC 3030.
 *
 * Pure incremental state machines: bytes come in any pieces, and the result
 * does not depend on where the pieces are cut.  No allocation but out's.
 *
 * Decoder (smtp_data): wire bytes in, LF-only content out.  Only CRLF.CRLF
 * ends the data (the start counts as behind CRLF); a dot is removed only
 * behind CRLF.  A bare CR, a bare LF and NUL are counted; what to do with
 * them is the caller's: in strict mode (default) it refuses the message after
 * its end; with SMTP_DATA_NORMALIZE each bare CR or LF is a line end in the
 * output, and still neither ends the data nor unstuffs a dot.
 * With SMTP_DATA_CHUNKS (BDAT) there are no dots and no end: the caller
 * counts octets and calls smtp_data_finish behind the last chunk.
 *
 * Encoder (smtp_stuff): LF-only content in, CRLF with stuffed dots out.
 */
#ifndef SMTP_DATA_H
#define SMTP_DATA_H

#include "base/str.h"

enum { SMTP_DATA_NORMALIZE = 1, SMTP_DATA_CHUNKS = 2 };

struct smtp_data {
	unsigned flags;
	int state;		/* private */
	bool ended;		/* the end was seen */
	bool last_lf;		/* private: the output ends in LF */
	uint64_t bytes;		/* content in CRLF form, without stuffing and
				 * final dot: what SIZE means (RFC 1870) */
	uint64_t lines;		/* line ends written */
	uint64_t bare_cr, bare_lf, nul;
	uint64_t longest;	/* octets of the longest line, without end */
	uint64_t line;		/* octets of the line at work */
};

void smtp_data_init(struct smtp_data *d, unsigned flags);
/*
 * Decode in, appending to out (at most in.n + 2 bytes a call; reset out as
 * you write it away).  *used_r: octets taken; all, unless the end came
 * (pipelined commands may follow it).  1: the end was seen, 0: more wanted.
 */
int smtp_data_feed(struct smtp_data *d, struct slice in, struct str *out,
    size_t *used_r);
/* Chunks only, behind the last: a pending CR is a bare one, and a last line
 * without end gets it (out may grow by 2). */
void smtp_data_finish(struct smtp_data *d, struct str *out);

enum { SMTP_STUFF_NODOTS = 1 };	/* CRLF only: outgoing BDAT */

struct smtp_stuff {
	unsigned flags;
	bool bol;		/* at the start of a line */
	bool cr;		/* a CR was held back */
};

void smtp_stuff_init(struct smtp_stuff *s, unsigned flags);
/* Encode in, appending to out.  CR LF in the input is one line end; any other
 * CR is one too, so no bare CR or LF is ever sent. */
void smtp_stuff_feed(struct smtp_stuff *s, struct slice in, struct str *out);
/* End the last line where it has no end; unless NODOTS, append ".\r\n". */
void smtp_stuff_finish(struct smtp_stuff *s, struct str *out);

#endif
