/*
 * tree_part.h - shared by the parts of tree.h, of use to nobody else.
 *
 * What changes the tree holds the lock (Maildir/.state/tree.lock), readers
 * take none.  What is made or removed is so in WORK, a directory whose names
 * are new-ID (being made: of no use once the lock is free) or gone-ID (being
 * removed: by whoever finds it).
 */
#ifndef STORE_TREE_PART_H
#define STORE_TREE_PART_H

#include "store/tree.h"

#define TREE_WORK ".state/work"
#define TREE_LOCK ".state/tree.lock"
#define TREE_JOURNAL ".state/rename"

/* names and directories: pure */

/* The name as it is kept (INBOX in upper case), appended.  0, or -1 5.1.3 */
int tree_canon(const char *name, struct str *out, struct err *err);
/* Its directory below Maildir, "." for INBOX, appended.  0, or -1 5.1.3 */
int tree_dir(const char *name, struct str *out, struct err *err);
/* The name of a directory of Maildir, appended: 1, or 0 it is no folder */
int tree_dir_name(struct slice dir, struct str *out);

/* The lock: a descriptor to close, or -1.  A rename that was cut off is
 * finished first. */
int tree_lock(struct tree *t, struct err *err);
/* the lock is held: who watches INBOX is told that the tree changed */
void tree_tell(int lock);
/* finish what TREE_JOURNAL says; the lock is held */
int tree_replay(struct tree *t, struct err *err);
/* remove what is to be removed, or (new) was to be made: the lock is held */
void tree_sweep(struct tree *t, bool new);

/* The small file path below dir, appended: 1, 0 there is none, -1 */
int tree_read(int dir, const char *path, size_t max, struct str *out,
    struct err *err);
/* Replace path/name by text, durable; the lock is held.  Empty text removes
 * it. */
int tree_write(int dir, const char *path, const char *name,
    const struct str *text, struct err *err);
int tree_sync(int dir, const char *path, struct err *err);

/* the subscribed names, one a line, checked; appended */
int tree_subscribed(struct tree *t, struct str *out, struct err *err);
/* 1 there is such a directory, 0, -1 */
int tree_is_there(struct tree *t, const char *dir, struct err *err);
/* rename of a directory that replaces nothing: 0, or -1 and errno */
int tree_move(struct tree *t, const char *from, const char *to);
/* 1 a folder .A or below it is there, 0, -1 */
int tree_is_name(struct tree *t, const char *dir, struct err *err);
/* messages went where they count otherwise */
void tree_forget_quota(struct tree *t);

/* special use of the folder in dir, or NULL */
const char *tree_special_of(struct tree *t, const char *dir);
/* the constant for a special use, in any case: NULL not one of ours */
const char *tree_special_name(const char *special);
/* 0 no folder but dir has it; -1 5.1.4 it is taken */
int tree_special_free(struct tree *t, const char *special, const char *dir,
    struct err *err);
/* the text of a meta file with nothing but that */
void tree_special_text(struct str *out, const char *special);

/* 5.1.1 and 5.1.2 of a folder */
int tree_none(const char *name, struct err *err);
int tree_taken(const char *name, struct err *err);

#endif
