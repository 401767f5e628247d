/*
 * user.c - the mail root of an account: virtual mailboxes are where the store
 * has them, a system account's mailbox is in its home.
 */
#include "store/store.h"

int
store_user_home(struct str *out, const char *root, const char *mailbox,
    const char *home, struct err *err)
{
	if (mailbox[0] == '\0') {
		str_adds(out, home);
		return 0;
	}
	str_addf(out, "%s/", root);
	return store_home(out, mailbox, err);
}

int
store_user_make(const char *root, const char *mailbox, const char *home,
    struct err *err)
{
	struct store st = { .fd = -1 };
	struct str path = STR_INIT;
	int r = 0;

	if (mailbox[0] != '\0')
		r = store_home(&path, mailbox, err);
	if (r == 0)
		r = store_open(&st, mailbox[0] != '\0' ? root : home, err);
	if (r == 0)
		r = store_make(&st, path.s, NULL, err);
	store_close(&st);
	str_free(&path);
	return r;
}
