/*
 * show.c - answers for people and for programs.
 */
#include "ctl.h"

#include <time.h>

void
json_string(struct str *out, const char *z)
{
	struct slice s = slice_of(z);
	bool utf8 = utf8_valid(s);
	unsigned char c;
	size_t i, from = 0;

	str_addc(out, '"');
	for (i = 0; i < s.n; i++) {
		c = (unsigned char)s.p[i];
		if (c != '"' && c != '\\' && c >= 0x20 && c != 0x7f &&
		    (c < 0x7f || utf8))
			continue;
		str_add(out, s.p + from, i - from);
		from = i + 1;
		if (c == '"' || c == '\\')
			str_addf(out, "\\%c", c);
		else
			str_addf(out, "\\u%04x", c);
	}
	str_add(out, s.p + from, s.n - from);
	str_addc(out, '"');
}

static void
json_name(struct str *out, bool *first, const char *name)
{
	str_adds(out, *first ? "" : ",");
	*first = false;
	json_string(out, name);
	str_addc(out, ':');
}

void
json_member(struct str *out, bool *first, const char *name, const char *z)
{
	json_name(out, first, name);
	json_string(out, z);
}

void
json_int(struct str *out, bool *first, const char *name, int64_t v)
{
	json_name(out, first, name);
	str_addf(out, "%lld", (long long)v);
}

void
show_age(struct str *out, int64_t s)
{
	if (s < 0)
		s = 0;
	if (s >= 2 * 86400)
		str_addf(out, "%lldd", (long long)(s / 86400));
	else if (s >= 2 * 3600)
		str_addf(out, "%lldh", (long long)(s / 3600));
	else if (s >= 120)
		str_addf(out, "%lldm", (long long)(s / 60));
	else
		str_addf(out, "%llds", (long long)s);
}

const char *
show_date(int64_t unix_s)
{
	time_t t = (time_t)unix_s;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL)
		return "?";
	return arena_printf(&ctl_arena, "%04d-%02d-%02d", tm.tm_year + 1900,
	    tm.tm_mon + 1, tm.tm_mday);
}

void
show_size(struct str *out, uint64_t n)
{
	static const char units[] = "KMGT";
	double v = (double)n;
	int u = -1;

	if (n < 1024) {
		str_addf(out, "%llu", (unsigned long long)n);
		return;
	}
	while (v >= 1023.5 && u < 3) {
		v /= 1024;
		u++;
	}
	str_addf(out, v < 9.95 ? "%.1f%c" : "%.0f%c", v, units[u]);
}

void
table_cell(struct table *t, const char *z)
{
	strlist_add(&t->cells, &ctl_arena, arena_strdup(&ctl_arena, z));
}

/* columns of a terminal that UTF-8 text takes, near enough */
static size_t
width(const char *z)
{
	size_t n = 0;

	for (; *z != '\0'; z++)
		n += ((unsigned char)*z & 0xc0) != 0x80;
	return n;
}

void
table_print(const struct table *t)
{
	size_t *wide = xcalloc(t->columns, sizeof(*wide)), i, c;

	for (i = 0; i < t->cells.n; i++)
		wide[i % t->columns] = MAX(wide[i % t->columns],
		    width(t->cells.v[i]));
	for (i = 0; i < t->cells.n; i++) {
		c = i % t->columns;
		if (c + 1 == t->columns)
			printf("%s\n", t->cells.v[i]);
		else
			printf("%s%*s", t->cells.v[i], (int)(wide[c] + 2 -
			    width(t->cells.v[i])), "");
	}
	free(wide);
}
