/*
 * codec.h - inside lib/ipc: the bytes of a message.
 */
#ifndef IPC_CODEC_H
#define IPC_CODEC_H

#include "ipc/ipc.h"

/* append verb and record; may come out longer than IPC_MAX */
void ipc_encode(struct str *out, const char *verb, const struct field *t,
    const void *rec);
/* set m->verb of a received message: 0, or -1 malformed */
int ipc_check(struct ipc_msg *m, struct err *err);

/* the error that an `err` message carries; returns -1 */
int ipc_get_err(const struct ipc_msg *m, struct err *err);

#endif
