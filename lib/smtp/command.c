/*
 * command.c - the command line as a whole, and the arguments of EHLO and
 * BDAT.  Nothing that passes here holds a control character.
 */
#include "smtp/command.h"

int
smtp_command_split(struct slice line, struct slice *verb, struct slice *rest,
    struct err *err)
{
	size_t i;

	*verb = *rest = SLICE_LIT("");
	for (i = 0; i < line.n; i++) {
		unsigned char c = (unsigned char)line.p[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return err_perm(err, "5.5.2", "%s",
			    c == '\r' ? "bare CR in a command" :
			    "control character in a command");
	}
	if (!utf8_valid(line))
		return err_perm(err, "5.5.2", "malformed UTF-8 in a command");
	line = slice_trim(line);
	if (line.n == 0)
		return err_perm(err, "5.5.2", "empty command");
	for (i = 0; i < line.n && !ascii_isblank((unsigned char)line.p[i]);
	    i++)
		;
	*verb = slice_sub(line, 0, i);
	*rest = slice_trim(slice_sub(line, i, line.n));
	return 1;
}

int
smtp_helo_parse(struct slice rest, struct slice *name_r, struct err *err)
{
	struct slice name;
	bool utf8;
	size_t i;

	if (!slice_word(&rest, &name))
		return err_perm(err, "5.5.4", "a host name is required");
	if (name.n > SMTP_DOMAIN_MAX ||
	    (!slice_is_ascii(name) && !smtp_domain_valid(name, &utf8)))
		return err_perm(err, "5.5.4", "malformed host name");
	for (i = 0; i < name.n; i++) {
		unsigned char c = (unsigned char)name.p[i];

		if (c < 0x80 && !ascii_isalnum(c) &&
		    (c == 0 || strchr("-._:[]", c) == NULL))
			return err_perm(err, "5.5.4", "malformed host name");
	}
	*name_r = name;
	return 1;
}

int
smtp_bdat_parse(struct slice rest, uint64_t *size_r, bool *last_r,
    struct err *err)
{
	struct slice word;

	if (!slice_word(&rest, &word) || !slice_u64(word, INT64_MAX, size_r))
		return err_perm(err, "5.5.4", "BDAT needs a chunk size");
	*last_r = false;
	if (!slice_word(&rest, &word))
		return 1;
	if (!slice_ieqz(word, "LAST") || slice_trim(rest).n > 0)
		return err_perm(err, "5.5.4", "expected LAST after the size");
	*last_r = true;
	return 1;
}
