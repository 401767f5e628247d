/*
 * mailbox_dump.c - a mailbox as a tar file, while it is in use.  Messages go
 * before the log of their folder, so that the log knows of all that is
 * there.  One that gets another name meanwhile is looked for again.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "ctl.h"
#include "mailbox.h"
#include "store/dir.h"
#include "store/name.h"

enum { CHUNK = 65536, PASSES = 10 };

struct dump {
	int home;		/* O_PATH */
	struct arena arena;
	struct str path;	/* below home */
	struct str out;
	struct strlist names;	/* of the directory at work */
	struct strlist done;	/* unique parts that were written */
	uint64_t messages;
	struct err *err;
};

static int
put(struct dump *d, const void *p, size_t n)
{
	return full_write(STDOUT_FILENO, p, n) == 0 ? 0 :
	    err_sys(d->err, "standard output");
}

static int
put_header(struct dump *d, char type, uint64_t size, int64_t mtime)
{
	struct tar_entry e = { .path = STR_INIT, .link = STR_INIT,
		.type = type, .size = size, .mtime = mtime };
	int r;

	str_addsl(&e.path, slice_str(&d->path));
	if (type == '5')
		str_addc(&e.path, '/');
	str_reset(&d->out);
	tar_header(&d->out, &e);
	r = put(d, d->out.s, d->out.len);
	str_free(&e.path);
	return r;
}

/* size bytes of fd; what was cut off meanwhile are zeros */
static int
put_bytes(struct dump *d, int fd, uint64_t size)
{
	static char buf[CHUNK];
	uint64_t left = size + tar_padding(size);
	bool ended = false;
	ssize_t n;

	while (left > 0) {
		n = (ssize_t)MIN(left, (uint64_t)CHUNK);
		if (!ended && (uint64_t)n > left - tar_padding(size))
			n = (ssize_t)(left - tar_padding(size));
		if (n > 0 && !ended)
			n = read(fd, buf, (size_t)n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(d->err, "read %s", d->path.s);
		if (n == 0 || ended) {
			ended = true;
			n = (ssize_t)MIN(left, (uint64_t)CHUNK);
			memset(buf, 0, (size_t)n);
		}
		if (put(d, buf, (size_t)n) < 0)
			return -1;
		left -= (uint64_t)n;
	}
	return 0;
}

/* the file at d->path: 1, 0 it is not there (now), -1 */
static int
put_file(struct dump *d)
{
	int fd = dir_open(d->home, d->path.s, O_RDONLY | O_NONBLOCK, 0), r;
	struct stat st;

	if (fd < 0 && (errno == ENOENT || errno == ELOOP))
		return 0;
	if (fd < 0)
		return err_sys(d->err, "open %s", d->path.s);
	r = fstat(fd, &st) < 0 ? err_sys(d->err, "%s", d->path.s) :
	    S_ISREG(st.st_mode);
	if (r == 1 && (put_header(d, '0', (uint64_t)st.st_size,
	    st.st_mtime) < 0 || put_bytes(d, fd, (uint64_t)st.st_size) < 0))
		r = -1;
	close(fd);
	return r;
}

static int
add_name(void *ctx, const char *name, int type)
{
	struct dump *d = ctx;

	if (type == DT_REG || type == DT_UNKNOWN)
		strlist_add(&d->names, &d->arena,
		    arena_strdup(&d->arena, name));
	return 0;
}

/* the files of d->path; dots: also hidden ones */
static int
list_files(struct dump *d, bool dots)
{
	d->names = (struct strlist){ 0 };
	return dir_each(d->home, d->path.s, dots, add_name, d, d->err);
}

static int
by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *
unique_of(struct dump *d, const char *name)
{
	struct mail_name n;

	mail_name_parse(slice_of(name), &n);
	return arena_slice(&d->arena, n.unique);
}

/* Write the messages of d->path that were not written yet: how many have
 * gone elsewhere, or -1. */
static int
put_pass(struct dump *d)
{
	size_t len = d->path.len, i, known = d->done.n;
	int r = list_files(d, false), lost = 0;
	const char *unique;

	if (known > 0)
		qsort(d->done.v, known, sizeof(*d->done.v), by_bytes);
	for (i = 0; i < d->names.n && r >= 0; i++) {
		unique = unique_of(d, d->names.v[i]);
		if (known > 0 && bsearch(&unique, d->done.v, known,
		    sizeof(*d->done.v), by_bytes) != NULL)
			continue;
		str_addf(&d->path, "/%s", d->names.v[i]);
		r = put_file(d);
		str_trunc(&d->path, len);
		lost += r == 0;
		if (r == 1) {
			strlist_add(&d->done, &d->arena, unique);
			d->messages++;
		}
	}
	return r < 0 ? -1 : lost;
}

/* new/ before cur/: messages go that way */
static int
put_messages(struct dump *d)
{
	static const char *const subs[] = { "/new", "/cur" };
	size_t len = d->path.len, i;
	int pass = 0, r, lost;

	d->done = (struct strlist){ 0 };
	do {
		lost = r = 0;
		for (i = 0; i < ARRAY_LEN(subs) && r >= 0; i++) {
			str_adds(&d->path, subs[i]);
			if (pass == 0)
				r = put_header(d, '5', 0, 0);
			if (r >= 0)
				r = put_pass(d);
			lost += MAX(r, 0);
			str_trunc(&d->path, len);
		}
	} while (r >= 0 && lost > 0 && ++pass < PASSES);
	return r < 0 ? -1 : 0;
}

/* locks, what is half written, and what is counted anew */
static bool
is_of_no_use(const char *name)
{
	struct slice s = slice_of(name);

	return strcmp(name, "maildirsize") == 0 || slice_ends(s, "lock") ||
	    slice_ends(s, ".new") || slice_ends(s, ".tmp");
}

static int
put_others(struct dump *d, const char *sub)
{
	size_t len, i, start = d->path.len;
	int r;

	str_adds(&d->path, sub);
	len = d->path.len;
	r = list_files(d, true);
	if (r == 0 && sub[0] != '\0')
		r = put_header(d, '5', 0, 0);
	for (i = 0; i < d->names.n && r >= 0; i++) {
		if (is_of_no_use(d->names.v[i]))
			continue;
		str_addf(&d->path, "/%s", d->names.v[i]);
		r = put_file(d);
		str_trunc(&d->path, len);
	}
	str_trunc(&d->path, start);
	return r < 0 ? -1 : 0;
}

static int
put_folder(struct dump *d)
{
	size_t len = d->path.len;
	int r;

	r = put_header(d, '5', 0, 0);
	str_adds(&d->path, "/tmp");
	if (r == 0)
		r = put_header(d, '5', 0, 0);
	str_trunc(&d->path, len);
	if (r == 0)
		r = put_messages(d);
	if (r == 0)
		r = put_others(d, "");
	if (r == 0)
		r = put_others(d, "/.state");
	arena_reset(&d->arena);
	return r;
}

static int
add_folder(void *ctx, const char *name, int type)
{
	struct strlist *l = ctx;

	if (name[0] == '.' && strcmp(name, ".state") != 0 &&
	    (type == DT_DIR || type == DT_UNKNOWN))
		strlist_add(l, &ctl_arena, arena_strdup(&ctl_arena, name));
	return 0;
}

static int
put_all(struct dump *d)
{
	static const char zeros[1024];
	struct strlist l = { 0 };
	size_t i, len;
	int r;

	str_adds(&d->path, "Maildir");
	len = d->path.len;
	r = dir_each(d->home, d->path.s, true, add_folder, &l, d->err);
	if (r == 0)
		r = put_folder(d);
	for (i = 0; i < l.n && r == 0; i++) {
		str_addf(&d->path, "/%s", l.v[i]);
		r = put_folder(d);
		str_trunc(&d->path, len);
	}
	return r == 0 ? put(d, zeros, sizeof(zeros)) : r;
}

int
mailbox_dump(int argc, char **argv)
{
	struct err err = ERR_INIT;
	struct dump d = { .path = STR_INIT, .out = STR_INIT, .err = &err };
	struct account a;
	int r;

	r = mailbox_account(argc, argv, 1, "dump USER", &a);
	if (r != EXIT_OK)
		return r;
	if (!a.there)
		return fail("%s has no mailbox yet", argv[optind]);
	if (isatty(STDOUT_FILENO))
		return fail_usage("a tar file does not go to a terminal: "
		    "postrider mailbox dump USER > FILE");
	d.home = open(a.home, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (d.home < 0)
		r = err_sys(&err, "open %s", a.home);
	else
		r = put_all(&d);
	close_fd(d.home);
	str_free(&d.path);
	str_free(&d.out);
	arena_free(&d.arena);
	if (r < 0)
		return fail_err(&err);
	fprintf(stderr, "%llu messages\n", (unsigned long long)d.messages);
	return EXIT_OK;
}
