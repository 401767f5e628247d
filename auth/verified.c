/*
 * verified.c - what was verified lately: that a password makes a stored hash.
 *
 * A client that comes again need not wait for the hash, which is made to take
 * its time.  What is kept is a fact about these two strings, not about an
 * account, so nothing has to be invalidated: a changed password is another
 * hash.  Neither of them is kept, but 128 bits over both, made with keys that
 * this process drew and shows nobody; what is wrong is not kept, and takes
 * its time always.
 */
#include "auth.h"

#include "base/clock.h"
#include "base/hash.h"

enum { SLOTS = 8192 /* a power of two */ };

struct verified {
	uint64_t tag[2];
	int64_t until;		/* mono_ms; 0: free */
};

static struct verified table[SLOTS];
static unsigned char keys[2][HASH_KEY];
static bool have_keys;

static void
make_tag(const char *hash, const char *password, uint64_t tag[2])
{
	struct str s = STR_INIT;
	size_t i;

	if (!have_keys)
		random_bytes(keys, sizeof(keys));
	have_keys = true;
	/* grown once: no copy is left behind */
	str_grow(&s, strlen(hash) + 1 + strlen(password) + 1);
	str_add(&s, hash, strlen(hash) + 1);
	str_adds(&s, password);
	for (i = 0; i < 2; i++)
		tag[i] = hash_sip(keys[i], s.s, s.len);
	explicit_bzero(s.s, s.len);
	str_free(&s);
}

static struct verified *
slot_of(const uint64_t tag[2], int way)
{
	return &table[(tag[0] & (SLOTS - 1)) ^ (uint64_t)way];
}

bool
verified_known(const char *hash, const char *password)
{
	const struct verified *v;
	bool known = false;
	uint64_t tag[2];
	int way;

	if (conf.cache_time == 0)
		return false;
	make_tag(hash, password, tag);
	for (way = 0; way < 2; way++) {
		v = slot_of(tag, way);
		known |= v->until > mono_ms() && v->tag[0] == tag[0] &&
		    v->tag[1] == tag[1];
	}
	return known;
}

void
verified_add(const char *hash, const char *password)
{
	struct verified *v, *other;
	uint64_t tag[2];

	if (conf.cache_time == 0)
		return;
	make_tag(hash, password, tag);
	v = slot_of(tag, 0);
	other = slot_of(tag, 1);
	if (other->until < v->until)
		v = other;
	*v = (struct verified){ { tag[0], tag[1] },
		mono_ms() + conf.cache_time };
}
