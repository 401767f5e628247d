/*
 * mailbox_restore.c - a mailbox from a tar file.  All is put into a
 * directory beside the Maildir first, which then takes its place at once; so
 * a restore that is cut off has done nothing.  Nothing of the file can lead
 * out of that directory: paths are checked and resolved below it.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "conf/common.h"
#include "ctl.h"
#include "mailbox.h"
#include "store/dir.h"
#include "store/store.h"

#define ASIDE ".restore"

enum { CHUNK = 65536, PARTS_MAX = 5, EXCHANGE = 2, NEST_MAX = 8 };

struct restore {
	int home;		/* O_PATH */
	uint64_t messages;
	bool exchanged;		/* ASIDE is what was the Maildir */
	struct err *err;
};

/* Maildir/.A.B/cur/NAME, as path below ASIDE: 1, 0 not to be taken, -1 */
static int
take_path(struct restore *r, struct slice path, struct str *out)
{
	struct slice rest = path, part, last = { 0 };
	int n = 0;

	while (slice_ends(rest, "/"))
		rest.n--;
	if (slice_starts(rest, "./"))
		rest = slice_sub(rest, 2, rest.n);
	while (slice_cut(&rest, '/', &part)) {
		if (part.n == 0 || part.n > 255 || slice_eqz(part, ".") ||
		    slice_eqz(part, "..") || slice_has_nul(part) ||
		    ++n > PARTS_MAX || (n == 1 && !slice_eqz(part,
		    "Maildir")))
			return err_perm(r->err, "5.6.0", "%.*s is no path of "
			    "a mailbox", (int)MIN(path.n, 200u), path.p);
		str_adds(out, n == 1 ? ASIDE : "/");
		if (n > 1)
			str_addsl(out, part);
		last = part;
	}
	return n > 0 && !slice_eqz(last, "maildirsize");
}

static int
make_dir(struct restore *r, const char *path)
{
	return mkdirat(r->home, path, 0700) == 0 || errno == EEXIST ? 0 :
	    err_sys(r->err, "make %s", path);
}

/* n bytes of the input to fd, -1: to nowhere */
static int
copy_bytes(struct restore *r, int fd, uint64_t n, uint64_t keep)
{
	static char buf[CHUNK];
	size_t some;
	int got;

	while (n > 0) {
		some = (size_t)MIN(n, (uint64_t)CHUNK);
		got = tar_read(STDIN_FILENO, buf, some, r->err);
		if (got <= 0)
			return got < 0 ? -1 : err_perm(r->err, "5.6.0",
			    "the file is cut off");
		if (fd >= 0 && full_write(fd, buf,
		    (size_t)MIN((uint64_t)some, keep)) < 0)
			return err_sys(r->err, "write");
		keep -= MIN((uint64_t)some, keep);
		n -= some;
	}
	return 0;
}

static bool
is_message(const char *path)
{
	return strstr(path, "/cur/") != NULL || strstr(path, "/new/") != NULL;
}

static int
make_file(struct restore *r, const char *path, const struct tar_entry *e)
{
	struct timespec times[2] = { { .tv_sec = e->mtime },
		{ .tv_sec = e->mtime } };
	bool message = is_message(path);
	int fd, rc;

	/* content is never changed: it may be one file with others' */
	fd = dir_open(r->home, path, O_WRONLY | O_CREAT | O_EXCL,
	    message ? 0440 : 0600);
	if (fd < 0)
		return err_sys(r->err, "make %s", path);
	rc = copy_bytes(r, fd, e->size + tar_padding(e->size), e->size);
	if (rc == 0 && futimens(fd, times) < 0)
		rc = err_sys(r->err, "date of %s", path);
	if (close(fd) < 0 && rc == 0)
		rc = err_sys(r->err, "write %s", path);
	r->messages += message && rc == 0;
	return rc;
}

/* two folders have one message */
static int
make_link(struct restore *r, const char *path, const struct tar_entry *e)
{
	struct str from = STR_INIT;
	int rc = take_path(r, slice_str(&e->link), &from);

	if (rc == 1)
		rc = linkat(r->home, from.s, r->home, path, 0) == 0 ? 0 :
		    err_sys(r->err, "link %s", path);
	r->messages += is_message(path) && rc == 0;
	str_free(&from);
	return rc;
}

static int
take_entry(struct restore *r, const struct tar_entry *e)
{
	struct str path = STR_INIT;
	int rc = take_path(r, slice_str(&e->path), &path);

	if (rc == 1 && e->type == '5')
		rc = make_dir(r, path.s);
	else if (rc == 1 && e->type == '1')
		rc = make_link(r, path.s, e);
	else if (rc == 1 && (e->type == '0' || e->type == '\0') &&
	    strstr(path.s, "/tmp/") == NULL)
		rc = make_file(r, path.s, e);
	else if (rc >= 0)
		rc = copy_bytes(r, -1, e->size + tar_padding(e->size), 0);
	str_free(&path);
	return rc;
}

static int
take_all(struct restore *r)
{
	struct tar_entry e = { .path = STR_INIT, .link = STR_INIT };
	int rc, n = 0;

	while ((rc = tar_next(STDIN_FILENO, &e, r->err)) == 1) {
		n++;
		rc = take_entry(r, &e);
		if (rc < 0)
			break;
	}
	str_free(&e.path);
	str_free(&e.link);
	if (rc == 0 && n == 0)
		rc = err_perm(r->err, "5.6.0", "there is nothing in the file");
	return rc;
}

/* --- removing ----------------------------------------------------- */

struct removal { struct restore *r; struct str path; int nest; };

static int
remove_entry(void *ctx, const char *name, int type UNUSED)
{
	struct removal *m = ctx;
	size_t len = m->path.len;

	str_addf(&m->path, "/%s", name);
	if (unlinkat(m->r->home, m->path.s, 0) < 0 && m->nest < NEST_MAX) {
		m->nest++;
		(void)dir_each(m->r->home, m->path.s, true, remove_entry, m,
		    m->r->err);
		m->nest--;
		unlinkat(m->r->home, m->path.s, AT_REMOVEDIR);
	}
	str_trunc(&m->path, len);
	return 0;
}

static void
remove_dir(struct restore *r, const char *name)
{
	struct err err = ERR_INIT, *before = r->err;
	struct removal m = { .r = r, .path = STR_INIT };

	r->err = &err;
	str_adds(&m.path, name);
	(void)dir_each(r->home, name, true, remove_entry, &m, &err);
	unlinkat(r->home, name, AT_REMOVEDIR);
	str_free(&m.path);
	r->err = before;
}

/* --- taking the place --------------------------------------------- */

static int
is_mail(void *ctx UNUSED, const char *name UNUSED, int type UNUSED)
{
	return 1;
}

static int
has_mail(void *ctx, const char *name, int type UNUSED)
{
	static const char *const subs[] = { "new", "cur" };
	struct restore *r = ctx;
	char path[600];
	size_t i;
	int n = 0;

	if (name[0] != '.' || strcmp(name, ".state") == 0)
		return 0;
	for (i = 0; i < ARRAY_LEN(subs) && n == 0; i++) {
		snprintf(path, sizeof(path), "Maildir/%s/%s", name, subs[i]);
		n = dir_each(r->home, path, false, is_mail, NULL, r->err);
	}
	return n;
}

/* no message and no folder with one: 0, or -1 */
static int
check_empty(struct restore *r)
{
	int n = has_mail(r, ".", DT_DIR);

	if (n == 0)
		n = dir_each(r->home, "Maildir", true, has_mail, r, r->err);
	if (n == 1)
		n = err_perm(r->err, "5.2.0", "there is mail in the mailbox "
		    "already: move its Maildir away first");
	return n;
}

/* a delivery between the check and now */
static int
move_late(void *ctx, const char *name, int type UNUSED)
{
	struct restore *r = ctx;
	struct str from = STR_INIT, to = STR_INIT;
	int rc;

	str_addf(&from, ASIDE "/new/%s", name);
	str_addf(&to, "Maildir/new/%s", name);
	rc = renameat(r->home, from.s, r->home, to.s) == 0 ? 0 :
	    err_sys(r->err, "move %s", from.s);
	str_free(&from);
	str_free(&to);
	return rc;
}

static int
take_place(struct restore *r)
{
	static const char *const subs[] = { "", "/new", "/cur", "/tmp",
		"/.state" };
	char path[32];
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_LEN(subs); i++) {
		snprintf(path, sizeof(path), ASIDE "%s", subs[i]);
		if (make_dir(r, path) < 0)
			return -1;
	}
	fd = dir_open(r->home, ASIDE, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0 || syncfs(fd) < 0) {
		close_fd(fd);
		return err_sys(r->err, "sync");
	}
	close(fd);
	if (check_empty(r) < 0)
		return -1;
	if (syscall(SYS_renameat2, r->home, ASIDE, r->home, "Maildir",
	    EXCHANGE) < 0)
		return err_sys(r->err, "exchange " ASIDE " and Maildir");
	r->exchanged = true;
	/* it is of what was */
	remove_dir(r, ".index");
	return dir_each(r->home, ASIDE "/new", false, move_late, r, r->err);
}

/* make home and an empty Maildir where there are none */
static int
make_home(const struct account *a, struct err *err)
{
	size_t n = strlen(common.mail_dir);
	struct store st = { .fd = -1 };
	bool below = strncmp(a->home, common.mail_dir, n) == 0 &&
	    a->home[n] == '/';
	int r;

	r = store_open(&st, below ? common.mail_dir : a->home, err);
	if (r == 0)
		r = store_make(&st, below ? a->home + n + 1 : "", NULL, err);
	store_close(&st);
	return r;
}

int
mailbox_restore(int argc, char **argv)
{
	struct err err = ERR_INIT;
	struct restore m = { .home = -1, .err = &err };
	struct account a;
	int r;

	r = mailbox_account(argc, argv, 1, "restore USER", &a);
	if (r != EXIT_OK)
		return r;
	r = make_home(&a, &err);
	if (r == 0) {
		m.home = open(a.home, O_PATH | O_DIRECTORY | O_CLOEXEC);
		r = m.home < 0 ? err_sys(&err, "open %s", a.home) :
		    check_empty(&m);
	}
	if (r == 0) {
		remove_dir(&m, ASIDE);
		r = take_all(&m);
		if (r == 0)
			r = take_place(&m);
		/* what was empty; but not mail that could not be moved */
		if (r == 0 || !m.exchanged)
			remove_dir(&m, ASIDE);
	}
	close_fd(m.home);
	if (r < 0)
		return fail_err(&err);
	printf("%llu messages\n", (unsigned long long)m.messages);
	return EXIT_OK;
}
