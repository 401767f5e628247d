/*
 * arena.c - blocks in a list, newest first; only the newest has room.
 */
#include "base/arena.h"

enum { FIRST_BLOCK = 2048, MAX_BLOCK = 65536, ALIGNMENT = 16 };

struct arena_block {
	struct arena_block *next;
	size_t used, cap;
	max_align_t data[];
};

static struct arena_block *
new_block(struct arena *a, size_t n)
{
	struct arena_block *b;
	size_t cap = a->head ? MIN(a->head->cap * 2, (size_t)MAX_BLOCK) :
	    (size_t)FIRST_BLOCK;

	if (cap < n)
		cap = n;
	b = xmalloc(sizeof(*b) + cap);
	b->next = a->head;
	b->used = 0;
	b->cap = cap;
	a->head = b;
	return b;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	struct arena_block *b = a->head;
	void *p;

	if (n > SIZE_MAX / 4)
		die("arena: %zu bytes", n);
	n = (n + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (b == NULL || b->cap - b->used < n)
		b = new_block(a, n);
	p = (char *)b->data + b->used;
	b->used += n;
	a->total += n;
	memset(p, 0, n);
	return p;
}

char *
arena_slice(struct arena *a, struct slice s)
{
	char *p = arena_alloc(a, s.n + 1);

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return p;
}

char *
arena_strdup(struct arena *a, const char *s)
{
	return arena_slice(a, slice_of(s));
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	struct str s = STR_INIT;
	va_list ap;
	char *p;

	va_start(ap, fmt);
	str_vaddf(&s, fmt, ap);
	va_end(ap);
	p = arena_slice(a, slice_str(&s));
	str_free(&s);
	return p;
}

void
arena_wipe(struct arena *a)
{
	struct arena_block *b;

	for (b = a->head; b != NULL; b = b->next)
		explicit_bzero(b->data, b->used);
	arena_reset(a);
}

void
arena_reset(struct arena *a)
{
	struct arena_block *b = a->head, *next;

	if (b == NULL)
		return;
	for (; b->next != NULL; b = next) {
		next = b->next;
		free(b);
	}
	b->used = 0;
	a->head = b;
	a->total = 0;
}

void
arena_free(struct arena *a)
{
	arena_reset(a);
	free(a->head);
	*a = (struct arena){ 0 };
}

void
strlist_add(struct strlist *l, struct arena *a, const char *s)
{
	const char **v;
	size_t cap;

	if (l->n == l->cap) {
		cap = l->cap ? l->cap * 2 : 8;
		v = arena_alloc(a, cap * sizeof(*v));
		if (l->n > 0)
			memcpy(v, l->v, l->n * sizeof(*v));
		l->v = v;
		l->cap = cap;
	}
	l->v[l->n++] = s;
}

bool
strlist_has(const struct strlist *l, const char *s)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (strcmp(l->v[i], s) == 0)
			return true;
	return false;
}

bool
strlist_ihas(const struct strlist *l, struct slice s)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (slice_ieqz(s, l->v[i]))
			return true;
	return false;
}
