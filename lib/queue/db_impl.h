/*
 * db_impl.h - what the files of queue.db share.
 */
#ifndef QUEUE_DB_IMPL_H
#define QUEUE_DB_IMPL_H

#include "queue/db.h"

#include <sqlite3.h>

enum qdb_sql {
	Q_BEGIN, Q_COMMIT, Q_ROLLBACK,
	Q_FRESH_ADD, Q_FRESH_DEL, Q_FRESH_HAS, Q_FRESH_NEXT,
	Q_MSG_HAS, Q_MSG_LAST, Q_MSG_ADD, Q_MSG_DEL, Q_MSG_DONE, Q_MSG_GET,
	Q_MSG_WARNED,
	Q_MSG_HOLD, Q_MSG_EXPIRED, Q_MSG_EXPIRES, Q_MSG_RELEASE, Q_MSG_FREE,
	Q_MSG_SCHEDULE, Q_MSG_PRIORITY, Q_RCPT_SCHEDULE,
	Q_RCPT_ADD, Q_RCPT_DEL, Q_RCPT_DEL_ALL, Q_RCPT_SET, Q_RCPT_GET,
	Q_RCPT_HOLD, Q_RCPT_RELEASE, Q_RCPT_FLUSH, Q_RCPT_DUE, Q_RCPT_NEXT,
	Q_RCPT_FLOW, Q_RCPT_CROWD, Q_FLOW_NEXT, Q_RCPT_MOVE,
	Q_REPORT_DUE, Q_REPORT_LATER,
	Q_DEST_GET, Q_DEST_ADD, Q_DEST_SET, Q_DEST_SOON, Q_DEST_OF_MSG,
	Q_DEST_DEL, Q_DEST_DUE, Q_DEST_IDS, Q_DEST_LIST, Q_DEST_WAITING,
	Q_DEST_RESUME, Q_CURB_PUT, Q_CURB_DEL, Q_CURB_ALL,
	Q_IMPORTED_ADD, Q_IMPORTED_HAS, Q_IMPORTED_EXPIRE, Q_IMPORTED_DEL,
	Q_REFUSE, Q_REFUSED_NEXT, Q_REFUSED_EXPIRE,
	Q_JOURNAL_DONE, Q_JOURNAL_DOUBT,
	Q_JOURNAL_SET, Q_GONE_ADD, Q_GONE_HAS, Q_GONE_DEL,
	Q_COUNT_MSG, Q_COUNT_RCPT, Q_COUNT_HELD,
	Q_COUNT_SCHEDULED, Q_COUNT_DEST, Q_COUNT_SUSPENDED, Q_OLDEST,
	Q_TOTAL
};
extern const char *const qdb_sql[Q_TOTAL];
extern const char qdb_schema[];
extern const char *const qdb_upgrade[];	/* by the version before */
enum { QDB_APPLICATION = 0x50525131 /* PRQ1 */, QDB_VERSION = 3 };

struct queue_db {
	sqlite3 *db;
	sqlite3_stmt *st[Q_TOTAL];
	bool corrupt;
	int wal_pages;		/* in the log after the last commit */
	/* rows, counted once and kept: -1 not counted yet */
	int64_t messages, rcpts, saved_messages, saved_rcpts;
	struct str dest_text;	/* strings of the last qdb_dest_get */
};

/* sets err from SQLite's; -1 */
int qdb_fail(struct queue_db *db, const char *what, struct err *err);
/* rows of a damaged tree, by which a walk might never end: sets err; -1 */
int qdb_disorder(struct queue_db *db, const char *what, struct err *err);
/* A statement, ready to be stepped: fmt has a letter for each parameter, i
 * int64_t, z const char *, n NULL (no argument), b const void * and size_t
 * (all must live until the reset).  NULL: err. */
sqlite3_stmt *qdb_query(struct queue_db *db, enum qdb_sql which,
    struct err *err, const char *fmt, ...);
/* the first column of all its rows, of which the caller has asked for no more
 * than he has room for; st NULL: -1.  How many, or -1; st is reset */
int qdb_ids(struct queue_db *db, sqlite3_stmt *st, int64_t *ids,
    struct err *err);
/* 1 a row, 0 done, -1 err */
int qdb_step(struct queue_db *db, sqlite3_stmt *st, struct err *err);
/* query, step to the end, reset: rows changed, or -1 */
int qdb_run(struct queue_db *db, enum qdb_sql which, struct err *err,
    const char *fmt, ...);
/* the first column of the first row: 1, 0 no row or NULL, -1 */
int qdb_number(struct queue_db *db, enum qdb_sql which, int64_t *r,
    struct err *err, const char *fmt, ...);
const char *qdb_text(sqlite3_stmt *st, int col);	/* never NULL */
/* columns of Q_RCPT_GET, Q_RCPT_DUE and Q_RCPT_FLOW from col on */
void qdb_rcpt_row(sqlite3_stmt *st, int col, struct queue_rcpt *r);

#endif
