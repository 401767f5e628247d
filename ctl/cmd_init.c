/*
 * cmd_init.c - postrider init: one directory that is a whole mail system.
 *
 * The default files are copied and then changed where this instance differs,
 * so that what an admin finds is what the manual describes.  Nothing of an
 * instance that is there is touched without --force, and its mail and queue
 * never.
 */
#include "conf/common.h"
#include "ctl.h"
#include "map/users.h"
#include "maps.h"
#include "sasl/password.h"
#include "users.h"

#include <dirent.h>
#include <sys/stat.h>

enum { PORT_BASE = 10000, PORT_BASE_MAX = 65535 - 4190, CONF_MAX = 1 << 20 };

struct init {
	const char *dir, *conf;		/* absolute */
	struct strlist domains, users;
	uint64_t port_base;
	bool force, given;	/* given: a domain or port base */
	bool gate;		/* in front of smtpd */
	char host[256];
};

/* listeners that get a port of their own; services of later issues too */
static const struct {
	const char *section;
	unsigned port, tls;	/* tls: begins with TLS; 0 none */
	const char *also;
} ports[] = {
	{ "smtpd", 25, 0, "" }, { "gate", 25, 0, " private:gate" },
	{ "submission", 587, 465, "" },
	{ "pop3-login", 110, 995, "" },
	{ "imap-login", 143, 993, " inbox:imap-login" },
};

static int
parse(int argc, char **argv, struct init *in)
{
	static const struct option longs[] = {
		{ "domain", required_argument, NULL, 'd' },
		{ "user", required_argument, NULL, 'u' },
		{ "port-base", required_argument, NULL, 'p' },
		{ "force", no_argument, NULL, 'f' },
		{ "gate", no_argument, NULL, 'g' },
		{ NULL, 0, NULL, 0 }
	};
	int c;

	in->port_base = PORT_BASE;
	while ((c = next_option(argc, argv, ":", longs)) != -1) {
		in->given |= c == 'd' || c == 'p';
		if (c == 'd')
			strlist_add(&in->domains, &ctl_arena, optarg);
		else if (c == 'u')
			strlist_add(&in->users, &ctl_arena, optarg);
		else if (c == 'f')
			in->force = true;
		else if (c == 'g')
			in->gate = in->given = true;
		else if (c != 'p')
			return EXIT_USAGE;
		else if (!slice_u64(slice_of(optarg), PORT_BASE_MAX,
		    &in->port_base))
			return fail_usage("--port-base %s: expected a number "
			    "up to %d", optarg, PORT_BASE_MAX);
	}
	if (argc - optind != 1)
		return fail_usage("usage: postrider init DIR [--domain D]... "
		    "[--user NAME:PASSWORD]... [--port-base N] [--gate] "
		    "[--force]");
	in->dir = argv[optind];
	if (in->domains.n == 0)
		strlist_add(&in->domains, &ctl_arena, "localhost");
	return EXIT_OK;
}

static bool
domain_ok(const char *d)
{
	size_t i, n = strlen(d);

	for (i = 0; i < n; i++)
		if (!ascii_isalnum((unsigned char)d[i]) && d[i] != '-' &&
		    d[i] != '.' && (unsigned char)d[i] < 0x80)
			return false;
	return n > 0 && n < 254 && d[0] != '.' && d[0] != '-' &&
	    utf8_valid(slice_of(d));
}

static int
check(const struct init *in)
{
	const char *u;
	size_t i;

	for (i = 0; i < in->domains.n; i++)
		if (!domain_ok(in->domains.v[i]))
			return fail_usage("--domain %s: expected a domain",
			    in->domains.v[i]);
	for (i = 0; i < in->users.n; i++) {
		u = strchr(in->users.v[i], ':');
		if (u == NULL || u == in->users.v[i] || u[1] == '\0')
			return fail_usage("--user: expected NAME:PASSWORD");
	}
	return EXIT_OK;
}

/* a name for greetings: the machine's own, if it can be one */
static void
find_host(struct init *in)
{
	size_t i;

	if (gethostname(in->host, sizeof(in->host) - 1) != 0)
		in->host[0] = '\0';
	for (i = 0; in->host[i] != '\0'; i++)
		if (!ascii_isalnum((unsigned char)in->host[i]) &&
		    in->host[i] != '-' && in->host[i] != '.')
			in->host[0] = '\0';
	if (in->host[0] == '\0')
		slice_copy(in->host, sizeof(in->host),
		    SLICE_LIT("localhost"));
}

static int
make_dirs(struct init *in, struct err *err)
{
	char *copy = xstrdup(in->dir), real[PATH_MAX], *p = copy;
	int r = 0;

	while (r == 0 && (p = strchr(p + 1, '/')) != NULL) {
		*p = '\0';
		if (mkdir(copy, 0755) != 0 && errno != EEXIST)
			r = err_sys(err, "cannot make %s", copy);
		*p = '/';
	}
	free(copy);
	if (r == 0 && mkdir(in->dir, 0755) != 0 && errno != EEXIST)
		r = err_sys(err, "cannot make %s", in->dir);
	if (r == 0 && realpath(in->dir, real) == NULL)
		r = err_sys(err, "%s", in->dir);
	if (r != 0)
		return -1;
	in->dir = arena_strdup(&ctl_arena, real);
	in->conf = arena_printf(&ctl_arena, "%s/conf", real);
	if (!in->force && access(in->conf, F_OK) == 0)
		return err_perm(err, "5.3.5", "%s is there already; --force "
		    "writes its files anew", in->conf);
	if (mkdir(in->conf, 0755) != 0 && errno != EEXIST)
		return err_sys(err, "cannot make %s", in->conf);
	return 0;
}

static const char *
join(const struct strlist *l)
{
	struct str s = STR_INIT;
	const char *z;
	size_t i;

	for (i = 0; i < l->n; i++)
		str_addf(&s, "%s%s", i ? " " : "", l->v[i]);
	z = arena_strdup(&ctl_arena, s.s);
	str_free(&s);
	return z;
}

static void
adapt_listeners(const struct init *in, struct str *text)
{
	unsigned long long base = in->port_base;
	const char *tls;
	size_t i;

	for (i = 0; i < ARRAY_LEN(ports); i++) {
		tls = ports[i].tls == 0 ? "" : arena_printf(&ctl_arena,
		    " tls:127.0.0.1:%llu", base + ports[i].tls);
		conf_text_set(text, ports[i].section, "listen",
		    arena_printf(&ctl_arena, "inet:127.0.0.1:%llu%s%s",
		    base + ports[i].port, tls, ports[i].also));
	}
	if (!in->gate)
		return;
	conf_text_set(text, "gate", "enabled", "yes");
	conf_text_set(text, "smtpd", "listen", "gate:smtpd");
}

/* what this instance has of its own */
static void
adapt(const struct init *in, const char *name, struct str *text)
{
	if (strcmp(name, "common.conf") == 0) {
		conf_text_set(text, "", "hostname", in->host);
		conf_text_set(text, "", "domains", join(&in->domains));
		conf_text_set(text, "", "system_domains", "");
		conf_text_set(text, "", "spool_dir", "spool");
		conf_text_set(text, "", "mail_dir", "mail");
		conf_text_set(text, "", "log_dir", "log");
		conf_text_set(text, "", "run_dir", "run");
	}
	if (strcmp(name, "master.conf") == 0)
		adapt_listeners(in, text);
}

static int
copy_one(const struct init *in, const char *from, const char *name,
    struct err *err)
{
	const char *path = arena_printf(&ctl_arena, "%s/%s", from, name);
	struct str text = STR_INIT;
	size_t n;
	char *raw = read_file(path, CONF_MAX, &n);
	int r;

	if (raw == NULL)
		return err_sys(err, "cannot read %s", path);
	str_add(&text, raw, n);
	free(raw);
	adapt(in, name, &text);
	r = file_replace(arena_printf(&ctl_arena, "%s/%s", in->conf, name),
	    slice_str(&text), 0644, err);
	str_free(&text);
	return r;
}

static int
copy_conf(const struct init *in, struct err *err)
{
	const char *from = defaults_dir();
	DIR *d = opendir(from);
	struct dirent *e;
	int n = 0, r = 0;

	if (d == NULL)
		return err_sys(err, "cannot read the default files in %s",
		    from);
	while (r == 0 && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.' ||
		    !slice_ends(slice_of(e->d_name), ".conf"))
			continue;
		r = copy_one(in, from, e->d_name, err);
		n++;
	}
	closedir(d);
	if (r == 0 && n == 0)
		return err_perm(err, "5.3.5", "no default files in %s", from);
	return r;
}

/* A table that is there is kept: --force is for configuration.  But where
 * users are given, these are the accounts from now on. */
static int
copy_table(const struct init *in, const char *name, mode_t mode, bool anew,
    struct err *err)
{
	const char *path = arena_printf(&ctl_arena, "%s/%s", in->conf, name);
	char *text;
	size_t n = 0;
	int r;

	if (!anew && access(path, F_OK) == 0)
		return 0;
	text = read_file(arena_printf(&ctl_arena, "%s/%s", defaults_dir(),
	    name), CONF_MAX, &n);
	if (text == NULL && errno != ENOENT)
		return err_sys(err, "cannot read the default %s", name);
	r = file_replace(path, (struct slice){ text != NULL ? text : "", n },
	    mode, err);
	free(text);
	return r;
}

static int
add_users(const struct init *in, struct err *err)
{
	struct str lines = STR_INIT;
	struct table_edit e;
	size_t i;
	int r;

	for (i = 0; i < in->users.n; i++)
		str_addf(&lines, "%s\n", in->users.v[i]);
	r = users_begin(&e, err);
	if (r == 0) {
		if (users_import(&e, slice_str(&lines), true, err) < 0) {
			table_abort(&e);
			r = -1;
		} else {
			r = users_commit(&e, err);
		}
	}
	explicit_bzero(lines.s, lines.len);
	str_free(&lines);
	return r;
}

static int
write_tables(const struct init *in, struct err *err)
{
	if (copy_table(in, "users", 0600, in->users.n > 0, err) != 0 ||
	    copy_table(in, "aliases", 0644, false, err) != 0 ||
	    copy_table(in, "domains", 0644, false, err) != 0)
		return -1;
	if (add_users(in, err) != 0)
		return -1;
	if (aliases_compile(common.conf_dir, NULL, err) != 0)
		return -1;
	return domains_compile(common.conf_dir, NULL, err);
}

static int
run_dirs(struct err *err)
{
	char *argv[] = { (char *)"master", (char *)"-D", (char *)"-c",
	    (char *)common.conf_dir, NULL };

	if (run_program(program_path("master"), argv) != 0)
		return err_temp(err, "4.3.5", "the directories could not be "
		    "made");
	return 0;
}

/* Started by root, the programs take other ids, and must reach it. */
static void
warn_unreachable(const struct init *in)
{
	char *copy = xstrdup(in->dir), *slash;
	struct stat st;

	while (geteuid() == 0 && copy[0] != '\0') {
		if (stat(copy, &st) == 0 && (st.st_mode & S_IXOTH) == 0)
			(void)fail("warning: %s is closed to the users that "
			    "the programs run as; chmod o+x", copy);
		slash = strrchr(copy, '/');
		*slash = '\0';
	}
	free(copy);
}

static int
make(struct init *in, struct err *err)
{
	const char *tls;

	if (geteuid() == 0 && init_system_users(err) != 0)
		return -1;
	if (make_dirs(in, err) != 0 || copy_conf(in, err) != 0)
		return -1;
	instance = in->dir;
	if (instance_load(err) != 0 || run_dirs(err) != 0 ||
	    write_tables(in, err) != 0 || srs_make(err) != 0)
		return -1;
	tls = arena_printf(&ctl_arena, "%s/tls", in->conf);
	return init_tls(tls, in->host, &in->domains, err);
}

/* a configuration directory that was installed: all but its files */
static int
prepare_installed(const struct init *in)
{
	struct err err = ERR_INIT;
	const char *tls;

	if (in->users.n > 0 || in->force || in->given)
		return fail_usage("%s is a configuration directory: edit its "
		    "files; init makes the rest, without options", in->dir);
	instance = in->dir;
	if ((geteuid() == 0 && init_system_users(&err) != 0) ||
	    instance_load(&err) != 0 || run_dirs(&err) != 0 ||
	    maps_compile(false, true, &err) != 0 || srs_make(&err) != 0)
		return fail_err(&err);
	tls = arena_printf(&ctl_arena, "%s/tls", common.conf_dir);
	if (access(arena_printf(&ctl_arena, "%s/key.pem", tls), F_OK) != 0 &&
	    init_tls(tls, common.hostname, &common.domains, &err) != 0)
		return fail_err(&err);
	printf("%s is ready: users, directories, tables and certificate are "
	    "there\n", in->dir);
	return EXIT_OK;
}

int
cmd_init(int argc, char **argv)
{
	struct init in = { 0 };
	struct err err = ERR_INIT;
	unsigned long long base;
	int r = parse(argc, argv, &in);

	if (r == EXIT_OK)
		r = check(&in);
	if (r != EXIT_OK)
		return r;
	umask(022);
	if (access(arena_printf(&ctl_arena, "%s/common.conf", in.dir),
	    F_OK) == 0)
		return prepare_installed(&in);
	find_host(&in);
	if (make(&in, &err) != 0)
		return fail_err(&err);
	warn_unreachable(&in);
	base = in.port_base;
	printf("%s is ready: %s, %zu account%s\n\n"
	    "On 127.0.0.1: SMTP %llu, submission %llu, POP3 %llu, IMAP %llu;\n"
	    "with TLS from the start: submission %llu, POP3 %llu, IMAP %llu.\n"
	    "Next:\n"
	    "    postrider -i %s start\n"
	    "    postrider -i %s user add NAME\n"
	    "    postrider -i %s status\n", in.dir, join(&in.domains),
	    in.users.n, in.users.n == 1 ? "" : "s", base + 25, base + 587,
	    base + 110, base + 143, base + 465, base + 995, base + 993, in.dir,
	    in.dir, in.dir);
	warn_postmaster(in.conf);
	return EXIT_OK;
}
