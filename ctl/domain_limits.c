/*
 * domain_limits.c - how many mailboxes a domain may have, how much they may
 * hold, and who may say so.
 */
#include "domain.h"

#include "conf/common.h"
#include "conf/conf.h"
#include "ctl.h"
#include "map/map.h"
#include "map/users.h"

enum { FILE_MAX = 1 << 30 };

const char *acting_as;

struct entry {
	const char *domain;
	struct domain_record d;
	struct domain_use was, now;
};
struct entries {
	struct entry *v;
	size_t n;
	bool now;		/* which use is counted */
	struct err err;
};

static char *
read_table(const char *name, size_t *n, struct err *err)
{
	char *path = xasprintf("%s/%s", common.conf_dir, name);
	char *text = read_file(path, FILE_MAX, n);

	if (text == NULL && errno == ENOENT) {
		*n = 0;
		text = xstrdup("");
	} else if (text == NULL) {
		err_sys(err, "cannot read %s", path);
	}
	free(path);
	return text;
}

static const char *
domain_part(const char *name)
{
	const char *at = strrchr(name, '@');

	return at == NULL ? name : at + 1;
}

/* --- rows -------------------------------------------------------- */

static int
add_entry(void *ctx, const char *key, struct slice value)
{
	struct entries *l = ctx;
	struct entry *e;

	l->v = xrealloc(l->v, (l->n + 1) * sizeof(*l->v));
	e = &l->v[l->n++];
	*e = (struct entry){ .domain = arena_strdup(&ctl_arena, key) };
	if (domain_parse(value, &e->d, &ctl_arena, &l->err) == 0)
		return 0;
	err_prefix(&l->err, "domains: %s", key);
	return -1;
}

static int
by_name(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return strcmp(x->domain, y->domain);
}

static int
read_entries(struct entries *l, struct err *err)
{
	size_t n;
	char *text;

	*l = (struct entries){ .err = ERR_INIT };
	text = read_table("domains", &n, err);
	if (text == NULL)
		return -1;
	if (table_each((struct slice){ text, n }, add_entry, l) != 0) {
		*err = l->err;
		free(l->v);
		l->v = NULL;
	}
	free(text);
	if (l->err.kind != ERR_NONE)
		return -1;
	if (l->n > 1)
		qsort(l->v, l->n, sizeof(*l->v), by_name);
	return 0;
}

static struct entry *
find_entry(struct entries *l, const char *name)
{
	char domain[260];
	struct entry key = { .domain = domain };
	size_t i;

	slice_copy(domain, sizeof(domain), slice_of(domain_part(name)));
	for (i = 0; domain[i] != '\0'; i++)
		domain[i] = (char)ascii_lower((unsigned char)domain[i]);
	return l->n == 0 ? NULL : bsearch(&key, l->v, l->n, sizeof(*l->v),
	    by_name);
}

int
domain_row(const char *name, struct domain_record *d, struct err *err)
{
	struct entries l;
	struct entry *e;

	field_defaults(domain_fields, d, &ctl_arena);
	if (read_entries(&l, err) < 0)
		return -1;
	e = find_entry(&l, name);
	if (e != NULL)
		*d = e->d;
	free(l.v);
	return e != NULL;
}

/* --- who may ----------------------------------------------------- */

struct accounts {
	struct strlist users;
};

/* 1: one of the tables that auth asks has the account, and it may log in */
static int
in_tables(const struct strlist *tables, struct err *err)
{
	struct str value = STR_INIT;
	struct user_record u;
	struct map *m;
	size_t i;
	int r = 0;

	for (i = 0; i < tables->n && r == 0; i++) {
		if (map_open(tables->v[i], &m, err) < 0)
			return -1;
		r = map_get(m, acting_as, &value, err);
		map_close(m);
	}
	if (r > 0 && user_parse(slice_str(&value), &u, &ctl_arena, err) < 0)
		r = -1;
	if (r > 0 && u.disabled)
		r = 0;
	str_wipe(&value);
	return r;
}

/* Who was an admin and is no account any more is none; asked once. */
static int
is_account(struct err *err)
{
	static const struct field fields[] = {
		F_LIST_D(struct accounts, users, "cdb:users", ""),
		F_END
	};
	static bool known;
	struct accounts c;
	int r;

	if (known)
		return 0;
	map_set_dir(common.conf_dir);
	if (conf_pick(common_path(common.conf_dir, "auth.conf"), fields, &c,
	    &ctl_arena, err) < 0)
		return -1;
	r = in_tables(&c.users, err);
	known = r > 0;
	return r > 0 ? 0 : r < 0 ? -1 : err_perm(err, "5.7.1", "%s is no "
	    "account that may log in", acting_as);
}

int
domain_may(const char *name, struct err *err)
{
	struct domain_record d;
	int r;

	if (acting_as == NULL)
		return 0;
	r = domain_row(name, &d, err);
	if (r < 0)
		return -1;
	if (r == 1 && !d.disabled && strlist_ihas(&d.admin,
	    slice_of(acting_as)))
		return is_account(err);
	return err_perm(err, "5.7.1", "%s does not administer %s", acting_as,
	    domain_part(name));
}

int
domain_may_quota(const char *account, uint64_t quota, struct err *err)
{
	struct domain_record d;
	struct str max = STR_INIT;

	if (acting_as == NULL)
		return 0;
	if (domain_row(account, &d, err) < 0)
		return -1;
	if (quota == 0)
		quota = d.quota != 0 ? d.quota : common.default_quota;
	if (d.quota_max == 0 || (quota != 0 && quota <= d.quota_max))
		return 0;
	show_size(&max, d.quota_max);
	err_perm(err, "5.7.1", "%s may give a mailbox of %s up to %s",
	    acting_as, domain_part(account), max.s);
	str_free(&max);
	return -1;
}

/* --- what is used ------------------------------------------------ */

static int
count_row(void *ctx, const char *key, struct slice value)
{
	struct entries *l = ctx;
	struct entry *e = find_entry(l, key);
	struct domain_use *u;
	struct user_record user;
	struct arena a = { 0 };
	struct err ignored;
	uint64_t quota;

	if (e == NULL || strchr(key, '@') == NULL)
		return 0;
	u = l->now ? &e->now : &e->was;
	u->mailboxes++;
	/* a row that can not be is the compiler's to refuse */
	if (user_parse(value, &user, &a, &ignored) == 0) {
		quota = user.quota != 0 ? user.quota : e->d.quota != 0 ?
		    e->d.quota : common.default_quota;
		u->unlimited += quota == 0;
		if (add_overflows(u->storage, quota, &u->storage))
			u->storage = UINT64_MAX;
	}
	arena_wipe(&a);
	arena_free(&a);
	return 0;
}

static int
count_users(struct entries *l, struct err *err)
{
	size_t n;
	char *text = read_table("users", &n, err);

	if (text == NULL)
		return -1;
	table_each((struct slice){ text, n }, count_row, l);
	explicit_bzero(text, n);
	free(text);
	return 0;
}

int
domain_each(domain_use_fn *fn, void *ctx, struct err *err)
{
	struct entries l;
	size_t i;
	int r;

	if (read_entries(&l, err) < 0)
		return -1;
	r = count_users(&l, err);
	for (i = 0; i < l.n && r == 0; i++)
		r = fn(ctx, l.v[i].domain, &l.v[i].d, &l.v[i].was);
	free(l.v);
	return r;
}

static int
check(const struct entry *e, struct err *err)
{
	struct str now = STR_INIT, may = STR_INIT;
	int r = 0;

	if (e->d.mailboxes > 0 && e->now.mailboxes > e->d.mailboxes &&
	    e->now.mailboxes > e->was.mailboxes)
		return err_perm(err, "5.7.1", "%s may have %lld mailboxes, and "
		    "would have %lld", e->domain, (long long)e->d.mailboxes,
		    (long long)e->now.mailboxes);
	if (e->d.storage == 0)
		return 0;
	if (e->now.unlimited > e->was.unlimited)
		return err_perm(err, "5.7.1", "the storage of %s is limited: "
		    "each of its mailboxes needs a quota", e->domain);
	if (e->now.storage > e->d.storage &&
	    e->now.storage > e->was.storage) {
		show_size(&may, e->d.storage);
		show_size(&now, e->now.storage);
		r = err_perm(err, "5.7.1", "the quotas of %s may sum up to %s, "
		    "and would be %s", e->domain, may.s, now.s);
	}
	str_free(&now);
	str_free(&may);
	return r;
}

int
domain_limits_check(const struct table_edit *users, struct err *err)
{
	struct entries l;
	size_t i;
	int r;

	if (read_entries(&l, err) < 0)
		return -1;
	r = l.n > 0 ? count_users(&l, err) : 0;
	l.now = true;
	if (l.n > 0 && r == 0)
		table_each(slice_str(&users->text), count_row, &l);
	for (i = 0; i < l.n && r == 0; i++)
		r = check(&l.v[i], err);
	free(l.v);
	return r;
}
