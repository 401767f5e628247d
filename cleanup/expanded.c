/*
 * expanded.c - receipts for aliases: RFC 3461 section 5.2.7.  Who asked for
 * one of an address that is several gets one report, "expanded", and not one
 * from each of whom he knows nothing.
 */
#include "cleanup.h"

static bool
wants_success(const char *notify)
{
	struct slice rest = slice_of(notify), word;

	while (slice_cut(&rest, ',', &word))
		if (slice_ieqz(slice_trim(word), "success"))
			return true;
	return false;
}

/* the others of the list; NEVER where there are none */
static const char *
without_success(const char *notify, struct arena *a)
{
	struct slice rest = slice_of(notify), word;
	struct str s = STR_INIT;
	const char *z;

	while (slice_cut(&rest, ',', &word)) {
		word = slice_trim(word);
		if (word.n == 0 || slice_ieqz(word, "success"))
			continue;
		str_addf(&s, "%s%.*s", s.len > 0 ? "," : "", (int)word.n,
		    word.p);
	}
	if (s.len == 0)
		str_adds(&s, "NEVER");
	z = arena_slice(a, slice_str(&s));
	str_free(&s);
	return z;
}

static bool
counts(const struct dest *d)
{
	return d->aliased && d->dsn[0] == '\0' && wants_success(d->notify);
}

static void
add_expanded(struct message *m, struct dests *d, size_t like)
{
	struct dest *t;

	if (d->n == d->cap) {
		d->cap *= 2;
		d->v = xrealloc(d->v, d->cap * sizeof(*d->v));
	}
	t = &d->v[d->n];
	*t = (struct dest){ .sender = "", .addr = arena_strdup(&m->arena,
	    d->v[like].orig), .orig = d->v[like].orig,
		.orcpt = d->v[like].orcpt, .notify = "SUCCESS",
		.transport = "none", .nexthop = "", .mailbox = "",
		.quota = "0", .dsn = "2.1.5",
		.text = "passed on to the addresses behind it",
		.order = d->n, .from = d->v[like].from };
	d->n++;
}

void
dests_expanded(struct message *m, struct dests *d)
{
	size_t i, end, k, n, all = d->n;
	bool owned;

	if (m->sender[0] == '\0')
		return;
	/* those of one recipient lie side by side */
	for (i = 0; i < all; i = end) {
		n = 0;
		owned = false;
		for (end = i; end < all && d->v[end].from == d->v[i].from;
		    end++) {
			n += counts(&d->v[end]);
			owned |= counts(&d->v[end]) && d->v[end].owned;
		}
		/* what becomes of a list's copies is told to its owner */
		if (n < 2 && !owned)
			continue;
		add_expanded(m, d, i);
		for (k = i; k < end; k++)
			if (counts(&d->v[k]))
				d->v[k].notify = without_success(
				    d->v[k].notify, &m->arena);
	}
}
