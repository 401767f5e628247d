/*
 * mechs.h - which SASL mechanisms to offer: auth knows, and is asked by who
 * really tells a client of them.
 */
#ifndef SERVE_MECHS_H
#define SERVE_MECHS_H

#include "serve/serve.h"

/*
 * The names, parted by blanks; "" none.  plaintext: passwords may go in the
 * clear here.  What auth says is kept for some seconds, by all that it depends
 * on but the client's address; where auth can not be asked the last answer
 * counts, or PLAIN and LOGIN where passwords may go.  Borrowed until the next
 * call.
 */
const char *mechs_offered(const struct peer *peer, const char *service,
    bool plaintext);
/* Is it one of them?  *name_r its spelling, which the caller frees never but
 * uses before the next call. */
bool mechs_has(const char *mechs, struct slice name, const char **name_r);

#endif
