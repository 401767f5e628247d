/*
 * verbs.h - what filter serves, for its main.
 */
#ifndef FILTER_VERBS_H
#define FILTER_VERBS_H

#include "serve/serve.h"

extern const struct verb filter_serves[];
void *conn_open(const struct ipc_cred *peer);
void conn_close(void *conn);
bool conn_busy(void *conn);

#endif
