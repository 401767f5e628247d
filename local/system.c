/*
 * system.c - mailboxes of system accounts.  The parent keeps root and touches
 * no mailbox: for each recipient a child becomes the account for good, closes
 * itself into the account's home, and only then opens the first file there.
 * What it found out comes back over a pipe; a child that says nothing within
 * the time is killed and the recipient deferred.
 */
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "answer.h"
#include "base/clock.h"
#include "forward.h"
#include "map/users.h"
#include "smtp/address.h"

enum task_kind {
	TASK_MAIL,		/* what the account wants, or its mailbox */
	TASK_MAILBOX, TASK_FILE, TASK_QUOTA };
enum { TARGETS_BYTES = 128 * 1024 };

struct task {
	enum task_kind kind;
	struct job *j;		/* NULL: TASK_QUOTA */
	struct rcpt *r;
	const char *login, *extension, *path;
	bool rest;		/* TASK_MAIL: of the .forward alone */
	uint64_t quota;
	struct account user;
};

/* --- in the child ------------------------------------------------------- */

static int
become(const struct account *u, struct err *err)
{
	if (common.single_uid)
		return 0;
	if (setgroups(1, &u->gid) < 0 ||
	    setresgid(u->gid, u->gid, u->gid) < 0 ||
	    setresuid(u->uid, u->uid, u->uid) < 0)
		return err_sys(err, "become uid %u", (unsigned)u->uid);
	if (setuid(0) == 0 || geteuid() != u->uid)
		return err_temp(err, "4.3.0", "could go back to root");
	return 0;
}

/* connections of the parent, and its other files */
static void
close_others(int a, int b)
{
	int fd;

	for (fd = 3; fd < 256; fd++)
		if (fd != a && fd != b)
			close(fd);
}

static int
put_in(struct store *st, const struct task *t, struct err *err)
{
	const struct store_content *c = rcpt_content(t->j, t->r);
	struct store_batch b;
	int made;

	if (t->r->quota > 0 && quota_check(st, t->r, c, err) < 0)
		return -1;
	store_batch_init(&b, st);
	made = store_deliver(&b, c, &t->r->slot, err);
	if (made < 0) {
		struct err ignored;

		store_sync(&b, &ignored);
		return -1;
	}
	if (store_sync(&b, err) < 0) {
		if (made == 1)
			store_undo(st, c, &t->r->slot);
		return -1;
	}
	if (made == 1 && t->r->quota > 0)
		quota_note(st, t->r, (int64_t)c->size, 1);
	return 0;
}

/* Into a file: its directory, and nothing else of the home. */
static int
file_work(const struct task *t, struct err *err)
{
	static const struct jail narrow = {
		.groups = JAIL_FILES | JAIL_WRITE, .files = 64,
	};
	struct str dir = STR_INIT;

	file_directory(t->path, &dir);
	jail_path(dir.s, PATH_ALL | PATH_LINK);
	str_free(&dir);
	if (jail_enter(&narrow, err) < 0)
		return -1;
	return file_deliver(t->j, t->r, t->path, t->user.uid, err);
}

static int
home_work(const struct task *t, struct answer *a, struct str *targets)
{
	static const struct jail narrow = {
		.groups = JAIL_FILES | JAIL_WRITE, .files = 64,
	};
	struct store st = { .fd = -1 };
	int rc = 0;

	jail_path(t->user.home, PATH_ALL | PATH_LINK);
	if (jail_enter(&narrow, &a->err) < 0)
		return -1;
	if (t->kind == TASK_MAIL && conf.forward)
		rc = forward_read(&t->user, t->extension, targets, &a->err);
	/* what of the rest is not there any more is done */
	if (rc != 0 || t->rest)
		return rc;
	rc = -1;
	if (store_open(&st, t->user.home, &a->err) == 0)
		rc = t->kind != TASK_QUOTA ? put_in(&st, t, &a->err) :
		    quota_of(&st, "", t->quota, &a->used, &a->err);
	store_close(&st);
	return rc;
}

static int
work(const struct task *t, struct answer *a, struct str *targets)
{
	if (become(&t->user, &a->err) < 0)
		return -1;
	if (t->kind == TASK_FILE)
		return file_work(t, &a->err);
	return home_work(t, a, targets);
}

static void NORETURN
child(const struct task *t, int out)
{
	struct answer a = { .rc = -1 };
	struct str targets = STR_INIT;

	/* the parent lets its work end first; who ends us means it */
	signal(SIGTERM, SIG_DFL);
	close_others(out, t->j != NULL ? t->j->content.fd : out);
	a.rc = work(t, &a, &targets);
	a.targets = a.rc == 1 ? targets.len : 0;
	_exit(full_write(out, &a, sizeof(a)) == 0 &&
	    full_write(out, targets.s, a.targets) == 0 ? 0 : 1);
}

/* --- in the parent ------------------------------------------------------- */

/* n bytes: 0, or -1 */
static int
read_all(int fd, void *p, size_t n, int64_t end, struct err *err)
{
	struct pollfd pfd = { fd, POLLIN, 0 };
	size_t have = 0;
	int64_t left;
	ssize_t got;

	while (have < n) {
		left = end - mono_ms();
		if (left <= 0)
			return err_temp(err, "4.4.7", "delivery took more than "
			    "child_timeout");
		if (poll(&pfd, 1, (int)MIN(left, (int64_t)INT_MAX)) <= 0)
			continue;
		got = read(fd, (char *)p + have, n - have);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return err_temp(err, "4.3.0", "delivery process died");
		have += (size_t)got;
	}
	return 0;
}

static int
read_answer(int fd, struct answer *a, struct str *targets, struct err *err)
{
	int64_t end = mono_ms() + conf.child_timeout;

	if (read_all(fd, a, sizeof(*a), end, err) < 0)
		return -1;
	if (a->targets == 0)
		return 0;
	if (a->targets > TARGETS_BYTES)
		return err_temp(err, "4.3.0", "too many targets");
	str_grow(targets, a->targets);
	if (read_all(fd, targets->s, a->targets, end, err) < 0)
		return -1;
	targets->len = a->targets;
	targets->s[targets->len] = '\0';
	return 0;
}

/* A group like the account, with nobody else in it, as Debian makes one for
 * each: who may write by it is the account. */
static bool
has_own_group(const char *login, const struct system_user *u)
{
	const struct group *g = getgrgid(u->gid);
	size_t i;

	if (g == NULL)
		return u->gid == (gid_t)u->uid;
	for (i = 0; g->gr_mem[i] != NULL; i++)
		if (strcmp(g->gr_mem[i], login) != 0)
			return false;
	return strcmp(g->gr_name, login) == 0;
}

static int
find_user(const char *login, struct task *t, struct arena *a, struct err *err)
{
	struct system_user u;
	int rc = system_user_find(login, &u, a, err);

	if (rc < 0)
		return -1;
	/* the router knew it: trouble of ours, or removed just now */
	if (rc == 0)
		return err_temp(err, "4.1.1", "no account %s that gets mail",
		    login);
	if (common.single_uid && u.uid != geteuid())
		return err_temp(err, "4.3.5", "can not become uid %u without "
		    "root", (unsigned)u.uid);
	if (!common.single_uid && u.uid == 0)
		return err_temp(err, "4.3.5", "root gets no mail");
	t->user = (struct account){ .login = login, .home = u.home,
		.uid = u.uid, .gid = u.gid,
		.own_group = has_own_group(login, &u) };
	return 0;
}

static int
run_child(const struct task *t, struct answer *a, struct str *targets,
    struct err *err)
{
	int p[2], rc, status;
	pid_t pid;

	if (pipe(p) < 0)
		return err_sys(err, "pipe");
	pid = fork();
	if (pid < 0) {
		rc = err_sys(err, "fork");
		close(p[0]);
		close(p[1]);
		return rc;
	}
	if (pid == 0)
		child(t, p[1]);
	close(p[1]);
	rc = read_answer(p[0], a, targets, err);
	close(p[0]);
	if (rc < 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return rc < 0 ? -1 : answer_take(a, err);
}

/* 0, 1: there are targets, -1 */
static int
run(struct task *t, struct answer *a, struct str *targets, struct err *err)
{
	struct arena arena = { 0 };
	int rc;

	*a = (struct answer){ 0 };
	rc = find_user(t->login, t, &arena, err);
	if (rc == 0)
		rc = run_child(t, a, targets, err);
	arena_free(&arena);
	return rc;
}

static int
run_plain(struct task *t, struct answer *a, struct err *err)
{
	struct str none = STR_INIT;
	int rc = run(t, a, &none, err);

	str_free(&none);
	return rc < 0 ? -1 : 0;
}

int
system_mailbox(struct job *j, struct rcpt *r, const char *login,
    struct err *err)
{
	struct task t = { .kind = TASK_MAILBOX, .j = j, .r = r,
		.login = login };
	struct answer a;

	return run_plain(&t, &a, err);
}

int
system_file(struct job *j, struct rcpt *r, const char *login,
    const char *path, struct err *err)
{
	struct task t = { .kind = TASK_FILE, .j = j, .r = r, .login = login,
		.path = path };
	struct answer a;

	/* who forwards there wants it to be gone */
	if (strcmp(path, "/dev/null") == 0)
		return 0;
	return run_plain(&t, &a, err);
}

static const char *
extension_of(const struct rcpt *r, struct arena *a)
{
	struct smtp_address addr;
	struct slice user, ext;
	struct err ignored;

	if (smtp_address_parse(slice_of(r->addr), SMTP_ADDR_BARE, a, &addr,
	    &ignored) < 0 || smtp_local_split(addr.local,
	    common.recipient_delimiter, &user, &ext) == 0)
		return "";
	return arena_slice(a, ext);
}

/* by its mailbox: LOGIN, LOGIN:/FILE, or LOGIN:| where all of its .forward is
 * done but what may take long; 0, 1, -1 */
static int
deliver(struct job *j, struct rcpt *r, struct arena *arena, struct err *err)
{
	const char *colon = strchr(r->mailbox, ':');
	struct task t = { .kind = TASK_MAIL, .j = j, .r = r,
		.login = r->mailbox };
	struct str targets = STR_INIT;
	struct answer a;
	int rc;

	t.rest = colon != NULL && strcmp(colon, ":|") == 0;
	if (colon != NULL && colon[1] != '/' && !t.rest)
		return err_temp(err, "4.3.5", "no mailbox of an account");
	if (colon != NULL)
		t.login = arena_slice(arena, slice_sub(slice_of(r->mailbox),
		    0, (size_t)(colon - r->mailbox)));
	if (colon != NULL && !t.rest)
		return system_file(j, r, t.login, colon + 1, err);
	t.extension = extension_of(r, arena);
	rc = run(&t, &a, &targets, err);
	if (rc == 1)
		rc = forward_do(j, r, t.login, t.rest, slice_str(&targets),
		    err);
	str_free(&targets);
	return rc;
}

void
system_deliver(struct job *j, struct rcpt *r)
{
	struct arena arena = { 0 };
	struct err err;
	int rc = deliver(j, r, &arena, &err);

	if (rc < 0)
		rcpt_fail(r, &err);
	else if (rc == 1)
		r->status = AGENT_MOVED;
	arena_free(&arena);
}

int
system_quota(const char *login, uint64_t quota, uint64_t *used_r,
    struct err *err)
{
	struct task t = { .kind = TASK_QUOTA, .login = login,
		.quota = quota };
	struct answer a;

	if (run_plain(&t, &a, err) < 0)
		return -1;
	*used_r = a.used;
	return 0;
}
