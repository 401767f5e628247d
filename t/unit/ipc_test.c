/* ipc_test.c - records over a socket, malformed messages, descriptors */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "ipc/inbox.h"
#include "ipc/ipc.h"
#include "proto/qmgr.h"
#include "test/tap.h"

struct rec {
	const char *text;
	int64_t n;
	uint64_t size;
	bool flag;
	struct strlist list;
};
static const struct field fields[] = {
	F_STR(struct rec, text, NULL, ""),
	F_INT(struct rec, n, "-1", NULL, NULL, ""),
	F_SIZE(struct rec, size, "0", NULL, NULL, ""),
	F_BOOL(struct rec, flag, "no", ""),
	F_LIST(struct rec, list, ""),
	F_END
};

static int pair[2];
static struct arena arena;

static void
test_round_trip(void)
{
	struct rec in = { "a=b \"c\"\n", -7, 1536, true, { 0 } }, out;
	struct err err = ERR_INIT;
	struct ipc_msg m;
	int fd = open("/dev/null", O_RDONLY);

	strlist_add(&in.list, &arena, "");
	strlist_add(&in.list, &arena, "two");
	ipc_msg_init(&m);
	is_int(ipc_send(pair[0], "test", fields, &in, fd, 1000, &err), 0,
	    "a record is sent with a descriptor");
	is_int(ipc_recv(pair[1], &m, 1000, &err), 1, "and received");
	is_int(ipc_decode(&m, fields, &out, &arena, &err), 0, "and decoded");
	is_str(out.text, in.text, "text with = and quotes");
	ok(out.n == -7 && out.size == 1536 && out.flag, "exact numbers");
	ok(out.list.n == 2 && out.list.v[0][0] == '\0' &&
	    strcmp(out.list.v[1], "two") == 0, "a list with an empty value");
	ok(m.fd >= 0 && m.fd != fd && fcntl(m.fd, F_GETFD) == FD_CLOEXEC,
	    "the descriptor is closed on exec");
	close(fd);
	in.n = 0;
	ipc_send(pair[0], "test", fields, &in, -1, 1000, &err);
	ok(ipc_recv(pair[1], &m, 1000, &err) == 1 && m.fd == -1,
	    "the next message has no descriptor");
	ok(ipc_decode(&m, fields, &out, &arena, &err) == 0 && out.n == 0,
	    "0 is sent where it is not the default");
	ipc_msg_free(&m);
}

static void
test_malformed(void)
{
	static const struct { const char *bytes; size_t n; bool whole; } t[] = {
		{ "verb=x", 6, false },		/* no NUL at the end */
		{ "text=a\0", 7, false },	/* no verb */
		{ "verb=x\0novalue\0", 15, true },
		{ "verb=x\0n=3\0", 11, true },	/* text is missing */
		{ "verb=x\0text=a\0n=q\0", 18, true },
		{ "verb=x\0text=a\0flag=7\0", 21, true },
	};
	struct err err;
	struct ipc_msg m;
	struct rec out;
	size_t i;
	int rc;

	ipc_msg_init(&m);
	for (i = 0; i < ARRAY_LEN(t); i++) {
		if (send(pair[0], t[i].bytes, t[i].n, 0) < 0)
			die("send");
		rc = ipc_recv(pair[1], &m, 1000, &err);
		if (t[i].whole)
			rc = ipc_decode(&m, fields, &out, &arena, &err);
		ok(rc == -1 && err.kind == ERR_PERM, "malformed %zu: %s", i,
		    err.text);
	}
	send(pair[0], "verb=x\0text=a\0later=1\0", 22, 0);
	ipc_recv(pair[1], &m, 1000, &err);
	is_int(ipc_decode(&m, fields, &out, &arena, &err), 0,
	    "an unknown field is ignored");
	is_int(ipc_recv(pair[1], &m, 0, &err), -1, "no message is an error");
	is_str(err.dsn, "again", "that can be told from others");
	close(pair[0]);
	is_int(ipc_recv(pair[1], &m, 1000, &err), 0, "the end of the channel");
	ipc_msg_free(&m);
}

/* a record that its owner filled by hand: NULL is as good as "" */
static void
test_null(void)
{
	struct rec in = { .n = 3 }, out;
	struct err err;
	struct ipc_msg m;

	ipc_msg_init(&m);
	is_int(ipc_send(pair[0], "x", fields, &in, -1, 1000, &err), 0,
	    "a string that is NULL is sent");
	ok(ipc_recv(pair[1], &m, 1000, &err) == 1 &&
	    ipc_decode(&m, fields, &out, &arena, &err) == 0 &&
	    strcmp(out.text, "") == 0 && out.n == 3, "as an empty one");
	ipc_msg_free(&m);
}

/* more rows than bits in a word */
static void
test_many_rows(void)
{
	enum { ROWS = 130 };
	static char names[ROWS][16];
	struct field t[ROWS + 1] = { [ROWS] = F_END };
	int64_t in[ROWS], out[ROWS];
	struct err err;
	struct ipc_msg m;
	int i;

	for (i = 0; i < ROWS; i++) {
		snprintf(names[i], sizeof(names[i]), "f%d", i);
		t[i] = (struct field){ .name = names[i], .kind = FIELD_INT,
			.offset = (size_t)i * sizeof(in[0]), .doc = "" };
		in[i] = i;
	}
	ipc_msg_init(&m);
	ipc_send(pair[0], "x", t, in, -1, 1000, &err);
	ok(ipc_recv(pair[1], &m, 1000, &err) == 1 &&
	    ipc_decode(&m, t, out, NULL, &err) == 0 &&
	    memcmp(in, out, sizeof(in)) == 0, "%d required rows", ROWS);
	t[100].name = "f0";	/* as if 100 had not come */
	ipc_send(pair[0], "x", t, in, -1, 1000, &err);
	t[100].name = "other";
	ok(ipc_recv(pair[1], &m, 1000, &err) == 1 &&
	    ipc_decode(&m, t, out, NULL, &err) == -1,
	    "the 101st row is missed: %s", err.text);
	ipc_msg_free(&m);
}

static void
test_too_long(void)
{
	struct rec in = { "", 0, 0, false, { 0 } };
	struct str big = STR_INIT;
	struct err err;
	int i;

	for (i = 0; i < 70000; i++)
		str_addc(&big, 'x');
	in.text = big.s;
	is_int(ipc_send(pair[0], "test", fields, &in, -1, 1000, &err), -1,
	    "a message over 64 KiB is not sent");
	ok(err.kind == ERR_PERM, "for good: %s", err.text);
	str_free(&big);
}

static void
test_nobody_there(void)
{
	struct qmgr_settle_in in = { .q = "x" };
	struct err err = ERR_INIT;
	struct ipc c;
	bool sent = true;

	ipc_init(&c, "/nonexistent/socket", 1000);
	is_int(ipc_call(&c, &qmgr_settle, &in, -1, NULL, NULL, &sent, &err),
	    -1, "a call to nobody fails");
	ok(err.kind == ERR_TEMP && !sent, "for now: %s", err.text);
	ipc_free(&c);
}

/* the request was told; the answer is read when it is wanted */
static void
test_answer(void)
{
	static const char ok_yes[] = "verb=ok\0queued=yes",
	    temp[] = "verb=err\0kind=temp\0dsn=4.3.1\0text=full",
	    more[] = "verb=more";
	struct qmgr_settle_in in = { .q = "x" };
	struct qmgr_settle_out out;
	struct err err = ERR_INIT;
	struct ipc_msg m;
	struct ipc c;
	int p[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, p) < 0)
		die("socketpair");
	ipc_msg_init(&m);
	ipc_init(&c, "/nonexistent/socket", 1000);
	c.fd = p[0];
	is_int(ipc_tell(&c, &qmgr_settle, &in, &err), 0, "a request is told");
	ok(ipc_recv(p[1], &m, 1000, &err) == 1, "and comes");
	send(p[1], ok_yes, sizeof(ok_yes), 0);
	is_int(ipc_answer(&c, &qmgr_settle, NULL, NULL, &out, NULL, &err), 1,
	    "its answer is read later");
	ok(out.queued, "with what is in it");
	send(p[1], temp, sizeof(temp), 0);
	is_int(ipc_answer(&c, &qmgr_settle, NULL, NULL, &out, NULL, &err), -1,
	    "an error is an answer");
	is_str(err.dsn, "4.3.1", "the peer's own");
	ok(c.fd >= 0, "the connection is as good as before");
	close(p[1]);
	is_int(ipc_answer(&c, &qmgr_settle, NULL, NULL, &out, NULL, &err), 0,
	    "a peer that ends has not answered: %s", err.text);
	is_int(c.fd, -1, "its connection is closed");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, p) < 0)
		die("socketpair");
	c.fd = p[0];
	send(p[1], more, sizeof(more), 0);
	is_int(ipc_answer(&c, &qmgr_settle, NULL, NULL, &out, NULL, &err), -1,
	    "what nobody asked for is no answer: %s", err.text);
	is_int(c.fd, -1, "nor is that connection used again");
	close(p[1]);
	ipc_msg_free(&m);
	ipc_free(&c);
}

/* who has to end waits for no answer, but takes one that is there */
static void
test_wake(void)
{
	static const char ok_yes[] = "verb=ok\0queued=yes";
	struct qmgr_settle_in in = { .q = "x" };
	struct qmgr_settle_out out;
	struct err err = ERR_INIT;
	struct ipc c;
	int p[2], end[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, p) < 0 || pipe(end) < 0)
		die("socketpair");
	ipc_init(&c, "/nonexistent/socket", 60000);
	c.fd = p[0];
	ipc_wake_on(end[0]);
	send(p[1], ok_yes, sizeof(ok_yes), 0);
	is_int(ipc_call(&c, &qmgr_settle, &in, -1, &out, NULL, NULL, &err), 0,
	    "nothing wakes: an answer");
	close(end[1]);
	send(p[1], ok_yes, sizeof(ok_yes), 0);
	is_int(ipc_call(&c, &qmgr_settle, &in, -1, &out, NULL, NULL, &err), 0,
	    "woken, and the answer is there");
	is_int(ipc_call(&c, &qmgr_settle, &in, -1, &out, NULL, NULL, &err), -1,
	    "woken, and it is not");
	is_str(err.dsn, "4.3.2", "it is not waited for");
	is_int(c.fd, -1, "... nor is it read later");
	ipc_wake_on(-1);
	close(end[0]);
	close(p[1]);
	ipc_free(&c);
}

static volatile sig_atomic_t rings;

static void
ring(int sig UNUSED)
{
	const struct itimerval off = { 0 };

	if (++rings == 300)
		setitimer(ITIMER_REAL, &off, NULL);
}

/* a signal every 20 ms, six seconds long */
static void
disturb(void)
{
	const struct itimerval often = { { 0, 20000 }, { 0, 20000 } };
	struct sigaction sa = { .sa_handler = ring };

	rings = 0;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
}

static void
calm(void)
{
	const struct itimerval off = { 0 };

	setitimer(ITIMER_REAL, &off, NULL);
	signal(SIGALRM, SIG_DFL);
}

/* the time for an answer ends also where signals interrupt the wait for it */
static void
test_signals(void)
{
	const struct timeval tv = { 0, 300000 };
	struct qmgr_settle_in in = { .q = "x" };
	struct err err = ERR_INIT;
	struct ipc_msg m;
	struct ipc c;
	int p[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, p) < 0)
		die("socketpair");
	setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	ipc_init(&c, "/nonexistent/socket", 300);
	ipc_msg_init(&m);
	disturb();
	is_int(ipc_recv(p[0], &m, 300, &err), -1, "no message, and signals");
	ok(rings < 300, "the wait ends before they do");
	c.fd = p[0];
	disturb();
	is_int(ipc_call(&c, &qmgr_settle, &in, -1, NULL, NULL, NULL, &err), -1,
	    "no answer, and signals");
	ok(rings < 300, "the call ends before they do");
	is_str(err.dsn, "4.4.2", "... at its time");
	calm();
	close(p[1]);
	ipc_msg_free(&m);
	ipc_free(&c);
}

/* A peer that answers one request on each connection and gives up the next:
 * of the first connection unread, then read, then unread again. */
static void
giver_up(int l)
{
	struct ipc_msg m;
	struct err err;
	int i, s;

	ipc_msg_init(&m);
	for (i = 0; i < 3; i++) {
		s = accept(l, NULL, NULL);
		if (ipc_recv(s, &m, 60000, &err) == 1)
			ipc_send(s, "ok", NULL, NULL, -1, 1000, &err);
		poll(&(struct pollfd){ s, POLLIN, 0 }, 1, 60000);
		if (i == 1)
			ipc_recv(s, &m, 60000, &err);
		close(s);
	}
	_exit(0);
}

/* what a peer has certainly not read may be said to another */
static void
test_unread(void)
{
	static const struct verb_def careful = { .name = "careful" },
	    repeated = { .name = "repeated", .flags = VERB_UNREAD };
	char dir[] = "/tmp/ipc_test.XXXXXX";
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int l = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct err err = ERR_INIT;
	struct ipc c;
	const char *path;
	pid_t pid;

	if (mkdtemp(dir) == NULL)
		die("mkdtemp: %s", strerror(errno));
	path = arena_printf(&arena, "%s/s", dir);
	slice_copy(sun.sun_path, sizeof(sun.sun_path), slice_of(path));
	if (bind(l, (struct sockaddr *)&sun, sizeof(sun)) < 0 ||
	    listen(l, 5) < 0)
		die("listen: %s", strerror(errno));
	pid = fork();
	if (pid == 0)
		giver_up(l);
	close(l);
	ipc_init(&c, path, 60000);
#define CALL(v) ipc_call(&c, &(v), NULL, -1, NULL, NULL, NULL, &err)
	is_int(CALL(repeated), 0, "a call");
	is_int(CALL(repeated), 0, "the next is not read, and is repeated");
	is_int(CALL(repeated), -1, "one that was read is not");
	is_int(CALL(careful), 0, "a new connection");
	is_int(CALL(careful), -1, "nor is a verb that does not say so");
#undef CALL
	ipc_free(&c);
	waitpid(pid, NULL, 0);
	unlink(path);
	rmdir(dir);
}

static int
open_files(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* send descriptors as no sender of ours does */
static void
send_fds(int sock, const int *fds, size_t n)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(4 * sizeof(int))];
	} control = { .space = "" };
	struct iovec iov = { (char *)(uintptr_t)"x", 1 };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = CMSG_SPACE(n * sizeof(int)) };
	struct cmsghdr *cm = CMSG_FIRSTHDR(&mh);

	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(cm), fds, n * sizeof(int));
	if (sendmsg(sock, &mh, 0) != 1)
		die("sendmsg: %s", strerror(errno));
}

static void
test_inbox(void)
{
	char dir[] = "/tmp/ipc-test.XXXXXX", *path;
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int l = socket(AF_UNIX, SOCK_DGRAM, 0), s, c, a, before, two[2];
	struct err err = ERR_INIT;
	struct ipc_msg m;

	path = xasprintf("%s/inbox", mkdtemp(dir));
	slice_copy(sun.sun_path, sizeof(sun.sun_path), slice_of(path));
	is_int(inbox_open(path), -1, "nobody is there");
	if (bind(l, (struct sockaddr *)&sun, sizeof(sun)) < 0)
		die("bind: %s", strerror(errno));
	ok(inbox_is(l) && !inbox_is(STDIN_FILENO), "an inbox is known");
	s = inbox_open(path);
	ok(inbox_accept(l) < 0 && errno == EAGAIN, "nobody waits");
	c = inbox_connect(s);
	a = inbox_accept(l);
	ok(c >= 0 && a >= 0, "a connection");
	ipc_msg_init(&m);
	ok(ipc_send(c, "test", NULL, NULL, -1, 1000, &err) == 0 &&
	    ipc_recv(a, &m, 1000, &err) == 1, "carries messages");
	ipc_msg_free(&m);
	close(c);
	close(a);
	before = open_files();
	send(s, "x", 1, 0);
	ok(inbox_accept(l) < 0 && errno == EBADMSG, "no descriptor");
	send_fds(s, &s, 1);
	ok(inbox_accept(l) < 0 && errno == EBADMSG, "no connection");
	two[0] = two[1] = s;
	send_fds(s, two, 2);
	a = inbox_accept(l);
	close_fd(a);
	is_int(open_files(), before, "nothing stays open, whatever comes");
	close(s);
	close(l);
	unlink(path);
	rmdir(dir);
	free(path);
}

enum { UNDER_WAY = 40, FILES = 16 };

/* so many descriptors wait in it */
static void
fill_up(int sock)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(UNDER_WAY * sizeof(int))];
	} control = { .space = "" };
	char x = 0;
	struct iovec iov = { &x, 1 };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space) };
	struct cmsghdr *cm = CMSG_FIRSTHDR(&mh);
	int fds[UNDER_WAY], i;

	for (i = 0; i < UNDER_WAY; i++)
		fds[i] = sock;
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(cm), fds, sizeof(fds));
	if (sendmsg(sock, &mh, 0) != 1)
		_exit(3);
}

/* A user of its own, with more descriptors under way than it may have open:
 * 0 a call waits until they are taken. */
static void NORETURN
crowded(void)
{
	struct rlimit few = { FILES, FILES };
	struct err err;
	int full[2], to[2], at_once, rc;

	if (geteuid() == 0 && setresuid(4200000, 4200000, 4200000) < 0)
		_exit(2);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, full) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, to) < 0)
		_exit(2);
	fill_up(full[0]);
	if (setrlimit(RLIMIT_NOFILE, &few) < 0)
		_exit(2);
	if (fork() == 0) {	/* has the last end of it, for a while */
		close(to[0]);
		close(to[1]);
		close(full[0]);
		poll(NULL, 0, 300);
		_exit(0);
	}
	close(full[0]);
	close(full[1]);
	at_once = ipc_send(to[0], "x", NULL, NULL, 0, 0, &err);
	rc = ipc_send(to[0], "x", NULL, NULL, 0, -1, &err);
	_exit(at_once == 0 ? 4 : rc == 0 ? 0 : 1);
}

static void
test_crowded(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		crowded();
	waitpid(pid, &status, 0);
	is_int(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0,
	    "a descriptor waits until others of its user were taken");
}

int
main(void)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0)
		die("socketpair");
	test_round_trip();
	test_null();
	test_many_rows();
	test_too_long();
	test_malformed();
	test_nobody_there();
	test_answer();
	test_wake();
	test_signals();
	test_unread();
	test_inbox();
	test_crowded();
	arena_free(&arena);
	return tap_done();
}
