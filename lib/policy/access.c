/*
 * access.c - actions as Postfix's access(5) tables and policy servers name
 * them, and look-ups in such tables.  Their words are taken in either case.
 */
#include "policy/internal.h"

/* `4.7.1 text': the status off the front */
static void
cut_dsn(struct slice *text, char class, struct action *r, struct arena *a)
{
	struct slice rest = *text, word, part, dots;
	uint64_t u;
	int n = 0;

	if (!slice_word(&rest, &word) || word.n > 11)
		return;
	for (dots = word; slice_cut(&dots, '.', &part); n++)
		if (part.n > 3 || !slice_u64(part, 999, &u))
			return;
	if (n != 3 || word.p[0] != class)
		return;
	r->dsn = arena_slice(a, word);
	*text = slice_trim(rest);
}

/* `[code] [status] text'; a code of the wrong kind is text */
static void
take_reply(struct slice text, int op, struct action *r, struct arena *a)
{
	char class = op == ACT_REJECT ? '5' : '4';
	struct slice rest = text, word;
	uint64_t code;

	r->op = op;
	if (slice_word(&rest, &word) && word.n == 3 && word.p[0] == class &&
	    slice_u64(word, 599, &code)) {
		r->code = (int)code;
		text = slice_trim(rest);
	}
	cut_dsn(&text, class, r, a);
	r->text = arena_slice(a, text);
}

static int
take_edit(struct slice text, int edit, struct action *r, struct arena *a,
    struct err *err)
{
	size_t colon = slice_find(text, ':');

	r->op = edit == EDIT_DISCARD ? ACT_DISCARD : ACT_EDIT;
	r->edit = edit;
	if (text.n == 0 && edit != EDIT_HOLD && edit != EDIT_DISCARD)
		return err_temp(err, "4.3.5", "an action without its value");
	if (edit == EDIT_INSERT_HEADER && (colon == 0 || colon == text.n))
		return err_temp(err, "4.3.5", "PREPEND without Name: value");
	r->text = arena_slice(a, text);
	return 0;
}

static const struct {
	const char *name;
	int op, edit;
} known[] = {
	{ "OK", ACT_PERMIT, 0 }, { "PERMIT", ACT_PERMIT, 0 },
	{ "DUNNO", ACT_DUNNO, 0 }, { "REJECT", ACT_REJECT, 0 },
	{ "DEFER", ACT_DEFER, 0 },
	{ "DEFER_IF_PERMIT", ACT_DEFER_IF_PERMIT, 0 },
	{ "DEFER_IF_REJECT", ACT_DEFER_IF_REJECT, 0 },
	{ "WARN", ACT_WARN, 0 }, { "INFO", ACT_WARN, 0 },
	{ "HOLD", ACT_EDIT, EDIT_HOLD },
	{ "DISCARD", ACT_EDIT, EDIT_DISCARD },
	{ "REDIRECT", ACT_EDIT, EDIT_REDIRECT },
	{ "BCC", ACT_EDIT, EDIT_BCC },
	{ "PREPEND", ACT_EDIT, EDIT_INSERT_HEADER },
	{ "FILTER", ACT_EDIT, EDIT_TRANSPORT },
	{ "TAG", ACT_TAG, 0 },
};

static int
take_known(size_t i, struct slice rest, struct arena *a, struct action *r,
    struct err *err)
{
	r->op = known[i].op;
	switch (r->op) {
	case ACT_REJECT:
	case ACT_DEFER:
	case ACT_DEFER_IF_PERMIT:
	case ACT_DEFER_IF_REJECT:
		take_reply(rest, r->op, r, a);
		return 0;
	case ACT_EDIT:
		return take_edit(rest, known[i].edit, r, a, err);
	default:
		r->text = arena_slice(a, rest);
		return 0;
	}
}

/* what comes from outside has no words to be replaced */
static void
keep_dollars(struct action *r, struct arena *a)
{
	struct str z = STR_INIT;
	const char *p;

	if (strchr(r->text, '$') == NULL)
		return;
	for (p = r->text; *p != '\0'; p++) {
		str_addc(&z, *p);
		if (*p == '$')
			str_addc(&z, '$');
	}
	r->text = arena_slice(a, slice_str(&z));
	str_free(&z);
}

int
access_parse(const char *text, struct arena *a, struct action *r,
    struct err *err)
{
	struct slice rest = slice_trim(slice_of(text)), all = rest, word;
	uint64_t number;
	size_t i;

	*r = (struct action){ .text = "", .dsn = "", .name = "access" };
	if (!slice_word(&rest, &word))
		return 0;
	rest = slice_trim(rest);
	if (word.n == 3 && (word.p[0] == '4' || word.p[0] == '5') &&
	    slice_u64(word, 599, &number)) {
		take_reply(all, word.p[0] == '5' ? ACT_REJECT : ACT_DEFER, r,
		    a);
		keep_dollars(r, a);
		return 0;
	}
	if (rest.n == 0 && slice_u64(word, UINT64_MAX, &number)) {
		r->op = ACT_PERMIT;
		return 0;
	}
	for (i = 0; i < ARRAY_LEN(known); i++)
		if (slice_ieqz(word, known[i].name)) {
			if (take_known(i, rest, a, r, err) < 0)
				return -1;
			/* the name of a tag is taken as it is anyway */
			if (r->op != ACT_TAG)
				keep_dollars(r, a);
			return 0;
		}
	return err_temp(err, "4.3.5", "no such action: %.*s",
	    (int)MIN(word.n, (size_t)60), word.p);
}

int
access_table(struct eval *e, const struct action *a, struct err *err)
{
	enum fact f = (enum fact)a->n;
	struct str value = STR_INIT;
	struct action said;
	const char *z;
	int r;

	if (fact_read(e, f, &z, err) < 0)
		return -1;
	/* the null sender is looked up, a sender that is not there is not */
	r = f == FACT_SENDER && !e->f->has_sender ? 0 :
	    z[0] == '\0' && f != FACT_SENDER ? 0 :
	    matcher_get(a->table, facts[f].kind, z, &value, err);
	if (r > 0) {
		eval_trace(e, "    %s %s: %s", facts[f].name, z, value.s);
		r = access_parse(value.s, e->a, &said, err) < 0 ? -1 :
		    action_do(e, &said, err);
	}
	str_free(&value);
	return r;
}
