/*
 * smtpd_fake.h - smtpd's session without router, cleanup and auth: what a
 * client sends goes in, what it is answered comes out.  For the test of the
 * session and its fuzzer.
 *
 * The fake router knows every address at example.org but those of its own
 * local parts: unknown (5.1.1), full (4.2.2), broken (4.3.0); elsewhere it
 * lets only relay.  Who has authenticated may send as anybody but foreign@.
 * Content is kept for the caller to look at.
 */
#ifndef UNIT_SMTPD_FAKE_H
#define UNIT_SMTPD_FAKE_H

#include "../../smtpd/backend.h"

struct fake {
	struct str content;	/* of the last message that was committed */
	struct str rcpts;	/* its recipients: "a@d b@d/NEVER/orcpt " */
	struct str sender, proto;
	int begun, committed, aborted;
	/* what fails */
	bool no_space, no_begin, full_disk, no_commit, bad_content;
};
extern struct fake fake;

/* defaults of all options, and the personality */
void fake_conf(enum personality p);
void fake_reset(void);
/* One session: input is all that the client sends before it closes its side;
 * everything that it is answered is appended to out. */
void fake_session(struct slice input, const char *addr, struct str *out);

#endif
