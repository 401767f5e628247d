/*
 * user_forward.c - postrider user forward: where the mail of an account goes
 * besides, or instead of, its mailbox.
 */
#include "ctl.h"
#include "map/alias.h"
#include "user.h"

static const struct option longs[] = {
	{ "keep", no_argument, NULL, 'k' },
	{ "no-keep", no_argument, NULL, 'n' },
	{ "off", no_argument, NULL, 'o' },
	{ NULL, 0, NULL, 0 }
};

void
user_print_forward(const struct user_record *u)
{
	if (u->forward[0] == '\0')
		printf("forward   no\n");
	else
		printf("forward   %s (%s)\n", u->forward, u->keep ? "kept" :
		    "not kept");
}

/* the addresses of the command line as one value; NULL: told what is wrong */
static const char *
joined(int argc, char **argv)
{
	struct str s = STR_INIT;
	struct err err = ERR_INIT;
	const char *z;
	int i;

	for (i = optind + 1; i < argc; i++)
		str_addf(&s, "%s%s", s.len > 0 ? "," : "", argv[i]);
	z = arena_slice(&ctl_arena, slice_str(&s));
	str_free(&s);
	if (z[0] != '\0' && alias_check(slice_of(z), true, &err) < 0) {
		fail_err(&err);
		return NULL;
	}
	return z;
}

int
user_forward(int argc, char **argv)
{
	struct table_edit e;
	struct user_record u;
	struct err err = ERR_INIT;
	const char *full, *to;
	int c, keep = 0, r;

	while ((c = next_option(argc, argv, ":", longs)) != -1) {
		if (c == '?' || (keep != 0 && keep != c))
			return c == '?' ? EXIT_USAGE : fail_usage("one of "
			    "--keep, --no-keep and --off");
		keep = c;
	}
	if (argc - optind < 1 || (keep == 'o' && argc - optind > 1))
		return fail_usage("usage: postrider user forward NAME "
		    "[ADDRESS ...] [--keep | --no-keep | --off]");
	to = joined(argc, argv);
	if (to == NULL)
		return EXIT_FAILED;
	if (instance_load(&err) != 0)
		return fail_err(&err);
	r = user_edit(&e, argv[optind], true, &u, &full);
	if (r != EXIT_OK)
		return r;
	if (to[0] == '\0' && keep == 0) {
		table_abort(&e);
		user_print_forward(&u);
		return EXIT_OK;
	}
	if (to[0] != '\0' || keep == 'o')
		u.forward = to;
	u.keep = keep != 'n';
	return user_put(&e, full, &u, u.forward[0] == '\0' ?
	    "not forwarded" : u.keep ? "forwarded, and kept" : "forwarded");
}
