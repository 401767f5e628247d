/*
 * db.c - opening queue.db, transactions, and the one way to run a statement.
 *
 * The log is moved into the file by qdb_checkpoint, not inside a commit, so
 * that no caller waits for it.  It is overwritten in place afterwards, which
 * makes the flush of a commit one data write without a change of its size.
 */
#include "queue/db_impl.h"

enum { PAGE = 4096, LOG_KEEP = 64 << 20 /* bytes; longer is cut */ };

int
qdb_fail(struct queue_db *db, const char *what, struct err *err)
{
	int rc = sqlite3_errcode(db->db);
	const char *text = sqlite3_errmsg(db->db);

	if (rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB)
		db->corrupt = true;
	return err_temp(err, rc == SQLITE_FULL ? "4.3.1" : "4.3.0",
	    "queue.db: %s: %s (%d)", what, text,
	    sqlite3_extended_errcode(db->db));
}

int
qdb_disorder(struct queue_db *db, const char *what, struct err *err)
{
	db->corrupt = true;
	return err_temp(err, "4.3.0", "queue.db: %s: ids out of order", what);
}

static int
bind_all(sqlite3_stmt *st, const char *fmt, va_list ap)
{
	const void *blob;
	int i, rc = SQLITE_OK;

	for (i = 1; *fmt && rc == SQLITE_OK; fmt++, i++)
		switch (*fmt) {
		case 'i':
			rc = sqlite3_bind_int64(st, i, va_arg(ap, int64_t));
			break;
		case 'z':
			rc = sqlite3_bind_text(st, i, va_arg(ap, const char *),
			    -1, SQLITE_STATIC);
			break;
		case 'b':
			blob = va_arg(ap, const void *);
			rc = sqlite3_bind_blob64(st, i, blob,
			    va_arg(ap, size_t), SQLITE_STATIC);
			break;
		default:
			rc = sqlite3_bind_null(st, i);
		}
	return rc;
}

static sqlite3_stmt *
vquery(struct queue_db *db, enum qdb_sql which, struct err *err,
    const char *fmt, va_list ap)
{
	sqlite3_stmt **st = &db->st[which];

	if (*st == NULL && sqlite3_prepare_v3(db->db, qdb_sql[which], -1,
	    SQLITE_PREPARE_PERSISTENT, st, NULL) != SQLITE_OK) {
		qdb_fail(db, "prepare", err);
		return NULL;
	}
	sqlite3_reset(*st);
	if (bind_all(*st, fmt, ap) != SQLITE_OK) {
		qdb_fail(db, "bind", err);
		return NULL;
	}
	return *st;
}

sqlite3_stmt *
qdb_query(struct queue_db *db, enum qdb_sql which, struct err *err,
    const char *fmt, ...)
{
	sqlite3_stmt *st;
	va_list ap;

	va_start(ap, fmt);
	st = vquery(db, which, err, fmt, ap);
	va_end(ap);
	return st;
}

int
qdb_step(struct queue_db *db, sqlite3_stmt *st, struct err *err)
{
	switch (sqlite3_step(st)) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		return 0;
	default:
		return qdb_fail(db, sqlite3_sql(st), err);
	}
}

int
qdb_ids(struct queue_db *db, sqlite3_stmt *st, int64_t *ids, struct err *err)
{
	int rc, n = 0;

	if (st == NULL)
		return -1;
	while ((rc = qdb_step(db, st, err)) == 1)
		ids[n++] = sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	return rc < 0 ? -1 : n;
}

int
qdb_run(struct queue_db *db, enum qdb_sql which, struct err *err,
    const char *fmt, ...)
{
	sqlite3_stmt *st;
	va_list ap;
	int rc;

	va_start(ap, fmt);
	st = vquery(db, which, err, fmt, ap);
	va_end(ap);
	if (st == NULL)
		return -1;
	do
		rc = qdb_step(db, st, err);
	while (rc == 1);
	sqlite3_reset(st);
	return rc < 0 ? -1 : sqlite3_changes(db->db);
}

int
qdb_number(struct queue_db *db, enum qdb_sql which, int64_t *r,
    struct err *err, const char *fmt, ...)
{
	sqlite3_stmt *st;
	va_list ap;
	int rc;

	va_start(ap, fmt);
	st = vquery(db, which, err, fmt, ap);
	va_end(ap);
	if (st == NULL)
		return -1;
	rc = qdb_step(db, st, err);
	if (rc == 1 && sqlite3_column_type(st, 0) == SQLITE_NULL)
		rc = 0;
	if (rc == 1)
		*r = sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	return rc;
}

const char *
qdb_text(sqlite3_stmt *st, int col)
{
	const unsigned char *z = sqlite3_column_text(st, col);

	return z != NULL ? (const char *)z : "";
}

static int
on_wal(void *ctx, sqlite3 *handle UNUSED, const char *name UNUSED, int pages)
{
	struct queue_db *db = ctx;

	db->wal_pages = pages;
	return SQLITE_OK;
}

static int
exec(struct queue_db *db, const char *what, const char *sql, struct err *err)
{
	if (sqlite3_exec(db->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return qdb_fail(db, what, err);
	return 0;
}

static int
pragma(struct queue_db *db, const char *sql, int64_t *r, struct err *err)
{
	sqlite3_stmt *st;
	int rc;

	if (sqlite3_prepare_v2(db->db, sql, -1, &st, NULL) != SQLITE_OK)
		return qdb_fail(db, sql, err);
	rc = qdb_step(db, st, err);
	if (rc == 1)
		*r = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return rc < 0 ? -1 : 0;
}

static int
settings(struct queue_db *db, int64_t cache_kb, struct err *err)
{
	char sql[512];

	snprintf(sql, sizeof(sql),
	    "PRAGMA locking_mode = EXCLUSIVE; PRAGMA page_size = %d;"
	    "PRAGMA secure_delete = OFF; PRAGMA temp_store = MEMORY;"
	    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
	    "PRAGMA cache_size = -%lld; PRAGMA mmap_size = 0;"
	    "PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = %d;"
	    "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON",
	    PAGE, (long long)cache_kb, LOG_KEEP);
	return exec(db, "open", sql, err);
}

/* Build what is missing: all of it, or what later versions brought. */
static int
make_schema(struct queue_db *db, int64_t version, struct err *err)
{
	char sql[64];

	snprintf(sql, sizeof(sql), "PRAGMA application_id = %d;"
	    "PRAGMA user_version = %d", QDB_APPLICATION, QDB_VERSION);
	if (exec(db, "create", "BEGIN IMMEDIATE", err) != 0)
		return -1;
	if (version == 0 && exec(db, "create", qdb_schema, err) != 0)
		return -1;
	for (; version > 0 && version < QDB_VERSION; version++)
		if (exec(db, "upgrade", qdb_upgrade[version], err) != 0)
			return -1;
	return exec(db, "create", sql, err) != 0 ? -1 :
	    exec(db, "create", "COMMIT", err);
}

static int
check_schema(struct queue_db *db, const char *path, struct err *err)
{
	int64_t app = 0, version = 0, tables = 0;

	if (pragma(db, "PRAGMA application_id", &app, err) != 0 ||
	    pragma(db, "PRAGMA user_version", &version, err) != 0 ||
	    pragma(db, "SELECT count(*) FROM sqlite_schema", &tables, err) != 0)
		return -1;
	if (app == QDB_APPLICATION && version == QDB_VERSION)
		return 0;
	if ((app != QDB_APPLICATION || version < 1 || version > QDB_VERSION) &&
	    (app != 0 || version != 0 || tables != 0))
		return err_temp(err, "4.3.0", "%s: not a queue of this "
		    "version (application %llx, version %lld, we know %d)",
		    path, (long long)app, (long long)version, QDB_VERSION);
	return make_schema(db, version, err);
}

int
qdb_open(const char *path, int64_t cache_kb, int wait_ms,
    struct queue_db **db_r, struct err *err)
{
	struct queue_db *db = xcalloc(1, sizeof(*db));
	int rc;

	/* one thread, no figures: no locks (no effect after the first) */
	sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	db->messages = db->rcpts = -1;
	db->dest_text = (struct str)STR_INIT;
	rc = sqlite3_open_v2(path, &db->db, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc != SQLITE_OK) {
		qdb_fail(db, path, err);
		qdb_close(db);
		return -1;
	}
	sqlite3_extended_result_codes(db->db, 0);
	sqlite3_busy_timeout(db->db, wait_ms);
	if (settings(db, cache_kb, err) != 0 ||
	    check_schema(db, path, err) != 0) {
		qdb_close(db);
		return -1;
	}
	sqlite3_wal_hook(db->db, on_wal, db);
	*db_r = db;
	return 0;
}

void
qdb_close(struct queue_db *db)
{
	int i;

	if (db == NULL)
		return;
	for (i = 0; i < Q_TOTAL; i++)
		sqlite3_finalize(db->st[i]);
	sqlite3_close(db->db);
	str_free(&db->dest_text);
	free(db);
}

bool
qdb_corrupt(const struct queue_db *db)
{
	return db->corrupt;
}

int
qdb_begin(struct queue_db *db, struct err *err)
{
	db->saved_messages = db->messages;
	db->saved_rcpts = db->rcpts;
	return qdb_run(db, Q_BEGIN, err, "") < 0 ? -1 : 0;
}

int
qdb_commit(struct queue_db *db, struct err *err)
{
	if (qdb_run(db, Q_COMMIT, err, "") >= 0)
		return 0;
	qdb_rollback(db);
	return -1;
}

void
qdb_rollback(struct queue_db *db)
{
	struct err err;

	db->messages = db->saved_messages;
	db->rcpts = db->saved_rcpts;
	if (!sqlite3_get_autocommit(db->db))
		qdb_run(db, Q_ROLLBACK, &err, "");
}

int
qdb_checkpoint(struct queue_db *db, int pages, struct err *err)
{
	int rc;

	if (db->wal_pages < pages || db->wal_pages == 0)
		return 0;
	rc = sqlite3_wal_checkpoint_v2(db->db, NULL, SQLITE_CHECKPOINT_PASSIVE,
	    NULL, NULL);
	if (rc == SQLITE_OK)
		db->wal_pages = 0;
	/* busy: somebody reads what would be overwritten */
	return rc == SQLITE_OK || rc == SQLITE_BUSY ? 0 :
	    qdb_fail(db, "checkpoint", err);
}
