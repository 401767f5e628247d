/*
 * cmd_limits.c - postrider limits: what limitd counts, and beginning anew.
 */
#include "base/clock.h"
#include "conf/common.h"
#include "ctl.h"
#include "proto/limit.h"

enum { LIMITS_MS = 10000, LIST_MAX = 1000000, BATCH = 100 };

struct rows {
	struct strlist key;
	struct table t;
	bool json;
	const char *word;	/* NULL: all */
};

static const char *
window_text(int64_t ms)
{
	struct str s = STR_INIT;
	const char *z;

	if (ms == 0)
		return "seen";
	format_duration(&s, ms);
	z = arena_strdup(&ctl_arena, s.s);
	str_free(&s);
	return z;
}

static void
add_json(const struct limit_list_more *m)
{
	struct str o = STR_INIT;
	bool first = true;

	str_addc(&o, '{');
	json_member(&o, &first, "key", m->key);
	json_int(&o, &first, "count", m->used);
	json_int(&o, &first, "window_ms", m->window);
	printf("%s}\n", o.s);
	str_free(&o);
}

static int
on_row(void *ctx, const void *more, struct err *err UNUSED)
{
	const struct limit_list_more *m = more;
	struct rows *r = ctx;

	if (r->json) {
		add_json(m);
		return 0;
	}
	table_cell(&r->t, arena_strdup(&ctl_arena, m->key));
	table_cell(&r->t, arena_printf(&ctl_arena, "%lld",
	    (long long)m->used));
	table_cell(&r->t, window_text(m->window));
	return 0;
}

static int
limits_list(int argc, char **argv)
{
	struct rows r = { .t = { .columns = 3 } };
	struct limit_list_in in = { .prefix = "", .max = LIST_MAX };
	struct err err = ERR_INIT;
	struct ipc c;
	int rc = verb_words(argc, argv, &r.json, 0, 1,
	    "limits list [--json] [PREFIX]");

	if (rc != EXIT_OK)
		return rc;
	if (argc > optind)
		in.prefix = argv[optind];
	rc = verb_ask(&c, "limitd", LIMITS_MS, &err);
	if (rc != EXIT_OK)
		return rc;
	if (!r.json) {
		table_cell(&r.t, "key");
		table_cell(&r.t, "count");
		table_cell(&r.t, "window");
	}
	rc = ipc_call_more(&c, &limit_list, &in, -1, on_row, &r, NULL, &err);
	ipc_free(&c);
	if (rc < 0)
		return fail_err(&err);
	if (!r.json)
		table_print(&r.t);
	return EXIT_OK;
}

/* is it one of the words of the key, or all of it?  Where an account logged
 * in from is no limit: only the whole key names it. */
static bool
names(const char *key, const char *word)
{
	struct slice rest = slice_of(key), w;

	if (strcmp(key, word) == 0)
		return true;
	if (slice_starts(rest, "auth-good "))
		return false;
	while (slice_word(&rest, &w))
		if (slice_ieqz(w, word))
			return true;
	return false;
}

static int
pick(void *ctx, const void *more, struct err *err UNUSED)
{
	const struct limit_list_more *m = more;
	struct rows *r = ctx;

	if (names(m->key, r->word) && (r->key.n == 0 ||
	    strcmp(r->key.v[r->key.n - 1], m->key) != 0))
		strlist_add(&r->key, &ctl_arena,
		    arena_strdup(&ctl_arena, m->key));
	return 0;
}

static int
forget_keys(struct ipc *c, const struct strlist *keys, struct err *err)
{
	struct limit_forget_in in;
	size_t i;

	for (i = 0; i < keys->n; i += BATCH) {
		in.key = (struct strlist){ keys->v + i,
		    MIN(keys->n - i, (size_t)BATCH), BATCH };
		if (ipc_call(c, &limit_forget, &in, -1, NULL, NULL, NULL,
		    err) < 0)
			return -1;
	}
	return 0;
}

static int
forget_word(struct ipc *c, const char *word, struct err *err)
{
	struct limit_list_in in = { .prefix = "", .max = LIST_MAX };
	struct rows r = { .word = word };
	size_t i;

	if (ipc_call_more(c, &limit_list, &in, -1, pick, &r, NULL, err) < 0 ||
	    forget_keys(c, &r.key, err) < 0)
		return fail_err(err);
	if (r.key.n == 0)
		return fail("nothing is counted for %s", word);
	for (i = 0; i < r.key.n; i++)
		printf("forgot %s\n", r.key.v[i]);
	return EXIT_OK;
}

static int
limits_forget(int argc, char **argv)
{
	return verb_each(argc, argv, "limits forget KEY|ADDRESS|ACCOUNT...",
	    "limitd", LIMITS_MS, forget_word);
}

static const struct cmd verbs[] = {
	{ "list", limits_list, "[--json] [PREFIX]", "what is counted" },
	{ "forget", limits_forget, "KEY|ADDRESS|ACCOUNT...", "begin anew: "
	    "who was blocked is not any more" },
	{ NULL, NULL, NULL, NULL }
};

int
cmd_limits(int argc, char **argv)
{
	if (argc < 2) {
		printf("usage: postrider limits VERB ...\n\n");
		print_cmds(verbs, "limits ");
		return EXIT_USAGE;
	}
	return run_cmd(verbs, "limits verb", argc - 1, argv + 1);
}
