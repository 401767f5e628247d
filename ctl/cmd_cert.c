/*
 * cmd_cert.c - postrider cert: the certificates of this instance.
 */
#include "base/clock.h"
#include "cert.h"
#include "conf/common.h"

#include <arpa/inet.h>
#include <sys/stat.h>

enum { DAYS_MAX = 36500 };

static const char *
join(const struct strlist *l)
{
	struct str s = STR_INIT;
	const char *z;
	size_t i;

	for (i = 0; i < l->n; i++)
		str_addf(&s, "%s%s", i > 0 ? " " : "", l->v[i]);
	z = arena_strdup(&ctl_arena, s.s);
	str_free(&s);
	return z;
}

static int64_t
days_left(const struct cert *c)
{
	return (c->until - wall_s()) / 86400;
}

/* who gets it: the first is for clients that name no host, too */
static const char *
served(const struct certs *all, const struct cert *c)
{
	return c == all->v ? "all, and clients that name no host" :
	    "clients that name one of its hosts";
}

/* --- show --- */

static void
show_json(const struct certs *all, const struct cert *c, struct str *o)
{
	bool first = true;

	str_adds(o, o->len > 1 ? ",{" : "{");
	json_member(o, &first, "file", c->path);
	json_member(o, &first, "trouble", c->n == 0 ? c->why.text :
	    c->key == NULL ? c->key_why.text : "");
	if (c->n > 0) {
		json_member(o, &first, "names", join(&c->names));
		json_member(o, &first, "subject", c->subject);
		json_member(o, &first, "issuer", c->issuer);
		json_int(o, &first, "from", c->from);
		json_int(o, &first, "until", c->until);
		json_int(o, &first, "days_left", days_left(c));
		json_member(o, &first, "key_type", c->key_type);
		json_member(o, &first, "key_file", c->key_path != NULL ?
		    c->key_path : "");
		json_int(o, &first, "chain", (int64_t)c->n);
		json_member(o, &first, "fingerprint", c->fingerprint);
	}
	json_member(o, &first, "services", join(&all->services));
	json_member(o, &first, "serves", served(all, c));
	str_addc(o, '}');
}

static void
show_one(const struct certs *all, const struct cert *c)
{
	printf("file         %s\n", c->path);
	if (c->n == 0) {
		printf("trouble      %s\n", c->why.text);
		return;
	}
	printf("names        %s\nsubject      %s\nissuer       %s%s\n",
	    join(&c->names), c->subject, c->issuer,
	    c->self_signed ? " (itself)" : "");
	printf("valid        %s to %s, %lld days left\n", show_date(c->from),
	    show_date(c->until), (long long)days_left(c));
	if (c->key != NULL)
		printf("key          %s, in %s\n", c->key_type, c->key_path);
	else
		printf("key          %s; %s\n", c->key_type, c->key_why.text);
	printf("chain        %zu certificate%s\nfingerprint  %s\n", c->n,
	    c->n == 1 ? "" : "s", c->fingerprint);
	printf("services     %s\nserves       %s\n", join(&all->services),
	    served(all, c));
}

static void
show_row(const struct certs *all, const struct cert *c, struct table *t)
{
	table_cell(t, c->name);
	table_cell(t, c->n > 0 ? arena_printf(&ctl_arena, "%lld",
	    (long long)days_left(c)) : "-");
	table_cell(t, c->n > 0 ? show_date(c->until) : "-");
	table_cell(t, c->n > 0 ? c->key_type : "-");
	table_cell(t, c->n == 0 ? "unreadable" : c->self_signed ? "itself" :
	    c->issuer);
	table_cell(t, c->n == 0 ? c->why.text : arena_printf(&ctl_arena,
	    "%s%s", join(&c->names), c->key == NULL ? " (no key)" :
	    c == all->v ? " (default)" : ""));
}

static void
show_all(const struct certs *all)
{
	static const char *const heads[] = { "FILE", "DAYS", "UNTIL", "KEY",
	    "ISSUER", "NAMES" };
	struct table t = { .columns = ARRAY_LEN(heads) };
	size_t i;

	for (i = 0; i < ARRAY_LEN(heads); i++)
		table_cell(&t, heads[i]);
	for (i = 0; i < all->n; i++)
		show_row(all, &all->v[i], &t);
	table_print(&t);
	printf("\nservices: %s\n", join(&all->services));
}

static int
show_named(const struct certs *all, const char *name, bool json)
{
	struct str o = STR_INIT;
	const struct cert *c;
	size_t at = 0, n = 0;

	str_addc(&o, '[');
	while (at < all->n) {
		c = name != NULL ? certs_next(all, name, &at) :
		    &all->v[at++];
		if (c == NULL)
			break;
		if (json) {
			show_json(all, c, &o);
		} else {
			printf("%s", n > 0 ? "\n" : "");
			show_one(all, c);
		}
		n++;
	}
	if (json && (n > 0 || name == NULL))
		printf("%s]\n", o.s);
	str_free(&o);
	return n > 0 || name == NULL ? EXIT_OK :
	    fail("no certificate in keyd.conf is %s or has that name", name);
}

static int
cert_show(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' }, { NULL, 0, NULL, 0 }
	};
	struct certs all = { 0 };
	struct err err = ERR_INIT;
	bool json = false;
	int c, r = EXIT_OK;

	while ((c = next_option(argc, argv, ":", longs)) != -1) {
		if (c == '?')
			return EXIT_USAGE;
		json = true;
	}
	if (argc - optind > 1)
		return fail_usage("usage: postrider cert show [--json] "
		    "[NAME]");
	if (instance_load(&err) != 0 || certs_read(&all, &err) != 0)
		return fail_err(&err);
	if (json || optind < argc)
		r = show_named(&all, argv[optind], json);
	else
		show_all(&all);
	certs_free(&all);
	return r;
}

/* --- check --- */

static int
check_word(const struct certs *all, const char *word)
{
	const struct cert *c;
	size_t at = 0, n = 0;
	int bad = 0;

	while ((c = certs_next(all, word, &at)) != NULL) {
		bad += cert_check(c);
		n++;
	}
	return n == 0 ? !cert_check_host(all, word, true) : bad;
}

static int
check_all(const struct certs *all)
{
	int bad = 0;
	size_t i;

	for (i = 0; i < all->n; i++)
		bad += cert_check(&all->v[i]);
	bad += !cert_check_host(all, common.hostname, true);
	for (i = 0; i < common.domains.n; i++)
		if (slice_is_ascii(slice_of(common.domains.v[i])))
			cert_check_host(all, common.domains.v[i], false);
	return bad;
}

static int
cert_check_verb(int argc, char **argv)
{
	static const struct option longs[] = { { NULL, 0, NULL, 0 } };
	struct certs all = { 0 };
	struct err err = ERR_INIT;
	int bad = 0;

	if (next_option(argc, argv, ":", longs) != -1)
		return EXIT_USAGE;
	if (instance_load(&err) != 0 || certs_read(&all, &err) != 0)
		return fail_err(&err);
	if (optind == argc)
		bad = check_all(&all);
	for (; optind < argc; optind++)
		bad += check_word(&all, argv[optind]);
	certs_free(&all);
	return bad > 0 ? EXIT_FAILED : EXIT_OK;
}

/* --- self-signed --- */

static bool
name_ok(const char *z)
{
	unsigned char ip[16];
	struct slice s = slice_of(z);
	size_t i;

	if (inet_pton(AF_INET, z, ip) == 1 || inet_pton(AF_INET6, z, ip) == 1)
		return true;
	if (slice_starts(s, "*."))
		s = slice_sub(s, 2, s.n);
	for (i = 0; i < s.n; i++)
		if (!ascii_isalnum((unsigned char)s.p[i]) && s.p[i] != '-' &&
		    s.p[i] != '.')
			return false;
	return s.n > 0 && s.n < 254 && s.p[0] != '.' && s.p[0] != '-' &&
	    s.p[s.n - 1] != '.';
}

/* "*.example.org" is no name for a file */
static const char *
file_for(const char *name)
{
	char *z = arena_printf(&ctl_arena, "tls/%s.pem", name), *p;

	for (p = z + 4; *p != '\0'; p++)
		if (*p == '*' || *p == ':')
			*p = '_';
	return z;
}

/* keyd.conf names one more */
static int
add_to_conf(const struct certs *all, const char *file, struct err *err)
{
	const char *path = common_path(common.conf_dir, "keyd.conf");
	struct str text = STR_INIT, list = STR_INIT;
	char *old;
	size_t n = 0, i;
	int r;

	old = read_file(path, 1 << 20, &n);
	if (old == NULL && errno != ENOENT)
		return err_sys(err, "%s", path);
	str_add(&text, old != NULL ? old : "", n);
	for (i = 0; i < all->n; i++)
		str_addf(&list, "%s ", all->v[i].name);
	str_adds(&list, file);
	conf_text_set(&text, "", "certificates", list.s);
	r = file_replace(path, slice_str(&text), 0644, err);
	free(old);
	str_free(&text);
	str_free(&list);
	return r;
}

/* the self-signed one of that name, which is made anew in its place; else one
 * more, which may not take the place of any file */
static int
place(const struct certs *all, struct cert_order *o, const char **file,
    struct err *err)
{
	const char *name = o->names.v[0], *dir;
	const struct cert *c;
	size_t i;

	for (i = 0; i < all->n; i++) {
		c = &all->v[i];
		if (c->n == 0 || !c->self_signed || c->key == NULL ||
		    c->names.n == 0 || strcmp(c->names.v[0], name) != 0)
			continue;
		o->cert_path = c->path;
		o->key = c->key;
		return 0;
	}
	*file = file_for(name);
	o->cert_path = common_path(common.conf_dir, *file);
	o->key_path = arena_printf(&ctl_arena, "%s.key", o->cert_path);
	dir = common_path(common.conf_dir, "tls");
	if (mkdir(dir, 0755) != 0 && errno != EEXIST)
		return err_sys(err, "cannot make %s", dir);
	if (access(o->cert_path, F_OK) == 0 || access(o->key_path, F_OK) == 0)
		return err_perm(err, "5.3.5", "%s is there already, and no "
		    "self-signed certificate of keyd.conf: move it away",
		    o->cert_path);
	return 0;
}

static int
self_sign(struct cert_order *o, struct err *err)
{
	struct certs all = { 0 };
	const char *file = NULL;
	int lock = edit_lock("keyd.conf", err), r;

	if (lock < 0)
		return -1;
	r = certs_read(&all, err);
	if (r == 0)
		r = place(&all, o, &file, err);
	if (r == 0)
		r = cert_make(o, err);
	if (r == 0 && file != NULL)
		r = add_to_conf(&all, file, err);
	if (r == 0 && file == NULL)
		printf("%s: made anew, with the key that it had\n",
		    o->cert_path);
	else if (r == 0)
		printf("%s: made, and added to keyd.conf; `postrider reload' "
		    "takes it into use\n", o->cert_path);
	certs_free(&all);
	close_fd(lock);
	return r;
}

static int
cert_self_signed(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "days", required_argument, NULL, 'd' },
		{ NULL, 0, NULL, 0 }
	};
	struct cert_order o = { .days = CERT_DAYS };
	struct err err = ERR_INIT;
	uint64_t days;
	int c;

	while ((c = next_option(argc, argv, ":", longs)) != -1) {
		if (c != 'd')
			return EXIT_USAGE;
		if (!slice_u64(slice_of(optarg), DAYS_MAX, &days) ||
		    days == 0)
			return fail_usage("--days %s: expected 1 to %d",
			    optarg, DAYS_MAX);
		o.days = (int64_t)days;
	}
	if (optind == argc)
		return fail_usage("usage: postrider cert self-signed "
		    "[--days N] NAME...");
	for (; optind < argc; optind++) {
		if (!name_ok(argv[optind]))
			return fail_usage("%s: expected a host name or an "
			    "address", argv[optind]);
		strlist_add(&o.names, &ctl_arena, argv[optind]);
	}
	umask(022);
	if (instance_load(&err) != 0 || self_sign(&o, &err) != 0)
		return fail_err(&err);
	return EXIT_OK;
}

static const struct cmd verbs[] = {
	{ "show", cert_show, "[--json] [NAME]", "what there is" },
	{ "self-signed", cert_self_signed, "[--days N] NAME...",
	    "make one, or make it anew" },
	{ "check", cert_check_verb, "[NAME...]",
	    "chain, key, dates and names; status 1: something is wrong" },
	{ NULL, NULL, NULL, NULL }
};

int
cmd_cert(int argc, char **argv)
{
	if (argc < 2) {
		printf("usage: postrider cert VERB ...\n\n");
		print_cmds(verbs, "cert ");
		return EXIT_USAGE;
	}
	return run_cmd(verbs, "cert verb", argc - 1, argv + 1);
}
