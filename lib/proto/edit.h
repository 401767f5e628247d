/*
 * edit.h - one change to a message under way.  Rules of smtpd, filters and
 * content checks all say what they want in this form; cleanup alone carries it
 * out, at commit, in the order in which it came.
 *
 * Fields of the header are counted as the client sent them: our trace (Return-
 * Path, Delivered-To, the topmost Received) is not among them.
 */
#ifndef PROTO_EDIT_H
#define PROTO_EDIT_H

#include "base/arena.h"
#include "ipc/ipc.h"

#define EDIT_OPS "add-header|insert-header|change-header|delete-header|" \
	"body|sender|add-rcpt|delete-rcpt|redirect|transport|hold|discard|" \
	"bcc|priority|release"
enum edit_op {
	EDIT_ADD_HEADER,	/* name, value: behind the last field */
	EDIT_INSERT_HEADER,	/* in front of field n (from 1); 0: of ours */
	EDIT_CHANGE_HEADER,	/* the n-th field of that name (from 1); one
				 * more than there are: added */
	EDIT_DELETE_HEADER,	/* the same */
	EDIT_BODY,		/* all of it: the fd that comes along */
	EDIT_SENDER,		/* value: an address, "" null */
	EDIT_ADD_RCPT,		/* value */
	EDIT_DELETE_RCPT,	/* value, as the client named it */
	EDIT_REDIRECT,		/* value instead of all recipients */
	EDIT_TRANSPORT,		/* value: transport:nexthop for all of them */
	EDIT_HOLD,		/* value: the reason */
	EDIT_DISCARD,		/* value: the reason; the client hears 250 */
	EDIT_BCC,		/* value: a copy; asks for no receipts */
	EDIT_PRIORITY,		/* n: -9 to 9 */
	EDIT_RELEASE,		/* n: unix seconds */
};
/* what one message may have, and the octets of one value (folded with LF) */
enum { EDITS_MAX = 1000, EDIT_NAME_MAX = 200, EDIT_VALUE_MAX = 60000 };

struct edit {
	int op;			/* enum edit_op */
	int64_t n;
	const char *name, *value;
	/* who wants it, for the log: "rule smtpd.conf:12", "filter rspamd" */
	const char *by;
};
extern const struct field edit_fields[];

/* what one message has so far; strings in an arena; { 0 } is empty */
struct edits {
	struct edit *v;
	size_t n, cap;
	int body;		/* fd of the last EDIT_BODY, the list's to
				 * close; valid only where has_body */
	bool has_body;
};
/* The edit is checked (a field name, no NUL, no CR, each LF followed by a
 * blank, limits, addresses) and copied.  0, or -1: err_perm 5.6.0 what the one
 * who asked did wrong.  fd: of EDIT_BODY, is the list's from then on, also
 * after an error; else -1. */
int edits_add(struct edits *l, const struct edit *e, int fd, struct arena *a,
    struct err *err);
/* is there one of that kind? */
bool edits_has(const struct edits *l, enum edit_op op);
/* closes the body; the arena stays */
void edits_clear(struct edits *l);

#endif
