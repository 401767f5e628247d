/*
 * spec.c - names of tables, and the way to their types.
 */
#include "map/spec.h"

#include "base/field.h"
#include "conf/common.h"

/* TO ADD A TYPE: write map_NAME.c, declare it in map.h, add it here. */
static const struct map_type *const types[] = {
	&map_type_text,
	&map_type_cdb,
	&map_type_inline,
	&map_type_pcre,
	&map_type_cidr,
	&map_type_socket,
	&map_type_sqlite,
	&map_type_pgsql,
	&map_type_mysql,
	&map_type_ldap,
	&map_type_lmdb,
	&map_type_oauth,
	&map_type_jwks,
	&map_type_refresh,
};

static char *conf_dir;

void
map_set_dir(const char *dir)
{
	free(conf_dir);
	conf_dir = dir != NULL && *dir != '\0' ? xstrdup(dir) : NULL;
}

static const struct map_type *
find_type(struct slice name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(types); i++)
		if (slice_eqz(name, types[i]->name))
			return types[i];
	return NULL;
}

static int
unknown_type(struct slice type, const char *spec, struct err *err)
{
	const char *names[ARRAY_LEN(types) + 1] = { NULL }, *near;
	struct str known = STR_INIT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(types); i++) {
		names[i] = types[i]->name;
		str_addf(&known, " %s", names[i]);
	}
	near = nearest_name(names, type);
	if (near != NULL)
		err_temp(err, "4.3.5", "%s: no such type of table; did you "
		    "mean %s? known are:%s", spec, near, known.s);
	else
		err_temp(err, "4.3.5", "%s: no such type of table; "
		    "known are:%s", spec, known.s);
	str_free(&known);
	return -1;
}

static bool
parts(char c)
{
	return ascii_isblank(c) || c == ',';
}

/* Behind a name: the next table, of a type that nobody knows?  Only rows of
 * inline hold such. */
static bool
next_unknown(struct slice name, struct slice *type)
{
	size_t i;

	for (i = 1; i < name.n; i++) {
		if (!parts(name.p[i - 1]) || parts(name.p[i]))
			continue;
		*type = slice_sub(name, i, name.n);
		type->n = slice_find(*type, ':');
		if (i + type->n < name.n)
			return true;
	}
	return false;
}

int
spec_parse(const char *spec, const struct map_type **type_r,
    const char **name_r, struct err *err)
{
	struct slice s = slice_of(spec), type;

	type = slice_sub(s, 0, slice_find(s, ':'));
	if (type.n == s.n)
		return err_temp(err, "4.3.5", "\"%s\": expected TYPE:NAME, "
		    "such as cdb:%s", spec, *spec ? spec : "users");
	*type_r = find_type(type);
	if (*type_r == NULL)
		return unknown_type(type, spec, err);
	*name_r = spec + type.n + 1;
	if ((*type_r)->suffix != NULL && **name_r == '\0')
		return err_temp(err, "4.3.5", "\"%s\": expected the name of "
		    "a file after the colon", spec);
	if (*type_r != &map_type_inline && next_unknown(slice_of(*name_r),
	    &type))
		return unknown_type(type, spec, err);
	return (*type_r)->check != NULL ? (*type_r)->check(*name_r, err) : 0;
}

/* does a table begin here? */
static bool
begins(struct slice s)
{
	size_t n = slice_find(slice_sub(s, 0, 16), ':');

	return n < MIN(s.n, (size_t)16) &&
	    find_type(slice_sub(s, 0, n)) != NULL;
}

void
spec_next(struct slice *rest, struct slice *one)
{
	bool quote = false;
	size_t i, end = rest->n;

	for (i = 0; i < rest->n; i = end) {
		end = i + 1;
		if (rest->p[i] == '\\' && quote)
			end++;
		else if (rest->p[i] == '"')
			quote = !quote;
		if (quote || i == 0 || !parts(rest->p[i]))
			continue;
		while (end < rest->n && parts(rest->p[end]))
			end++;
		if (end == rest->n || begins(slice_sub(*rest, end, rest->n)))
			break;
	}
	*one = slice_sub(*rest, 0, MIN(i, rest->n));
	*rest = i < rest->n ? slice_sub(*rest, end, rest->n) :
	    (struct slice){ rest->p, 0 };
}

int
map_spec_nth(const char *spec, size_t i, char **one_r)
{
	struct slice rest = slice_of(spec), one;

	do {
		spec_next(&rest, &one);
		if (i-- == 0) {
			*one_r = slice_dup(one);
			return 1;
		}
	} while (rest.n > 0);
	return 0;
}

/* whoever asks it would find it bad */
static int
check_text(const char *spec, const struct map_type *type, struct err *err)
{
	struct map *m;
	struct err why = ERR_INIT;
	int r;

	if (!common_checking || type->suffix == NULL || type->mapd ||
	    type == &map_type_cdb)
		return 0;
	if (conf_dir == NULL)
		map_set_dir(common.conf_dir);
	r = map_open(spec, &m, &why);
	if (r == 0)
		map_close(m);
	if (r == 0 || strcmp(why.dsn, "4.3.5") != 0)
		return 0;
	*err = why;
	return -1;
}

int
map_check(const char *spec, struct err *err)
{
	const struct map_type *type;
	const char *name;
	char *one;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && map_spec_nth(spec, i, &one); i++) {
		r = spec_parse(one, &type, &name, err);
		if (r == 0)
			r = check_text(one, type, err);
		free(one);
	}
	return r;
}

void
spec_path(struct str *out, const struct map_type *type, const char *name)
{
	if (name[0] != '/' && conf_dir != NULL)
		str_addf(out, "%s/", conf_dir);
	str_adds(out, name);
	if (!slice_ends(slice_of(name), type->suffix))
		str_adds(out, type->suffix);
}

int
map_needs(const char *spec, size_t i, struct map_needs *n, struct err *err)
{
	const struct map_type *type;
	const char *name;
	char *one;
	int r;

	*n = (struct map_needs){ .path = STR_INIT };
	if (!map_spec_nth(spec, i, &one))
		return 0;
	r = spec_parse(one, &type, &name, err);
	if (r == 0) {
		if (type->suffix != NULL)
			spec_path(&n->path, type, name);
		n->local = n->mapd = type->mapd;
		if (type->needs != NULL)
			type->needs(name, n);
	}
	free(one);
	return r == 0 ? 1 : -1;
}

int
map_path(const char *spec, struct str *out, struct err *err)
{
	struct map_needs n;

	if (map_needs(spec, 0, &n, err) < 0)
		return -1;
	str_addsl(out, slice_str(&n.path));
	str_free(&n.path);
	return 0;
}

bool
map_spec_is_pattern(const char *spec)
{
	struct err ignored = ERR_INIT;
	const struct map_type *type;
	const char *name;
	bool yes = false;
	char *one;
	size_t i;

	for (i = 0; !yes && map_spec_nth(spec, i, &one); i++) {
		yes = spec_parse(one, &type, &name, &ignored) == 0 &&
		    type->pattern;
		free(one);
	}
	return yes;
}

bool
map_spec_is_fixed(const char *spec)
{
	struct err ignored = ERR_INIT;
	const struct map_type *type;
	const char *name;
	bool yes = true;
	char *one;
	size_t i;

	for (i = 0; yes && map_spec_nth(spec, i, &one); i++) {
		yes = spec_parse(one, &type, &name, &ignored) == 0 &&
		    (type == &map_type_text || type == &map_type_cdb ||
		    type == &map_type_inline);
		free(one);
	}
	return yes && i > 0;
}
