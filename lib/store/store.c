/*
 * store.c - the root, paths below it, and making mailboxes.  A directory is
 * made only below a root that is there, 0700, and belongs to the batch from
 * then on together with its parent.
 */
#include "store/store.h"

#include <fcntl.h>

#include "store/dir.h"

enum { PART_MAX = 255 };	/* bytes of a path component */

int
store_open(struct store *st, const char *root, struct err *err)
{
	*st = (struct store){ .path = xstrdup(root), .fd = -1 };
	return store_refresh(st, err);
}

void
store_close(struct store *st)
{
	close_fd(st->fd);
	free(st->path);
	*st = (struct store){ .fd = -1 };
}

int
store_refresh(struct store *st, struct err *err)
{
	struct stat sb;
	int fd;

	if (stat(st->path, &sb) < 0)
		return err_sys(err, "mail directory %s", st->path);
	if (st->fd >= 0 && sb.st_dev == st->dev && sb.st_ino == st->ino)
		return 0;
	fd = open(st->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &sb) < 0) {
		err_sys(err, "mail directory %s", st->path);
		close_fd(fd);
		return -1;
	}
	close_fd(st->fd);
	st->fd = fd;
	st->dev = sb.st_dev;
	st->ino = sb.st_ino;
	return 0;
}

/* letters, digits, - _ and UTF-8, and dots between them */
static int
add_domain(struct str *out, struct slice d)
{
	size_t i;

	if (d.n == 0 || d.n > PART_MAX || !utf8_valid(d))
		return 0;
	for (i = 0; i < d.n; i++) {
		int c = (unsigned char)d.p[i];

		if (c == '.' && (i == 0 || d.p[i - 1] == '.'))
			return 0;
		if (c < 0x80 && !ascii_isalnum(c) && strchr(".-_", c) == NULL)
			return 0;
		str_addc(out, (char)ascii_lower(c));
	}
	return 1;
}

static int
add_local(struct str *out, struct slice l)
{
	size_t start = out->len, i;

	if (l.n == 0 || slice_has_nul(l) || !utf8_valid(l))
		return 0;
	for (i = 0; i < l.n; i++) {
		int c = (unsigned char)l.p[i];

		if (c <= 0x20 || c == 0x7f || c == '/' || c == '%' ||
		    (c == '.' && i == 0))
			str_addf(out, "%%%02X", (unsigned)c);
		else
			str_addc(out, (char)ascii_lower(c));
		if (out->len - start > PART_MAX)
			return 0;
	}
	return 1;
}

int
store_home(struct str *out, const char *mailbox, struct err *err)
{
	struct slice rest = slice_of(mailbox), domain;
	size_t len = out->len;

	if (slice_find(rest, '/') < rest.n && slice_cut(&rest, '/', &domain) &&
	    add_domain(out, domain)) {
		str_addc(out, '/');
		if (add_local(out, rest))
			return 0;
	}
	str_trunc(out, len);
	return err_temp(err, "4.3.5", "\"%s\" is not a possible mailbox",
	    mailbox);
}

static void
spread(int dir, const char *name)
{
	int fd = dir_open(dir, name, O_RDONLY | O_DIRECTORY, 0);

	if (fd >= 0)
		dir_spread(fd);
	close_fd(fd);
}

/* the directory name below dir, made where it is missing: fd (O_PATH); top:
 * it is a domain, of mailboxes that have nothing to do with each other */
static int
make_dir(int dir, const char *name, bool top, struct store_batch *b)
{
	int fd = dir_open(dir, name, O_PATH | O_DIRECTORY, 0);

	/* most are there: each session looks */
	if (fd >= 0 || errno != ENOENT)
		return fd;
	if (mkdirat(dir, name, 0700) == 0) {
		if (b != NULL)
			b->many = true;
		if (top)
			spread(dir, name);
	} else if (errno != EEXIST) {
		return -1;
	}
	return dir_open(dir, name, O_PATH | O_DIRECTORY, 0);
}

/* make path component by component; changes path.  fd (O_PATH) or -1 */
static int
make_path(struct store *st, char *path, struct store_batch *b,
    struct err *err)
{
	/* DOMAIN/LOCALPART/Maildir, not a system account's Maildir */
	bool domain = strchr(path, '/') != NULL;
	char *part = path, *slash;
	int dir = st->fd, sub;

	do {
		slash = strchr(part, '/');
		if (slash != NULL)
			*slash = '\0';
		sub = make_dir(dir, part, domain && part == path, b);
		if (sub < 0)
			err_sys(err, "make %s/.../%s", st->path, part);
		if (dir != st->fd)
			close_fd(dir);
		dir = sub;
		if (slash != NULL)
			part = slash + 1;
	} while (slash != NULL && dir >= 0);
	return dir;
}

int
store_make(struct store *st, const char *home, struct store_batch *b,
    struct err *err)
{
	static const char *const subs[] = { "tmp", "cur", ".state", "new" };
	struct str path = STR_INIT;
	int dir, sub = -1;
	size_t i;

	str_addf(&path, "%s%sMaildir", home, home[0] ? "/" : "");
	dir = make_path(st, path.s, b, err);
	for (i = 0; i < ARRAY_LEN(subs) && dir >= 0; i++) {
		sub = make_dir(dir, subs[i], false, b);
		close_fd(sub);
		if (sub < 0) {
			err_sys(err, "make %s/.../Maildir/%s", st->path,
			    subs[i]);
			break;
		}
	}
	close_fd(dir);
	str_free(&path);
	return sub < 0 ? -1 : 0;
}

int
store_maildir(struct store *st, const char *home, int *fd_r, struct err *err)
{
	struct str path = STR_INIT;
	int r = 1;

	str_addf(&path, "%s%sMaildir", home, home[0] ? "/" : "");
	*fd_r = dir_open(st->fd, path.s, O_PATH | O_DIRECTORY, 0);
	if (*fd_r < 0)
		r = errno == ENOENT ? 0 :
		    err_sys(err, "open %s/%s", st->path, path.s);
	str_free(&path);
	return r;
}
