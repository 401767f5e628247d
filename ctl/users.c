/*
 * users.c - editing conf/users.  What people wrote in it (comments, order,
 * rows that are not touched) stays as it is.
 */
#include "users.h"

#include "base/clock.h"
#include "conf/common.h"
#include "domain.h"
#include "ctl.h"
#include "map/users.h"
#include "sasl/password.h"

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

int
users_get(const struct table_edit *e, const char *name, struct user_record *u,
    struct err *err)
{
	struct str value = STR_INIT;
	int r = table_get(e, name, &value);

	if (r == 1 && user_parse(slice_str(&value), u, &ctl_arena, err) < 0)
		r = -1;
	str_wipe(&value);
	return r;
}

static void
put_account(struct table_edit *e, const char *name,
    const struct user_record *u, void (*put)(struct table_edit *e,
    const char *key, struct slice value))
{
	struct str value = STR_INIT;

	record_print(user_fields, u, true, &value);
	put(e, name, slice_str(&value));
	str_wipe(&value);
}

void
users_put(struct table_edit *e, const char *name,
    const struct user_record *u)
{
	put_account(e, name, u, table_put);
}

int
users_begin(struct table_edit *e, struct err *err)
{
	return table_begin(e, "users", err);
}

int
users_commit(struct table_edit *e, struct err *err)
{
	if (domain_limits_check(e, err) < 0) {
		table_abort(e);
		return -1;
	}
	return table_commit(e, 0600, users_compile, err);
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
import_line(struct table_edit *e, struct slice line, bool plain,
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
		put_account(e, full, &u, table_append);
	return r;
}

int
users_import(struct table_edit *e, struct slice lines, bool plain,
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
