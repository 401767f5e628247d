/*
 * place.c - where an option is set, found out by reading the file once more:
 * only who complains wants to know.
 */
#include "conf/conf.h"

struct place {
	struct slice section, name;	/* name empty: any of the section */
	int nth, seen;
};

/* fails at the nth, and what it fails with gets its file:line */
static int
find_place(void *ctx, struct slice section, struct slice name,
    struct slice value UNUSED, struct err *err UNUSED)
{
	struct place *p = ctx;

	if (!slice_eq(section, p->section) ||
	    (p->name.n > 0 && !slice_eq(name, p->name)))
		return 0;
	return ++p->seen == p->nth ? -1 : 0;
}

/* "[section] name" or "name", as a complaint begins: what is behind it */
static size_t
read_place(struct slice text, struct place *p)
{
	size_t at = 0, i;

	if (slice_starts(text, "[") && slice_find(text, ']') < text.n) {
		at = slice_find(text, ']');
		p->section = slice_sub(text, 1, at - 1);
		for (at++; at < text.n && (text.p[at] == ':' ||
		    text.p[at] == ' '); at++)
			;
	}
	for (i = at; i < text.n && (ascii_isalnum((unsigned char)text.p[i]) ||
	    text.p[i] == '_'); i++)
		;
	p->name = slice_sub(text, at, i - at);
	return i;
}

int
conf_place(const char *path, struct err *err)
{
	struct place p = { SLICE_LIT(""), SLICE_LIT(""), 0, 0 };
	struct slice text = slice_of(err->text);
	size_t end = read_place(text, &p);
	struct err ignored = ERR_INIT;

	if (slice_starts(text, "/"))	/* it has one */
		return -1;
	if (end < text.n && strchr(": ,=", text.p[end]) == NULL)
		return err_prefix(err, "%s", path);
	if (conf_read(path, true, find_place, &p, &ignored) == 0 &&
	    p.seen == 0)
		p.name = SLICE_LIT("");
	/* the last one counts */
	p.nth = p.name.n > 0 ? p.seen : 1;
	p.seen = 0;
	if (p.name.n == 0 && p.section.n == 0)
		return err_prefix(err, "%s", path);
	return conf_read(path, true, find_place, &p, err) < 0 ? -1 :
	    err_prefix(err, "%s", path);
}
