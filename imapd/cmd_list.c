/*
 * cmd_list.c - LIST and LSUB: RFC 3501 section 6.3.8, RFC 9051 section 6.3.9,
 * RFC 5258 (LIST-EXTENDED), 5819 (LIST-STATUS), 6154 (SPECIAL-USE).
 */
#include "imap/match.h"
#include "share.h"
#include "status.h"

enum { SEL_SUBSCRIBED = 1, SEL_REMOTE = 2, SEL_RECURSIVE = 4,
	SEL_SPECIAL = 8 };
enum { RET_SUBSCRIBED = 1, RET_CHILDREN = 2, RET_SPECIAL = 4,
	RET_STATUS = 8, RET_MYRIGHTS = 16, RET_METADATA = 32 };
enum { PATTERNS_MAX = 32, ENTRIES_MAX = 32 };

struct list {
	struct session *s;
	const char *word;		/* LIST or LSUB */
	struct slice reference;
	struct slice pattern[PATTERNS_MAX];
	size_t n;
	bool extended, lsub;
	unsigned select, returns, items;
	struct slice entry[ENTRIES_MAX];	/* METADATA */
	size_t n_entries;
	struct str joined[PATTERNS_MAX];
};

static bool
parse_words(struct imap_lex *l, const char *const *names, size_t n,
    unsigned *bits)
{
	size_t i;

	for (imap_lex_open(l); imap_lex_next(l); ) {
		for (i = 0; i < n; i++)
			if (imap_lex_try_word(l, names[i]))
				break;
		if (i == n)
			return imap_lex_expected(l, "a LIST option");
		*bits |= 1U << i;
	}
	return imap_lex_ok(l);
}

/* RFC 9590 */
static void
parse_entries(struct imap_lex *l, struct list *q)
{
	for (imap_lex_open(l); imap_lex_next(l); ) {
		if (q->n_entries == ENTRIES_MAX) {
			imap_lex_fail(l, IMAP_LEX_BAD, "LIMIT",
			    "too many entries");
			return;
		}
		imap_lex_astring(l, &q->entry[q->n_entries++]);
	}
}

static bool
parse_returns(struct imap_lex *l, struct list *q)
{
	for (imap_lex_open(l); imap_lex_next(l); ) {
		if (imap_lex_try_word(l, "SUBSCRIBED")) {
			q->returns |= RET_SUBSCRIBED;
		} else if (imap_lex_try_word(l, "CHILDREN")) {
			q->returns |= RET_CHILDREN;
		} else if (imap_lex_try_word(l, "SPECIAL-USE")) {
			q->returns |= RET_SPECIAL;
		} else if (imap_lex_try_word(l, "STATUS")) {
			q->returns |= RET_STATUS;
			imap_lex_sp(l);
			status_items(l, &q->items);
		} else if (imap_lex_try_word(l, "MYRIGHTS")) {
			q->returns |= RET_MYRIGHTS;
		} else if (imap_lex_try_word(l, "METADATA")) {
			q->returns |= RET_METADATA;
			imap_lex_sp(l);
			parse_entries(l, q);
		} else {
			return imap_lex_expected(l, "a RETURN option");
		}
	}
	return imap_lex_ok(l);
}

static void
parse_patterns(struct imap_lex *l, struct list *q)
{
	if (imap_lex_peek(l) != '(') {
		imap_lex_pattern(l, &q->pattern[0]);
		q->n = 1;
		return;
	}
	q->extended = true;
	for (imap_lex_open(l); imap_lex_next(l); q->n++) {
		if (q->n == PATTERNS_MAX) {
			imap_lex_fail(l, IMAP_LEX_BAD, "LIMIT",
			    "too many patterns");
			return;
		}
		imap_lex_pattern(l, &q->pattern[q->n]);
	}
}

static bool
parse(struct session *s, struct list *q)
{
	static const char *const selections[] = { "SUBSCRIBED", "REMOTE",
		"RECURSIVEMATCH", "SPECIAL-USE" };
	struct imap_lex *l = &s->imap.lex;

	imap_lex_sp(l);
	if (imap_lex_peek(l) == '(') {
		q->extended = true;
		parse_words(l, selections, ARRAY_LEN(selections), &q->select);
		imap_lex_sp(l);
	}
	imap_lex_mailbox(l, &q->reference);
	imap_lex_sp(l);
	parse_patterns(l, q);
	if (imap_lex_try_sp(l)) {
		q->extended = true;
		if (!imap_lex_try_word(l, "RETURN"))
			imap_lex_expected(l, "RETURN");
		imap_lex_sp(l);
		parse_returns(l, q);
	}
	if (!imap_args_end(&s->imap))
		return false;
	if (q->select & SEL_RECURSIVE && !(q->select & ~(unsigned)
	    (SEL_RECURSIVE | SEL_REMOTE)))
		return imap_lex_fail(l, IMAP_LEX_BAD, "", "RECURSIVEMATCH "
		    "goes with another selection option");
	return true;
}

static bool
selected(const struct list *q, const struct folder *f)
{
	if (q->select & SEL_SUBSCRIBED && !(f->flags & FOLDER_SUBSCRIBED))
		return false;
	if (q->select & SEL_SPECIAL && f->special == NULL)
		return false;
	/* only subscribed, and not there: LIST does not know it */
	return q->select & SEL_SUBSCRIBED ||
	    f->flags & (FOLDER_EXISTS | FOLDER_CHILDREN);
}

static bool
matches(const struct list *q, const char *name)
{
	size_t i;

	for (i = 0; i < q->n; i++)
		if (imap_match(slice_str(&q->joined[i]), slice_of(name),
		    '/') & IMAP_MATCH_YES)
			return true;
	return false;
}

/* is a folder below all[i] selected, that the patterns do not match? */
static bool
child_selected(const struct list *q, const struct folder_list *all, size_t i)
{
	size_t len = strlen(all->v[i].name), k;

	for (k = 0; k < all->n; k++)
		if (strncmp(all->v[k].name, all->v[i].name, len) == 0 &&
		    all->v[k].name[len] == '/' && selected(q, &all->v[k]) &&
		    !matches(q, all->v[k].name))
			return true;
	return false;
}

static void
put_attributes(const struct list *q, const struct folder *f, struct str *out)
{
	size_t start = out->len;

	if (!(f->flags & FOLDER_EXISTS)) {
		if (!q->extended && !enabled(q->s, ENABLED_REV2))
			str_adds(out, " \\Noselect");
		else
			str_adds(out, f->flags & FOLDER_CHILDREN ?
			    " \\Noselect" : " \\NonExistent");
	}
	str_adds(out, f->flags & FOLDER_CHILDREN ? " \\HasChildren" :
	    " \\HasNoChildren");
	if (f->flags & FOLDER_SUBSCRIBED && !q->lsub &&
	    (q->returns & RET_SUBSCRIBED || q->select & SEL_SUBSCRIBED))
		str_adds(out, " \\Subscribed");
	if (f->special != NULL)
		str_addf(out, " %s", f->special);
	if (out->len > start)	/* without the first blank */
		memmove(out->s + start, out->s + start + 1,
		    out->len - start);
	str_trunc(out, out->len - 1);
}

struct entries {
	const struct list *q;
	struct str out;
	bool found[ENTRIES_MAX];
};

static void
put_entry(struct entries *e, size_t i, struct slice value)
{
	e->found[i] = true;
	str_adds(&e->out, e->out.len > 0 ? " " : "(");
	imap_put_astring(&e->out, e->q->entry[i], false);
	str_addc(&e->out, ' ');
	if (value.p == NULL)
		str_adds(&e->out, "NIL");
	else
		imap_put_string8(&e->out, value, utf8(e->q->s));
}

static void
on_entry(void *ctx, const char *entry, struct slice value)
{
	struct entries *e = ctx;
	size_t i;

	for (i = 0; i < e->q->n_entries; i++)
		if (!e->found[i] && slice_ieqz(e->q->entry[i], entry))
			put_entry(e, i, value);
}

/* all that were asked for, NIL where there is no value */
static void
put_metadata(const struct list *q, const char *name, struct str *out)
{
	struct entries e = { .q = q, .out = STR_INIT };
	struct err err = ERR_INIT;
	const char *local;
	struct tree *t = share_tree(q->s, name, &local, &err);
	size_t i;

	if (t != NULL && q->n_entries > 0 &&
	    tree_meta_each(t, local, on_entry, &e, &err) == 0) {
		for (i = 0; i < q->n_entries; i++)
			if (!e.found[i])
				put_entry(&e, i, (struct slice){ NULL, 0 });
		str_adds(out, "* METADATA ");
		imap_put_mailbox(out, slice_of(name), utf8(q->s));
		str_addf(out, " %s)\r\n", e.out.s);
	}
	str_free(&e.out);
}

static void
put_folder(const struct list *q, const struct folder *f, bool child_info)
{
	struct session *s = q->s;
	struct str out = STR_INIT;
	struct err err = ERR_INIT;

	str_addf(&out, "* %s (", q->word);
	put_attributes(q, f, &out);
	str_adds(&out, ") \"/\" ");
	imap_put_mailbox(&out, slice_of(f->name), utf8(s));
	if (child_info)
		str_addf(&out, " (\"CHILDINFO\" (\"%s\"))",
		    q->select & SEL_SUBSCRIBED ? "SUBSCRIBED" :
		    "SPECIAL-USE");
	str_adds(&out, "\r\n");
	if (q->returns & RET_STATUS && f->flags & FOLDER_EXISTS)
		status_put(s, f->name, q->items, &out, &err);
	if (q->returns & RET_MYRIGHTS && f->flags & FOLDER_EXISTS)
		share_put_myrights(s, f->name, &out, &err);
	if (q->returns & RET_METADATA && f->flags & FOLDER_EXISTS)
		put_metadata(q, f->name, &out);
	imap_put(&s->imap, &out);
	str_free(&out);
}

static void
put_all(struct list *q, const struct folder_list *all)
{
	bool child;
	size_t i;

	for (i = 0; i < all->n; i++) {
		if (!matches(q, all->v[i].name))
			continue;
		child = q->select & SEL_RECURSIVE &&
		    child_selected(q, all, i);
		if (selected(q, &all->v[i]) || child)
			put_folder(q, &all->v[i], child);
	}
}

/* RFC 3501 section 6.3.9: with %, what is not subscribed but above a
 * subscribed name is told as \Noselect. */
static void
put_lsub(const struct list *q, const struct folder_list *all)
{
	const struct slice pattern = slice_str(&q->joined[0]);
	struct folder f;
	size_t i, len, told = 0;
	const char *last = "";

	for (i = 0; i < all->n; i++) {
		if (!selected(q, &all->v[i]))
			continue;
		if (matches(q, all->v[i].name)) {
			put_folder(q, &all->v[i], false);
			last = all->v[i].name;
			told = strlen(last);
			continue;
		}
		len = imap_match_parent(pattern, slice_of(all->v[i].name),
		    '/');
		if (len == 0 || (len == told &&
		    strncmp(last, all->v[i].name, len) == 0))
			continue;
		f = (struct folder){ .flags = FOLDER_CHILDREN, .name =
		    arena_slice(&q->s->imap.arena, (struct slice){
		    all->v[i].name, len }) };
		put_folder(q, &f, false);
		last = f.name;
		told = len;
	}
}

static void
run(struct list *q)
{
	struct session *s = q->s;
	struct folder_list all;
	struct err err = ERR_INIT;
	size_t i;

	if (!q->extended && q->n == 1 && q->pattern[0].n == 0) {
		imap_say(&s->imap, "%s (\\Noselect) \"/\" \"\"", q->word);
		imap_ok(&s->imap, NULL, "that is the separator");
		return;
	}
	if (tree_list(&s->tree, &s->imap.arena, &all, &err) < 0) {
		imap_fail(&s->imap, &err);
		return;
	}
	share_list(s, &all);
	for (i = 0; i < q->n; i++)
		imap_pattern_join(q->reference, q->pattern[i], '/',
		    &q->joined[i]);
	if (q->lsub)
		put_lsub(q, &all);
	else
		put_all(q, &all);
	for (i = 0; i < q->n; i++)
		str_free(&q->joined[i]);
	imap_ok(&s->imap, NULL, "that is all");
}

static void
start(struct list *q, struct session *s, const char *word)
{
	size_t i;

	memset(q, 0, sizeof(*q));
	q->s = s;
	q->word = word;
	for (i = 0; i < PATTERNS_MAX; i++)
		q->joined[i] = (struct str)STR_INIT;
}

void
cmd_list(void *session)
{
	struct session *s = session;
	struct list q;

	start(&q, s, "LIST");
	if (parse(s, &q))
		run(&q);
}

void
cmd_lsub(void *session)
{
	struct session *s = session;
	struct imap_lex *l = &s->imap.lex;
	struct list q;

	start(&q, s, "LSUB");
	q.select = SEL_SUBSCRIBED;
	q.lsub = true;
	imap_lex_sp(l);
	imap_lex_mailbox(l, &q.reference);
	imap_lex_sp(l);
	imap_lex_pattern(l, &q.pattern[0]);
	q.n = 1;
	if (imap_args_end(&s->imap))
		run(&q);
}
