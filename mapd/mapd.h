/*
 * mapd.h - inside mapd: tables behind servers.
 *
 * table.c     the files of options, read before the jail; who may ask
 * template.c  placeholders: the key into a query, columns into a value
 * answer.c    rows become one value, within limits
 * lookup.c    one question: cache, servers in turn, back-off
 * server.c    names of servers, time
 * health.c    which of them are avoided, known to all processes
 * places.c    how many processes ask a table at a time
 * cache.c     answers of a table, by a hash of their key
 * verbs.c     get, check, stat
 * be_*.c      one kind of server each; http.c what some share
 *
 * A process serves one question at a time and waits for it: `timeout' of the
 * table is its end, whatever a server does.  Every error is temporary:
 * nobody bounces mail because a server is down.
 */
#ifndef MAPD_MAPD_H
#define MAPD_MAPD_H

#include <stdatomic.h>

#include "base/field.h"
#include "proto/lookup.h"
#include "serve/serve.h"

enum { COLUMNS_MAX = 32, SERVERS_MAX = 8, PARAMS_MAX = 32 };

struct mapd_conf {
	struct strlist tables;
};
extern struct mapd_conf conf;
extern const struct verb mapd_serves[];

#define TABLE_ROWS "one|first|join"
enum table_rows { ROWS_ONE, ROWS_FIRST, ROWS_JOIN };
#define TABLE_TLS "auto|no|require|verify"
enum table_tls { TLS_AUTO, TLS_NO, TLS_REQUIRE, TLS_VERIFY };
#define LDAP_SCOPES "sub|one|base"

/* a file of options; each backend reads those of its own table */
struct table_conf {
	/* of every table */
	struct strlist roles, domains;
	int64_t timeout, retry, retry_max, max_idle;	/* ms */
	int64_t cache, cache_absent;			/* ms */
	int64_t cache_rows, max_rows;
	int64_t concurrency;
	uint64_t max_size;
	const char *result;
	int rows;		/* enum table_rows */
	/* of those with servers */
	struct strlist hosts;
	const char *user, *password, *dbname, *query, *tls_ca;
	int tls;		/* enum table_tls */
	/* sqlite, lmdb */
	const char *path;
	/* ldap */
	const char *bind_dn, *base, *filter;
	struct strlist attributes;
	int scope;
	/* oauth, jwks */
	const char *url, *client_id, *client_secret, *user_claim;
	struct strlist scopes, audience;
	const char *issuer;
	bool insecure, any_audience;
	/* refresh */
	const char *refresh_token;
	bool basic;
};

/* rows that every field table of a backend has */
#define TABLE_FIELDS(cache_default) \
	{ "for", FIELD_LIST, 0, offsetof(struct table_conf, roles), "", 0, 0, \
	    0, "roles that may ask: auth, maps, net, queue, store" }, \
	F_LIST(struct table_conf, domains, \
	    "only keys in these domains are asked for; empty: all keys"), \
	F_TIME(struct table_conf, timeout, "5s", "100ms", "20s", \
	    "how long one question may take, connection included"), \
	F_TIME(struct table_conf, retry, "1s", "100ms", "1m", \
	    "a server that failed is avoided for so long; doubled each time"), \
	F_TIME(struct table_conf, retry_max, "1m", "100ms", "1h", \
	    "and at most so long"), \
	F_INT(struct table_conf, concurrency, "12", "0", "1000", \
	    "processes that ask the table at a time; 0: all"), \
	F_TIME(struct table_conf, cache, cache_default, "0s", "1d", \
	    "how long what was found is remembered; 0: not"), \
	F_TIME(struct table_conf, cache_absent, "0s", "0s", "1d", \
	    "how long it is remembered that there is no row; 0: not"), \
	F_INT(struct table_conf, cache_rows, "4096", "16", "1000000", \
	    "answers that are remembered")
#define TABLE_ROW_FIELDS \
	F_STR(struct table_conf, result, "%1", \
	    "the value, made of the columns %1, %2, ..."), \
	F_ENUM(struct table_conf, rows, "one", TABLE_ROWS, \
	    "more than one row: an error, the first, or joined by commas"), \
	F_INT(struct table_conf, max_rows, "1000", "1", "100000", \
	    "rows of one answer"), \
	F_SIZE(struct table_conf, max_size, "32K", "64", "60000", \
	    "bytes of one answer")
#define TABLE_SERVER_FIELDS \
	F_TIME(struct table_conf, max_idle, "1m", "1s", "1h", \
	    "a connection that was not used for so long is closed"), \
	F_ENUM(struct table_conf, tls, "auto", TABLE_TLS, \
	    "encryption; auto: verify, but not to this host"), \
	F_STR(struct table_conf, tls_ca, \
	    "/etc/ssl/certs/ca-certificates.crt", \
	    "certificates of who may certify a server")
#define TABLE_SQL_FIELDS \
	F_STR(struct table_conf, dbname, NULL, "the database"), \
	F_STR(struct table_conf, user, NULL, "who we are there"), \
	F_SECRET(struct table_conf, password, "", "of the user"), \
	F_STR(struct table_conf, query, NULL, \
	    "a SELECT; %s key, %u local part, %d domain")

/* of a server, shared by all processes of mapd that read the same options, so
 * that one of them waits for a dead server, not each */
struct health {
	_Atomic uint64_t id;	/* of table, server and version; 0: free */
	_Atomic int failures;	/* in a row */
	_Atomic int64_t until;	/* mono_ms: avoided until then */
	char why[200];		/* the last failure; the last byte stays 0 */
};

struct server {
	const char *name;	/* as configured */
	const char *host;	/* a name, an address, or a path */
	uint16_t port;		/* 0: host is a path */
	bool here;		/* on this host: no network in between */
	void *conn;		/* the backend's; NULL: not connected */
	int64_t used;		/* mono_ms of the last answer */
	struct health *health;
};

struct template;
struct cache;

struct table {
	const char *spec;	/* type:file */
	const char *path;	/* of its file of options */
	const struct backend *be;
	struct table_conf c;
	struct arena arena;
	unsigned roles;		/* PEER_... of those who may ask */
	struct template *query, *result;
	const char *sql;	/* the query, with the server's marks */
	struct server server[SERVERS_MAX];
	size_t servers, current;
	struct cache *cache;	/* NULL: none */
	int64_t place;		/* that it had last, see places.c */
	bool broken;		/* the last question was answered by an error */
	int64_t told;		/* mono_ms of the last line about that */
};

/* one answer in the making; wiped and freed by lookup.c */
struct answer {
	const struct table *t;
	struct str value;
	int64_t rows;
	int64_t ttl;		/* ms that it holds; -1: as the table says */
};
void answer_reset(struct answer *a);
/* A row of n columns; a column with p == NULL is NULL.  1: go on; 0: no more
 * rows are wanted; -1: err: too many or too much */
int answer_row(struct answer *a, const struct slice *col, size_t n,
    struct err *err);

/* What a failure says: of the server, which is then avoided, or only of the
 * question (a table that is not there, an answer that is too long). */
enum fault { FAULT_QUERY, FAULT_SERVER };

struct backend {
	const char *name;
	const struct field *fields;
	unsigned groups;	/* of the jail */
	/* the options make sense: servers and templates of t.  0 or -1 */
	int (*check)(struct table *t, struct err *err);
	/* still privileged: paths and ports of the jail, what a library must
	 * load now.  0 or -1 */
	int (*before_jail)(struct table *t, struct err *err);
	/* s->conn until the deadline (mono_ms): 0, or -1 err */
	int (*connect)(struct table *t, struct server *s, int64_t deadline,
	    struct err *err);
	/* 0 and a, or -1: err and *fault_r */
	int (*query)(struct table *t, struct server *s, const char *key,
	    struct answer *a, int64_t deadline, enum fault *fault_r,
	    struct err *err);
	void (*disconnect)(struct server *s);
	bool token;		/* keys are secrets, of any case, and long */
	bool maps_all;		/* a whole file into its address space */
};
/* TO ADD A KIND: be_NAME.c, and a line in table.c */
extern const struct backend be_sqlite, be_pgsql, be_ldap, be_mysql, be_lmdb,
    be_oauth, be_jwks, be_refresh;

/* Read the files of conf.tables: 0, or -1 with FILE:LINE */
int tables_load(struct err *err);
int tables_before_jail(struct jail *j, struct err *err);
struct table *table_find(const char *spec);
/* the tables, by number from 0; NULL ends */
struct table *table_at(size_t i);

/* --- template.c --- */

/* %s key, %u its local part, %d its domain (query), %1 ... column (result) */
struct template *template_query(const char *text, struct arena *a,
    struct err *err);
struct template *template_result(const char *text, struct arena *a,
    struct err *err);
/* SQL: each placeholder as mark gives it ("$1", "?"), appended; -1 where one
 * stands within quotes */
typedef void template_mark(size_t n, struct str *out);
int template_sql(const char *text, template_mark *mark, struct str *out,
    struct err *err);
/* both of a table's `query', into t->query and t->sql: 0 or -1 */
int table_query(struct table *t, template_mark *mark, struct err *err);
/* The values of the placeholders of a query, in their order: their number, or
 * -1: the key has no domain where one is needed */
int template_params(const struct template *t, const char *key,
    struct slice v[PARAMS_MAX]);
/* a query with each value put in by fn (which escapes it): 1, or 0 where the
 * key has no domain where one is needed */
typedef void template_escape(struct slice v, struct str *out);
int template_fill(const struct template *t, const char *key,
    template_escape *fn, struct str *out);
/* a value of columns: 0, or -1: there is no such column */
int template_row(const struct template *t, const struct slice *col, size_t n,
    struct str *out, struct err *err);

/* --- server.c --- */

/* the hosts of t's options, as host, host:port, [v6]:port or a path; port:
 * where none is given.  0, or -1 */
int servers_parse(struct table *t, uint16_t port, struct err *err);
int server_add(struct table *t, const char *name, struct slice host,
    uint16_t port, struct err *err);
/* ports and name service of t's servers, for the jail */
void servers_jail(const struct table *t);
/* enum table_tls without auto */
int server_tls(const struct table *t, const struct server *s);
/* ms to a deadline, at least 0 and at most INT_MAX */
int ms_left(int64_t deadline);
/* wait for events of poll(2): 0, or -1 err: the deadline */
int wait_fd(int fd, short events, int64_t deadline, struct err *err);
/* a connection by TCP, blocking: fd, or -1 err */
int dial(const struct server *s, int64_t deadline, struct err *err);
/* For libraries that wait without end: at the deadline the connection is shut
 * under them.  One at a time. */
void guard_start(int fd, int64_t deadline);
void guard_end(void);

/* --- health.c --- */

/* the memory that processes share: before the jail */
void health_open(void);
void health_find(const struct table *t, struct server *s);
bool server_avoided(const struct server *s);
void server_failed(const struct table *t, struct server *s,
    const struct err *why);
void server_works(const struct table *t, struct server *s);

/* --- places.c --- */

void places_open(int fd);	/* takes the descriptor */
/* One of the places of the table is ours until place_leave: 0, or -1: all
 * were taken for too long */
int place_enter(struct table *t, struct err *err);
void place_leave(struct table *t);

/* --- cache.c --- */

struct cache *cache_new(size_t rows);
/* 1 and the value appended; 0: known to be absent; -1: not known */
int cache_get(struct cache *c, const char *key, struct str *out);
/* value NULL: absent */
void cache_put(struct cache *c, const char *key, const struct str *value,
    int64_t ms);

/* --- lookup.c --- */

/* 1 found and appended, 0 absent, -1 err, temporary */
int lookup(struct table *t, const char *key, struct str *out,
    struct err *err);
/* ask for a key that nobody has: 0, or -1 */
int lookup_try(struct table *t, struct err *err);

struct stats {
	int64_t queries, hits, failures;
};
extern struct stats stats;

#endif
