/*
 * decode.h - streaming decoders of transfer encodings: RFC 2045 section 6.
 *
 * Tolerant: what is wrong is skipped (base64) or taken literally
 * (quoted-printable), and noted in `bad`.  RFC 3516 lets a server refuse:
 * BINARY gives NO [UNKNOWN-CTE] for mime_decodable() == false and may for
 * `bad`.  Chunks may be cut anywhere; the state is bounded.  Output may hold
 * NULs.  Text line ends (7bit, 8bit, binary, quoted-printable) are written as
 * LF, or as CRLF where `crlf` is set, as IMAP wants; base64 is written as it
 * is.
 */
#ifndef MIME_DECODE_H
#define MIME_DECODE_H

#include "mime/part.h"

enum {
	MIME_BLANKS_MAX = 256,	/* blanks held back at a line's end */
};

struct mime_decoder {
	enum mime_encoding encoding;
	bool crlf;
	bool bad;		/* not clean so far (after the end: at all) */
	bool cr;		/* last octet was a CR */
	bool done;		/* base64: padding was seen */
	uint32_t bits;		/* base64: digits gathered */
	unsigned n;		/* base64: how many; QP: octets in hold */
	char hold[MIME_BLANKS_MAX + 4];
};

enum mime_encoding mime_encoding_of(struct slice token);
/* all but MIME_UNKNOWN_CTE */
bool mime_decodable(enum mime_encoding e);

void mime_decode_init(struct mime_decoder *d, enum mime_encoding e,
    bool crlf);
void mime_decode(struct mime_decoder *d, struct slice in, struct str *out);
void mime_decode_end(struct mime_decoder *d, struct str *out);

/* Octets of a part's decoded body (line ends as CRLF), as BINARY.SIZE tells:
 * 1, or 0 where its encoding is unknown. */
int mime_decoded_size(struct slice msg, const struct mime_part *p,
    uint64_t *size_r);
/* Append `n` octets of a part's decoded body (line ends as CRLF) from `from`
 * on: 1; 0 where the encoding is unknown or the content is not clean (then
 * out is untouched). */
int mime_decode_part(struct slice msg, const struct mime_part *p,
    uint64_t from, uint64_t n, struct str *out);

#endif
