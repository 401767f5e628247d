/*
 * public.c - what a report may say of our own machine.  Who sent the mail may
 * be anybody: what an agent of ours says of trouble here, with its paths,
 * commands and accounts, stands in the log and in the queue, not in reports.
 * What another server said is told as it said it.
 */
#include "bounce.h"

#include "proto/agent.h"
#include "smtp/reply.h"

#define LAST "; last: "		/* of qmgr: the attempt before it gave up */

/* of status d; text is ours */
static void
add(struct str *out, const char *dsn, struct slice text)
{
	const char *private = memmem(text.p, text.n, AGENT_PRIVATE,
	    strlen(AGENT_PRIVATE));

	if (strncmp(dsn, "4.3.", 4) == 0)
		str_adds(out, strcmp(dsn, "4.3.1") == 0 ?
		    "not enough disk space" : "temporary trouble of the "
		    "mail system");
	else
		str_addsl(out, private == NULL ? text : slice_sub(text, 0,
		    (size_t)(private - text.p)));
}

const char *
public_text(const char *dsn, const char *peer, const char *text,
    struct arena *a)
{
	struct str out = STR_INIT;
	struct slice rest = slice_of(text);
	const char *last = strstr(text, LAST), *z,
	    *private = strstr(text, AGENT_PRIVATE);
	char code[12];
	size_t n;

	if (peer[0] != '\0' || text[0] == '\0')
		return text;
	/* behind what is private it is no word of qmgr's */
	if (last != NULL && (private == NULL || last < private)) {
		rest = slice_sub(rest, 0, (size_t)(last - text) +
		    strlen(LAST));
		str_addsl(&out, rest);
		rest = slice_of(text + rest.n);
		n = smtp_dsn_parse(rest, code);
		if (n > 0) {
			str_addf(&out, "%s ", code);
			rest = slice_trim(slice_sub(rest, n, rest.n));
			dsn = code;
		}
	}
	add(&out, dsn, rest);
	z = arena_slice(a, slice_str(&out));
	str_free(&out);
	return z;
}
