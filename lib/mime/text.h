/*
 * text.h - what SEARCH looks at: decoded text of a message, and the form in
 * which text is compared.
 *
 * mime_text hands out units: one header field, or the text of one part.  A
 * unit comes in pieces (valid UTF-8, never cut within a character); a match
 * may lie across pieces, not across units.  struct mime_match searches so.
 */
#ifndef MIME_TEXT_H
#define MIME_TEXT_H

#include "mime/part.h"

enum {
	MIME_TEXT_PIECE = 65536,	/* about the longest piece */
};

enum mime_text_what {
	MIME_TEXT_HEADER = 1,	/* the fields of the message's own header */
	MIME_TEXT_BODY = 2,	/* its text parts (HTML without tags), the
				 * headers of messages within, file names and
				 * descriptions of parts */
	MIME_TEXT_ALL = 3,
};

/* a piece of text; field is the field's name ("" in a body); last: the unit
 * ends with it (a unit may end with an empty piece).  Non-zero ends it all. */
typedef int mime_text_fn(void *ctx, struct slice field, struct slice text,
    bool last);

/* 0, or what fn returned */
int mime_text(struct slice msg, const struct mime_part *root,
    enum mime_text_what what, mime_text_fn *fn, void *ctx);

/* a leaf whose text can be read: text/ of any kind, parts of reports */
bool mime_has_text(const struct mime_part *p);
/* the same for the body of such a leaf alone */
int mime_part_text(struct slice msg, const struct mime_part *p,
    mime_text_fn *fn, void *ctx);

/*
 * Append the canonical form of UTF-8 text: RFC 5051, i;unicode-casemap (each
 * character titlecased and decomposed, as long as that changes it; ASCII is
 * upper case).  Works character by character: the form of a concatenation is
 * the concatenation of the forms.  Order of octets of this form is the
 * collation's order, equality and substrings are the collation's.  Octets
 * that are no UTF-8 stay as they are.
 */
void mime_fold(struct slice s, struct str *out);

/* substring search over the pieces of a unit */
struct mime_match {
	struct str needle;	/* folded */
	struct str tail;	/* folded text whose end may begin a match */
};
void mime_match_init(struct mime_match *m, struct slice needle);
/* 1: found within this unit up to here; 0: not yet.  An empty needle is
 * always found.  With last the next piece is a new unit's. */
int mime_match_feed(struct mime_match *m, struct slice piece, bool last);
void mime_match_free(struct mime_match *m);

/* HTML to text: tags, comments, style and script left out, entities decoded,
 * blocks end lines.  UTF-8 in, UTF-8 out, linear time, bounded state. */
struct mime_html {
	int state;
	bool closing, space, skip, line;
	char quote;
	size_t n;
	char hold[64];		/* name of a tag or an entity */
	char skip_tag[16];	/* within <script>, <style>, ... */
};
void mime_html_init(struct mime_html *h);
void mime_html_add(struct mime_html *h, struct slice s, struct str *out);
void mime_html_end(struct mime_html *h, struct str *out);

#endif
