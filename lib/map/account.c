/*
 * account.c - where the mailbox of an account is.  The router, which names
 * it to the delivery agent, and auth, which names it to the session, both
 * ask here, so that mail is read where it was delivered.
 */
#include <pwd.h>

#include "base/clock.h"
#include "conf/common.h"
#include "map/live.h"
#include "map/users.h"

enum { PASSWD_MAX = 64 * 1024 };

static void
add_folded(struct str *out, struct slice s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		str_addc(out, (char)ascii_lower((unsigned char)s.p[i]));
}

/* what the store would encode or fold is no mailbox by another name */
static bool
plain(struct slice part)
{
	size_t i;

	if (part.n == 0 || part.p[0] == '.')
		return false;
	for (i = 0; i < part.n; i++)
		if (part.p[i] == '%' || part.p[i] == '/' ||
		    (part.p[i] >= 'A' && part.p[i] <= 'Z'))
			return false;
	return true;
}

/* MAIL_DIR/DOMAIN/LOCALPART */
static int
mailbox_of_home(const char *home, struct str *out, struct err *err)
{
	struct slice rest = slice_of(home), domain;

	if (slice_starts(rest, common.mail_dir)) {
		rest = slice_sub(rest, strlen(common.mail_dir), rest.n);
		if (rest.n > 0 && rest.p[rest.n - 1] == '/')
			rest.n--;
		if (slice_starts(rest, "/")) {
			rest = slice_sub(rest, 1, rest.n);
			slice_cut(&rest, '/', &domain);
			if (plain(domain) && plain(rest)) {
				str_addf(out, "%.*s/%.*s", (int)domain.n,
				    domain.p, (int)rest.n, rest.p);
				return 0;
			}
		}
	}
	return err_temp(err, "4.3.5", "home = %s: expected %s/DOMAIN/NAME in "
	    "lower case", home, common.mail_dir);
}

static int
check_owner(const char *what, int64_t id, int64_t store, struct err *err)
{
	if (id == -1 || id == store)
		return 0;
	return err_temp(err, "4.3.5", "%s = %lld: the mailboxes of users "
	    "belong to the store (%lld)", what, (long long)id,
	    (long long)store);
}

int
user_mailbox(struct slice key, const struct user_record *u,
    struct str *out, struct err *err)
{
	size_t at = slice_rfind(key, '@');

	if (check_owner("uid", u->uid, common.uid[ROLE_STORE], err) < 0 ||
	    check_owner("gid", u->gid, common.gid[ROLE_STORE], err) < 0)
		return -1;
	if (u->home[0] != '\0')
		return mailbox_of_home(u->home, out, err);
	if (at == key.n)
		return err_temp(err, "4.3.5", "an account without a domain");
	add_folded(out, slice_sub(key, at + 1, key.n));
	str_addc(out, '/');
	add_folded(out, slice_sub(key, 0, at));
	return 0;
}

static int
find_passwd(const char *login, struct system_user *u, struct arena *a,
    struct err *err)
{
	char *buf = xmalloc(PASSWD_MAX);
	struct passwd pw, *found = NULL;
	int e = getpwnam_r(login, &pw, buf, PASSWD_MAX, &found);

	if (found != NULL) {
		u->uid = pw.pw_uid;
		u->gid = pw.pw_gid;
		u->home = arena_strdup(a, pw.pw_dir);
	}
	free(buf);
	if (found != NULL)
		return 1;
	if (e == 0 || e == ENOENT || e == ESRCH)
		return 0;
	errno = e;
	return err_sys(err, "cannot look up the account %s", login);
}

static int
parse_row(struct slice row, struct system_user *u, struct arena *a)
{
	struct slice uid, gid;
	uint64_t n;

	if (!slice_cut(&row, ':', &uid) || !slice_cut(&row, ':', &gid) ||
	    row.p == NULL || row.n == 0 || row.p[0] != '/')
		return 0;
	if (!slice_u64(slice_trim(uid), UINT32_MAX - 1, &n))
		return 0;
	u->uid = (uid_t)n;
	if (!slice_u64(slice_trim(gid), UINT32_MAX - 1, &n))
		return 0;
	u->gid = (gid_t)n;
	u->home = arena_slice(a, row);
	return 1;
}

static int
find_row(const char *login, struct system_user *u, struct arena *a,
    struct err *err)
{
	static struct map_live table;
	struct str row = STR_INIT;
	int r;

	if (table.spec == NULL)
		map_live_init(&table, common.system_users);
	r = map_live_get(&table, login, &row, err);
	if (r == 1 && !parse_row(slice_trim(slice_str(&row)), u, a))
		r = err_temp(err, "4.3.5", "%s: %s: expected login:uid:gid:"
		    "home", common.system_users, login);
	str_free(&row);
	return r;
}

int
system_user_find(const char *login, struct system_user *u, struct arena *a,
    struct err *err)
{
	int r;

	*u = (struct system_user){ (uid_t)-1, (gid_t)-1, "" };
	if (strcmp(common.system_users, "passwd") == 0)
		r = find_passwd(login, u, a, err);
	else
		r = find_row(login, u, a, err);
	if (r == 1 && u->uid < (uint64_t)common.first_uid)
		return 0;
	return r;
}
