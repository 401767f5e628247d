/*
 * send.c - the envelope of a report.
 */
#include "bounce.h"
#include "serve/submit.h"

int
send_report(const char *to, const struct str *text, bool utf8,
    struct arena *a, const char **q_r, struct err *err)
{
	struct cleanup_begin_in in = { .sender = "", .rcpts = 1, .rcpt = to,
		.notify = "never", .orcpt = "", .ret = "", .envid = "",
		.utf8 = utf8, .body8 = !slice_is_ascii(slice_str(text)),
		.proto = "", .helo = "", .client_addr = "",
		.client_name = "", .login = "", .uid = -1, .session = "",
		.internal = true };

	return submit_message(&in, slice_str(text),
	    (int)conf.cleanup_timeout, a, q_r, err);
}
