/*
 * body.h - the file of one message, for FETCH and SEARCH: read, where it is
 * large mapped, and parsed when it must be.
 */
#ifndef IMAPD_BODY_H
#define IMAPD_BODY_H

#include "imap/fetch.h"
#include "mime/part.h"
#include "session.h"

/* The section of which a client read a piece last: what was found out for it
 * need not be found out for the next one again, or reading a message in pieces
 * would cost its size each time. */
enum { PLACE_DEPTH = 8 };
struct body_place {
	struct body_file { uint64_t dev, ino, size; int64_t mtime; } file;
	int kind;
	size_t depth;
	uint32_t part[PLACE_DEPTH];
	size_t from, to;		/* in the file */
	uint64_t wire;			/* its octets */
	size_t raw;			/* an offset in it, in bytes */
	uint64_t at;			/* and in octets */
};

struct body {
	struct slice msg;		/* the file, LF line ends */
	struct mime_part *root;		/* body_parse; NULL: not yet */
	bool whole;			/* root is of the whole message */
	struct arena *arena;		/* of the parse, reset with each */
	char *room;			/* of small files, for the next too */
	bool mapped;
	struct body_file file;
	struct body_place *place;	/* the caller's; NULL: none is kept */
	unsigned faults;		/* of the process, when it was opened */
};

/* get message i: 0, or -1 and err (5.2.0: it is gone).  b->arena is set
 * before. */
int body_open(struct body *b, struct session *s, size_t i, struct err *err);
int body_open_in(struct body *b, struct mailbox *mb, size_t i,
    struct err *err);
/* Was the file as long as it seemed, wherever it was read by now?  0, or -1
 * and err: nothing of it is to be used. */
int body_intact(const struct body *b, struct err *err);
void body_close(struct body *b);
void body_free(struct body *b);		/* behind the last body_close */
/* the tree, or only the header */
const struct mime_part *body_parse(struct body *b, bool whole);

/* What a section is, raw: false, there is no such part.  It lies in the message
 * or in filtered. */
bool body_section(struct body *b, const struct imap_section *sec,
    struct str *filtered, struct slice *r);
/* What FETCH BODY[...]<...> gives: "{n}" CRLF octets, or NIL, appended to io */
void body_put_section(struct body *b, struct io *io,
    const struct imap_fetch_item *item);
/* BINARY and BINARY.SIZE: 0, or -1: the encoding is unknown (RFC 3516) */
int body_put_binary(struct body *b, struct io *io,
    const struct imap_fetch_item *item);
int body_put_binary_size(struct body *b, struct io *io,
    const struct imap_fetch_item *item);
/* header fields of a section out of lines with any line ends, with the empty
 * line at the end, CRLF */
void body_filter(struct slice header, const struct imap_section *section,
    struct str *out);
/* bytes of s as they go over the wire, from wire octet `from`, n of them */
void body_put_wire(struct io *io, struct slice s, uint64_t from, uint64_t n);

#endif
