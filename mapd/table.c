/*
 * table.c - the files of options.  They are read while the process may still
 * read them, and never again: a changed one counts from the next reload.
 */
#include "conf/common.h"
#include "conf/conf.h"
#include "mapd.h"

#include <sys/stat.h>

/* TO ADD A KIND: a line; NULL: this build has none of it */
static const struct kind {
	const char *name;
	const struct backend *be;
} kinds[] = {
	{ "sqlite", &be_sqlite },
#ifdef HAVE_PGSQL
	{ "pgsql", &be_pgsql },
#else
	{ "pgsql", NULL },
#endif
#ifdef HAVE_LDAP
	{ "ldap", &be_ldap },
#else
	{ "ldap", NULL },
#endif
#ifdef HAVE_MYSQL
	{ "mysql", &be_mysql },
#else
	{ "mysql", NULL },
#endif
#ifdef HAVE_LMDB
	{ "lmdb", &be_lmdb },
#else
	{ "lmdb", NULL },
#endif
#ifdef HAVE_OAUTH
	{ "oauth", &be_oauth },
	{ "jwks", &be_jwks },
	{ "refresh", &be_refresh },
#else
	{ "oauth", NULL },
	{ "jwks", NULL },
	{ "refresh", NULL },
#endif
};

static struct table **tables;
static size_t ntables;

struct table *
table_at(size_t i)
{
	return i < ntables ? tables[i] : NULL;
}

struct table *
table_find(const char *spec)
{
	size_t i;

	for (i = 0; i < ntables; i++)
		if (strcmp(tables[i]->spec, spec) == 0)
			return tables[i];
	return NULL;
}

static const struct backend *
find_kind(struct slice name, const char *spec, struct err *err)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(kinds); i++)
		if (slice_eqz(name, kinds[i].name))
			break;
	if (i == ARRAY_LEN(kinds))
		err_perm(err, "5.3.5", "%s: no type of table that mapd has",
		    spec);
	else if (kinds[i].be == NULL)
		err_perm(err, "5.3.5", "%s: this build has no %s", spec,
		    kinds[i].name);
	return i < ARRAY_LEN(kinds) ? kinds[i].be : NULL;
}

/* A file with a password is for root, or for the group that mapd runs in. */
static int
check_mode(const struct table *t, struct err *err)
{
	const struct table_conf *c = &t->c;
	struct stat st;

	if (c->password[0] == '\0' && c->client_secret[0] == '\0' &&
	    c->refresh_token[0] == '\0')
		return 0;
	if (stat(t->path, &st) != 0)
		return err_sys(err, "%s", t->path);
	if (st.st_mode & 07)
		return err_perm(err, "5.3.5", "%s holds a password and all may "
		    "read it: chmod 600", t->path);
	if ((st.st_mode & 070) && st.st_gid != 0 && !common.single_uid &&
	    st.st_gid != common.gid[ROLE_MAPS])
		return err_perm(err, "5.3.5", "%s holds a password and its "
		    "group is not that of %s: chmod 600", t->path,
		    common.maps_user);
	return 0;
}

static int
set_roles(struct table *t, struct err *err)
{
	const struct strlist *l = &t->c.roles;
	size_t i;
	int role;

	for (i = 0; i < l->n; i++) {
		role = role_find(slice_of(l->v[i]));
		if (role <= ROLE_ROOT)
			return err_perm(err, "5.3.5", "%s: for = %s: expected "
			    "roles: auth, maps, net, queue, store", t->path,
			    l->v[i]);
		t->roles |= 1u << role;
	}
	if (l->n == 0)
		return err_perm(err, "5.3.5", "%s: \"for\" is not set: name "
		    "the roles that may ask; auth alone where there are "
		    "passwords", t->path);
	return 0;
}

/* options that a kind does not have read as empty */
static void
set_empty(struct table_conf *c)
{
	*c = (struct table_conf){ .result = "%1", .user = "", .password = "",
		.dbname = "", .query = "", .tls_ca = "", .path = "",
		.bind_dn = "", .base = "", .filter = "", .url = "",
		.client_id = "", .client_secret = "", .user_claim = "",
		.refresh_token = "",
		.max_rows = 1, .max_size = 60000, .max_idle = 60000 };
}

static int
load(struct table *t, struct err *err)
{
	set_empty(&t->c);
	if (conf_load(t->path, t->be->fields, &t->c, &t->arena, err) < 0 ||
	    set_roles(t, err) < 0 || check_mode(t, err) < 0)
		return -1;
	t->result = template_result(t->c.result, &t->arena, err);
	if (t->result == NULL)
		return err_prefix(err, "%s: result", t->path);
	if (t->be->check(t, err) < 0)
		return err_prefix(err, "%s", t->path);
	if (t->c.cache > 0 || t->c.cache_absent > 0)
		t->cache = cache_new((size_t)t->c.cache_rows);
	return 0;
}

static int
add(const char *spec, struct err *err)
{
	struct slice name = slice_of(spec), kind;
	struct table *t;

	slice_cut(&name, ':', &kind);
	if (name.p == NULL || name.n == 0)
		return err_perm(err, "5.3.5", "tables: %s: expected TYPE:FILE",
		    spec);
	if (table_find(spec) != NULL)
		return err_perm(err, "5.3.5", "tables: %s is there twice",
		    spec);
	t = xcalloc(1, sizeof(*t));
	t->spec = spec;
	t->path = name.p[0] == '/' ? name.p : common_path(common.conf_dir,
	    name.p);
	tables = xrealloc(tables, (ntables + 1) * sizeof(*tables));
	tables[ntables++] = t;
	t->be = find_kind(kind, spec, err);
	return t->be != NULL ? load(t, err) : -1;
}

int
tables_load(struct err *err)
{
	size_t i;

	for (i = 0; i < conf.tables.n; i++)
		if (add(conf.tables.v[i], err) < 0)
			return -1;
	return 0;
}

int
tables_before_jail(struct jail *j, struct err *err)
{
	size_t i, k;

	health_open();
	for (i = 0; i < ntables; i++) {
		for (k = 0; k < tables[i]->servers; k++)
			health_find(tables[i], &tables[i]->server[k]);
		j->groups |= tables[i]->be->groups;
		if (tables[i]->be->maps_all)
			j->memory = 0;
		if (tables[i]->be->before_jail(tables[i], err) < 0)
			return err_prefix(err, "%s", tables[i]->path);
	}
	return 0;
}

int
table_query(struct table *t, template_mark *mark, struct err *err)
{
	struct str sql = STR_INIT;
	int r = 0;

	t->query = template_query(t->c.query, &t->arena, err);
	if (t->query == NULL || template_sql(t->c.query, mark, &sql, err) < 0)
		r = err_prefix(err, "query");
	t->sql = arena_slice(&t->arena, slice_str(&sql));
	str_free(&sql);
	return r;
}
