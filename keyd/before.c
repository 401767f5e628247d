/*
 * before.c - keys that were replaced: handshakes that began with the
 * certificate of one may want its signature yet.  Then it is wiped.
 */
#include "keyd.h"

#include "base/clock.h"

struct before {
	struct before *next;		/* the older one */
	struct loaded l;
	int64_t until;			/* mono_ms */
};

void
before_add(struct before **list, const struct loaded *l)
{
	struct before *b = xcalloc(1, sizeof(*b));

	b->l = *l;
	b->until = mono_ms() + BEFORE_MS;
	b->next = *list;
	*list = b;
}

bool
before_full(const struct before *list)
{
	int n = 0;

	for (; list != NULL; list = list->next)
		n++;
	return n >= BEFORE_MAX;
}

struct loaded *
before_find(struct before *list, const char *id)
{
	int64_t now = mono_ms();

	for (; list != NULL && list->until > now; list = list->next)
		if (strcmp(list->l.id, id) == 0)
			return &list->l;
	return NULL;
}

int64_t
before_expire(struct before **list, bool all)
{
	struct before **p = list, *b;
	int64_t now = mono_ms(), left = -1;

	while ((b = *p) != NULL) {
		if (!all && b->until > now) {
			left = b->until - now;
			p = &b->next;
			continue;
		}
		*p = b->next;
		file_free(&b->l);
		free(b);
	}
	return left;
}
