/*
 * backend.h - what a session asks of other programs: router, cleanup, auth.
 *
 * The connections belong to the process; that to cleanup lasts for one
 * session, that to auth for one authentication.  Errors are those that the
 * program gave, or temporary ones where it could not be asked.  Each returns
 * 0, or -1 with err.
 */
#ifndef SMTPD_BACKEND_H
#define SMTPD_BACKEND_H

#include "proto/auth.h"
#include "proto/edit.h"
#include "proto/router.h"
#include "smtpd.h"

void backend_init(void);		/* once, at the start */
/* is there room for a message of that size (0: unknown)? */
int backend_space(uint64_t size, struct err *err);
/* may the client (relay: that may send anywhere) send to r->addr?  It becomes
 * its full form (arena of t), and the rest of r is filled. */
int backend_resolve(struct txn *t, bool relay, struct rcpt *r,
    struct err *err);
/* May the login send as addr ("": only its limits)? */
int backend_owns(const char *login, const char *addr,
    struct router_owns_out *out, struct err *err);
/* hand over the envelope: t->begun, t->q and *fd_r, to which content is
 * appended and which is the caller's to close */
int backend_begin(const struct session *s, struct txn *t, int *fd_r,
    struct err *err);
/* All size bytes are written: 0, and what is to be seen of it is *fd_r, the
 * caller's: *trace_r octets of ours and then *size_r. */
int backend_complete(struct txn *t, uint64_t size, int *fd_r,
    uint64_t *trace_r, uint64_t *size_r, struct err *err);
/* all size bytes are written: change it as t->edits say and queue it.  0: it is
 * on disk, or t->discarded. */
int backend_commit(struct txn *t, uint64_t size, struct err *err);
/* A short content that is there: all of it at once.  1: it is on disk, t->q;
 * 0: it is not, and is to be begun; -1 err */
int backend_put(const struct session *s, struct txn *t,
    const struct str *content, struct err *err);
void backend_abort(struct txn *t);	/* forget what began */
int backend_auth(const struct auth_sasl_in *in, struct auth_out *out,
    struct err *err);
void backend_auth_end(void);
/* the name of a client: asked, and later heard (serve/dns.h) */
void backend_client_ask(const struct peer *peer);
void backend_client_name(struct str *out, bool wait);
void backend_client_drop(void);
bool backend_connected(void);		/* to cleanup */
void backend_release(void);		/* that connection; nothing is begun */

/* ---- for backend.c and backend_queue.c ---- */
void backend_queue_init(void);
/* A daemon that does not answer is worth a line; what it answers is not: -1 */
int backend_failed(const struct ipc *c, const struct err *err);

#endif
