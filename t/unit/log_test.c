/* log_test.c - a line is whole whatever is in it */
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "test/tap.h"

static struct str got = STR_INIT;

static void
keep(const char *line, size_t n)
{
	str_reset(&got);
	str_add(&got, line, n);
}

/* one line of at most 4096 bytes, key=value parted by single blanks, every
 * quote closed */
static bool
well_formed(void)
{
	struct slice s = slice_str(&got);
	bool quoted = false;
	size_t i;

	if (s.n == 0 || s.n > 4096 || s.p[s.n - 1] != '\n')
		return false;
	for (i = 0; i < s.n - 1; i++) {
		if (quoted && s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			quoted = !quoted;
		else if (s.p[i] == '\n')
			return false;
	}
	return !quoted;
}

static void
test_values(void)
{
	struct err err = ERR_INIT;

	err_perm(&err, "5.1.1", "no such user: %s", "x");
	log_event(LOG_INFO, "test", KS("a", "plain"), KS("b", "two words"),
	    KS("c", "q\"\\\n"), KS("d", ""), KS("e", NULL), KI("f", -1),
	    KERR(&err), KEND);
	ok(strstr(got.s, ": test a=plain b=\"two words\" c=\"q\\\"\\\\\\x0A\" "
	    "d=\"\" f=-1 dsn=5.1.1 reason=\"no such user: x\"\n") != NULL,
	    "values are quoted where they must be");
	ok(well_formed(), "and the line is whole");
	keep("", 0);
	log_event(LOG_DEBUG, "test", KEND);
	is_int(got.len, 0, "nothing below the level");
}

static void
test_long(void)
{
	char ctl[1001], quotes[3001], utf8[1205];
	size_t i;

	memset(ctl, 1, 1000);
	ctl[1000] = '\0';
	memset(quotes, '"', 3000);
	quotes[3000] = '\0';
	for (i = 0; i < 1200; i += 3)
		memcpy(utf8 + i, "\xe2\x82\xac", 4);
	log_event(LOG_INFO, "test", KS("a", ctl), KS("b", ctl), KI("c", 123456),
	    KS("d", quotes), KEND);
	ok(well_formed(), "a line that is too long is cut between quotes");
	log_event(LOG_INFO, "test", KS("a", quotes), KS("b", quotes),
	    KS("c", quotes), KU("d", 123456789), KEND);
	ok(well_formed(), "and so is this one");
	ok(strstr(got.s, " d=") == NULL || strstr(got.s, " d=123456789\n"),
	    "a number is there whole or not at all");
	log_event(LOG_INFO, "test", KS("a", utf8), KS("b", "last"), KEND);
	ok(utf8_valid(slice_str(&got)), "no character is cut in two");
	ok(strstr(got.s, " b=last\n") != NULL, "what follows is there");
}

int
main(void)
{
	log_open("log_test");
	log_set_sink(keep);
	test_values();
	test_long();
	return tap_done();
}
