/*
 * smtpd_session_fuzz.c - a whole session of a client that sends anything.
 * The first byte chooses the personality, whether the client may speak for
 * others and send later, whether there are rules, and what fails.  Whatever
 * comes, every line that is answered is a reply, and content that was
 * committed has no CR.
 */
#include "../unit/smtpd_fake.h"

#include "base/log.h"
#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { PROXY = 4, RULES = 8, NO_BEGIN = 16, NO_COMMIT = 32, FULL_DISK = 64 };

struct option { const char *name, *value; };
static const struct option of_proxy[] = {
	{ "xclient_networks", "127.0.0.0/8" },
	{ "xforward_networks", "127.0.0.0/8" },
	{ "future_release", "1d" }, { "priority_max", "4" },
	{ NULL, NULL }
};
/* none of these asks anybody */
static const struct option of_rules[] = {
	{ "connect_rules", "tag near if client in (127.0.0.0/8)\nscore 2" },
	{ "helo_rules", "reject 550 5.7.1 \"no $helo\" if helo in "
	    "bad.example" },
	{ "mail_rules", "prepend \"X-A: $sender\" if sender matches /^(r|s)/i\n"
	    "defer 451 4.7.1 \"later\" if size > 500 and not tag near" },
	{ "rcpt_rules", "permit if login\n"
	    "reject 550 5.1.1 \"$rcpt\" if recipient in (c@example.org d@e)\n"
	    "tag many, score 3, warn \"w\" if nrcpt >= 2\n"
	    "bcc x@y.example, redirect z@y.example if recipient_domain in "
	    ".example.net\nhold if recipient_unknown or protocol in LMTP" },
	{ "data_rules", "discard \"quiet\" if score > 4 and esmtp" },
	{ "end_rules", "reject 554 5.7.0 \"$size\" if size > 1000 and tag "
	    "many\npriority -1 if trusted" },
	{ NULL, NULL }
};

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

static void
set(const struct option *o)
{
	static struct arena a;
	struct err err;

	arena_reset(&a);
	for (; o->name != NULL; o++)
		if (conf_set(conf_fields, &conf, slice_of(o->name),
		    slice_of(o->value), &a, &err) < 0)
			die("%s: %s", o->name, err.text);
}

/* rules stay until others are compiled */
static void
set_rules(bool on)
{
	static bool are_on;
	struct err err;

	if (on)
		set(of_rules);
	if (on != are_on && rules_check(&err) < 0)
		die("%s", err.text);
	are_on = on;
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
	set_rules(p[0] & RULES);
	if (p[0] & PROXY)
		set(of_proxy);
	fake.no_begin = p[0] & NO_BEGIN;
	fake.no_commit = p[0] & NO_COMMIT;
	fake.full_disk = p[0] & FULL_DISK;
	fake_session((struct slice){ (const char *)p + 1, n - 1 },
	    conf.personality == LOCAL ? "unix" : "127.0.0.1", &out);
	check(slice_str(&out));
	if (slice_find(slice_str(&fake.content), '\r') < fake.content.len)
		abort();
	str_free(&out);
	return 0;
}
