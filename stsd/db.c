/*
 * db.c - spool/sts/state.db: derived, and may be deleted.  What is written
 * within a second is one transaction; a power cut costs the last ones.  Where
 * the file can not be used, policies are kept in memory and nothing is
 * counted.
 */
#include "stsd.h"

#include <event2/event.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/common.h"

enum { BUSY_MS = 2000, COMMIT_MS = 1000, SAY_MS = 60000 };

static const char schema[] =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
    "PRAGMA trusted_schema=OFF; PRAGMA journal_size_limit=4194304;"
    "CREATE TABLE IF NOT EXISTS policy(domain TEXT PRIMARY KEY, id TEXT,"
    " mode INTEGER, mx TEXT, max_age INTEGER, fetched INTEGER,"
    " expires INTEGER, used INTEGER) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS day_domain(day INTEGER, domain TEXT,"
    " rows INTEGER, policies INTEGER, done INTEGER,"
    " PRIMARY KEY(day, domain)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS day_policy(day INTEGER, domain TEXT,"
    " pkey INTEGER, kind INTEGER, lines TEXT, mx TEXT,"
    " PRIMARY KEY(day, domain, pkey)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS day_count(day INTEGER, domain TEXT,"
    " pkey INTEGER, result INTEGER, source TEXT, mx_host TEXT, mx_helo TEXT,"
    " mx_addr TEXT, reason TEXT, n INTEGER, PRIMARY KEY(day, domain, pkey,"
    " result, source, mx_host, mx_helo, mx_addr, reason)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS outbox(number INTEGER PRIMARY KEY,"
    " day INTEGER, domain TEXT, uri TEXT, id TEXT, file TEXT, body BLOB,"
    " tries INTEGER, next INTEGER);"
    "CREATE INDEX IF NOT EXISTS outbox_next ON outbox(next);"
    "CREATE INDEX IF NOT EXISTS policy_expires ON policy(expires);";

static const char *dir, *path;
static sqlite3 *db;
static struct event *timer;
static bool open_transaction;

void
db_init(void)
{
	dir = common_path(common.spool_dir, "sts");
	path = common_path(dir, "state.db");
	/* master makes it; without root there is nobody else to own it */
	if (common.single_uid)
		(void)mkdir(dir, 0700);
	jail_path(dir, PATH_ALL);
}

static void
trouble(const char *action)
{
	static int64_t said;

	if (said != 0 && mono_ms() - said < SAY_MS)
		return;
	said = mono_ms();
	log_event(LOG_WARN, "state", KS("action", action), KS("reason",
	    db != NULL ? sqlite3_errmsg(db) : "not open"), KEND);
}

void
db_commit(void)
{
	if (!open_transaction)
		return;
	open_transaction = false;
	if (sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK)
		return;
	trouble("commit");
	sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
}

static void
on_timer(evutil_socket_t fd UNUSED, short what UNUSED, void *arg UNUSED)
{
	db_commit();
}

static void
begin(void)
{
	static const struct timeval tv = { COMMIT_MS / 1000, 0 };

	if (db == NULL || open_transaction)
		return;
	if (sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) !=
	    SQLITE_OK) {
		trouble("begin");
		return;
	}
	open_transaction = true;
	event_add(timer, &tv);
}

static int
try_open(void)
{
	int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);

	sqlite3_extended_result_codes(db, 1);
	sqlite3_busy_timeout(db, BUSY_MS);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, schema, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		return 0;
	trouble("open");
	rc &= 0xff;
	sqlite3_close_v2(db);
	db = NULL;
	return rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB ||
	    rc == SQLITE_ERROR ? 1 : -1;
}

int
db_open(struct err *err)
{
	static const char *const tails[] = { "", "-wal", "-shm" };
	size_t i;
	char *z;
	int rc;

	timer = event_new(hub_base, -1, 0, on_timer, NULL);
	if (timer == NULL)
		return err_temp(err, "4.3.0", "no timer");
	umask(077);
	rc = try_open();
	if (rc <= 0)
		return 0;
	for (i = 0; i < ARRAY_LEN(tails); i++) {
		z = xasprintf("%s%s", path, tails[i]);
		(void)unlink(z);
		free(z);
	}
	(void)try_open();
	return 0;
}

static void
bind_all(sqlite3_stmt *st, const char *types, va_list ap)
{
	const char *z;
	int i;

	for (i = 1; *types != '\0'; types++, i++)
		if (*types == 'i') {
			sqlite3_bind_int64(st, i, va_arg(ap, int64_t));
		} else {
			z = va_arg(ap, const char *);
			if (*types == 's')
				sqlite3_bind_text(st, i, z, -1,
				    SQLITE_TRANSIENT);
			else
				sqlite3_bind_blob64(st, i, z,
				    (sqlite3_uint64)va_arg(ap, int64_t),
				    SQLITE_TRANSIENT);
		}
}

static sqlite3_stmt *
prepare(const char *sql)
{
	sqlite3_stmt *st = NULL;

	if (db != NULL && sqlite3_prepare_v2(db, sql, -1, &st, NULL) !=
	    SQLITE_OK)
		trouble("prepare");
	return st;
}

int
db_run(const char *sql, const char *types, ...)
{
	sqlite3_stmt *st;
	va_list ap;
	bool good;

	begin();
	st = prepare(sql);
	if (st == NULL)
		return -1;
	va_start(ap, types);
	bind_all(st, types, ap);
	va_end(ap);
	good = sqlite3_step(st) == SQLITE_DONE;
	if (!good)
		trouble("write");
	sqlite3_finalize(st);
	return good ? sqlite3_changes(db) : -1;
}

sqlite3_stmt *
db_select(const char *sql, const char *types, ...)
{
	sqlite3_stmt *st = prepare(sql);
	va_list ap;

	if (st == NULL)
		return NULL;
	va_start(ap, types);
	bind_all(st, types, ap);
	va_end(ap);
	return st;
}

bool
db_row(sqlite3_stmt *st)
{
	int rc = st != NULL ? sqlite3_step(st) : SQLITE_DONE;

	if (rc == SQLITE_ROW)
		return true;
	if (rc != SQLITE_DONE)
		trouble("read");
	sqlite3_finalize(st);
	return false;
}

const char *
db_text(sqlite3_stmt *st, int column, struct arena *a)
{
	const unsigned char *z = sqlite3_column_text(st, column);

	return z != NULL ? arena_strdup(a, (const char *)z) : "";
}

int64_t
db_int(sqlite3_stmt *st, int column)
{
	return sqlite3_column_int64(st, column);
}

struct slice
db_blob(sqlite3_stmt *st, int column)
{
	const void *p = sqlite3_column_blob(st, column);

	return (struct slice){ p, (size_t)sqlite3_column_bytes(st, column) };
}

int64_t
db_number(int64_t otherwise, const char *sql, const char *types, ...)
{
	sqlite3_stmt *st = prepare(sql);
	int64_t n = otherwise;
	va_list ap;

	if (st == NULL)
		return n;
	va_start(ap, types);
	bind_all(st, types, ap);
	va_end(ap);
	if (sqlite3_step(st) == SQLITE_ROW)
		n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}

int
db_file(struct slice bytes, struct err *err)
{
	static unsigned number;
	char *z = xasprintf("%s/report.%d.%u", dir, (int)getpid(), number++);
	int fd = open(z, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600), rc = 0;

	if (fd < 0)
		rc = err_sys(err, "%s", z);
	else
		(void)unlink(z);
	free(z);
	if (rc == 0 && full_write(fd, bytes.p, bytes.n) < 0)
		rc = err_sys(err, "write report");
	if (rc == 0)
		return fd;
	close_fd(fd);
	return -1;
}
