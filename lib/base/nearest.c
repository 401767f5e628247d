/*
 * nearest.c - "did you mean": the known name with the smallest edit distance.
 */
#include "base/field.h"

enum { NAME_MAX_LEN = 64 };

/* Levenshtein distance; names longer than NAME_MAX_LEN are far from all */
static size_t
distance(struct slice a, struct slice b)
{
	size_t row[NAME_MAX_LEN + 1], i, j, diag, up;

	if (a.n > NAME_MAX_LEN || b.n > NAME_MAX_LEN)
		return SIZE_MAX;
	for (j = 0; j <= b.n; j++)
		row[j] = j;
	for (i = 1; i <= a.n; i++) {
		diag = row[0];
		row[0] = i;
		for (j = 1; j <= b.n; j++) {
			up = row[j];
			row[j] = MIN(MIN(up, row[j - 1]) + 1, diag +
			    (ascii_lower((unsigned char)a.p[i - 1]) !=
			    ascii_lower((unsigned char)b.p[j - 1])));
			diag = up;
		}
	}
	return row[b.n];
}

static void
consider(struct slice name, const char *known, const char **best, size_t *dist)
{
	size_t d = distance(name, slice_of(known));

	if (d < *dist && d <= 1 + name.n / 2) {
		*dist = d;
		*best = known;
	}
}

const char *
field_nearest(const struct field *t, struct slice name)
{
	const char *best = NULL;
	size_t dist = SIZE_MAX;

	for (; t->kind != FIELD_END; t++)
		consider(name, t->name, &best, &dist);
	return best;
}

const char *
nearest_name(const char *const *names, struct slice name)
{
	const char *best = NULL;
	size_t dist = SIZE_MAX;

	for (; *names != NULL; names++)
		consider(name, *names, &best, &dist);
	return best;
}
