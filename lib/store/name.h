/*
 * name.h - names of messages: what a file in new/ or cur/ says about itself.
 *
 *   1732300000.Qf3Kp0aZ91xyR1.mx.example.com,S=2310,W=2371:2,FS
 *   unique part                             sizes          flags
 *
 * Pure: no file is touched.
 */
#ifndef STORE_NAME_H
#define STORE_NAME_H

#include "base/str.h"

struct mail_name {
	struct slice unique;	/* up to the first , or : */
	struct slice base;	/* all before the : */
	struct slice flags;	/* behind ":2,", or empty */
	int64_t time;		/* the number at its start, or 0 */
	bool has_size, has_wsize;
	uint64_t size, wsize;	/* S=, W= */
	uint64_t uid;		/* U=, 0 none */
};
void mail_name_parse(struct slice name, struct mail_name *n);

/* The unique part of a delivery: the same message and recipient give the
 * same name at every attempt.  Appended. */
void mail_name_unique(struct str *out, int64_t created_us, const char *q,
    const char *n, const char *hostname);
/* The unique part of a message that is made here (APPEND): seq tells apart
 * those of one process in one microsecond. */
void mail_name_fresh(struct str *out, int64_t now_us, long pid, unsigned seq,
    const char *hostname);
/* unique,S=size,W=wsize */
void mail_name_new(struct str *out, const char *unique, uint64_t size,
    uint64_t wsize);
/* base:2,flags with one more flag (0: none) in ASCII order */
void mail_name_flag(struct str *out, const struct mail_name *n, char flag);

/* A UIDL of RFC 1939 section 7 (1 to 70 of 0x21..0x7e): the unique part
 * where it is one, else a hash of it.  salt (0: none) tells apart files of
 * one unique part. */
void mail_name_uidl(struct str *out, struct slice unique, uint64_t salt);
/* 32 hex digits that are the same for ever */
void mail_name_hash(struct str *out, struct slice unique);

#endif
