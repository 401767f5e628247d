/*
 * cmd_credentials.c - postrider credentials: the accounts that we have at other
 * servers, conf/credentials.  A password comes from the terminal or from
 * standard input; none is ever shown.
 */
#include "conf/common.h"
#include "ctl.h"
#include "map/credential.h"
#include "password.h"
#include "table_edit.h"

enum { TEXT_MAX = 64 << 20 };

static const char *
path(void)
{
	return common_path(common.conf_dir, "credentials");
}

/* never moved in memory without being wiped: it is read whole */
static int
read_text(struct str *text, struct err *err)
{
	size_t n = 0;
	char *all = read_file(path(), TEXT_MAX, &n);

	if (all == NULL)
		return errno == ENOENT ? 0 : err_sys(err, "cannot read %s",
		    path());
	str_grow(text, n + 2);
	str_add(text, all, n);
	if (n > 0 && all[n - 1] != '\n')
		str_addc(text, '\n');
	explicit_bzero(all, n);
	free(all);
	return 0;
}

#define HEAD "# our accounts at other servers: credentials(5), " \
	"postrider credentials\n"

static int
write_text(const struct str *text, struct err *err)
{
	bool own = common.single_uid;

	return file_replace_as(path(), slice_str(text), 0600,
	    own ? (uid_t)-1 : common.uid[ROLE_AUTH],
	    own ? (gid_t)-1 : common.gid[ROLE_AUTH], err);
}

/* the row of a place becomes another, or none: 1 it was there, 0, -1 */
static int
replace_row(const char *place, const struct str *row, struct err *err)
{
	struct str text = STR_INIT, out = STR_INIT;
	int fd = edit_lock("credentials", err), found = 0, r = -1;
	size_t at, len = 0;

	if (fd >= 0 && read_text(&text, err) == 0) {
		at = text.len;
		found = row_find(slice_str(&text), place, &at, &len);
		str_grow(&out, text.len + row->len + sizeof(HEAD));
		if (text.len == 0)
			str_adds(&out, HEAD);
		str_addsl(&out, slice_sub(slice_str(&text), 0, at));
		str_addsl(&out, slice_str(row));
		str_addsl(&out, slice_sub(slice_str(&text), at + len,
		    text.len));
		r = row->len > 0 || found ? write_text(&out, err) : 0;
	}
	str_wipe(&text);
	str_wipe(&out);
	close_fd(fd);
	return r < 0 ? -1 : found;
}

static int
add_value(const char *name, const char *value, struct credential *c,
    struct err *err)
{
	const struct field *f = field_find(credential_fields, slice_of(name));
	struct slice rest = slice_of(value), word, part;

	if (f->kind != FIELD_LIST)
		return field_set(f, c, rest, &ctl_arena, err);
	while (slice_cut(&rest, ',', &part))
		while (slice_word(&part, &word))
			if (field_set(f, (char *)c, word, &ctl_arena,
			    err) < 0)
				return -1;
	return 0;
}

#define SET_USAGE "usage: postrider credentials set PLACE --user NAME " \
	"[--token TABLE | --token-file FILE] [--mechanisms LIST] " \
	"[--at PLACES] [--binding WHICH] [--plaintext]"

static int
parse_set(int argc, char **argv, struct credential *c)
{
	static const struct option longs[] = {
		{ "user", required_argument, NULL, 'u' },
		{ "token", required_argument, NULL, 't' },
		{ "token-file", required_argument, NULL, 'f' },
		{ "mechanisms", required_argument, NULL, 'm' },
		{ "at", required_argument, NULL, 'a' },
		{ "binding", required_argument, NULL, 'b' },
		{ "plaintext", no_argument, NULL, 'p' },
		{ NULL, 0, NULL, 0 }
	};
	static const char *const names[] = { ['u'] = "user", ['t'] = "token",
		['f'] = "token_file", ['m'] = "mechanisms", ['a'] = "at",
		['b'] = "binding", ['p'] = "plaintext" };
	struct err err = ERR_INIT;
	int o;

	field_defaults(credential_fields, c, &ctl_arena);
	while ((o = next_option(argc, argv, ":", longs)) != -1) {
		if (o == '?')
			return EXIT_USAGE;
		if (add_value(names[o], o == 'p' ? "yes" : optarg, c,
		    &err) < 0)
			return fail_usage("--%s: %s", names[o], err.text);
	}
	if (argc - optind == 2)
		return fail_usage("a password does not belong on a command "
		    "line: type it when asked, or pipe it in");
	if (argc - optind != 1 || c->user[0] == '\0')
		return fail_usage(SET_USAGE);
	return EXIT_OK;
}

static int
put(const char *place, struct credential *c)
{
	struct str row = STR_INIT, value = STR_INIT;
	struct credential again;
	struct err err = ERR_INIT;
	int r = -1;

	str_grow(&value, 8192);
	str_grow(&row, 8192);
	record_print(credential_fields, c, true, &value);
	if (!table_line(slice_of(place)) || !table_line(slice_str(&value))) {
		err_perm(&err, "5.5.4", "control characters in a row of "
		    "credentials");
	} else if (credential_parse(slice_of(place), slice_str(&value), &again,
	    &ctl_arena, &err) == 0) {
		credential_wipe(&again);
		row_put_key(&row, place);
		str_addf(&row, " %s\n", value.s);
		r = replace_row(place, &row, &err);
	}
	str_wipe(&row);
	str_wipe(&value);
	if (r < 0)
		return fail_err(&err);
	printf("%s: login as %s\n", place, c->user);
	return EXIT_OK;
}

static int
credentials_set(int argc, char **argv)
{
	struct credential c;
	struct str pw = STR_INIT;
	struct err err = ERR_INIT;
	int r = parse_set(argc, argv, &c);

	if (r != EXIT_OK)
		return r;
	if (instance_load(&err) != 0)
		return fail_err(&err);
	str_grow(&pw, 1100);
	if (c.token[0] == '\0' && c.token_file[0] == '\0')
		r = password_get(&pw);
	if (r == EXIT_OK) {
		c.pass = pw.len > 0 ? pw.s : "";
		r = put(argv[optind], &c);
	}
	str_wipe(&pw);
	return r;
}

static int
credentials_remove(int argc, char **argv)
{
	static const struct option longs[] = { { NULL, 0, NULL, 0 } };
	static const struct str none = STR_INIT;
	struct err err = ERR_INIT;
	int r;

	if (next_option(argc, argv, ":", longs) != -1)
		return EXIT_USAGE;
	if (argc - optind != 1)
		return fail_usage("usage: postrider credentials remove PLACE");
	if (instance_load(&err) != 0)
		return fail_err(&err);
	r = replace_row(argv[optind], &none, &err);
	if (r < 0)
		return fail_err(&err);
	if (r == 0)
		return fail("there are no credentials for %s", argv[optind]);
	printf("%s: removed\n", argv[optind]);
	return EXIT_OK;
}

struct list {
	struct table t;
	struct str json;
	bool as_json;
	struct err err;
};

static const char *
how(const struct credential *c)
{
	return c->pass[0] != '\0' ? "password" : c->token[0] != '\0' ?
	    c->token : c->token_file;
}

static const char *
joined(const struct strlist *l)
{
	struct str s = STR_INIT;
	const char *z;
	size_t i;

	for (i = 0; i < l->n; i++)
		str_addf(&s, "%s%s", i > 0 ? "," : "", l->v[i]);
	z = arena_slice(&ctl_arena, slice_str(&s));
	str_free(&s);
	return z;
}

static int
list_row(void *ctx, struct slice key, struct slice value)
{
	struct list *l = ctx;
	struct credential c;
	const char *place = arena_slice(&ctl_arena, key), *cell[5];
	bool first = true;
	size_t i;

	if (credential_parse(key, value, &c, &ctl_arena, &l->err) < 0)
		return -1;
	cell[0] = place;
	cell[1] = c.user;
	cell[2] = how(&c);
	cell[3] = joined(&c.mechanisms);
	cell[4] = joined(&c.at);
	if (l->as_json) {
		str_addc(&l->json, '{');
		json_member(&l->json, &first, "place", cell[0]);
		json_member(&l->json, &first, "user", cell[1]);
		json_member(&l->json, &first, "by", cell[2]);
		json_member(&l->json, &first, "mechanisms", cell[3]);
		json_member(&l->json, &first, "at", cell[4]);
		json_member(&l->json, &first, "plaintext", c.plaintext ?
		    "yes" : "no");
		str_adds(&l->json, "}\n");
	}
	for (i = 0; i < ARRAY_LEN(cell) && !l->as_json; i++)
		table_cell(&l->t, cell[i][0] != '\0' ? cell[i] : "-");
	credential_wipe(&c);
	return 0;
}

static int
credentials_list(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' }, { NULL, 0, NULL, 0 }
	};
	struct list l = { .t = { .columns = 5 }, .json = STR_INIT,
		.err = ERR_INIT };
	struct map *m = NULL;
	int o, r;

	while ((o = next_option(argc, argv, ":", longs)) != -1) {
		if (o == '?')
			return EXIT_USAGE;
		l.as_json = true;
	}
	if (argc != optind)
		return fail_usage("usage: postrider credentials list [--json]");
	if (instance_load(&l.err) != 0)
		return fail_err(&l.err);
	map_set_dir(common.conf_dir);
	if (access(path(), F_OK) != 0 && errno == ENOENT)
		return EXIT_OK;
	r = map_open("text:credentials", &m, &l.err);
	if (r == 0)
		r = map_each(m, list_row, &l, &l.err);
	map_close(m);
	if (r < 0)
		return fail_err(&l.err);
	if (l.as_json)
		printf("%s", l.json.len > 0 ? l.json.s : "");
	else
		table_print(&l.t);
	str_free(&l.json);
	return EXIT_OK;
}

static const struct cmd verbs[] = {
	{ "set", credentials_set, "PLACE --user NAME ...",
	    "log in there; asks for the password" },
	{ "list", credentials_list, "[--json]", "without passwords" },
	{ "remove", credentials_remove, "PLACE", "log in there no more" },
	{ NULL, NULL, NULL, NULL }
};

int
cmd_credentials(int argc, char **argv)
{
	if (argc < 2) {
		printf("usage: postrider credentials VERB ...\n\n");
		print_cmds(verbs, "credentials ");
		return EXIT_USAGE;
	}
	return run_cmd(verbs, "credentials verb", argc - 1, argv + 1);
}
