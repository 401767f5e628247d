/*
 * voucher.h - a statement about a client's certificate that only its maker
 * can have written, and that is good for a while.
 */
#ifndef KEYD_VOUCHER_H
#define KEYD_VOUCHER_H

#include "proto/key.h"

enum { VOUCHER_SECRET = 32, VOUCHER_MAX = 16384 };

/* appended to out as base64; 0, or -1: too long */
int voucher_make(const unsigned char secret[VOUCHER_SECRET],
    const struct key_vouch_in *in, int64_t expires_ms, struct str *out,
    struct err *err);
/* strings go to the arena; 0, or -1: not ours, or too old at now_ms */
int voucher_read(const unsigned char secret[VOUCHER_SECRET], const char *text,
    int64_t now_ms, struct arena *a, struct key_vouch_in *out,
    struct err *err);

#endif
