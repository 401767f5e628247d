/*
 * sts_http_test.c - answers of web servers, good and bad.
 */
#include <fcntl.h>
#include <sys/socket.h>

#include "../../stsd/http.h"
#include "../../stsd/web.h"
#include "base/clock.h"
#include "test/tap.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Type: Text/Plain; charset=x\r\n"

static const struct {
	const char *name, *text;
	const char *want;	/* status type body, or the error */
} answers[] = {
	{ "a length", OK_HEAD "Content-Length: 5\r\n\r\nhello, more",
	    "200 text/plain hello" },
	{ "chunks", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n"
	    "5;x=y\r\nhello\r\nA\r\n, all of y\r\n2\r\nou\r\n0\r\nX: y\r\n"
	    "\r\n", "200 text/plain hello, all of you" },
	{ "bare LF", "HTTP/1.0 200\nContent-Length: 1\n\nx", "200  x" },
	{ "1xx before", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\n"
	    "Link: x\r\n\r\n" OK_HEAD "Content-Length: 0\r\n\r\n",
	    "200 text/plain " },
	{ "a redirection", "HTTP/1.1 302 Found\r\nLocation: https://x/\r\n"
	    "Content-Length: 5\r\n\r\nhello", "302  " },
	{ "no length", OK_HEAD "\r\nhello",
	    "HTTP: an answer without a length" },
	{ "two lengths", OK_HEAD "Content-Length: 5\r\nContent-Length: 4\r\n"
	    "\r\nhello", "HTTP: a malformed Content-Length" },
	{ "a negative length", OK_HEAD "Content-Length: -5\r\n\r\n",
	    "HTTP: a malformed Content-Length" },
	{ "too long", OK_HEAD "Content-Length: 101\r\n\r\n",
	    "HTTP: the answer is too large" },
	{ "chunks too long", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n"
	    "3\r\nabc\r\n62\r\n", "HTTP: the answer is too large" },
	{ "a huge chunk", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n"
	    "ffffffff\r\n", "HTTP: the answer is too large" },
	{ "no chunk", OK_HEAD "Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
	    "HTTP: a malformed chunk" },
	{ "a chunk without its end", OK_HEAD "Transfer-Encoding: chunked\r\n"
	    "\r\n3\r\nabcdef\r\n", "HTTP: a malformed chunk" },
	{ "compressed", OK_HEAD "Content-Encoding: gzip\r\n\r\n",
	    "HTTP: a Content-Encoding" },
	{ "another coding", OK_HEAD "Transfer-Encoding: gzip, chunked\r\n"
	    "\r\n", "HTTP: an unknown Transfer-Encoding" },
	{ "cut off", OK_HEAD "Content-Length: 5\r\n\r\nhel",
	    "HTTP: the connection ended early" },
	{ "cut off before", "HTTP/1.1 200 OK\r\nConte",
	    "HTTP: the connection ended early" },
	{ "nothing", "", "HTTP: the connection ended early" },
	{ "no HTTP", "220 mail.example.com ESMTP\r\n",
	    "HTTP: no status line" },
	{ "a bad status", "HTTP/1.1 2000 OK\r\n\r\n",
	    "HTTP: no status line" },
	{ "no field", "HTTP/1.1 200 OK\r\nhello\r\n\r\n",
	    "HTTP: a malformed field" },
};

static void
test_answers(void)
{
	struct http_answer r;
	struct str got = STR_INIT;
	struct io io;
	struct err err;
	size_t i;
	int fd[2];

	for (i = 0; i < ARRAY_LEN(answers); i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) < 0 ||
		    full_write(fd[1], answers[i].text,
		    strlen(answers[i].text)) < 0)
			die("socketpair");
		close(fd[1]);
		io_init(&io, fd[0], 5000);
		r = (struct http_answer){ .body = STR_INIT };
		str_reset(&got);
		if (http_read(&io, 100, &r, &err) < 0)
			str_adds(&got, err.text);
		else
			str_addf(&got, "%d %s %s", r.status, r.type,
			    r.body.s);
		is_str(got.s, answers[i].want, "answer: %s",
		    answers[i].name);
		io_close(&io);
		str_free(&r.body);
	}
	str_free(&got);
}

static void
test_many_fields(void)
{
	struct http_answer r = { .body = STR_INIT };
	struct str s = STR_INIT;
	struct io io;
	struct err err;
	int fd[2], i;

	str_adds(&s, "HTTP/1.1 200 OK\r\n");
	for (i = 0; i < HTTP_LINES; i++)
		str_addf(&s, "X-%d: y\r\n", i);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) < 0 ||
	    full_write(fd[1], s.s, s.len) < 0)
		die("socketpair");
	io_init(&io, fd[0], 5000);
	is_int(http_read(&io, 100, &r, &err), -1, "too many fields");
	is_str(err.text, "HTTP: too many fields", "... are told");
	io_close(&io);
	close(fd[1]);
	str_free(&s);
	str_free(&r.body);
}

/* an octet now and then keeps nobody for ever */
static void
test_deadline(void)
{
	struct http_answer r = { .body = STR_INIT };
	struct io io;
	struct err err;
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) < 0 ||
	    full_write(fd[1], OK_HEAD, strlen(OK_HEAD)) < 0)
		die("socketpair");
	io_init(&io, fd[0], 0);
	io.deadline = mono_ms() + 50;
	is_int(http_read(&io, 100, &r, &err), -1, "silence ends");
	ok(io.timed_out, "... by the deadline");
	io_close(&io);
	close(fd[1]);
	str_free(&r.body);
}

static void
test_urls(void)
{
	static const char *const urls[][2] = {
		{ "https://a.b/c?d=e", "a.b 0 /c?d=e" },
		{ "https://a.b", "a.b 0 /" },
		{ "HTTPS://a.b:8443/", "a.b 8443 /" },
		{ "http://a.b/", "-" }, { "https:///x", "-" },
		{ "https://u:p@a.b/", "-" }, { "https://a.b:0/", "-" },
		{ "https://a.b:x/", "-" }, { "https://a.b/ x", "-" },
		{ "https://a.b/\r\nX: y", "-" }, { "https://a.b/#f", "-" },
		{ "https://a.b?x", "-" },
	};
	struct http_url u;
	struct str got = STR_INIT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(urls); i++) {
		str_reset(&got);
		if (http_url_parse(urls[i][0], &u)) {
			str_addsl(&got, u.host);
			str_addf(&got, " %d %s", u.port, u.path);
		} else {
			str_adds(&got, "-");
		}
		is_str(got.s, urls[i][1], "URL %zu", i + 1);
	}
	str_free(&got);
}

static void
test_addresses(void)
{
	static const char *const public[] = { "192.0.3.1", "9.255.255.255",
		"172.32.0.1", "::ffff:8.8.8.8", "2a00:1450::1",
		"64:ff9b::808:808", "10.1.2.3", "fd00::1" };
	static const char *const special[] = { "127.0.0.1", "10.0.0.1",
		"172.31.255.255", "192.168.0.1", "169.254.169.254",
		"100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255",
		"::1", "::", "::ffff:127.0.0.1", "fe80::1", "fec0::1",
		"fc00::1", "ff02::1", "64:ff9b::7f00:1", "2002:7f00:1::" };
	const char *words[] = { "10.1.0.0/16", "fd00::/8" };
	struct strlist ours = { .v = words, .n = ARRAY_LEN(words) };
	size_t i;

	for (i = 0; i < ARRAY_LEN(public); i++)
		ok(web_may_reach(public[i], &ours), "%s", public[i]);
	for (i = 0; i < ARRAY_LEN(special); i++)
		ok(!web_may_reach(special[i], &ours), "not %s", special[i]);
}

int
main(void)
{
	test_addresses();
	test_answers();
	test_many_fields();
	test_deadline();
	test_urls();
	return tap_done();
}
