/*
 * mailbox.h - inside ctl: postrider mailbox.
 */
#ifndef CTL_MAILBOX_H
#define CTL_MAILBOX_H

#include "store/tree.h"

struct account {
	const char *home;	/* directory that holds Maildir */
	uint64_t quota;
	uid_t uid;		/* who we are now */
	gid_t gid;
	bool there;		/* home/Maildir exists */
};
/* Check the words, find the account of argv[optind] and become its owner: an
 * exit status. */
int mailbox_account(int argc, char **argv, int max, const char *usage,
    struct account *a);

int mailbox_dump(int argc, char **argv);
int mailbox_restore(int argc, char **argv);

/* --- tar.c: files in the form of POSIX.1-2001 (pax) --- */
struct tar_entry {
	struct str path;
	struct str link;	/* only read: of '1' */
	char type;		/* '0' file, '1' hard link, '5' directory */
	uint64_t size;
	int64_t mtime;
};
/* the header, padded: what precedes size bytes and their padding */
void tar_header(struct str *out, const struct tar_entry *e);
size_t tar_padding(uint64_t size);
/* next header of fd: 1, 0 the end, -1 */
int tar_next(int fd, struct tar_entry *e, struct err *err);
/* all n bytes: 1, 0 end of file before the first, -1 */
int tar_read(int fd, void *p, size_t n, struct err *err);

#endif
