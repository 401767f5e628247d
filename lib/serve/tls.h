/*
 * tls.h - one call for STARTTLS, implicit TLS and outbound TLS.  The session
 * goes on over the same struct io, whose descriptor is then one of plain
 * text; tlsd (proto/tls.h) has the other.
 */
#ifndef SERVE_TLS_H
#define SERVE_TLS_H

#include "base/arena.h"
#include "base/io.h"
#include "proto/auth.h"
#include "proto/tls.h"
#include "serve/serve.h"

/* What is known of a TLS session: strings in its own arena, "" where there is
 * nothing; all zero is "no TLS". */
struct tls_facts {
	bool on;
	struct tls_facts_out f;
	struct arena arena;
};
void tls_facts_free(struct tls_facts *facts);
/* "TLSv1.3 with cipher X (256 bits)" for Received; appended */
void tls_facts_text(const struct tls_facts *facts, struct str *out);
/* KS("tls", ...) and the like of a log line */
#define TLS_KEYS(peer) KS("tls", tls_version(peer)), \
	KS("cipher", tls_cipher(peer)), KS("sni", tls_sni(peer)), \
	KS("subject", tls_subject(peer))
/* NULL where there is nothing to say */
const char *tls_version(const struct peer *peer);
const char *tls_cipher(const struct peer *peer);
const char *tls_sni(const struct peer *peer);
/* of the client's certificate, where it was verified */
const char *tls_subject(const struct peer *peer);

/* Is tlsd there, and has it a certificate?  Asked once a process and now and
 * then: STARTTLS is offered only where it will work. */
bool tls_possible(void);

/* Is there a connection to tlsd, kept for the next client?  It is given back
 * when none comes for a while, and in long sessions. */
bool tls_kept(void);
void tls_release(void);

/*
 * The client of this session becomes the other end of a TLS handshake.  What
 * was written is sent first; unread input is an injection and refused (5.5.1)
 * before anything is sent to tlsd.  On success io->fd is the plain side, its
 * old descriptor is closed, and peer->tls is set.  0, or -1: the session can
 * not go on, say nothing more to the client; io is failed.
 */
int tls_accept(struct io *io, struct peer *peer, const char *service,
    bool ask_certificate, int timeout_ms, struct tls_facts *facts,
    struct err *err);

/* --- for servers: options, one meaning everywhere --- */

#define TLS_MODES "off|may|required"
enum tls_mode { TLS_OFF, TLS_MAY, TLS_REQUIRED };
struct tls_conf {
	int mode;
	bool ask_certificate;
	int64_t timeout;	/* ms, for the handshake */
};
#define TLS_FIELDS(st, m) \
	{ "tls", FIELD_ENUM, 0, offsetof(st, m.mode), "may", 0, 0, TLS_MODES, \
	    "STARTTLS: not offered, offered, demanded before all else" }, \
	{ "tls_ask_certificate", FIELD_BOOL, 0, \
	    offsetof(st, m.ask_certificate), "no", 0, 0, 0, \
	    "ask clients for a certificate" }, \
	{ "tls_timeout", FIELD_TIME, 0, offsetof(st, m.timeout), "30s", \
	    "1s", "5m", 0, "time for the TLS handshake" }

/* is STARTTLS to be offered now? */
bool tls_offered(const struct tls_conf *c, const struct peer *peer);
/* must this client begin TLS before anything else?  Not on a UNIX socket. */
bool tls_needed(const struct tls_conf *c, const struct peer *peer);
/* Has the client sent more than STARTTLS, in one segment with it or before
 * our answer?  That could be anybody's: the session must end.  Logged. */
bool tls_injected(struct io *io, const struct peer *peer);
/* tls_accept by the options, into peer->facts; a failure is logged, by tlsd
 * where it is the client's.  0, or -1: the session is over. */
int tls_start(struct io *io, struct peer *peer, const struct tls_conf *c,
    const char *service);
/* the facts that auth is told; "" and false where there is no TLS */
struct auth_channel tls_channel(const struct peer *peer);

/* --- for clients --- */

/* the same for us as the client; in->session etc. are filled by the caller */
int tls_connect(struct io *io, const struct tls_client_in *in,
    struct tls_facts *facts, struct err *err);

#endif
