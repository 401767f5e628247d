/*
 * share.c - the index of shared folders: a small file for each identifier
 * that some folder's list names, replaced as a whole under one lock.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "store/acl.h"
#include "store/dir.h"
#include "store/store.h"
#include "store/tree_part.h"

enum { INDEX_MAX = 4 << 20 };

/* the parts of a path below the root, DOMAIN/LOCALPART as store_home made it */
static bool
cut_home(const char *home, struct slice *domain, struct slice *local)
{
	*local = slice_of(home);
	return home[0] != '.' && slice_cut(local, '/', domain) &&
	    local->p != NULL && local->n > 0 && domain->n > 0;
}

static int
hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ?
	    c - 'A' + 10 : -1;
}

int
share_owner(const char *home, struct str *out)
{
	struct slice domain, local;
	size_t i;

	if (!cut_home(home, &domain, &local))
		return -1;
	for (i = 0; i < local.n; i++) {
		if (local.p[i] == '%' && i + 2 < local.n &&
		    hex(local.p[i + 1]) >= 0 && hex(local.p[i + 2]) >= 0) {
			str_addc(out, (char)(hex(local.p[i + 1]) << 4 |
			    hex(local.p[i + 2])));
			i += 2;
		} else {
			str_addc(out, local.p[i]);
		}
	}
	str_addc(out, '@');
	str_addsl(out, domain);
	return 0;
}

int
share_name(const char *home, struct str *out)
{
	struct slice domain, local;

	if (!cut_home(home, &domain, &local))
		return -1;
	str_addsl(out, local);
	str_addc(out, '@');
	str_addsl(out, domain);
	return 0;
}

int
share_address(const char *mailbox, struct str *out)
{
	struct str home = STR_INIT;
	struct err err;
	int r = store_home(&home, mailbox, &err);

	if (r == 0)
		r = share_owner(home.s, out);
	str_free(&home);
	return r;
}

void
share_make(const char *root)
{
	struct str path = STR_INIT;

	str_addf(&path, "%s/.shared", root);
	mkdir(path.s, 0700);
	str_free(&path);
}

/* an identifier as the name of a file: no slash, no dot first */
static void
file_name(const char *id, struct str *out)
{
	const char *p;

	for (p = id; *p != '\0'; p++)
		if (*p == '/' || *p == '%' || (p == id && *p == '.'))
			str_addf(out, "%%%02X", (unsigned char)*p);
		else
			str_addc(out, *p);
}

static int
rewrite(int fd, const struct share_place *p, const char *file, bool on,
    struct err *err)
{
	struct str old = STR_INIT, text = STR_INIT, mine = STR_INIT;
	struct slice rest, line;
	bool found = false;
	int r = tree_read(fd, file, INDEX_MAX, &old, err);

	str_addf(&mine, "%s\t%s", p->home, p->dir);
	rest = slice_str(&old);
	while (r == 1 && slice_cut(&rest, '\n', &line)) {
		if (slice_eq(line, slice_str(&mine)))
			found = true;
		else if (line.n > 0)
			str_addf(&text, "%.*s\n", (int)line.n, line.p);
	}
	if (r >= 0 && found != on) {
		if (on)
			str_addf(&text, "%s\n", mine.s);
		r = text.len > INDEX_MAX ? err_perm(err, "5.2.2",
		    "too many folders are shared with this user") :
		    tree_write(fd, ".", file, &text, err);
	}
	str_free(&old);
	str_free(&text);
	str_free(&mine);
	return r < 0 ? -1 : 0;
}

static int
open_index(const char *root)
{
	struct str path = STR_INIT;
	int fd;

	str_addf(&path, "%s/.shared", root);
	fd = open(path.s, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	str_free(&path);
	return fd;
}

int
share_note(const struct share_place *p, const char *id, bool on,
    struct err *err)
{
	struct str file = STR_INIT;
	int fd = open_index(p->root), lock, r;

	lock = fd < 0 ? -1 : dir_open(fd, ".lock", O_RDWR | O_CREAT, 0600);
	if (lock < 0) {
		err_sys(err, "open .shared/.lock");
		close_fd(fd);
		return -1;
	}
	file_name(id, &file);
	r = dir_lock(lock, ".shared/.lock", DIR_LOCK_MS, err);
	if (r == 0)
		r = rewrite(fd, p, file.s, on, err);
	str_free(&file);
	close(lock);
	close(fd);
	return r;
}

static int
note_folder(struct tree *t, struct share_place *p, const char *name,
    struct err *err)
{
	struct mailbox_place q;
	struct str dir = STR_INIT;
	struct arena arena = { 0 };
	struct acl l = { .v = NULL };
	size_t i;
	int r = tree_dir(name, &dir, err);

	p->dir = dir.s;
	if (r == 0 && (r = tree_place(t, name, &q, err)) == 0) {
		r = acl_read(q.dir, &arena, &l, err);
		tree_place_end(&q);
	}
	for (i = 0; i < l.n && r == 0; i++)
		if (!l.v[i].negative)
			r = share_note(p, l.v[i].id, true, err);
	arena_free(&arena);
	str_free(&dir);
	return r;
}

int
share_note_all(struct tree *t, const char *root, struct err *err)
{
	struct share_place p = { .root = root };
	struct arena arena = { 0 };
	struct folder_list l = { .v = NULL };
	size_t i, n = strlen(root);
	int r = 0;

	if (strncmp(t->home, root, n) != 0 || t->home[n] != '/')
		return 0;
	p.home = t->home + n + 1;
	share_make(root);
	r = tree_list(t, &arena, &l, err);
	for (i = 0; i < l.n && r == 0; i++)
		if (l.v[i].flags & FOLDER_EXISTS)
			r = note_folder(t, &p, l.v[i].name, err);
	arena_free(&arena);
	return r;
}

/* "DOMAIN/LOCALPART" or ".public", nothing that leads elsewhere */
static bool
home_is_good(const char *home)
{
	const char *slash = strchr(home, '/');

	if (strcmp(home, ".public") == 0)
		return true;
	return slash != NULL && strchr(slash + 1, '/') == NULL &&
	    home[0] != '/' && home[0] != '.' && slash[1] != '.' &&
	    slash[1] != '\0';
}

static void
give_line(const char *root, struct slice line, share_fn *fn, void *ctx)
{
	struct slice home = { 0 };
	struct str name = STR_INIT;
	struct share_place p = { .root = root };
	char *h, *d;

	slice_cut(&line, '\t', &home);
	h = slice_dup(home);
	d = slice_dup(line);
	p.home = h;
	p.dir = d;
	if (strcmp(d, ".") == 0)
		str_adds(&name, "INBOX");
	else if (!tree_dir_name(slice_of(d), &name))
		str_reset(&name);
	if (name.len > 0 && home_is_good(h))
		fn(ctx, &p, name.s);
	str_free(&name);
	free(h);
	free(d);
}

void
share_each(const char *root, const char *id, share_fn *fn, void *ctx)
{
	struct str text = STR_INIT, file = STR_INIT;
	struct slice rest, line;
	struct err err;
	int fd = open_index(root);

	if (fd < 0)
		return;
	file_name(id, &file);
	if (tree_read(fd, file.s, INDEX_MAX, &text, &err) == 1) {
		rest = slice_str(&text);
		while (slice_cut(&rest, '\n', &line))
			if (line.n > 0 && !slice_has_nul(line))
				give_line(root, line, fn, ctx);
	}
	close(fd);
	str_free(&text);
	str_free(&file);
}
