/*
 * flight.h - one transaction under way: transaction.c begins it, end.c sends
 * the content and hears what became of it.
 */
#ifndef SMTP_FLIGHT_H
#define SMTP_FLIGHT_H

#include "smtp.h"

struct flight {
	struct session *s;
	struct job *j;
	size_t *sel;		/* indexes of its recipients */
	size_t n;
	size_t accepted;
	bool mail_ok, mail_soft;	/* 4xx: another host's turn */
	bool go;		/* 354 */
	bool sent;		/* the end of the content, or all of BDAT */
	bool heard;		/* any reply */
};

/* one reply: 0, or -1 where the session is over, 421 included */
int flight_hear(struct flight *f, enum stage at, struct err *err);
/* the class of the reply that was heard */
bool flight_class(const struct flight *f, int class);
/* whoever of it has no result gets this one */
void flight_fail(struct flight *f, const struct err *err);
/* The content, where anybody was accepted, and the answer: 0, or -1: lost
 * before its end went. */
int flight_end(struct flight *f, struct err *err);

#endif
