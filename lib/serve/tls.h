/*
 * tls.h - one call for STARTTLS, implicit TLS and outbound TLS.  The session
 * goes on over the same struct io, whose descriptor is then one of plain
 * text; tlsd (proto/tls.h) has the other.
 */
#ifndef SERVE_TLS_H
#define SERVE_TLS_H

#include "base/arena.h"
#include "base/io.h"
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
/* "TLSv1.3 with cipher X (256/256 bits)" for Received; appended */
void tls_facts_text(const struct tls_facts *facts, struct str *out);
/* KS("tls", ...) and the like are the caller's */

/* Is tlsd there, and has it a certificate?  Asked once a process and now and
 * then: STARTTLS is offered only where it will work. */
bool tls_possible(void);

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
/* the same for us as the client; in->session etc. are filled by the caller */
int tls_connect(struct io *io, const struct tls_client_in *in,
    struct tls_facts *facts, struct err *err);

#endif
