/*
 * from_line.c - mbox form.
 */
#include "mime/from_line.h"

#include <time.h>

static const struct slice from = { "From ", 5 };

void
from_line_begin(struct str *out, const struct from_line *f,
    const char *sender, int64_t unix_s)
{
	time_t t = (time_t)unix_s;
	char when[64];
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(when, sizeof(when), "%a %b %e %H:%M:%S %Y", &tm);
	str_addf(out, "From %s  %s%s", sender[0] != '\0' ? sender :
	    "MAILER-DAEMON", when, f->end);
}

size_t
from_line_add(struct str *out, struct from_line *f, struct slice text,
    bool last)
{
	size_t i = 0, to;
	const char *nl;

	while (i < text.n) {
		if (!f->within && !f->plain && text.p[i] == 'F') {
			if (text.n - i < from.n && !last)
				return i;
			if (text.n - i >= from.n && memcmp(text.p + i, from.p,
			    from.n) == 0)
				str_addc(out, '>');
		}
		nl = memchr(text.p + i, '\n', text.n - i);
		to = nl == NULL ? text.n : (size_t)(nl - text.p);
		str_add(out, text.p + i, to - i);
		if (nl != NULL)
			str_adds(out, f->end);
		f->within = nl == NULL;
		i = nl == NULL ? text.n : to + 1;
	}
	return text.n;
}

void
from_line_end(struct str *out, const struct from_line *f)
{
	if (f->within)
		str_adds(out, f->end);
	str_adds(out, f->end);
}
