/*
 * splices.c - a list of what is to be replaced, as rewrite.h has it.
 */
#include "rewrite.h"

void
splice_add(struct splices *s, uint64_t at, uint64_t len, struct slice text)
{
	if (s->n == s->cap) {
		s->cap = s->cap > 0 ? 2 * s->cap : 16;
		s->v = xrealloc(s->v, s->cap * sizeof(*s->v));
	}
	s->v[s->n++] = (struct splice){ at, len, text };
}

void
splices_free(struct splices *s)
{
	free(s->v);
	*s = (struct splices){ 0 };
}
