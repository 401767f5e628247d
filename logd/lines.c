/*
 * lines.c - a line leaves with its end or not at all.
 */
#include "lines.h"

static void
emit(struct lines *l, struct slice rest, struct slice prefix, struct str *out)
{
	str_addsl(out, prefix);
	str_add(out, l->part, l->n);
	str_addsl(out, rest);
	str_addc(out, '\n');
	l->n = 0;
}

size_t
lines_feed(struct lines *l, struct slice in, struct slice prefix,
    struct str *out)
{
	size_t count = 0, n, room;

	while (in.n > 0) {
		n = slice_find(in, '\n');
		room = LINES_MAX - 1 - l->n;
		if (n > room) {
			emit(l, slice_sub(in, 0, room), prefix, out);
			in = slice_sub(in, room, in.n);
			count++;
		} else if (n == in.n) {
			memcpy(l->part + l->n, in.p, n);
			l->n += n;
			break;
		} else {
			emit(l, slice_sub(in, 0, n), prefix, out);
			in = slice_sub(in, n + 1, in.n);
			count++;
		}
	}
	return count;
}

size_t
lines_finish(struct lines *l, struct slice prefix, struct str *out)
{
	if (l->n == 0)
		return 0;
	emit(l, SLICE_NULL, prefix, out);
	return 1;
}
