/*
 * word.h - header text to UTF-8: RFC 2047, RFC 2231, RFC 6532.
 *
 * Takes what mime_scan, mime_parse or mime_addresses_parse gave (folds may be
 * in it) and appends valid UTF-8 on one line: folds become one blank, other
 * controls too.  Encoded words of an unknown charset, or that can not be
 * read, stay as they are.  Octets over 127 outside of encoded words are UTF-8
 * where the whole value is valid UTF-8, else windows-1252.
 */
#ifndef MIME_WORD_H
#define MIME_WORD_H

#include "mime/part.h"

enum {
	MIME_WORD_MAX = 16384,	/* longest encoded word that is looked at */
};

/* unstructured text, or a display name of mime_addresses_parse */
void mime_decode_text(struct slice value, struct str *out);
/*
 * The parameter `name`, continuations (name*0, name*1*) joined, charset
 * converted, encoded words in it decoded (as many programs write file names):
 * 1, or 0 where there is none (out untouched).
 */
int mime_param_decode(const struct mime_params *p, const char *name,
    struct str *out);
/* file name of a part: disposition's filename, else type's name: 1 or 0 */
int mime_filename(const struct mime_part *p, struct str *out);

#endif
