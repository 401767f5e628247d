/*
 * serve_test.c - a SERVE_REQUEST and a SERVE_EVENT daemon, each in a child
 * with the pipes that master gives it: bad messages, descriptors, many
 * connections, answers held back, callers that go, the end of a generation.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "serve_fake.h"
#include "test/tap.h"

/* --- tests for both ------------------------------------------------------- */

static void
test_bad_messages(const char *kind)
{
	static const char *const bytes[] = { "verb=x", "hello\0\0\0",
		"verb=echo\0n=q\0", "verb=echo\0nothing\0" };
	static const size_t len[] = { 6, 8, 14, 18 };
	int good = dial(), fd;
	size_t i;

	for (i = 0; i < ARRAY_LEN(bytes); i++) {
		fd = dial();
		ok(send(fd, bytes[i], len[i], 0) > 0, "%s: bad %zu", kind, i);
		if (i >= 2)
			is_str(hear(fd), "err", "%s: bad %zu: why", kind, i);
		is_str(hear(fd), "closed", "%s: bad %zu: closed", kind, i);
		close(fd);
	}
	fd = dial();
	say(fd, "nonsense", -1);
	is_str(hear(fd), "err", "%s: an unknown verb is an error", kind);
	is_str(hear(fd), "closed", "%s: and ends the connection", kind);
	close(fd);
	is_int(settled(good, 1), 1, "%s: other callers go on", kind);
	close(good);
}

static void
test_descriptors(const char *kind)
{
	static const struct { const char *verb, *answer; } t[] = {
		{ "ping", "ok" }, { "fd", "ok" }, { "nonsense", "err" },
		{ "once", "ok" },
	};
	size_t i;
	int p[2], fd;

	for (i = 0; i < ARRAY_LEN(t); i++) {
		if (pipe2(p, O_CLOEXEC) < 0)
			die("pipe");
		fd = dial();
		say(fd, t[i].verb, p[1]);
		close(p[1]);
		is_str(hear(fd), t[i].answer, "%s: %s with a descriptor", kind,
		    t[i].verb);
		ok(pipe_ends(p[0]), "%s: %s: it is closed", kind, t[i].verb);
		close(fd);
		close(p[0]);
	}
	fd = dial();
	say(fd, "fd", -1);
	is_str(hear(fd), "err", "%s: a missing descriptor is an error", kind);
	close(fd);
}

/* two descriptors, and the message is malformed */
static void
test_two_descriptors(const char *kind)
{
	struct iovec iov = { (char *)"bad", 3 };
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(2 * sizeof(int))];
	} u = { { 0 } };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = u.space, .msg_controllen = sizeof(u.space) };
	int p[2], two[2], fd = dial();

	if (pipe2(p, O_CLOEXEC) < 0)
		die("pipe");
	two[0] = two[1] = p[1];
	u.h = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(two)),
		.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(&u.h), two, sizeof(two));
	ok(sendmsg(fd, &mh, 0) == 3, "%s: two with a malformed message", kind);
	close(p[1]);
	ok(pipe_ends(p[0]), "%s: both are closed", kind);
	close(fd);
	close(p[0]);
}

static void
test_once(const char *kind)
{
	int fd = dial();

	say(fd, "once", -1);
	is_str(hear(fd), "ok", "%s: once", kind);
	say(fd, "once", -1);
	is_str(hear(fd), "err", "%s: not twice", kind);
	is_str(hear(fd), "closed", "%s: that ends the connection", kind);
	close(fd);
	fd = dial();
	say(fd, "once", -1);
	is_str(hear(fd), "ok", "%s: but on another connection", kind);
	close(fd);
}

/* callers that go away before their answer */
static void
test_gone(const char *kind)
{
	int a = dial(), b = dial(), i;

	kill(pid, SIGSTOP);
	for (i = 0; i < 3; i++)
		say(a, "hold", -1);
	say(a, "release", -1);
	close(a);
	kill(pid, SIGCONT);
	is_int(settled(b, 1), 1, "%s: a caller that went is closed once", kind);
	a = dial();
	say(a, "hold", -1);
	is_int(balance(a), 2, "%s: held", kind);
	close(a);
	a = dial();
	is_int(settled(a, 2), 2, "%s: another has its place", kind);
	say(b, "release", -1);
	is_str(hear(b), "ok", "%s: answered what nobody waits for", kind);
	say(a, "echo", -1);
	is_str(hear(a), "ok", "%s: the other is untouched", kind);
	say(a, "hold", -1);
	is_int(balance(a), 2, "%s: held again", kind);
	say(b, "release", -1);
	is_str(hear(a), "ok", "%s: answered later", kind);
	is_str(hear(b), "ok", "%s: and so is who did it", kind);
	close(a);
	close(b);
}

/* what is answered while its caller, gone already, is closed */
static void
test_promise(const char *kind)
{
	int a = dial(), b = dial();

	say(a, "promise", -1);
	close(a);
	is_int(settled(b, 1), 1, "%s: an answer at the close: closed once",
	    kind);
	a = dial();
	say(b, "hold", -1);
	say(a, "promise", -1);
	is_int(balance(a), 2, "%s: two are held", kind);
	close(a);
	is_str(hear(b), "ok", "%s: the close of one answers the other", kind);
	is_int(settled(b, 1), 1, "%s: who stays", kind);
	close(b);
}

static void
test_big(const char *kind)
{
	int fd = dial();

	say(fd, "big", -1);
	is_str(hear(fd), "err", "%s: an answer too long for a message", kind);
	close(fd);
}

/* --- the status board ----------------------------------------------------- */

static void
test_board(void)
{
	struct board a = { 0 }, b = { 0 }, none = { 0 };
	int fd = board_make(&a, 3, 2), null = open("/dev/null", O_RDWR), i;

	is_int(board_map(&b, fd), 0, "a child sees the board");
	for (i = 0; i < 3; i++)
		board_set(&a, (uint32_t)i, SLOT_FREE);
	for (i = 0; i < 3; i++)
		board_set(&b, (uint32_t)i, SLOT_IDLE);
	is_int(board_idle(&a), 3, "what it writes is seen");
	board_set(&b, 0, SLOT_BUSY);
	ok(!board_few(&b), "two idle ones are enough");
	board_set(&b, 1, SLOT_BUSY);
	ok(board_few(&b), "one is less than wanted");
	is_int(board_beats(&a, 1), 0, "no beat yet");
	board_beat(&b, 1);
	is_int(board_beats(&a, 1), 1, "a beat is counted");
	board_set(&b, 1, SLOT_BUSY);
	is_int(board_beats(&a, 1), 1, "a new state leaves it");
	for (i = 0; i < 63; i++)
		board_beat(&b, 1);
	is_int(board_beats(&a, 1), 1, "after the last comes the first");
	is_int(board_idle(&a), 1, "beats leave the state");
	board_set(&a, 1, SLOT_FREE);
	is_int(board_beats(&a, 1), 0, "who comes next has none");
	board_set(&b, 3, SLOT_IDLE);
	board_beat(&b, 3);
	is_int(board_idle(&a), 1, "there is no fourth slot");
	ok(ftruncate(fd, 0) < 0, "nobody can take the memory away");
	memset(b.memory, SLOT_IDLE, 8);
	is_int(board_idle(&a), 1, "a spoilt board is not read past its end");
	is_int(board_map(&none, null), -1, "a board is no other file");
	board_unmap(&a);
	board_unmap(&b);
	close(fd);
	close(null);
}

/* --- SERVE_REQUEST -------------------------------------------------------- */

static void
test_places(void)
{
	int fd[12], i;

	for (i = 0; i < 8; i++)
		fd[i] = dial();
	is_int(balance(fd[7]), 8, "eight connections");
	ok(status(WAIT_MS) == 'f', "busy with the last place taken");
	is_int(board_idle(&board), 0, "and not idle");
	for (; i < 12; i++) {
		fd[i] = dial();
		say(fd[i], "ping", -1);
	}
	is_int(balance(fd[0]), 8, "no ninth");
	for (i = 0; i < 4; i++)
		close(fd[i]);
	for (i = 8; i < 12; i++)
		is_str(hear(fd[i]), "ok", "%d. is served later", i);
	for (i = 4; i < 12; i++)
		close(fd[i]);
	for (i = 0; i < 20 && status(200) != 0; i++)
		continue;
	fd[0] = dial();
	is_int(settled(fd[0], 1), 1, "all places are free again");
	is_int(board_idle(&board), 1, "idle, and nobody had to be told");
	close(fd[0]);
}

/* how long until an answer that is held back comes, ms */
static int64_t
held_for(int fd)
{
	int64_t start = mono_ms();

	say(fd, "hold", -1);
	is_str(hear(fd), "ok", "what was held back is answered");
	return mono_ms() - start;
}

static void
test_gather(void)
{
	int fd = dial(), other = dial();

	ok(held_for(fd) < GATHER_MS, "the first request waits for nobody");
	say(other, "hold", -1);
	ok(held_for(fd) > GATHER_MS / 2, "the next for others");
	is_str(hear(other), "ok", "with which it is answered");
	usleep((GATHER_MS + 100) * 1000);
	ok(held_for(fd) < GATHER_MS, "after a pause for nobody");
	close(fd);
	close(other);
	close(life_fd);
	life_fd = -1;
	finish("gather");
}

static void
test_request_end(void)
{
	int fd = dial(), i;

	is_int(balance(fd), 1, "connected");
	kill(pid, SIGSTOP);
	for (i = 0; i < 3; i++)
		say(fd, "echo", -1);
	close(life_fd);
	life_fd = -1;
	kill(pid, SIGCONT);
	for (i = 0; i < 3; i++)
		is_str(hear(fd), "ok", "what had arrived is answered (%d)", i);
	is_str(hear(fd), "closed", "then the connection ends");
	close(fd);
	finish("the generation ends");
}

static void
test_term(void)
{
	int fd = dial();

	is_int(balance(fd), 1, "connected");
	kill(pid, SIGTERM);
	finish("SIGTERM ends it, connected or not");
	close(fd);
}

/* --- SERVE_EVENT ---------------------------------------------------------- */

/* utime and stime, the 14th and 15th field of proc(5)'s stat: the 2nd, a name
 * in parentheses, is the only one that may hold blanks */
static long
cpu_ticks(void)
{
	struct slice rest, word;
	uint64_t ticks = 0, one;
	char path[64], *text;
	int field;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	text = read_file(path, 4096, NULL);
	rest = slice_of(text != NULL ? strrchr(text, ')') : NULL);
	for (field = 2; field <= 15; field++) {
		if (!slice_word(&rest, &word))
			die("no %s", path);
		if (field >= 14 && slice_u64(word, INT32_MAX, &one) != 1)
			die("%s: field %d", path, field);
		if (field >= 14)
			ticks += one;
	}
	free(text);
	return (long)ticks;
}

/* more callers than descriptors: they wait, and the hub does not spin */
static void
test_crowd(void)
{
	int fd[60], i;
	long before;

	for (i = 0; i < 60; i++) {
		fd[i] = dial();
		say(fd[i], "ping", -1);
	}
	is_str(hear(fd[0]), "ok", "the first of a crowd is served");
	before = cpu_ticks();
	usleep(1000 * 1000);
	ok(cpu_ticks() - before < sysconf(_SC_CLK_TCK) / 4,
	    "the hub sleeps meanwhile");
	for (i = 0; i < 40; i++)
		close(fd[i]);
	is_str(hear(fd[59]), "ok", "the last is served when others went");
	for (i = 40; i < 60; i++)
		close(fd[i]);
}

/* does it change within that time? */
static bool
beats(int ms)
{
	uint8_t was = board_beats(&board, 0);

	for (; ms > 0 && board_beats(&board, 0) == was; ms -= 10)
		usleep(10000);
	return board_beats(&board, 0) != was;
}

static void
test_beats(void)
{
	int fd = dial(), st;

	is_int(balance(fd), 1, "connected");
	ok(beats(WAIT_MS) && beats(WAIT_MS), "a hub shows that it is alive");
	kill(pid, SIGSTOP);
	waitpid(pid, &st, WUNTRACED);
	ok(!beats(600), "one that is stopped does not");
	kill(pid, SIGCONT);
	ok(beats(WAIT_MS), "when it goes on it does");
	close(fd);
}

static void
test_hub_end(void)
{
	int fd = dial();

	is_int(balance(fd), 1, "connected");
	close(life_fd);
	life_fd = -1;
	usleep(50 * 1000);
	say(fd, "ping", -1);
	is_str(hear(fd), "ok", "a draining hub serves who is connected");
	kill(pid, SIGTERM);
	finish("SIGTERM ends it although work is under way");
	close(fd);
}

int
main(void)
{
	write_conf();
	test_board();
	start(&request_daemon);
	test_bad_messages("request");
	test_descriptors("request");
	test_two_descriptors("request");
	test_once("request");
	test_gone("request");
	test_promise("request");
	test_big("request");
	test_places();
	test_request_end();
	start(&request_daemon);
	test_term();
	start(&gather_daemon);
	test_gather();
	start(&hub_daemon);
	test_bad_messages("hub");
	test_descriptors("hub");
	test_two_descriptors("hub");
	test_once("hub");
	test_gone("hub");
	test_promise("hub");
	test_big("hub");
	test_crowd();
	test_beats();
	test_hub_end();
	return tap_done();
}
