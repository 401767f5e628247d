/*
 * policy.h - rules: who may do what, in the order in which an admin wrote
 * them.  smtpd runs them on a client, `postrider test` on what it is told, with
 * every step explained; both by this code, so that the two can not differ.
 *
 * Each stage of a session (connect, helo, mail, rcpt, data, end) is an option
 * of smtpd.conf, a rule a line:
 *
 *	rcpt_rules =
 *	    permit if login
 *	    reject 550 5.7.1 "listed: $dnsbl" if dnsbl >= 3 and not client in
 *	      cidr:friends
 *	    warn "no name" if client_name unknown
 *
 * i.e. ACTION [what it needs] [, ACTION]... [if TEST [and TEST]...]; the first
 * final action (permit, reject, defer, discard) decides the stage.
 * smtpd.conf(5) is the reference.  A test is a function in a test_x.c and one
 * row of tests.c; an action is one row of action.c.
 *
 *   words.c    text to words          parse.c    words to rules
 *   tests.c    which tests there are  fact.c     what is known of a session
 *   action.c   which actions          access.c   actions as tables and policy
 *   run.c      a stage                           servers name them
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include "base/arena.h"
#include "base/err.h"
#include "proto/edit.h"

enum policy_stage { POLICY_CONNECT, POLICY_HELO, POLICY_MAIL, POLICY_RCPT,
	POLICY_DATA, POLICY_END, POLICY_STAGES };

/* What is known so far; strings are never NULL, "" is not known.  smtpd keeps
 * one a session. */
struct policy_facts {
	const char *session, *service;	/* "smtp", "submission", "lmtp" */
	const char *client, *local;	/* addresses */
	int64_t client_port, local_port;
	/* confirmed both ways; where it is "", a rule that wants it asks DNS
	 * whether there is none or only no answer yet */
	const char *client_name;
	bool trusted;
	const char *helo;
	bool esmtp;
	const char *tls, *cipher, *subject, *issuer, *fingerprint;
	int64_t bits;
	const char *login, *mech;
	const char *proto;
	const char *sender;		/* canonical; "" null */
	bool has_sender;
	const char *rcpt;		/* the one under way */
	const char *rcpt_class;		/* as router said: "virtual", ... */
	/* the status with which the server itself refuses it, "5.1.1" (who is
	 * that), "5.7.1" (relaying): only where POLICY_NEEDS_REFUSED */
	const char *refused;
	int64_t nrcpt;			/* accepted so far */
	uint64_t size;			/* announced, at end: the real one */
	const char *q;
	/* what gate found (proto/gate.h), or "" */
	int64_t gate_score;
	const char *gate_lists;
	bool gate;		/* it asked its lists */
	const char *instance;	/* of a transaction, for policy servers */
	bool dry;		/* postrider test: nothing is counted */
};
extern const struct policy_facts policy_nothing;	/* all "" and 0 */

enum policy_action { POLICY_NONE, POLICY_PERMIT, POLICY_REJECT, POLICY_DEFER,
	POLICY_DISCARD };

/* strings: in the arena of the marks, or of the policy */
struct policy_verdict {
	int action;		/* enum policy_action; NONE: no rule decided */
	int code;		/* of the reply */
	const char *dsn, *text;
	const char *rule;	/* "smtpd.conf:12"; "" none */
	bool close;		/* end the session: 421 or 521 */
	int64_t delay;		/* ms to wait before the answer */
};

/*
 * What rules leave behind for the message (hold, redirect, prepend, bcc, ...):
 * edits, for cleanup; tags, for later rules and the log; filters that are to
 * see it.  Those of connect and helo last for the session, the others for the
 * transaction: smtpd keeps one of each.  Tags and scores of the rules of rcpt
 * are no business of the next recipient; later stages see them all, and of the
 * scores the highest.  Filters are spared a message only where each of its
 * recipients is exempt.  A recipient that is refused leaves nothing.
 */
struct policy_marks {
	struct arena *a;
	struct edits edits;
	struct strlist tags, filters;
	bool no_filters;
	int64_t score;		/* of `score N` actions */
	/* of recipients; what counts of no_filters is policy_spares() */
	struct strlist rcpt_tags;
	int64_t rcpt_score;
	bool rcpt_no_filters;
	bool rcpt_scored;	/* there was one */
};
/* no filter is to see the message (what rules name is not asked either) */
bool policy_spares(const struct policy_marks *m);

struct policy;
/*
 * Parse the rules of one stage, one a line; a line may begin with its place
 * and a tab ("smtpd.conf:12\t").  from: the first stage at which they may be
 * run, later than stage where refusals wait for the first recipient: more is
 * known then.  *p_r NULL: there are no rules.  0, or -1: err says what was
 * expected and the nearest known word.
 */
int policy_compile(struct policy **p_r, enum policy_stage stage,
    enum policy_stage from, const char *text, struct err *err);
/* open what they name: before the jail (jail_table) */
int policy_open(struct policy *p, struct err *err);
void policy_free(struct policy *p);		/* NULL is fine */
/* what it needs */
enum { POLICY_NEEDS_NAME = 1,	/* f->client_name must have been waited for */
	POLICY_NEEDS_REFUSED = 2,	/* recipients that are refused anyway */
	POLICY_NEEDS_FILES = 4,		/* tables */
	POLICY_NEEDS_INET = 8 };	/* a policy server by TCP */
unsigned policy_needs(const struct policy *p);	/* NULL: 0 */
/* the filters that its rules name, each with its place behind it */
const struct strlist *policy_filters(const struct policy *p);
const char *policy_stage_name(enum policy_stage s);	/* "rcpt" */
/* the lists of the test `dnsbl` where a rule names none: words of
 * serve/dnsbl.h, for all stages; borrowed.  0 or -1 */
int policy_set_dnsbl(const struct strlist *words, struct err *err);

/* The options of a program that has rules, in its configuration. */
struct policy_conf {
	const char *rules[POLICY_STAGES];
	bool delay_reject;
	struct strlist dnsbl;
};
#define POLICY_STAGE_FIELD(st, m, name, stage, txt) { name "_rules", \
	FIELD_STR, FIELD_LINES, offsetof(st, m.rules[stage]), "", 0, 0, 0, txt }
#define POLICY_FIELDS(st, m) \
	POLICY_STAGE_FIELD(st, m, "connect", POLICY_CONNECT, \
	    "rules for who connects"), \
	POLICY_STAGE_FIELD(st, m, "helo", POLICY_HELO, \
	    "rules for HELO and EHLO"), \
	POLICY_STAGE_FIELD(st, m, "mail", POLICY_MAIL, \
	    "rules for the sender"), \
	POLICY_STAGE_FIELD(st, m, "rcpt", POLICY_RCPT, \
	    "rules for each recipient"), \
	POLICY_STAGE_FIELD(st, m, "data", POLICY_DATA, \
	    "rules for DATA, before content"), \
	POLICY_STAGE_FIELD(st, m, "end", POLICY_END, \
	    "rules for a message that is complete"), \
	{ "delay_reject", FIELD_BOOL, 0, offsetof(st, m.delay_reject), "yes", \
	    0, 0, 0, "rules of connect, helo and mail wait for the first " \
	    "recipient" }, \
	{ "dnsbl", FIELD_LIST, 0, offsetof(st, m.dnsbl), "", 0, 0, 0, \
	    "lists in DNS, with weights, of the test dnsbl" }
/* All stages; a stage without rules is NULL.  What set holds is freed before.
 * 0, or -1: err */
int policy_compile_all(const struct policy_conf *c,
    struct policy *set[POLICY_STAGES], struct err *err);

/* each step, for a person: the rule, its tests and their values */
typedef void policy_trace_fn(void *ctx, const char *rule, const char *text);

/*
 * Run a stage.  Session marks are read, the marks of m are read and added to.
 * Trouble of our own (a table, DNS, a policy server that does not answer) is
 * what the rule says (`else ...` of its test), by default defer 4.3.5.
 */
void policy_run(const struct policy *p, const struct policy_facts *f,
    const struct policy_marks *session, struct policy_marks *m,
    struct policy_verdict *v, policy_trace_fn *trace, void *ctx);

#endif
