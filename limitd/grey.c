/*
 * grey.c - what comes again is let pass.  A key holds two hashes of a value:
 * when it first came, and when it last passed; how many values passed is a
 * window, so that a network that sends no more is forgotten.
 */
#include "base/hash.h"
#include "limitd.h"

static uint64_t
hash_of(char kind, const char *value)
{
	struct str z = STR_INIT;
	uint64_t h;

	str_addf(&z, "%c%s", kind, value);
	h = hash_sip(table_secret, z.s, z.len);
	str_free(&z);
	return h;
}

static bool
all_pass(const struct window *w, const struct limit_grey_in *in, int64_t now)
{
	struct window copy;

	if (w == NULL || in->after == 0)
		return false;
	copy = *w;
	return window_used(&copy, now) >= in->after;
}

static void
passed(struct entry *e, const struct limit_grey_in *in, uint64_t hash,
    int64_t now)
{
	values_add(entry_values(e), &hash, 1, now, (size_t)conf.key_values);
	window_add(entry_window(e, in->remember, true, now), 1, now);
	table_settle(e);
}

void
grey_judge(const struct limit_grey_in *in, int64_t now,
    struct limit_grey_out *out)
{
	uint64_t first = hash_of('f', in->value);
	uint64_t good = hash_of('g', in->value);
	struct entry *e = in->peek ? table_find(in->key) :
	    table_make(in->key);
	int64_t came, last;

	came = e != NULL ? values_time(entry_values(e), first) : 0;
	last = e != NULL ? values_time(entry_values(e), good) : 0;
	out->pass = e != NULL && ((last != 0 && now - last <= in->remember) ||
	    all_pass(entry_window(e, in->remember, false, now), in, now));
	if (!out->pass) {
		out->fresh = came == 0 || now - came > in->window;
		out->pass = !out->fresh && now - came >= in->delay;
		out->wait = out->fresh ? in->delay :
		    MAX(in->delay - (now - came), 0);
	}
	if (in->peek)
		return;
	if (out->pass)
		passed(e, in, good, now);
	else if (out->fresh) {
		values_add(entry_values(e), &first, 1, now,
		    (size_t)conf.key_values);
		table_settle(e);
	}
}
