/*
 * share.h - folders of others: "user/ADDRESS[/FOLDER]" and "Public/FOLDER",
 * and what the user may do in a folder (RFC 4314).
 *
 * Which there are is found out before the jail closes, and opens it for
 * their directories alone; the folder's own list is looked at again whenever
 * it is opened.  Own folders give all rights.
 */
#ifndef IMAPD_SHARE_H
#define IMAPD_SHARE_H

#include "session.h"
#include "store/acl.h"

/* before the jail: home is the user's own mail root */
void share_jail(const struct session_user *user);
/* the user's address, as lists have it; "" for a system account */
const char *share_user(void);
/* may the user share with "anyone"? */
bool share_with_anyone(void);
/* has the user own folders that may be shared? */
bool share_possible(void);

/* The rights in folder name, 0 where it is not to be seen; p (NULL: not
 * wanted) is filled where there are some.  0, or -1: 5.1.1, or 5.7.1 where
 * rights of need are missing. */
int share_place(struct session *s, const char *name, unsigned need,
    struct mailbox_place *p, unsigned *rights_r, struct err *err);
/* The tree to make, rename or remove the folder in, and its name there;
 * NULL: 5.7.1, err is set. */
struct tree *share_tree(struct session *s, const char *name,
    const char **local_r, struct err *err);
/* is it a name of other users' or public folders? */
bool share_foreign(const char *name);
/* where the folder lies, for the index: 0, or -1 5.7.1; memory is s's
 * command arena */
int share_where(struct session *s, const char *name, struct share_place *p,
    struct err *err);
/* a folder got another name: all that is shared is noted anew */
void share_renamed(struct session *s, const char *name);
/* Add the folders of others that can be seen to *l. */
void share_list(struct session *s, struct folder_list *l);
/* NAMESPACE's answer, without its word */
void share_namespaces(struct str *out);
/* "* MYRIGHTS name rights" CRLF, appended: 0, or -1 */
int share_put_myrights(struct session *s, const char *name, struct str *out,
    struct err *err);

#endif
