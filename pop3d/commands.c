/*
 * commands.c - the table of pop3d, and message numbers.
 */
#include "session.h"

#define LOGIN(fn) NULL
#define SESSION(fn) fn

const struct command session_commands[] = {
#include "commands.inc"
	{ 0 }
};

ssize_t
take_message(struct session *s, struct slice *args)
{
	struct slice word;
	uint64_t n;

	if (!slice_word(args, &word) || !slice_u64(word, SSIZE_MAX, &n)) {
		pop3_bad(&s->pop3, "expected a message number");
	} else if (n == 0 || n > s->drop.n) {
		pop3_bad(&s->pop3, "no such message, there are %zu",
		    s->drop.n);
	} else if (s->drop.msg[n - 1].deleted) {
		pop3_bad(&s->pop3, "message %llu is deleted",
		    (unsigned long long)n);
	} else {
		return (ssize_t)(n - 1);
	}
	return -1;
}
