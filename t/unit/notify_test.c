/*
 * notify_test.c - watchers and notices, without notifyd and with one of our
 * own in a child: what a session sees whoever changes a mailbox, and what a
 * subscriber can not get.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "../../notifyd/notifyd.h"
#include "base/clock.h"
#include "conf/common.h"
#include "proto/notify.h"
#include "serve/status.h"
#include "store/notice.h"
#include "store/watcher.h"
#include "test/tap.h"

enum { WAIT_MS = 8000, SOON_MS = 1000, QUIET_MS = 150 };

static const char *dir;
static int listener = -1, life = -1, status_fd = -1;
static pid_t hub;

/* --- a mail tree and a hub ------------------------------------------------ */

static void
put(const char *path, const char *text)
{
	FILE *f = fopen(path, "a");

	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0)
		die("%s: %s", path, strerror(errno));
}

/* of the directory; the last one is good until the next */
static const char *
in_dir(const char *name)
{
	static char path[4][500];
	static int i;

	i = (i + 1) % 4;
	snprintf(path[i], sizeof(path[i]), "%s/%s", dir, name);
	return path[i];
}

static char *
make_folder(const char *name, bool state)
{
	static const char *const subs[] = { "", "/new", "/cur", "/tmp",
		"/.state" };
	char *home = xstrdup(in_dir(name));
	size_t i;

	for (i = 0; i < ARRAY_LEN(subs) - !state; i++) {
		char *p = xasprintf("%s%s", home, subs[i]);

		if (mkdir(p, 0700) < 0)
			die("%s: %s", p, strerror(errno));
		free(p);
	}
	return home;
}

static void
remove_folder(const char *name)
{
	static const char *const subs[] = { "/.state", "/tmp", "/cur", "/new",
		"" };
	size_t i;

	for (i = 0; i < ARRAY_LEN(subs); i++) {
		char *p = xasprintf("%s%s", in_dir(name), subs[i]);

		ok(rmdir(p) == 0, "%s%s is removed", name, subs[i]);
		free(p);
	}
}

static void
make_tree(void)
{
	static const char *const dirs[] = { "conf", "mail", "run",
		"run/private" };
	struct err err;
	size_t i;

	if (geteuid() == 0 && (setresgid(65534, 65534, 65534) < 0 ||
	    setresuid(65534, 65534, 65534) < 0))
		die("setresuid");
	dir = tap_dir();
	for (i = 0; i < ARRAY_LEN(dirs); i++)
		mkdir(in_dir(dirs[i]), 0700);
	put(in_dir("conf/common.conf"), "hostname = test.example\n"
	    "mail_dir = mail\nrun_dir = run\n");
	put(in_dir("conf/notifyd.conf"), "connection_watches = 4\n");
	if (common_load(in_dir("conf"), &err) < 0)
		die("%s", err.text);
}

static void
start_listening(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	slice_copy(sun.sun_path, sizeof(sun.sun_path),
	    slice_of(socket_path("notifyd")));
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&sun,
	    sizeof(sun)) < 0 || listen(listener, 100) < 0)
		die("listen: %s", strerror(errno));
}

static void NORETURN
child(int status_end, int life_end)
{
	char *argv[] = { (char *)"notifyd", (char *)"-c",
		(char *)common.conf_dir, (char *)"-Mservice=notifyd",
		(char *)"-Mlisteners=1", NULL };
	int null = open("/dev/null", O_RDWR), fds[4], i;
	struct board board;

	fds[0] = fcntl(status_end, F_DUPFD, 40);
	fds[1] = fcntl(life_end, F_DUPFD, 40);
	fds[2] = fcntl(board_make(&board, 1, 1), F_DUPFD, 40);
	fds[3] = fcntl(listener, F_DUPFD, 40);
	for (i = 0; i < 4; i++)
		dup2(fds[i], STATUS_FD + i);
	dup2(null, STDERR_FILENO);
	for (i = LISTEN_FD + 1; i < 64; i++)
		close(i);
	_exit(serve_main(5, argv, &notifyd));
}

static void
start_hub(void)
{
	struct status_msg m = { 0 };
	int s[2], l[2];

	if (pipe2(s, O_CLOEXEC) < 0 || pipe2(l, O_CLOEXEC) < 0)
		die("pipe");
	hub = fork();
	if (hub == 0)
		child(s[1], l[0]);
	close(s[1]);
	close(l[0]);
	close_fd(status_fd);
	close_fd(life);
	status_fd = s[0];
	life = l[1];
	ok(read(status_fd, &m, sizeof(m)) == (ssize_t)sizeof(m) &&
	    m.what == 'r', "notifyd serves");
}

static void
stop_hub(int sig)
{
	int st = 0;

	kill(hub, sig);
	waitpid(hub, &st, 0);
	if (sig == SIGTERM)
		is_int(st, 0, "notifyd ends when asked to");
}

/* --- a session ------------------------------------------------------------ */

/* the next folder within the time, or -1 */
static int
next_in(struct watcher *w, int ms)
{
	int64_t end = mono_ms() + ms, left;
	struct pollfd p = { watcher_fd(w), POLLIN, 0 };
	int id;

	for (;;) {
		id = watcher_next(w);
		left = end - mono_ms();
		if (id >= 0 || left <= 0)
			return id;
		poll(&p, 1, MIN((int)left, watcher_timeout(w)));
	}
}

/* nothing more comes */
static void
settle(struct watcher *w)
{
	while (next_in(w, QUIET_MS) >= 0)
		;
}

static bool
becomes(struct watcher *w, int id, enum watch_how how)
{
	int64_t end = mono_ms() + WAIT_MS;

	while (watcher_how(w, id) != how && mono_ms() < end)
		next_in(w, 20);
	return watcher_how(w, id) == how;
}

static void
message(const char *folder, const char *name)
{
	char *p = xasprintf("%s/%s", folder, name);

	put(p, "x\n");
	free(p);
}

/* each kind of change is news, and the news ends */
static void
test_changes(struct watcher *w, int id, const char *folder, const char *how)
{
	char *a = xasprintf("%s/new/m", folder);
	char *b = xasprintf("%s/cur/m:2,", folder);
	char *c = xasprintf("%s/cur/m:2,S", folder);
	int64_t t;
	int i, n = 0;

	settle(w);
	t = mono_ms();
	message(folder, "new/m");
	is_int(next_in(w, SOON_MS), id, "%s: a new message", how);
	ok(mono_ms() - t < 50, "%s: in %d ms", how, (int)(mono_ms() - t));
	settle(w);
	rename(a, b);
	is_int(next_in(w, SOON_MS), id, "%s: taken in", how);
	settle(w);
	rename(b, c);
	is_int(next_in(w, SOON_MS), id, "%s: a flag, by a rename", how);
	settle(w);
	message(folder, ".state/log");
	is_int(next_in(w, SOON_MS), id, "%s: written to the log", how);
	settle(w);
	unlink(c);
	is_int(next_in(w, SOON_MS), id, "%s: expunged", how);
	settle(w);
	for (i = 0; i < 1000; i++) {
		message(folder, "new/x");
		unlink(in_dir("mail/ann/new/x"));
		if (watcher_next(w) >= 0)
			n++;
	}
	while (next_in(w, QUIET_MS) >= 0)
		n++;
	ok(n >= 1 && n < 100, "%s: 2000 changes are %d pieces of news", how,
	    n);
	free(a);
	free(b);
	free(c);
}

static void
test_alone(const char *ann, const char *bad)
{
	struct err err;
	struct watcher *w = watcher_new(&err);
	int id = watcher_add(w, ann), other = watcher_add(w, bad);

	is_int(watcher_how(w, id), WATCH_OWN, "without notifyd: by ourselves");
	is_int(watcher_how(w, other), WATCH_POLL, "or, if need be, by time");
	is_int(next_in(w, 0), id, "each is looked at once");
	is_int(next_in(w, 0), other, "at the beginning");
	ok(watcher_timeout(w) <= WATCHER_POLL_MS, "and then from time to "
	    "time");
	test_changes(w, id, ann, "alone");
	watcher_del(w, id);
	message(ann, "new/y");
	is_int(next_in(w, QUIET_MS), -1, "no more of what was removed");
	unlink(in_dir("mail/ann/new/y"));
	notice_changed(ann);
	ok(true, "a notice to nobody");
	watcher_free(w);
}

static void
test_hub(const char *ann)
{
	struct err err;
	struct watcher *w = watcher_new(&err);
	int id = watcher_add(w, ann);

	ok(becomes(w, id, WATCH_OWN), "while notifyd is being started");
	start_hub();
	ok(becomes(w, id, WATCH_HUB), "a watcher finds it");
	test_changes(w, id, ann, "hub");

	stop_hub(SIGKILL);
	message(ann, "new/z");
	start_hub();
	is_int(next_in(w, SOON_MS), id, "what came while it was down is "
	    "looked for");
	is_int(watcher_how(w, id), WATCH_HUB, "by the new one");
	settle(w);
	unlink(in_dir("mail/ann/new/z"));
	is_int(next_in(w, SOON_MS), id, "which tells of changes");
	settle(w);
	watcher_del(w, id);
	message(ann, "new/y");
	is_int(next_in(w, QUIET_MS), -1, "no more of what was removed");
	unlink(in_dir("mail/ann/new/y"));
	watcher_free(w);
}

/* more than notifyd wants to know of, and one that goes */
static void
test_limit(void)
{
	char *f[6], name[20];
	struct err err;
	struct watcher *w = watcher_new(&err);
	int i;

	for (i = 0; i < 6; i++) {
		snprintf(name, sizeof(name), "mail/l%d", i);
		f[i] = make_folder(name, true);
		is_int(watcher_add(w, f[i]), i, "folder %d", i);
	}
	settle(w);
	is_int(watcher_how(w, 3), WATCH_HUB, "the fourth is notifyd's");
	is_int(watcher_how(w, 4), WATCH_OWN, "the fifth is over its limit");
	for (i = 0; i < 6; i++) {
		message(f[i], "cur/m");
		is_int(next_in(w, SOON_MS), i, "%d: seen", i);
		settle(w);
	}
	unlink(in_dir("mail/l1/cur/m"));
	is_int(next_in(w, SOON_MS), 1, "one is emptied");
	settle(w);
	remove_folder("mail/l1");
	is_int(next_in(w, SOON_MS), 1, "which is news");
	ok(becomes(w, 1, WATCH_POLL), "and the end of notices");
	for (i = 0; i < 6; i++)
		free(f[i]);
	watcher_free(w);
}

/* where the kernel does not tell of everything, our writers do */
static void
test_direct(void)
{
	char *f = make_folder("mail/bob", false);
	unsigned char *board = notice_board(false);
	struct err err;
	struct watcher *w = watcher_new(&err);
	int id;

	ok(board != NULL && board[notice_slot("bob")] == 0,
	    "nobody asks for notices of a folder");
	id = watcher_add(w, f);
	ok(becomes(w, id, WATCH_HUB_POLL), "one that inotify does not cover");
	settle(w);
	is_int(board[notice_slot("bob")], 1, "is on the board");
	notice_changed(f);
	is_int(next_in(w, SOON_MS), id, "a notice arrives");
	settle(w);
	notice_note("bob");
	notice_note("bob");
	notice_note("carol");
	notice_flush();
	is_int(next_in(w, SOON_MS), id, "by a relative name too");
	settle(w);
	watcher_free(w);
	usleep(QUIET_MS * 1000);
	is_int(board[notice_slot("bob")], 0, "it is off the board again");
	free(f);
}

/* --- strange subscribers ------------------------------------------------- */

static int
dial(void)
{
	struct err err;
	int fd = ipc_connect(socket_path("notifyd"), WAIT_MS, &err);

	if (fd < 0)
		die("%s", err.text);
	return fd;
}

static void
watch(int fd, int64_t tag, const char *folder, int proof)
{
	struct notify_watch_in in = { tag, folder };
	struct err err;

	if (ipc_send(fd, "watch", notify_watch.in, &in, proof, WAIT_MS,
	    &err) < 0)
		tap_diag("%s", err.text);
}

/* the answer to a wait: "changed 1,refused 2,", or "err", "closed" */
static const char *
hear(int fd, int ms)
{
	static struct ipc_msg m = { .fd = -1 };
	static struct arena a;
	static char text[300];
	const char *p = NULL;
	struct str s = STR_INIT;
	struct err err;
	int rc = ipc_recv(fd, &m, ms, &err);

	arena_reset(&a);
	if (rc <= 0)
		return rc == 0 ? "closed" : "nothing";
	if (strcmp(m.verb, "ok") != 0)
		return "err";
	while ((p = ipc_next_pair(&m, p)) != NULL)
		if (strncmp(p, "verb=", 5) != 0)
			str_addf(&s, "%s,", p);
	slice_copy(text, sizeof(text), slice_str(&s));
	str_free(&s);
	return text;
}

static const char *
ask(int fd)
{
	struct err err;

	ipc_send(fd, "wait", NULL, NULL, -1, WAIT_MS, &err);
	return hear(fd, SOON_MS);
}

static void
test_hostile(void)
{
	int fd = dial(), opath = open(in_dir("mail/ann"), O_PATH | O_CLOEXEC);
	int ann = open(in_dir("mail/ann"), O_RDONLY | O_CLOEXEC);
	int conf_dir = open(in_dir("conf"), O_RDONLY | O_CLOEXEC);
	int file = open(in_dir("conf/common.conf"), O_RDONLY | O_CLOEXEC);
	int i;

	watch(fd, 1, "ann", opath);
	is_str(ask(fd), "refused=1,", "O_PATH proves nothing");
	watch(fd, 1, "l0", ann);
	is_str(ask(fd), "refused=1,", "nor does another folder");
	watch(fd, 2, "../conf", conf_dir);
	is_str(ask(fd), "refused=2,", "not outside of mail_dir");
	watch(fd, 2, "ann/../../conf", conf_dir);
	is_str(ask(fd), "refused=2,", "not on detours");
	watch(fd, 2, in_dir("conf"), conf_dir);
	is_str(ask(fd), "refused=2,", "not by an absolute name");
	watch(fd, 2, "", file);
	is_str(ask(fd), "refused=2,", "not a file");
	watch(fd, 4, "ann", ann);
	is_str(ask(fd), "limit=4,", "nor too many");
	watch(fd, 3, "ann", ann);
	is_str(ask(fd), "changed=3,", "but what is proved");
	is_str(ask(fd), "nothing", "then it is quiet");
	is_str(ask(fd), "err", "two waits are too many");
	for (i = 0; i < 20000; i++) {
		struct notify_unwatch_in in = { 3 };
		struct err err;

		watch(fd, 3, "ann", ann);
		ipc_send(fd, "unwatch", notify_unwatch.in, &in, -1, WAIT_MS,
		    &err);
	}
	watch(fd, 3, "ann", -1);
	while (strcmp(hear(fd, SOON_MS), "err") != 0)
		;
	is_str(hear(fd, SOON_MS), "closed", "no descriptor: no connection");
	close(fd);
	close(opath);
	close(ann);
	close(conf_dir);
	close(file);
}

static void
test_slow(void)
{
	int slow = dial(), quick = dial(), i;
	int ann = open(in_dir("mail/ann"), O_RDONLY | O_CLOEXEC);

	watch(slow, 0, "ann", ann);
	watch(quick, 0, "ann", ann);
	is_str(ask(quick), "changed=0,", "somebody who listens");
	is_str(ask(quick), "nothing", "and waits");
	for (i = 0; i < 20000; i++) {
		message(in_dir("mail/ann"), "new/x");
		unlink(in_dir("mail/ann/new/x"));
	}
	is_str(hear(quick, SOON_MS), "changed=0,", "hears while another does "
	    "not");
	for (i = 0; strcmp(ask(slow), "changed=0,") == 0; i++)
		;
	ok(i >= 1 && i <= 3, "for whom all of it is %d pieces of news", i);
	close(slow);
	close(quick);
	close(ann);
}

int
main(void)
{
	char *ann, *bad;

	make_tree();
	ann = make_folder("mail/ann", true);
	bad = xstrdup(in_dir("mail/nobody"));
	notice_open();
	test_alone(ann, bad);
	start_listening();
	test_hub(ann);
	test_limit();
	test_direct();
	test_hostile();
	test_slow();
	stop_hub(SIGTERM);
	free(ann);
	free(bad);
	return tap_done();
}
