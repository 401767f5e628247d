/*
 * write.h - producers for header fields: RFC 5322 sections 2.1.1 and 2.2.3,
 * RFC 2047.
 *
 * All append to out, in LF form, and can not fail: whatever is given, the
 * result is well-formed (CR, LF, NUL and controls in a value become blanks).
 */
#ifndef MIME_WRITE_H
#define MIME_WRITE_H

#include "base/str.h"

enum {
	MIME_FOLD_AT = 78,	/* fold before this column where there is a
				 * blank to fold at */
	MIME_LINE_MAX = 998,	/* break even within a word here */
};

/* "Name: value\n", folded at blanks.  UTF-8 is written as it is; encode
 * first where that must not be. */
void mime_put_field(struct str *out, const char *name, struct slice value);
void mime_put_fieldz(struct str *out, const char *name, const char *value);
/* unstructured text (Subject): as it is where it is printable ASCII, else RFC
 * 2047 encoded words in UTF-8 (bytes that are not UTF-8 become U+FFFD) */
void mime_encode_text(struct str *out, struct slice text);
/* a display name: atoms as they are, else quoted, else encoded words */
void mime_encode_phrase(struct str *out, struct slice text);
/* <time.random@host>, unique; with the brackets */
void mime_message_id(struct str *out, const char *host);
/* a multipart boundary: 32 letters and digits after "=_", unguessable */
void mime_boundary(struct str *out);

#endif
