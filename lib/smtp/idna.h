/*
 * idna.h - names of domains for DNS: A-labels (RFC 5891) in small letters.
 * Programs that use it link IDN2_LIBS.
 */
#ifndef SMTP_IDNA_H
#define SMTP_IDNA_H

#include "base/err.h"
#include "base/str.h"

/*
 * The name for DNS of a domain or host, without a dot at its end, appended.
 * ASCII is only folded: letters, digits, - and _ are taken as they are.  0, or
 * -1: err_perm 5.1.3, it can not be a name; out is untouched.
 */
int idna_ascii(struct slice name, struct str *out, struct err *err);

#endif
