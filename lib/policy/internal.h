/*
 * internal.h - inside lib/policy.
 *
 * Everything that is parsed lies in the arena of the policy; what holds more
 * than memory (tables, connections, compiled expressions) is in the list of
 * things to be closed with it.
 */
#ifndef POLICY_INTERNAL_H
#define POLICY_INTERNAL_H

#include "map/live.h"
#include "map/regex.h"
#include "policy/policy.h"

/* --- words.c ------------------------------------------------------------ */

enum word_kind { WORD_PLAIN, WORD_QUOTED, WORD_REGEX, WORD_MARK };
struct word {
	const char *z;		/* without its quotes or slashes */
	const char *flags;	/* behind the second slash */
	enum word_kind kind;	/* WORD_MARK: ( ) or , */
};
/* what a rule is parsed from */
struct words {
	struct word *v;
	size_t n, at;
	struct policy *p;	/* whose arena takes what is kept */
	const char *where;
};
int words_split(struct slice line, struct words *w, struct err *err);
/* is the next word this one, as it is written?  then it is taken */
bool words_take(struct words *w, const char *z);
bool words_see(const struct words *w, const char *z);	/* not taken */
/* the next word, whatever it is; NULL at the end */
const char *words_next(struct words *w);
/* the next word where it belongs to what is being parsed: not `if', `and' and
 * the like, no mark; NULL */
const char *words_arg(struct words *w);
/* the same where it is quoted */
const char *words_text(struct words *w);
/* -1: err "expected WHAT, not WORD" */
int words_expected(struct words *w, const char *what, struct err *err);
int words_time(struct words *w, int64_t *ms_r, struct err *err);
int words_int(struct words *w, int64_t lo, int64_t hi, int64_t *r,
    struct err *err);
/* a,b,c or (a b c) or one word; at least one */
int words_list(struct words *w, struct strlist *l, struct err *err);

/* --- rules (parse.c) ---------------------------------------------------- */

enum cond_op { COND_TEST, COND_NOT, COND_AND, COND_OR };
struct cond {
	int op;			/* enum cond_op */
	struct cond *a, *b;
	const struct test *test;
	void *self;		/* of the test */
	int otherwise;		/* where it can not be known: 1, 0, -1 */
	const char *text;	/* of a test, for the trace */
};

enum action_op { ACT_DUNNO, ACT_PERMIT, ACT_REJECT, ACT_DEFER, ACT_DISCARD,
	ACT_DEFER_IF_PERMIT, ACT_DEFER_IF_REJECT, ACT_WARN, ACT_DELAY,
	ACT_EDIT, ACT_SCORE, ACT_TAG, ACT_FILTER, ACT_NO_FILTER, ACT_TABLE,
	ACT_ASK };
struct action {
	int op;			/* enum action_op */
	const char *name;	/* as it is written */
	int code;		/* 0: by the stage */
	const char *dsn;	/* "": by the code */
	const char *text;	/* with $words; reason, value or name */
	int edit;		/* enum edit_op */
	int64_t n;
	struct strlist names;
	struct matcher *table;
	struct server *server;
	struct action *next;
};

struct rule {
	const char *where, *text;
	struct action *actions;
	struct cond *cond;	/* NULL: always */
	struct rule *next;
};

struct closer {
	void (*fn)(void *self);
	void *self;
	struct closer *next;
};
/* tables are opened as they are used; here is what the jail must know */
struct policy {
	struct arena a;
	enum policy_stage stage, from;
	unsigned needs;
	struct rule *rules;
	struct closer *closers;
	struct strlist tables;
	struct strlist servers;		/* unix: and inet: of policy servers */
	struct strlist filters;		/* name, place, name, place ... */
};
void policy_closes(struct policy *p, void (*fn)(void *), void *self);

/* --- tests (tests.c, test_x.c) ------------------------------------------ */

/* a run of a stage */
struct eval {
	const struct policy *p;
	const struct policy_facts *f;
	const struct policy_marks *session, *marks;
	struct policy_marks own;	/* of this run; its arena is marks->a */
	struct arena *a;		/* as long as the run */
	struct strlist set;		/* name, value, name, value ... */
	const struct rule *rule;
	policy_trace_fn *trace;		/* NULL: nobody asked */
	void *ctx;
	struct policy_verdict *v;
	bool permit_defers, reject_defers;
	const char *defer_text, *defer_rule;	/* of these two */
	const char *late_name;	/* of the client, asked by a rule; NULL not */
};
/* a word for texts, "$dnsbl" */
void eval_set(struct eval *e, const char *name, const char *z);
const char *eval_get(const struct eval *e, const char *name);
int64_t eval_score(const struct eval *e);
bool eval_has_tag(const struct eval *e, const char *tag);
/* all of them, parted by commas */
const char *eval_tags(const struct eval *e);
void eval_trace(struct eval *e, const char *fmt, ...) PRINTF(2, 3);

struct test {
	const char *name;
	enum policy_stage from;	/* where it has something to look at */
	/* the words behind the name that belong to it; its state: *self_r */
	int (*parse)(const struct test *t, struct words *w, void **self_r,
	    struct err *err);
	/* 1 true, 0 false, -1: it can not be known now, err_temp */
	int (*eval)(const struct test *t, void *self, struct eval *e,
	    struct err *err);
	int arg;		/* for parse and eval */
	unsigned needs;		/* POLICY_NEEDS_... */
};
extern const struct test tests[];		/* { 0 } ends */
int no_words(const struct test *t, struct words *w, void **self_r,
    struct err *err);

/* --- what is known (fact.c) --------------------------------------------- */

enum fact { FACT_NONE, FACT_CLIENT, FACT_CLIENT_NAME, FACT_REVERSE,
	FACT_HELO, FACT_TLS, FACT_CIPHER, FACT_TLS_SUBJECT, FACT_TLS_ISSUER,
	FACT_TLS_FINGERPRINT, FACT_LOGIN, FACT_MECH, FACT_PROTOCOL,
	FACT_SERVICE, FACT_SERVER, FACT_SENDER, FACT_SENDER_DOMAIN, FACT_RCPT,
	FACT_RCPT_DOMAIN, FACT_RCPT_CLASS, FACT_QUEUE_ID, FACT_SESSION,
	FACT_GATE_LISTS, FACT_STAGE, FACT_COUNT };
/* how a fact is looked up in lists, and what else may be asked of it */
enum fact_kind { KIND_PLAIN, KIND_ADDRESS, KIND_DOMAIN, KIND_MAIL };
struct fact_def {
	const char *name;
	enum fact_kind kind;
	enum policy_stage from;
	unsigned needs;
};
extern const struct fact_def facts[FACT_COUNT];
enum fact fact_find(const char *name);		/* FACT_NONE: none */
/* in the arena of the run, or older; never NULL */
const char *fact_get(struct eval *e, enum fact f);
/* the names of a client, asked of DNS where nobody did: 0, or -1 err */
int fact_client_name(struct eval *e, const char **z_r, struct err *err);
int fact_reverse(struct eval *e, const char **z_r, struct err *err);
/* fact_get, with the two above: 0, or -1 err */
int fact_read(struct eval *e, enum fact f, const char **z_r,
    struct err *err);
/* has the domain an MX, A or AAAA record (RFC 7505: a null MX is none)? */
int domain_exists(struct eval *e, const char *domain, bool mail,
    struct err *err);
/* $word of a text: false where there is no such word */
bool text_word_known(const char *name);
/* text with its words replaced, one printable line, in the marks' arena */
const char *text_expand(struct eval *e, const char *text);
int text_check(const char *text, struct err *err);

/* --- lists and tables (match.c) ----------------------------------------- */

/*
 * A list written in the rule, networks, or a table.  A domain is looked up as
 * it is, then its parents, each with a dot in front and without; an address of
 * mail as it is, then its domain so, then `local@'; an IP address as it is,
 * then its networks: 192.0.2, 192.0, 192; 2001:db8:0:1, 2001:db8:0, ...
 * Tables of patterns are asked for the whole alone.
 */
struct matcher;
int matcher_parse(struct words *w, enum fact_kind kind, struct matcher **m_r,
    struct err *err);
/* a table only */
int matcher_table(struct words *w, struct matcher **m_r, struct err *err);
/* 1 and its value appended (list: nothing), 0, -1 */
int matcher_get(struct matcher *m, enum fact_kind kind, const char *z,
    struct str *out, struct err *err);
/* each key under which z is looked up: 1 ends the walk */
typedef int key_fn(void *ctx, const char *key, struct err *err);
int keys_walk(enum fact_kind kind, const char *z, key_fn *fn, void *ctx,
    struct err *err);

int words_regex(struct words *w, struct regex **r_r, struct err *err);

/* --- actions (action.c, do.c, access.c) --------------------------------- */

/* one action of a rule */
int action_parse(struct words *w, struct action **a_r, struct err *err);
/* do it: 1 the stage is decided, 0 go on, -1 err */
int action_do(struct eval *e, const struct action *a, struct err *err);
/*
 * What a row of a table or a policy server says, as Postfix's access(5) has
 * it: OK, DUNNO, REJECT [code] [text], 550 text, DEFER_IF_PERMIT ...  The
 * action in the arena.  0, or -1: err.
 */
int access_parse(const char *text, struct arena *a, struct action *r,
    struct err *err);
/* rows of a table for client, client_name, helo, sender, rcpt or login */
int access_table(struct eval *e, const struct action *a, struct err *err);

/* --- policy servers (server.c) ------------------------------------------ */

struct server;
int server_parse(struct words *w, struct server **s_r, struct err *err);
/* what it says, in the arena of the run: 0 or -1 */
int server_ask(struct server *s, struct eval *e, const char **action_r,
    struct err *err);
/* what the jail must know of one: 0 or -1 */
int server_jail(const char *where, struct err *err);
/* its request: appended */
void server_request(const struct eval *e, struct str *out);
/* the action= of an answer that is complete (it ends in an empty line): 1, 0
 * more must come, -1 it is none */
int server_answer(struct slice text, struct slice *action_r,
    struct err *err);

#endif
