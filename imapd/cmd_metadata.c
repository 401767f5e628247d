/*
 * cmd_metadata.c - GETMETADATA and SETMETADATA: RFC 5464.
 */
#include "notify.h"
#include "share.h"

enum { ENTRIES_MAX = 100, DEPTH_ALL = 1 << 20 };

struct get {
	struct session *s;
	struct slice folder;
	struct slice entry[ENTRIES_MAX];
	size_t n;
	int depth;
	bool limited;
	uint64_t max, longest;	/* MAXSIZE, and the longest over it */
	struct str out;
	size_t found;
};

/* is it wanted: an entry, or as deep below one as was asked for? */
static bool
wanted(const struct get *g, struct slice name)
{
	struct slice e, rest, part;
	size_t i;
	int levels;

	for (i = 0; i < g->n; i++) {
		e = g->entry[i];
		if (slice_ieq(name, e))
			return true;
		if (g->depth == 0 || name.n <= e.n + 1 || name.p[e.n] != '/' ||
		    !slice_ieq(slice_sub(name, 0, e.n), e))
			continue;
		rest = slice_sub(name, e.n + 1, name.n);
		for (levels = 0; slice_cut(&rest, '/', &part); levels++)
			continue;
		if (levels <= g->depth)
			return true;
	}
	return false;
}

static void
on_entry(void *ctx, const char *entry, struct slice value)
{
	struct get *g = ctx;

	if (!wanted(g, slice_of(entry)))
		return;
	if (g->limited && value.n > g->max) {
		g->longest = MAX(g->longest, (uint64_t)value.n);
		return;
	}
	str_adds(&g->out, g->found++ > 0 ? " " : "(");
	imap_put_astring(&g->out, slice_of(entry), false);
	str_addc(&g->out, ' ');
	imap_put_string8(&g->out, value, utf8(g->s));
}

static void
parse_options(struct imap_lex *l, struct get *g)
{
	for (imap_lex_open(l); imap_lex_next(l); ) {
		if (imap_lex_try_word(l, "MAXSIZE")) {
			imap_lex_sp(l);
			g->limited = imap_lex_number64(l, &g->max);
		} else if (imap_lex_try_word(l, "DEPTH")) {
			imap_lex_sp(l);
			if (imap_lex_try_word(l, "infinity"))
				g->depth = DEPTH_ALL;
			else if (imap_lex_try_word(l, "1"))
				g->depth = 1;
			else if (!imap_lex_try_word(l, "0"))
				imap_lex_expected(l, "0, 1 or infinity");
		} else {
			imap_lex_expected(l, "MAXSIZE or DEPTH");
		}
	}
	imap_lex_sp(l);
}

static bool
check_entry(struct imap_lex *l, struct slice e)
{
	if (e.n == 0 || e.p[0] != '/' || e.p[e.n - 1] == '/' ||
	    (!slice_istarts(e, "/private/") && !slice_istarts(e, "/shared/")))
		return imap_lex_fail(l, IMAP_LEX_BAD, "",
		    "entries begin with /private/ or /shared/");
	return imap_lex_ok(l);
}

static void
parse_entries(struct imap_lex *l, struct get *g)
{
	if (imap_lex_peek(l) != '(') {
		imap_lex_astring(l, &g->entry[0]);
		g->n = imap_lex_ok(l) && check_entry(l, g->entry[0]);
		return;
	}
	for (imap_lex_open(l); imap_lex_next(l); ) {
		if (g->n == ENTRIES_MAX) {
			imap_lex_fail(l, IMAP_LEX_NO, "LIMIT",
			    "too many entries");
			return;
		}
		if (!imap_lex_astring(l, &g->entry[g->n]) ||
		    !check_entry(l, g->entry[g->n]))
			return;
		g->n++;
	}
}

static void
put_found(struct get *g)
{
	struct str head = STR_INIT;

	if (g->found == 0)
		return;
	str_adds(&head, "* METADATA ");
	imap_put_mailbox(&head, g->folder, utf8(g->s));
	str_addc(&head, ' ');
	imap_put(&g->s->imap, &head);
	str_adds(&g->out, ")\r\n");
	imap_put(&g->s->imap, &g->out);
	str_free(&head);
}

/* those of others are theirs */
static struct tree *
tree_for(struct session *s, struct slice *folder, struct err *err)
{
	const char *local = folder->p;
	struct tree *t = &s->tree;

	if (folder->n > 0)
		t = share_tree(s, folder->p, &local, err);
	*folder = slice_of(local);
	return t;
}

void
cmd_getmetadata(void *session)
{
	struct session *s = session;
	struct imap_lex *l = &s->imap.lex;
	struct get g = { .s = s, .out = STR_INIT };
	struct slice name;
	struct tree *t;
	struct err err = ERR_INIT;
	char code[64];

	imap_lex_sp(l);
	if (imap_lex_peek(l) == '(')
		parse_options(l, &g);
	imap_lex_mailbox(l, &g.folder);
	imap_lex_sp(l);
	parse_entries(l, &g);
	if (!imap_args_end(&s->imap))
		return;
	name = g.folder;
	t = tree_for(s, &name, &err);
	if (t == NULL ||
	    tree_meta_each(t, name.p, on_entry, &g, &err) < 0) {
		imap_fail(&s->imap, &err);
	} else {
		put_found(&g);
		snprintf(code, sizeof(code), "METADATA LONGENTRIES %llu",
		    (unsigned long long)g.longest);
		imap_ok(&s->imap, g.longest > 0 ? code : NULL,
		    "that is all");
	}
	str_free(&g.out);
}

static void
failed(struct session *s, const struct err *err)
{
	char code[64];

	if (strcmp(err->dsn, "5.2.2") == 0)
		imap_no(&s->imap, "METADATA TOOMANY", "%s", err->text);
	else if (strcmp(err->dsn, "5.3.4") == 0) {
		snprintf(code, sizeof(code), "METADATA MAXSIZE %d",
		    (int)META_MAX);
		imap_no(&s->imap, code, "%s", err->text);
	} else
		imap_fail(&s->imap, err);
}

static void
set_all(struct session *s, struct slice folder, const struct slice *entry,
    const struct slice *value, size_t n)
{
	const char *name = folder.n > 0 ? folder.p : "";
	struct err err = ERR_INIT;
	struct tree *t = tree_for(s, &folder, &err);
	size_t i;
	int r = 0;

	if (t == NULL) {
		failed(s, &err);
		return;
	}
	notify_meta_own(s, name, false);
	for (i = 0; i < n && r == 0; i++)
		r = tree_meta_set(t, folder.p, entry[i].p, value[i], &err);
	notify_meta_own(s, name, true);
	if (r < 0)
		failed(s, &err);
	else
		imap_ok(&s->imap, NULL, "set");
}

void
cmd_setmetadata(void *session)
{
	struct session *s = session;
	struct imap_lex *l = &s->imap.lex;
	struct slice folder = { 0 }, entry[ENTRIES_MAX], value[ENTRIES_MAX];
	size_t n = 0;

	imap_lex_sp(l);
	imap_lex_mailbox(l, &folder);
	imap_lex_sp(l);
	for (imap_lex_open(l); imap_lex_next(l); n++) {
		if (n == ENTRIES_MAX) {
			imap_lex_fail(l, IMAP_LEX_NO, "LIMIT",
			    "too many entries");
			break;
		}
		if (imap_lex_astring(l, &entry[n]))
			check_entry(l, entry[n]);
		imap_lex_sp(l);
		imap_lex_nstring8(l, &value[n]);
	}
	if (!imap_args_end(&s->imap))
		return;
	set_all(s, folder, entry, value, n);
}
