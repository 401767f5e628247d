/*
 * db_schema.c - every statement of queue.db.
 *
 * The key of a message is the number of its id, so rows come in at the right
 * edge of their trees.  What is wanted in the order of ids has an index whose
 * equality columns come first and the id next; nothing is ever sorted.
 */
#include "queue/db_impl.h"

/* what version 2 brought: the journal */
#define QDB_SCHEMA_2 \
	"CREATE TABLE journal (done INTEGER NOT NULL);" \
	"INSERT INTO journal VALUES (0);" \
	"CREATE TABLE gone (" \
	" id INTEGER PRIMARY KEY, gen INTEGER NOT NULL);"

/*
 * What version 3 brought: who stands behind a destination; the sender of a
 * recipient's message as a number, so that its senders take turns; limits that
 * were set while we ran; what came from other queues; and up to which id
 * deliveries are in doubt.
 */
#define QDB_SCHEMA_3 \
	"ALTER TABLE dest ADD COLUMN site TEXT NOT NULL DEFAULT '';" \
	"ALTER TABLE rcpt ADD COLUMN flow INTEGER NOT NULL DEFAULT 0;" \
	"CREATE INDEX rcpt_flow ON rcpt (dest, flow, due) WHERE state = 0;" \
	"CREATE INDEX dest_site ON dest (site) WHERE site <> '';" \
	"CREATE TABLE curb (" \
	" name TEXT PRIMARY KEY, paused INTEGER NOT NULL," \
	" concurrency INTEGER NOT NULL, messages INTEGER NOT NULL," \
	" seconds INTEGER NOT NULL, since INTEGER NOT NULL," \
	" until INTEGER NOT NULL, reason TEXT NOT NULL);" \
	"CREATE TABLE imported (" \
	" id INTEGER PRIMARY KEY, at INTEGER NOT NULL);" \
	"ALTER TABLE message ADD COLUMN verp TEXT NOT NULL DEFAULT '';" \
	"ALTER TABLE journal ADD COLUMN doubt INTEGER NOT NULL DEFAULT 0;"

const char qdb_schema[] =
    "CREATE TABLE fresh ("
    " id INTEGER PRIMARY KEY, rec BLOB NOT NULL);"
    "CREATE TABLE message ("
    " id INTEGER PRIMARY KEY, sender TEXT NOT NULL, sdomain TEXT NOT NULL,"
    " ret TEXT NOT NULL, envid TEXT NOT NULL, session TEXT NOT NULL,"
    " flags INTEGER NOT NULL, size INTEGER NOT NULL, wsize INTEGER NOT NULL,"
    " created INTEGER NOT NULL, expires INTEGER NOT NULL,"
    " release_at INTEGER NOT NULL, priority INTEGER NOT NULL,"
    " hold INTEGER NOT NULL, warned INTEGER NOT NULL, reason TEXT NOT NULL);"
    "CREATE INDEX message_sender ON message (sender COLLATE NOCASE);"
    "CREATE INDEX message_sdomain ON message (sdomain);"
    "CREATE INDEX message_hold ON message (hold) WHERE hold = 1;"
    "CREATE INDEX message_scheduled ON message (hold) WHERE release_at > 0;"
    "CREATE INDEX message_expires ON message (expires) WHERE hold = 0;"
    "CREATE TABLE dest ("
    " id INTEGER PRIMARY KEY, transport TEXT NOT NULL,"
    " nexthop TEXT NOT NULL, next INTEGER, suspended INTEGER NOT NULL,"
    " window INTEGER NOT NULL, failures INTEGER NOT NULL, dsn TEXT NOT NULL,"
    " text TEXT NOT NULL, UNIQUE (nexthop, transport));"
    "CREATE INDEX dest_next ON dest (next) WHERE next IS NOT NULL;"
    "CREATE INDEX dest_suspended ON dest (suspended) WHERE suspended > 0;"
    "CREATE TABLE rcpt ("
    " msg INTEGER NOT NULL, n INTEGER NOT NULL, addr TEXT NOT NULL,"
    " domain TEXT NOT NULL, orig TEXT NOT NULL, orcpt TEXT NOT NULL,"
    " notify TEXT NOT NULL, mailbox TEXT NOT NULL, quota INTEGER NOT NULL,"
    " dest INTEGER NOT NULL, state INTEGER NOT NULL, due INTEGER NOT NULL,"
    " attempts INTEGER NOT NULL, dsn TEXT NOT NULL, text TEXT NOT NULL,"
    " peer TEXT NOT NULL, PRIMARY KEY (msg, n)) WITHOUT ROWID;"
    "CREATE INDEX rcpt_due ON rcpt (dest, due) WHERE state = 0;"
    "CREATE INDEX rcpt_report ON rcpt (due) WHERE state >= 2;"
    "CREATE INDEX rcpt_dest ON rcpt (dest, msg);"
    "CREATE INDEX rcpt_addr ON rcpt (addr COLLATE NOCASE, msg);"
    "CREATE INDEX rcpt_domain ON rcpt (domain, msg);"
    "CREATE TABLE refused ("
    " id INTEGER PRIMARY KEY, until INTEGER NOT NULL);"
    QDB_SCHEMA_2
    QDB_SCHEMA_3;

/* from one version to the next */
const char *const qdb_upgrade[] = { [1] = QDB_SCHEMA_2,
	[2] = QDB_SCHEMA_3 };

#define RCPT_COLUMNS \
	"r.msg, r.n, r.addr, r.orig, r.orcpt, r.notify, r.mailbox, r.quota," \
	" r.dest, r.state, r.due, r.attempts, r.dsn, r.text, r.peer," \
	" d.transport, d.nexthop"

const char *const qdb_sql[Q_TOTAL] = {
	[Q_BEGIN] = "BEGIN IMMEDIATE",
	[Q_COMMIT] = "COMMIT",
	[Q_ROLLBACK] = "ROLLBACK",

	[Q_FRESH_ADD] = "INSERT OR IGNORE INTO fresh VALUES (?, ?)",
	[Q_FRESH_DEL] = "DELETE FROM fresh WHERE id = ?",
	[Q_FRESH_HAS] = "SELECT 1 FROM fresh WHERE id = ?",
	[Q_FRESH_NEXT] = "SELECT id, rec FROM fresh WHERE id > ?"
	    " ORDER BY id LIMIT 1",

	[Q_MSG_LAST] = "SELECT max(id) FROM message",
	[Q_MSG_HAS] = "SELECT 1 FROM message WHERE id = ?",
	[Q_MSG_ADD] = "INSERT INTO message (id, sender, sdomain, ret, envid,"
	    " session, flags, size, wsize, created, expires, release_at,"
	    " priority, hold, warned, reason, verp)"
	    " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
	[Q_MSG_DEL] = "DELETE FROM message WHERE id = ?",
	[Q_MSG_DONE] = "DELETE FROM message WHERE id = ?1 AND NOT EXISTS"
	    " (SELECT 1 FROM rcpt WHERE msg = ?1)",
	[Q_MSG_GET] = "SELECT id, sender, ret, envid, session, flags, size,"
	    " wsize, created, expires, release_at, priority, hold, warned,"
	    " reason, verp FROM message WHERE id = ?",
	[Q_MSG_WARNED] = "UPDATE message SET warned = 1 WHERE id = ?",
	[Q_MSG_HOLD] = "UPDATE message SET hold = 1, reason = ?2"
	    " WHERE id = ?1 AND (hold = 0 OR ?2 <> '')",
	[Q_MSG_EXPIRED] = "SELECT id FROM message INDEXED BY message_expires"
	    " WHERE hold = 0 AND expires <= ? ORDER BY expires LIMIT ?",
	[Q_MSG_EXPIRES] = "UPDATE message SET expires = ?2 WHERE id = ?1",
	/* what is released after its time gets another day */
	[Q_MSG_RELEASE] = "UPDATE message SET hold = 0, release_at = 0,"
	    " expires = max(expires, ?2 + 86400), reason = ''"
	    " WHERE id = ?1 AND (hold = 1 OR release_at > ?2)",
	[Q_MSG_SCHEDULE] = "UPDATE message SET hold = 0, reason = '',"
	    " release_at = ?2, expires = max(expires, ?3) WHERE id = ?1",
	[Q_MSG_PRIORITY] = "UPDATE message SET priority = ?2 WHERE id = ?1",
	[Q_RCPT_SCHEDULE] = "UPDATE rcpt SET due = ?2, state = 0"
	    " WHERE msg = ?1 AND state IN (0, 1)",
	[Q_MSG_FREE] = "SELECT 1 FROM message WHERE id = ? AND hold = 0",

	[Q_RCPT_ADD] = "INSERT INTO rcpt (msg, n, addr, domain, orig, orcpt,"
	    " notify, mailbox, quota, dest, state, due, attempts, dsn, text,"
	    " peer, flow) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
	[Q_RCPT_DEL] = "DELETE FROM rcpt WHERE msg = ? AND n = ?",
	[Q_RCPT_DEL_ALL] = "DELETE FROM rcpt WHERE msg = ?",
	[Q_RCPT_SET] = "UPDATE rcpt SET state = ?3, due = ?4, attempts = ?5,"
	    " dsn = ?6, text = ?7, peer = ?8, quota = ?9"
	    " WHERE msg = ?1 AND n = ?2",
	[Q_RCPT_GET] = "SELECT " RCPT_COLUMNS " FROM rcpt r LEFT JOIN dest d"
	    " ON d.id = r.dest WHERE r.msg = ?1 AND (?2 < 0 OR r.state = ?2)"
	    " ORDER BY r.n LIMIT ?3",
	[Q_RCPT_HOLD] = "UPDATE rcpt SET state = 1"
	    " WHERE msg = ? AND state = 0",
	/* reports that were held back go at once, too */
	[Q_RCPT_RELEASE] = "UPDATE rcpt SET due = ?2,"
	    " state = CASE state WHEN 1 THEN 0 ELSE state END WHERE msg = ?1",
	[Q_RCPT_FLUSH] = "UPDATE rcpt SET due = ?2"
	    " WHERE msg = ?1 AND state <> 1 AND due > ?2",
	[Q_RCPT_DUE] = "SELECT " RCPT_COLUMNS " FROM rcpt r INDEXED BY"
	    " rcpt_due LEFT JOIN dest d ON d.id = r.dest"
	    " WHERE r.dest = ?1 AND r.state = 0 AND r.due <= ?2"
	    " ORDER BY r.due LIMIT ?3",
	[Q_RCPT_FLOW] = "SELECT " RCPT_COLUMNS " FROM rcpt r INDEXED BY"
	    " rcpt_flow LEFT JOIN dest d ON d.id = r.dest"
	    " WHERE r.dest = ?1 AND r.state = 0 AND r.flow = ?2"
	    " AND r.due <= ?3 ORDER BY r.due LIMIT ?4",
	[Q_RCPT_CROWD] = "SELECT count(*) FROM (SELECT 1 FROM rcpt INDEXED BY"
	    " rcpt_due WHERE dest = ? AND state = 0 AND due <= ? LIMIT ?)",
	[Q_FLOW_NEXT] = "SELECT flow FROM rcpt INDEXED BY rcpt_flow"
	    " WHERE dest = ? AND state = 0 AND flow > ?"
	    " ORDER BY flow LIMIT 1",
	[Q_RCPT_MOVE] = "UPDATE rcpt SET dest = ?3, mailbox = ?4, state = ?5,"
	    " due = ?6, addr = ?7, domain = ?8 WHERE msg = ?1 AND n = ?2",
	[Q_RCPT_NEXT] = "SELECT min(due) FROM rcpt INDEXED BY rcpt_due"
	    " WHERE dest = ? AND state = 0 AND due > ?",
	[Q_REPORT_DUE] = "SELECT msg FROM rcpt INDEXED BY rcpt_report"
	    " WHERE state >= 2 AND due <= ? ORDER BY due LIMIT ?",
	[Q_REPORT_LATER] = "UPDATE rcpt SET due = ?2"
	    " WHERE msg = ?1 AND state >= 2",

	[Q_DEST_GET] = "SELECT id, next, suspended, window, failures, dsn,"
	    " text, site FROM dest WHERE nexthop = ?2 AND transport = ?1",
	[Q_DEST_ADD] = "INSERT INTO dest (transport, nexthop, next, suspended,"
	    " window, failures, dsn, text, site) VALUES"
	    " (?1,?2,nullif(?3, 9223372036854775807),?4,?5,?6,?7,?8,?9)",
	[Q_DEST_SET] = "UPDATE dest SET next = nullif(?2, 9223372036854775807),"
	    " suspended = ?3, window = ?4, failures = ?5, dsn = ?6, text = ?7,"
	    " site = ?8 WHERE id = ?1",
	[Q_DEST_SOON] = "UPDATE dest SET next = ?2"
	    " WHERE id = ?1 AND (next IS NULL OR next > ?2)",
	/* what the admin makes due now is tried now */
	[Q_DEST_OF_MSG] = "UPDATE dest SET next = ?2, suspended = 0 WHERE id"
	    " IN (SELECT DISTINCT dest FROM rcpt WHERE msg = ?1 AND state = 0)",
	[Q_DEST_DEL] = "DELETE FROM dest WHERE id = ?1 AND NOT EXISTS"
	    " (SELECT 1 FROM rcpt WHERE dest = ?1)",
	[Q_DEST_DUE] = "SELECT id, transport, nexthop, next, suspended, window,"
	    " failures, dsn, text, site FROM dest INDEXED BY dest_next"
	    " WHERE next IS NOT NULL AND (next, id) > (?1, ?2) AND next <= ?3"
	    " ORDER BY next, id",
	[Q_DEST_IDS] = "SELECT id FROM dest WHERE nexthop = ?1"
	    " AND (?2 = '' OR transport = ?2) LIMIT ?3",

	[Q_DEST_LIST] = "SELECT id, transport, nexthop, next, suspended,"
	    " window, failures, dsn, text, site FROM dest WHERE id > ?"
	    " ORDER BY id",
	[Q_DEST_WAITING] = "SELECT count(*) FROM (SELECT 1 FROM rcpt"
	    " INDEXED BY rcpt_due WHERE dest = ? AND state = 0 LIMIT ?)",
	/* what was suspended for good may be tried; ?1 transport, ?2 next
	 * hop or '' all of them, ?3 site or '' */
	[Q_DEST_RESUME] = "UPDATE dest SET suspended = 0, next = ?4"
	    " WHERE suspended > 0 AND suspended >= ?5"
	    " AND (?1 = '' OR transport = ?1)"
	    " AND (?2 = '' OR nexthop = ?2) AND (?3 = '' OR site = ?3)",

	[Q_CURB_PUT] = "INSERT OR REPLACE INTO curb VALUES (?,?,?,?,?,?,?,?)",
	[Q_CURB_DEL] = "DELETE FROM curb WHERE name = ?",
	[Q_CURB_ALL] = "SELECT name, paused, concurrency, messages, seconds,"
	    " since, until, reason FROM curb ORDER BY name",

	[Q_IMPORTED_ADD] = "INSERT OR REPLACE INTO imported VALUES (?, ?)",
	[Q_IMPORTED_HAS] = "SELECT 1 FROM imported WHERE id = ?",
	[Q_IMPORTED_DEL] = "DELETE FROM imported WHERE id = ?",
	[Q_IMPORTED_EXPIRE] = "DELETE FROM imported WHERE at <= ?",

	[Q_REFUSE] = "INSERT OR REPLACE INTO refused VALUES (?, ?)",
	[Q_REFUSED_NEXT] = "SELECT id, until FROM refused WHERE id > ?"
	    " ORDER BY id LIMIT 1",
	[Q_REFUSED_EXPIRE] = "DELETE FROM refused WHERE until <= ?",

	[Q_JOURNAL_DONE] = "SELECT done FROM journal",
	[Q_JOURNAL_DOUBT] = "SELECT doubt FROM journal",
	[Q_JOURNAL_SET] = "UPDATE journal SET done = ?, doubt = ?",
	[Q_GONE_ADD] = "INSERT OR REPLACE INTO gone VALUES (?, ?)",
	[Q_GONE_HAS] = "SELECT 1 FROM gone WHERE id = ?",
	[Q_GONE_DEL] = "DELETE FROM gone WHERE gen <= ?",

	[Q_COUNT_MSG] = "SELECT count(*) FROM message",
	[Q_COUNT_RCPT] = "SELECT count(*) FROM rcpt",
	[Q_COUNT_HELD] = "SELECT count(*) FROM message WHERE hold = 1",
	[Q_COUNT_SCHEDULED] = "SELECT count(*) FROM message"
	    " INDEXED BY message_scheduled WHERE release_at > 0"
	    " AND hold = 0 AND release_at > ?",
	[Q_COUNT_DEST] = "SELECT count(*) FROM dest",
	[Q_COUNT_SUSPENDED] = "SELECT count(*) FROM dest"
	    " WHERE suspended > 0 AND suspended > ?",
	[Q_OLDEST] = "SELECT min(id) FROM message",
};
