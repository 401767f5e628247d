/*
 * be_sqlite.c - a database in a file, opened to read.  Another program writes
 * it: a file that was replaced is opened anew.
 */
#include "base/clock.h"
#include "conf/common.h"
#include "mapd.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

struct conn {
	sqlite3 *db;
	sqlite3_stmt *st;
	dev_t dev;
	ino_t ino;
	int64_t deadline;
};

static const struct field fields[] = {
	TABLE_FIELDS("0s"), TABLE_ROW_FIELDS,
	F_STR(struct table_conf, path, NULL, "the database"),
	F_STR(struct table_conf, query, NULL,
	    "a SELECT; %s key, %u local part, %d domain"),
	F_END
};

static void
mark(size_t n, struct str *out)
{
	str_addf(out, "?%zu", n);
}

static int
check(struct table *t, struct err *err)
{
	int r = table_query(t, mark, err);

	if (r == 0)
		r = server_add(t, t->c.path, slice_of(t->c.path), 0, err);
	t->c.max_idle = INT64_MAX;
	if (r == 0 && t->c.path[0] != '/')
		t->server[0].host = common_path(common.conf_dir, t->c.path);
	return r;
}

/* a database in WAL mode is read together with two files beside it, which a
 * reader may have to make */
static bool
uses_wal(const char *path)
{
	unsigned char head[20] = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	bool yes = fd >= 0 && pread(fd, head, sizeof(head), 0) ==
	    (ssize_t)sizeof(head) && head[18] == 2;

	close_fd(fd);
	return yes;
}

static int
before_jail(struct table *t, struct err *err UNUSED)
{
	const char *path = t->server[0].host;
	struct slice dir = slice_of(path);

	dir.n = slice_rfind(dir, '/');
	jail_path(dir.n > 0 ? arena_slice(&t->arena, dir) : "/",
	    uses_wal(path) ? PATH_ALL : PATH_READ);
	return 0;
}

static void
disconnect(struct server *s)
{
	struct conn *c = s->conn;

	sqlite3_finalize(c->st);
	sqlite3_close(c->db);
	free(c);
	s->conn = NULL;
}

static int
sql_err(const struct conn *c, const char *path, struct err *err)
{
	return err_temp(err, "4.3.0", "%s: %s", path, c->db != NULL ?
	    sqlite3_errmsg(c->db) : "out of memory");
}

/* ends what takes too long */
static int
on_progress(void *ctx)
{
	const struct conn *c = ctx;

	return mono_ms() > c->deadline;
}

static int
connect_db(struct table *t UNUSED, struct server *s, int64_t deadline,
    struct err *err)
{
	struct conn *c = xcalloc(1, sizeof(*c));
	struct stat st;

	s->conn = c;
	c->deadline = deadline;
	if (stat(s->host, &st) != 0)
		return err_sys(err, "%s", s->host);
	c->dev = st.st_dev;
	c->ino = st.st_ino;
	if (sqlite3_open_v2(s->host, &c->db, SQLITE_OPEN_READONLY |
	    SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		return sql_err(c, s->host, err);
	sqlite3_progress_handler(c->db, 1000, on_progress, c);
	sqlite3_limit(c->db, SQLITE_LIMIT_LENGTH, 1 << 20);
	return 0;
}

static bool
replaced(const struct conn *c, const char *path)
{
	struct stat st;

	return stat(path, &st) != 0 || st.st_dev != c->dev ||
	    st.st_ino != c->ino;
}

/* 0 the end, -1: *result is of sqlite, or err is set */
static int
read_rows(sqlite3_stmt *st, struct answer *a, int *result, struct err *err)
{
	struct slice col[COLUMNS_MAX];
	int i, n = MIN(sqlite3_column_count(st), (int)COLUMNS_MAX), r = 1;

	while (r == 1 && (*result = sqlite3_step(st)) == SQLITE_ROW) {
		for (i = 0; i < n; i++)
			col[i] = (struct slice){
				(const char *)sqlite3_column_text(st, i),
				(size_t)sqlite3_column_bytes(st, i) };
		r = answer_row(a, col, (size_t)n, err);
	}
	if (r < 0)
		return -1;
	return r == 0 || *result == SQLITE_DONE ? 0 : -1;
}

static int
prepare(struct table *t, struct conn *c)
{
	if (c->st != NULL)
		return SQLITE_OK;
	return sqlite3_prepare_v2(c->db, t->sql, -1, &c->st, NULL);
}

/* a statement that is wrong is the question's fault, the rest the file's */
static enum fault
fault_of(int result)
{
	return result == SQLITE_ERROR || result == SQLITE_ROW ||
	    result == SQLITE_RANGE || result == SQLITE_TOOBIG ||
	    result == SQLITE_OK ? FAULT_QUERY : FAULT_SERVER;
}

static int
query(struct table *t, struct server *s, const char *key, struct answer *a,
    int64_t deadline, enum fault *fault_r, struct err *err)
{
	struct slice v[PARAMS_MAX];
	struct conn *c = s->conn;
	int i, r, result, n = template_params(t->query, key, v);

	if (n < 0)
		return 0;
	if (replaced(c, s->host)) {
		disconnect(s);
		if (connect_db(t, s, deadline, err) < 0)
			return -1;
		c = s->conn;
	}
	c->deadline = deadline;
	sqlite3_busy_timeout(c->db, ms_left(deadline));
	err->kind = ERR_NONE;
	result = prepare(t, c);
	if (result == SQLITE_OK && !sqlite3_stmt_readonly(c->st))
		return err_temp(err, "4.3.5", "the query is no SELECT");
	for (i = 0; i < n && result == SQLITE_OK; i++)
		result = sqlite3_bind_text(c->st, i + 1, v[i].p, (int)v[i].n,
		    SQLITE_STATIC);
	r = result == SQLITE_OK ? read_rows(c->st, a, &result, err) : -1;
	*fault_r = fault_of(result);
	if (r < 0 && err->kind == ERR_NONE)
		sql_err(c, s->host, err);
	if (c->st != NULL) {
		sqlite3_reset(c->st);
		sqlite3_clear_bindings(c->st);
	}
	return r;
}

const struct backend be_sqlite = {
	.name = "sqlite",
	.fields = fields,
	.groups = JAIL_FILES | JAIL_SQLITE,
	.check = check,
	.before_jail = before_jail,
	.connect = connect_db,
	.query = query,
	.disconnect = disconnect,
};
