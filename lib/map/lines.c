/*
 * lines.c - the rows of a text: comments skipped, continuations joined.
 *
 * Joined in place: a continuation is moved to the end of its row, over the
 * newline and blanks between them, so what is written always lies before what
 * is still to be read.
 */
#include "map/table.h"

/* a control character that is not a tab: its place, or NULL */
static const char *
find_control(const char *p, size_t n)
{
	for (; n > 0; p++, n--)
		if (((unsigned char)*p < 0x20 && *p != '\t') || *p == 0x7f)
			return p;
	return NULL;
}

static int
check_line(const struct map_lines *l, struct slice s, struct err *err)
{
	const char *c;

	if (s.n > MAP_LINE_MAX)
		return map_table_err(l->t, l->line, err,
		    "a line of more than %d bytes", MAP_LINE_MAX);
	if (l->line == 1 && slice_starts(s, "\xef\xbb\xbf"))
		return map_table_err(l->t, l->line, err,
		    "the file begins with a byte order mark");
	c = find_control(s.p, s.n);
	if (c != NULL)
		return map_table_err(l->t, l->line, err,
		    "control character 0x%02x", (unsigned char)*c);
	return 0;
}

/* the line at l->p without its end and blanks before that; *next_r: behind */
static struct slice
look(const struct map_lines *l, char **next_r)
{
	char *nl = memchr(l->p, '\n', (size_t)(l->end - l->p)), *e;

	e = nl != NULL ? nl : l->end;
	*next_r = nl != NULL ? nl + 1 : l->end;
	if (e > l->p && e[-1] == '\r')
		e--;
	while (e > l->p && ascii_isblank(e[-1]))
		e--;
	return (struct slice){ l->p, (size_t)(e - l->p) };
}

/* a continuation, appended to the row */
static int
join(const struct map_lines *l, struct slice s, char *row, size_t *n,
    struct err *err)
{
	while (ascii_isblank(s.p[0]))
		s = slice_sub(s, 1, s.n);
	if (s.p[0] == '#')
		return map_table_err(l->t, l->line, err,
		    "a comment begins in the first column");
	if (*n + 1 + s.n > MAP_LINE_MAX)
		return map_table_err(l->t, l->line, err,
		    "a row of more than %d bytes, begun at line %zu",
		    MAP_LINE_MAX, l->row);
	row[(*n)++] = ' ';
	memmove(row + *n, s.p, s.n);
	*n += s.n;
	return 0;
}

/* The lines that continue the row; of one that is bad (r is -1) they are only
 * skipped.  0, or -1 */
static int
continuations(struct map_lines *l, char *row, size_t *n, int r,
    struct err *err)
{
	struct slice s;
	char *next;

	for (; l->p < l->end; l->p = next) {
		s = look(l, &next);
		if (s.n > 0 && s.p[0] != '#' && !ascii_isblank(s.p[0]))
			break;
		l->line++;
		if (r == 0)
			r = check_line(l, s, err);
		if (r == 0 && s.n > 0 && s.p[0] != '#')
			r = join(l, s, row, n, err);
	}
	return r;
}

int
map_lines_next(struct map_lines *l, char **p, char **end, struct err *err)
{
	struct slice s = SLICE_NULL;
	char *next, *row = l->p;
	size_t n;
	int r = 0;

	for (; l->p < l->end && s.n == 0 && r == 0; l->p = next) {
		s = look(l, &next);
		row = l->p;
		l->row = ++l->line;
		r = check_line(l, s, err);
		if (s.n > 0 && s.p[0] == '#')
			s.n = 0;
	}
	if (s.n == 0 && r == 0)
		return 0;
	if (r == 0 && ascii_isblank(s.p[0]))
		r = map_table_err(l->t, l->line, err, "the line continues "
		    "nothing (it begins with a blank)");
	n = s.n;
	r = continuations(l, row, &n, r, err);
	*p = row;
	*end = row + n;
	return r == 0 ? 1 : -1;
}
