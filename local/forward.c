/*
 * forward.c - what an account wants done with its mail: ~/.forward, read by a
 * process that is the account.  Targets are parted by commas or line ends:
 * addresses, "|command", /file, and \login for its own mailbox.
 *
 * A file that others could have written, or that can not be understood, is
 * nobody's wish: it is said aloud, and the mail goes into the mailbox.
 */
#include <fcntl.h>

#include "base/log.h"
#include "forward.h"
#include "smtp/address.h"

enum { FORWARD_MAX = 65536, TARGETS_MAX = 100 };

static void
ignored(const struct account *a, const char *name, const char *why)
{
	log_event(LOG_WARN, "forward-ignored", KS("login", a->login),
	    KS("file", name), KS("reason", why), KEND);
}

/* why it does not count; NULL: it does */
static const char *
flaw(const struct account *a, const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return "it is no file";
	if (st->st_uid != a->uid && st->st_uid != 0)
		return "it belongs to another account";
	if ((st->st_mode & S_IWOTH) != 0)
		return "everybody may write it";
	if ((st->st_mode & S_IWGRP) != 0 && (st->st_gid != a->gid ||
	    !a->own_group))
		return "a group may write it that has others in it";
	return st->st_size > FORWARD_MAX ? "it is too large" : NULL;
}

/* the text of HOME/name: 1, 0 there is none that counts, -1 */
static int
read_forward(const struct account *a, const char *name, struct str *out,
    struct err *err)
{
	struct str path = STR_INIT;
	const char *why;
	char buf[8192];
	struct stat st;
	ssize_t n;
	int fd;

	str_addf(&path, "%s/%s", a->home, name);
	fd = open(path.s, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	str_free(&path);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR ||
	    errno == ENAMETOOLONG))
		return 0;
	if (fd < 0 && errno == ELOOP) {
		ignored(a, name, "it is a link");
		return 0;
	}
	if (fd < 0 || fstat(fd, &st) < 0) {
		close_fd(fd);
		return err_sys(err, "read %s", name);
	}
	why = flaw(a, &st);
	if (why != NULL) {
		ignored(a, name, why);
		close(fd);
		return 0;
	}
	while ((n = read(fd, buf, sizeof(buf))) > 0 && out->len <= FORWARD_MAX)
		str_add(out, buf, (size_t)n);
	close(fd);
	return n < 0 ? err_sys(err, "read %s", name) : 1;
}

/* the next target of a line, without the quotes around it: 1, or 0 */
static int
next_target(struct slice *rest, struct str *out)
{
	bool quote = false;
	size_t i = 0;

	str_reset(out);
	while (i < rest->n && (rest->p[i] == ',' || ascii_isblank(rest->p[i])))
		i++;
	if (i == rest->n)
		return 0;
	for (; i < rest->n && (quote || rest->p[i] != ','); i++) {
		if (rest->p[i] == '"')
			quote = !quote;
		if (rest->p[i] == '\\' && quote && i + 1 < rest->n)
			str_addc(out, rest->p[i++]);
		str_addc(out, rest->p[i]);
	}
	*rest = slice_sub(*rest, i, rest->n);
	while (out->len > 0 && ascii_isblank(out->s[out->len - 1]))
		str_trunc(out, out->len - 1);
	return 1;
}

/* "|command" and |"command" are |command; an address keeps its quotes */
static struct slice
unquote(struct slice t, struct str *keep)
{
	struct slice in = t;
	bool bar = slice_starts(t, "|");
	size_t i;

	if (bar)
		in = slice_trim(slice_sub(t, 1, t.n));
	if (in.n < 2 || in.p[0] != '"' || in.p[in.n - 1] != '"' ||
	    (!bar && in.p[1] != '|' && in.p[1] != '/'))
		return t;
	str_reset(keep);
	if (bar)
		str_addc(keep, '|');
	for (i = 1; i + 1 < in.n; i++) {
		if (in.p[i] == '\\' && i + 2 < in.n)
			i++;
		str_addc(keep, in.p[i]);
	}
	return slice_str(keep);
}

/* as a line of the answer: @address, |command, /file, or . for the mailbox;
 * 1, 0: not understood */
static int
add_target(struct slice t, const char *login, struct arena *a,
    struct str *out)
{
	struct smtp_address addr;
	struct err why;

	if (memchr(t.p, '\0', t.n) != NULL)
		return 0;
	if (slice_starts(t, "|") || slice_starts(t, "/")) {
		if (slice_trim(slice_sub(t, 1, t.n)).n == 0)
			return 0;
		str_addsl(out, t);
	} else if (slice_starts(t, "\\") || slice_eqz(t, login)) {
		if (slice_starts(t, "\\"))
			t = slice_sub(t, 1, t.n);
		if (!slice_eqz(t, login))
			return 0;
		str_addc(out, '.');
	} else {
		if (smtp_address_parse(t, SMTP_ADDR_BARE, a, &addr, &why) < 0)
			return 0;
		str_addc(out, '@');
		smtp_address_print(&addr, out);
	}
	str_addc(out, '\n');
	return 1;
}

/* 1 targets, 0 it says nothing (then there is no wish), -1 not understood */
static int
parse(struct slice text, const char *login, struct arena *a, struct str *out)
{
	struct str one = STR_INIT, plain = STR_INIT;
	struct slice line;
	int n = 0, rc = 0;

	while (rc == 0 && slice_cut(&text, '\n', &line)) {
		line = slice_trim(line);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		while (rc == 0 && next_target(&line, &one))
			if (n++ == TARGETS_MAX || add_target(unquote(
			    slice_str(&one), &plain), login, a, out) == 0)
				rc = -1;
	}
	str_free(&one);
	str_free(&plain);
	return rc < 0 ? -1 : n > 0;
}

static int
try(const struct account *a, const char *name, struct str *out,
    struct err *err)
{
	struct str text = STR_INIT;
	struct arena arena = { 0 };
	int rc = read_forward(a, name, &text, err);

	str_reset(out);
	if (rc == 1) {
		rc = parse(slice_str(&text), a->login, &arena, out);
		if (rc < 0) {
			ignored(a, name, "a target that can not be understood");
			rc = 0;
		}
	}
	str_free(&text);
	arena_free(&arena);
	return rc;
}

int
forward_read(const struct account *a, const char *extension,
    struct str *out, struct err *err)
{
	struct str name = STR_INIT;
	int rc = 0;

	if (extension[0] != '\0' && strchr(extension, '/') == NULL) {
		str_addf(&name, ".forward+%s", extension);
		rc = try(a, name.s, out, err);
		str_free(&name);
	}
	if (rc == 0)
		rc = try(a, ".forward", out, err);
	return rc;
}
