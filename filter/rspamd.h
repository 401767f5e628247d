/*
 * rspamd.h - inside filter: what rspamd answers to /checkv2.
 */
#ifndef FILTER_RSPAMD_H
#define FILTER_RSPAMD_H

#include "filter.h"

#define RSPAMD_ACTIONS "no action|greylist|add header|rewrite subject|" \
	"soft reject|reject|quarantine|discard"
enum rspamd_action { RSPAMD_NOTHING, RSPAMD_GREYLIST, RSPAMD_HEADER,
	RSPAMD_SUBJECT, RSPAMD_DEFER, RSPAMD_REJECT, RSPAMD_QUARANTINE,
	RSPAMD_DISCARD };

struct rspamd_result {
	int action;
	double score, required;
	const char *name;	/* of the action, as it came */
	const char *text, *subject;	/* "" none */
	struct edit *v;		/* malloced: what it wants changed; a delete
				 * with n 0 is all of that name, below 0
				 * counts from the last */
	size_t n, cap;
};

/* The body of an answer; strings go to the arena.  0, or -1: err_temp */
int rspamd_read(struct slice json, struct arena *a, struct rspamd_result *r,
    struct err *err);
/* Status line, header and body of at most max octets.  0 and the body, or -1:
 * also where the status is not 200 */
int rspamd_http(struct io *io, size_t max, struct str *body,
    struct err *err);

#endif
