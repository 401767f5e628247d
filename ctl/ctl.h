/*
 * ctl.h - inside postrider, the one admin command: what the verbs share.
 *
 * A verb is one file cmd_NAME.c and one row in main.c.  It gets its own words
 * as argc and argv (argv[0] is the verb) and returns an exit status: EXIT_OK,
 * EXIT_FAILED (said why on standard error), EXIT_USAGE.
 */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "ipc/ipc.h"

#include <getopt.h>

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2,
	EXIT_DEFERRED = 75 };

struct cmd {
	const char *name;
	int (*fn)(int argc, char **argv);
	const char *args;	/* for the usage line */
	const char *doc;
};

extern const char *instance;	/* -i, or the default */
extern struct arena ctl_arena;	/* for as long as we run */

/* print "postrider: text" to standard error: EXIT_FAILED */
int fail(const char *fmt, ...) PRINTF(1, 2);
int fail_err(const struct err *err);
/* the same with a hint at the usage: EXIT_USAGE */
int fail_usage(const char *fmt, ...) PRINTF(1, 2);
/* run the row that argv[0] names; unknown: did you mean */
int run_cmd(const struct cmd *table, const char *what, int argc, char **argv);
void print_cmds(const struct cmd *table, const char *prefix);

/* --- options.c --- */
/* getopt_long of our making: an unknown option is told with the nearest known
 * one.  The option's val, -1 at the end, '?' after a complaint. */
int next_option(int argc, char **argv, const char *shorts,
    const struct option *longs);
void restart_options(void);
/* The words of a verb, from argv[optind] on: so many, behind --json where that
 * is known (json not NULL).  EXIT_OK, or it was printed. */
int verb_words(int argc, char **argv, bool *json, int min, int max,
    const char *usage);
/* A connection to a service of the running suite; the same */
int verb_ask(struct ipc *c, const char *service, int ms, struct err *err);
/* Both, and fn for each of the words, one at least: an exit code, the last that
 * is not EXIT_OK. */
typedef int verb_word_fn(struct ipc *c, const char *word, struct err *err);
int verb_each(int argc, char **argv, const char *usage, const char *service,
    int ms, verb_word_fn *fn);

/* --- instance.c --- */
/* the conf directory of the instance: 0, or -1: err */
int instance_load(struct err *err);
/* pid of its master by the pid file, if that process is there; else 0 */
pid_t instance_pid(void);
bool pid_alive(pid_t pid);	/* and no zombie */
/* where the default files are: of the build tree that we run from, else
 * installed */
const char *defaults_dir(void);
/* run a program to its end, with our standard streams: its exit status */
/* May we send requests to that service?  false: why not was printed. */
bool may_ask(const char *socket);
int run_program(const char *path, char *const argv[]);

/* --- hello.c --- */
/* does a TLS server answer on that connection?  0, or -1: err */
int tls_hello(int fd, int timeout_ms, struct err *err);

/* --- show.c --- */
void json_string(struct str *out, const char *z);
void json_member(struct str *out, bool *first, const char *name,
    const char *z);
void json_int(struct str *out, bool *first, const char *name, int64_t v);
/* "3d", "5h", "12m", "40s" */
void show_age(struct str *out, int64_t seconds);
/* unix seconds as "2026-11-23", UTC; in ctl_arena */
const char *show_date(int64_t unix_s);
/* bytes as "12", "3.4K", "20M" */
void show_size(struct str *out, uint64_t n);
/* rows of cells, each column as wide as its widest cell */
struct table {
	struct strlist cells;
	size_t columns;
};
void table_cell(struct table *t, const char *z);
void table_print(const struct table *t);

/* --- when.c --- */
/* "2h", "18:30", "2026-11-24T08:00" (local time), "@1795376000"; unix
 * seconds; false: none of these */
bool parse_when(const char *z, int64_t now, int64_t *when_r);

/* --- edit.c --- */
/* fsync of the directory that a path lies in: 0, or -1 errno */
int sync_parent(const char *path);
/* replace a file as a whole: written beside it, synced, renamed */
int file_replace(const char *path, struct slice text, mode_t mode,
    struct err *err);
/* the same, and root gives it to that user and group */
int file_replace_as(const char *path, struct slice text, mode_t mode,
    uid_t uid, gid_t gid, struct err *err);
/* Set name = value in the text of a conf file, in its place or at the end of
 * the section ("" the part before any section). */
void conf_text_set(struct str *text, const char *section, const char *name,
    const char *value);
/* an exclusive lock for editors of conf_dir/NAME: fd, or -1 err */
int edit_lock(const char *name, struct err *err);
/* the rows of a text table: where the row of that key lies in the text (with
 * its continuation lines); 1 or 0 */
int row_find(struct slice text, const char *key, size_t *at, size_t *len);
/* a key as it is written, quoted where it must be; appended */
void row_put_key(struct str *out, const char *name);
/* the key of a line, folded and appended; nothing where it begins no row */
void row_key(struct slice line, struct str *key);

/* --- the verbs --- */
int cmd_init(int argc, char **argv);
int cmd_start(int argc, char **argv);
int cmd_credentials(int argc, char **argv);
int cmd_srs(int argc, char **argv);
/* a secret where there is none */
int srs_make(struct err *err);
int cmd_stop(int argc, char **argv);
int cmd_test(int argc, char **argv);
/* the steps of router, printed, and with dns what is known of other hosts:
 * EXIT_OK it can be delivered to, EXIT_DEFERRED try later */
struct router_explain_in;
int explain_address(const struct router_explain_in *in, bool json, bool dns);
/* test_rules.c: what the rules of smtpd say of such a client */
struct rules_test {
	const char *client, *helo, *sender, *rcpt, *login, *service, *size;
	bool tls;
};
bool rules_option(struct rules_test *t, int option, const char *arg);
int test_rules(const struct rules_test *t, bool json, bool dns);
/* a line of postrider test */
void show_step(bool json, const char *what, const char *text);
/* nexthop_facts.c: what DNS says of a next hop, as such lines */
void nexthop_facts(const char *nexthop, bool json);
int cmd_reload(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_user(int argc, char **argv);
int cmd_domain(int argc, char **argv);
int cmd_mailbox(int argc, char **argv);
int cmd_queue(int argc, char **argv);
int cmd_limits(int argc, char **argv);
int cmd_dns(int argc, char **argv);
int cmd_trace_smtp(int argc, char **argv);
int cmd_map(int argc, char **argv);
int cmd_log(int argc, char **argv);
int cmd_call(int argc, char **argv);
int cmd_cert(int argc, char **argv);
int cmd_tls_policy(int argc, char **argv);

/* --- cert_make.c, init_system.c --- */
int init_tls(const char *dir, const char *hostname,
    const struct strlist *domains, struct err *err);
int init_system_users(struct err *err);

/* --- other names of the program --- */
int sendmail_main(int argc, char **argv);
int mailq_main(int argc, char **argv);
int newaliases_main(int argc, char **argv);

/* compile what is stale (all: everything); prints what it did unless quiet */
int maps_compile(bool all, bool quiet, struct err *err);

#endif
