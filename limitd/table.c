/*
 * table.c - the keys.  The first word of a key is its class, and where there
 * is no room the class that has the most keys loses its coldest: whoever can
 * choose keys of one class at will pushes out nothing but keys of that class,
 * and a class that is small loses none.  The same holds for values.
 */
#include "limitd.h"

#include "base/hash.h"
#include "base/log.h"

#define HASH_FUNCTION(p, n, h) ((h) = (unsigned)hash_secret((p), (n)))
#include <uthash.h>

enum { CLASSES = 32, CLASS_NAME = 32 };

struct class {
	char name[CLASS_NAME];
	struct entry *coldest, *warmest;
	size_t keys, values;
};

struct entry {
	UT_hash_handle hh;
	struct class *class;
	struct entry *colder, *warmer;
	struct window w[WINDOWS];
	size_t windows;
	struct values seen;
	size_t settled;		/* values counted in class and total */
	char key[];
};

static struct entry *entries;		/* hash */
static struct class classes[CLASSES];
static size_t nclasses, total_values;
static uint64_t pushed_out;
unsigned char table_secret[16];
bool table_dirty;

/* programs have few kinds of keys; the last class takes all further ones */
static struct class *
class_of(const char *key)
{
	struct slice name = { key, strcspn(key, " ") };
	size_t i;

	name.n = MIN(name.n, (size_t)CLASS_NAME - 1);
	for (i = 0; i < nclasses; i++)
		if (slice_eqz(name, classes[i].name))
			return &classes[i];
	if (nclasses == CLASSES)
		return &classes[CLASSES - 1];
	slice_copy(classes[nclasses].name, CLASS_NAME, name);
	return &classes[nclasses++];
}

static void
unlink_entry(struct entry *e)
{
	struct class *c = e->class;

	if (e->colder != NULL)
		e->colder->warmer = e->warmer;
	else
		c->coldest = e->warmer;
	if (e->warmer != NULL)
		e->warmer->colder = e->colder;
	else
		c->warmest = e->colder;
}

static void
link_warmest(struct entry *e)
{
	struct class *c = e->class;

	e->colder = c->warmest;
	e->warmer = NULL;
	if (c->warmest != NULL)
		c->warmest->warmer = e;
	else
		c->coldest = e;
	c->warmest = e;
}

static void
drop_values(struct entry *e)
{
	e->class->values -= e->settled;
	total_values -= e->settled;
	e->settled = 0;
	values_free(&e->seen);
}

static void
drop(struct entry *e)
{
	drop_values(e);
	unlink_entry(e);
	e->class->keys--;
	HASH_DEL(entries, e);
	free(e);
	table_dirty = true;
}

/* said when it begins, and then each time that there were ten times more */
static void
say_full(const struct class *c, const char *what)
{
	static uint64_t next = 1;

	if (++pushed_out < next)
		return;
	next *= 10;
	log_event(LOG_WARN, "table-full", KS("class", c->name),
	    KS("what", what), KU("keys", HASH_COUNT(entries)),
	    KU("values", total_values), KU("dropped_keys", pushed_out), KEND);
}

static void
make_room(void)
{
	struct class *largest = &classes[0];
	size_t i;

	if ((int64_t)HASH_COUNT(entries) < conf.max_keys)
		return;
	for (i = 1; i < nclasses; i++)
		if (classes[i].keys > largest->keys)
			largest = &classes[i];
	say_full(largest, "keys");
	drop(largest->coldest);
}

struct entry *
table_find(const char *key)
{
	struct entry *e;

	HASH_FIND(hh, entries, key, strlen(key), e);
	if (e == NULL)
		return NULL;
	unlink_entry(e);
	link_warmest(e);
	return e;
}

struct entry *
table_make(const char *key)
{
	struct entry *e = table_find(key);
	size_t n = strlen(key);

	table_dirty = true;
	if (e != NULL)
		return e;
	make_room();
	e = xcalloc(1, sizeof(*e) + n + 1);
	memcpy(e->key, key, n);
	e->class = class_of(key);
	e->class->keys++;
	link_warmest(e);
	HASH_ADD_KEYPTR(hh, entries, e->key, n, e);
	return e;
}

void
table_forget(const char *key)
{
	struct entry *e = table_find(key);

	if (e != NULL)
		drop(e);
}

struct window *
entry_window(struct entry *e, int64_t length, bool make, int64_t now)
{
	struct window *w = e->w;
	size_t i;

	for (i = 0; i < e->windows; i++)
		if (e->w[i].length == length)
			return &e->w[i];
	if (!make)
		return NULL;
	if (e->windows < WINDOWS)
		w = &e->w[e->windows++];
	else
		for (i = 1; i < WINDOWS; i++)
			if (window_used(&e->w[i], now) < window_used(w, now))
				w = &e->w[i];
	*w = (struct window){ .length = length, .start = now };
	return w;
}

struct values *
entry_values(struct entry *e)
{
	return &e->seen;
}

/* the coldest of the class that has the most, but not the one at hand */
static bool
drop_coldest_values(const struct entry *but)
{
	struct class *largest = &classes[0];
	struct entry *e;
	size_t i;

	for (i = 1; i < nclasses; i++)
		if (classes[i].values > largest->values)
			largest = &classes[i];
	for (e = largest->coldest; e != NULL; e = e->warmer)
		if (e->settled > 0 && e != but) {
			say_full(largest, "values");
			drop_values(e);
			return true;
		}
	return false;
}

void
table_settle(struct entry *e)
{
	e->class->values += e->seen.n - e->settled;
	total_values += e->seen.n - e->settled;
	e->settled = e->seen.n;
	while (total_values > (size_t)conf.max_values)
		if (!drop_coldest_values(e))
			return;
}

const char *
entry_key(const struct entry *e)
{
	return e->key;
}

size_t
entry_windows(struct entry *e, struct window **w)
{
	*w = e->w;
	return e->windows;
}

int
table_each(int (*fn)(void *ctx, struct entry *e), void *ctx)
{
	struct entry *e;
	size_t i;
	int r;

	for (i = 0; i < nclasses; i++)
		for (e = classes[i].coldest; e != NULL; e = e->warmer) {
			r = fn(ctx, e);
			if (r != 0)
				return r;
		}
	return 0;
}

static bool
is_empty(struct entry *e, int64_t now)
{
	size_t i;

	for (i = 0; i < e->windows; i++)
		if (window_used(&e->w[i], now) > 0)
			return false;
	return e->seen.n == 0;
}

void
table_sweep(int64_t now)
{
	struct entry *e, *tmp;

	HASH_ITER(hh, entries, e, tmp)
		if (is_empty(e, now))
			drop(e);
}

size_t
table_count(void)
{
	return HASH_COUNT(entries);
}

void
table_clear(void)
{
	struct entry *e, *tmp;

	HASH_ITER(hh, entries, e, tmp)
		drop(e);
	memset(classes, 0, sizeof(classes));
	nclasses = 0;
}
