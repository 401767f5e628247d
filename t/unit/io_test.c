/* io_test.c - lines, limits and deadlines of struct io */
#include <fcntl.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/io.h"
#include "test/tap.h"

static int pair[2];
static struct io io;

static void
begin(const char *input, size_t n)
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		die("socketpair");
	io_init(&io, pair[0], 200);
	if (full_write(pair[1], input, n) < 0)
		die("write");
}

static void
end(void)
{
	io_close(&io);
	close(pair[1]);
}

static void
test_lines(void)
{
	static const char in[] = "one\r\ntwo\nth\rree\r\n\r\nhalf";
	static const char *const want[] = { "one", "two", "th\rree", "" };
	static const enum io_eol eols[] = { IO_CRLF, IO_LF, IO_CRLF, IO_CRLF };
	struct slice line;
	enum io_eol eol;
	bool too_long;
	size_t i;

	begin(in, sizeof(in) - 1);
	for (i = 0; i < ARRAY_LEN(want); i++)
		ok(io_getline(&io, 100, &line, &eol, &too_long) == 1 &&
		    slice_eqz(line, want[i]) && eol == eols[i] && !too_long,
		    "line %zu", i);
	shutdown(pair[1], SHUT_WR);
	is_int(io_getline(&io, 100, &line, &eol, &too_long), 0,
	    "a half line at the end is no line");
	end();
}

static void
test_long_lines(void)
{
	struct str in = STR_INIT;
	struct slice line;
	bool too_long;
	int i;

	for (i = 0; i < 1500; i++)
		str_addc(&in, 'x');
	str_adds(&in, "\r\nnext\r\n");
	begin(in.s, in.len);
	ok(io_getline(&io, 100, &line, NULL, &too_long) == 1 && too_long &&
	    line.n == 0, "a line over the limit is thrown away");
	ok(io_getline(&io, 100, &line, NULL, &too_long) == 1 && !too_long &&
	    slice_eqz(line, "next"), "and the next line is read");
	end();
	str_trunc(&in, 1500);
	for (i = 0; i < 3000; i++)
		str_addc(&in, 'y');
	begin(in.s, in.len);
	is_int(io_getline(&io, 100, &line, NULL, &too_long), -1,
	    "a line without end fails");
	ok(io.failed && io.err.kind == ERR_PERM, "with an error that stays");
	end();
	begin("123456\r\n", 8);
	ok(io_getline(&io, 6, &line, NULL, &too_long) == 1 && !too_long,
	    "a line of exactly the limit");
	end();
	str_free(&in);
}

static void
test_deadlines(void)
{
	struct slice line;
	bool too_long;
	int64_t t = mono_ms();

	begin("no end", 6);
	is_int(io_getline(&io, 100, &line, NULL, &too_long), -1,
	    "a silent peer times out");
	ok(io.timed_out && mono_ms() - t >= 190, "after timeout_ms");
	is_int(io_getline(&io, 100, &line, NULL, &too_long), -1,
	    "the error is sticky");
	end();
	begin("", 0);
	io.timeout_ms = 10000;
	io.cmd_deadline = mono_ms() + 50;
	t = mono_ms();
	is_int(io_getline(&io, 100, &line, NULL, &too_long), -1,
	    "the deadline of a command ends the wait");
	ok(mono_ms() - t < 5000, "long before timeout_ms");
	end();
}

/* the end comes for a peer that never stops sending, too */
static void
test_deadline_flood(void)
{
	struct slice line;
	bool too_long;

	begin("one\ntwo\n", 8);
	io.deadline = mono_ms() - 1;
	is_int(io_getline(&io, 100, &line, NULL, &too_long), -1,
	    "past the deadline nothing is read");
	ok(io.timed_out, "and that is a timeout");
	end();
}

static void
count(void *arg)
{
	++*(int *)arg;
}

/* idle is called in a wait that lasts, once, and changes no deadline */
static void
test_idle(void)
{
	struct slice line;
	bool too_long;
	int called = 0;
	int64_t t = mono_ms();

	begin("one\nno end", 10);
	io.idle = count;
	io.idle_arg = &called;
	io.idle_ms = 50;
	is_int(io_getline(&io, 100, &line, NULL, &too_long), 1, "a line");
	is_int(called, 0, "that is there is not waited for");
	is_int(io_getline(&io, 100, &line, NULL, &too_long), -1,
	    "a silent peer times out");
	is_int(called, 1, "and was idle once");
	t = mono_ms() - t;
	ok(t >= 190, "the timeout is none the shorter");
	end();
	begin("", 0);
	io.idle = count;
	io.idle_arg = &called;
	io.idle_ms = 50;
	io.deadline = mono_ms() + 20;
	is_int(io_getline(&io, 100, &line, NULL, &too_long), -1,
	    "a deadline that comes first");
	is_int(called, 1, "is not idle");
	end();
}

static void
test_write(void)
{
	char buf[64] = { 0 };
	struct slice line;
	bool too_long;

	begin("a\r\nb\r\n", 6);
	io_getline(&io, 100, &line, NULL, &too_long);
	io_puts(&io, "1\r\n");
	io_getline(&io, 100, &line, NULL, &too_long);
	fcntl(pair[1], F_SETFL, O_NONBLOCK);
	is_int(recv(pair[1], buf, sizeof(buf), 0), -1,
	    "an answer waits while the next command is there");
	io_printf(&io, "%d\r\n", 2);
	io_getline(&io, 100, &line, NULL, &too_long);
	ok(recv(pair[1], buf, sizeof(buf), 0) == 6 &&
	    strcmp(buf, "1\r\n2\r\n") == 0, "both leave in one segment");
	end();
	begin("x", 1);
	io_unread(&io, "abc\n", 4);
	ok(io_getline(&io, 100, &line, NULL, &too_long) == 1 &&
	    slice_eqz(line, "abc"), "unread bytes come first");
	close(pair[1]);
	pair[1] = -1;
	io_puts(&io, "y");
	io_flush(&io);
	io_puts(&io, "y");
	is_int(io_flush(&io), -1, "writing to a peer that has gone fails");
	io_close(&io);
}

/* who does not read does not keep us from ending */
static void
test_woken_write(void)
{
	static char much[1 << 20];
	int wake[2];
	int64_t start = mono_ms();

	begin("", 0);
	if (pipe(wake) < 0 || write(wake[1], "x", 1) != 1)
		die("pipe");
	io.timeout_ms = 30000;
	io_wake_on(&io, wake[0]);
	io_puts(&io, "good-bye");
	is_int(io_flush(&io), 0, "what the peer takes is written");
	io_put(&io, much, sizeof(much));
	is_int(io_flush(&io), -1, "what it does not take is given up");
	ok(io.woken && !io.timed_out, "as asked to stop");
	ok(mono_ms() - start >= 900 && mono_ms() - start < 10000,
	    "after a moment");
	close(wake[0]);
	close(wake[1]);
	end();
}

int
main(void)
{
	test_lines();
	test_long_lines();
	test_deadlines();
	test_deadline_flood();
	test_idle();
	test_write();
	test_woken_write();
	return tap_done();
}
