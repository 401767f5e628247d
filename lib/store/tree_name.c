/*
 * tree_name.c - names of folders and of their directories.  Invariant: a
 * directory is a folder only where encoding its name gives the directory
 * again, so that each folder has one name and each name one directory.
 *
 * A dot ends a level in a directory name.  One inside a level is written as
 * UTF-7 though UTF-7 need not (&AC4-), and so is the s of a first level
 * "state", whose directory would be ours.
 */
#include "imap/mutf7.h"
#include "store/tree_part.h"

#define DOT "&AC4-"
#define STATE "&AHM-tate"

enum { DIR_MAX = 255 };	/* bytes of a directory's name */

static int
bad(const char *name, const char *why, struct err *err)
{
	return err_perm(err, "5.1.3", "mailbox name %s (%.100s)", why, name);
}

/* C0, DEL, C1, line and paragraph separator */
static bool
has_controls(struct slice s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t i;

	for (i = 0; i < s.n; i++) {
		if (p[i] < 0x20 || p[i] == 0x7f)
			return true;
		if (p[i] == 0xc2 && i + 1 < s.n && p[i + 1] < 0xa0)
			return true;
		if (p[i] == 0xe2 && i + 2 < s.n && p[i + 1] == 0x80 &&
		    (p[i + 2] == 0xa8 || p[i + 2] == 0xa9))
			return true;
	}
	return false;
}

static const char *
check(struct slice name)
{
	struct slice level;
	int depth = 0;

	if (name.n == 0)
		return "is empty";
	if (name.n > TREE_NAME_MAX)
		return "is too long";
	if (!utf8_valid(name))
		return "is not UTF-8";
	if (has_controls(name))
		return "has control characters";
	while (slice_cut(&name, '/', &level)) {
		if (level.n == 0)
			return "has an empty level";
		if (slice_eqz(level, ".") || slice_eqz(level, ".."))
			return "has a level of dots";
		if (++depth > TREE_DEPTH_MAX)
			return "has too many levels";
	}
	return NULL;
}

static bool
in_inbox(struct slice name)
{
	return slice_ieq(slice_sub(name, 0, 5), SLICE_LIT("INBOX")) &&
	    (name.n == 5 || name.p[5] == '/');
}

int
tree_canon(const char *name, struct str *out, struct err *err)
{
	struct slice s = slice_of(name);
	const char *why = check(s);

	if (why != NULL)
		return bad(name, why, err);
	if (in_inbox(s)) {
		str_adds(out, "INBOX");
		s = slice_sub(s, 5, s.n);
	}
	str_addsl(out, s);
	return 0;
}

/* modified UTF-7 of one level, without dots */
static int
add_level(struct str *out, struct slice level)
{
	struct str utf7 = STR_INIT;
	size_t i;
	int ok = imap_mutf7_encode(level, &utf7);

	for (i = 0; ok && i < utf7.len; i++) {
		if (utf7.s[i] == '.')
			str_adds(out, DOT);
		else
			str_addc(out, utf7.s[i]);
	}
	str_free(&utf7);
	return ok;
}

static const char *
add_dir(struct str *out, struct slice name)
{
	size_t start = out->len;
	struct slice level;

	if (name.n == 5 && in_inbox(name)) {
		str_addc(out, '.');
		return NULL;
	}
	while (slice_cut(&name, '/', &level)) {
		str_addc(out, '.');
		if (out->len == start + 1 && slice_eqz(level, "state"))
			str_adds(out, STATE);
		else if (!add_level(out, level))
			return "is not UTF-8";
	}
	return out->len - start > DIR_MAX ? "is too long" : NULL;
}

int
tree_dir(const char *name, struct str *out, struct err *err)
{
	struct str canon = STR_INIT;
	size_t start = out->len;
	const char *why;

	if (tree_canon(name, &canon, err) < 0)
		return -1;
	why = add_dir(out, slice_str(&canon));
	str_free(&canon);
	if (why == NULL)
		return 0;
	str_trunc(out, start);
	return bad(name, why, err);
}

/* &AC4- is a dot where it is a run of its own; all others stay */
static void
add_dots(struct str *out, struct slice level)
{
	size_t i = 0, end;

	while (i < level.n) {
		end = i + 1;
		if (level.p[i] == '&')
			end = i + slice_find(slice_sub(level, i, level.n),
			    '-') + 1;
		end = MIN(end, level.n);
		if (slice_eqz(slice_sub(level, i, end - i), DOT))
			str_addc(out, '.');
		else
			str_add(out, level.p + i, end - i);
		i = end;
	}
}

static int
decode(struct slice dir, struct str *out)
{
	struct str utf7 = STR_INIT;
	struct slice level;
	bool first = true;
	int ok = 1;

	for (; ok && slice_cut(&dir, '.', &level); first = false) {
		str_reset(&utf7);
		if (first && slice_eqz(level, STATE))
			str_adds(&utf7, "state");
		else
			add_dots(&utf7, level);
		ok = imap_mutf7_decode(slice_str(&utf7), out);
		if (dir.p != NULL)
			str_addc(out, '/');
	}
	str_free(&utf7);
	return ok;
}

int
tree_dir_name(struct slice dir, struct str *out)
{
	struct str again = STR_INIT;
	size_t start = out->len;
	struct slice name;
	int ok;

	if (dir.n < 2 || dir.n > DIR_MAX || dir.p[0] != '.')
		return 0;
	ok = decode(slice_sub(dir, 1, dir.n), out);
	if (ok) {
		name = slice_sub(slice_str(out), start, out->len);
		ok = check(name) == NULL && add_dir(&again, name) == NULL &&
		    slice_eq(slice_str(&again), dir);
		/* INBOX.x in another case: .INBOX.x is the one */
		ok = ok && (!in_inbox(name) || slice_starts(name, "INBOX/"));
	}
	str_free(&again);
	if (!ok)
		str_trunc(out, start);
	return ok;
}
