/*
 * acl.h - who may do what in a folder (RFC 4314), and who shares what with
 * whom.
 *
 * The truth is the folder's file .state/acl:
 *
 *	postrider-acl 1
 *	lrs bob@example.test
 *	-s anyone
 *
 * The owner has all rights and is not in it.  Identifiers are addresses in
 * lower case, "anyone", and "authenticated" (which is the same, since nobody
 * is anonymous); a line with - takes rights away.
 *
 * The index, ROOT/.shared/IDENTIFIER, has a line "HOME TAB DIRECTORY" for each
 * folder that names the identifier.  It only says where to look: what is
 * missing or too much in it hides a folder or costs a look.
 */
#ifndef STORE_ACL_H
#define STORE_ACL_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum {
	ACL_LOOKUP = 1 << 0, ACL_READ = 1 << 1, ACL_SEEN = 1 << 2,
	ACL_WRITE = 1 << 3, ACL_INSERT = 1 << 4, ACL_POST = 1 << 5,
	ACL_CREATE = 1 << 6, ACL_DELETE_BOX = 1 << 7, ACL_DELETE = 1 << 8,
	ACL_EXPUNGE = 1 << 9, ACL_ADMIN = 1 << 10,
	ACL_ALL = (1 << 11) - 1,
	/* what writes into the folder's directory */
	ACL_CHANGES = ACL_SEEN | ACL_WRITE | ACL_INSERT | ACL_DELETE |
	    ACL_EXPUNGE | ACL_ADMIN,
	/* make and remove folders: never another's than the owner's */
	ACL_OWNER = ACL_CREATE | ACL_DELETE_BOX,
};
enum { ACL_ENTRIES_MAX = 1000, ACL_ID_MAX = 320 };

struct acl_entry {
	const char *id;
	bool negative;
	unsigned rights;
};
struct acl { struct acl_entry *v; size_t n; };

/* letters to bits, c and d of RFC 2086 too: 1, or 0 not all are rights */
int acl_parse(struct slice letters, unsigned *rights_r);
void acl_print(unsigned rights, struct str *out);
/* An identifier as it is kept, appended: without a domain it gets that of
 * owner (an address).  1, or 0 it can not be one. */
int acl_identifier(struct slice id, const char *owner, struct str *out);

/* does it mean every user? */
bool acl_is_anyone(const char *id);

/* of the folder open as dir; no file: an empty list.  0 or -1 */
int acl_read(int dir, struct arena *a, struct acl *l, struct err *err);
/* what the list gives user, an address */
unsigned acl_rights(const struct acl *l, const char *user);
enum acl_op { ACL_SET, ACL_ADD, ACL_REMOVE };
/* Change one entry, durable; rights 0 with ACL_SET: it goes.  *left_r: is
 * there still one?  0 or -1 (5.2.2: too many) */
int acl_change(int dir, const struct acl_entry *e, enum acl_op op,
    bool *left_r, struct err *err);

/* The address of mailbox DOMAIN/LOCALPART, appended: 0, or -1 */
int share_address(const char *mailbox, struct str *out);
/* the same of a home below the root, as store_home makes it of a mailbox */
int share_owner(const char *home, struct str *out);
/* as it stands in the name of a folder: without a slash in the local part */
int share_name(const char *home, struct str *out);
/* before the jail closes: ROOT/.shared is there, as the store's user */
void share_make(const char *root);
/* folder dir (of Maildir; "." is INBOX) below ROOT/home is shared with id, or
 * no longer.  0 or -1 */
struct share_place { const char *root, *home, *dir; };
int share_note(const struct share_place *p, const char *id, bool on,
    struct err *err);
/* note all that the lists of a user's folders say: 0, or -1 and the rest is not
 * noted; a tree that is not below root has nothing to note */
struct tree;
int share_note_all(struct tree *t, const char *root, struct err *err);
/* each line of id's; name is the folder's.  Damage is passed over. */
typedef void share_fn(void *ctx, const struct share_place *p,
    const char *name);
void share_each(const char *root, const char *id, share_fn *fn, void *ctx);

#endif
