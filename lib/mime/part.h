/*
 * part.h - the structure of a message: RFC 2045, 2046, 2183, RFC 3501 6.4.5.
 *
 * mime_parse makes a tree of struct mime_part of a whole message in memory.
 * It never fails: whatever the bytes are, there is a root, a multipart has at
 * least one child, and a message/rfc822 (or /global) has exactly one, the
 * message within.  What exceeds a limit becomes a leaf (`opaque`).  Linear
 * time and one pass, no recursion.  The tree lies in the arena; its slices
 * borrow the message or lie in the arena.
 *
 * Offsets are raw ones, into the message as it is in the file.  Counts called
 * `wire` are octets with CRLF line ends, as IMAP tells them: each LF that has
 * no CR before it counts two.
 */
#ifndef MIME_PART_H
#define MIME_PART_H

#include "base/arena.h"
#include "base/str.h"

struct mime_limits {
	unsigned depth;		/* nesting; the root has depth 0 */
	unsigned parts;		/* in the whole tree */
	unsigned fields;	/* of one header; at most MIME_FIELDS_MAX */
	unsigned params;	/* of one field */
	size_t header;		/* octets of one header */
};
#define MIME_LIMITS { 64, 10000, 5000, 100, 1 << 20 }

enum mime_encoding {
	MIME_7BIT,		/* also where there is no field */
	MIME_8BIT,
	MIME_BINARY,
	MIME_QP,
	MIME_BASE64,
	MIME_UNKNOWN_CTE,	/* a Content-Transfer-Encoding that we do not
				 * know */
};

enum mime_kind {
	MIME_LEAF,
	MIME_MULTIPART,		/* children: 1 or more */
	MIME_MESSAGE,		/* message/rfc822 or /global: child: 1 */
};

/* Parameters as they stand, in their order: names like "filename*0*" are not
 * joined.  Values are unquoted, without line ends.  mime_param_decode
 * (word.h) gives one joined and in UTF-8. */
struct mime_param {
	struct slice name, value;
};
struct mime_params {
	struct mime_param *v;
	size_t n;
};

/* a position, with what is before it */
struct mime_mark {
	size_t pos;		/* raw */
	size_t bare;		/* LFs without CR before pos */
	size_t lines;		/* LFs before pos */
};

/* the fields of a message that ENVELOPE, SORT and THREAD want: values of the
 * first field of each name, trimmed, folds left in; p == NULL: not there */
struct mime_envelope {
	struct slice date, subject, from, sender, reply_to, to, cc, bcc,
	    in_reply_to, message_id, references;
};

struct mime_part {
	struct mime_part *parent, *child, *next;
	unsigned depth;
	unsigned number;	/* 1.. among its siblings; root and the child
				 * of a message/rfc822: 1 */
	unsigned children;
	enum mime_kind kind;
	bool opaque;		/* would be multipart or message/rfc822, but
				 * for a limit or an encoding that RFC 2045
				 * 6.4 forbids: kind is MIME_LEAF; to be shown
				 * as application/octet-stream */
	bool is_message;	/* root, or child of a message/rfc822: its
				 * header is a message's, env is set */
	bool multipart_empty;	/* a multipart in which no boundary was found;
				 * its one child is its whole body as
				 * text/plain without a header */
	bool has_type;		/* there is a Content-Type that can be read;
				 * else type and subtype are the default */

	/* header from begin to body, with its empty line; body up to end */
	struct mime_mark begin, body, end;

	/* never empty; as written, or "text" "plain" (in multipart/digest
	 * "message" "rfc822"); for opaque ones as written, too */
	struct slice type, subtype;
	struct mime_params params;
	enum mime_encoding encoding;
	/* p == NULL: no such field; values trimmed, folds left in */
	struct slice encoding_raw, id, description, md5, language, location;
	struct slice disposition;	/* the token only */
	struct mime_params disposition_params;
	struct mime_envelope *env;	/* NULL unless is_message */
};

/* limits may be NULL: MIME_LIMITS */
struct mime_part *mime_parse(struct slice msg,
    const struct mime_limits *limits, struct arena *a);
/* Only the root's header, no children (kind may still be other than LEAF);
 * begin and body are right, end is the end of msg with unknown counts. */
struct mime_part *mime_parse_header(struct slice msg,
    const struct mime_limits *limits, struct arena *a);

/* next part in order of appearance (depth first); NULL at the end */
struct mime_part *mime_next(const struct mime_part *p);
/* subtype NULL: any; ASCII case folded; never true for an opaque part */
bool mime_is(const struct mime_part *p, const char *type,
    const char *subtype);

/*
 * The part of an IMAP section (RFC 3501 6.4.5): path of n numbers.  n == 0 is
 * the root.  "1" of a message that is no multipart is that message itself
 * (its body is the part; its header is the part's MIME header).  Numbers
 * behind a message/rfc822 go on within the message in it.  NULL: none.
 *   BODY[p]        body..end; for n == 0 begin..end
 *   BODY[p.MIME]   begin..body (n > 0)
 *   BODY[p.HEADER] begin..body of mime_message_of(p); n == 0: of the root
 *   BODY[p.TEXT]   body..end of the same
 */
struct mime_part *mime_find_part(struct mime_part *root,
    const uint32_t *path, size_t n);
/* the message in a message/rfc822 part; NULL for other parts */
struct mime_part *mime_message_of(const struct mime_part *p);

/* bytes of a range between two marks, and its octets on the wire, its lines */
struct slice mime_range(struct slice msg, struct mime_mark from,
    struct mime_mark to);
size_t mime_wire(struct mime_mark from, struct mime_mark to);
size_t mime_lines(struct mime_mark from, struct mime_mark to);
/* wire octets of any bytes, and where in s the wire offset `off` lies: the
 * index, with *in_crlf_r true where it is between the CR that is not in the
 * file and the LF at that index; s.n where it is behind the end */
size_t mime_wire_size(struct slice s);
size_t mime_wire_seek(struct slice s, size_t off, bool *in_crlf_r);

/* the value of a Content-Type or -Disposition like field: 1, or 0 where it
 * can not be read.  subtype NULL: a disposition.  Values in the arena. */
int mime_param_parse(struct slice value, size_t max, struct arena *a,
    struct slice *type, struct slice *subtype, struct mime_params *r);
/* first parameter of that very name (folded case); SLICE_NULL: none */
struct slice mime_param(const struct mime_params *p, const char *name);
/* next tag of a Content-Language value: 1, or 0 at the end */
int mime_language_next(struct slice *rest, struct slice *tag);

#endif
