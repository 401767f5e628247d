/*
 * pop3_login_fuzz.c - a whole session of pop3-login with an auth that does as
 * it is told.  What a client is answered is lines that end with CRLF; it is
 * given away once.
 */
#define main pop3_login_main
int main(int argc, char **argv);
#include "../../pop3d/login.c"
#undef main

#include "login_auth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool greeted;

static void
judge(struct slice line)
{
	assert(greeted || slice_starts(line, "+OK "));
	greeted = true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (login_first("pop3.example")) {
		field_defaults(fields, &conf, NULL);
		conf.login.auth_plaintext = PLAINTEXT_ALWAYS;
	}
	greeted = false;
	login_session((struct slice){ (const char *)data, n }, client, judge);
	return 0;
}
