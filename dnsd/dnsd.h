/*
 * dnsd.h - the resolver of the suite.
 *
 * name.c      names as they are asked: small letters, A-labels
 * wire.c      what libunbound answers, as records of text
 * options.c   dnsd.conf as options of libunbound
 * resolver.c  libunbound: one question, forgetting all
 * question.c  questions that are known or under way, and who waits for them
 * request.c   requests: some questions, one record each, a deadline
 * client.c    the name of a client
 * verbs.c     the interface
 */
#ifndef DNSD_DNSD_H
#define DNSD_DNSD_H

#include "proto/dns.h"
#include "serve/serve.h"

struct dnsd_conf {
	struct strlist forward, stub, insecure, trust_anchors;
	const char *local_data;
	bool resolv_conf, dnssec, qname_minimisation;
	int ipv4, ipv6;			/* enum family_use */
	uint64_t cache_size;
	int64_t answers, questions, connection_questions, connections;
	int64_t sockets, timeout, max_timeout, retry_time;
	int64_t max_ttl, max_negative_ttl, failure_ttl;
};
enum family_use { FAMILY_AUTO, FAMILY_YES, FAMILY_NO };
extern struct dnsd_conf conf;
extern struct daemon dnsd;
extern const struct verb dnsd_serves[];
extern struct dns_stat_out counters;

/* --- name.c --- */
enum { NAME_TEXT = 254 };	/* bytes of a name with its NUL */
/* the name in small letters, A-labels, without a dot at the end ("." is the
 * root); false: it is no domain name */
bool name_make(const char *name, char out[NAME_TEXT]);
/* is the name the zone or below it? */
bool name_below(const char *name, const char *zone);

/* --- wire.c --- */
/* An answer; who keeps it counts in refs. */
struct answer {
	unsigned refs;
	enum dns_status status;
	bool secure, said;		/* said: in the log */
	int64_t ttl;			/* seconds, when it came */
	int64_t came;			/* mono_ms */
	const char *canon, *why;
	struct strlist rr;
	struct arena arena;
};
enum { ANSWER_TEXT = 49152 };	/* bytes of all records, for one message */
/* From a message that answers name and type: status, ttl, canon and rr.  0;
 * -1: it is malformed or too long, and a->why says so. */
int wire_answer(const unsigned char *p, size_t n, const char *name, int type,
    struct answer *a);
struct answer *answer_new(void);
/* without records */
struct answer *answer_fail(enum dns_status status, const char *why);
void answer_drop(struct answer *a);

/* --- resolver.c --- */
typedef void answer_fn(void *ctx, struct answer *a);	/* a is fn's */
/* read what the configuration names, while it can be read, and try whether
 * libunbound takes it; 0 or -1 */
int resolver_check(struct err *err);
int resolver_start(struct err *err);
/* Ask; fn comes once, perhaps before this returns. */
void resolver_ask(const char *name, int type, answer_fn *fn, void *ctx);
/* with an empty cache from now on; 0 or -1 */
int resolver_renew(struct err *err);

/* --- question.c --- */
struct question;
struct waiter {
	struct question *q;		/* NULL: waits for nothing */
	struct waiter *next, **prev;
	void (*fn)(struct waiter *w, struct answer *a);	/* a is q's */
};
/* Wait for the answer; fn comes once, perhaps before this returns. */
void question_ask(struct waiter *w, const char *name, int type);
void question_leave(struct waiter *w);
/* forget what is at a name or below it */
void question_flush(const char *name);

/* --- request.c --- */
struct caller {			/* a connection */
	struct request *first, **last;
	struct lookup *lookups;
	size_t asked;		/* not known yet, of all requests */
};
/* what is not finished; the process ends after the last of it */
void work_begin(void);
void work_end(void);
void *caller_open(const struct ipc_cred *peer);
void caller_close(void *caller);
int request_start(struct call *c, const struct dns_query_in *in,
    struct err *err);
void request_drain(void);

/* --- client.c --- */
int client_start(struct call *c, const struct dns_client_in *in,
    struct err *err);
void client_gone(struct caller *c);

#endif
