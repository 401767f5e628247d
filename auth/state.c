/*
 * state.c - what auth remembers, in spool/auth/state.db: derived, but for the
 * secret, and may be deleted.
 *
 * Better verifiers are found by a digest of those that they were made from, so
 * what an admin writes into `users` wins at once.  Where the database can not
 * be used, logins go on without it.
 */
#include <sqlite3.h>
#include <sys/stat.h>

#include "auth.h"

#include "base/clock.h"
#include "base/log.h"
#include "conf/common.h"
#include "sasl/password.h"

enum { BUSY_MS = 1000, RETRY_MS = 60000, USED_EVERY_S = 600,
	KEEP_ROWS = 1000000, ANSWERS = 1024 };

static const char schema[] =
    "PRAGMA synchronous=NORMAL;"
    "CREATE TABLE IF NOT EXISTS secret(id INTEGER PRIMARY KEY, v BLOB);"
    "CREATE TABLE IF NOT EXISTS better(digest BLOB PRIMARY KEY, v TEXT,"
    " made INTEGER);"
    "CREATE TABLE IF NOT EXISTS used(account TEXT, app TEXT, at INTEGER,"
    " client TEXT, PRIMARY KEY(account, app)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS shape(hash INTEGER, place INTEGER, who BLOB,"
    " iterations INTEGER, salt_len INTEGER, PRIMARY KEY(hash, place))"
    " WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS refused(hash BLOB PRIMARY KEY, at INTEGER)"
    " WITHOUT ROWID;";

static const char *path;
static sqlite3 *db;
static int64_t retry_at;	/* mono_ms: not before */
static unsigned char secret[32];
static bool have_secret;

void
state_init(void)
{
	const char *dir = common_path(common.spool_dir, "auth");

	/* master makes it; without root there is nobody else to own it */
	if (common.single_uid)
		(void)mkdir(dir, 0700);
	path = common_path(dir, "state.db");
	jail_path(dir, PATH_ALL);
}

static int
trouble(const char *what)
{
	log_event(LOG_WARN, "state", KS("action", what),
	    KS("reason", db != NULL ? sqlite3_errmsg(db) : "no memory"),
	    KEND);
	sqlite3_close_v2(db);
	db = NULL;
	retry_at = mono_ms() + RETRY_MS;
	return -1;
}

static int
open_db(void)
{
	if (db != NULL)
		return 0;
	if (retry_at > mono_ms())
		return -1;
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		return trouble("open");
	sqlite3_busy_timeout(db, BUSY_MS);
	if (sqlite3_exec(db, schema, NULL, NULL, NULL) != SQLITE_OK)
		return trouble("schema");
	return 0;
}

sqlite3_stmt *
state_query(const char *sql)
{
	sqlite3_stmt *st = NULL;

	if (open_db() < 0)
		return NULL;
	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
		trouble("prepare");
	return st;
}

void
state_run(sqlite3_stmt *st, const char *what)
{
	bool good = sqlite3_step(st) == SQLITE_DONE;

	sqlite3_finalize(st);
	if (!good)
		trouble(what);
}

/* the first who asks draws it for all */
static void
load_secret(void)
{
	unsigned char mine[32];
	sqlite3_stmt *st;

	random_bytes(mine, sizeof(mine));
	memcpy(secret, mine, sizeof(secret));
	st = state_query("INSERT OR IGNORE INTO secret VALUES(1, ?)");
	if (st == NULL)
		return;
	sqlite3_bind_blob(st, 1, mine, sizeof(mine), SQLITE_STATIC);
	state_run(st, "secret");
	st = state_query("SELECT v FROM secret WHERE id = 1");
	if (st == NULL)
		return;
	if (sqlite3_step(st) == SQLITE_ROW &&
	    sqlite3_column_bytes(st, 0) == (int)sizeof(secret))
		memcpy(secret, sqlite3_column_blob(st, 0), sizeof(secret));
	sqlite3_finalize(st);
}

const unsigned char *
state_secret(void)
{
	if (!have_secret)
		load_secret();
	have_secret = true;
	return secret;
}

bool
state_changed(struct stat *last)
{
	struct stat st;
	bool same;

	if (stat(path, &st) != 0)
		memset(&st, 0, sizeof(st));
	same = st.st_ino == last->st_ino && st.st_size == last->st_size &&
	    st.st_mtim.tv_sec == last->st_mtim.tv_sec &&
	    st.st_mtim.tv_nsec == last->st_mtim.tv_nsec;
	*last = st;
	return !same;
}

static void
digest_of(const struct strlist *pass, unsigned char digest[32])
{
	struct str all = STR_INIT;
	size_t i, n = 1;

	for (i = 0; i < pass->n; i++)
		n += strlen(pass->v[i]) + 1;
	str_grow(&all, n);
	for (i = 0; i < pass->n; i++)
		str_addf(&all, "%s\n", pass->v[i]);
	scram_hmac256(state_secret(), sizeof(secret), slice_str(&all),
	    digest);
	explicit_bzero(all.s, all.len);
	str_free(&all);
}

/* --- what the last questions were answered, while the file is the same.  A
 * change that its time does not show costs nothing but a better verifier. */
static struct answer {
	unsigned char digest[32];
	bool known;
	char *text;		/* NULL: there is none */
} answers[ANSWERS];
static struct stat answered;

static void
forget(struct answer *a)
{
	if (a->text != NULL)
		explicit_bzero(a->text, strlen(a->text));
	free(a->text);
	*a = (struct answer){ .known = false };
}

/* its place, empty where the answer is not known */
static struct answer *
recall(const unsigned char digest[32])
{
	struct answer *a = &answers[(digest[0] | digest[1] << 8) % ANSWERS];
	size_t i;

	if (state_changed(&answered))
		for (i = 0; i < ANSWERS; i++)
			forget(&answers[i]);
	if (a->known && memcmp(a->digest, digest, 32) != 0)
		forget(a);
	return a;
}

/* 0, or -1: not to be found out */
static int
ask(struct answer *a, const unsigned char digest[32])
{
	sqlite3_stmt *st = state_query("SELECT v FROM better WHERE digest = ?");

	if (st == NULL)
		return -1;
	sqlite3_bind_blob(st, 1, digest, 32, SQLITE_STATIC);
	if (sqlite3_step(st) == SQLITE_ROW)
		a->text = xstrdup((const char *)sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
	memcpy(a->digest, digest, 32);
	a->known = true;
	return 0;
}

int
state_better(const struct strlist *pass, struct str *out)
{
	unsigned char digest[32];
	struct answer *a;

	digest_of(pass, digest);
	a = recall(digest);
	if (!a->known && ask(a, digest) < 0)
		return 0;
	if (a->text == NULL)
		return 0;
	str_adds(out, a->text);
	return 1;
}

static bool
wants_scram(const struct strlist *pass)
{
	struct scram_verifier v;
	size_t i;

	for (i = 0; i < pass->n; i++)
		if (scram_parse(slice_of(pass->v[i]), &v) == 1 &&
		    v.hash == SCRAM_SHA256)
			return false;
	return strlist_ihas(&conf.mechanisms, SLICE_LIT("SCRAM-SHA-256")) ||
	    strlist_ihas(&conf.mechanisms, SLICE_LIT("SCRAM-SHA-256-PLUS"));
}

/* is it not of today's scheme? */
static bool
wants_hash(const char *first)
{
	struct scram_verifier v;

	return scram_parse(slice_of(first), &v) == 0 &&
	    !sasl_password_current(first);
}

/* What CRAM-MD5 needs stays, behind the hash. */
static bool
is_for_cram(const char *first)
{
	return (slice_istarts(slice_of(first), "{CRAM-MD5}") ||
	    slice_istarts(slice_of(first), "{PLAIN}")) &&
	    strlist_ihas(&conf.mechanisms, SLICE_LIT("CRAM-MD5"));
}

static void
put(const struct strlist *pass, struct slice text)
{
	unsigned char digest[32];
	sqlite3_stmt *st;

	digest_of(pass, digest);
	st = state_query("INSERT OR REPLACE INTO better VALUES(?, ?, ?)");
	if (st == NULL)
		return;
	sqlite3_bind_blob(st, 1, digest, sizeof(digest), SQLITE_STATIC);
	sqlite3_bind_text(st, 2, text.p, (int)text.n, SQLITE_STATIC);
	sqlite3_bind_int64(st, 3, wall_s());
	state_run(st, "upgrade");
	st = state_query("DELETE FROM better WHERE rowid <= "
	    "(SELECT max(rowid) FROM better) - ?");
	if (st == NULL)
		return;
	sqlite3_bind_int64(st, 1, KEEP_ROWS);
	state_run(st, "upgrade");
}

void
state_upgrade(const struct strlist *pass, const char *password)
{
	bool hash = wants_hash(pass->v[0]), scram = wants_scram(pass);
	struct str text = STR_INIT;
	struct scram_verifier v;
	struct err err = ERR_INIT;
	size_t i;
	int r = 0;

	if (!hash && !scram)
		return;
	if (hash)
		r = sasl_password_hash(&text, password, &err);
	else
		str_adds(&text, pass->v[0]);
	str_addc(&text, '\n');
	if (hash && is_for_cram(pass->v[0]))
		str_addf(&text, "%s\n", pass->v[0]);
	for (i = 1; i < pass->n; i++)
		str_addf(&text, "%s\n", pass->v[i]);
	/* a password that can not be prepared has none, and needs none */
	if (scram && scram_make(SCRAM_SHA256,
	    (uint32_t)common.scram_iterations, password, &v, &err) == 0)
		scram_print(&v, &text);
	else if (!hash)
		r = -1;
	if (r == 0)
		put(pass, slice_str(&text));
	explicit_bzero(&v, sizeof(v));
	explicit_bzero(text.s, text.len);
	str_free(&text);
}

void
state_used(const char *account, const char *app, const char *client)
{
	sqlite3_stmt *st = state_query("INSERT INTO used "
	    "VALUES(?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE "
	    "SET at = ?3, client = ?4 WHERE at < ?3 - ?5");

	if (st == NULL)
		return;
	sqlite3_bind_text(st, 1, account, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, app, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 3, wall_s());
	sqlite3_bind_text(st, 4, client, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 5, USED_EVERY_S);
	state_run(st, "used");
}
