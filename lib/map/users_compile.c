/*
 * users_compile.c - from the texts of an instance to what the programs read.
 * A row that is wrong leaves the old tables as they are.
 */
#include "map/users.h"

#include "conf/common.h"
#include "map/alias.h"
#include "map/domains.h"
#include "map/map.h"
#include "smtp/address.h"

/* the tables of one text, and who may read them */
struct target {
	const char *text, *cdb;
	enum role owner;
	mode_t mode;
	map_filter_fn *filter;
};

int
user_key_valid(struct slice key)
{
	size_t at = slice_rfind(key, '@');
	bool utf8;

	return at > 0 && at < key.n && at <= SMTP_LOCAL_MAX &&
	    smtp_domain_valid(slice_sub(key, at + 1, key.n), &utf8);
}

static int
check_row(struct slice key, struct slice value, struct err *err)
{
	struct arena a = { 0 };
	struct str mailbox = STR_INIT;
	struct user_record u;
	char shown[80];
	int r;

	if (!user_key_valid(key))
		return err_temp(err, "4.3.5", "\"%s\": expected a full "
		    "address, local@domain",
		    slice_copy(shown, sizeof(shown), key));
	r = user_parse(value, &u, &a, err);
	if (r == 0)
		r = user_mailbox(key, &u, &mailbox, err);
	str_free(&mailbox);
	arena_free(&a);
	return r;
}

static int
filter_secret(void *ctx, struct slice key, struct slice value,
    struct str *out, struct err *err)
{
	if (check_row(key, value, err) < 0)
		return -1;
	return user_filter_secret(ctx, key, value, out, err);
}

static int
filter_public(void *ctx, struct slice key, struct slice value,
    struct str *out, struct err *err)
{
	if (check_row(key, value, err) < 0)
		return -1;
	return user_filter_public(ctx, key, value, out, err);
}

static int
filter_alias(void *ctx UNUSED, struct slice key, struct slice value,
    struct str *out, struct err *err)
{
	char shown[80];

	if (alias_check(value, false, err) < 0)
		return err_prefix(err, "%s", slice_copy(shown, sizeof(shown),
		    key));
	str_addsl(out, value);
	return 1;
}

static int
filter_domain(void *ctx UNUSED, struct slice key, struct slice value,
    struct str *out, struct err *err)
{
	struct arena a = { 0 };
	struct domain_record d;
	char shown[80];
	bool utf8;
	int r = domain_parse(value, &d, &a, err);

	slice_copy(shown, sizeof(shown), key);
	if (!smtp_domain_valid(key, &utf8))
		r = err_temp(err, "4.3.5", "expected a domain");
	if (r == 0 && d.catch_all[0] != '\0')
		r = alias_check(slice_of(d.catch_all), true, err);
	if (r == 0 && d.alias_of[0] != '\0' &&
	    !smtp_domain_valid(slice_of(d.alias_of), &utf8))
		r = err_temp(err, "4.3.5", "alias_of = %s: expected a domain",
		    d.alias_of);
	if (r == 0)
		r = domain_row_check(key, &d, &a, err);
	arena_free(&a);
	if (r < 0)
		return err_prefix(err, "%s", shown);
	str_addsl(out, value);
	return 1;
}

static const struct target secret = { "users", "users.cdb", ROLE_AUTH, 0400,
	filter_secret };
static const struct target public = { "users", "mailboxes.cdb", ROLE_ROOT,
	0440, filter_public };
static const struct target aliases = { "aliases", "aliases.cdb", ROLE_ROOT,
	0440, filter_alias };
static const struct target domains = { "domains", "domains.cdb", ROLE_ROOT,
	0440, filter_domain };

static int
compile(const char *conf_dir, const struct target *t, size_t *count_r,
    struct err *err)
{
	char *text = xasprintf("%s/%s", conf_dir, t->text);
	char *cdb = xasprintf("%s/%s", conf_dir, t->cdb);
	uid_t uid = (uid_t)-1;
	gid_t gid = (gid_t)-1;
	int r;

	if (!common.single_uid) {
		uid = t->owner == ROLE_ROOT ? 0 : common.uid[t->owner];
		gid = t->owner == ROLE_ROOT ? common.suite_gid :
		    common.gid[t->owner];
	}
	r = map_compile_cdb_with(text, cdb, t->mode, uid, gid, t->filter,
	    NULL, count_r, err);
	free(text);
	free(cdb);
	return r;
}

static int
stale(const char *conf_dir, const struct target *t, struct err *err)
{
	char *text = xasprintf("%s/%s", conf_dir, t->text);
	char *cdb = xasprintf("%s/%s", conf_dir, t->cdb);
	int r = map_stale(text, cdb, err);

	free(text);
	free(cdb);
	return r;
}

int
users_compile(const char *conf_dir, size_t *count_r, struct err *err)
{
	/* who can log in has a mailbox by then */
	if (compile(conf_dir, &public, count_r, err) < 0)
		return -1;
	return compile(conf_dir, &secret, count_r, err);
}

int
aliases_compile(const char *conf_dir, size_t *count_r, struct err *err)
{
	return compile(conf_dir, &aliases, count_r, err);
}

int
users_stale(const char *conf_dir, struct err *err)
{
	int r = stale(conf_dir, &public, err);

	return r != 0 ? r : stale(conf_dir, &secret, err);
}

int
aliases_stale(const char *conf_dir, struct err *err)
{
	return stale(conf_dir, &aliases, err);
}

int
domains_compile(const char *conf_dir, size_t *count_r, struct err *err)
{
	return compile(conf_dir, &domains, count_r, err);
}

int
domains_stale(const char *conf_dir, struct err *err)
{
	return stale(conf_dir, &domains, err);
}
