/*
 * agent.h - qmgr to the delivery agents (local, smtp, later pipe) and to
 * bounce.  On one connection qmgr may have several requests under way; the
 * agent answers them in order, each by `result` (more) records for the
 * recipients that were not delivered, then ok.  One may come as soon as it is
 * known, of who is delivered, too: it counts even if the agent dies.
 *
 * "delivered" means durable: the agent has synced what it wrote, unless that
 * is on the file system synced_dev.
 */
#ifndef PROTO_AGENT_H
#define PROTO_AGENT_H

#include "ipc/ipc.h"

/* parallel lists of one length, at most AGENT_RCPTS */
enum { AGENT_RCPTS = 250 };
struct agent_deliver_in {
	const char *q, *sender, *ret, *envid, *nexthop, *session;
	uint64_t size, wsize;
	int64_t created;	/* unix microseconds */
	bool again;		/* may have been delivered already, in part: */
				/* look before delivering */
	bool doubt;		/* what was delivered may not be on the disk
				 * though it reads well: make it anew */
	/* st_dev of a file system that qmgr syncs before it believes
	 * "delivered"; 0 none */
	uint64_t synced_dev;
	bool utf8;
	bool body8;		/* as in qmgr.h */
	bool requiretls;	/* RFC 8689 */
	bool tls_optional;	/* its field TLS-Required: No */
	const char *verp;	/* "" or two delimiters, "+=": each recipient
				 * gets a sender of his own */
	int64_t priority;	/* RFC 6710 */
	struct strlist n;	/* number of the recipient in the message: */
				/* stable over all attempts */
	struct strlist addr, orig, mailbox, quota, orcpt, notify;
};
/* behind this a text of result is for the log and the queue alone: reports to
 * the sender end in front of it */
#define AGENT_PRIVATE "; here: "
/* moved, from `system` alone: what is left to do may take long, and is for the
 * service COMMAND_SERVICE, where each account is a destination of its own */
#define AGENT_STATUS "delivered|deferred|failed|moved"
enum agent_status { AGENT_DELIVERED, AGENT_DEFERRED, AGENT_FAILED,
	AGENT_MOVED };
#define COMMAND_SERVICE "command"
struct agent_result {
	bool alive;		/* no result: only that there is progress; the
				 * time for the request begins anew */
	int64_t i;		/* index in the lists of the request */
	int status;		/* enum agent_status */
	const char *dsn, *text, *peer;
	bool dest_trouble;	/* not this message: the whole destination */
	bool partly;		/* moved: all is done but what may take long;
				 * else nothing is */
	int report;		/* enum agent_report, of who is delivered and
				 * wants to hear of it */
};
/* success: we say so; or that it was relayed to a server that will not; or the
 * next server was told to */
#define AGENT_REPORTS "delivered|relayed|theirs"
enum agent_report { REPORT_DELIVERED, REPORT_RELAYED, REPORT_THEIRS };
/* How the whole request went.  An agent that says `keep` has a connection to
 * the next hop open and is the best one for its next message. */
struct agent_deliver_out {
	bool keep;
	const char *site;	/* who stands behind the next hop: a name that
				 * domains served by the same hosts share; ""
				 * not known */
};
/* the fd is the content, read only */
extern const struct verb_def agent_deliver;

/* smtp only: a session without a message, line by line: ">>> EHLO x",
 * "<<< 250 y", "--- what is known besides".  Recipients: MAIL, RCPT and RSET
 * are said, too. */
struct agent_probe_in {
	const char *nexthop, *sender;
	struct strlist rcpt;
	bool auth;		/* log in where there is an account */
};
struct agent_probe_more { const char *line; };
/* error: why no server lets us in */
extern const struct verb_def agent_probe;
extern const struct verb_def *const smtp_verbs[];
extern const struct verb_def *const agent_verbs[];

/* local only: how full is a mailbox? */
struct local_quota_in { const char *mailbox; uint64_t quota; };
struct local_quota_out { uint64_t used; bool full; };
extern const struct verb_def local_quota;

/* bounce: compose a report about recipients of one message to its sender.
 * The fd is the content.  ok: the report is queued. */
#define BOUNCE_KINDS "failure|delay|success"
enum bounce_kind { BOUNCE_FAILURE, BOUNCE_DELAY, BOUNCE_SUCCESS };
struct bounce_report_in {
	int kind;
	/* sender "": to the postmaster, about a report that failed */
	const char *q, *sender, *ret, *envid;
	int64_t created;	/* unix microseconds */
	int64_t expires;	/* unix seconds: delay reports */
	bool utf8;
	bool requiretls;	/* RFC 8689: the report, too */
	/* parallel lists of one length */
	struct strlist addr, orig, orcpt, dsn, text, peer;
};
struct bounce_report_out { const char *q; };	/* of the report */
extern const struct verb_def bounce_report;
extern const struct verb_def *const bounce_verbs[];
extern const struct verb_def *const local_verbs[];

#endif
