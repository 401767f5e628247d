/*
 * credential.h - accounts that we have at other servers: the rows of the table
 * `credentials' (credentials(5)), which only auth may read.
 *
 * The key is a place: a next hop as it is written ("[host]:port"), the same
 * without brackets and port, or the name of a server.  Or it is a sender,
 * ann@example.org or @example.org, and then `at' names the places where it is
 * used: a sender's password is never shown to whoever gets its mail.
 */
#ifndef MAP_CREDENTIAL_H
#define MAP_CREDENTIAL_H

#include "map/map.h"
#include "map/record.h"

#define CREDENTIAL_BINDINGS "auto|exporter|end-point|none"
enum credential_binding { BINDING_AUTO, BINDING_EXPORTER, BINDING_END_POINT,
	BINDING_NONE };

struct credential {
	const char *user, *pass;
	const char *token;		/* table that has an access token */
	const char *token_file;		/* or the file that has it */
	struct strlist mechanisms;	/* that are used; none: the safe */
	struct strlist at;		/* of a sender: places */
	bool plaintext;		/* the secret itself may go to anybody */
	int binding;			/* enum credential_binding */
};
extern const struct field credential_fields[];

/* A row: 0, or -1: err, temporary, 4.3.5: what is not there, too. */
int credential_parse(struct slice key, struct slice value,
    struct credential *c, struct arena *a, struct err *err);
/* what was copied to the arena */
void credential_wipe(struct credential *c);

struct credential_place {
	const char *nexthop, *host, *sender;
};
/*
 * The row for a place: that of the sender, of its domain, of the next hop as
 * it is written, without brackets and port, of the host.  1 and *c in the
 * arena (wipe it), 0 there is none, -1 err.  *by_sender: at this place another
 * sender may have another row.
 */
int credential_find(struct map *m, const struct credential_place *p,
    struct credential *c, struct arena *a, bool *by_sender,
    struct err *err);

/* The table can be used: 1; 0: there is no such file, and so no account; -1:
 * err, temporary: others than its owner can read it */
int credential_file(const char *spec, struct err *err);

#endif
