/*
 * virtual.c - mailboxes below mail_dir, all of the store's uid.  The root is
 * looked at once a batch: a disk that was mounted or vanished meanwhile is
 * noticed, and what can not be reached is deferred.
 */
#include "base/log.h"
#include "local.h"
#include "store/notice.h"

static struct store root = { .fd = -1 };
static struct store_batch batch;
static bool open_batch, moved;
static struct stat jailed;	/* the root that the jail lets us into */

void
virtual_jail(void)
{
	if (stat(common.mail_dir, &jailed) < 0)
		jailed = (struct stat){ 0 };
	jail_path(common.mail_dir, PATH_ALL | PATH_LINK);
	/* a link may not gain rights: as writable as the mail root */
	jail_path(common_path(common.spool_dir, "content"),
	    PATH_READ | PATH_WRITE | PATH_LINK);
}

/* A disk was mounted since we closed the jail: only another process can go
 * there, and master starts one. */
void
virtual_check(void)
{
	if (!moved)
		return;
	log_event(LOG_WARN, "mail-dir", KS("path", common.mail_dir), KEND);
	exit(0);
}

/* 0 or -1: the mail root can not be used now */
static int
begin(struct err *err)
{
	int r;

	if (open_batch)
		return 0;
	if (root.path == NULL)
		r = store_open(&root, common.mail_dir, err);
	else
		r = store_refresh(&root, err);
	if (r < 0)
		return -1;
	moved = root.dev != jailed.st_dev || root.ino != jailed.st_ino;
	if (moved)
		return err_temp(err, "4.3.0", "mail directory %s was replaced",
		    common.mail_dir);
	store_batch_init(&batch, &root);
	open_batch = true;
	return 0;
}

void
virtual_deliver(struct job *j, struct rcpt *r)
{
	const struct store_content *c = rcpt_content(j, r);
	struct err err;
	int made;

	if (begin(&err) < 0) {
		rcpt_fail(r, &err);
		r->dest_trouble = true;
		return;
	}
	if (r->quota > 0 && quota_check(&root, r, c, &err) < 0) {
		rcpt_fail(r, &err);
		return;
	}
	batch.synced = j->synced;
	made = store_deliver(&batch, c, &r->slot, &err);
	if (made < 0) {
		rcpt_fail(r, &err);
		return;
	}
	if (made == 2)
		log_event(LOG_WARN, "repaired", KS("q", j->q),
		    KS("to", r->addr), KS("mailbox", r->mailbox), KEND);
	r->made = made == 1;
	if (r->made && r->quota > 0)
		quota_note(&root, r, (int64_t)c->size, 1);
}

static void
take_back(struct job *j, struct rcpt *r, const struct err *err)
{
	const struct store_content *c = rcpt_content(j, r);

	if (r->status != AGENT_DELIVERED)
		return;
	if (r->made)
		store_undo(&root, c, &r->slot);
	if (r->made && r->quota > 0)
		quota_note(&root, r, -(int64_t)c->size, -1);
	rcpt_fail(r, err);
	r->dest_trouble = true;
}

/* who watches these mailboxes */
static void
tell(const struct job *jobs, size_t n)
{
	char folder[PATH_MAX];
	size_t i, k;

	for (i = 0; i < n; i++)
		for (k = 0; k < jobs[i].n; k++) {
			if (!jobs[i].rcpt[k].made)
				continue;
			snprintf(folder, sizeof(folder), "%s/Maildir",
			    jobs[i].rcpt[k].slot.home);
			notice_note(folder);
		}
	notice_flush();
}

void
virtual_sync(struct job *jobs, size_t n)
{
	struct err err;
	size_t i, k;

	if (!open_batch)
		return;
	open_batch = false;
	if (store_sync(&batch, &err) == 0) {
		tell(jobs, n);
		return;
	}
	for (i = 0; i < n; i++)
		for (k = 0; k < jobs[i].n; k++)
			take_back(&jobs[i], &jobs[i].rcpt[k], &err);
}

int
virtual_quota(const char *mailbox, uint64_t quota, uint64_t *used_r,
    struct err *err)
{
	struct str home = STR_INIT;
	int r = -1;

	if (store_home(&home, mailbox, err) == 0 && begin(err) == 0)
		r = quota_of(&root, home.s, quota, used_r, err);
	str_free(&home);
	return r;
}
