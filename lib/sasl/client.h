/*
 * client.h - the client's side of SASL (RFC 4422), without any I/O: for auth,
 * which logs in at other servers.
 *
 * sasl_client_pick says which mechanism, sasl_client_start makes the initial
 * response, sasl_client_step the answer to each challenge.  A server's "yes"
 * counts only where c->final is set: with SCRAM not before the server has
 * proved that it knows the password, too.  `struct sasl_client' holds secrets:
 * call sasl_client_wipe on every way out.
 */
#ifndef SASL_CLIENT_H
#define SASL_CLIENT_H

#include "base/arena.h"
#include "sasl/sasl.h"

enum { SASL_CHALLENGE_MAX = 3000 };	/* octets of a decoded challenge */

struct sasl_client;
struct sasl_client_mech {
	const char *name;
	/* 0, or -1: c->why.  challenge.p == NULL: the begin; the response is
	 * appended, c->silent: there is no initial one */
	int (*step)(struct sasl_client *c, struct slice challenge,
	    struct str *response);
	unsigned flags;		/* MECH_... of sasl.h */
	enum scram_hash hash;
	bool asked;		/* used only where it is asked for by name */
};

struct sasl_client {
	const struct sasl_client_mech *mech;
	char user[SASL_NAME_MAX + 1];
	char secret[SASL_TOKEN_MAX + 1];	/* password or token */
	char host[SASL_NAME_MAX + 1];		/* OAUTHBEARER tells it */
	struct sasl_channel channel;	/* plus: the server offers -PLUS */
	char nonce[64];			/* of SCRAM; "": made up */
	int state;
	bool silent;
	bool final;		/* the server may say yes now */
	bool forged;		/* after a failure: its proof is false */
	char why[200];		/* after a failure; and what a server told that
				 * does not take a token */
	/* SCRAM */
	char header[40];
	const unsigned char *binding;
	size_t binding_len;
	struct str message;	/* AuthMessage as it grows */
	unsigned char signature[SCRAM_KEY_MAX];
};

/* what is there to choose from */
struct sasl_client_wish {
	const char *offered;	/* by the server: names parted by blanks */
	const struct strlist *allowed;	/* empty: all that are safe */
	bool token;		/* there is a token, not a password */
	bool clear;		/* it may be sent as it is */
	bool binding;		/* the channel can be bound */
};
/* the strongest, or NULL and a text why there is none */
const struct sasl_client_mech *sasl_client_pick(
    const struct sasl_client_wish *w, const char **why_r);
/* by name, case folded; NULL: unknown */
const struct sasl_client_mech *sasl_client_find(struct slice name);
/* the i-th, strongest first; NULL ends */
const struct sasl_client_mech *sasl_client_at(size_t i);

/* Begin, with mech, user, secret, host and channel set in c, which was zeroed.
 * 0 and the initial response appended (c->silent: there is none), or -1 */
int sasl_client_start(struct sasl_client *c, struct str *response);
/* the same for a decoded challenge */
int sasl_client_step(struct sasl_client *c, struct slice challenge,
    struct str *response);
void sasl_client_wipe(struct sasl_client *c);	/* zeroes all */

/* --- for those who write a mechanism: client_NAME.c --- */
int sasl_client_fail(struct sasl_client *c, const char *fmt, ...) PRINTF(2, 3);
/* a saslname of RFC 5801, appended */
void sasl_client_name(const char *name, struct str *out);
int client_plain(struct sasl_client *c, struct slice challenge,
    struct str *response);
int client_login(struct sasl_client *c, struct slice challenge,
    struct str *response);
int client_cram_md5(struct sasl_client *c, struct slice challenge,
    struct str *response);
int client_scram(struct sasl_client *c, struct slice challenge,
    struct str *response);
int client_xoauth2(struct sasl_client *c, struct slice challenge,
    struct str *response);
int client_oauthbearer(struct sasl_client *c, struct slice challenge,
    struct str *response);

#endif
