/*
 * verp.h - variable envelope return paths: for the delimiters "+=" mail of
 * list@ours.example to ann@their.example has the sender
 * list+ann=their.example@ours.example.
 */
#ifndef SMTP_VERP_H
#define SMTP_VERP_H

#include "smtp/address.h"

#define SMTP_VERP_DEFAULT "+="

/* two characters, each one of - + = */
bool smtp_verp_valid(struct slice delims);
/* The sender for one recipient, appended; both are canonical addresses.  As it
 * is where it is null or has no domain, the recipient has none, or it would
 * become too long. */
void smtp_verp(const char *sender, const char *rcpt, const char *delims,
    struct str *out);

#endif
