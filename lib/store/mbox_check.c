/*
 * mbox_check.c - postrider mailbox check, repair, rebuild.  A check writes
 * nothing: the log is read as it is, the snapshot compared with it, and both
 * with the names.  A repair is what opening does anyway, from the log alone
 * and with a scan, and then a new log; a rebuild also makes a new snapshot.
 * Neither changes a UID, a flag or a keyword that can still be read.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "store/dir.h"
#include "store/mbox.h"

enum { FINDINGS_TOLD = 1000 };

struct check {
	const struct mailbox_place *p;
	mailbox_finding_fn *fn;
	void *ctx;
	int n;
	struct err *err;
};

static void found(struct check *c, const char *fmt, ...) PRINTF(2, 3);

static void
found(struct check *c, const char *fmt, ...)
{
	struct str s = STR_INIT;
	va_list ap;
	size_t i;

	if (c->n < INT_MAX)
		c->n++;
	if (c->n > FINDINGS_TOLD)
		return;
	va_start(ap, fmt);
	str_vaddf(&s, fmt, ap);
	va_end(ap);
	for (i = 0; i < s.len; i++)
		if ((unsigned char)s.s[i] < 0x20 || s.s[i] == 0x7f)
			s.s[i] = '?';
	c->fn(c->ctx, s.s);
	str_free(&s);
}

/* lines of the log that are no records */
static int
check_lines(struct check *c)
{
	int fd = dir_open(c->p->dir, ".state/log", O_RDONLY | O_NONBLOCK,
	    0);
	struct slice rest, rec;
	struct stat st;
	size_t line = 0;
	ssize_t n;
	char *buf;
	int r;

	if (fd < 0 && errno == ENOENT) {
		found(c, "there is no log: .state/log");
		return 0;
	}
	if (fd < 0 || fstat(fd, &st) < 0) {
		err_sys(c->err, "open .state/log");
		close_fd(fd);
		return -1;
	}
	buf = xmalloc((size_t)st.st_size + 1);
	n = pread(fd, buf, (size_t)st.st_size, 0);
	close(fd);
	rest = (struct slice){ buf, n > 0 ? (size_t)n : 0 };
	while ((r = mbox_log_next(&rest, &rec)) != 0) {
		line++;
		if (r < 0)
			found(c, ".state/log:%zu: bad checksum", line);
	}
	if (rest.n > 0)
		found(c, ".state/log:%zu: %zu bytes of a record that was not "
		    "finished", line + 1, rest.n);
	free(buf);
	return 0;
}

static bool
same_keywords(const struct mailbox *a, uint32_t ka, const struct mailbox *b,
    uint32_t kb)
{
	struct mailbox_keywords x = mailbox_keywords(a, ka);
	struct mailbox_keywords y = mailbox_keywords(b, kb);
	size_t i;

	if (x.n != y.n)
		return false;
	for (i = 0; i < x.n; i++)
		if (strcmp(x.v[i], y.v[i]) != 0)
			return false;
	return true;
}

/* what the snapshot makes of it, and what the log alone does */
static void
check_snapshot(struct check *c, const struct mailbox *log)
{
	struct mailbox *snap = mbox_open(c->p, MBOX_LOOK, c->err);
	const struct mailbox_msg *a, *b;
	size_t i;

	if (snap == NULL) {
		found(c, "snapshot: %s", c->err->text);
		return;
	}
	if (snap->n != log->n || snap->uidnext != log->uidnext ||
	    snap->modseq != log->modseq ||
	    snap->uidvalidity != log->uidvalidity)
		found(c, "snapshot: %zu messages, the log has %zu", snap->n,
		    log->n);
	for (i = 0; i < snap->n && i < log->n; i++) {
		a = &snap->msg[i];
		b = &log->msg[i];
		if (a->uid != b->uid || a->modseq != b->modseq ||
		    a->flags != b->flags || a->size != b->size ||
		    a->wsize != b->wsize || (a->date != b->date &&
		    b->date != MBOX_NO_DATE) ||
		    !same_keywords(snap, a->kw, log, b->kw))
			found(c, "snapshot: UID %lu is not as in the log",
			    (unsigned long)b->uid);
	}
	mbox_free(snap);
}

/* --- names ---------------------------------------------------------------- */

static void
check_file(struct check *c, const struct mailbox *mb, struct mbox_file *f,
    unsigned char *seen)
{
	const char *sub = f->sub == SUB_NEW ? "new" : "cur";
	size_t i = f->uid != 0 ? mailbox_find(mb, f->uid) : mb->n;
	const struct mailbox_msg *m = &mb->msg[i];
	struct mail_name n;
	struct stat st;

	if (i == mb->n || m->uid != f->uid) {
		if (f->sub == SUB_CUR && f->uid != 0)
			found(c, "cur/%s: UID %lu is not in the log", f->name,
			    (unsigned long)f->uid);
		return;		/* no UID: not taken in yet */
	}
	if (seen[i]++) {
		found(c, "%s/%s: a second file of UID %lu", sub, f->name,
		    (unsigned long)f->uid);
		return;
	}
	mail_name_parse(slice_of(f->name), &n);
	if (mbox_letters_parse(n.flags) != (m->file_flags & MSG_KEPT) &&
	    mbox_letters_parse(n.flags) != (m->flags & MSG_KEPT))
		found(c, "%s/%s: flags are not those of the log", sub,
		    f->name);
	if (fstatat(mb->in->sub[f->sub], f->name, &st,
	    AT_SYMLINK_NOFOLLOW) == 0 && (uint64_t)st.st_size != m->size)
		found(c, "%s/%s: %lld bytes, not %llu", sub, f->name,
		    (long long)st.st_size, (unsigned long long)m->size);
}

/* files without U=: those in the log with such a name */
static void
check_plain(struct mailbox *mb, struct mbox_scan *s, unsigned char *seen)
{
	struct str name = STR_INIT;
	struct mbox_index x;
	struct mbox_file *f;
	size_t i;
	int sub;

	mbox_index_make(&x, s);
	for (i = 0; i < mb->n; i++) {
		if (seen[i])
			continue;
		str_reset(&name);
		sub = mbox_name_file(mbox_name_get(&mb->in->st,
		    mb->msg[i].name), mb->msg[i].file_flags, &name);
		f = sub < 0 ? NULL : mbox_index_find(&x, s, sub, name.s);
		seen[i] = f != NULL && f->uid == 0;
	}
	free(x.slot);
	str_free(&name);
}

static int
check_names(struct check *c, struct mailbox *mb)
{
	struct mbox_scan s = { 0 };
	unsigned char *seen = xcalloc(mb->n + 1, 1);
	struct mbox_file *f;
	size_t i;
	int r = mbox_scan_dirs(mb, &s, true, c->err);

	if (r == 0) {
		for (f = s.v; f < s.v + s.n; f++)
			check_file(c, mb, f, seen);
		check_plain(mb, &s, seen);
		for (i = 0; i < mb->n; i++)
			if (!seen[i])
				found(c, "UID %lu has no file",
				    (unsigned long)mb->msg[i].uid);
	}
	mbox_scan_free(&s);
	free(seen);
	return r;
}

static int
check_only(struct check *c)
{
	struct mailbox_place p = *c->p;
	struct mailbox *mb;
	struct err e;
	int r;

	if (check_lines(c) < 0)
		return -1;
	p.index = -1;
	mb = mbox_open(&p, MBOX_LOOK, &e);
	if (mb == NULL) {
		found(c, "%s", e.text);
		return 0;
	}
	if (mb->in->log >= 0)
		check_snapshot(c, mb);
	if (mb->in->st.ndoom > 0)
		found(c, "%zu messages are expunged and not removed yet",
		    mb->in->st.ndoom);
	r = mb->in->log >= 0 ? check_names(c, mb) : 0;
	mbox_free(mb);
	return r;
}

/* --- repair --------------------------------------------------------------- */

/* from the log alone, with a scan, and a new log */
static int
repair(struct check *c, bool rebuild)
{
	struct mailbox_place p = *c->p;
	struct mailbox *mb;
	int r;

	p.index = -1;
	mb = mailbox_open(&p, MAILBOX_NO_RECENT, c->err);
	if (mb == NULL)
		return -1;
	if (!mb->in->writable) {
		mbox_free(mb);
		return err_perm(c->err, "5.7.8", "mailbox is read-only");
	}
	r = mbox_lock(mb, c->err);
	if (r == 0) {
		r = mbox_sync_all(mb, c->err);
		if (r == 0)
			r = mbox_settle_locked(mb, c->err);
		if (r == 0)
			r = mbox_checkpoint(mb, c->err);
		if (r < 0)
			mbox_abandon(mb);
		mbox_unlock(mb);
	}
	mailbox_purge(mb, NULL, NULL);
	if (r == 0 && c->p->index >= 0) {
		unlinkat(c->p->index, mb->id, 0);
		mb->in->index = dup(c->p->index);
		if (rebuild)
			mbox_snap_write(mb);
	}
	mbox_free(mb);
	return r;
}

int
mailbox_check(const struct mailbox_place *p, int how, mailbox_finding_fn *fn,
    void *ctx, struct err *err)
{
	struct check c = { .p = p, .fn = fn, .ctx = ctx, .err = err };

	if (check_only(&c) < 0)
		return -1;
	if (how != CHECK_ONLY && repair(&c, how == CHECK_REBUILD) < 0)
		return -1;
	return c.n;
}
