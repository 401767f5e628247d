/*
 * gate_talk_fuzz.c - what a client says that gate has refused; the first octet
 * is how much of it comes at a time.  It gets whole replies, none of which
 * lets a message in, and the same ones however its words are cut.
 */
#include <sys/socket.h>

#include "../../gate/gate.h"
#include "base/log.h"
#include "conf/common.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct gate_conf conf = { .commands = 20, .command_timeout = 60000 };

enum { MOST = 32768 };		/* that a socket takes without a reader */

static struct str said;
static bool over;

/* --- client.c ------------------------------------------------------------ */

bool
client_say(struct client *c UNUSED, const char *text, size_t n)
{
	str_add(&said, text, n);
	return true;
}

void
client_free(struct client *c)
{
	talk_free(c->talk);
	over = true;
}

void
client_refuse(struct client *c, int code UNUSED, const char *dsn UNUSED,
    const char *why UNUSED)
{
	client_free(c);
}

void
client_arm(struct client *c UNUSED, short what, int64_t ms)
{
	assert(what == EV_READ && ms > 0);
}

void
client_reason(const struct client *c UNUSED, struct str *out)
{
	str_adds(out, "blocked using list.example");
}

const char *
client_name(const struct client *c UNUSED)
{
	return "192.0.2.1";
}

const char *
client_proxy(const struct client *c UNUSED)
{
	return NULL;
}

/* ------------------------------------------------------------------------- */

static void
drop(const char *line, size_t n)
{
	assert(memchr(line, '\n', n) == line + n - 1);
}

/* all of s in pieces of step, then its end */
static void
talk(struct slice s, size_t step)
{
	struct client c = { 0 };
	int fd[2];
	size_t n;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) < 0)
		die("socketpair");
	over = false;
	str_reset(&said);
	c.fd = fd[0];
	talk_begin(&c);
	for (; !over && s.n > 0; s = slice_sub(s, n, s.n)) {
		n = MIN(s.n, step);
		if (full_write(fd[1], s.p, n) < 0)
			die("write");
		/* a piece is read with at most one more call than it fills */
		for (size_t i = 0; !over && i <= n; i += 500)
			talk_read(&c);
	}
	close(fd[1]);
	while (!over)
		talk_read(&c);
	close(fd[0]);
}

static void
judge(void)
{
	struct slice rest = slice_str(&said), line;
	size_t i, n = 0;

	assert(slice_ends(rest, "\r\n"));
	while (slice_cut(&rest, '\n', &line) && line.n > 0) {
		n++;
		assert(line.n > 5 && slice_ends(line, "\r") &&
		    line.p[3] == ' ');
		for (i = 0; i + 1 < line.n; i++)
			assert(ascii_isprint((unsigned char)line.p[i]));
		assert(!slice_starts(line, "3"));
		assert(!slice_starts(line, "251"));
	}
	/* a greeting, and one for each command */
	assert(n <= (size_t)conf.commands + 2);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice s;
	char *first;

	log_set_sink(drop);
	common.hostname = "gate.example";
	if (n == 0)
		return 0;
	s = (struct slice){ (const char *)data + 1, MIN(n - 1,
	    (size_t)MOST) };
	talk(s, MOST);
	judge();
	first = xstrdup(said.s);
	talk(s, (size_t)data[0] + 1);
	assert(strcmp(first, said.s) == 0);
	free(first);
	return 0;
}
