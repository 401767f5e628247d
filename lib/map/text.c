/*
 * text.c - the text form of a table, see postrider-tables(5).
 */
#include "map/table.h"

/* Behind [...] and a port: the colons of an address, as [IPv6:2001:db8::1], and
 * of a next hop, as [host]:587, do not part key and value.  p where it does
 * not close, or is none. */
static char *
skip_bracket(char *p, char *end)
{
	char *q = p, *port;

	while (q < end && *q != ']' && !ascii_isblank(*q))
		q++;
	if (q == end || *q != ']')
		return p;
	port = ++q;
	if (port < end && *port == ':')
		while (++port < end && ascii_isdigit((unsigned char)*port))
			;
	return port > q + 1 && (port == end || ascii_isblank(*port) ||
	    *port == ':') ? port : q;
}

static char *
key_end(char *p, char *end)
{
	char *start = p, *q;

	while (p < end && !ascii_isblank(*p) && *p != ':') {
		q = *p == '[' && (p == start || p[-1] == '@') ?
		    skip_bracket(p, end) : p;
		p = q > p ? q : p + 1;
	}
	return p;
}

/* The key at *pp, unquoted; *pp is set behind it and its separator. */
static int
take_key(const struct map_table *t, size_t line, char **pp, char *end,
    struct slice *key, struct err *err)
{
	char *p = *pp;

	if (*p == '"') {
		if (!map_unquote(&p, end, key))
			return map_table_err(t, line, err,
			    "a quoted key without its closing quote");
		if (p < end && !ascii_isblank(*p) && *p != ':')
			return map_table_err(t, line, err,
			    "expected a blank or a colon after a quoted key");
	} else {
		p = key_end(p, end);
		*key = (struct slice){ *pp, (size_t)(p - *pp) };
	}
	*pp = p < end && *p == ':' ? p + 1 : p;
	return 0;
}

static int
parse_row(struct map_table *t, size_t line, char *p, char *end,
    struct err *err)
{
	struct map_row row = { .line = line };
	char *start = p;
	bool colon;

	if (take_key(t, line, &p, end, &row.key, err) != 0)
		return -1;
	colon = p > start && p[-1] == ':';
	while (p < end && ascii_isblank(*p))
		p++;
	if (!colon && end - p >= 2 && p[0] == ':' && ascii_isblank(p[1]))
		return map_table_err(t, line, err,
		    "the colon belongs directly after the key");
	row.value = (struct slice){ p, (size_t)(end - p) };
	return map_table_add(t, row, err);
}

int
map_text_parse(struct map_table *t, struct err *err)
{
	struct map_lines l = { t, t->buf, t->buf + t->len, 0, 0 };
	char *p, *end;
	int r;

	while ((r = map_lines_next(&l, &p, &end, err)) != 0) {
		if (r > 0)
			r = parse_row(t, l.row, p, end, err);
		if (r < 0 && map_table_bad(t, err) != 0)
			return -1;
	}
	return map_table_sort(t, err);
}
