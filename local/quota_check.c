/*
 * quota_check.c - quota of one mailbox.
 */
#include "local.h"
#include "store/quota.h"

static int
refuse(const struct rcpt *r, uint64_t size, struct err *err)
{
	if (size > r->quota)
		return err_perm(err, "5.2.3", "message is larger than the "
		    "whole mailbox may be");
	if (conf.quota_action == QUOTA_REJECT)
		return err_perm(err, "5.2.2", "mailbox is full");
	return err_temp(err, "4.2.2", "mailbox is full");
}

int
quota_check(struct store *st, const struct rcpt *r,
    const struct store_content *c, struct err *err)
{
	struct quota_use u;
	int fd, rc = 1;

	switch (store_maildir(st, r->slot.home, &fd, err)) {
	case 1:
		rc = quota_fits(fd, r->quota, c->size, &u, err);
		close(fd);
		break;
	case 0:
		rc = c->size <= r->quota;
		break;
	default:
		return -1;
	}
	if (rc == 0 && r->slot.again)
		rc = store_has(st, &r->slot, err);
	return rc == 0 ? refuse(r, c->size, err) : MIN(rc, 0);
}

int
quota_of(struct store *st, const char *home, uint64_t quota, uint64_t *used_r,
    struct err *err)
{
	struct quota_use u = { 0, 0 };
	int fd, rc = store_maildir(st, home, &fd, err);

	if (rc == 1) {
		rc = quota_used(fd, quota, &u, err);
		close(fd);
	}
	*used_r = u.bytes;
	return rc;
}

void
quota_note(struct store *st, const struct rcpt *r, int64_t bytes,
    int64_t count)
{
	struct err ignored;
	int fd;

	if (store_maildir(st, r->slot.home, &fd, &ignored) == 1) {
		quota_add(fd, bytes, count);
		close(fd);
	}
}
