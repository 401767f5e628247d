/*
 * filter_part.h - inside smtpd's filter*.c: the connection to filter(8).
 */
#ifndef SMTPD_FILTER_PART_H
#define SMTPD_FILTER_PART_H

#include "filter.h"

struct filters {
	struct ipc ipc;
	struct arena a;		/* of the stage under way */
	struct str list;	/* the names that it was told, with blanks */
	bool session, helo, mail;
	int64_t wants;
};

/* One request.  0; 1: the process is another one, which knows nothing; -1 */
int filters_ask(struct filters *f, const struct verb_def *v, const void *in,
    struct filter_out *out, struct err *err);
/* the connection failed: logged, and all is to be told anew.  -1 */
int filters_lost(struct filters *f, struct err *err);
/* a call failed: that, or an answer which stays as it is.  -1 */
int filters_failed(struct filters *f, struct err *err);
/* All that went before is told, to those who are to hear it; t NULL: there is
 * no transaction.  1 and what the last one that was asked says, 0: there are no
 * filters, -1: err */
int filters_tell(struct session *s, const struct txn *t,
    struct filter_out *out, struct err *err);
/* as filters_ask; why: it was refused */
int filters_tell_rcpt(struct session *s, const struct rcpt *rcpt,
    const struct err *why, struct filter_out *out, struct err *err);
/* no filter is against it */
bool filters_going_on(const struct filter_out *out);

#endif
