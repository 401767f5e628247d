/*
 * users.c - editing conf/users.  What people wrote in it (comments, order,
 * rows that are not touched) stays as it is.
 */
#include "users.h"

#include "base/clock.h"
#include "conf/common.h"
#include "ctl.h"
#include "map/users.h"
#include "sasl/password.h"

enum { USERS_MAX = 1 << 30 };

static const char *
users_path(void)
{
	static const char *path;

	if (path == NULL)
		path = common_path(common.conf_dir, "users");
	return path;
}

int
users_begin(struct users_edit *e, struct err *err)
{
	char *text;
	size_t n = 0;

	*e = (struct users_edit){ .lock = edit_lock("users", err),
	    .text = STR_INIT };
	if (e->lock < 0)
		return -1;
	text = read_file(users_path(), USERS_MAX, &n);
	if (text == NULL && errno != ENOENT) {
		err_sys(err, "cannot read %s", users_path());
		users_abort(e);
		return -1;
	}
	if (text != NULL)
		str_add(&e->text, text, n);
	if (n > 0 && text[n - 1] != '\n')
		str_addc(&e->text, '\n');
	free(text);
	return 0;
}

void
users_abort(struct users_edit *e)
{
	close_fd(e->lock);
	e->lock = -1;
	str_free(&e->text);
}

int
users_commit(struct users_edit *e, struct err *err)
{
	struct str old = STR_INIT;
	size_t n;
	char *text = read_file(users_path(), USERS_MAX, &n);
	struct err ignored;
	int r;

	if (text != NULL)
		str_add(&old, text, n);
	r = file_replace(users_path(), slice_str(&e->text), 0600, err);
	if (r == 0) {
		r = users_compile(common.conf_dir, NULL, err);
		/* a row that can not be: nothing was done */
		if (r != 0 && text != NULL)
			(void)file_replace(users_path(), slice_str(&old),
			    0600, &ignored);
	}
	free(text);
	str_free(&old);
	users_abort(e);
	return r;
}

static bool
plain_text(const char *z)
{
	for (; *z != '\0'; z++)
		if ((unsigned char)*z < 0x20 || *z == 0x7f)
			return false;
	return true;
}

const char *
users_name(const char *name, struct err *err)
{
	const char *full = name;

	if (strchr(name, '@') == NULL) {
		if (common.domains.n == 0) {
			err_perm(err, "5.3.5", "%s: give the full address: "
			    "common.conf has no domains", name);
			return NULL;
		}
		full = arena_printf(&ctl_arena, "%s@%s", name,
		    common.domains.v[0]);
	}
	if (!user_key_valid(slice_of(full)) || !plain_text(full)) {
		err_perm(err, "5.1.3", "%s can not be the name of an account",
		    full);
		return NULL;
	}
	return full;
}

/* the row's value: its text behind the key, continuations joined */
static void
row_value(struct slice row, struct str *out)
{
	struct slice line;
	bool first = true;
	size_t skip = 0;

	while (slice_cut(&row, '\n', &line)) {
		if (first && line.n > 0 && line.p[0] == '"') {
			for (skip = 1; skip < line.n && line.p[skip] != '"';
			    skip++)
				skip += line.p[skip] == '\\';
			skip++;
		} else if (first) {
			while (skip < line.n && line.p[skip] != ':' &&
			    !ascii_isblank(line.p[skip]))
				skip++;
		} else if (line.n == 0 || !ascii_isblank(line.p[0])) {
			continue;
		}
		line = first ? slice_sub(line, skip, line.n) : line;
		if (first && line.n > 0 && line.p[0] == ':')
			line = slice_sub(line, 1, line.n);
		line = slice_trim(line);
		if (out->len > 0 && line.n > 0)
			str_addc(out, ' ');
		str_addsl(out, line);
		first = false;
	}
}

int
users_get(const struct users_edit *e, const char *name, struct user_record *u,
    struct err *err)
{
	struct slice text = slice_str(&e->text);
	struct str value = STR_INIT;
	size_t at = 0, len = 0;
	int r;

	if (!row_find(text, name, &at, &len))
		return 0;
	row_value(slice_sub(text, at, len), &value);
	r = user_parse(slice_str(&value), u, &ctl_arena, err);
	str_free(&value);
	return r == 0 ? 1 : -1;
}

static void
put_row(struct str *out, const char *name, const struct user_record *u)
{
	row_put_key(out, name);
	str_addc(out, ' ');
	record_print(user_fields, u, true, out);
	str_addc(out, '\n');
}

void
users_put(struct users_edit *e, const char *name, const struct user_record *u)
{
	struct slice text = slice_str(&e->text);
	struct str out = STR_INIT;
	size_t at = text.n, len = 0;

	(void)row_find(text, name, &at, &len);
	str_addsl(&out, slice_sub(text, 0, at));
	put_row(&out, name, u);
	str_addsl(&out, slice_sub(text, at + len, text.n));
	str_free(&e->text);
	e->text = out;
}

const char *
users_near(const struct users_edit *e, const char *name)
{
	struct slice rest = slice_str(&e->text), line;
	struct strlist names = { 0 };
	struct str key = STR_INIT;
	const char *near;

	/* a table that is so long is no place to guess in */
	while (slice_cut(&rest, '\n', &line) && names.n < 10000) {
		str_reset(&key);
		row_key(line, &key);
		if (key.len > 0)
			strlist_add(&names, &ctl_arena,
			    arena_strdup(&ctl_arena, key.s));
	}
	strlist_add(&names, &ctl_arena, NULL);
	str_free(&key);
	near = nearest_name(names.v, slice_of(name));
	return near;
}

int
users_remove(struct users_edit *e, const char *name)
{
	struct slice text = slice_str(&e->text);
	struct str out = STR_INIT;
	size_t at = 0, len = 0;

	if (!row_find(text, name, &at, &len))
		return 0;
	str_addsl(&out, slice_sub(text, 0, at));
	str_addsl(&out, slice_sub(text, at + len, text.n));
	str_free(&e->text);
	e->text = out;
	return 1;
}

void
users_scram_salt(const struct user_record *u, struct scram_verifier *v)
{
	struct app_password app;
	size_t i;

	/* theirs first: they stay when the password changes */
	for (i = 0; i < u->app.n; i++)
		if (app_parse(u->app.v[i], &app) &&
		    scram_parse(app.verifier, v) == 1)
			return;
	for (i = 0; i < u->pass.n; i++)
		if (scram_parse(slice_of(u->pass.v[i]), v) == 1 &&
		    v->hash == SCRAM_SHA256)
			return;
	*v = (struct scram_verifier){ .hash = SCRAM_SHA256,
		.iterations = (uint32_t)common.scram_iterations,
		.salt_len = 16 };
	random_bytes(v->salt, v->salt_len);
}

int
users_set_password(struct user_record *u, const char *password,
    struct err *err)
{
	struct str text = STR_INIT;
	struct scram_verifier v;
	struct user_record apps = { .app = u->app };

	if (sasl_password_cost((enum password_scheme)common.password_scheme,
	    common.password_cost, err) != 0)
		return -1;
	sasl_password_by((enum password_scheme)common.password_scheme,
	    common.password_cost);
	if (sasl_password_hash(&text, password, err) != 0)
		return -1;
	u->pass = (struct strlist){ 0 };
	strlist_add(&u->pass, &ctl_arena, arena_strdup(&ctl_arena, text.s));
	/* a new salt where no app password holds on to the old one */
	users_scram_salt(&apps, &v);
	if (scram_derive(&v, password) == 0) {
		str_reset(&text);
		scram_print(&v, &text);
		strlist_add(&u->pass, &ctl_arena,
		    arena_strdup(&ctl_arena, text.s));
	}
	explicit_bzero(&v, sizeof(v));
	str_free(&text);
	return 0;
}

/* a duplicate is found by the compiler, which names both lines */
static int
import_line(struct users_edit *e, struct slice line, bool plain,
    struct err *err)
{
	struct user_record u;
	struct slice name, rest = line;
	const char *full;
	int r = 0;

	slice_cut(&rest, ':', &name);
	if (rest.p == NULL || rest.n == 0)
		return err_perm(err, "5.3.5", "expected NAME:%s",
		    plain ? "PASSWORD" : "HASH");
	full = users_name(arena_slice(&ctl_arena, slice_trim(name)), err);
	if (full == NULL)
		return -1;
	/* further fields, as passwd(5) has them, are not ours */
	if (!plain)
		rest = slice_sub(rest, 0, slice_find(rest, ':'));
	if (!plain && rest.p[0] != '$' && rest.p[0] != '!' &&
	    rest.p[0] != '*')
		return err_perm(err, "5.3.5", "%s: expected a crypt(5) hash; "
		    "--plain takes passwords", full);
	field_defaults(user_fields, &u, &ctl_arena);
	if (plain)
		r = users_set_password(&u, arena_slice(&ctl_arena, rest),
		    err);
	else
		strlist_add(&u.pass, &ctl_arena, arena_slice(&ctl_arena,
		    rest));
	if (r == 0)
		put_row(&e->text, full, &u);
	return r;
}

int
users_import(struct users_edit *e, struct slice lines, bool plain,
    struct err *err)
{
	struct slice line;
	int n = 0, lineno = 0;

	while (slice_cut(&lines, '\n', &line)) {
		lineno++;
		line = slice_trim(line);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		if (import_line(e, line, plain, err) != 0)
			return err_prefix(err, "line %d", lineno);
		n++;
	}
	return n;
}
