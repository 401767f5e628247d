/*
 * web.h - a connection to a web server whose certificate was verified.
 */
#ifndef STSD_WEB_H
#define STSD_WEB_H

#include "base/io.h"
#include "serve/tls.h"

struct fetch_conf {
	int64_t https_port;
	int64_t connect_timeout, dns_timeout, cleanup_timeout;	/* ms */
	struct strlist private_networks;
};
extern struct fetch_conf conf;

/* is it a public address, or in one of these networks? */
bool web_may_reach(const char *addr, const struct strlist *private);

struct web {
	struct io io;
	struct tls_facts facts;
	bool open;
};
/* 0; -1: err, 4.7.5 where the certificate is not the host's or not trusted;
 * close it in any case.  deadline: mono_ms for all that follows */
int web_open(struct web *w, const char *host, int64_t deadline,
    struct arena *a, struct err *err);
void web_close(struct web *w);

#endif
