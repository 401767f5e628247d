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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
judge(struct slice line)
{
	assert(line.n >= 2 && line.p[0] != ' ' &&
	    slice_find(line, ' ') < line.n);
}

static void
begin(struct io *io, struct peer *peer)
{
	serve(io, peer, true);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (login_first("imap.example")) {
		field_defaults(fields, &conf, NULL);
		conf.auth_plaintext = PLAINTEXT_ALWAYS;
	}
	login_session((struct slice){ (const char *)data, n }, begin, judge);
	return 0;
}
