/*
 * smtpd_backend_test.c - smtpd and a cleanup that dies at every point: what is
 * answered 250 is queued, and an old connection that died is no trouble.
 *
 * The fake cleanup is a child that follows a plan, one letter a connection:
 *   o  answers everything
 *   s  answers the first request, then closes
 *   b  closes when it reads begin
 *   c  closes when it reads commit, having queued the message
 *   d  closes when it reads commit, without queueing it
 *   e  refuses commit
 *   m  refuses begin (as one that missed recipients does) and goes on
 *   q  closes when a commit was answered
 *   t  closes when it reads an edit
 *   x  discards what is committed
 *   p  closes when it reads put, having queued the message
 *   r  closes when it reads put, without queueing it
 *   n  says that the id of a put is no good
 *   f  refuses put
 * A plan that is used up answers everything.
 */
#include "../../smtpd/backend.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <signal.h>

#include "base/log.h"
#include "conf/common.h"
#include "ipc/codec.h"
#include "proto/cleanup.h"
#include "test/tap.h"

static struct shared {
	char plan[16];
	size_t at;
	int rcpts, begun, queued, spaces, conns, edits, bodies;
	int puts, size;		/* size: of what was put last */
	bool whole;		/* put is offered */
	char last[64];
} *sh;

/* the last recipient comes along; a begin that misses one is refused */
static int
begin(int sock, const struct ipc_msg *m, char how, int told)
{
	struct cleanup_begin_out b = { "QID" };
	struct cleanup_begin_in in;
	struct arena arena = { 0 };
	struct err err = ERR_INIT;
	int fd, n;

	if (ipc_decode(m, cleanup_begin.in, &in, &arena, &err) < 0)
		return -1;
	n = told + (in.rcpt[0] != '\0');
	slice_copy(sh->last, sizeof(sh->last), slice_of(in.rcpt));
	arena_free(&arena);
	if (how == 'm' || n == 0 || n != in.rcpts) {
		err_temp(&err, "4.3.0", "recipients are missing");
		return ipc_reply_err(sock, &err, &err) < 0 ? -1 : 1;
	}
	sh->rcpts = n;
	sh->begun++;
	fd = memfd_create("content", MFD_CLOEXEC);
	ipc_send(sock, "ok", cleanup_begin.out, &b, fd, 1000, &err);
	close_fd(fd);
	return how == 's' ? -1 : 0;
}

/* -1: the connection ends */
static int
put(int sock, const struct ipc_msg *m, char how, int told)
{
	struct cleanup_begin_in in;
	struct cleanup_commit_out c = { .q = "" };
	struct arena arena = { 0 };
	struct err err = ERR_INIT;
	int rc = -1;

	if (ipc_decode(m, cleanup_put.in, &in, &arena, &err) < 0)
		return -1;
	sh->puts++;
	sh->size = (int)strlen(in.content);
	sh->queued += how == 'o' || how == 'p';
	if (how == 'f' || told + 1 != in.rcpts) {
		err_perm(&err, "5.4.6", "too many hops");
		rc = ipc_reply_err(sock, &err, &err);
	} else if (how != 'p' && how != 'r') {
		c.q = how == 'n' ? "" : in.q;
		rc = ipc_send(sock, "ok", cleanup_put.out, &c, -1, 1000, &err);
	}
	arena_free(&arena);
	return rc;
}

static int
answer(int sock, const struct ipc_msg *m, char how, int *rcpts, bool *begun)
{
	struct cleanup_space_out space = { sh->whole ? 1000 : 0 };
	struct cleanup_commit_out c = { .q = "QID" };
	struct cleanup_settle_out s = { sh->queued > 0 };
	struct err err = ERR_INIT;
	int rc;

	if (strcmp(m->verb, "rcpt") == 0) {
		++*rcpts;
		return 0;
	}
	if (strcmp(m->verb, "edit") == 0) {
		sh->edits++;
		return how == 't' ? -1 : 0;
	}
	if (strcmp(m->verb, "body") == 0)
		sh->bodies += m->fd >= 0;
	if (strcmp(m->verb, "space") == 0) {
		sh->spaces++;
		return ipc_send(sock, "ok", cleanup_space.out, &space, -1,
		    1000, &err) < 0 || how == 's' ? -1 : 0;
	}
	if (strcmp(m->verb, "put") == 0) {
		rc = *rcpts;
		*rcpts = 0;
		return put(sock, m, how, rc);
	}
	if (strcmp(m->verb, "begin") == 0) {
		if (how == 'b')
			return -1;
		rc = begin(sock, m, how, *rcpts);
		*rcpts = 0;
		*begun = rc == 0;
		return rc < 0 ? -1 : 0;
	}
	if (strcmp(m->verb, "commit") == 0) {
		if (how == 'e' || !*begun) {
			err_perm(&err, "5.4.6", "too many hops");
			return ipc_reply_err(sock, &err, &err);
		}
		*begun = false;
		c.discarded = how == 'x';
		sh->queued += how != 'd';
		if (how == 'c' || how == 'd')
			return -1;
		return ipc_send(sock, "ok", cleanup_commit.out, &c, -1, 1000,
		    &err) < 0 || how == 'q' ? -1 : 0;
	}
	if (strcmp(m->verb, "settle") == 0)
		return ipc_send(sock, "ok", cleanup_settle.out, &s, -1, 1000,
		    &err);
	return ipc_send(sock, "ok", NULL, NULL, -1, 1000, &err) < 0 ||
	    how == 's' ? -1 : 0;
}

static void
serve(int listener)
{
	struct ipc_msg m;
	struct err err;
	int sock, rcpts;
	bool begun;
	char how;

	ipc_msg_init(&m);
	for (;;) {
		sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (sock < 0)
			_exit(1);
		sh->conns++;
		how = sh->plan[sh->at];
		if (how == '\0')
			how = 'o';
		else
			sh->at++;
		rcpts = 0;
		begun = false;
		while (ipc_recv(sock, &m, -1, &err) > 0 &&
		    answer(sock, &m, how, &rcpts, &begun) == 0)
			;
		close(sock);
	}
}

static pid_t
start(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	pid_t pid;

	common.run_dir = tap_dir();
	common.hostname = "mx.example.org";
	mkdir(common_path(common.run_dir, "private"), 0700);
	slice_copy(sa.sun_path, sizeof(sa.sun_path),
	    slice_of(socket_path("cleanup")));
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
	    listen(fd, 16) < 0)
		die("%s: %s", sa.sun_path, strerror(errno));
	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(fd);
	}
	close_fd(fd);
	return pid;
}

static struct peer peer = { .port = 1, .addr = "192.0.2.1" };
static struct session s = { .peer = &peer, .helo = STR_INIT,
    .login = STR_INIT };

/* The child serves one connection after the other.  One that a message left
 * behind unanswered may still wait there, and would take a letter. */
static void
wait_idle(void)
{
	struct cleanup_settle_in in = { .q = "QID" };
	struct cleanup_settle_out out;
	struct err err = ERR_INIT;
	struct ipc c;

	ipc_init(&c, socket_path("cleanup"), 60000);
	memset(sh, 0, sizeof(*sh));
	if (ipc_call(&c, &cleanup_settle, &in, -1, &out, NULL, NULL, &err) < 0)
		die("%s", err.text);
	ipc_free(&c);
}

static void
plan(const char *letters)
{
	backend_release();
	wait_idle();
	memset(sh, 0, sizeof(*sh));
	slice_copy(sh->plan, sizeof(sh->plan), slice_of(letters));
}

static bool with_edits;

/* two changes of the header, and two bodies: the last one counts */
static void
add_edits(struct txn *t)
{
	static const struct edit e[] = {
		{ .op = EDIT_ADD_HEADER, .name = "X", .value = "y" },
		{ .op = EDIT_BODY },
		{ .op = EDIT_HOLD, .value = "why" },
		{ .op = EDIT_BODY } };
	struct err err = ERR_INIT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(e); i++)
		ok(edits_add(&t->edits, &e[i], e[i].op != EDIT_BODY ? -1 :
		    memfd_create("body", MFD_CLOEXEC), &t->arena, &err) == 0,
		    "edit %zu is taken", i + 1);
}

/* one message; "ok", or the error's code, "begin " or "commit " before it */
static const char *
message(size_t rcpts)
{
	static char text[64];
	struct err err = ERR_INIT;
	struct rcpt r = { "a@example.org", "", "", -1, "" };
	const char *what = "begin";
	bool discarded;
	int fd, rc;

	s.txn = txn_new();
	while (rcpts-- > 0) {
		r.addr = arena_printf(&s.txn->arena, "a%zu@example.org",
		    rcpts);
		txn_add(s.txn, &r);
	}
	rc = backend_begin(&s, s.txn, &fd, &err);
	if (with_edits)
		add_edits(s.txn);
	if (rc == 0) {
		ok(s.txn->begun && strcmp(s.txn->q, "QID") == 0, "it began");
		what = "commit";
		if (full_write(fd, "x\n", 2) < 0)
			die("write: %s", strerror(errno));
		close_fd(fd);
		rc = backend_commit(s.txn, 2, &err);
	}
	discarded = s.txn->discarded;
	txn_free(s.txn);
	s.txn = NULL;
	if (rc == 0)
		return discarded ? "discarded" : "ok";
	snprintf(text, sizeof(text), "%s %s", what, err.dsn);
	return text;
}

static void
test_messages(void)
{
	plan("");
	is_str(message(3), "ok", "a message");
	is_int(sh->rcpts, 3, "its recipients came");
	is_str(sh->last, "a0@example.org", "the last of them with begin");
	is_str(message(1), "ok", "another on the same connection");
	is_int(sh->rcpts, 1, "to one");
	is_int(sh->queued, 2, "both are queued");
	is_int(sh->conns, 1, "over one connection");
	plan("b");
	is_str(message(1), "begin 4.3.0", "begin refused by death");
	is_int(sh->queued, 0, "nothing is queued");
	plan("c");
	is_str(message(1), "ok", "the answer to commit lost, settled");
	is_int(sh->queued, 1, "queued once");
	plan("d");
	is_str(message(1), "commit 4.3.0", "commit lost");
	is_int(sh->queued, 0, "and settled as not queued");
	plan("e");
	is_str(message(1), "commit 5.4.6", "commit refused");
	plan("m");
	is_str(message(1), "begin 4.3.0", "begin refused");
	plan("s");
	is_str(message(1), "commit 4.3.0", "gone between begin and commit");
	is_int(sh->queued, 0, "and nothing queued");
}

static void
test_edits(void)
{
	with_edits = true;
	plan("");
	is_str(message(2), "ok", "a message with edits");
	is_int(sh->edits, 2, "they came");
	is_int(sh->bodies, 1, "the last body with its descriptor");
	plan("x");
	is_str(message(1), "discarded", "discarded is well");
	plan("t");
	is_str(message(1), "commit 4.3.0", "cleanup dies of an edit");
	is_int(sh->queued, 0, "and nothing is queued");
	plan("so");
	is_str(message(1), "commit 4.3.0", "gone between begin and edits");
	is_int(sh->queued, 0, "and nothing is queued");
	with_edits = false;
	is_str(message(1), "ok", "the next message");
}

/* the connection is old: it was opened for `space` at MAIL */
static void
test_old(const char *letters, size_t rcpts, const char *want, int begun)
{
	/* larger than any before, so that the answer is not remembered */
	static uint64_t size = 1;
	struct err err = ERR_INIT;

	plan(letters);
	size += 2 << 20;
	is_int(backend_space(size, &err), 0, "%s: space", letters);
	ok(backend_connected(), "%s: connected", letters);
	/* time for the close to arrive */
	usleep(20000);
	is_str(message(rcpts), want, "%s: message to %zu", letters, rcpts);
	is_int(sh->begun, begun, "%s: began", letters);
	is_int(sh->rcpts, begun ? (int)rcpts : 0, "%s: recipients", letters);
}

/* between two messages, as between two sessions, the connection is kept: and
 * each time cleanup has ended meanwhile */
static void
test_kept(size_t rcpts)
{
	int i;

	plan("qqq");
	for (i = 1; i <= 4; i++) {
		is_str(message(rcpts), "ok", "message %d to %zu", i, rcpts);
		is_int(sh->rcpts, (int)rcpts, "its recipients");
		is_int(sh->conns, i, "a new connection");
		ok(backend_connected(), "which is kept");
		if (i % 2 == 0)
			usleep(20000);	/* the close has arrived, or not */
	}
	is_int(sh->begun, 4, "each began once");
	is_int(sh->queued, 4, "and was queued once");
}

static void
test_space(void)
{
	struct err err = ERR_INIT;

	plan("");
	is_int(backend_space(1ULL << 40, &err), 0, "space");
	is_int(backend_space(1000, &err), 0, "space again");
	is_int(backend_space(0, &err), 0, "space again");
	is_int(sh->spaces, 1, "was asked once");
}

/* what is put, and what becomes of it where that fails: "1" it is queued, "0"
 * it is to be begun, or the error */
static void
test_put(const char *letters, size_t rcpts, const char *want, int queued)
{
	static uint64_t size = (uint64_t)1 << 40;
	struct str content = STR_INIT;
	struct err err = ERR_INIT;
	struct rcpt r = { .addr = "a@example.org", .notify = "", .seal = "",
	    .orcpt = "" };
	char got[64];
	int rc;

	plan(letters);
	sh->whole = true;
	size += 2 << 20;
	is_int(backend_space(size, &err), 0, "%s: space", letters);
	usleep(20000);
	s.txn = txn_new();
	while (rcpts-- > 0) {
		r.addr = arena_printf(&s.txn->arena, "a%zu@example.org",
		    rcpts);
		txn_add(s.txn, &r);
	}
	str_adds(&content, "a: b\n\nx\n");
	rc = backend_put(&s, s.txn, &content, &err);
	snprintf(got, sizeof(got), "%d %s", rc, rc < 0 ? err.dsn : "");
	is_str(got, want, "%s: put", letters);
	is_int(sh->queued, queued, "%s: queued", letters);
	ok(!s.txn->begun, "%s: nothing is to be given up", letters);
	is_int(sh->size, sh->puts > 0 ? (int)content.len : 0,
	    "%s: all of it came", letters);
	txn_free(s.txn);
	s.txn = NULL;
	str_free(&content);
}

static void
test_puts(void)
{
	struct str content = STR_INIT;
	struct err err = ERR_INIT;
	int puts;

	test_put("o", 1, "1 ", 1);
	test_put("o", 3, "1 ", 1);
	test_put("p", 1, "1 ", 1);
	test_put("r", 1, "0 ", 0);
	test_put("n", 1, "0 ", 0);
	test_put("f", 1, "-1 5.4.6", 0);
	test_put("so", 1, "1 ", 1);
	test_put("so", 3, "1 ", 1);
	test_put("sf", 1, "-1 5.4.6", 0);	/* it knew all of it */
	plan("");
	puts = sh->puts;
	while (content.len <= 1000)
		str_adds(&content, "too long for a put\n");
	is_int(backend_put(&s, NULL, &content, &err), 0, "a longer one");
	is_int(sh->puts, puts, "is not tried");
	str_free(&content);
}

static void
drop(const char *line UNUSED, size_t n UNUSED)
{
}

int
main(void)
{
	struct err err = ERR_INIT;
	struct arena arena = { 0 };
	pid_t pid;

	log_set_sink(drop);
	signal(SIGPIPE, SIG_IGN);
	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sh == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	field_defaults(conf_fields, &conf, &arena);
	conf.settle_time = 1000;
	pid = start();
	backend_init();
	test_messages();
	test_edits();
	test_old("o", 1, "ok", 1);
	test_old("so", 1, "ok", 1);
	test_old("so", 3, "ok", 1);
	test_old("bo", 2, "ok", 1);
	test_old("sbo", 2, "ok", 1);
	test_old("sbb", 2, "begin 4.3.0", 0);
	test_kept(1);
	test_kept(3);
	test_space();
	test_puts();
	backend_release();
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	s.txn = NULL;
	is_str(message(1), "begin 4.3.0", "nobody is there");
	is_int(backend_space(1ULL << 41, &err), -1, "nor for space");
	ok(err.kind == ERR_TEMP, "which is temporary");
	arena_free(&arena);
	return tap_done();
}
