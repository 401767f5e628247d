/*
 * cache.c - answers of a table.  A slot holds 128 bits over the key, made with
 * keys that this process drew, not the key itself: a token is not kept.
 */
#include "base/clock.h"
#include "base/hash.h"
#include "mapd.h"

enum { VALUE_MAX = 4096 };	/* longer values are asked for each time */

struct slot {
	uint64_t tag[2];
	int64_t until;		/* mono_ms; 0: free */
	char *value;		/* NULL: absent */
};

struct cache {
	unsigned char keys[2][HASH_KEY];
	size_t mask;
	struct slot *slot;
};

struct cache *
cache_new(size_t rows)
{
	struct cache *c = xcalloc(1, sizeof(*c));
	size_t n = 16;

	while (n < rows)
		n *= 2;
	c->mask = n - 1;
	c->slot = xcalloc(n, sizeof(*c->slot));
	random_bytes(c->keys, sizeof(c->keys));
	return c;
}

static void
make_tag(const struct cache *c, const char *key, uint64_t tag[2])
{
	size_t n = strlen(key), i;

	for (i = 0; i < 2; i++)
		tag[i] = hash_sip(c->keys[i], key, n);
}

/* a key lies in one of two slots */
static struct slot *
slot_of(const struct cache *c, const uint64_t tag[2], unsigned way)
{
	return &c->slot[(tag[0] & c->mask) ^ way];
}

static bool
holds(const struct slot *s, const uint64_t tag[2])
{
	return s->until > 0 && s->tag[0] == tag[0] && s->tag[1] == tag[1];
}

int
cache_get(struct cache *c, const char *key, struct str *out)
{
	int64_t now = mono_ms();
	const struct slot *s;
	uint64_t tag[2];
	unsigned way;

	if (c == NULL)
		return -1;
	make_tag(c, key, tag);
	for (way = 0; way < 2; way++) {
		s = slot_of(c, tag, way);
		if (!holds(s, tag) || s->until <= now)
			continue;
		if (s->value == NULL)
			return 0;
		str_adds(out, s->value);
		return 1;
	}
	return -1;
}

static void
clear(struct slot *s)
{
	if (s->value != NULL)
		explicit_bzero(s->value, strlen(s->value));
	free(s->value);
	*s = (struct slot){ { 0, 0 }, 0, NULL };
}

void
cache_put(struct cache *c, const char *key, const struct str *value,
    int64_t ms)
{
	struct slot *s, *other;
	uint64_t tag[2];

	if (c == NULL || ms <= 0 || (value != NULL && value->len > VALUE_MAX))
		return;
	make_tag(c, key, tag);
	s = slot_of(c, tag, 0);
	other = slot_of(c, tag, 1);
	if (holds(other, tag) || (!holds(s, tag) && other->until < s->until))
		s = other;
	clear(s);
	s->tag[0] = tag[0];
	s->tag[1] = tag[1];
	s->until = mono_ms() + ms;
	s->value = value != NULL ? xstrdup(value->s) : NULL;
}
