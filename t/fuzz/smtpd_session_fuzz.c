/*
 * smtpd_session_fuzz.c - a whole session of a client that sends anything.
 * The first byte chooses the personality.  Whatever comes, every line that
 * is answered is a reply, and content that was committed has no CR.
 */
#include "../unit/smtpd_fake.h"

#include "base/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
drop(const char *line UNUSED, size_t len UNUSED)
{
}

static void
check(struct slice out)
{
	struct slice line;

	while (slice_cut(&out, '\n', &line) && (line.n > 0 || out.p != NULL)) {
		if (line.n < 5 || line.n > 511 || line.p[line.n - 1] != '\r' ||
		    !ascii_isdigit(line.p[0]) || !ascii_isdigit(line.p[1]) ||
		    !ascii_isdigit(line.p[2]) ||
		    (line.p[3] != ' ' && line.p[3] != '-'))
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str out = STR_INIT;

	if (n == 0 || n > 60000)
		return 0;
	log_set_sink(drop);
	fake_reset();
	fake_conf((enum personality)(p[0] % 4));
	conf.auth = conf.personality == SUBMISSION;
	conf.message_size = 2000;
	conf.data_line_length = 1000;
	fake.no_begin = p[0] & 16;
	fake.no_commit = p[0] & 32;
	fake.full_disk = p[0] & 64;
	fake_session((struct slice){ (const char *)p + 1, n - 1 },
	    conf.personality == LOCAL ? "unix" : "127.0.0.1", &out);
	check(slice_str(&out));
	if (slice_find(slice_str(&fake.content), '\r') < fake.content.len)
		abort();
	str_free(&out);
	return 0;
}
