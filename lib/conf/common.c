/*
 * common.c - common.conf, the users behind the roles, and where things lie.
 */
#include "conf/common.h"

#include <grp.h>
#include <limits.h>
#include <pwd.h>

#include "conf/conf.h"

#ifndef PATH_LIBEXEC
#define PATH_LIBEXEC "/usr/local/libexec/postrider"
#endif

struct common common;
bool common_checking;
/* never reset: a reload leaves the old strings to who still holds them */
static struct arena arena;

const struct field common_fields[] = {
	F_STR(struct common, hostname, NULL,
	    "name of this host in greetings, trace headers and reports"),
	F_LIST(struct common, domains,
	    "domains of virtual mailboxes; the first is the default"),
	F_LIST(struct common, system_domains,
	    "domains whose mailboxes are system accounts"),
	F_STR(struct common, spool_dir, "spool", "the queue"),
	F_STR(struct common, run_dir, "run", "sockets, pid and lock file"),
	F_STR(struct common, mail_dir, "mail", "virtual mailboxes"),
	F_STR(struct common, log_dir, "log", "log files"),
	F_STR(struct common, group, "postrider",
	    "group shared by all programs of the suite"),
	F_STR(struct common, net_user, "postrider-net",
	    "user of what reads the network"),
	F_STR(struct common, queue_user, "postrider-queue",
	    "user of the queue"),
	F_STR(struct common, maps_user, "postrider-maps",
	    "user of the router"),
	F_STR(struct common, store_user, "postrider-store",
	    "user who owns the virtual mailboxes"),
	F_STR(struct common, auth_user, "postrider-auth",
	    "user who may read password hashes"),
	F_STR(struct common, log_user, "postrider-log",
	    "user who writes the log"),
	F_STR(struct common, tls_user, "postrider-tls",
	    "user of what encrypts and decrypts sessions"),
	F_STR(struct common, key_user, "postrider-key",
	    "user who may read private keys"),
	F_STR(struct common, limit_user, "postrider-limit",
	    "user of what counts"),
	F_STR(struct common, out_user, "postrider-out",
	    "user who speaks to the servers of others"),
	F_STR(struct common, sts_user, "postrider-sts",
	    "user who keeps the TLS policies of others"),
	F_STR(struct common, filter_user, "postrider-filter",
	    "user who speaks to milters and scanners"),
	F_STR(struct common, system_users, "passwd",
	    "system accounts: passwd, or text:FILE with login:uid:gid:home"),
	F_STR(struct common, recipient_delimiter, "+",
	    "parts a mailbox name from its extension; empty: none"),
	F_STR(struct common, postmaster, "",
	    "address that gets mail for postmaster and abuse where they are "
	    "no mailbox; empty: the first mailbox of the default domain"),
	F_INT(struct common, first_uid, "1000", "1", "4294967294",
	    "no mailbox of a system account below this uid"),
	F_SIZE(struct common, default_quota, "0", NULL, NULL,
	    "bytes of mail in a mailbox whose account says nothing; 0: no end"),
	F_ENUM(struct common, password_scheme, "yescrypt",
	    "yescrypt|argon2id|bcrypt|sha512", "of new password hashes"),
	F_INT(struct common, password_cost, "0", "0", "262144",
	    "of new password hashes, in the scheme's own unit; 0: its default"),
	F_INT(struct common, scram_iterations, "10000", "4096", "1000000",
	    "of new SCRAM verifiers"),
	F_ENUM(struct common, log_level, "info", "debug|info|warn|error",
	    "events below this level are not logged"),
	F_END
};

static const char *const role_names[ROLE_COUNT] = { "root", "net", "queue",
	"maps", "store", "auth", "log", "tls", "key", "limit", "out",
	"sts", "filter" };

const char *
role_name(enum role role)
{
	return role_names[role];
}

int
role_find(struct slice name)
{
	int i;

	for (i = 0; i < ROLE_COUNT; i++)
		if (slice_eqz(name, role_names[i]))
			return i;
	return -1;
}

static int
find_user(enum role role, const char *name, struct err *err)
{
	struct passwd *pw;

	errno = 0;
	pw = getpwnam(name);
	if (pw == NULL)
		return err_temp(err, "4.3.5", "user \"%s\" (%s_user) does not "
		    "exist", name, role_names[role]);
	if (pw->pw_uid == 0)
		return err_perm(err, "5.3.5", "%s_user must not be root",
		    role_names[role]);
	common.uid[role] = pw->pw_uid;
	common.gid[role] = pw->pw_gid;
	return 0;
}

static int
find_users(struct err *err)
{
	const char *const names[ROLE_COUNT] = { NULL, common.net_user,
	    common.queue_user, common.maps_user, common.store_user,
	    common.auth_user, common.log_user, common.tls_user,
	    common.key_user, common.limit_user, common.out_user,
	    common.sts_user, common.filter_user };
	struct group *gr;
	int i;

	common.single_uid = geteuid() != 0;
	common.suite_gid = getegid();
	for (i = 0; i < ROLE_COUNT; i++) {
		common.uid[i] = geteuid();
		common.gid[i] = getegid();
	}
	if (common.single_uid)
		return 0;
	for (i = 1; i < ROLE_COUNT; i++)
		if (find_user((enum role)i, names[i], err) < 0)
			return -1;
	gr = getgrnam(common.group);
	if (gr == NULL)
		return err_temp(err, "4.3.5", "group \"%s\" does not exist",
		    common.group);
	common.suite_gid = gr->gr_gid;
	return 0;
}

static const char *
absolute(const char *path)
{
	if (path[0] == '/')
		return path;
	return arena_printf(&arena, "%s/%s", common.instance_dir, path);
}

static void
set_dirs(const char *real)
{
	struct slice parent = slice_of(real);

	common.conf_dir = arena_strdup(&arena, real);
	parent.n = slice_rfind(parent, '/');
	common.instance_dir = parent.n == 0 ? "" :
	    arena_slice(&arena, parent);
	common.spool_dir = absolute(common.spool_dir);
	common.run_dir = absolute(common.run_dir);
	common.mail_dir = absolute(common.mail_dir);
	common.log_dir = absolute(common.log_dir);
}

static int
check(struct err *err)
{
	struct slice h = slice_of(common.hostname);
	size_t i;

	if (h.n == 0 || h.n > 255)
		return err_perm(err, "5.3.5", "hostname: expected a host name");
	for (i = 0; i < h.n; i++)
		if (!ascii_isalnum(h.p[i]) && h.p[i] != '.' && h.p[i] != '-')
			return err_perm(err, "5.3.5",
			    "hostname: bad character in \"%s\"",
			    common.hostname);
	if (strlen(common.recipient_delimiter) > 8)
		return err_perm(err, "5.3.5",
		    "recipient_delimiter: expected at most 8 characters");
	return 0;
}

int
common_load(const char *conf_dir, struct err *err)
{
	char real[PATH_MAX], path[PATH_MAX + 16];
	struct common old = common;

	if (realpath(conf_dir, real) == NULL)
		return err_sys(err, "%s", conf_dir);
	snprintf(path, sizeof(path), "%s/common.conf", real);
	memset(&common, 0, sizeof(common));
	if (conf_load(path, common_fields, &common, &arena, err) < 0)
		goto undo;
	set_dirs(real);
	if (check(err) < 0 || find_users(err) < 0) {
		conf_place(path, err);
		goto undo;
	}
	return 0;
undo:
	common = old;
	return -1;
}

const char *
common_path(const char *dir, const char *name)
{
	return arena_printf(&arena, "%s/%s", dir, name);
}

const char *
socket_path(const char *service)
{
	return arena_printf(&arena, "%s/private/%s", common.run_dir, service);
}

/* folder of a program in the build tree */
static const char *
folder_of(const char *name)
{
	if (strcmp(name, "pop3-login") == 0)
		return "pop3d";
	if (strcmp(name, "imap-login") == 0)
		return "imapd";
	if (strcmp(name, "auth-pam") == 0)
		return "auth";
	if (strcmp(name, "sts-fetch") == 0)
		return "stsd";
	return name;
}

const char *
program_path(const char *name)
{
	char self[PATH_MAX], *slash;
	const char *built;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int i;

	if (n > 0) {
		self[n] = '\0';
		/* TOP/folder/program -> TOP */
		for (i = 0; i < 2; i++) {
			slash = strrchr(self, '/');
			if (slash == NULL)
				break;
			*slash = '\0';
		}
		built = arena_printf(&arena, "%s/%s/%s", self,
		    folder_of(name), name);
		if (access(built, X_OK) == 0)
			return built;
	}
	return arena_printf(&arena, "%s/%s", PATH_LIBEXEC, name);
}
