/*
 * options.c - an unknown option is answered with the nearest known one.
 */
#include "base/field.h"
#include "ctl.h"

enum { OPTIONS_MAX = 64 };

void
restart_options(void)
{
	optind = 0;
	opterr = 0;
}

static int
unknown(const char *arg, const struct option *longs)
{
	const char *names[OPTIONS_MAX + 1], *near;
	struct slice name = slice_of(arg);
	size_t n = 0;

	if (!slice_starts(name, "--")) {
		fail_usage("unknown option -%c", optopt);
		return '?';
	}
	name = slice_sub(name, 2, name.n);
	name = slice_sub(name, 0, slice_find(name, '='));
	for (; longs->name != NULL && n < OPTIONS_MAX; longs++)
		names[n++] = longs->name;
	names[n] = NULL;
	near = nearest_name(names, name);
	if (near != NULL)
		fail_usage("unknown option --%.*s; did you mean --%s?",
		    (int)name.n, name.p, near);
	else
		fail_usage("unknown option --%.*s", (int)name.n, name.p);
	return '?';
}

int
next_option(int argc, char **argv, const char *shorts,
    const struct option *longs)
{
	int c, at = optind > 0 ? optind : 1;

	c = getopt_long(argc, argv, shorts, longs, NULL);
	if (c == ':') {
		fail_usage("option %s needs a value", argv[optind - 1]);
		return '?';
	}
	/* getopt may have moved words; the culprit is the last one taken */
	if (c == '?')
		return unknown(argv[optind > at ? optind - 1 : at], longs);
	return c;
}
