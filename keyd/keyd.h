/*
 * keyd.h - inside keyd.  A certificate that was loaded stays until another
 * good one of the same file takes its place.
 */
#ifndef KEYD_KEYD_H
#define KEYD_KEYD_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "proto/key.h"
#include "serve/hub.h"
#include "tbs.h"

struct keyd_conf {
	struct strlist certificates, keys;	/* absolute since check */
	int64_t check_interval, ticket_lifetime, voucher_lifetime;
	bool weak_hashes;
};
extern struct keyd_conf conf;
extern struct daemon keyd;

enum { CHAIN_MAX = 10, FILE_MAX = 1 << 20 };

enum { SIGNERS = 8 };		/* an RSA key has so many schemes */
/* what a signature begins with; it goes with its key */
struct signer {
	const struct scheme *scheme;
	EVP_MD_CTX *ready;
};

/* --- file.c: one certificate, its chain and its key, from files --- */
struct loaded {
	X509 *chain[CHAIN_MAX];		/* the host's own first */
	size_t n;
	EVP_PKEY *key;
	enum key_type type;
	char id[65];			/* hex SHA-256 of its SPKI */
	char *key_file;			/* where the key was */
	struct signer signers[SIGNERS];	/* those that were asked for */
};
/* 0, or -1: err; nothing is to be freed then */
int file_load(const char *path, struct loaded *r, struct err *err);
void file_free(struct loaded *l);
/* Where the key of a certificate may lie: path i of those, or NULL at the
 * end; the arena of the caller. */
const char *file_key_place(const char *cert, size_t i, struct arena *a);
/* read_file, or NULL: err */
char *file_read(const char *path, size_t *n_r, struct err *err);

/* --- before.c: keys of a certificate that were replaced --- */
/* as long as a tlsd waits for an answer; a list has so many at most */
enum { BEFORE_MS = 10000, BEFORE_MAX = 8 };
struct before;
void before_add(struct before **list, const struct loaded *l);	/* keeps it */
bool before_full(const struct before *list);
/* that signs yet, or NULL */
struct loaded *before_find(struct before *list, const char *id);
/* Those whose time is over, or all, are wiped.  ms until the next one's is, -1
 * there is none. */
int64_t before_expire(struct before **list, bool all);

/* --- staple.c --- */
/* The OCSP response of path as base64, appended, and when it ends (unix
 * seconds).  1, 0 there is no such file, -1: err */
int staple_load(const char *path, const struct loaded *cert, struct str *out,
    int64_t *ends_r, struct err *err);

/* --- certs.c --- */
void certs_jail(void);			/* names the directories */
void certs_load(void);			/* all, for the first time */
int certs_start(struct err *err);	/* watches the files */
struct loaded *certs_find(const char *id);	/* or NULL */
void certs_wipe(void);
/* The generation ends: who waits for news shall ask our successor, whose keys
 * may be others. */
void certs_leave(void);
int certs_list(struct call *c, const void *in, void *out, struct err *err);

/* --- sign.c --- */
int sign_do(struct call *c, const void *in, void *out, struct err *err);

/* --- tickets.c --- */
int tickets_start(struct err *err);
void tickets_wipe(void);
int tickets_list(struct call *c, const void *in, void *out, struct err *err);

#endif
