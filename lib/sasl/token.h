/*
 * token.h - inside lib/sasl: what OAUTHBEARER and XOAUTH2 have in common.
 */
#ifndef SASL_TOKEN_H
#define SASL_TOKEN_H

#include "sasl/sasl.h"

/* states of both */
enum { TOKEN_START, TOKEN_REFUSED };
/* "Bearer TOKEN", the scheme in any case: 1, or 0 */
int token_of(struct slice value, struct slice *token);
/* Check it for the host: done, or the error is sent as a challenge, and what
 * the client answers to that ends it. */
enum sasl_result token_check(struct sasl *s, struct slice token,
    const char *error, struct str *challenge);

#endif
