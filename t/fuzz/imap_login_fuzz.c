/*
 * imap_login_fuzz.c - a whole session of imap-login with an auth that does as
 * it is told.  What a client is answered is lines, each a response; it is
 * given away once, and nothing is written to it afterwards.
 */
#define main imap_login_main
int main(int argc, char **argv);
#include "../../imapd/login.c"
#undef main

#include "login_auth.h"
#include "talk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
drop(const char *line, size_t n)
{
	assert(memchr(line, '\n', n) == line + n - 1);
}

static void
judge(struct slice out)
{
	struct slice line;

	while (slice_cut(&out, '\n', &line) && out.p != NULL) {
		assert(slice_ends(line, "\r"));
		line.n--;
		assert(memchr(line.p, '\r', line.n) == NULL);
		assert(!slice_has_nul(line));
		assert(line.n >= 2 && line.p[0] != ' ' &&
		    slice_find(line, ' ') < line.n);
	}
	assert(line.n == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct peer peer = { .uid = (uid_t)-1, .addr = "192.0.2.1",
		.id = "session" };
	struct str out = STR_INIT;
	struct io io;

	if (common.hostname == NULL) {
		log_set_sink(drop);
		common.hostname = "imap.example";
		common.run_dir = "/nonexistent";
		field_defaults(fields, &conf, NULL);
		conf.auth_plaintext = PLAINTEXT_ALWAYS;
	}
	handed_over = 0;
	talk_begin(&io, (struct slice){ (const char *)data, n });
	serve(&io, &peer, true);
	talk_end(&io, &out);
	assert(handed_over <= 1);
	judge(slice_str(&out));
	str_free(&out);
	return 0;
}
