/*
 * be_pgsql.c - PostgreSQL.  Every step of libpq that could wait is the one
 * that does not, followed by poll(2), so the deadline holds whatever the
 * server does.  The statement and its parameters travel apart.
 */
#include "mapd.h"

#include <libpq-fe.h>
#include <poll.h>

enum { LEFT_MAX = 100 };	/* rows read to no purpose */

static const struct field fields[] = {
	TABLE_FIELDS("0s"), TABLE_ROW_FIELDS, TABLE_SERVER_FIELDS,
	F_LIST_D(struct table_conf, hosts, "/run/postgresql",
	    "servers: host, host:port, [v6]:port, or directory:port"),
	TABLE_SQL_FIELDS,
	F_END
};

static void
mark(size_t n, struct str *out)
{
	str_addf(out, "$%zu", n);
}

static int
check(struct table *t, struct err *err)
{
	return table_query(t, mark, err) < 0 ? -1 :
	    servers_parse(t, 5432, err);
}

static int
before_jail(struct table *t, struct err *err UNUSED)
{
	size_t i;

	servers_jail(t);
	for (i = 0; i < t->servers; i++)
		if (server_tls(t, &t->server[i]) != TLS_NO) {
			jail_path(t->c.tls_ca, PATH_READ);
			jail_path("/etc/ssl/openssl.cnf", PATH_READ);
		}
	return 0;
}

static void
disconnect(struct server *s)
{
	PQfinish(s->conn);
	s->conn = NULL;
}

/* libpq's texts have several lines */
static int
pg_err(const char *text, const struct server *s, struct err *err)
{
	struct slice rest = slice_of(text), line = SLICE_NULL;

	slice_cut(&rest, '\n', &line);
	line = slice_trim(line);
	if (line.n == 0)
		line = SLICE_LIT("connection lost");
	return err_temp(err, "4.3.0", "%s: %.*s", s->name, (int)line.n,
	    line.p);
}

static int
lost(const struct server *s, struct err *err)
{
	return pg_err(PQerrorMessage(s->conn), s, err);
}

/* the name of a UNIX socket is made of a directory and a port */
static void
split_host(const struct server *s, char *host, size_t hcap, char *port,
    size_t pcap)
{
	struct slice h = slice_of(s->host), p;

	snprintf(port, pcap, "%u", s->port);
	if (s->port == 0) {
		p = slice_sub(h, slice_rfind(h, ':') + 1, h.n);
		h.n = slice_rfind(h, ':');
		slice_copy(port, pcap, p);
	}
	slice_copy(host, hcap, h);
}

static void
no_notice(void *ctx UNUSED, const char *text UNUSED)
{
}

static PGconn *
begin(const struct table *t, const struct server *s)
{
	static const char *const modes[] = { "", "disable", "require",
	    "verify-full" };
	char host[256], port[8];
	int tls = server_tls(t, s);
	const char *const name[] = { "host", "port", "dbname", "user",
	    "password", "sslmode", "sslrootcert", "gssencmode",
	    "application_name", "client_encoding", "connect_timeout",
	    "passfile", "sslcert", "sslkey", NULL };
	const char *const value[] = { host, port,
	    t->c.dbname, t->c.user, t->c.password, modes[tls],
	    tls == TLS_VERIFY ? t->c.tls_ca : "/nonexistent", "disable",
	    "postrider", "UTF8", "20", "/nonexistent", "/nonexistent",
	    "/nonexistent", NULL };

	split_host(s, host, sizeof(host), port, sizeof(port));
	return PQconnectStartParams(name, value, 0);
}

static int
connect_pg(struct table *t, struct server *s, int64_t deadline,
    struct err *err)
{
	PostgresPollingStatusType state = PGRES_POLLING_WRITING;

	s->conn = begin(t, s);
	if (s->conn == NULL)
		return err_temp(err, "4.3.0", "out of memory");
	PQsetNoticeProcessor(s->conn, no_notice, NULL);
	while (PQstatus(s->conn) != CONNECTION_BAD &&
	    state != PGRES_POLLING_OK && state != PGRES_POLLING_FAILED) {
		if (wait_fd(PQsocket(s->conn), state ==
		    PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline,
		    err) < 0)
			return err_prefix(err, "%s", s->name);
		state = PQconnectPoll(s->conn);
	}
	if (state != PGRES_POLLING_OK)
		return lost(s, err);
	if (PQsetnonblocking(s->conn, 1) != 0)
		return lost(s, err);
	return 0;
}

static int
flush(const struct server *s, int64_t deadline, struct err *err)
{
	int r;

	while ((r = PQflush(s->conn)) > 0) {
		if (wait_fd(PQsocket(s->conn), POLLIN | POLLOUT, deadline,
		    err) < 0)
			return -1;
		if (!PQconsumeInput(s->conn))
			return lost(s, err);
	}
	return r < 0 ? lost(s, err) : 0;
}

static int
send_query(const struct table *t, const struct server *s,
    const struct slice *v, int n, int64_t deadline, struct err *err)
{
	const char *value[PARAMS_MAX];
	int i, r;

	for (i = 0; i < n; i++)
		value[i] = slice_dup(v[i]);
	r = PQsendQueryParams(s->conn, t->sql, n, NULL, value, NULL, NULL, 0);
	for (i = 0; i < n; i++)
		free((char *)(uintptr_t)value[i]);
	if (r == 0 || PQsetSingleRowMode(s->conn) == 0)
		return lost(s, err);
	return flush(s, deadline, err);
}

/* the next result, or NULL at the end: 0, or -1 */
static int
next_result(const struct server *s, PGresult **res_r, int64_t deadline,
    struct err *err)
{
	while (PQisBusy(s->conn)) {
		if (wait_fd(PQsocket(s->conn), POLLIN, deadline, err) < 0)
			return err_prefix(err, "%s", s->name);
		if (!PQconsumeInput(s->conn))
			return lost(s, err);
	}
	*res_r = PQgetResult(s->conn);
	return 0;
}

static int
take_rows(const PGresult *res, struct answer *a, struct err *err)
{
	struct slice col[COLUMNS_MAX];
	int row, i, n = MIN(PQnfields(res), (int)COLUMNS_MAX), r = 1;

	for (row = 0; row < PQntuples(res) && r > 0; row++) {
		for (i = 0; i < n; i++)
			col[i] = PQgetisnull(res, row, i) ? SLICE_NULL :
			    (struct slice){ PQgetvalue(res, row, i),
			    (size_t)PQgetlength(res, row, i) };
		r = answer_row(a, col, (size_t)n, err);
	}
	return r;
}

/* SQLSTATE classes that are the server's trouble: connection, resources,
 * operator intervention, system; the rest is about this question */
static enum fault
fault_of(const PGresult *res)
{
	static const char *const classes[] = { "08", "53", "57", "58", "XX",
	    "28", "3D", "25" };
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	size_t i;

	if (state == NULL)
		return FAULT_SERVER;
	for (i = 0; i < ARRAY_LEN(classes); i++)
		if (strncmp(state, classes[i], 2) == 0)
			return FAULT_SERVER;
	return FAULT_QUERY;
}

static int
take(const struct server *s, PGresult *res, struct answer *a,
    enum fault *fault_r, struct err *err)
{
	ExecStatusType st = PQresultStatus(res);
	int r;

	if (st == PGRES_SINGLE_TUPLE || st == PGRES_TUPLES_OK) {
		r = take_rows(res, a, err);
		*fault_r = FAULT_QUERY;
	} else if (st == PGRES_FATAL_ERROR) {
		*fault_r = fault_of(res);
		r = pg_err(PQresultErrorMessage(res), s, err);
	} else {
		*fault_r = FAULT_QUERY;
		r = err_temp(err, "4.3.5", "the query is no SELECT");
	}
	PQclear(res);
	return r;
}

static int
query(struct table *t, struct server *s, const char *key, struct answer *a,
    int64_t deadline, enum fault *fault_r, struct err *err)
{
	struct slice v[PARAMS_MAX];
	struct err late = ERR_INIT;
	int n = template_params(t->query, key, v), r = 1, left = LEFT_MAX;
	PGresult *res = NULL;

	if (n < 0)
		return 0;
	if (send_query(t, s, v, n, deadline, err) < 0)
		return -1;
	while (left > 0) {
		if (next_result(s, &res, deadline, r < 0 ? &late : err) < 0) {
			*fault_r = FAULT_SERVER;
			return -1;
		}
		if (res == NULL)
			return MIN(r, 0);
		if (r > 0) {
			r = take(s, res, a, fault_r, err);
		} else {
			PQclear(res);
			left--;
		}
	}
	/* the rest of what is not wanted is not read */
	disconnect(s);
	return r;
}

const struct backend be_pgsql = {
	.name = "pgsql",
	.fields = fields,
	.groups = JAIL_FILES | JAIL_UNIX | JAIL_INET,
	.check = check,
	.before_jail = before_jail,
	.connect = connect_pg,
	.query = query,
	.disconnect = disconnect,
};
