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
 * i.e. ACTION [what it needs] [if TEST [and TEST]...]; the first final action
 * (permit, reject, defer, discard) decides the stage.  smtpd.conf(5) is the
 * reference.  A test is a file test_x.c and one row; so is an action.
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
	/* a name confirmed both ways; the name that its address has at all */
	const char *client_name, *reverse_name;
	bool name_pending, name_failed;	/* by DNS that does not answer */
	bool trusted;
	const char *helo;
	bool esmtp;
	const char *tls, *cipher, *subject, *fingerprint;
	const char *login, *mech;
	const char *proto;
	const char *sender;		/* canonical; "" null */
	bool has_sender;
	const char *rcpt;		/* the one under way */
	const char *rcpt_class;		/* as router said: "virtual", ... */
	int64_t nrcpt;			/* accepted so far */
	uint64_t size;			/* announced, at end: the real one */
	const char *q;
	/* what gate found (proto/gate.h), or "" */
	int64_t gate_score;
	const char *gate_lists;
};

enum policy_action { POLICY_NONE, POLICY_PERMIT, POLICY_REJECT, POLICY_DEFER,
	POLICY_DISCARD };

struct policy_verdict {
	int action;		/* enum policy_action; NONE: no rule decided */
	int code;		/* of the reply */
	const char *dsn, *text;
	const char *rule;	/* "smtpd.conf:12"; "" none */
	bool close;		/* end the session: 421 or 521 */
};

/*
 * What rules leave behind for the message (hold, redirect, prepend, bcc, ...):
 * edits, for cleanup; tags, for later rules and the log; filters that are to
 * see it.  Those of connect and helo last for the session, the others for the
 * transaction: smtpd keeps one of each.
 */
struct policy_marks {
	struct arena *a;
	struct edits edits;
	struct strlist tags, filters;
	bool no_filters;
	int64_t score;		/* of `score N` actions */
};

struct policy;
/* Parse the rules of one stage, a line each; where ("smtpd.conf:12") names
 * them.  0, or -1: err says what was expected and the nearest known word. */
int policy_compile(struct policy **p, enum policy_stage stage,
    const char *text, const char *where, struct err *err);
/* open what they name: before the jail (jail_table) */
int policy_open(struct policy *p, struct err *err);
void policy_free(struct policy *p);

/* each step, for a person: the rule, its tests and their values */
typedef void policy_trace_fn(void *ctx, const char *rule, const char *text);

/*
 * Run a stage.  Session marks are read, the marks of m are read and added to.
 * Trouble of our own (a table, DNS, a policy server that does not answer) is
 * what the rule says (`or ...` of its test), by default defer 4.3.x.
 */
void policy_run(const struct policy *p, const struct policy_facts *f,
    const struct policy_marks *session, struct policy_marks *m,
    struct policy_verdict *v, policy_trace_fn *trace, void *ctx);

/* --- for those who write a test: test_x.c and a row in tests.c ----------- */

struct policy_eval {
	const struct policy_facts *f;
	enum policy_stage stage;
	const struct policy_marks *session, *marks;
	struct arena *a;	/* until the stage is over */
	/* a word for texts, "$dnsbl": set by tests, read by actions */
	void (*set)(struct policy_eval *e, const char *name, const char *z);
	policy_trace_fn *trace;	/* NULL: nobody asked */
	void *ctx;
};
struct policy_words { const char *const *v; size_t n, at; };
struct policy_test {
	const char *name;
	unsigned stages;	/* bits: where it has something to look at */
	/* the words behind the name, as far as they belong to the test; its
	 * own state into *self_r.  0, or -1 err */
	int (*parse)(struct policy_words *w, void **self_r, struct err *err);
	int (*open)(void *self, struct err *err);	/* NULL: nothing */
	/* 1 true, 0 false, -1: it can not be known now, err_temp */
	int (*eval)(void *self, struct policy_eval *e, struct err *err);
	void (*free)(void *self);
	const char *doc;
};
extern const struct policy_test *const policy_tests[];	/* NULL ends */

#endif
