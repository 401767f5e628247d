/*
 * notify_part.h - inside NOTIFY: annotations of a folder, or of the server, as
 * the client knows them.
 */
#ifndef IMAPD_NOTIFY_PART_H
#define IMAPD_NOTIFY_PART_H

#include <sys/stat.h>

#include "notify.h"

/* of all folders together; more is NOTIFICATIONOVERFLOW */
enum { NOTIFY_META_MAX = 4 << 20 };

struct notify_meta {
	bool known;
	struct stat st;		/* of the file, zero where there is none */
	struct str list;	/* lines: hash of the value, entry */
};

/* Look at what folder name has now ("": the server); tell: METADATA names the
 * entries that are others than before. */
void notify_meta_look(struct session *s, const char *name,
    struct notify_meta *m, bool tell);
void notify_meta_free(struct notify_meta *m);

#endif
