/*
 * tree_subs.c - subscriptions: .state/subscriptions holds UTF-8 names, one a
 * line.  While it is missing, Dovecot's file in the Maildir is read instead;
 * the first change makes it ours.
 */
#include "imap/mutf7.h"
#include "store/tree_part.h"

enum { SUBS_MAX = 4 << 20, SUBS_NAMES_MAX = TREE_FOLDERS_MAX };

/* A name of Dovecot's: levels are modified UTF-7 with separators of its
 * configuration, or tabs in version 2 of the file. */
static void
add_foreign(struct str *out, struct slice line, const char *seps)
{
	struct str utf7 = STR_INIT;
	size_t start = out->len, i;

	for (i = 0; i < line.n; i++)
		str_addc(&utf7, strchr(seps, line.p[i]) != NULL ? '/' :
		    line.p[i]);
	if (utf8_valid(slice_str(&utf7)) &&
	    !slice_is_ascii(slice_str(&utf7)))
		str_addsl(out, slice_str(&utf7));
	else if (!imap_mutf7_decode(slice_str(&utf7), out))
		str_trunc(out, start);
	if (out->len > start)
		str_addc(out, '\n');
	str_free(&utf7);
}

static int
read_foreign(struct tree *t, struct str *out, struct err *err)
{
	struct str text = STR_INIT;
	const char *seps = "./";
	struct slice rest, line;
	int r;

	r = tree_read(t->maildir, "subscriptions", SUBS_MAX, &text, err);
	rest = slice_str(&text);
	while (r == 1 && slice_cut(&rest, '\n', &line)) {
		if (slice_starts(line, "V\t2") && line.p == text.s)
			seps = "\t";
		else if (line.n > 0 && !slice_has_nul(line))
			add_foreign(out, line, seps);
	}
	str_free(&text);
	return r;
}

/* the lines of text that are names */
static void
add_checked(struct str *out, struct slice text)
{
	struct err err = ERR_INIT;
	struct slice line;
	char *name;

	while (slice_cut(&text, '\n', &line)) {
		if (line.n == 0 || slice_has_nul(line))
			continue;
		name = slice_dup(line);
		if (tree_canon(name, out, &err) == 0)
			str_addc(out, '\n');
		free(name);
	}
}

int
tree_subscribed(struct tree *t, struct str *out, struct err *err)
{
	struct str text = STR_INIT;
	int r;

	r = tree_read(t->maildir, ".state/subscriptions", SUBS_MAX, &text,
	    err);
	if (r == 0)
		r = read_foreign(t, &text, err);
	if (r == 1)
		add_checked(out, slice_str(&text));
	str_free(&text);
	return r < 0 ? -1 : 0;
}

/* text without the line name: were there any?  *n counts the others */
static bool
without(struct slice text, struct slice name, struct str *out, size_t *n)
{
	bool found = false;
	struct slice line;

	while (slice_cut(&text, '\n', &line)) {
		if (slice_eq(line, name)) {
			found = true;
		} else if (line.n > 0) {
			str_addsl(out, line);
			str_addc(out, '\n');
			++*n;
		}
	}
	return found;
}

static int
change(struct tree *t, struct slice name, bool on, struct err *err)
{
	struct str old = STR_INIT, text = STR_INIT;
	bool found;
	size_t n = 0;
	int r;

	r = tree_subscribed(t, &old, err);
	found = without(slice_str(&old), name, &text, &n);
	if (r == 0 && on && !found && (n >= SUBS_NAMES_MAX ||
	    text.len + name.n + 1 > SUBS_MAX))
		r = err_perm(err, "5.2.2", "too many subscriptions");
	if (r == 0 && found != on) {
		if (on) {
			str_addsl(&text, name);
			str_addc(&text, '\n');
		}
		if (text.len == 0)
			/* none, which is not the same as no file */
			str_addc(&text, '\n');
		r = tree_write(t->maildir, ".state", "subscriptions", &text,
		    err);
	}
	str_free(&old);
	str_free(&text);
	return r;
}

int
tree_subscribe(struct tree *t, const char *name, bool on, struct err *err)
{
	struct str canon = STR_INIT;
	int fd, r = -1;

	if (tree_canon(name, &canon, err) == 0) {
		fd = tree_lock(t, err);
		if (fd >= 0)
			r = change(t, slice_str(&canon), on, err);
		close_fd(fd);
	}
	str_free(&canon);
	return r;
}
