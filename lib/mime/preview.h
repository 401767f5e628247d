/*
 * preview.h - RFC 8970: the first words of a message for a list of mail.
 */
#ifndef MIME_PREVIEW_H
#define MIME_PREVIEW_H

#include "mime/part.h"

enum {
	MIME_PREVIEW_CHARS = 200,
	MIME_PREVIEW_SCAN = 32768,	/* octets of text that are looked at */
};

/*
 * Append at most MIME_PREVIEW_CHARS characters of valid UTF-8, on one line,
 * blanks single: the first text part that is no attachment, plain text
 * before HTML.  Quoted lines with their "... wrote:" line and all from a
 * signature's "-- " on are left out, unless nothing else is there.  1, or 0
 * where there is no text (nothing appended; IMAP gives "").
 */
int mime_preview(struct slice msg, const struct mime_part *root,
    struct str *out);

#endif
