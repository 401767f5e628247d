/*
 * users.c - the rows of the `users` table.
 */
#include "map/alias.h"
#include "map/record.h"

#define ID_MAX "4294967294"	/* (uid_t)-1 means none */

const struct field user_fields[] = {
	{ "pass", FIELD_LIST, FIELD_SECRET,
	    offsetof(struct user_record, pass), "", 0, 0, 0,
	    "hash or verifier of the password; none: can not log in" },
	{ "app", FIELD_LIST, FIELD_SECRET,
	    offsetof(struct user_record, app), "", 0, 0, 0,
	    "an app password" },
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
	F_STR(struct user_record, services, "",
	    "services that it may log in to; none: all"),
	F_BOOL(struct user_record, app_only, "no",
	    "yes: only app passwords log in"),
	F_INT(struct user_record, limit_hour, "0", "0", "1000000000",
	    "recipients an hour; 0: as configured"),
	F_INT(struct user_record, limit_day, "0", "0", "1000000000",
	    "recipients a day; 0: as configured"),
	F_INT(struct user_record, limit_new, "0", "0", "1000000000",
	    "recipients a day that it never wrote to; 0: as configured"),
	F_STR(struct user_record, forward, "",
	    "addresses that its mail goes to; none: it stays"),
	F_BOOL(struct user_record, keep, "yes",
	    "no: what is forwarded is not kept here"),
	F_STR(struct user_record, transport, "",
	    "how mail comes to it; none: the mailbox is here"),
	F_END
};

/* TO ADD A SERVICE that logs people in: its name. */
static const char *const services[] = { "imap", "pop3", "smtp", "lmtp",
	"sieve", "dav", NULL };

/* the next name of a list: 1, or 0 at its end */
static int
next_service(struct slice *rest, struct slice *name)
{
	size_t n = 0;

	while (rest->n > 0 && strchr(", +\t", rest->p[0]) != NULL)
		*rest = slice_sub(*rest, 1, rest->n);
	while (n < rest->n && strchr(", +\t", rest->p[n]) == NULL)
		n++;
	*name = slice_sub(*rest, 0, n);
	*rest = slice_sub(*rest, n, rest->n);
	return n > 0;
}

bool
service_in(const char *list, const char *service)
{
	struct slice rest = slice_of(list), name;

	if (list[0] == '\0')
		return true;
	while (next_service(&rest, &name))
		if (slice_ieqz(name, service))
			return true;
	return false;
}

int
services_check(const char *list, struct err *err)
{
	struct slice rest = slice_of(list), name;
	const char *near;
	char shown[32];
	size_t i;

	while (next_service(&rest, &name)) {
		for (i = 0; services[i] != NULL; i++)
			if (slice_ieqz(name, services[i]))
				break;
		if (services[i] != NULL)
			continue;
		near = nearest_name(services, name);
		return err_temp(err, "4.3.5", "unknown service \"%s\"%s%s%s",
		    slice_copy(shown, sizeof(shown), name),
		    near != NULL ? "; did you mean " : "",
		    near != NULL ? near : "", near != NULL ? "?" : "");
	}
	return 0;
}

int
app_parse(const char *text, struct app_password *app)
{
	struct slice rest = slice_of(text);

	if (!slice_word(&rest, &app->id) || !slice_word(&rest, &app->date) ||
	    !slice_word(&rest, &app->services) ||
	    !slice_word(&rest, &app->verifier) || app->id.n > APP_ID_MAX)
		return 0;
	app->label = slice_trim(rest);
	return slice_starts(app->verifier, "SCRAM-SHA-256$");
}

static int
check_apps(const struct user_record *u, struct err *err)
{
	struct app_password app;
	size_t i;

	if (u->app.n > APP_PASSWORDS_MAX)
		return err_temp(err, "4.3.5", "more than %d app passwords",
		    APP_PASSWORDS_MAX);
	for (i = 0; i < u->app.n; i++)
		if (!app_parse(u->app.v[i], &app))
			return err_temp(err, "4.3.5", "a malformed app "
			    "password, number %zu", i + 1);
	return 0;
}

int
user_parse(struct slice value, struct user_record *u, struct arena *a,
    struct err *err)
{
	if (record_parse(user_fields, u, value, a, err) != 0)
		return -1;
	if (u->home[0] != '\0' && u->home[0] != '/')
		return err_temp(err, "4.3.5",
		    "home = %s: expected an absolute path", u->home);
	if (services_check(u->services, err) < 0)
		return err_prefix(err, "services");
	if (u->forward[0] != '\0' &&
	    alias_check(slice_of(u->forward), true, err) < 0)
		return err_prefix(err, "forward");
	return check_apps(u, err);
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
