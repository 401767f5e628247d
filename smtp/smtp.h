/*
 * smtp.h - inside smtp: one connection to one next hop, and the messages that
 * go over it.
 *
 * request.c      a request of qmgr: recipients, their senders, one host after
 *                the other until each recipient has a result
 * session.c      the connection: kept, reused, closed     hello.c  its begin
 * ehlo.c         what the server offers                   reply.c  its replies
 * transaction.c  MAIL, RCPT and what comes of them        mail.c   the lines
 * data.c         the content, as DATA or BDAT             end.c    its replies
 * convert.c      8-bit content for a server that wants 7 bits
 * need.c         what a message needs of a server
 * results.c      what becomes of a recipient
 * probe.c        a session for somebody who watches
 * login.c        AUTH; target.h and policy.h say where, and how much TLS
 *
 * A recipient has no result until something is known; what a host can not do
 * another may.  Once the final dot was sent the message may have been taken:
 * no other host is tried for who was in that transaction.
 */
#ifndef SMTP_SMTP_H
#define SMTP_SMTP_H

#include "base/io.h"
#include "base/log.h"
#include "policy.h"
#include "policy_conf.h"
#include "proto/agent.h"
#include "serve/request.h"
#include "serve/tls.h"
#include "smtp/reply.h"
#include "target.h"
#include "target_conf.h"

#define PROTOCOLS "smtp|lmtp"
enum protocol { PROTO_SMTP, PROTO_LMTP };
#define LONG_LINES "send|fold|encode"
enum long_lines { LONG_SEND, LONG_FOLD, LONG_ENCODE };

struct smtp_conf {
	int protocol;			/* enum protocol */
	const char *helo_name;		/* "": the host's */
	bool batv;			/* router may sign senders */
	struct strlist ignore;		/* EHLO keywords */
	struct strlist implicit_tls;	/* ports */
	struct target_conf target;
	struct policy_conf policy;
	int64_t recipients;		/* of a transaction */
	int64_t sessions;		/* tried for a message */
	int64_t reuse_messages, reuse_time, idle_time;
	int64_t connect_timeout, greeting_timeout, helo_timeout, tls_timeout,
	    auth_timeout, mail_timeout, rcpt_timeout, data_init_timeout,
	    data_block_timeout, data_done_timeout, rset_timeout, quit_timeout,
	    total_timeout;		/* ms */
	uint64_t min_data_rate;		/* octets a second */
	int long_lines;			/* enum long_lines */
	int64_t line_max;
	uint64_t convert_max;		/* octets of a message */
};
extern struct smtp_conf conf;

/* --- replies --- */

enum stage { AT_GREETING, AT_EHLO, AT_HELO, AT_STARTTLS, AT_AUTH, AT_MAIL,
	AT_RCPT, AT_DATA, AT_BODY, AT_DONE, AT_RSET, AT_QUIT, STAGES };
struct session;
/* "MAIL FROM", for texts */
const char *stage_name(enum stage at);
/* One reply into s->reply.  0, or -1: the session is over, err (temporary)
 * says why.  421 is a reply, but the session will end: s->bye. */
int reply_read(struct session *s, enum stage at, struct err *err);
/* A reply that is not what was wanted: kind by its first digit, the enhanced
 * code made to agree, text the whole reply.  -1 */
int reply_err(const struct session *s, enum stage at, struct err *err);
/* the whole reply on one line: "250 2.1.5 ok" */
void reply_text(const struct smtp_reply *r, struct str *out);

/* --- what a server offers: ehlo.c --- */

struct caps {
	bool esmtp, pipelining, eightbit, smtputf8, dsn, chunking, starttls,
	    requiretls, priority, size, enhanced;
	uint64_t size_max;		/* 0: none told */
	int64_t mail_max, rcpt_max, domain_max;	/* RFC 9422; 0: none */
	char mechs[256];		/* of AUTH, parted by blanks */
};
/* A host that is known not to be, or not to have, what REQUIRETLS asks for: RFC
 * 8689 section 4.2.1.  Where that message demands it another's turn comes, and
 * where there is none the message goes back (5.7.10). */
void hello_unfit(struct session *s, struct err *err);
/* the lines of an EHLO reply */
void caps_parse(struct slice text, struct caps *c);
/* the first word of a greeting or of EHLO's first line is the server's name:
 * is it ours? */
bool names_us(struct slice text);

/* --- the session --- */

struct session {
	bool open;
	bool bye;		/* no further transaction here */
	bool lost;		/* nothing can be said any more */
	bool never;		/* it has said that it takes no mail at all */
	bool unfit;		/* it may not have what demands TLS */
	bool tainted;		/* MAIL was sent: RSET before the next */
	bool logged_in;
	bool by_sender;		/* another sender may log in as another */
	bool own_login;		/* the last failure was that of a login that
				 * is the sender's own */
	struct io io;
	struct arena arena;	/* of the next hop: below */
	const char *nexthop, *local;
	char *sender;		/* of the first message; malloced */
	bool requiretls, tls_optional;
	struct targets targets;
	struct domain_policy domain;
	const struct target *target;	/* NULL: looked up, not tried */
	struct arena host_arena;	/* of the target: below */
	struct tls_policy policy;
	struct tls_facts facts;
	struct caps caps;
	struct smtp_reply reply;
	char relay[384];	/* "host[address]:port" */
	char greeted[256];	/* its name in its greeting */
	char peer[320];		/* "host[address]" */
	char id[9];
	int64_t opened, last;	/* mono_ms */
	int64_t content_at;	/* mono_ms: the content began to go */
	uint64_t content_from;	/* io.bytes_out then */
	int64_t messages;	/* that were begun */
	int64_t rcpt_max;	/* learnt from 452; 0 none */
	void (*trace)(const char *line, void *ctx);	/* probe */
	void *trace_ctx;
};
extern struct session session;

struct job;
/* Is the open session good for this job?  Closes one that is not. */
bool session_fits(struct session *s, const struct job *j);
/* A session with the first of the hosts from j->host on that lets us in, next
 * hop and policy looked up where j->host is 0.  0, or -1: there is none, err
 * says why the last one did not; that is the destination's trouble. */
int session_open(struct session *s, struct job *j, struct err *err);
/* may another host be tried for it? */
bool session_more(const struct session *s, const struct job *j);
/* QUIT, where it can be said, and close; wait: for the answer, shortly */
void session_close(struct session *s, bool wait);
/* after a message: may it stay? */
bool session_stays(struct session *s);
/* mono_ms at which an idle one ends; 0 there is none */
int64_t session_ends(const struct session *s);

/* Greeting to AUTH with one host.  1; 0: not this host, err says why; -1: for
 * good and whatever the host (5.4.6).  plain: without TLS, which failed;
 * *again: that may be tried */
int hello(struct session *s, const struct job *j, bool plain, bool *again,
    struct err *err);
/* one command and its reply: 0 or -1 (reply_read) */
int command(struct session *s, enum stage at, const char *line,
    struct err *err);

/* --- a message --- */

enum state { RCPT_OPEN, RCPT_NEXT /* in this transaction */, RCPT_TAKEN,
	RCPT_DONE };
struct recipient {
	enum state state;
	const char *addr, *sender, *orcpt, *notify;
	const char *wire, *wire_sender;	/* as they are written */
	int status;		/* enum agent_status, once done */
	const char *dsn, *text, *peer;
	bool trouble, told;
	int report;		/* enum agent_report */
};
struct job {
	const struct agent_deliver_in *in;
	struct call *call;	/* NULL: probe */
	int fd;			/* content */
	struct arena *arena;
	struct recipient *rcpt;
	size_t n, left;		/* without a result */
	size_t host;		/* the next to try, of session.targets */
	int64_t sessions;	/* tried so far */
	int64_t deadline;	/* mono_ms; content does not count */
	int64_t told;		/* mono_ms: qmgr last heard of it */
	/* the content: need.c */
	off_t skip;		/* our fields before it */
	uint64_t size;		/* octets behind them in the file */
	uint64_t wire;		/* on the wire, without dots */
	struct str head;	/* the first of it, as read */
	bool whole;		/* head is all of it */
	int eightbit;		/* body or header: 1, 0; -1 not known */
	int utf8_header;
	bool scanned, wants_utf8;
	uint64_t longest;	/* octets of its longest line, once scanned */
	bool lacks, other;	/* a host was no good as it lacks something;
				 * for another reason */
	size_t never;		/* hosts that take no mail at all: RFC 7504 */
	bool heard;		/* a host has answered MAIL, with no 421 */
	bool no_login;		/* probe */
	struct str converted;	/* for 7 bits, once made */
	int64_t began;		/* mono_ms */
};

/* what is there to send?  0 or -1 */
int need_content(struct job *j, struct err *err);
/* look through all of it: eightbit, utf8_header, longest.  0 or -1 */
int need_scan(struct job *j, struct err *err);
/* an address with the domain as A-labels; NULL: it needs SMTPUTF8 */
const char *ascii_address(const char *addr, struct arena *a);
/* may the session carry this message at all?  0, or -1: err_temp, another
 * host may, but 4.3.0 is our own trouble */
int need_check(struct session *s, struct job *j, struct err *err);
/* is what data_prepare has made short enough for the server?  0, or -1:
 * err_temp 4.3.4 */
int need_size(const struct session *s, const struct job *j, struct err *err);
/* octets of it on the wire, without dots; 0: not known */
uint64_t need_wire(const struct job *j);
/* are lines broken on the way? */
bool need_fold(const struct job *j);

/* Transactions until no recipient is open or the session is of no more use:
 * 0, or -1: err is why it is over for those that are left. */
int transact(struct session *s, struct job *j, struct err *err);

/* mail.c: lines with CRLF, appended */
void mail_line(const struct session *s, const struct job *j,
    const char *sender, struct str *out);
void rcpt_line(const struct session *s, const struct job *j,
    const struct recipient *r, struct str *out);

/* data.c */
/* what is to be sent to this server: converted where it must be.  0 or -1 */
int data_prepare(struct session *s, struct job *j, struct err *err);
/* short enough to go with the commands? */
bool data_is_small(const struct job *j);
/* a small one as BDAT, appended to what is to be sent */
void bdat_put(struct session *s, struct job *j);
/* All but the reply to its end.  0; 1: refused on the way, s->reply says why;
 * -1: lost before the end went (err) */
int bdat_send(struct session *s, struct job *j, struct err *err);
int data_send(struct session *s, struct job *j, struct err *err);

/* convert.c: content with all leaf parts encoded that have 8-bit octets or a
 * line of over line_max, LF form; 0, or -1 (5.6.3) */
int convert(struct slice msg, uint64_t line_max, struct str *out,
    struct err *err);

/* --- results.c --- */

void result_err(struct job *j, struct recipient *r, const struct err *err,
    const char *peer, bool trouble);
void result_delivered(struct session *s, struct job *j, struct recipient *r);
/* all that have none yet */
void results_rest(struct job *j, const struct err *err, const char *peer,
    bool trouble);
/* Tell qmgr what is new: 0 or -1.  Before the end of the request who is
 * delivered is said, too, and is so even if we die. */
int results_tell(struct job *j, struct err *err);
/* Tell it that there is progress, where it has not heard of any for long. */
void results_alive(struct job *j);

/* a line of what is said, where somebody listens: "--- WHAT MORE" */
void note(const struct session *s, const char *what, const char *more);

void trace_targets(const struct session *s);

verb_fn deliver_verb, probe_verb;

#endif
