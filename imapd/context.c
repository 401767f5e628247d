/*
 * context.c - CONTEXT=SEARCH, CONTEXT=SORT, CANCELUPDATE: RFC 5267.  Only
 * messages whose modseq rose since the last look are searched again; what
 * else was found stays found.
 */
#include "context.h"

#include "sort.h"

struct context {
	struct context *next;
	struct arena arena;	/* of tag and tree */
	const char *tag;
	bool uid;		/* it was a UID command */
	struct imap_search q;	/* the tree as it came */
	uint32_t *v;		/* UIDs of the answer, in its order */
	size_t n;
	uint64_t modseq;	/* of the last look */
};

static struct slice
copy_slice(struct arena *a, struct slice s)
{
	return (struct slice){ s.p != NULL ? arena_slice(a, s) : NULL, s.n };
}

/* recursion is bounded by the parser */
static struct imap_search_key *
copy_keys(struct arena *a, const struct imap_search_key *k)
{
	struct imap_search_key *first = NULL, **end = &first, *c;

	for (; k != NULL; k = k->next, end = &c->next) {
		c = arena_alloc(a, sizeof(*c));
		*c = *k;
		c->name = copy_slice(a, k->name);
		c->text = copy_slice(a, k->text);
		c->child = copy_keys(a, k->child);
		c->next = NULL;
		if (k->set.n > 0) {
			c->set.v = arena_alloc(a, k->set.n *
			    sizeof(*k->set.v));
			memcpy(c->set.v, k->set.v, k->set.n *
			    sizeof(*k->set.v));
			c->set.cap = k->set.n;
		}
		*end = c;
	}
	return first;
}

/* message numbers and $ mean something else later */
static bool
lasts(const struct imap_search_key *k)
{
	for (; k != NULL; k = k->next)
		if (k->op == IMAP_S_SEQ || k->set.saved || !lasts(k->child))
			return false;
	return true;
}

static void
no_update(struct session *s, const char *why)
{
	struct str out = STR_INIT;

	str_adds(&out, "* NO [NOUPDATE ");
	imap_put_string(&out, s->imap.lex.tag, false);
	str_addf(&out, "] %s\r\n", why);
	imap_put(&s->imap, &out);
	str_free(&out);
}

struct context *
context_new(struct session *s, const struct imap_search *q)
{
	struct context *c;
	size_t n = 0;

	for (c = s->contexts; c != NULL; c = c->next)
		n++;
	if (n >= CONTEXTS_MAX) {
		no_update(s, "too many searches are kept");
		return NULL;
	}
	if (!lasts(q->root)) {
		no_update(s, "with message numbers or $ it can not be kept");
		return NULL;
	}
	if (search_by_relevancy(q)) {
		no_update(s, "in the order of relevancy it can not be kept");
		return NULL;
	}
	c = xcalloc(1, sizeof(*c));
	c->q = *q;
	c->q.root = copy_keys(&c->arena, q->root);
	c->tag = arena_slice(&c->arena, s->imap.lex.tag);
	c->uid = s->imap.lex.uid;
	return c;
}

void
context_free(struct context *c)
{
	if (c == NULL)
		return;
	free(c->v);
	arena_free(&c->arena);
	free(c);
}

static void
take(const struct session *s, struct context *c, const struct index_list *r)
{
	size_t i;

	free(c->v);
	c->v = xcalloc(r->n + 1, sizeof(*c->v));
	c->n = r->n;
	for (i = 0; i < r->n; i++)
		c->v[i] = s->mb->msg[r->v[i]].uid;
	c->modseq = s->mb->modseq;
}

void
context_begin(struct session *s, struct context *c,
    const struct index_list *r)
{
	if (c == NULL)
		return;
	take(s, c, r);
	c->next = s->contexts;
	s->contexts = c;
}

void
context_end(struct session *s)
{
	struct context *c;

	while ((c = s->contexts) != NULL) {
		s->contexts = c->next;
		context_free(c);
	}
}

/* ---- telling ------------------------------------------------------------ */

/* which: the messages to tell, by place in list v (UIDs, n); in the order of
 * their UIDs as one set, or (sorted) each with its position */
struct news {
	const uint32_t *v;
	size_t n;
	const bool *which;
	bool down;		/* the last first */
};

static uint32_t
number(const struct session *s, const struct context *c, uint32_t uid)
{
	return c->uid ? uid : (uint32_t)mailbox_find(s->mb, uid) + 1;
}

static void
put_places(struct session *s, const struct context *c, const struct news *w,
    struct str *out)
{
	bool first = true;
	size_t k, i;

	for (k = 0; k < w->n; k++) {
		i = w->down ? w->n - 1 - k : k;
		if (!w->which[i])
			continue;
		str_addf(out, "%s%zu %u", first ? "" : " ", i + 1,
		    (unsigned)number(s, c, w->v[i]));
		first = false;
	}
}

static void
tell(struct session *s, const struct context *c, const char *word,
    const struct news *w)
{
	struct str out = STR_INIT;
	struct imap_setw set = { .out = &out };
	size_t i, some = 0;

	for (i = 0; i < w->n; i++)
		some += w->which[i];
	if (some == 0)
		return;
	str_adds(&out, "* ESEARCH (TAG ");
	imap_put_string(&out, slice_of(c->tag), false);
	str_addf(&out, ")%s %s (", c->uid ? " UID" : "", word);
	if (c->q.n_sort > 0) {
		put_places(s, c, w, &out);
	} else {
		str_adds(&out, "0 ");
		for (i = 0; i < w->n; i++)
			if (w->which[i])
				imap_setw_add(&set, number(s, c, w->v[i]));
		imap_setw_end(&set);
	}
	str_adds(&out, ")\r\n");
	imap_put(&s->imap, &out);
	str_free(&out);
}

/* take those out of the answer, and say so */
static void
leave(struct session *s, struct context *c, const bool *which)
{
	struct news w = { c->v, c->n, which, true };
	size_t i, n = 0;

	tell(s, c, "REMOVEFROM", &w);
	for (i = 0; i < c->n; i++)
		if (!which[i])
			c->v[n++] = c->v[i];
	c->n = n;
}

static bool
is_gone(const struct mailbox *mb, uint32_t uid)
{
	size_t i = mailbox_find(mb, uid);

	return i >= mb->n || mb->msg[i].uid != uid ||
	    mb->msg[i].flags & MSG_GONE;
}

void
context_gone(struct session *s)
{
	struct context *c;
	bool *which;
	size_t i;

	for (c = s->contexts; c != NULL; c = c->next) {
		which = xcalloc(c->n + 1, sizeof(*which));
		for (i = 0; i < c->n; i++)
			which[i] = is_gone(s->mb, c->v[i]);
		leave(s, c, which);
		free(which);
	}
}

/* ---- looking again ------------------------------------------------------ */

/* the messages to look at, as a set of UIDs; false: none */
static bool
changed(const struct session *s, const struct context *c, struct arena *a,
    struct imap_seqset *set)
{
	const struct mailbox_msg *m;
	uint32_t i;

	*set = (struct imap_seqset){ 0 };
	for (i = 0; i < s->told; i++) {
		m = &s->mb->msg[i];
		if (m->modseq > c->modseq && !(m->flags & MSG_GONE))
			imap_seqset_add(set, a, m->uid);
	}
	return set->n > 0;
}

/* what of the changed messages matches */
static int
search_changed(struct session *s, const struct context *c,
    const struct imap_seqset *set, struct index_list *r, struct err *err)
{
	struct arena *a = &s->imap.arena;
	struct imap_search_key *and = arena_alloc(a, sizeof(*and));
	struct imap_search_key *uids = arena_alloc(a, sizeof(*uids));

	*uids = (struct imap_search_key){ .op = IMAP_S_UID, .set = *set };
	uids->next = copy_keys(a, c->q.root);
	*and = (struct imap_search_key){ .op = IMAP_S_AND, .child = uids };
	return search_run(s, and, r, err);
}

static int
by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static bool
has(const uint32_t *sorted, size_t n, uint32_t uid)
{
	return n > 0 && bsearch(&uid, sorted, n, sizeof(uid), by_number) !=
	    NULL;
}

/* Those of the answer that changed and match no longer leave it; what is left
 * and what came is the new answer, as indexes. */
static void
merge(struct session *s, struct context *c, const struct imap_seqset *set,
    const struct index_list *found, struct index_list *all)
{
	struct arena *a = &s->imap.arena;
	uint32_t *uids = arena_alloc(a, (found->n + 1) * sizeof(*uids));
	bool *which = arena_alloc(a, c->n + 1);
	size_t i, k;

	for (i = 0; i < found->n; i++)
		uids[i] = s->mb->msg[found->v[i]].uid;
	for (i = 0; i < c->n; i++)
		which[i] = imap_seqset_contains(set, c->v[i]) &&
		    !has(uids, found->n, c->v[i]);
	leave(s, c, which);
	all->v = arena_alloc(a, (c->n + found->n + 1) * sizeof(*all->v));
	all->n = 0;
	for (i = 0; i < c->n; i++) {
		k = mailbox_find(s->mb, c->v[i]);
		if (!has(uids, found->n, c->v[i]) && k < s->told)
			all->v[all->n++] = (uint32_t)k;
	}
	for (i = 0; i < found->n; i++)
		all->v[all->n++] = found->v[i];
	qsort(all->v, all->n, sizeof(*all->v), by_number);
}

static int
look(struct session *s, struct context *c, struct err *err)
{
	struct imap_seqset set;
	struct index_list found, all;
	struct arena *a = &s->imap.arena;
	struct news w = { 0 };
	uint32_t *old;
	bool *which;
	size_t i, n;

	if (s->mb->gone > 0)
		return 0;	/* once EXPUNGE was told */
	if (!changed(s, c, a, &set)) {
		c->modseq = s->mb->modseq;
		return 0;
	}
	if (search_changed(s, c, &set, &found, err) < 0)
		return -1;
	merge(s, c, &set, &found, &all);
	if (c->q.n_sort > 0 && sort_run(s, &c->q, NULL, &all, err) < 0)
		return -1;
	n = c->n;
	old = arena_alloc(a, (n + 1) * sizeof(*old));
	memcpy(old, c->v, n * sizeof(*old));
	qsort(old, n, sizeof(*old), by_number);
	take(s, c, &all);
	which = arena_alloc(a, c->n + 1);
	for (i = 0; i < c->n; i++)
		which[i] = !has(old, n, c->v[i]);
	w = (struct news){ c->v, c->n, which, false };
	tell(s, c, "ADDTO", &w);
	return 0;
}

void
context_update(struct session *s)
{
	struct arena kept = s->imap.arena;	/* the tag is in it */
	struct context *c, **at;
	struct err err = ERR_INIT;

	for (at = &s->contexts; (c = *at) != NULL; ) {
		s->imap.arena = (struct arena){ 0 };
		if (c->modseq != s->mb->modseq && look(s, c, &err) < 0) {
			imap_say(&s->imap, "NO [NOUPDATE \"%s\"] the search "
			    "is not kept any longer", c->tag);
			*at = c->next;
			context_free(c);
		} else {
			at = &c->next;
		}
		arena_free(&s->imap.arena);
	}
	s->imap.arena = kept;
}

static bool
cancel(struct session *s, struct slice tag)
{
	struct context *c, **at;

	for (at = &s->contexts; (c = *at) != NULL; at = &c->next)
		if (slice_eqz(tag, c->tag)) {
			*at = c->next;
			context_free(c);
			return true;
		}
	return false;
}

void
cmd_cancelupdate(void *session)
{
	struct session *s = session;
	struct imap_lex *l = &s->imap.lex;
	struct slice tag[CONTEXTS_MAX];
	size_t n = 0, i;
	bool all = true;

	do {
		imap_lex_sp(l);
		if (n == CONTEXTS_MAX) {
			imap_lex_fail(l, IMAP_LEX_BAD, "", "too many tags");
			return;
		}
		imap_lex_quoted(l, &tag[n++]);
	} while (imap_lex_ok(l) && imap_lex_peek(l) == ' ');
	if (!imap_args_end(&s->imap))
		return;
	for (i = 0; i < n; i++)
		all &= cancel(s, tag[i]);
	if (all)
		imap_ok(&s->imap, NULL, "no more updates");
	else
		imap_bad(&s->imap, NULL, "there is no such search");
}
