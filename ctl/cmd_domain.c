/*
 * cmd_domain.c - postrider domain: the rows of conf/domains, and how much of
 * their limits is used.
 */
#include "conf/common.h"
#include "ctl.h"
#include "domain.h"
#include "map/users.h"
#include "smtp/address.h"

static const struct option no_options[] = { { NULL, 0, NULL, 0 } };

static int
begin(int argc, char **argv, int min, int max, const char *usage)
{
	struct err err = ERR_INIT;

	if (next_option(argc, argv, "+:", no_options) != -1)
		return EXIT_USAGE;
	if (argc - optind < min || argc - optind > max)
		return fail_usage("usage: postrider domain %s", usage);
	if (acting_as != NULL)
		return fail("%s may not change domains", acting_as);
	return instance_load(&err) == 0 ? EXIT_OK : fail_err(&err);
}

/* --- list and show ----------------------------------------------- */

struct listing {
	struct table table;
	struct str json;
	const char *only;	/* NULL: all */
	bool as_json, first;
};

static const char *
count_text(int64_t n, int64_t limit)
{
	return limit == 0 ? arena_printf(&ctl_arena, "%lld", (long long)n) :
	    arena_printf(&ctl_arena, "%lld of %lld", (long long)n,
	    (long long)limit);
}

static const char *
size_text(uint64_t n, uint64_t limit)
{
	struct str s = STR_INIT;
	const char *z;

	show_size(&s, n);
	if (limit > 0) {
		str_adds(&s, " of ");
		show_size(&s, limit);
	}
	z = arena_strdup(&ctl_arena, s.s);
	str_free(&s);
	return z;
}

static const char *
row_text(const struct domain_record *d)
{
	struct str s = STR_INIT;
	const char *z;

	record_print(domain_fields, d, false, &s);
	z = s.len > 0 ? arena_strdup(&ctl_arena, s.s) : "";
	str_free(&s);
	return z;
}

static void
add_json(struct listing *l, const char *domain, const struct domain_record *d,
    const struct domain_use *u)
{
	struct str *out = &l->json;
	bool first = true;

	str_adds(out, l->first ? "{" : ",{");
	l->first = false;
	json_member(out, &first, "domain", domain);
	json_member(out, &first, "row", row_text(d));
	json_int(out, &first, "mailboxes", u->mailboxes);
	json_int(out, &first, "mailboxes_limit", d->mailboxes);
	json_int(out, &first, "unlimited", u->unlimited);
	json_int(out, &first, "storage", (int64_t)MIN(u->storage,
	    (uint64_t)INT64_MAX));
	json_int(out, &first, "storage_limit", (int64_t)MIN(d->storage,
	    (uint64_t)INT64_MAX));
	str_addc(out, '}');
}

static int
list_one(void *ctx, const char *domain, const struct domain_record *d,
    const struct domain_use *u)
{
	struct listing *l = ctx;
	struct err ignored;

	if ((l->only != NULL && strcasecmp(l->only, domain) != 0) ||
	    domain_may(domain, &ignored) < 0)
		return 0;
	if (l->as_json) {
		add_json(l, domain, d, u);
		return 0;
	}
	l->first = false;
	table_cell(&l->table, domain);
	table_cell(&l->table, count_text(u->mailboxes, d->mailboxes));
	table_cell(&l->table, u->unlimited > 0 ? arena_printf(&ctl_arena,
	    "%s, %lld without", size_text(u->storage, d->storage),
	    (long long)u->unlimited) : size_text(u->storage, d->storage));
	table_cell(&l->table, row_text(d));
	return 0;
}

static int
domain_list(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' }, { NULL, 0, NULL, 0 }
	};
	struct listing l = { .table.columns = 4, .json = STR_INIT,
		.first = true };
	struct err err = ERR_INIT;
	int c;

	while ((c = next_option(argc, argv, ":", longs)) != -1) {
		if (c == '?')
			return EXIT_USAGE;
		l.as_json = true;
	}
	if (argc - optind > 1)
		return fail_usage("usage: postrider domain list [--json] "
		    "[DOMAIN]");
	if (argc - optind == 1)
		l.only = argv[optind];
	if (instance_load(&err) != 0)
		return fail_err(&err);
	table_cell(&l.table, "DOMAIN");
	table_cell(&l.table, "MAILBOXES");
	table_cell(&l.table, "QUOTAS");
	table_cell(&l.table, "ROW");
	if (domain_each(list_one, &l, &err) < 0)
		return fail_err(&err);
	if (l.only != NULL && l.first)
		return fail("domains has no row %s%s", l.only,
		    acting_as != NULL ? " that you administer" : "");
	if (l.as_json)
		printf("[%s]\n", l.json.len > 0 ? l.json.s : "");
	else
		table_print(&l.table);
	str_free(&l.json);
	return EXIT_OK;
}

/* --- set and remove ---------------------------------------------- */

static int
set_field(struct domain_record *d, const char *word, struct err *err)
{
	struct slice rest = slice_of(word), name, part;
	const struct field *f;
	const char *near;

	slice_cut(&rest, '=', &name);
	f = field_find(domain_fields, name);
	if (f == NULL || rest.p == NULL) {
		near = f != NULL ? NULL : field_nearest(domain_fields, name);
		return err_perm(err, "5.5.4", "%s: %s%s%s", word,
		    rest.p == NULL ? "expected NAME=VALUE" :
		    "nothing of a domain is called so", near != NULL ?
		    "; did you mean " : "", near != NULL ? near : "");
	}
	if (f->kind == FIELD_LIST) {
		memset((char *)d + f->offset, 0, sizeof(struct strlist));
		while (slice_cut(&rest, ',', &part))
			if (part.n > 0 && field_set(f, d, part, &ctl_arena,
			    err) < 0)
				return -1;
		return 0;
	}
	if (rest.n == 0)
		rest = slice_of(f->def);
	return field_set(f, d, rest, &ctl_arena, err);
}

static int
finish(struct table_edit *e, const char *domain, const char *what)
{
	struct err err = ERR_INIT;

	if (table_commit(e, 0644, domains_compile, &err) < 0)
		return fail_err(&err);
	printf("%s: %s\n", domain, what);
	return EXIT_OK;
}

static int
domain_set(int argc, char **argv)
{
	struct domain_record d;
	struct str value = STR_INIT;
	struct err err = ERR_INIT;
	struct table_edit e;
	const char *domain;
	int i, r = begin(argc, argv, 2, 100, "set DOMAIN NAME=VALUE...");

	if (r != EXIT_OK)
		return r;
	domain = argv[optind];
	if (!smtp_domain_valid(slice_of(domain), &(bool){ false }))
		return fail_usage("%s is no domain", domain);
	if (table_begin(&e, "domains", &err) < 0)
		return fail_err(&err);
	field_defaults(domain_fields, &d, &ctl_arena);
	r = table_get(&e, domain, &value);
	if (r == 1)
		r = domain_parse(slice_str(&value), &d, &ctl_arena, &err);
	for (i = optind + 1; i < argc && r >= 0; i++)
		r = set_field(&d, argv[i], &err);
	if (r < 0) {
		table_abort(&e);
		return fail_err(&err);
	}
	str_reset(&value);
	record_print(domain_fields, &d, true, &value);
	table_put(&e, domain, slice_str(&value));
	str_free(&value);
	return finish(&e, domain, "set");
}

static int
domain_remove(int argc, char **argv)
{
	struct err err = ERR_INIT;
	struct table_edit e;
	const char *near;
	int r = begin(argc, argv, 1, 1, "remove DOMAIN");

	if (r != EXIT_OK)
		return r;
	if (table_begin(&e, "domains", &err) < 0)
		return fail_err(&err);
	if (table_remove(&e, argv[optind]) == 0) {
		near = table_near(&e, argv[optind]);
		table_abort(&e);
		return near != NULL ? fail("domains has no row %s; did you "
		    "mean %s?", argv[optind], near) :
		    fail("domains has no row %s", argv[optind]);
	}
	return finish(&e, argv[optind], "nothing is special any more; its "
	    "mail is kept");
}

static const struct cmd verbs[] = {
	{ "list", domain_list, "[--json] [DOMAIN]",
	    "what is said about domains, and how much they use" },
	{ "set", domain_set, "DOMAIN NAME=VALUE...",
	    "class, alias_of, relay, catch_all, limits, admin, ..." },
	{ "remove", domain_remove, "DOMAIN", "forget what is said" },
	{ NULL, NULL, NULL, NULL }
};

int
cmd_domain(int argc, char **argv)
{
	if (argc < 2) {
		printf("usage: postrider domain VERB ...\n\n");
		print_cmds(verbs, "domain ");
		return EXIT_USAGE;
	}
	return run_cmd(verbs, "domain verb", argc - 1, argv + 1);
}
