/*
 * pam_main.c - auth-pam: asks PAM about accounts of the host, for auth alone.
 *
 * What PAM loads blocks, leaks, forks and wants to be root, so each question
 * is a child of its own that has a time to answer and is killed after it.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/common.h"
#include "map/map.h"
#include "map/users.h"
#include "proto/pam.h"
#include "serve/serve.h"

struct pam_conf {
	const char *service, *pam_dir;
	int64_t timeout;	/* ms */
	struct strlist write_paths;
};
static struct pam_conf conf;
static const struct field fields[] = {
	F_STR(struct pam_conf, service, "postrider",
	    "name of the PAM configuration"),
	F_STR(struct pam_conf, pam_dir, "",
	    "directory of PAM configurations; empty: the system's"),
	F_TIME(struct pam_conf, timeout, "8s", "100ms", "1m",
	    "how long PAM may take for an answer"),
	F_LIST_D(struct pam_conf, write_paths, "/run/faillock /var/lib/pam",
	    "directories that modules may write"),
	F_END
};

enum { KILL_ROUNDS = 20, CHILDREN_MAX = 65536 };
static int null_fd;

/* the first secret that is asked for is the password; there is no other */
struct answers {
	const char *user, *pass;
	bool used;
};

static char *
answer(struct answers *a, int style)
{
	if (style == PAM_PROMPT_ECHO_ON)
		return strdup(a->user);
	if (style != PAM_PROMPT_ECHO_OFF || a->used)
		return NULL;
	a->used = true;
	return strdup(a->pass);
}

static int
converse(int n, const struct pam_message **msg, struct pam_response **resp,
    void *ctx)
{
	struct pam_response *r;
	int i;

	if (n <= 0 || n > PAM_MAX_NUM_MSG)
		return PAM_CONV_ERR;
	/* PAM frees it */
	r = calloc((size_t)n, sizeof(*r));
	if (r == NULL)
		return PAM_BUF_ERR;
	for (i = 0; i < n; i++)
		r[i].resp = answer(ctx, msg[i]->msg_style);
	*resp = r;
	return PAM_SUCCESS;
}

/* auth holds answers back itself */
static void
no_delay(int status UNUSED, unsigned usec UNUSED, void *ctx UNUSED)
{
}

static int
set_items(pam_handle_t *h, const struct pam_check_in *in)
{
	union { void (*fn)(int, unsigned, void *); const void *p; } delay = {
		.fn = no_delay };
	int r = pam_set_item(h, PAM_FAIL_DELAY, delay.p);

	if (r == PAM_SUCCESS && in->client[0] != '\0')
		r = pam_set_item(h, PAM_RHOST, in->client);
	if (r == PAM_SUCCESS)
		r = pam_set_item(h, PAM_TTY, in->service[0] != '\0' ?
		    in->service : "mail");
	return r;
}

static bool
is_still(pam_handle_t *h, const char *user)
{
	const void *now = NULL;

	return pam_get_item(h, PAM_USER, &now) == PAM_SUCCESS && now != NULL &&
	    strcmp(now, user) == 0;
}

static int
ask_pam(const struct pam_check_in *in)
{
	const int flags = PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK;
	struct answers a = { in->user, in->pass, false };
	struct pam_conv conv = { converse, &a };
	pam_handle_t *h = NULL;
	int r;

	r = pam_start_confdir(conf.service, in->user, &conv,
	    conf.pam_dir[0] != '\0' ? conf.pam_dir : NULL, &h);
	if (r == PAM_SUCCESS)
		r = set_items(h, in);
	if (r == PAM_SUCCESS)
		r = pam_authenticate(h, flags);
	if (r == PAM_SUCCESS)
		r = pam_acct_mgmt(h, flags);
	/* a module may have taken another name for it, which is not whose mail
	 * it will be */
	if (r == PAM_SUCCESS && !is_still(h, in->user))
		r = PAM_USER_UNKNOWN;
	if (h != NULL)
		pam_end(h, r);
	return r;
}

/* which answers are about the user, and not about us */
static bool
is_no(int r)
{
	switch (r) {
	case PAM_AUTH_ERR:
	case PAM_USER_UNKNOWN:
	case PAM_MAXTRIES:
	case PAM_PERM_DENIED:
	case PAM_ACCT_EXPIRED:
	case PAM_NEW_AUTHTOK_REQD:
	case PAM_AUTHTOK_EXPIRED:
	case PAM_CRED_EXPIRED:
		return true;
	default:
		return false;
	}
}

static void
child(const struct pam_check_in *in, int out) NORETURN;

static void
child(const struct pam_check_in *in, int out)
{
	unsigned char code;

	signal(SIGPIPE, SIG_DFL);
	dup2(null_fd, STDIN_FILENO);
	dup2(null_fd, STDOUT_FILENO);
	code = (unsigned char)ask_pam(in);
	(void)!write(out, &code, 1);
	_exit(0);
}

/* its one byte, within the time: a code of PAM, or -1 */
static int
wait_answer(int fd)
{
	struct pollfd p = { fd, POLLIN, 0 };
	int64_t end = mono_ms() + conf.timeout, left;
	unsigned char code;
	int r = 0;

	while (r == 0 && (left = end - mono_ms()) > 0) {
		r = poll(&p, 1, (int)left);
		if (r < 0 && errno == EINTR)
			r = 0;
	}
	return r > 0 && read(fd, &code, 1) == 1 ? code : -1;
}

/* The child, and what it has started: orphans become ours (before_jail), also
 * those that made a session of their own. */
static void
kill_all(pid_t pid)
{
	char path[64], *text;
	struct slice rest, word;
	size_t len;
	uint64_t n;
	int i;

	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	snprintf(path, sizeof(path), "/proc/self/task/%d/children",
	    (int)getpid());
	for (i = 0; i < KILL_ROUNDS; i++) {
		text = read_file(path, CHILDREN_MAX, &len);
		rest = slice_of(text);
		while (slice_word(&rest, &word))
			if (slice_u64(word, INT_MAX, &n) && n > 1) {
				kill((pid_t)n, SIGKILL);
				waitpid((pid_t)n, NULL, 0);
			}
		if (text == NULL || text[0] == '\0')
			i = KILL_ROUNDS;
		free(text);
	}
}

static int
ask_child(const struct pam_check_in *in, int *code_r, struct err *err)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_sys(err, "pipe");
	pid = fork();
	if (pid < 0) {
		close(fds[0]);
		close(fds[1]);
		return err_sys(err, "fork");
	}
	if (pid == 0) {
		close(fds[0]);
		child(in, fds[1]);
	}
	close(fds[1]);
	*code_r = wait_answer(fds[0]);
	close(fds[0]);
	kill_all(pid);
	return 0;
}

static int
trouble(const struct pam_check_in *in, const char *why, struct err *err)
{
	log_event(LOG_ERROR, "pam", KS("user", in->user),
	    KS("service", in->service), KS("reason", why), KEND);
	return err_temp(err, "4.3.0", "PAM: %s", why);
}

/* a login as it can be in passwd(5) */
static bool
name_ok(const char *z)
{
	size_t i;

	for (i = 0; z[i] != '\0'; i++)
		if (!ascii_isalnum((unsigned char)z[i]) &&
		    (z[i] == '\0' || strchr("._-", z[i]) == NULL))
			return false;
	return i > 0 && i <= 64 && z[0] != '-';
}

static int
find(const char *name, struct system_user *u, struct arena *a,
    struct err *err)
{
	return name_ok(name) ? system_user_find(name, u, a, err) : 0;
}

static int
do_find(struct call *c, const void *vin, void *vout, struct err *err)
{
	const struct pam_find_in *in = vin;
	struct pam_find_out *out = vout;
	struct system_user u;
	int r = find(in->user, &u, c->arena, err);

	if (r < 0)
		return -1;
	out->found = r == 1;
	if (out->found) {
		out->uid = (int64_t)u.uid;
		out->gid = (int64_t)u.gid;
		out->home = u.home;
	}
	return 0;
}

static int
do_check(struct call *c, const void *vin, void *vout, struct err *err)
{
	const struct pam_check_in *in = vin;
	struct pam_check_out *out = vout;
	struct system_user u;
	int code = -1, r = find(in->user, &u, c->arena, err);

	/* root and the accounts of services log in nowhere */
	if (r == 1)
		r = ask_child(in, &code, err) < 0 ? -1 : 1;
	explicit_bzero((char *)(uintptr_t)in->pass, strlen(in->pass));
	if (r < 0)
		return -1;
	if (r == 1 && code < 0)
		return trouble(in, "no answer within the time", err);
	if (r == 1 && code != PAM_SUCCESS && !is_no(code))
		return trouble(in, pam_strerror(NULL, code), err);
	out->right = r == 1 && code == PAM_SUCCESS;
	return 0;
}

static const struct verb verbs[] = {
	{ &pam_find_verb, do_find, PEER_AUTH },
	{ &pam_check_verb, do_check, PEER_AUTH },
	{ NULL, NULL, 0 }
};

static int
before_jail(struct err *err)
{
	static const char *const read_exec[] = { "/usr", "/bin", "/sbin",
		"/lib", "/lib64", "/lib32" };
	static const char *const read_only[] = { "/etc", "/run", "/var/lib",
		"/proc", "/dev" };
	size_t i;

	map_set_dir(common.conf_dir);
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null_fd < 0)
		return err_sys(err, "/dev/null");
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return err_sys(err, "prctl");
	for (i = 0; i < ARRAY_LEN(read_exec); i++)
		jail_path(read_exec[i], PATH_READ | PATH_EXEC);
	for (i = 0; i < ARRAY_LEN(read_only); i++)
		jail_path(read_only[i], PATH_READ);
	jail_path("/dev/null", PATH_READ | PATH_WRITE);
	if (strcmp(common.system_users, "passwd") != 0 &&
	    jail_table(common.system_users, err) < 0)
		return -1;
	if (conf.pam_dir[0] != '\0')
		jail_path(conf.pam_dir, PATH_READ | PATH_EXEC);
	for (i = 0; i < conf.write_paths.n; i++)
		jail_path(conf.write_paths.v[i], PATH_ALL);
	return 0;
}

static const struct daemon auth_pam = {
	.name = "auth-pam",
	.kind = SERVE_REQUEST,
	.fields = fields,
	.conf = &conf,
	.before_jail = before_jail,
	.verbs = verbs,
	.keep_root = true,
	/* what modules and their helpers want of root; not the machine */
	.caps = 1u << CAP_CHOWN | 1u << CAP_DAC_OVERRIDE |
	    1u << CAP_DAC_READ_SEARCH | 1u << CAP_FOWNER | 1u << CAP_FSETID |
	    1u << CAP_KILL | 1u << CAP_SETGID | 1u << CAP_SETUID |
	    1u << CAP_IPC_LOCK | 1u << CAP_SYS_CHROOT | 1u << CAP_SYS_NICE |
	    1u << CAP_SYS_RESOURCE | 1u << CAP_AUDIT_WRITE,
	.jail = { .groups = JAIL_FILES | JAIL_WRITE | JAIL_UNIX | JAIL_FORK |
		JAIL_EXEC | JAIL_IDS | JAIL_CHMOD | JAIL_PLUGIN,
		.memory = 1024UL * 1024 * 1024, .files = 256 },
};

int
main(int argc, char **argv)
{
	return serve_main(argc, argv, &auth_pam);
}
