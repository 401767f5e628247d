/*
 * pam.h - auth-pam: accounts of the host, whose passwords PAM knows.  Only auth
 * asks.
 */
#ifndef PROTO_PAM_H
#define PROTO_PAM_H

#include "ipc/ipc.h"

struct pam_find_in { const char *user; };
struct pam_find_out {
	bool found;
	int64_t uid, gid;
	const char *home;
};
/* the account, where its uid is not below first_uid */
extern const struct verb_def pam_find_verb;

struct pam_check_in {
	const char *user, *pass;	/* pass is never logged */
	const char *service, *client;	/* of the login: for PAM's own log */
};
struct pam_check_out { bool right; };
/* errors: 4.3.0 PAM does not answer */
extern const struct verb_def pam_check_verb;

extern const struct verb_def *const pam_verbs[];	/* NULL ends */

#endif
