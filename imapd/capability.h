/*
 * capability.h - what is announced, and when.  TO ADD ONE: a row in
 * capability.c, once it works.
 */
#ifndef IMAPD_CAPABILITY_H
#define IMAPD_CAPABILITY_H

#include "base/str.h"

struct capability_facts {
	bool login;		/* before the login */
	bool may_login;		/* LOGIN is */
	bool starttls;
	const char *mechs;	/* of SASL, parted by blanks */
	bool back;		/* UNAUTHENTICATE is possible */
	bool compressed;	/* COMPRESS is at work */
	int64_t append_limit;	/* bytes */
};
/* "IMAP4rev1 IMAP4rev2 ..." */
void capability_list(struct str *out, const struct capability_facts *f);

#endif
