/*
 * fetch.h - what FETCH asks for: RFC 3501 and 9051 section 6.4.5, RFC 3516
 * (BINARY), 7162 (MODSEQ, CHANGEDSINCE, VANISHED), 8474 (object ids), 8514
 * (SAVEDATE), 8970 (PREVIEW), 9394 (PARTIAL).
 *
 * Items come in the client's order, macros spread, doubles taken away.
 * All memory is the arena's of the command.
 */
#ifndef IMAP_FETCH_H
#define IMAP_FETCH_H

#include "imap/lex.h"

enum { IMAP_PART_DEPTH_MAX = 100 };

enum imap_section_kind {
	IMAP_SECTION_ALL,	/* [] or [1.2] */
	IMAP_SECTION_HEADER,
	IMAP_SECTION_FIELDS,	/* HEADER.FIELDS */
	IMAP_SECTION_FIELDS_NOT,
	IMAP_SECTION_TEXT,
	IMAP_SECTION_MIME,	/* only behind a part path */
};
struct imap_section {
	enum imap_section_kind kind;
	uint32_t *part;		/* path: 1.2.3 */
	size_t depth;		/* 0: the message */
	struct slice *field;	/* names, as they came */
	size_t n_fields;
};

enum imap_fetch_kind {
	IMAP_FETCH_FLAGS,
	IMAP_FETCH_UID,
	IMAP_FETCH_INTERNALDATE,
	IMAP_FETCH_RFC822,
	IMAP_FETCH_RFC822_HEADER,
	IMAP_FETCH_RFC822_TEXT,
	IMAP_FETCH_RFC822_SIZE,
	IMAP_FETCH_ENVELOPE,
	IMAP_FETCH_BODY,		/* without section */
	IMAP_FETCH_BODYSTRUCTURE,
	IMAP_FETCH_SECTION,		/* BODY[...]<...> */
	IMAP_FETCH_BINARY,		/* BINARY[...]<...> */
	IMAP_FETCH_BINARY_SIZE,
	IMAP_FETCH_MODSEQ,
	IMAP_FETCH_EMAILID,
	IMAP_FETCH_THREADID,
	IMAP_FETCH_SAVEDATE,
	IMAP_FETCH_PREVIEW,
};

struct imap_fetch_item {
	enum imap_fetch_kind kind;
	struct imap_section section;
	bool peek;		/* leaves \Seen alone */
	bool partial;		/* <offset.length> was given */
	bool lazy;		/* PREVIEW (LAZY) */
	uint64_t offset, length;
};
struct imap_fetch {
	struct imap_fetch_item *v;
	size_t n;
	unsigned kinds;		/* 1 << kind of each */
	bool sets_seen;		/* an item of it does */
	bool changed;		/* CHANGEDSINCE was given */
	uint64_t changed_since;
	bool vanished;		/* with it, only in UID FETCH */
	bool partial;		/* PARTIAL was given, only in UID FETCH */
	struct imap_partial page;
};

/* Everything behind the sequence set and its blank, up to the end of the
 * line (which is left to imap_lex_end).  CHANGEDSINCE adds MODSEQ, UID FETCH
 * (l->uid) adds UID, where they are not asked for: first, in the order
 * UID, MODSEQ. */
bool imap_fetch_parse(struct imap_lex *l, struct imap_fetch *r);
/* only the item or items, as in NOTIFY's MessageNew (...) */
bool imap_fetch_parse_items(struct imap_lex *l, struct imap_fetch *r);
/* what is between [ and ] */
bool imap_section_parse(struct imap_lex *l, struct imap_section *r);
/* the same, for the reply: "1.2.HEADER.FIELDS (To Cc)" */
void imap_section_print(const struct imap_section *s, struct str *out);
/* name of the item in the reply: "BODY[1.TEXT]<0>", "RFC822.SIZE" */
void imap_fetch_item_name(const struct imap_fetch_item *item,
    struct str *out);

#endif
