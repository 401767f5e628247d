/*
 * thread.c - ORDEREDSUBJECT and REFERENCES of RFC 5256, and REFS: REFERENCES
 * without joining by subject, threads by their latest message.
 *
 * Nothing recurses: a thread may be as deep as the mailbox is long.  Senders
 * choose message ids and references: the hash has a secret, and the ways up
 * have a budget.
 */
#include "base/hash.h"

#define HASH_FUNCTION(p, n, h) ((h) = (unsigned)hash_secret(p, n))
#include <uthash.h>

#include "sort.h"

enum {
	CLIMB_MAX = 10000,	/* a longer way up is taken for a loop */
	CLIMBS_MAX = 20000000,	/* steps in all; then every way is one */
};

struct node {
	const struct thread_msg *msg;	/* NULL: known by reference only */
	struct node *parent, *child, *next;
	struct node **at;	/* what leads to it, while lists are made */
	int64_t date, latest;
	const char *key;
	UT_hash_handle hh;
};

struct threads {
	struct arena *a;
	struct node *by_id;
	struct node **all;
	size_t n, cap;
	uint64_t climbed;		/* steps, against CLIMBS_MAX */
	struct node root;		/* child: the root set */
};

static struct node *
new_node(struct threads *t)
{
	struct node *x = arena_alloc(t->a, sizeof(*x)), **grown;

	if (t->n == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 256;
		grown = arena_alloc(t->a, t->cap * sizeof(struct node *));
		if (t->n > 0)
			memcpy(grown, t->all, t->n * sizeof(struct node *));
		t->all = grown;
	}
	t->all[t->n++] = x;
	return x;
}

static struct node *
find_or_add(struct threads *t, struct slice id)
{
	struct node *x;

	HASH_FIND(hh, t->by_id, id.p, (unsigned)id.n, x);
	if (x == NULL) {
		x = new_node(t);
		x->key = id.p;
		HASH_ADD_KEYPTR(hh, t->by_id, x->key, (unsigned)id.n, x);
	}
	return x;
}

/* would x be above itself? */
static bool
makes_loop(struct threads *t, const struct node *parent,
    const struct node *x)
{
	int steps = 0;

	if (parent == x)
		return true;
	if (x->child == NULL)
		return false;
	for (; parent != NULL; parent = parent->parent)
		if (parent == x || ++steps > CLIMB_MAX ||
		    ++t->climbed > CLIMBS_MAX)
			return true;
	return false;
}

static void
unlink_node(struct node *x)
{
	if (x->parent == NULL)
		return;
	*x->at = x->next;
	if (x->next != NULL)
		x->next->at = x->at;
	x->next = x->parent = NULL;
}

static void
link_node(struct node *parent, struct node *x)
{
	x->parent = parent;
	x->next = parent->child;
	x->at = &parent->child;
	if (x->next != NULL)
		x->next->at = &x->next;
	parent->child = x;
}

/* RFC 5256 REFERENCES step 1 */
static void
add_message(struct threads *t, const struct thread_msg *m)
{
	struct node *x, *before = NULL, *ref;
	size_t k;

	x = m->id.n > 0 ? find_or_add(t, m->id) : new_node(t);
	if (x->msg != NULL)
		x = new_node(t);	/* an id that two messages have */
	x->msg = m;
	for (k = 0; k < m->nrefs; k++) {
		ref = find_or_add(t, m->refs[k]);
		if (before != NULL && ref->parent == NULL &&
		    !makes_loop(t, before, ref))
			link_node(before, ref);
		before = ref;
	}
	if (x->parent != NULL && x->parent != before)
		unlink_node(x);
	if (before != NULL && x->parent == NULL && !makes_loop(t, before, x))
		link_node(before, x);
}

/* Steps 2 and 3: all without a parent are the root set; what is no message
 * goes, and its children take its place, but not more than one at the root. */
static void
gather_roots(struct threads *t)
{
	struct node *x;
	size_t i;

	for (i = 0; i < t->n; i++) {
		x = t->all[i];
		if (x->parent == NULL)
			link_node(&t->root, x);
	}
}

/* all nodes in the order of a walk down, the root first; how many */
static size_t
walk_down(struct threads *t, struct node **walk)
{
	struct node *c;
	size_t n = 0, i;

	walk[n++] = &t->root;
	for (i = 0; i < n; i++)
		for (c = walk[i]->child; c != NULL; c = c->next)
			walk[n++] = c;
	return n;
}

/* the children of x, below which all is done */
static void
prune_children(struct node *x, bool is_root)
{
	struct node **p, *c, *last;

	for (p = &x->child; (c = *p) != NULL; ) {
		if (c->msg != NULL || (c->child != NULL && is_root &&
		    c->child->next != NULL)) {
			p = &c->next;
			continue;
		}
		*p = c->next;
		c->parent = NULL;
		if (c->child == NULL)
			continue;
		for (last = c->child; ; last = last->next) {
			last->parent = x;
			if (last->next == NULL)
				break;
		}
		last->next = c->next;
		*p = c->child;
		p = &last->next;
	}
}

static void
prune(struct threads *t)
{
	struct node **walk = arena_alloc(t->a,
	    (t->n + 1) * sizeof(struct node *));
	size_t n = walk_down(t, walk);

	while (n-- > 0)
		prune_children(walk[n], walk[n] == &t->root);
}

static int
by_date(const void *a_, const void *b_)
{
	const struct node *a = *(const struct node *const *)a_;
	const struct node *b = *(const struct node *const *)b_;
	uint32_t x, y;

	if (a->date != b->date)
		return a->date > b->date ? 1 : -1;
	x = a->msg != NULL ? a->msg->index : UINT32_MAX;
	y = b->msg != NULL ? b->msg->index : UINT32_MAX;
	return (x > y) - (x < y);
}

static int
by_latest(const void *a_, const void *b_)
{
	const struct node *a = *(const struct node *const *)a_;
	const struct node *b = *(const struct node *const *)b_;

	if (a->latest != b->latest)
		return a->latest > b->latest ? 1 : -1;
	return by_date(a_, b_);
}

static void
sort_children(struct threads *t, struct node *x,
    int (*cmp)(const void *, const void *))
{
	struct node **v, *c;
	size_t n = 0, i;

	for (c = x->child; c != NULL; c = c->next)
		n++;
	if (n < 2)
		return;
	v = arena_alloc(t->a, n * sizeof(struct node *));
	for (n = 0, c = x->child; c != NULL; c = c->next)
		v[n++] = c;
	qsort(v, n, sizeof(struct node *), cmp);
	x->child = v[0];
	for (i = 0; i < n; i++)
		v[i]->next = i + 1 < n ? v[i + 1] : NULL;
}

/* Dates from the leaves up, each list sorted when all below it are: nodes in
 * the order of a walk down, taken backwards. */
static void
sort_all(struct threads *t)
{
	struct node **walk = arena_alloc(t->a,
	    (t->n + 1) * sizeof(struct node *));
	size_t n = walk_down(t, walk);
	struct node *x, *c;

	while (n-- > 0) {
		x = walk[n];
		sort_children(t, x, by_date);
		if (x->msg != NULL)
			x->date = x->msg->sent;
		else if (x->child != NULL)
			x->date = x->child->date;
		x->latest = x->date;
		for (c = x->child; c != NULL; c = c->next)
			x->latest = MAX(x->latest, c->latest);
	}
}

/* --- step 5: threads of one subject --------------------------------------- */

struct subject {
	struct node *thread;
	UT_hash_handle hh;
};

static const struct thread_msg *
first_message(const struct node *x)
{
	return x->msg != NULL ? x->msg : x->child->msg;
}

static void
remember_subjects(struct threads *t, struct subject **by)
{
	struct node *x;
	struct subject *s;
	struct slice subj;

	for (x = t->root.child; x != NULL; x = x->next) {
		subj = first_message(x)->subject;
		if (subj.n == 0)
			continue;
		HASH_FIND(hh, *by, subj.p, (unsigned)subj.n, s);
		if (s == NULL) {
			s = arena_alloc(t->a, sizeof(*s));
			s->thread = x;
			HASH_ADD_KEYPTR(hh, *by, subj.p, (unsigned)subj.n, s);
		} else if (s->thread->msg != NULL && (x->msg == NULL ||
		    (s->thread->msg->is_reply && !x->msg->is_reply))) {
			s->thread = x;
		}
	}
}

static void
append_children(struct node *to, struct node *from)
{
	struct node *c, *next;

	for (c = from->child; c != NULL; c = next) {
		next = c->next;
		link_node(to, c);
	}
	from->child = NULL;
}

/* x and the thread of its subject become one.  What stays in the root set has
 * the root for a parent; its list is made anew at the end. */
static void
join(struct threads *t, struct subject *s, struct node *x)
{
	struct node *old = s->thread, *both;

	x->parent = NULL;
	if (old->msg == NULL && x->msg == NULL) {
		append_children(old, x);
	} else if (old->msg == NULL || (x->msg != NULL && x->msg->is_reply &&
	    !old->msg->is_reply)) {
		link_node(old, x);
	} else {
		both = new_node(t);
		both->parent = &t->root;
		link_node(both, old);
		link_node(both, x);
		s->thread = both;
	}
}

static void
join_subjects(struct threads *t)
{
	struct subject *by = NULL, *s;
	struct node *x, **roots;
	struct slice subj;
	size_t i, n = 0;

	remember_subjects(t, &by);
	roots = arena_alloc(t->a, (t->n + 1) * sizeof(struct node *));
	for (x = t->root.child; x != NULL; x = x->next)
		roots[n++] = x;
	for (i = 0; i < n; i++) {
		subj = first_message(roots[i])->subject;
		if (subj.n == 0 || roots[i]->parent != &t->root)
			continue;
		HASH_FIND(hh, by, subj.p, (unsigned)subj.n, s);
		if (s != NULL && s->thread != roots[i])
			join(t, s, roots[i]);
	}
	HASH_CLEAR(hh, by);
	t->root.child = NULL;
	for (i = 0; i < t->n; i++)
		if (t->all[i]->parent == &t->root)
			link_node(&t->root, t->all[i]);
}

/* --- printing ------------------------------------------------------------- */

struct printer {
	struct str *out;
	struct node **stack;		/* room for all nodes */
	uint32_t (*number)(void *, uint32_t);
	void *ctx;
};

/* One thread.  A node with one child goes on in the same parentheses; several
 * children have their own. */
static void
print_thread(const struct printer *p, struct node *root)
{
	struct node *x = root;
	size_t depth = 0;
	bool space = false;

	str_addc(p->out, '(');
	for (;;) {
		if (x->msg != NULL) {
			str_addf(p->out, space ? " %u" : "%u",
			    (unsigned)p->number(p->ctx, x->msg->index));
			space = true;
		}
		if (x->child != NULL && x->child->next == NULL) {
			x = x->child;
			continue;
		}
		if (x->child != NULL) {
			str_adds(p->out, space ? " (" : "(");
			p->stack[depth++] = x->child->next;
			x = x->child;
			space = false;
			continue;
		}
		str_addc(p->out, ')');
		while (depth > 0 && p->stack[depth - 1] == NULL) {
			depth--;
			str_addc(p->out, ')');
		}
		if (depth == 0)
			return;
		x = p->stack[depth - 1];
		p->stack[depth - 1] = x->next;
		str_addc(p->out, '(');
		space = false;
	}
}

static void
print_all(struct threads *t, struct printer *p)
{
	struct node *x;

	p->stack = arena_alloc(t->a, (t->n + 1) * sizeof(struct node *));
	for (x = t->root.child; x != NULL; x = x->next)
		print_thread(p, x);
}

/* --- ORDEREDSUBJECT ----------------------------------------------------- */

static int
by_subject(const void *a_, const void *b_)
{
	const struct thread_msg *a = a_, *b = b_;
	size_t n = MIN(a->subject.n, b->subject.n);
	int c = n > 0 ? memcmp(a->subject.p, b->subject.p, n) : 0;

	if (c == 0)
		c = (a->subject.n > b->subject.n) -
		    (a->subject.n < b->subject.n);
	if (c == 0)
		c = (a->sent > b->sent) - (a->sent < b->sent);
	return c != 0 ? c : (a->index > b->index) - (a->index < b->index);
}

/* the first of a subject is above all others of it */
static void
ordered_subject(struct threads *t, struct thread_msg *msg, size_t n)
{
	struct node *first = NULL, *x;
	size_t i;

	qsort(msg, n, sizeof(*msg), by_subject);
	for (i = 0; i < n; i++) {
		x = new_node(t);
		x->msg = &msg[i];
		if (first != NULL &&
		    slice_eq(first->msg->subject, msg[i].subject)) {
			link_node(first, x);
		} else {
			link_node(&t->root, x);
			first = x;
		}
	}
	sort_all(t);
}

void
thread_run(struct arena *a, enum imap_thread how, struct thread_msg *msg,
    size_t n, uint32_t (*number)(void *, uint32_t), void *ctx,
    struct str *out)
{
	struct threads t = { .a = a };
	struct printer p = { out, NULL, number, ctx };
	size_t i;

	if (how == IMAP_THREAD_ORDEREDSUBJECT) {
		ordered_subject(&t, msg, n);
	} else {
		for (i = 0; i < n; i++)
			add_message(&t, &msg[i]);
		HASH_CLEAR(hh, t.by_id);
		gather_roots(&t);
		prune(&t);
		sort_all(&t);
		if (how == IMAP_THREAD_REFERENCES)
			join_subjects(&t);
		sort_all(&t);
		if (how == IMAP_THREAD_REFS)
			sort_children(&t, &t.root, by_latest);
	}
	print_all(&t, &p);
}
