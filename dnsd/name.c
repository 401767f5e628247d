/*
 * name.c - a name that is asked becomes the one form that all later code
 * compares: small letters, A-labels, no dot at its end.
 */
#include "dnsd.h"

#include <idn2.h>

enum { LABEL_MAX = 63 };

/* what has another meaning in master files is in no name that we ask */
static bool
plain(int c)
{
	return ascii_isprint(c) && c != ' ' && strchr("\\\"();@$", c) == NULL;
}

static bool
labels_good(struct slice s)
{
	struct slice label;
	size_t i;

	while (slice_cut(&s, '.', &label)) {
		if (label.n == 0 || label.n > LABEL_MAX)
			return false;
		for (i = 0; i < label.n; i++)
			if (!plain((unsigned char)label.p[i]))
				return false;
	}
	return true;
}

static bool
make_ascii(struct slice name, char out[NAME_TEXT])
{
	size_t i;

	if (name.n == 0 || name.n >= NAME_TEXT || !labels_good(name))
		return false;
	for (i = 0; i < name.n; i++)
		out[i] = (char)ascii_lower((unsigned char)name.p[i]);
	out[name.n] = '\0';
	return true;
}

bool
name_make(const char *name, char out[NAME_TEXT])
{
	struct slice s = slice_of(name);
	char *made = NULL;
	bool ok;

	if (slice_eqz(s, ".")) {
		slice_copy(out, NAME_TEXT, s);
		return true;
	}
	if (slice_ends(s, "."))
		s.n--;
	if (slice_is_ascii(s))
		return make_ascii(s, out);
	if (s.n > 4 * NAME_TEXT || !utf8_valid(s) ||
	    idn2_to_ascii_8z(name, &made, IDN2_NONTRANSITIONAL |
	    IDN2_NFC_INPUT) != IDN2_OK)
		return false;
	s = slice_of(made);
	if (slice_ends(s, "."))
		s.n--;
	ok = make_ascii(s, out);
	idn2_free(made);
	return ok;
}

bool
name_below(const char *name, const char *zone)
{
	size_t n = strlen(name), z = strlen(zone);

	if (strcmp(zone, ".") == 0)
		return true;
	return n >= z && strcmp(name + n - z, zone) == 0 &&
	    (n == z || name[n - z - 1] == '.');
}
