/*
 * sasl.h - the server's side of SASL (RFC 4422), without any I/O.
 *
 * A mechanism takes the client's decoded responses and yields challenges
 * until it has the names and the password, which the caller (auth, alone)
 * then checks.  Base64, the `*` that cancels and line limits belong to the
 * protocol.  `struct sasl` holds a password: call sasl_wipe on every way out.
 * One exchange, one struct; a failed one is never used again.
 */
#ifndef SASL_SASL_H
#define SASL_SASL_H

#include "base/err.h"
#include "base/str.h"

#define SASL_NAME_MAX 255	/* bytes of authcid and of authzid */
#define SASL_PASSWORD_MAX 511	/* what crypt(3) takes */
#define SASL_RESPONSE_MAX 1200	/* of a decoded response; 1600 in base64 */

enum sasl_result { SASL_MORE, SASL_DONE, SASL_FAIL };

struct sasl_mech;
struct sasl {
	const struct sasl_mech *mech;
	int state;
	const char *why;	/* after SASL_FAIL: a text for the log */
	/* after SASL_DONE: valid UTF-8, not empty, names without controls */
	char authcid[SASL_NAME_MAX + 1];
	char authzid[SASL_NAME_MAX + 1];	/* "" or equal to authcid */
	char password[SASL_PASSWORD_MAX + 1];
};

/* by name, ASCII case folded; NULL: unknown */
const struct sasl_mech *sasl_mech_find(struct slice name);
const char *sasl_mech_name(const struct sasl_mech *mech);
/* all names, parted by blanks, appended: what EHLO, CAPA and so on offer */
void sasl_mech_list(struct str *out);

/*
 * Begin; initial is the initial response, NULL where the client gave none
 * (an empty one is not none).  SASL_MORE: send what was appended to challenge
 * (for PLAIN nothing: an empty challenge) and give the answer to sasl_step.
 * SASL_DONE: check the password.  SASL_FAIL: s->why.
 */
enum sasl_result sasl_start(struct sasl *s, const struct sasl_mech *mech,
    const struct slice *initial, struct str *challenge);
enum sasl_result sasl_step(struct sasl *s, struct slice response,
    struct str *challenge);
void sasl_wipe(struct sasl *s);		/* zeroes all, the password first */

/* --- for those who write a mechanism: mech_NAME.c, one line in sasl.c --- */
struct sasl_mech {
	const char *name;
	/* s->state is 0 at the start, else what the mechanism made of it;
	 * response.p == NULL: the client gave no initial response */
	enum sasl_result (*step)(struct sasl *s, struct slice response,
	    struct str *challenge);
};
extern const struct sasl_mech sasl_mech_plain, sasl_mech_login;
enum sasl_result sasl_fail(struct sasl *s, const char *why);
/* copy what the client said into s, checked: 0, or -1 with s->why */
int sasl_take_name(struct sasl *s, char dst[SASL_NAME_MAX + 1],
    struct slice name);
int sasl_take_password(struct sasl *s, struct slice password);

#endif
