/*
 * cert.h - certificates as postrider sees them: the files that keyd.conf
 * names, read anew by each command.  The suite itself asks keyd.
 */
#ifndef CTL_CERT_H
#define CTL_CERT_H

#include "ctl.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

enum { CERT_CHAIN_MAX = 10, CERT_DAYS = 3650, CERT_DOMAINS = 50 };

/* one certificate of keyd.conf; strings in ctl_arena, no file stays open */
struct cert {
	const char *name;	/* as in keyd.conf */
	const char *path;
	X509 *chain[CERT_CHAIN_MAX];	/* the host's own first */
	size_t n;		/* 0: why says why */
	EVP_PKEY *key;		/* NULL: key_why says why */
	const char *key_path;	/* where it was; NULL nowhere */
	struct err why, key_why;
	/* facts of chain[0] */
	struct strlist names;	/* DNS and IP names, or the common name */
	const char *subject, *issuer, *key_type, *fingerprint;
	int64_t from, until;	/* unix seconds */
	bool self_signed;
};
struct certs {
	struct cert *v;
	size_t n;
	struct strlist services;	/* sections that may use TLS */
};

/* --- cert_file.c --- */
/* what keyd.conf and master.conf say, and the files: 0, or -1: err */
int certs_read(struct certs *c, struct err *err);
void certs_free(struct certs *c);
/* the certificates with that file name, base name or host name, from *at on;
 * NULL: no more */
const struct cert *certs_next(const struct certs *c, const char *name,
    size_t *at);
bool cert_covers(const struct cert *c, const char *host);

/* --- cert_make.c --- */
struct cert_order {
	const char *cert_path, *key_path;
	EVP_PKEY *key;		/* NULL: a new one is made and written */
	struct strlist names;	/* the first is the subject */
	int64_t days;
};
int cert_make(const struct cert_order *o, struct err *err);

/* --- cert_check.c --- */
/* Prints what is wrong with it, and what is only worth knowing; how much was
 * wrong. */
int cert_check(const struct cert *c);
/* is there a certificate for that host?  1, or 0 after saying that not */
int cert_check_host(const struct certs *c, const char *host, bool must);

#endif
