/* map_socket_test.c - tables of type socket: their names, their protocol, and
 * servers that are slow, mad or gone */
#include "map/map.h"
#include "map/socketmap.h"
#include "test/tap.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

static const struct { const char *spec, *want; } specs[] = {
	{ "inet:127.0.0.1:8891:users", "127.0.0.1|8891||users" },
	{ "inet:map.example:1:a b", NULL },
	{ "inet:[::1]:65535:x:y", "::1|65535||x:y" },
	{ "unix:/run/x.sock:users", "|0|/run/x.sock|users" },
	{ "unix:/run/a:b:users", "|0|/run/a:b|users" },
	{ "unix:run/x:users", NULL }, { "unix:/run/x", NULL },
	{ "unix:/run/x:", NULL }, { "inet:h:0:x", NULL },
	{ "inet:h:65536:x", NULL }, { "inet:h:x", NULL }, { "inet::1:x", NULL },
	{ "inet:h:1:", NULL }, { "inet:[::1]1:x", NULL }, { "tcp:h:1:x", NULL },
	{ "", NULL }, { "inet", NULL }, { "unix", NULL }, { "inet:[::1", NULL },
};

static const struct { const char *in; int want; const char *text; } nets[] = {
	{ "5:hello,", 1, "hello" }, { "0:,", 1, "" }, { "5:hello,x", 1,
	    "hello" }, { "", 0, "" }, { "1", 0, "" }, { "5:hel", 0, "" },
	{ "5:hello", 0, "" }, { "100000", 0, "" }, { "5:hello.", -1, "" },
	{ "05:hello,", -1, "" }, { "x", -1, "" }, { ":", -1, "" },
	{ "-1:,", -1, "" }, { "100001:", -1, "" }, { "999999", -1, "" },
	{ "1000000:", -1, "" }, { "12345678901234567890:", -1, "" },
	{ "5 :hello,", -1, "" },
};

static const struct { const char *in; int want; const char *text; } says[] = {
	{ "OK a value", 1, "a value" }, { "OK ", 1, "" }, { "OK", 1, "" },
	{ "ok x", 1, "x" }, { "NOTFOUND ", 0, "" }, { "NOTFOUND", 0, "" },
	{ "TEMP later", -1, "4.3.0 the server says TEMP later" },
	{ "TIMEOUT x", -1, "4.3.0 the server says TIMEOUT x" },
	{ "PERM never", -1, "4.3.5 the server says PERM never" },
	{ "HELLO", -1, "4.3.0 an answer that is none: HELLO" },
	{ "OKAY x", -1, "4.3.0 an answer that is none: OKAY x" },
	{ "", -1, "4.3.0 an answer that is none: " },
};

static void
test_text(void)
{
	struct err err = ERR_INIT;
	struct str out = STR_INIT;
	struct socketmap s;
	struct slice text;
	size_t i, used;
	int r;

	for (i = 0; i < ARRAY_LEN(specs); i++) {
		r = socketmap_parse(slice_of(specs[i].spec), &s, &err);
		str_reset(&out);
		if (r == 0)
			str_addf(&out, "%.*s|%u|%.*s|%.*s", (int)s.host.n,
			    s.host.p ? s.host.p : "", s.port, (int)s.path.n,
			    s.path.p ? s.path.p : "", (int)s.name.n, s.name.p);
		is_str(r == 0 ? out.s : NULL, specs[i].want, "name: %s",
		    specs[i].spec);
	}
	for (i = 0; i < ARRAY_LEN(nets); i++) {
		text = SLICE_LIT("");
		r = netstring_take(slice_of(nets[i].in), &text, &used, &err);
		ok(r == nets[i].want && slice_eqz(text, nets[i].text),
		    "netstring: %s", nets[i].in);
	}
	for (i = 0; i < ARRAY_LEN(says); i++) {
		str_reset(&out);
		r = socketmap_answer(slice_of(says[i].in), &out, &err);
		is_int(r, says[i].want, "says: %s", says[i].in);
		if (r < 0)
			str_addf(&out, "%s %s", err.dsn, err.text);
		is_str(out.s, says[i].text, "meaning it");
		ok(r >= 0 || err.kind == ERR_TEMP, "for now");
	}
	str_free(&out);
}

/* --- a server ----------------------------------------------------------- */

static char *sock;

/* Each key is what to do.  A connection at a time. */
static void
answer(int fd, struct slice request)
{
	char long_text[70000];
	struct str out = STR_INIT;
	struct slice key = slice_sub(request, slice_find(request, ' ') + 1,
	    request.n);
	size_t i;

	if (slice_eqz(key, "close")) {
		shutdown(fd, SHUT_RDWR);
	} else if (slice_eqz(key, "half")) {
		full_write(fd, "20:OK ", 6);
		shutdown(fd, SHUT_RDWR);
	} else if (slice_eqz(key, "mad")) {
		full_write(fd, "HTTP/1.1 200 OK", 15);
	} else if (slice_eqz(key, "two")) {
		full_write(fd, "4:OK 1,4:OK 2,", 14);
	} else if (slice_eqz(key, "slow")) {
		for (i = 0; i < 7; i++) {
			full_write(fd, &"4:OK x,"[i], 1);
			usleep(1000);
		}
	} else if (slice_eqz(key, "long")) {
		memset(long_text, 'v', sizeof(long_text));
		netstring_add(&out, SLICE_LIT("OK"),
		    (struct slice){ long_text, sizeof(long_text) });
	} else if (slice_eqz(key, "absent")) {
		netstring_add(&out, SLICE_LIT("NOTFOUND"), SLICE_LIT(""));
	} else {
		netstring_add(&out, SLICE_LIT("OK"), request);
	}
	full_write(fd, out.s, out.len);
	str_free(&out);
}

static void
serve(int fd)
{
	struct str in = STR_INIT;
	struct err err = ERR_INIT;
	struct slice text;
	char buf[4096];
	size_t used;
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		str_add(&in, buf, (size_t)n);
		if (netstring_take(slice_str(&in), &text, &used, &err) <= 0)
			continue;
		answer(fd, text);
		str_reset(&in);
	}
	str_free(&in);
	close(fd);
}

/* forked; clients: so many connections and it ends */
static pid_t
start(int clients)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), c;
	pid_t pid;

	slice_copy(sun.sun_path, sizeof(sun.sun_path), slice_of(sock));
	unlink(sock);
	if (bind(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0 ||
	    listen(fd, 10) < 0)
		die("%s: %s", sock, strerror(errno));
	pid = fork();
	if (pid == 0) {
		signal(SIGPIPE, SIG_IGN);
		while (clients-- > 0 && (c = accept(fd, NULL, NULL)) >= 0)
			serve(c);
		_exit(0);
	}
	close(fd);
	return pid;
}

static void
stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static const char *
ask(struct map *m, const char *key)
{
	static struct str out = STR_INIT;
	static struct err err;
	const char *colon;
	int r;

	str_reset(&out);
	r = map_get(m, key, &out, &err);
	if (r == 0)
		return "-";
	if (r > 0)
		return out.s;
	/* behind the name of the table */
	colon = strstr(err.text, ":tab: ");
	return colon != NULL ? colon + 6 : err.text;
}

static void
test_server(void)
{
	char *spec = xasprintf("socket:unix:%s:tab", sock);
	struct err err = ERR_INIT;
	struct map *m;
	pid_t pid = start(100);

	if (map_open(spec, &m, &err) != 0)
		die("%s", err.text);
	is_str(ask(m, "Some@Key"), "tab some@key", "a value");
	is_str(ask(m, "absent"), "-", "no value");
	is_str(ask(m, "slow"), "x", "octet by octet");
	is_int(strlen(ask(m, "long")), 70000, "a long one");
	stop(pid);
	pid = start(100);
	is_str(ask(m, "x"), "tab x", "a server that was started anew");
	is_str(ask(m, "half"), "it closed the connection without an answer",
	    "half an answer");
	ok(strstr(ask(m, "x"), "asked again in ") != NULL,
	    "avoided for a while");
	map_close(m);
	if (map_open(spec, &m, &err) != 0)
		die("%s", err.text);
	is_str(ask(m, "mad"), "not a netstring of at most 100000 bytes",
	    "another protocol");
	map_close(m);
	if (map_open(spec, &m, &err) != 0)
		die("%s", err.text);
	is_str(ask(m, "two"), "more than one answer", "two answers");
	map_close(m);
	stop(pid);
	if (map_open(spec, &m, &err) != 0)
		die("%s", err.text);
	ok(strstr(ask(m, "x"), "Connection refused") != NULL,
	    "nobody there");
	map_close(m);
	free(spec);
}

int
main(void)
{
	sock = xasprintf("%s/sock", tap_dir());
	test_text();
	test_server();
	free(sock);
	return tap_done();
}
