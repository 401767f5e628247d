/*
 * structure.h - ENVELOPE, BODY and BODYSTRUCTURE of a message, as text: RFC
 * 3501 and 9051 section 7.5.2, from the tree of mime/part.h.
 *
 * Right syntax whatever the message is.  Header text is given as it stands in
 * the message, folds taken out; encoded words stay.  8-bit text goes out as
 * literals, so one text serves every client and may be cached.  Size is
 * linear in that of the headers.
 */
#ifndef IMAP_STRUCTURE_H
#define IMAP_STRUCTURE_H

#include "mime/address.h"
#include "mime/part.h"

/* "(date subject from sender reply-to to cc bcc in-reply-to message-id)";
 * NULL: all NIL.  Sender and Reply-To default to From. */
void imap_put_envelope(struct str *out, const struct mime_envelope *env);
/* the same, and the addresses for who wants them, too, in the arena */
struct imap_envelope_lists {
	struct mime_addresses from, to, cc;	/* with marks */
};
void imap_put_envelope_lists(struct str *out, const struct mime_envelope *env,
    struct arena *a, struct imap_envelope_lists *lists);
/* the parenthesised body structure of a part and what is below it */
void imap_put_body(struct str *out, const struct mime_part *p);
void imap_put_bodystructure(struct str *out, const struct mime_part *p);
void imap_put_structures(struct str *body, struct str *structure,
    const struct mime_part *p);

#endif
