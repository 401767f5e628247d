/*
 * text.c - the text form of a table, see postrider-tables(5).
 *
 * Parsed in place: a continuation is moved to the end of its row's value,
 * over the newline and blanks between them, so what is written always lies
 * before what is still to be read.
 */
#include "map/table.h"

struct parser {
	struct map_table *t;
	struct err *err;
	size_t line;		/* number of the line at work, from 1 */
	bool open;		/* there is a row that may be continued */
	size_t row_len;		/* its bytes, continuations included */
};

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
check_line(const struct parser *ps, const char *p, size_t n)
{
	const char *c;

	if (n > MAP_LINE_MAX)
		return map_table_err(ps->t, ps->line, ps->err,
		    "a line of more than %d bytes", MAP_LINE_MAX);
	if (ps->line == 1 && n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		return map_table_err(ps->t, ps->line, ps->err,
		    "the file begins with a byte order mark");
	c = find_control(p, n);
	if (c != NULL)
		return map_table_err(ps->t, ps->line, ps->err,
		    "control character 0x%02x", (unsigned char)*c);
	return 0;
}

/* The key at *pp, unquoted; *pp is set behind it and its separator. */
static int
take_key(const struct parser *ps, char **pp, char *end, struct slice *key)
{
	char *p = *pp;

	if (*p == '"') {
		if (!map_unquote(&p, end, key))
			return map_table_err(ps->t, ps->line, ps->err,
			    "a quoted key without its closing quote");
		if (p < end && !ascii_isblank(*p) && *p != ':')
			return map_table_err(ps->t, ps->line, ps->err,
			    "expected a blank or a colon after a quoted key");
	} else {
		while (p < end && !ascii_isblank(*p) && *p != ':')
			p++;
		*key = (struct slice){ *pp, (size_t)(p - *pp) };
	}
	*pp = p < end && *p == ':' ? p + 1 : p;
	return 0;
}

static int
parse_row(struct parser *ps, char *p, char *end)
{
	struct map_row row = { .line = ps->line };
	char *start = p;
	bool colon;

	if (take_key(ps, &p, end, &row.key) != 0)
		return -1;
	colon = p > start && p[-1] == ':';
	while (p < end && ascii_isblank(*p))
		p++;
	if (!colon && end - p >= 2 && p[0] == ':' && ascii_isblank(p[1]))
		return map_table_err(ps->t, ps->line, ps->err,
		    "the colon belongs directly after the key");
	row.value = (struct slice){ p, (size_t)(end - p) };
	ps->open = true;
	ps->row_len = (size_t)(end - start);
	return map_table_add(ps->t, row, ps->err);
}

static int
continue_row(struct parser *ps, char *p, char *end)
{
	struct slice *v;
	size_t n;
	char *w;

	while (ascii_isblank(*p))
		p++;
	if (*p == '#')
		return map_table_err(ps->t, ps->line, ps->err,
		    "a comment begins in the first column");
	if (!ps->open)
		return map_table_err(ps->t, ps->line, ps->err,
		    "the line continues nothing (it begins with a blank)");
	n = (size_t)(end - p);
	ps->row_len += 1 + n;
	if (ps->row_len > MAP_LINE_MAX)
		return map_table_err(ps->t, ps->line, ps->err,
		    "a row of more than %d bytes, begun at line %zu",
		    MAP_LINE_MAX, ps->t->row[ps->t->n - 1].line);
	v = &ps->t->row[ps->t->n - 1].value;
	w = ps->t->buf + (v->p - ps->t->buf) + v->n;
	if (v->n > 0)
		*w++ = ' ';
	memmove(w, p, n);
	v->n = (size_t)(w + n - v->p);
	return 0;
}

static int
parse_line(struct parser *ps, char *p, size_t n)
{
	if (n > 0 && p[n - 1] == '\r')
		n--;
	if (check_line(ps, p, n) != 0)
		return -1;
	while (n > 0 && ascii_isblank(p[n - 1]))
		n--;
	if (n == 0 || p[0] == '#')
		return 0;
	if (ascii_isblank(p[0]))
		return continue_row(ps, p, p + n);
	return parse_row(ps, p, p + n);
}

int
map_text_parse(struct map_table *t, struct err *err)
{
	struct parser ps = { .t = t, .err = err };
	char *p = t->buf, *end = t->buf + t->len, *nl;

	for (; p < end; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL)
			nl = end;
		ps.line++;
		if (parse_line(&ps, p, (size_t)(nl - p)) != 0)
			return -1;
	}
	return map_table_sort(t, err);
}
