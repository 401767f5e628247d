/*
 * notice.h - for who changes a mailbox: tell those who watch it.
 *
 * Mailboxes that notifyd watches by inotify need no telling; only where the
 * kernel has no watch left does it depend on what our own writers say.  So a
 * page of memory, the board, which notifyd writes and all writers see, says
 * for which folders somebody wants to be told; for all others, nearly always
 * for all, a notice costs a look at one byte.  Nothing here fails, waits, or
 * minds that notifyd is not there.
 *
 * A folder is a path: absolute below mail_dir, or what is left of it there.
 * Mailboxes elsewhere (those of system accounts) need no notice.
 */
#ifndef STORE_NOTICE_H
#define STORE_NOTICE_H

#include "base/str.h"

/* Open the board and a socket: before the jail is closed, while still root
 * (before_jail).  Without it nothing is ever told. */
void notice_open(void);
/* This folder changed, and the change can be seen by now. */
void notice_changed(const char *folder);
/* the same for some: note each, then flush */
void notice_note(const char *folder);
void notice_flush(void);

/* The path of an open directory (O_PATH is enough), as notice_changed and
 * watcher_add want it: 0 or -1. */
int notice_path(int dir, struct str *out);
/* what is left below mail_dir, or NULL: not there */
const char *notice_relative(const char *folder);

/* For notifyd: the board itself, a byte a slot, not 0 where to tell. */
enum { BOARD_SIZE = 1 << 16 };
/* made where it is missing; NULL and errno */
unsigned char *notice_board(bool writer);
unsigned notice_slot(const char *relative);	/* below BOARD_SIZE */

#endif
