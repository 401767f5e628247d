/*
 * secrets.h - what signs the senders that router makes (srs.h, batv.h): lines
 * of conf/srs.secret, which is looked at once a second.  The first signs, all
 * verify.
 */
#ifndef ROUTER_SECRETS_H
#define ROUTER_SECRETS_H

#include "base/err.h"
#include "base/str.h"

void secrets_init(const char *path);
/* 1 there are secrets, 0 there is no file, or nothing in it; -1 */
int secrets_refresh(struct err *err);
/* as of the last refresh */
size_t secrets_count(void);
struct slice secrets_get(size_t i);

#endif
