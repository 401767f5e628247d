/*
 * be_mysql.c - MySQL and MariaDB, by prepared statements.  The library waits
 * for a server as long as it likes: its own limits are whole seconds, and at
 * the deadline the connection is shut under it.
 */
#include <mysql.h>	/* before the list of what nobody may call */

#include "base/clock.h"
#include "mapd.h"

enum { COLUMN_MAX = 60000 };

struct conn {
	MYSQL *my;
	MYSQL_STMT *st;
};

/* one row: what the library writes to */
struct row {
	MYSQL_BIND bind[COLUMNS_MAX];
	unsigned long len[COLUMNS_MAX];
	my_bool null[COLUMNS_MAX];
	char *buf;
};

static const struct field fields[] = {
	TABLE_FIELDS("0s"), TABLE_ROW_FIELDS, TABLE_SERVER_FIELDS,
	F_LIST_D(struct table_conf, hosts, "/run/mysqld/mysqld.sock",
	    "servers: host, host:port, [v6]:port or the path of a socket"),
	TABLE_SQL_FIELDS,
	F_END
};

static void
mark(size_t n UNUSED, struct str *out)
{
	str_addc(out, '?');
}

static int
check(struct table *t, struct err *err)
{
	return table_query(t, mark, err) < 0 ? -1 :
	    servers_parse(t, 3306, err);
}

/* ways to log in that are libraries of their own; the jail can load none */
static int
before_jail(struct table *t, struct err *err)
{
	static const char *const plugins[] = { "caching_sha2_password",
	    "sha256_password", "client_ed25519" };
	static bool loaded;
	MYSQL *my = NULL;
	size_t i;

	servers_jail(t);
	jail_path(t->c.tls_ca, PATH_READ);
	if (loaded)
		return 0;
	loaded = true;
	if (mysql_library_init(0, NULL, NULL) == 0)
		my = mysql_init(NULL);
	if (my == NULL)
		return err_temp(err, "4.3.0", "libmariadb does not start");
	for (i = 0; i < ARRAY_LEN(plugins); i++)
		mysql_load_plugin(my, plugins[i], -1, 0);
	mysql_close(my);
	return 0;
}

static void
disconnect(struct server *s)
{
	struct conn *c = s->conn;

	if (c->st != NULL)
		mysql_stmt_close(c->st);
	if (c->my != NULL)
		mysql_close(c->my);
	free(c);
	s->conn = NULL;
}

static int
my_err(const char *text, const struct server *s, struct err *err)
{
	return err_temp(err, "4.3.0", "%s: %s", s->name, *text != '\0' ?
	    text : "connection lost");
}

static void
set_options(const struct table *t, const struct server *s, MYSQL *my,
    int64_t deadline)
{
	unsigned secs = (unsigned)ms_left(deadline) / 1000 + 1;
	int tls = server_tls(t, s);
	my_bool verify = tls == TLS_VERIFY, enforce = tls != TLS_NO, no = 0;
	unsigned tcp = MYSQL_PROTOCOL_TCP;

	mysql_optionsv(my, MYSQL_OPT_CONNECT_TIMEOUT, &secs);
	mysql_optionsv(my, MYSQL_OPT_READ_TIMEOUT, &secs);
	mysql_optionsv(my, MYSQL_OPT_WRITE_TIMEOUT, &secs);
	mysql_optionsv(my, MYSQL_OPT_RECONNECT, &no);
	mysql_optionsv(my, MYSQL_OPT_LOCAL_INFILE, NULL);
	mysql_optionsv(my, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	if (s->port != 0)
		mysql_optionsv(my, MYSQL_OPT_PROTOCOL, &tcp);
	if (verify)
		mysql_optionsv(my, MYSQL_OPT_SSL_CA, t->c.tls_ca);
	if (enforce)
		mysql_optionsv(my, MYSQL_OPT_SSL_ENFORCE, &enforce);
	mysql_optionsv(my, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
}

static int
guard_of(const struct conn *c)
{
	return (int)mysql_get_socket(c->my);
}

static int
prepare(const struct table *t, struct server *s, struct err *err)
{
	struct conn *c = s->conn;

	c->st = mysql_stmt_init(c->my);
	if (c->st == NULL)
		return err_temp(err, "4.3.0", "out of memory");
	if (mysql_stmt_prepare(c->st, t->sql, strlen(t->sql)) != 0)
		return my_err(mysql_stmt_error(c->st), s, err);
	return 0;
}

static int
connect_my(struct table *t, struct server *s, int64_t deadline,
    struct err *err)
{
	struct conn *c = xcalloc(1, sizeof(*c));
	bool path = s->port == 0;

	s->conn = c;
	c->my = mysql_init(NULL);
	if (c->my == NULL)
		return err_temp(err, "4.3.0", "out of memory");
	set_options(t, s, c->my, deadline);
	if (mysql_real_connect(c->my, path ? "localhost" : s->host, t->c.user,
	    t->c.password, t->c.dbname, s->port, path ? s->host : NULL,
	    0) == NULL)
		return my_err(mysql_error(c->my), s, err);
	return 0;
}

static int
execute(struct conn *c, const struct slice *v, int n)
{
	MYSQL_BIND bind[PARAMS_MAX];
	unsigned long len[PARAMS_MAX];
	int i;

	memset(bind, 0, sizeof(bind));
	for (i = 0; i < n; i++) {
		len[i] = v[i].n;
		bind[i].buffer_type = MYSQL_TYPE_STRING;
		bind[i].buffer = (void *)(uintptr_t)v[i].p;
		bind[i].buffer_length = v[i].n;
		bind[i].length = &len[i];
	}
	return mysql_stmt_param_count(c->st) == (unsigned long)n &&
	    mysql_stmt_bind_param(c->st, bind) == 0 &&
	    mysql_stmt_execute(c->st) == 0;
}

static void
bind_row(struct row *r, unsigned n)
{
	unsigned i;

	memset(r, 0, sizeof(*r));
	r->buf = xmalloc((size_t)n * COLUMN_MAX);
	for (i = 0; i < n; i++) {
		r->bind[i].buffer_type = MYSQL_TYPE_STRING;
		r->bind[i].buffer = r->buf + (size_t)i * COLUMN_MAX;
		r->bind[i].buffer_length = COLUMN_MAX;
		r->bind[i].length = &r->len[i];
		r->bind[i].is_null = &r->null[i];
	}
}

/* 1 or 0: done; -1: err where the answer is refused, else of the library */
static int
read_rows(struct conn *c, struct answer *a, struct err *err)
{
	unsigned n = mysql_stmt_field_count(c->st), i;
	struct slice col[COLUMNS_MAX];
	struct row row;
	int r = 1, rc = 0;

	if (n == 0 || n > COLUMNS_MAX)
		return err_temp(err, "4.3.5", "the query is no SELECT of at "
		    "most %d columns", COLUMNS_MAX);
	bind_row(&row, n);
	if (mysql_stmt_bind_result(c->st, row.bind) != 0)
		rc = 1;
	while (r > 0 && rc == 0 && (rc = mysql_stmt_fetch(c->st)) == 0) {
		for (i = 0; i < n; i++)
			col[i] = row.null[i] ? SLICE_NULL : (struct slice){
				row.bind[i].buffer, row.len[i] };
		r = answer_row(a, col, n, err);
	}
	if (rc == MYSQL_DATA_TRUNCATED)
		r = err_temp(err, "4.3.5", "a column of more than %d bytes",
		    COLUMN_MAX);
	else if (rc != 0 && rc != MYSQL_NO_DATA)
		r = -1;
	explicit_bzero(row.buf, (size_t)n * COLUMN_MAX);
	free(row.buf);
	return r;
}

/* below 2000 a server's word on this question, but for those that say that it
 * is ending, full or closed to us */
static enum fault
fault_of(unsigned code)
{
	static const unsigned ours[] = { 1040, 1041, 1042, 1044, 1045, 1049,
	    1053, 1077, 1129, 1130, 1158, 1159, 1160, 1161, 1203, 1226,
	    1927 };
	size_t i;

	for (i = 0; i < ARRAY_LEN(ours); i++)
		if (code == ours[i])
			return FAULT_SERVER;
	return code >= 2000 && code < 3000 ? FAULT_SERVER : FAULT_QUERY;
}

static int
run(struct table *t, struct server *s, const struct slice *v, int n,
    struct answer *a, struct err *err)
{
	struct conn *c = s->conn;
	int r;

	if (c->st == NULL && prepare(t, s, err) < 0)
		return -1;
	if (!execute(c, v, n))
		return my_err(mysql_stmt_error(c->st), s, err);
	r = read_rows(c, a, err);
	if (r < 0 && err->kind == ERR_NONE)
		my_err(mysql_stmt_error(c->st), s, err);
	return r;
}

static int
query(struct table *t, struct server *s, const char *key, struct answer *a,
    int64_t deadline, enum fault *fault_r, struct err *err)
{
	struct conn *c = s->conn;
	struct slice v[PARAMS_MAX];
	int n = template_params(t->query, key, v), r;
	unsigned code;

	if (n < 0)
		return 0;
	err->kind = ERR_NONE;
	guard_start(guard_of(c), deadline);
	r = run(t, s, v, n, a, err);
	guard_end();
	code = c->st != NULL ? mysql_stmt_errno(c->st) : mysql_errno(c->my);
	*fault_r = fault_of(code);
	/* a statement that failed is prepared anew: its table may be another */
	if (r >= 0) {
		mysql_stmt_free_result(c->st);
		return 0;
	}
	if (c->st != NULL && *fault_r == FAULT_QUERY)
		mysql_stmt_close(c->st);
	if (*fault_r == FAULT_QUERY)
		c->st = NULL;
	if (ms_left(deadline) == 0)
		err_temp(err, "4.3.0", "%s: no answer in time", s->name);
	return -1;
}

const struct backend be_mysql = {
	.name = "mysql",
	.fields = fields,
	.groups = JAIL_FILES | JAIL_UNIX | JAIL_INET,
	.check = check,
	.before_jail = before_jail,
	.connect = connect_my,
	.query = query,
	.disconnect = disconnect,
};
