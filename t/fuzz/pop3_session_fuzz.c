/*
 * pop3_session_fuzz.c - a whole session of pop3d, for whatever a client sends
 * after its login.  Every reply is one, a list or a message ends with its dot,
 * and what was not marked is there afterwards.
 */
#include "../../pop3d/session.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/log.h"
#include "home.h"
#include "talk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { MESSAGES = 4 };
static const char *const texts[MESSAGES] = { "Subject: a\n\n.\n..b\nc\n",
	"", "no header", "A: 1\r\nB: 2\r\n\r\n.c\rd\n\n\n.\n" };

struct pop3d_conf conf = { .save_seen = true, .mark_seen = true };
static int md = -1;

static void
drop_line(const char *line, size_t n)
{
	assert(memchr(line, '\n', n) == line + n - 1);
}

static void
begin(void)
{
	static const char *const dirs[] = { "Maildir", "Maildir/new",
		"Maildir/cur", "Maildir/tmp", "Maildir/.state" };
	size_t i;
	int dir;

	if (md >= 0)
		return;
	log_set_sink(drop_line);
	home_begin();
	dir = open(home, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (i = 0; i < ARRAY_LEN(dirs); i++)
		mkdirat(dir, dirs[i], 0700);
	md = openat(dir, "Maildir", O_PATH | O_DIRECTORY | O_CLOEXEC);
	close(dir);
}

static void
fill(void)
{
	char name[40];
	size_t i;
	int fd;

	for (i = 0; i < MESSAGES; i++) {
		snprintf(name, sizeof(name), "%s/%zu.m", i % 2 ? "cur" :
		    "new", i + 1);
		fd = openat(md, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		if (fd < 0 || full_write(fd, texts[i], strlen(texts[i])) < 0)
			die("%s: %s", name, strerror(errno));
		close(fd);
	}
}

/* what is left of message i, in any of its names; then it is gone */
static bool
take_away(size_t i)
{
	static const char *const names[] = { "new/%zu.m", "cur/%zu.m",
		"cur/%zu.m:2,S", "cur/%zu.m:2," };
	char name[40];
	bool was = false;
	size_t j;

	for (j = 0; j < ARRAY_LEN(names); j++) {
		snprintf(name, sizeof(name), names[j], i + 1);
		was |= unlinkat(md, name, 0) == 0;
	}
	return was;
}

static void
offers(void *session UNUSED, struct pop3_offers *o)
{
	o->user = true;
	o->mechs = SLICE_LIT("PLAIN");
}

static void
serve(struct io *io, bool *deleted)
{
	struct session s = { .pop3 = { io, IN_TRANSACTION, offers,
	    session_commands, 0, -1 } };
	struct cmd_stats stats;
	struct err err;
	struct line_proto p;
	enum cmd_end end;
	size_t i;

	pop3_proto(&p, session_commands);
	p.max_line = 512;
	p.max_errors = 50;
	p.cmd_timeout_ms = 60000;
	if (drop_open(&s.drop, home, &err) < 0 ||
	    drop_lock(&s.drop, 0, &err) != 1 ||
	    drop_scan(&s.drop, 100, &err) < 0)
		die("drop: %s", err.text);
	assert(s.drop.n == MESSAGES);
	end = cmd_loop(io, &p, &s, &stats);
	for (i = 0; i < MESSAGES; i++)
		deleted[i] = end == END_QUIT && s.drop.msg[i].gone;
	drop_close(&s.drop);
	str_free(&s.ahead.text);
}

/* Each line is a reply, or belongs to a list or a message behind one; the last
 * of these ends with a dot.  As +OK of a list looks like any other, what is
 * known is: lines end with CRLF, and the first is a reply. */
static void
judge(struct slice out)
{
	struct slice line;
	bool first = true;

	assert(out.n == 0 || slice_ends(out, "\r\n"));
	while (slice_cut(&out, '\n', &line) && line.n > 0) {
		assert(slice_ends(line, "\r"));
		if (first)
			assert(slice_starts(line, "+OK ") ||
			    slice_starts(line, "-ERR "));
		first = false;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	bool deleted[MESSAGES];
	struct str out = STR_INIT;
	struct io io;
	size_t i;

	begin();
	fill();
	talk_begin(&io, (struct slice){ (const char *)data, n });
	serve(&io, deleted);
	talk_end(&io, &out);
	judge(slice_str(&out));
	str_free(&out);
	for (i = 0; i < MESSAGES; i++)
		if (take_away(i) == deleted[i])
			die("message %zu: %s", i + 1, deleted[i] ?
			    "marked, and there" : "not marked, and gone");
	return 0;
}
