/*
 * restore.c - at a start, what the journal has: a message that has no row and
 * has not left the queue comes into memory as it was, to be tried again; and
 * content that is not on the disk as it was accepted is written anew, for
 * messages with rows, too.  All stays in the journal until the next epoch.
 *
 * Content that is written anew is another file (the old one may be in a
 * mailbox already) and belongs to the queue: local copies it.
 *
 * We start whatever happens here.  What can not be done, on a full disk for
 * instance, waits: its message is not delivered, the journal is kept from its
 * generation on, and it is tried again.  A record that does not read goes into
 * queue.db as it is.
 */
#include "qmgr.h"

#include <event2/event.h>
#include <fcntl.h>
#include <sys/stat.h>

#ifndef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE 0x4000U	/* Linux 6.8 */
#endif

enum { RETRY_MS = 3000 };

struct restore {
	int64_t messages, contents, done, doubted;
	bool synced;		/* what can be written, is */
	bool failed;		/* something was not */
};

/* what waits, in the order of generations */
static struct { int64_t id, gen; } *waiting;
static size_t nwaiting, cap;
static struct event *retry_ev;

bool
restore_waits(int64_t id)
{
	size_t i;

	for (i = 0; i < nwaiting; i++)
		if (waiting[i].id == id)
			return true;
	return false;
}

int64_t
restore_limit(void)
{
	return nwaiting > 0 ? waiting[0].gen - 1 : INT64_MAX;
}

/* 1 the file has these bytes, 0, 2 there is none, -1 */
static int
is_same(const char *q, struct slice want, struct err *err)
{
	struct slice left = want;
	struct stat st;
	char buf[65536];
	ssize_t n = 0;
	int fd = -1, rc = content_open(common.spool_dir, q, &fd, err);

	if (rc != 1)
		return rc == 0 ? 2 : -1;
	if (fstat(fd, &st) < 0 || (uint64_t)st.st_size != want.n)
		rc = 0;
	while (rc == 1 && left.n > 0) {
		n = read(fd, buf, MIN(sizeof(buf), left.n));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || memcmp(buf, left.p, (size_t)n) != 0)
			rc = 0;
		else
			left = slice_sub(left, (size_t)n, left.n);
	}
	close_fd(fd);
	return rc;
}

static int
restore_content(struct restore *s, const struct journal_entry *e,
    const char *q, struct err *err)
{
	int rc = e->doubt ? 0 : is_same(q, e->content, err);

	if (rc == 1 || rc < 0)
		return MIN(rc, 0);
	s->contents++;
	/* what floated had no file */
	log_event(rc == 2 ? LOG_INFO : LOG_WARN, "restored", KS("q", q),
	    KU("bytes", e->content.n), KEND);
	epoch_unsynced(e->gen);
	return content_write(common.spool_dir, q, e->content, err);
}

static int
has_row(int64_t id, struct err *err)
{
	int rc = qdb_fresh_has(qmgr.db, id, err);

	return rc == 0 ? qdb_message_has(qmgr.db, id, err) : rc;
}

/* content, and a row for a record that does not read: 0, or -1 not now */
static int
repair(struct restore *s, const struct journal_entry *e, bool reads,
    struct err *err)
{
	char q[QID_SIZE];

	qid_print(e->id, q);
	if (!reads && qdb_fresh_add(qmgr.db, e->id, e->env, err) < 0)
		return -1;
	return e->content.p != NULL ? restore_content(s, e, q, err) : 0;
}

static void
put_off(const struct journal_entry *e, const struct err *why)
{
	char q[QID_SIZE];

	if (restore_waits(e->id))
		return;
	if (nwaiting == cap) {
		cap = cap ? 2 * cap : 16;
		waiting = xrealloc(waiting, cap * sizeof(*waiting));
	}
	waiting[nwaiting].id = e->id;
	waiting[nwaiting++].gen = e->gen;
	qid_print(e->id, q);
	log_event(LOG_ERROR, "restore-failed", KS("q", q), KERR(why), KEND);
}

/* into memory; what is noted as delivered waits only for a sync, and has need
 * of its content only for a receipt */
static int
load(struct restore *s, const struct journal_entry *e, struct err *err)
{
	char *rec = slice_dup(e->env);
	struct msg *m = msg_from_record(rec, e->env.n, ROW_NONE, err);
	struct rcpt *r;
	struct err why;

	if (m == NULL)
		return -1;
	s->messages++;
	m->gen = e->gen;
	m->again = true;
	msg_set_row(m, ROW_JOURNAL);
	LIST_FOREACH(r, &m->rcpts, of_msg) {
		if (e->done)
			epoch_loaded(r);
		else
			sched_add(r, rcpt_class(r));
	}
	if (!(e->done && epoch_ends(m)) && repair(s, e, true, &why) != 0)
		put_off(e, &why);
	return 0;
}

/* Was there an error when the kernel wrote it, while no qmgr lived?  Our next
 * syncfs need not be told, if another had been; but nobody else syncs this
 * file, and in a mailbox it is the same.  The disk is not asked to flush: that
 * would take long for many. */
static bool
was_lost(struct restore *s, int64_t id)
{
	struct err err;
	char q[QID_SIZE];
	int fd = -1, e = 0;

	qid_print(id, q);
	if (!s->synced)		/* all at once, not file by file */
		sync_spool_now(&err);
	s->synced = true;
	if (content_open(common.spool_dir, q, &fd, &err) == 1 &&
	    sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE) < 0)
		e = errno;
	close_fd(fd);
	if (e != 0)
		log_event(LOG_ERROR, "sync-failed", KS("q", q), KS("reason",
		    strerror(e)), KEND);
	return e != 0;
}

static int
on_entry(void *ctx, const struct journal_entry *from, struct err *err)
{
	struct restore *s = ctx;
	struct journal_entry copy = *from, *e = &copy;
	int rc = qdb_gone_has(qmgr.db, e->id, err), row;
	struct err why;
	bool reads;

	qmgr.last_id = MAX(qmgr.last_id, e->id);
	if (rc == 1)
		recent_add(e->id);
	if (rc != 0 || msg_find(e->id) != NULL)
		return MIN(rc, 0);
	row = has_row(e->id, err);
	if (row < 0)
		return -1;
	if (e->content.p != NULL && !e->doubt && was_lost(s, e->id)) {
		s->failed = e->doubt = true;
		e->done = false;
	}
	s->done += e->done;
	s->doubted += e->doubt;
	reads = row == 1 || record_reads(e->id, e->env, &why);
	if (row == 0 && reads)
		return load(s, e, err);
	if (repair(s, e, reads, &why) != 0)
		put_off(e, &why);
	if (!reads)
		recent_add(e->id);
	return 0;
}

static void
waits_no_more(int64_t id)
{
	size_t i, n = 0;

	for (i = 0; i < nwaiting; i++)
		if (waiting[i].id != id)
			waiting[n++] = waiting[i];
	nwaiting = n;
}

/* one that waits: it may have left meanwhile */
static int
on_again(void *ctx, const struct journal_entry *e, struct err *err)
{
	struct err why;
	int gone, row;

	if (!restore_waits(e->id))
		return 0;
	gone = qdb_gone_has(qmgr.db, e->id, err);
	row = msg_find(e->id) != NULL ? 1 : has_row(e->id, err);
	if (gone < 0 || row < 0)
		return -1;
	if (gone == 1 || repair(ctx, e, row == 1 ||
	    record_reads(e->id, e->env, &why), &why) == 0)
		waits_no_more(e->id);
	return 0;
}

static void
try_later(void)
{
	static const struct timeval tv = { RETRY_MS / 1000, 0 };

	if (nwaiting > 0 && event_add(retry_ev, &tv) < 0)
		die("event_add");
}

static void
on_retry(evutil_socket_t fd UNUSED, short what UNUSED, void *arg UNUSED)
{
	struct restore s = { 0 };
	struct err err;

	if (journal_reread(qmgr.journal, waiting[0].gen,
	    waiting[nwaiting - 1].gen, on_again, &s, &err) != 0)
		log_event(LOG_ERROR, "journal-failed", KERR(&err), KEND);
	try_later();
	epoch_wanted();		/* what was kept may go behind a sync */
}

static void
on_damaged(void *ctx UNUSED, const char *file, int64_t at)
{
	log_event(LOG_ERROR, "journal-damaged", KS("file", file),
	    KI("at", at), KEND);
}

static unsigned char boot[16];

/* 32 hexadecimal digits and dashes */
static bool
read_boot(const char *text)
{
	static const char hex[] = "0123456789abcdef";
	const char *at;
	size_t i = 0;

	for (; *text && i < 2 * sizeof(boot); text++) {
		at = memchr(hex, *text, 16);
		if (at == NULL)
			continue;
		boot[i / 2] = (unsigned char)(boot[i / 2] << 4 | (at - hex));
		i++;
	}
	return i == 2 * sizeof(boot);
}

/* What was in memory of a file system is gone when it is mounted anew: notes
 * then count as little as those of another boot. */
static void
mix_mount(unsigned char *b, const char *path)
{
	struct statx st;
	int i;

	if (statx(AT_FDCWD, path, 0, STATX_MNT_ID_UNIQUE, &st) == 0 &&
	    st.stx_mask & STATX_MNT_ID_UNIQUE)
		for (i = 0; i < 8; i++)
			b[i] ^= (unsigned char)(st.stx_mnt_id >> (8 * i));
}

void
restore_before_jail(void)
{
	size_t n;
	char *text = read_file("/proc/sys/kernel/random/boot_id", 64, &n);

	/* a random one where the system has none: then notes never count */
	if (text == NULL || !read_boot(text))
		random_bytes(boot, sizeof(boot));
	mix_mount(boot, common_path(common.spool_dir, "content"));
	mix_mount(boot + 8, common.mail_dir);
	free(text);
}

int
restore(struct err *err)
{
	struct restore s = { 0 };
	char *dir = xasprintf("%s/journal", common.spool_dir);
	struct journal_open o = { .dir = dir, .boot = boot, .fn = on_entry,
		.limit = (int64_t)qmgr.conf.journal_limit,
		.damaged = on_damaged, .ctx = &s };
	int64_t began = mono_ms();
	struct err why;
	int rc = qdb_journal_get(qmgr.db, &o.done, &qmgr.doubt, err);

	retry_ev = event_new(hub_base, -1, 0, on_retry, NULL);
	if (retry_ev == NULL)
		die("event_new");
	if (rc == 0)
		rc = journal_open(&o, &qmgr.journal, err);
	free(dir);
	if (rc == 0 && s.failed && journal_doubt(qmgr.journal,
	    journal_current(qmgr.journal), &why) != 0)
		log_event(LOG_ERROR, "journal-failed", KERR(&why), KEND);
	if (rc == 0 && (s.failed || journal_doubted(qmgr.journal)))
		qmgr.doubt = MAX(qmgr.doubt, qmgr.last_id);
	if (rc == 0)
		rc = epoch_start(o.done, err);
	try_later();
	if (rc == 0 && journal_busy(qmgr.journal, o.done))
		log_event(LOG_INFO, "replayed", KI("messages", s.messages),
		    KI("contents", s.contents), KI("done", s.done),
		    KI("doubted", s.doubted), KI("ms", mono_ms() - began),
		    KEND);
	return rc;
}
