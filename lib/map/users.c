/*
 * users.c - the rows of the `users` table.
 */
#include "map/record.h"

#define ID_MAX "4294967294"	/* (uid_t)-1 means none */

const struct field user_fields[] = {
	F_SECRET(struct user_record, pass, "",
	    "crypt(5) hash of the password; none: can not log in"),
	F_SIZE(struct user_record, quota, "0", NULL, NULL,
	    "bytes of mail; 0: the quota of common.conf"),
	F_INT(struct user_record, uid, "-1", "-1", ID_MAX,
	    "owner of the mailbox; -1: the user of the store"),
	F_INT(struct user_record, gid, "-1", "-1", ID_MAX,
	    "group of the mailbox; -1: the group of the store"),
	F_STR(struct user_record, home, "",
	    "directory of the mailbox; none: by domain and name"),
	F_BOOL(struct user_record, disabled, "no",
	    "yes: neither logs in nor gets mail"),
	F_END
};

int
user_parse(struct slice value, struct user_record *u, struct arena *a,
    struct err *err)
{
	if (record_parse(user_fields, u, value, a, err) != 0)
		return -1;
	if (u->home[0] != '\0' && u->home[0] != '/')
		return err_temp(err, "4.3.5",
		    "home = %s: expected an absolute path", u->home);
	return 0;
}

static int
filter(struct slice value, bool secrets, struct str *out, struct err *err)
{
	struct arena a = { 0 };
	struct user_record u;
	int r = user_parse(value, &u, &a, err);

	if (r == 0)
		record_print(user_fields, &u, secrets, out);
	arena_free(&a);
	return r == 0 ? 1 : -1;
}

int
user_filter_secret(void *ctx UNUSED, struct slice key UNUSED,
    struct slice value, struct str *out, struct err *err)
{
	return filter(value, true, out, err);
}

int
user_filter_public(void *ctx UNUSED, struct slice key UNUSED,
    struct slice value, struct str *out, struct err *err)
{
	return filter(value, false, out, err);
}
