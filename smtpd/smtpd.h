/*
 * smtpd.h - one ESMTP or LMTP session (RFC 5321, 2033).
 *
 * A session holds at most one transaction: sender, recipients, parameters and
 * the content under way are one object, made by MAIL and destroyed as a
 * whole, so no error path can leave half of it behind.  Which command is
 * allowed when is a bit in the command table (commands.c); what an extension
 * adds is a row in the table of extensions (ext.h).
 *
 * Commands write replies with reply() and return CMD_OK, CMD_BAD (counts as
 * an error of the client) or CMD_QUIT.  Everything outside of the session,
 * router, cleanup and auth, is reached through backend.h only.
 */
#ifndef SMTPD_SMTPD_H
#define SMTPD_SMTPD_H

#include "proto/edit.h"
#include "policy/policy.h"
#include "serve/cmdloop.h"
#include "serve/login.h"
#include "serve/tls.h"
#include "smtp/command.h"

#define PERSONALITIES "mx|submission|lmtp|local"
enum personality { MX, SUBMISSION, LMTP, LOCAL };
#define LINE_ENDS "auto|strict|normalize"
enum line_ends { ENDS_AUTO, ENDS_STRICT, ENDS_NORMALIZE };
#define SENDER_CHECK "off|envelope|header|both"
enum sender_check { CHECK_OFF, CHECK_ENVELOPE, CHECK_HEADER, CHECK_BOTH };

struct smtpd_conf {
	int personality, line_ends, auth_plaintext;
	const char *banner;
	bool auth, helo_required;
	uint64_t message_size, line_length, data_line_length, data_rate;
	int64_t recipients, transactions, commands, junk_commands, errors,
	    auth_failures;
	int64_t timeout, data_timeout, session_time, service_timeout,
	    cleanup_timeout, settle_time, filter_timeout;
	struct strlist hide, trusted_networks, reverse_dns_except, filters;
	bool reverse_dns;
	int64_t reverse_dns_timeout;
	struct tls_conf tls;
	int sender_check;
	bool content_checks;
	bool verp, null_sender, hide_client, limits_needed;
	int64_t limit_hour, limit_day, limit_new, new_time, priority_max;
	int64_t future_release;
	struct policy_conf policy;
	struct strlist xclient_networks, xforward_networks;
};
extern struct smtpd_conf conf;
extern const struct field conf_fields[];

/* RFC 3207 section 4 */
#define STARTTLS_FIRST "Must issue a STARTTLS command first"

/* states of a session, for the command table */
enum {
	ST_NEW = 1,		/* no HELO, EHLO or LHLO yet */
	ST_IDLE = 2,		/* ready for MAIL */
	ST_MAIL = 4,		/* a sender, no recipient yet */
	ST_RCPT = 8,		/* at least one recipient accepted */
	ST_CHUNK = 16,		/* BDAT began, LAST has not come */
	ST_ANY = 31,
};

/* of a client whom XCLIENT says that nobody knows: it is on no list */
#define UNKNOWN_ADDR "unknown"

/* flags of commands, beside those of cmdloop.h */
enum {
	CMD_JUNK = 1 << 16,	/* brings no mail forward: counted */
	CMD_CHECKS = 1 << 17,	/* looks itself at what its argument holds */
};

struct rcpt {
	const char *addr;	/* canonical, with its domain */
	const char *notify;	/* "", or as in NOTIFY= */
	const char *orcpt;	/* "", or as in ORCPT=, still xtext */
	int class;		/* enum addr_class; -1 not known */
	const char *seal;	/* from router, for cleanup; "" none */
};

struct content;			/* content.h */

struct txn {
	struct arena arena;
	const char *sender;	/* canonical; "" is the null sender */
	const char *ret, *envid;	/* "", or the parameter */
	bool utf8, body8, requiretls;
	const char *verp;	/* "", or two delimiters */
	uint64_t size;		/* announced, 0 unknown */
	int64_t release_at;	/* unix seconds, 0 at once */
	int64_t priority;
	bool priority_changed;	/* it is not what was asked for */
	int64_t limit_hour, limit_day, limit_new; /* the account's, or -1 */
	const char *domain;	/* of the account, with its limits; 0 none */
	int64_t domain_hour, domain_day;
	struct rcpt *rcpts;
	size_t n, cap;		/* of rcpts: duplicates are stored once */
	struct strlist accepted;	/* LMTP: one for each 250 to RCPT */
	size_t taken;		/* RCPTs answered 250 */
	void *index;		/* tree of rcpts, once they are many */
	bool counted;		/* against the account's limits */
	struct content *content;	/* DATA or BDAT is under way */
	bool begun;		/* cleanup holds a message of ours */
	struct policy_marks marks;	/* of its rules; in arena */
	struct policy_marks marks_before;	/* the last recipient */
	struct policy_verdict mail_verdict;
	bool mail_ruled;	/* delayed: it is known */
	char instance[20];	/* for policy servers */
	char q[24];		/* its queue id */
	struct edits edits;	/* for cleanup to do, at commit */
	bool discarded;		/* it was told to queue nothing */
};

struct session {
	struct io *io;
	struct peer *peer;
	struct txn *txn;	/* NULL: none */
	struct str helo;	/* as given; empty: none yet */
	struct str login;	/* authenticated as; empty: not */
	struct str name;	/* of the client, confirmed by DNS; or empty */
	bool esmtp;		/* EHLO or LHLO was the greeting */
	bool trusted;		/* by its address */
	unsigned transactions, accepted, rejected, junk, auth_failures;
	const char *end;	/* why it ended, where a command knows better */
	struct filters *filters;	/* filter.c; NULL: none so far */
	int refusal;		/* code that a filter or rule gave; 0 none */
	bool closes;		/* a refusal is the end of the session */
	bool refused;		/* at the greeting: only QUIT is heard */
	bool helo_refused;	/* by a rule or filter: another must come */
	struct rules *rules;	/* rules.c; NULL: none of connect and helo */
	const char *mech;	/* of the login; "" */
	bool may_xclient, may_xforward;
	struct forward *forward;	/* ext_xforward.c; NULL none */
	/* of the refusal under way: the rule that wants it, and its code */
	const char *rule;
	int rule_code;
};

/* --- session.c --- */
void session_run(struct io *io, struct peer *peer);
/* may this client send to anywhere? */
bool session_trusted(const struct session *s);
bool session_normalizes(void);
/* "ESMTP", "UTF8LMTPA", ...: RFC 3848 and 6531 section 4.3 */
void session_proto(const struct session *s, struct str *out);
/* s->name is asked for when the client comes: is it there?  wait: until then,
 * or until the time for it is over */
void session_name(struct session *s, bool wait);
/* has it an address, other than that of a socket here? */
bool session_addressed(const struct session *s);
/* ask DNS for it, unless its network is excepted */
void session_ask_name(const struct session *s);
/* as at the beginning: the rules and filters of connect, and 220 or the
 * refusal.  false: that was all */
bool session_welcome(struct session *s);
/* The rules and filters of s->helo.  1, or -1: err and *code; it is forgotten,
 * and nothing goes on without another one. */
int session_helo(struct session *s, struct err *err, int *code);
/* HELO, RSET and the end of each transaction */
void session_reset(struct session *s);
/* STARTTLS: all that the client has said (RFC 3207 section 4.2), but for what
 * its limits count */
void session_forget(struct session *s);
/* for tlsd and auth */
const char *session_service(void);
/* Give back what is kept for the next message, of this client or the next: the
 * connection to cleanup, of which there are few, and memory.  Called where
 * nothing came for IDLE_MS, between commands as between clients. */
void session_idle(void);
/* The client is lost or too slow in the middle of what a command reads: 421
 * where it may still hear it. */
enum cmd_result session_lost(struct session *s);
/* end the session: 421 with this text */
enum cmd_result session_refuse(struct session *s, const char *end,
    const char *text);

/* --- reply.c --- */
void reply(struct session *s, int code, const char *dsn, const char *fmt,
    ...) PRINTF(4, 5);
/* The reply for an error; perm is the code of a permanent one that no RFC
 * gives a code of its own.  Returns that code. */
int reply_err(struct session *s, int perm, const struct err *err);
int reply_code(int perm, const struct err *err);
/* the text of an error for the client: trouble of our own machine, with its
 * paths and names, is only for the log */
const char *reply_text(const struct err *err);
/* log that something was refused: cmd MAIL, RCPT, DATA; to may be NULL */
void log_reject(struct session *s, const char *cmd, const char *to,
    const struct err *err);

/* --- txn.c --- */
struct txn *txn_new(void);
void txn_free(struct txn *t);			/* NULL is fine */
/* add unless it is there already with the same parameters */
void txn_add(struct txn *t, const struct rcpt *r);
bool txn_has(const struct txn *t, const struct rcpt *r);

/* --- owner.c --- */
/* Who has authenticated: may it send as t->sender?  Fills the limits of t.
 * 1, or -1 and the code of the reply (0: by the error). */
int owner_check(const struct session *s, struct txn *t, struct err *err,
    int *code);
/* must cleanup look at From? */
bool owner_checks_header(const struct session *s);
/* --- limit.c --- */
/* Count the recipients of the transaction against the account's limits.  1,
 * or -1: 4.7.1, logged. */
int limit_check(struct session *s, struct err *err);
/* the transaction ends without a message: what was counted is given back */
void limit_unused(struct session *s);

/* --- rules.c: the administrator's rules, see policy/policy.h --- */
int rules_check(struct err *err);	/* of the configuration */
int rules_jail(struct err *err);		/* what they need of it */
/*
 * Each 1: go on, or -1: err, and *code of the reply.  Rules of connect, helo
 * and mail are run at the first recipient where delay_reject says so.
 */
int rules_connect(struct session *s, struct err *err, int *code);
int rules_helo(struct session *s, struct err *err, int *code);
int rules_mail(struct session *s, struct txn *t, struct err *err, int *code);
/* before router is asked: what was put off */
int rules_delayed(struct session *s, struct err *err, int *code);
/* router has answered; refused: with why, which stays the answer unless a
 * rule has another one */
int rules_rcpt(struct session *s, const struct rcpt *r,
    const struct err *refused, struct err *err, int *code);
/* whom rules_rcpt took, a filter has refused: what it left is forgotten */
void rules_rcpt_undo(struct session *s);
int rules_data(struct session *s, struct err *err, int *code);
int rules_end(struct session *s, uint64_t size, struct err *err, int *code);
/* The client is another one than it was: a login, TLS. */
void rules_forget(struct session *s);
void rules_free(struct session *s);
/* is anything to be done with the message? */
bool rules_at_end(const struct session *s);
/* what is to be done to it: to its edits */
int rules_edits(struct session *s, struct err *err);
/* Filters that rules want to see the transaction, added to l, in a; where a
 * rule wants none, l is empty */
bool rules_name_filters(const struct session *s, const struct txn *t);
void rules_filters(const struct session *s, const struct txn *t,
    struct strlist *l, struct arena *a);
/* tags of the message, parted by commas; appended */
void rules_tags(const struct session *s, struct str *out);

/* --- ext_xforward.c: where the mail of this client comes from --- */
/* what was said of "ADDR" (a valid one), "NAME", ...; NULL: nothing */
const char *forward_get(const struct session *s, const char *name);
void forward_reset(struct session *s);	/* the transaction is over */

/* --- commands.c --- */
/* Commands of this personality and of the extensions; ends with { 0 }. */
const struct command *commands_table(void);
/* --- login.c --- */
/* before the jail: names of the users, for the local personality */
int login_load(const char *path, struct err *err);
const char *login_name(uid_t uid);		/* "" unknown */

#endif
