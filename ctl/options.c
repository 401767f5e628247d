/*
 * options.c - an unknown option is answered with the nearest known one.
 */
#include "base/field.h"
#include "conf/common.h"
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

int
verb_words(int argc, char **argv, bool *json, int min, int max,
    const char *usage)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 }
	};
	int o;

	while ((o = next_option(argc, argv, "", json != NULL ? longs :
	    longs + 1)) != -1) {
		if (o != 'j' || json == NULL)
			return EXIT_USAGE;
		*json = true;
	}
	if (argc - optind < min || argc - optind > max)
		return fail_usage("usage: postrider %s", usage);
	return EXIT_OK;
}

int
verb_ask(struct ipc *c, const char *service, int ms, struct err *err)
{
	if (instance_load(err) != 0)
		return fail_err(err);
	if (!may_ask(service))
		return EXIT_FAILED;
	ipc_init(c, socket_path(service), ms);
	return EXIT_OK;
}

int
verb_each(int argc, char **argv, const char *usage, const char *service,
    int ms, verb_word_fn *fn)
{
	struct err err = ERR_INIT;
	struct ipc c;
	int i, r, rc = verb_words(argc, argv, NULL, 1, INT_MAX, usage);

	if (rc == EXIT_OK)
		rc = verb_ask(&c, service, ms, &err);
	if (rc != EXIT_OK)
		return rc;
	for (i = optind; i < argc; i++) {
		r = fn(&c, argv[i], &err);
		rc = r != EXIT_OK ? r : rc;
	}
	ipc_free(&c);
	return rc;
}
