/*
 * ext_xforward.c - XFORWARD: a filter behind another server says where a
 * message came from, for the log and for our filters.  As Postfix has it
 * (XFORWARD_README): it lets nobody do more, and holds for one transaction.
 */
#include "ext.h"
#include "filter.h"

static const char *const names[] = { "NAME", "ADDR", "PORT", "PROTO", "HELO",
	"IDENT", "SOURCE" };
enum { NAMES = ARRAY_LEN(names), VALUE_MAX = 255 };

struct forward {
	char *value[NAMES];	/* NULL: not said, or not known */
};

static bool
xforward_offered(const struct session *s)
{
	return s->may_xforward;
}

static void
xforward_args(const struct session *s UNUSED, struct str *out)
{
	size_t i;

	for (i = 0; i < NAMES; i++)
		str_addf(out, " %s", names[i]);
}

const char *
forward_get(const struct session *s, const char *name)
{
	size_t i;

	for (i = 0; s->forward != NULL && i < NAMES; i++)
		if (strcmp(names[i], name) == 0)
			return s->forward->value[i];
	return NULL;
}

void
forward_reset(struct session *s)
{
	size_t i;

	for (i = 0; s->forward != NULL && i < NAMES; i++)
		free(s->forward->value[i]);
	/* they knew that client */
	if (s->forward != NULL)
		filters_end(s);
	free(s->forward);
	s->forward = NULL;
}

/* NULL: not known; false: no address */
static bool
take_address(struct slice z, char **addr_r)
{
	struct str addr = STR_INIT;
	bool good;

	if (xclient_nothing(z))
		return true;
	good = xclient_address(z, &addr);
	if (good)
		*addr_r = slice_dup(slice_str(&addr));
	str_free(&addr);
	return good;
}

static bool
take(struct forward *f, struct slice name, struct slice z)
{
	size_t i, j;

	for (j = 0; j < z.n; j++)
		if ((unsigned char)z.p[j] < ' ' || z.p[j] == 0x7f)
			return false;
	for (i = 0; i < NAMES; i++) {
		if (!slice_ieqz(name, names[i]))
			continue;
		free(f->value[i]);
		f->value[i] = NULL;
		if (strcmp(names[i], "ADDR") == 0)
			return take_address(z, &f->value[i]);
		f->value[i] = xclient_nothing(z) ? NULL :
		    slice_dup(slice_sub(z, 0, VALUE_MAX));
		return true;
	}
	return false;
}

static enum cmd_result
cmd_xforward(void *session, struct slice args)
{
	struct session *s = session;
	struct str plain = STR_INIT;
	struct slice word, name = SLICE_NULL;
	bool good = true;

	if (!s->may_xforward) {
		reply(s, 550, "5.7.0", "you may not do that");
		return CMD_BAD;
	}
	if (s->forward == NULL)
		s->forward = xcalloc(1, sizeof(*s->forward));
	while (good && slice_word(&args, &word)) {
		slice_cut(&word, '=', &name);
		str_reset(&plain);
		good = word.p != NULL && smtp_xtext_decode(&plain, word) &&
		    take(s->forward, name, slice_str(&plain));
	}
	str_free(&plain);
	filters_end(s);
	if (good)
		reply(s, 250, "2.0.0", "Ok");
	else
		reply(s, 501, "5.5.4", "bad attribute: %.*s",
		    (int)MIN(name.n, (size_t)40), name.p);
	return good ? CMD_OK : CMD_BAD;
}

static const struct command commands[] = {
	{ "XFORWARD", 1, INT_MAX, ST_NEW | ST_IDLE, CMD_JUNK, cmd_xforward,
	    NULL },
	{ NULL, 0, 0, 0, 0, NULL, NULL }
};

const struct ext ext_xforward = {
	.keyword = "XFORWARD",
	.offered = xforward_offered,
	.args = xforward_args,
	.commands = commands,
};
