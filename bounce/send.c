/*
 * send.c - the envelope of a report.
 */
#include "bounce.h"
#include "serve/submit.h"

int
send_report(const struct envelope *e, const struct str *text,
    struct arena *a, const char **q_r, struct err *err)
{
	struct cleanup_begin_in in = { .sender = "", .rcpts = 1,
		.rcpt = e->to, .notify = e->last ? "never" : "failure",
		.orcpt = "", .ret = "", .envid = "", .verp = "",
		.utf8 = e->utf8, .requiretls = e->requiretls,
		.body8 = !slice_is_ascii(slice_str(text)), .proto = "",
		.helo = "", .client_addr = "", .client_name = "",
		.login = "", .uid = -1, .session = "", .internal = true };

	return submit_message(&in, slice_str(text),
	    (int)conf.cleanup_timeout, a, q_r, err);
}
