/*
 * filter.h - what filters say of a client and its message (filter(8)), by the
 * option `filters' and by rules.  Each stage is asked behind our own checks of
 * it; a refusal is logged as `filter' by these functions.
 */
#ifndef SMTPD_FILTER_H
#define SMTPD_FILTER_H

#include "proto/filter.h"
#include "smtpd.h"

/* Each: 1 go on, or -1: err and the reply's code; s->closes where the session
 * is to end.  Filters that can not be asked are a 451 from MAIL on. */
int filters_connect(struct session *s, struct err *err, int *code);
int filters_helo(struct session *s, struct err *err, int *code);
int filters_mail(struct session *s, const struct txn *t, struct err *err,
    int *code);
/* why: we have refused it, and they are only told; NULL: we have not */
int filters_rcpt(struct session *s, const struct txn *t,
    const struct rcpt *rcpt, const struct err *why, struct err *err,
    int *code);
int filters_data(struct session *s, struct err *err, int *code);

/* of a command that we do not know; 1: as if there were no filters */
int filters_unknown(struct session *s, const char *line, struct err *err,
    int *code);

/* what a proxy said that has taken the message; in the transaction's arena */
struct filter_taken {
	int code;
	const char *dsn, *text, *by;
};
bool filters_any(const struct session *s);	/* may one want the content? */
/* The content is written: what is to be changed goes to s->txn->edits.  As the
 * others, or 0: a proxy has taken it, and nothing is to be queued */
int filters_content(struct session *s, uint64_t size,
    struct filter_taken *taken, struct err *err, int *code);

/* filter_names.c: has filter.conf all that smtpd.conf and these rules name?
 * 0, or -1: err has FILE:LINE */
int filter_names_check(struct policy *const rules[POLICY_STAGES],
    struct err *err);

void filters_abort(struct session *s);	/* the transaction is over */
void filters_end(struct session *s);	/* so is the session */

#endif
