/*
 * codec.h - for lib/ipc and lib/serve: the bytes of a message.
 */
#ifndef IPC_CODEC_H
#define IPC_CODEC_H

#include "ipc/ipc.h"

/* append verb and record; may come out longer than IPC_MAX.  True: the table
 * has secrets */
bool ipc_encode(struct str *out, const char *verb, const struct field *t,
    const void *rec);
/* the same alone in out, which does not move a secret while it grows: 0, or -1
 * longer than IPC_MAX; with *secret_r the caller wipes it when it is sent */
int ipc_pack(struct str *out, const char *verb, const struct field *t,
    const void *rec, bool *secret_r, struct err *err);
/* set m->verb of a received message: 0, or -1 malformed */
int ipc_check(struct ipc_msg *m, struct err *err);

/* one sendmsg; flags: MSG_DONTWAIT or 0.  0, or -1 and errno */
int ipc_send_bytes(int sock, const struct str *bytes, int fd, int flags);
/* ipc_connect with SOCK_NONBLOCK: a full backlog fails at once */
int ipc_connect_flags(const char *path, int timeout_ms, int flags,
    struct err *err);
/* append an `err` message */
void ipc_encode_err(struct str *out, const struct err *why);
/* the error that an `err` message carries; returns -1 */
int ipc_get_err(const struct ipc_msg *m, struct err *err);

#endif
