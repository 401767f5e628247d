/*
 * tree.h - the folders of one mail root: names, hierarchy, subscriptions,
 * special uses, annotations, rights.  Maildir++: INBOX is Maildir itself,
 * folder A/B is the directory Maildir/.A.B.
 *
 * Names are UTF-8 with / as separator.  On the disk each level is modified
 * UTF-7 (RFC 3501 section 5.1.3), in which a dot is &AC4-.  INBOX is known in
 * any case.  A name is refused (5.1.3) that is empty, has an empty level,
 * controls, is longer than TREE_NAME_MAX, deeper than TREE_DEPTH_MAX, or could
 * lead out of the root: everything is resolved below the root without
 * following a symbolic link.
 * Functions return 0, or -1 and err: 5.1.1 there is none (NONEXISTENT),
 * 5.1.2 it is there already (ALREADYEXISTS), 5.1.3 bad name (CANNOT), 5.1.4
 * no such special use or another folder has it (USEATTR), 5.2.2 (LIMIT),
 * 5.7.1 (NOPERM), or temporary.
 */
#ifndef STORE_TREE_H
#define STORE_TREE_H

#include "store/mailbox.h"

enum { TREE_NAME_MAX = 1000, TREE_DEPTH_MAX = 50, TREE_FOLDERS_MAX = 20000 };

struct tree {
	char *home;		/* directory that holds Maildir */
	int maildir, index;	/* O_PATH; HOME/.index, -1: none */
	uint64_t quota;
	const char *hostname;
	struct tree_impl *in;
};
/* home must be there; Maildir and .index are made */
int tree_open(struct tree *t, const char *home, uint64_t quota,
    const char *hostname, struct err *err);
void tree_close(struct tree *t);

enum {
	FOLDER_EXISTS = 1 << 0,		/* else \NonExistent or \NoSelect */
	FOLDER_CHILDREN = 1 << 1,
	FOLDER_SUBSCRIBED = 1 << 2,
	FOLDER_NEWS = 1 << 3,		/* \Marked: something lies in new/ */
};
struct folder {
	const char *name;
	unsigned flags;
	const char *special;	/* "\\Sent", or NULL (RFC 6154) */
};
struct folder_list { struct folder *v; size_t n; };
/* All folders, also those that are only parents of others and those that are
 * only subscribed, sorted by name with INBOX first; in the arena. */
int tree_list(struct tree *t, struct arena *a, struct folder_list *l,
    struct err *err);
/* 1 it is there, 0 not, -1 a bad name */
int tree_exists(struct tree *t, const char *name, struct err *err);
/* Fill *p to open it; p->dir is to be closed with tree_place_end. */
int tree_place(struct tree *t, const char *name, struct mailbox_place *p,
    struct err *err);
void tree_place_end(struct mailbox_place *p);

/* special: "\\Sent" or NULL.  Parents need not be there. */
int tree_create(struct tree *t, const char *name, const char *special,
    struct err *err);
/* The messages go with it; children stay (the folder is then only a name).
 * INBOX can not be deleted. */
int tree_delete(struct tree *t, const char *name, struct err *err);
/* With its children; UIDs, ids, flags and annotations stay, subscriptions do
 * not follow; not to a name below itself.  INBOX: its messages move to
 * the new folder and it stays, empty (RFC 3501 section 6.3.5). */
int tree_rename(struct tree *t, const char *from, const char *to,
    struct err *err);
int tree_subscribe(struct tree *t, const char *name, bool on,
    struct err *err);
/* NULL takes it away.  \Archive \Drafts \Junk \Sent \Trash \Important */
int tree_special(struct tree *t, const char *name, const char *special,
    struct err *err);

/* annotations (RFC 5464): folder "" is the server's own.  Value with p NULL
 * removes.  Entry names are folded to lower case; limits are errors 5.2.2.
 * The special use is the entry /private/specialuse (RFC 6154 section 4). */
enum { META_MAX = 65536, META_ENTRIES = 1000,
	META_TOTAL = 16 << 20 /* bytes, of all folders of a user */ };
int tree_meta_set(struct tree *t, const char *folder, const char *entry,
    struct slice value, struct err *err);
typedef void tree_meta_fn(void *ctx, const char *entry, struct slice value);
int tree_meta_each(struct tree *t, const char *folder, tree_meta_fn *fn,
    void *ctx, struct err *err);

/* what the mailbox uses, counted where it is not known: quota.h */
int tree_quota(struct tree *t, uint64_t *bytes_r, uint64_t *count_r,
    struct err *err);

#endif
