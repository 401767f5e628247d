/*
 * be_lmdb.c - an LMDB file that another program writes.  Keys and values are
 * bytes; a key may have been stored with the NUL at its end, as Postfix does.
 *
 * The lock file says which transaction is the last one, and stays when the
 * file is replaced: while anybody has the old one open, it speaks of that, and
 * LMDB would read a page of the new one that was never meant.  So we have the
 * file open for one question only, and what we read is compared with what the
 * file itself says.
 */
#include "base/clock.h"
#include "conf/common.h"
#include "mapd.h"

#include <lmdb.h>
#include <poll.h>
#include <sys/stat.h>

enum { TRY_MS = 10, TRIES = 20 };

struct conn {
	MDB_env *env;
};

static const struct field fields[] = {
	TABLE_FIELDS("0s"),
	F_STR(struct table_conf, path, NULL, "the file, or its directory"),
	F_STR(struct table_conf, dbname, "",
	    "the named database in it; empty: the main one"),
	F_END
};

static int
check(struct table *t, struct err *err)
{
	const char *path = t->c.path;

	if (path[0] != '/')
		path = common_path(common.conf_dir, path);
	return server_add(t, t->c.path, slice_of(path), 0, err);
}

static bool
is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Readers are registered in the lock file, which must be writable. */
static int
before_jail(struct table *t, struct err *err UNUSED)
{
	const char *path = t->server[0].host;
	struct slice dir = slice_of(path);

	if (is_dir(path)) {
		jail_path(path, PATH_READ);
		jail_path(arena_printf(&t->arena, "%s/lock.mdb", path),
		    PATH_READ | PATH_WRITE);
		return 0;
	}
	dir.n = slice_rfind(dir, '/');
	jail_path(dir.n > 0 ? arena_slice(&t->arena, dir) : "/", PATH_READ);
	jail_path(arena_printf(&t->arena, "%s-lock", path),
	    PATH_READ | PATH_WRITE);
	return 0;
}

static void
disconnect(struct server *s)
{
	struct conn *c = s->conn;

	if (c->env != NULL)
		mdb_env_close(c->env);
	free(c);
	s->conn = NULL;
}

static int
lmdb_err(int rc, const struct server *s, struct err *err)
{
	return err_temp(err, "4.3.0", "%s: %s", s->name, mdb_strerror(rc));
}

static int
connect_db(struct table *t, struct server *s, int64_t deadline UNUSED,
    struct err *err)
{
	struct conn *c = xcalloc(1, sizeof(*c));
	unsigned flags = MDB_RDONLY | MDB_NOTLS;
	struct stat st;
	int rc;

	s->conn = c;
	if (stat(s->host, &st) != 0)
		return err_sys(err, "%s", s->host);
	rc = mdb_env_create(&c->env);
	if (rc == 0)
		rc = mdb_env_set_maxdbs(c->env, 1);
	if (rc == 0)
		rc = mdb_env_open(c->env, s->host, flags |
		    (S_ISDIR(st.st_mode) ? 0 : MDB_NOSUBDIR), 0);
	(void)t;
	return rc == 0 ? 0 : lmdb_err(rc, s, err);
}

static int
get(const struct table *t, MDB_txn *txn, struct slice key, MDB_val *value)
{
	MDB_val k = { key.n, (void *)(uintptr_t)key.p };
	const char *name = t->c.dbname[0] != '\0' ? t->c.dbname : NULL;
	MDB_dbi dbi;
	int rc = mdb_dbi_open(txn, name, 0, &dbi);

	/* a database that is not there is no absent row */
	if (rc != 0)
		return rc == MDB_NOTFOUND ? MDB_BAD_DBI : rc;
	rc = mdb_get(txn, dbi, &k, value);
	if (rc == MDB_NOTFOUND) {
		k.mv_size++;
		rc = mdb_get(txn, dbi, &k, value);
	}
	return rc;
}

/* the value without the NUL that some store with it */
static int
take(MDB_val v, struct answer *a, struct err *err)
{
	struct slice col = { v.mv_data, v.mv_size };

	if (col.n > 0 && col.p[col.n - 1] == '\0')
		col.n--;
	return MIN(answer_row(a, &col, 1, err), 0);
}

/* does the lock file speak of another file?  A writer that commits meanwhile
 * looks the same */
static bool
is_stale(const struct conn *c, MDB_txn *txn)
{
	MDB_envinfo info;

	return mdb_env_info(c->env, &info) == 0 &&
	    mdb_txn_id(txn) != info.me_last_txnid;
}

/* 0; 1: the lock file is another's; -1 */
static int
read_once(struct table *t, struct server *s, const char *key,
    struct answer *a, enum fault *fault_r, struct err *err)
{
	struct conn *c = s->conn;
	MDB_val value = { 0, NULL };
	MDB_txn *txn = NULL;
	int rc, r = 0;

	rc = mdb_txn_begin(c->env, NULL, MDB_RDONLY, &txn);
	/* the file grew behind our back */
	if (rc == MDB_MAP_RESIZED && mdb_env_set_mapsize(c->env, 0) == 0)
		rc = mdb_txn_begin(c->env, NULL, MDB_RDONLY, &txn);
	if (rc == 0 && is_stale(c, txn)) {
		mdb_txn_abort(txn);
		return 1;
	}
	if (rc == 0)
		rc = get(t, txn, slice_of(key), &value);
	*fault_r = rc == MDB_NOTFOUND || rc == MDB_BAD_VALSIZE || rc == 0 ?
	    FAULT_QUERY : FAULT_SERVER;
	if (rc == 0)
		r = take(value, a, err);
	else if (rc != MDB_NOTFOUND && rc != MDB_BAD_VALSIZE)
		r = lmdb_err(rc, s, err);
	if (txn != NULL)
		mdb_txn_abort(txn);
	return r;
}

static int
query(struct table *t, struct server *s, const char *key, struct answer *a,
    int64_t deadline, enum fault *fault_r, struct err *err)
{
	int i, r;

	for (i = 0; i < TRIES; i++) {
		r = read_once(t, s, key, a, fault_r, err);
		disconnect(s);
		if (r <= 0)
			return r;
		/* others of us have it open for a moment only, too */
		if (ms_left(deadline) <= TRY_MS)
			break;
		poll(NULL, 0, TRY_MS);
		if (connect_db(t, s, deadline, err) < 0)
			return -1;
	}
	return err_temp(err, "4.3.0", "%s: it was replaced while a program "
	    "had it open, which still has, or it is written without pause",
	    s->name);
}

const struct backend be_lmdb = {
	.name = "lmdb",
	.fields = fields,
	.groups = JAIL_FILES | JAIL_SQLITE,
	.check = check,
	.before_jail = before_jail,
	.connect = connect_db,
	.query = query,
	.disconnect = disconnect,
	.maps_all = true,
};
