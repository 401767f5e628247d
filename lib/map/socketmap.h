/*
 * socketmap.h - inside lib/map: what is said to a server of socket tables.
 *
 * A request is the netstring of "NAME KEY", an answer that of "OK value",
 * "NOTFOUND ", "TEMP why", "TIMEOUT why" or "PERM why".
 */
#ifndef MAP_SOCKETMAP_H
#define MAP_SOCKETMAP_H

#include "base/err.h"
#include "base/str.h"

enum { SOCKETMAP_MAX = 100000 };	/* bytes of an answer */

/* inet:HOST:PORT:NAME or unix:PATH:NAME */
struct socketmap {
	struct slice host;	/* without brackets; p NULL: a path */
	struct slice path;
	uint16_t port;
	struct slice name;
};
/* 0; -1 err, temporary: malformed */
int socketmap_parse(struct slice spec, struct socketmap *s, struct err *err);

/* The netstring at the beginning of what came: 1 and its text, and *used
 * octets are done with; 0: more has to come; -1: it is none, or too long */
int netstring_take(struct slice in, struct slice *text, size_t *used,
    struct err *err);
void netstring_add(struct str *out, struct slice a, struct slice b);
/* The text of an answer: 1 and the value appended, 0 there is none, -1: err,
 * temporary whatever it says */
int socketmap_answer(struct slice text, struct str *out, struct err *err);

#endif
