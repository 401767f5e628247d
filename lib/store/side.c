/*
 * side.c - derived data: what can not be had is done without.  The files are
 * not synced; after a crash of the machine they may hold anything, so SQLite
 * checks its pages, and rows have to be checked by who reads them.
 */
#include "store/side.h"

#include "base/clock.h"

#include <fcntl.h>
#include <sys/file.h>

#include "store/dir.h"

enum { PAGE = 16384, CACHE_KIB = 2048, BUSY_MS = 20,
	LOCK_MS = 3000, LOCK_POLL_US = 2000 };

void
side_init(struct side *s, const struct side_kind *kind, int index)
{
	assert(kind->nsql <= SIDE_SQL_MAX);
	*s = (struct side){ .kind = kind, .index = index };
}

static void
close_db(struct side *s)
{
	size_t i;

	for (i = 0; i < SIDE_SQL_MAX; i++) {
		sqlite3_finalize(s->st[i]);
		s->st[i] = NULL;
	}
	sqlite3_close(s->db);
	s->db = NULL;
}

void
side_close(struct side *s)
{
	close_db(s);
	s->given_up = false;
}

void
side_preload(void)
{
	sqlite3 *db = NULL;

	if (sqlite3_open_v2(":memory:", &db, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK)
		sqlite3_exec(db, "CREATE TABLE t (k INTEGER PRIMARY KEY);"
		    " SELECT k FROM t", NULL, NULL, NULL);
	sqlite3_close(db);
}

bool
side_exists(const struct side *s)
{
	return s->db != NULL || (s->index >= 0 && faccessat(s->index,
	    s->kind->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
}

static void
delete_files(struct side *s)
{
	static const char *const tails[] = { "-wal", "-shm", "" };
	struct str name = STR_INIT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(tails); i++) {
		str_reset(&name);
		str_addf(&name, "%s%s", s->kind->name, tails[i]);
		unlinkat(s->index, name.s, 0);
	}
	str_free(&name);
}

static int
exec(struct side *s, const char *sql)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL);
}

static int
pragma(struct side *s, const char *name)
{
	struct str sql = STR_INIT;
	sqlite3_stmt *st = NULL;
	int v = -1;

	str_addf(&sql, "PRAGMA %s", name);
	if (sqlite3_prepare_v2(s->db, sql.s, -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		v = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	str_free(&sql);
	return v;
}

/* an empty file becomes ours: SQLITE_OK */
static int
make_schema(struct side *s)
{
	struct str sql = STR_INIT;
	int rc;

	rc = exec(s, "BEGIN IMMEDIATE");
	if (rc == SQLITE_OK && pragma(s, "user_version") == 0) {
		str_addf(&sql, "%s PRAGMA application_id = %d;"
		    " PRAGMA user_version = %d;", s->kind->schema,
		    s->kind->application, s->kind->version);
		rc = exec(s, sql.s);
	}
	if (rc == SQLITE_OK)
		rc = exec(s, "COMMIT");
	str_free(&sql);
	return rc;
}

static bool
is_ours(struct side *s)
{
	return pragma(s, "application_id") == s->kind->application &&
	    pragma(s, "user_version") == s->kind->version;
}

static int
setup(struct side *s)
{
	struct str sql = STR_INIT;
	int rc;

	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_timeout(s->db, BUSY_MS);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	str_addf(&sql, "PRAGMA trusted_schema = OFF; PRAGMA page_size = %d;"
	    " PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;"
	    " PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;"
	    " PRAGMA cache_size = -%d;", PAGE, CACHE_KIB);
	rc = exec(s, sql.s);
	str_free(&sql);
	if (rc == SQLITE_OK && pragma(s, "user_version") == 0)
		rc = make_schema(s);
	if (rc == SQLITE_OK && !is_ours(s))
		rc = SQLITE_NOTADB;
	return rc;
}

/* the path of the directory, which no symbolic link is part of */
static int
find_path(struct side *s, struct str *out)
{
	char proc[64], path[PATH_MAX];
	ssize_t n;

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", s->index);
	n = readlink(proc, path, sizeof(path) - 1);
	if (n <= 0 || path[0] != '/')
		return -1;
	str_addsl(out, (struct slice){ path, (size_t)n });
	str_addf(out, "/%s", s->kind->name);
	return 0;
}

static int
try_open(struct side *s)
{
	struct str path = STR_INIT;
	int rc = SQLITE_CANTOPEN;

	/* mode 0600, which SQLite gives the log, too */
	close_fd(dir_open(s->index, s->kind->name, O_RDWR | O_CREAT, 0600));
	if (find_path(s, &path) == 0)
		rc = sqlite3_open_v2(path.s, &s->db, SQLITE_OPEN_READWRITE |
		    SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK)
		rc = setup(s);
	if (rc != SQLITE_OK)
		close_db(s);
	str_free(&path);
	return rc & 0xff;
}

static bool
is_damage(int rc)
{
	return rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB ||
	    rc == SQLITE_ERROR || rc == SQLITE_FORMAT;
}

/* Who has it is at it for moments; who keeps it costs us what is derived. */
static int
lock_index(const struct side *s)
{
	int fd = dir_open(s->index, ".", O_RDONLY | O_DIRECTORY, 0);
	int64_t end = mono_ms() + LOCK_MS;

	while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if ((errno == EWOULDBLOCK || errno == EINTR) &&
		    mono_ms() < end) {
			usleep(LOCK_POLL_US);
			continue;
		}
		close_fd(fd);
		fd = -1;
	}
	return fd;
}

bool
side_ready(struct side *s)
{
	int lock, rc;

	if (s->db != NULL)
		return true;
	if (s->given_up || s->index < 0)
		return false;
	lock = lock_index(s);
	if (lock >= 0) {
		rc = try_open(s);
		if (is_damage(rc)) {
			delete_files(s);
			try_open(s);
		}
	}
	close_fd(lock);
	s->given_up = s->db == NULL;
	s->opened += s->db != NULL;
	return s->db != NULL;
}

static void
damaged(struct side *s)
{
	int lock = lock_index(s);

	close_db(s);
	if (lock >= 0)
		delete_files(s);
	close_fd(lock);
}

static int
bind_all(sqlite3_stmt *st, const char *fmt, va_list ap)
{
	struct slice sl;
	int i, rc = SQLITE_OK;

	for (i = 1; *fmt && rc == SQLITE_OK; fmt++, i++) {
		if (*fmt == 'i') {
			rc = sqlite3_bind_int64(st, i, va_arg(ap, int64_t));
			continue;
		}
		sl = va_arg(ap, struct slice);
		rc = *fmt == 'b' ? sqlite3_bind_blob64(st, i, sl.p, sl.n,
		    SQLITE_STATIC) : sqlite3_bind_text64(st, i, sl.p, sl.n,
		    SQLITE_STATIC, SQLITE_UTF8);
	}
	return rc;
}

static sqlite3_stmt *
vquery(struct side *s, unsigned which, const char *fmt, va_list ap)
{
	sqlite3_stmt **st = &s->st[which];
	int rc = SQLITE_OK;

	if (!side_ready(s))
		return NULL;
	if (*st == NULL)
		rc = sqlite3_prepare_v3(s->db, s->kind->sql[which], -1,
		    SQLITE_PREPARE_PERSISTENT, st, NULL);
	else
		sqlite3_reset(*st);
	if (rc == SQLITE_OK)
		rc = bind_all(*st, fmt, ap);
	if (is_damage(rc & 0xff))
		damaged(s);
	return rc == SQLITE_OK ? *st : NULL;
}

sqlite3_stmt *
side_query(struct side *s, unsigned which, const char *fmt, ...)
{
	sqlite3_stmt *st;
	va_list ap;

	va_start(ap, fmt);
	st = vquery(s, which, fmt, ap);
	va_end(ap);
	return st;
}

int
side_step(struct side *s, sqlite3_stmt *st)
{
	int rc = sqlite3_step(st);

	if (rc == SQLITE_ROW)
		return 1;
	if (rc == SQLITE_DONE)
		return 0;
	if (is_damage(rc & 0xff))
		damaged(s);
	else
		sqlite3_reset(st);
	return -1;
}

int
side_run(struct side *s, unsigned which, const char *fmt, ...)
{
	sqlite3_stmt *st;
	va_list ap;
	int r;

	va_start(ap, fmt);
	st = vquery(s, which, fmt, ap);
	va_end(ap);
	if (st == NULL)
		return -1;
	do
		r = side_step(s, st);
	while (r == 1);
	if (r == 0)
		sqlite3_reset(st);
	return r;
}

int
side_drop(struct side *s, unsigned which, int64_t key)
{
	if (side_run(s, which, "i", key) < 0)
		return -1;
	if (sqlite3_changes(s->db) > 0)
		return 0;
	damaged(s);
	return -1;
}

int
side_number(struct side *s, unsigned which, int64_t *r, const char *fmt, ...)
{
	sqlite3_stmt *st;
	va_list ap;
	int rc;

	va_start(ap, fmt);
	st = vquery(s, which, fmt, ap);
	va_end(ap);
	rc = st == NULL ? -1 : side_step(s, st);
	if (rc == 1)
		*r = sqlite3_column_int64(st, 0);
	if (rc >= 0)
		sqlite3_reset(st);
	return rc;
}

int
side_read(struct side *s)
{
	if (!side_ready(s))
		return -1;
	return exec(s, "BEGIN") == SQLITE_OK ? 0 : -1;
}

int
side_begin(struct side *s)
{
	if (!side_ready(s))
		return -1;
	return exec(s, "BEGIN IMMEDIATE") == SQLITE_OK ? 0 : -1;
}

int
side_end(struct side *s, bool ok)
{
	if (s->db == NULL)
		return -1;
	if (ok && exec(s, "COMMIT") == SQLITE_OK)
		return 0;
	exec(s, "ROLLBACK");
	return -1;
}
