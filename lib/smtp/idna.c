/*
 * idna.c - U-labels become A-labels, by the rules of IDNA 2008 with the
 * mapping of UTS 46 (non-transitional), as user agents do it.
 */
#include "smtp/idna.h"

#include <idn2.h>

enum { NAME = 253, LABEL = 63, UTF8_NAME = 1000 };

static bool
good_ascii(struct slice s)
{
	struct slice rest = s, label;
	size_t i;

	if (s.n == 0 || s.n > NAME)
		return false;
	while (slice_cut(&rest, '.', &label)) {
		if (label.n == 0 || label.n > LABEL || label.p[0] == '-' ||
		    label.p[label.n - 1] == '-')
			return false;
		for (i = 0; i < label.n; i++)
			if (!ascii_isalnum((unsigned char)label.p[i]) &&
			    label.p[i] != '-' && label.p[i] != '_')
				return false;
	}
	return true;
}

static int
bad(struct slice s, struct err *err)
{
	return err_perm(err, "5.1.3", "not the name of a domain: %.*s",
	    (int)MIN(s.n, (size_t)200), s.p);
}

/* libidn2 wants a C string, and gives one */
static int
to_ascii(struct slice s, struct str *out)
{
	char in[UTF8_NAME + 1], *z = NULL;
	int rc;

	if (s.n > UTF8_NAME || slice_has_nul(s) || !utf8_valid(s))
		return -1;
	slice_copy(in, sizeof(in), s);
	rc = idn2_to_ascii_8z(in, &z, IDN2_NONTRANSITIONAL |
	    IDN2_NFC_INPUT);
	if (rc == IDN2_OK)
		str_adds(out, z);
	idn2_free(z);
	return rc == IDN2_OK ? 0 : -1;
}

int
idna_ascii(struct slice name, struct str *out, struct err *err)
{
	struct str ascii = STR_INIT;
	int rc = 0;

	if (name.n > 1 && name.p[name.n - 1] == '.')
		name.n--;
	if (slice_is_ascii(name))
		str_addsl(&ascii, name);
	else
		rc = to_ascii(name, &ascii);
	str_lower(&ascii);
	if (rc < 0 || !good_ascii(slice_str(&ascii)))
		rc = bad(name, err);
	else
		str_addsl(out, slice_str(&ascii));
	str_free(&ascii);
	return rc;
}
