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

#include "base/clock.h"
#include "local.h"
#include "map/users.h"

struct task {
	struct job *j;		/* NULL: only ask for the space used */
	struct rcpt *r;
	uint64_t quota;
	struct system_user user;
};

struct answer {
	int rc;
	uint64_t used;
	struct err err;
};

/* --- in the child ------------------------------------------------------- */

static int
become(const struct system_user *u, struct err *err)
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

static int
work(const struct task *t, struct answer *a)
{
	static const struct jail narrow = {
		.groups = JAIL_FILES | JAIL_WRITE, .files = 64,
	};
	struct store st = { .fd = -1 };
	int rc = -1;

	if (become(&t->user, &a->err) < 0)
		return -1;
	jail_path(t->user.home, PATH_ALL | PATH_LINK);
	if (jail_enter(&narrow, &a->err) < 0)
		return -1;
	if (store_open(&st, t->user.home, &a->err) == 0)
		rc = t->j != NULL ? put_in(&st, t, &a->err) :
		    quota_of(&st, "", t->quota, &a->used, &a->err);
	store_close(&st);
	return rc;
}

static void NORETURN
child(const struct task *t, int out)
{
	struct answer a = { .rc = -1 };

	/* the parent lets its work end first; who ends us means it */
	signal(SIGTERM, SIG_DFL);
	close_others(out, t->j != NULL ? t->j->content.fd : out);
	a.rc = work(t, &a);
	_exit(full_write(out, &a, sizeof(a)) == 0 ? 0 : 1);
}

/* --- in the parent ------------------------------------------------------- */

static int
read_answer(int fd, struct answer *a, struct err *err)
{
	int64_t end = mono_ms() + conf.child_timeout, left;
	struct pollfd p = { fd, POLLIN, 0 };
	ssize_t n;

	for (;;) {
		left = end - mono_ms();
		if (left <= 0)
			return err_temp(err, "4.4.7", "delivery took more than "
			    "child_timeout");
		if (poll(&p, 1, (int)MIN(left, (int64_t)INT_MAX)) <= 0)
			continue;
		/* less than PIPE_BUF: all or nothing */
		n = read(fd, a, sizeof(*a));
		if (n < 0 && errno == EINTR)
			continue;
		if (n != (ssize_t)sizeof(*a))
			return err_temp(err, "4.3.0", "delivery process died");
		return 0;
	}
}

static int
find_user(const char *login, struct task *t, struct arena *a, struct err *err)
{
	int rc = system_user_find(login, &t->user, a, err);

	if (rc < 0)
		return -1;
	/* the router knew it: trouble of ours, or removed just now */
	if (rc == 0)
		return err_temp(err, "4.1.1", "no account %s that gets mail",
		    login);
	if (common.single_uid && t->user.uid != geteuid())
		return err_temp(err, "4.3.5", "can not become uid %u without "
		    "root", (unsigned)t->user.uid);
	if (!common.single_uid && t->user.uid == 0)
		return err_temp(err, "4.3.5", "root gets no mail");
	return 0;
}

static int
run_child(const struct task *t, struct answer *a, struct err *err)
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
	rc = read_answer(p[0], a, err);
	close(p[0]);
	if (rc < 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (rc == 0 && a->rc < 0)
		*err = a->err;
	return rc < 0 ? -1 : a->rc;
}

static int
run(const char *login, struct task *t, struct answer *a, struct err *err)
{
	struct arena arena = { 0 };
	int rc;

	*a = (struct answer){ 0 };
	rc = find_user(login, t, &arena, err);
	if (rc == 0)
		rc = run_child(t, a, err);
	arena_free(&arena);
	return rc;
}

void
system_deliver(struct job *j, struct rcpt *r)
{
	struct task t = { .j = j, .r = r };
	struct answer a;
	struct err err;

	if (run(r->mailbox, &t, &a, &err) < 0)
		rcpt_fail(r, &err);
}

int
system_quota(const char *login, uint64_t quota, uint64_t *used_r,
    struct err *err)
{
	struct task t = { .quota = quota };
	struct answer a;

	if (run(login, &t, &a, err) < 0)
		return -1;
	*used_r = a.used;
	return 0;
}
