/*
 * tlsd.h - inside tlsd.  A struct session is one wrap: first a handshake on
 * behalf of a caller, then a pump between the encrypted and the plain side.
 * No private key is here: signatures come from keyd (provider.h).
 */
#ifndef TLSD_TLSD_H
#define TLSD_TLSD_H

#include <openssl/ssl.h>

#include "base/arena.h"
#include "proto/key.h"
#include "proto/tls.h"
#include "serve/fibre.h"
#include "serve/hub.h"

struct event;

enum profile { PROFILE_INTERMEDIATE, PROFILE_STRICT, PROFILE_OLD };
struct tlsd_conf {
	int profile, client_profile;
	const char *ciphers, *suites, *groups;
	const char *client_ca, *client_crl, *ca_file;
	bool strict_alpn;
	int64_t key_timeout, key_waiting;
};
extern struct tlsd_conf conf;
extern struct daemon tlsd;
extern struct tls_stat_out counters;

enum { CHUNK = 65536, KEYUPDATES = 32, END_POINT_MAX = EVP_MAX_MD_SIZE };

struct held {			/* what one side did not take yet */
	char *p;
	size_t at, n;
};
struct session {
	struct session *next, **prev;
	SSL *ssl;
	int net, plain;		/* plain: -1 until the handshake is done */
	bool server, done;	/* done: the handshake */
	bool net_eof, plain_eof;
	bool got_bye, said_bye;		/* close_notify */
	bool message;			/* one that is no data has come */
	bool readable;			/* net may have more: wire.c */
	bool corked;			/* what is written waits in wire */
	bool tickets_wait;		/* there, until timer */
	bool failed;
	const char *why;		/* ... where we know better */
	uint8_t service;		/* row of alpn.c */
	struct event *net_in, *net_out, *plain_in, *plain_out, *timer;
	struct held to_plain, to_net, wire;
	int updates;			/* KeyUpdates in the bucket */
	int64_t updates_at;		/* mono_ms */
	uint64_t in, out;
	char id[9];
	struct handshake *hs;		/* until it is done */
};

/* what is needed until the answer was given */
struct handshake {
	struct session *session;
	struct caller *caller;		/* NULL: it has gone */
	struct arena arena;
	struct tls_server_in server;	/* strings in the arena */
	struct tls_client_in client;
	bool no_cert;
	const char *alpn_refused;	/* what the client offered */
	struct fibre_work work;		/* a step of it */
	int rc, e, sys;			/* how it ended: SSL_get_error, errno */
	bool ours;			/* it failed by no fault of the peer */
	bool unwanted;			/* the peer is not what err says */
	struct err err;
	struct tls_facts_out facts;	/* when it is done */
};

/* --- ctx.c --- */
extern SSL_CTX *server_ctx, *client_ctx;
int ctx_make(struct err *err);	/* both, and the paths of the jail */
struct session *ssl_session(const SSL *ssl);
void ssl_set_session(SSL *ssl, struct session *s);
/* the system's or ca_file's certificates are in client_ctx; 0 or -1 */
int ctx_load_cas(struct err *err);

/* --- certs.c: what keyd has --- */
/* one `more` of a list, then its end */
void certs_add(const struct key_cert_more *m);
void certs_take(void);
void certs_drop(void);
size_t certs_count(void);
int certs_choose(SSL *ssl, void *arg);	/* SSL_CTX_set_cert_cb */
/* RFC 5929 section 4 of the one that a server shows: as facts_end_point */
size_t certs_end_point(const SSL *ssl, unsigned char md[END_POINT_MAX]);
int certs_staple(SSL *ssl, void *arg);	/* SSL_CTX_set_tlsext_status_cb */

/* --- keyd.c --- */
int keyd_start(struct err *err);

/* --- ask.c: from a fibre, which waits for the answer --- */
void ask_start(void);
/* The certificates are of another keyd: so questions are asked that one. */
void ask_move(void);
int keyd_sign(const char *id, int scheme, struct slice tbs,
    unsigned char *sig, size_t cap, size_t *n);
/* strings of out live until the next call; 0 or -1 */
int keyd_vouch(const struct key_vouch_in *in, const char **out);

/* --- tickets.c --- */
void tickets_set(const struct strlist *keys);
int tickets_use(SSL *ssl, unsigned char *name, unsigned char *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypt);
/* SSL_CTX_set_session_ticket_cb */
int tickets_note(SSL *ssl, void *arg);
SSL_TICKET_RETURN tickets_judge(SSL *ssl, SSL_SESSION *ss,
    const unsigned char *name, size_t n, SSL_TICKET_STATUS status, void *arg);
/* of the handshake that a resumed session began with; 0: unknown */
size_t tickets_end_point(SSL *ssl, unsigned char md[END_POINT_MAX]);

/* --- alpn.c --- */
/* row of a service: 0 is any other */
uint8_t alpn_service(const char *name);
int alpn_select(SSL *ssl, const unsigned char **out, unsigned char *n,
    const unsigned char *in, unsigned in_n, void *arg);
int alpn_offer(SSL *ssl, const char *name);

/* --- peer.c: what a server's certificate must fulfil --- */
int peer_demand(SSL *ssl, const struct tls_client_in *in, struct err *err);
/* after the handshake: 0, or -1: not what was demanded */
int peer_check(SSL *ssl, const struct tls_client_in *in, struct err *err);

/* --- facts.c --- */
/* RFC 5929 section 4: octets of it, 0 there is none */
size_t facts_end_point(const X509 *x, unsigned char md[END_POINT_MAX]);
/* strings go to the arena */
void facts_fill(const struct session *s, struct arena *a,
    struct tls_facts_out *out);

/* --- reason.c --- */
/* why the last operation of an SSL failed, in plain words; true: by trouble of
 * our own */
bool reason_text(const struct session *s, int e, char *to, size_t cap);
/* why a certificate is not good: an X509_V_ERR_... */
void reason_verify(long rc, char *to, size_t cap);

/* --- session.c --- */
struct session *session_new(int net, bool server);
void session_start(struct session *s);
void session_free(struct session *s);
void session_log(struct session *s, const char *what, const char *reason);
size_t sessions_open(void);
bool sessions_closed(void);	/* are no more wanted? */
void session_drain(void);
void session_over(void);	/* the end, if it is to be and nobody is left */
void session_limit(void);	/* are there too many? */

/* --- wire.c: libssl's way to the net --- */
void wire_init(void);
int wire_open(struct session *s);	/* 0 or -1 */
void wire_forget(struct session *s);
/* what waits goes: 1 all, 0 some is left, -1 the net is gone */
int wire_flush(struct session *s);

/* --- give.c --- */
/* all of it goes, or the rest is in s->to_plain, s->to_net */
void give_plain(struct session *s, const char *p, size_t n);
void give_net(struct session *s, const char *p, size_t n);
void give_plain_rest(struct session *s);
void give_net_rest(struct session *s);
/* the end of the other side, where it has come, after all before it */
void give_plain_end(struct session *s);
void give_net_end(struct session *s);
void give_forget(struct session *s);	/* wiped */

/* --- pump.c --- */
void pump_start(struct session *s);
void pump_net_in(struct session *s);
void pump_net_out(struct session *s);
void pump_timer(struct session *s);
/* what it holds of a session, and the buffer of all: wiped */
void pump_forget(struct session *s);
void pump_message(int write, int version, int type, const void *buf,
    size_t n, SSL *ssl, void *arg);

/* --- verbs.c --- */
extern const struct verb verbs[];
size_t callers_open(void);
void callers_end(void);		/* of those that are between two handshakes */
void *caller_open(const struct ipc_cred *peer);
void caller_close(void *conn);
/* the answer to who asked for this handshake */
void caller_ok(struct handshake *h, const struct tls_facts_out *facts,
    int fd);
void caller_err(struct handshake *h, const struct err *err);

#endif
