/*
 * map_inline.c - inline:KEY=VALUE;KEY=VALUE, a table in its own name.
 *
 * Parsed in place, as text.c does.  Rows are numbered like lines.
 */
#include "map/table.h"

static char *
skip_blanks(char *p, const char *end)
{
	while (p < end && ascii_isblank(*p))
		p++;
	return p;
}

/* One word, quoted or up to one of the stops (and trimmed); *pp is then at a
 * stop or at the end. */
static int
take_word(char **pp, char *end, const char *stops, struct slice *r)
{
	char *p = skip_blanks(*pp, end);

	if (p < end && *p == '"') {
		if (!map_unquote(&p, end, r))
			return 0;
		p = skip_blanks(p, end);
		*pp = p;
		return p == end || strchr(stops, *p) != NULL;
	}
	r->p = p;
	while (p < end && strchr(stops, *p) == NULL)
		p++;
	r->n = (size_t)(p - r->p);
	*r = slice_trim(*r);
	*pp = p;
	return 1;
}

static int
parse_row(struct map_table *t, char **pp, char *end, size_t line,
    struct err *err)
{
	struct map_row row = { .line = line };

	if (!take_word(pp, end, "=;", &row.key))
		return map_table_err(t, line, err, "bad quoting of a key");
	row.value = (struct slice){ *pp, 0 };
	if (*pp < end && **pp == '=') {
		++*pp;
		if (!take_word(pp, end, ";", &row.value))
			return map_table_err(t, line, err,
			    "bad quoting of a value");
	}
	return map_table_add(t, row, err);
}

int
map_inline_parse(struct map_table *t, struct err *err)
{
	char *p = t->buf, *end = t->buf + t->len;
	size_t line = 0;

	for (; (p = skip_blanks(p, end)) < end; p += p < end)
		if (*p != ';' && parse_row(t, &p, end, ++line, err) != 0)
			return -1;
	return map_table_sort(t, err);
}

static int
inline_open(const char *text, void **self_r, struct stat *st UNUSED,
    struct err *err)
{
	struct map_table *t = xcalloc(1, sizeof(*t));

	t->name = "inline";
	t->len = strlen(text);
	t->buf = xstrdup(text);
	if (t->len > MAP_LINE_MAX)
		err_temp(err, "4.3.5", "inline: more than %d bytes",
		    MAP_LINE_MAX);
	else if (map_inline_parse(t, err) == 0) {
		*self_r = t;
		return 0;
	}
	map_table_close(t);
	return -1;
}

const struct map_type map_type_inline = {
	.name = "inline",
	.open = inline_open,
	.get = map_table_get,
	.each = map_table_each,
	.close = map_table_close,
};
