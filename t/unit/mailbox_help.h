/* mailbox_help.h - a folder for the tests of lib/store/mailbox.h */
#ifndef UNIT_MAILBOX_HELP_H
#define UNIT_MAILBOX_HELP_H

#include "store/mailbox.h"

struct place {
	struct mailbox_place at;
	char *dir;
};
/* a new folder and index directory below tap_dir() */
void place_make(struct place *p, const char *name);
void place_free(struct place *p);
struct mailbox *place_open(struct place *p, unsigned flags);
/* a file in the folder; date 0: now */
void place_put(struct place *p, const char *name, const char *text);
bool place_has(struct place *p, const char *name);
void place_move(struct place *p, const char *from, const char *to);
void place_remove(struct place *p, const char *name);
/* the only file of sub that begins so: its name, "" none, "many" */
const char *place_find(struct place *p, const char *sub, const char *start);
size_t place_count(struct place *p, const char *sub);
/* the view as text: "1:S;2:-,kw;(3:F)" - () is gone */
const char *view(const struct mailbox *mb);
/* change flags of the message with that UID: "+S" "-S kw" "=FS a b" */
int change(struct mailbox *mb, uint32_t first, uint32_t last,
    const char *what);
int expunge(struct mailbox *mb, uint32_t first, uint32_t last);
/* APPEND: the UID, 0 failed */
uint32_t append(struct mailbox *mb, const char *text, unsigned flags,
    const char *kw);
/* whole file of a message */
const char *text_of(struct mailbox *mb, size_t i);
extern struct err test_err;

#endif
