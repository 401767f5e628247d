/*
 * gate.h - what gate found out of a client before a session began, and its
 * own verbs.
 *
 * A client goes to the program that serves it as one datagram to that
 * service's listener `gate:NAME', with the connection and a lease: a pipe's
 * end that tells gate, when it is closed, that the session is over
 * (serve/gate.h).
 */
#ifndef PROTO_GATE_H
#define PROTO_GATE_H

#include "ipc/ipc.h"

/* Why the client was let through. */
#define GATE_HOW "untested|exempt|allowed|known|tested"
enum gate_how {
	GATE_UNTESTED,		/* there is no test for it */
	GATE_EXEMPT,		/* its network is (`except'), or it is a proxy
				 * that speaks for itself */
	GATE_ALLOWED,		/* by the table `allow' */
	GATE_KNOWN,		/* it passed all tests not long ago */
	GATE_TESTED,		/* just now; failures may have been ignored */
};

/* For rules and logs; strings are never NULL.  struct peer has it. */
struct gate_facts {
	int how;		/* enum gate_how */
	int64_t score;		/* of DNSBL and DNSWL; of a known one, then */
	struct strlist lists;	/* that have it, by name; of a tested one */
	bool pregreet;		/* it spoke first, which was ignored */
	struct strlist passed;	/* tests: "pregreet", "dnsbl" */
	int64_t waited;		/* ms before the session */
	const char *proxy;	/* address of the proxy that it came by, "" */
};

struct gate_client_in {
	const char *session;	/* id, the same as in gate's log */
	/* of the header of the proxy; "": those of the connection are right */
	const char *addr, *local_addr;
	int64_t port, local_port;
	bool tls;		/* begins with TLS */
	bool greeted;		/* has been greeted, and spoke */
	struct gate_facts facts;
};
/* only as a datagram: no reply */
extern const struct verb_def gate_client;

struct gate_stat_out {
	int64_t held;		/* clients here now */
	int64_t waiting;	/* of them: for a free session */
	int64_t asking;		/* of them: for answers of lists */
	int64_t sessions;	/* handed over, not over yet */
	int64_t known;		/* clients in the cache */
	int64_t counted;	/* addresses and networks in the table */
	/* since the start */
	int64_t connections, passed, refused, hangups;
};
extern const struct verb_def gate_stat;

struct gate_look_in { const char *addr; };
struct gate_look_out {
	bool known;
	int64_t pregreet, dnsbl;	/* s that the test need not be done */
	int64_t score;
	int64_t connections, network_connections; /* at this time */
	int64_t rate, network_rate;	/* connections in the window */
	int64_t refused;		/* since it is known */
};
extern const struct verb_def gate_look;
/* what is known and counted of an address is forgotten; "." of all */
extern const struct verb_def gate_forget;	/* in: of look */
extern const struct verb_def *const gate_verbs[];	/* NULL ends */

#endif
