/*
 * stsd.h - MTA-STS policies and TLS reports: a hub that reads no network.
 *
 * ask.c       a question to another daemon, from inside the loop
 * db.c        spool/sts/state.db
 * domain.c    what is known of a domain, and who waits for it
 * fetch.c     (sts-fetch) the program that speaks to web servers, with
 *             http.c and web.c
 * text.c      policies and TXT records of others
 * count.c     sessions, by day, domain and outcome
 * report.c    the report of a day for a domain: JSON and gzip
 * message.c   the report as a message
 * batch.c     which reports are due, and whom they are for
 * outbox.c    sending them
 *
 * Days are numbers since 1970 in UTC; times are unix seconds.
 */
#ifndef STSD_STSD_H
#define STSD_STSD_H

#include "proto/dns.h"
#include "serve/hub.h"
#include "text.h"

struct stsd_conf {
	/* policies */
	int64_t wait, fetch_timeout, dns_timeout;	/* ms */
	int64_t check_interval, retry, refresh;
	int64_t fetches, max_domains;
	/* reports */
	bool tls_reports;
	const char *organization, *contact, *from;
	int64_t report_delay, report_keep;
	int64_t report_rows, report_domains, report_tries;
};
extern struct stsd_conf conf;
extern const struct verb stsd_serves[];

/* --- ask.c --- */
/* m: each `more` and then `ok`, valid during the call; NULL: it failed, and
 * nothing more comes */
typedef void ask_fn(void *ctx, const struct ipc_msg *m,
    const struct err *why);
/* fd stays the caller's.  0; -1: err, and fn is not called */
int ask(const char *path, const struct verb_def *v, const void *in, int fd,
    int64_t timeout_ms, ask_fn *fn, void *ctx, struct err *err);

/* TXT records; strings valid during the call */
struct txt_answer {
	bool away;		/* dnsd said nothing: why */
	enum dns_status status;
	int64_t ttl;
	struct strlist rr;
	const char *why;
};
typedef void txt_fn(void *ctx, const struct txt_answer *r);
/* fn comes once, perhaps before this returns */
void txt_ask(const char *name, txt_fn *fn, void *ctx);

/* --- db.c --- */
struct sqlite3_stmt;
void db_init(void);		/* before the jail */
int db_open(struct err *err);	/* what is damaged is made anew */
/* types: s string, i int64_t, b bytes and their number (int64_t).  Rows that
 * were changed; -1 failed, which was logged.  Written at the next commit. */
int db_run(const char *sql, const char *types, ...);
/* rows: while (db_row(st)) ...; it ends itself with the last.  NULL is a
 * statement without rows */
struct sqlite3_stmt *db_select(const char *sql, const char *types, ...);
bool db_row(struct sqlite3_stmt *st);
const char *db_text(struct sqlite3_stmt *st, int column, struct arena *a);
int64_t db_int(struct sqlite3_stmt *st, int column);
struct slice db_blob(struct sqlite3_stmt *st, int column);
/* the one number of a query; otherwise where there is no row */
int64_t db_number(int64_t otherwise, const char *sql, const char *types, ...);
void db_commit(void);
/* an unlinked file with these bytes; fd, or -1: err */
int db_file(struct slice bytes, struct err *err);

/* --- domain.c --- */
int domain_policy(struct call *c, const struct sts_policy_in *in,
    struct sts_policy_out *out, struct err *err);
void domain_forget(const char *name);
int domain_list(struct call *c, struct err *err);
/* policies that are old enough are fetched anew; what has ended goes */
void domain_tick(int64_t now);

/* --- count.c --- */
void count_session(const struct sts_count_in *in, int64_t now);
void count_tick(int64_t now);		/* what is too old goes */
/* our own address in From, and the part behind its @ */
const char *report_from(void);
const char *report_submitter(void);

/* --- report.c --- */
struct report {
	int64_t day;
	const char *domain;
	int64_t from, to;	/* unix seconds */
	int64_t good, failed;	/* sessions */
	const char *id;		/* report-id */
	const char *file;	/* its name, RFC 8460 section 5.1 */
	struct str json;
};
/* 1; 0 nothing was counted; strings in the arena, json is to be freed */
int report_make(int64_t day, const char *domain, int64_t now,
    struct arena *a, struct report *r);
int report_gzip(const struct str *json, struct str *out, struct err *err);

/* --- message.c --- */
/* gz as a message to `to`; appended */
void message_make(const char *domain, const char *id, const char *file,
    struct slice gz, const char *to, struct str *out);

/* --- batch.c --- */
/* the `report` verb: CALL_LATER, 0 or -1 */
int batch_verb(struct call *c, const struct sts_report_in *in,
    struct err *err);
void batch_start(int64_t now);
void batch_tick(int64_t now);

/* --- outbox.c --- */
void outbox_add(const struct report *r, const struct str *gz,
    const char *uri);
void outbox_tick(int64_t now);

#endif
