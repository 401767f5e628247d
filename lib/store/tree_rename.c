/*
 * tree_rename.c - renaming folders.  One directory is one rename(2).  Several
 * are first written down in TREE_JOURNAL, and whoever takes the lock next
 * finishes what was cut off: each line is done where its old name is gone or
 * its new one is there.
 */
#include "store/tree_part.h"

#include <dirent.h>

#include "store/dir.h"

enum { JOURNAL_MAX = 32 << 20 };

struct family { struct slice head; struct strlist *l; struct arena *a; };

/* .A.B and below of .A.B */
static int
add_member(void *ctx, const char *name, int type)
{
	struct family *f = ctx;
	struct slice s = slice_of(name);

	if ((type == DT_DIR || type == DT_UNKNOWN) &&
	    slice_eq(slice_sub(s, 0, f->head.n), f->head) &&
	    (s.n == f->head.n || s.p[f->head.n] == '.'))
		strlist_add(f->l, f->a, arena_strdup(f->a, name));
	return 0;
}

/* A name that is made by shortening a longer one is free by then. */
static int
by_length(const void *a, const void *b)
{
	const char *x = *(const char *const *)a, *y = *(const char *const *)b;
	size_t m = strlen(x), n = strlen(y);

	return m != n ? (m < n ? -1 : 1) : strcmp(x, y);
}

/* the directories of a folder and those below it, short ones first; 0 or -1 */
static int
family(struct tree *t, const char *dir, struct strlist *l,
    struct arena *a, struct err *err)
{
	struct family f = { slice_of(dir), l, a };
	int r = dir_each(t->maildir, ".", true, add_member, &f, err);

	if (l->n > 0)
		qsort(l->v, l->n, sizeof(*l->v), by_length);
	return r;
}

int
tree_is_name(struct tree *t, const char *dir, struct err *err)
{
	struct arena a = { 0 };
	struct strlist l = { 0 };
	int r = family(t, dir, &l, &a, err);

	arena_free(&a);
	return r < 0 ? -1 : l.n > 0;
}

/* "old/new": names of folders both, and nothing else that lies in Maildir */
static bool
take_line(struct slice line, struct slice *from, struct slice *to)
{
	struct str name = STR_INIT;
	bool good;

	*to = line;
	good = slice_cut(to, '/', from) && to->p != NULL &&
	    tree_dir_name(*from, &name) && tree_dir_name(*to, &name);
	str_free(&name);
	return good;
}

int
tree_replay(struct tree *t, struct err *err)
{
	static const struct str none = STR_INIT;
	struct str text = STR_INIT;
	struct slice rest, line, from, to;
	char *old, *new;
	int r;

	r = tree_read(t->maildir, TREE_JOURNAL, JOURNAL_MAX, &text, err);
	rest = slice_str(&text);
	/* the last line ends, else it was never finished */
	while (r == 1 && slice_cut(&rest, '\n', &line) && rest.p != NULL) {
		if (!take_line(line, &from, &to))
			continue;
		old = slice_dup(from);
		new = slice_dup(to);
		/* done before: the one is gone or the other there */
		if (tree_move(t, old, new) < 0 && errno != ENOENT &&
		    errno != EEXIST)
			r = err_sys(err, "rename %s to %s", old, new);
		free(old);
		free(new);
	}
	if (r == 1)
		r = tree_sync(t->maildir, ".", err);
	if (r == 0 && text.len > 0)
		r = tree_write(t->maildir, ".state", "rename", &none, err);
	str_free(&text);
	return r;
}

/* one line a directory, "old/new"; checked: all fit and none is there */
static int
plan(struct tree *t, const struct strlist *l, const char *from,
    const char *to, struct str *out, struct err *err)
{
	struct str dir = STR_INIT, name = STR_INIT;
	size_t i, n = strlen(from);
	int r = 0;

	for (i = 0; i < l->n && r == 0; i++) {
		str_reset(&dir);
		str_reset(&name);
		str_addf(&dir, "%s%s", to, l->v[i] + n);
		if (!tree_dir_name(slice_str(&dir), &name))
			r = err_perm(err, "5.1.3", "a name below it becomes "
			    "too long");
		else if (!strlist_has(l, dir.s))
			r = tree_is_there(t, dir.s, err);
		if (r == 1)
			r = tree_taken(name.s, err);
		str_addf(out, "%s/%s\n", l->v[i], dir.s);
	}
	str_free(&dir);
	str_free(&name);
	return r;
}

static int
rename_all(struct tree *t, const char *from, const char *to,
    struct err *err)
{
	struct arena a = { 0 };
	struct strlist l = { 0 };
	struct str text = STR_INIT;
	int r = family(t, from, &l, &a, err);

	if (r == 0)
		r = plan(t, &l, from, to, &text, err);
	if (r == 0 && l.n == 1 && strcmp(l.v[0], from) == 0) {
		if (tree_move(t, from, to) < 0)
			r = err_sys(err, "rename %s to %s", from, to);
		else
			r = tree_sync(t->maildir, ".", err);
	} else if (r == 0) {
		r = tree_write(t->maildir, ".state", "rename", &text, err);
		if (r == 0)
			r = tree_replay(t, err);
	}
	str_free(&text);
	arena_free(&a);
	return r;
}

/* the lock is held */
static int
rename_folder(struct tree *t, const char *name, const char *from,
    const char *to, struct err *err)
{
	size_t n = strlen(from);
	int r;

	if (strcmp(to, ".") == 0 || strcmp(from, to) == 0)
		return tree_taken("the new name", err);
	if (strncmp(to, from, n) == 0 && to[n] == '.')
		return err_perm(err, "5.1.3",
		    "a mailbox can not be moved below itself");
	r = tree_is_there(t, to, err);
	if (r == 1)
		return tree_taken("the new name", err);
	if (r == 0)
		r = tree_is_name(t, from, err);
	if (r == 0)
		return tree_none(name, err);
	return r < 0 ? -1 : rename_all(t, from, to, err);
}

/* INBOX keeps its place, its messages go: create, move */
static int
copy_all(struct mailbox *from, struct mailbox *to, struct err *err)
{
	struct mailbox_add *add = mailbox_add_new(to);
	uint32_t *idx = xcalloc(from->n + 1, sizeof(*idx)), first;
	bool *mine = xcalloc(from->n + 1, sizeof(*mine));
	size_t i, n = 0;
	int r = 0;

	mailbox_add_moves(add, from, idx, mine);
	for (i = 0; i < from->n && r == 0; i++) {
		if (from->msg[i].flags & MSG_GONE)
			continue;
		r = mailbox_add_copy(add, from, i, err);
		idx[n++] = (uint32_t)i;
	}
	if (r == 0 && n > 0)
		r = mailbox_add_commit(add, &first, err);
	mailbox_add_free(add);
	free(mine);
	free(idx);
	return r;
}

static int
rename_inbox(struct tree *t, const char *to, struct err *err)
{
	struct mailbox *in = NULL, *out = NULL;
	struct mailbox_place p, q;
	int r;

	if (tree_place(t, "INBOX", &p, err) < 0)
		return -1;
	r = tree_create(t, to, NULL, err);
	if (r == 0)
		r = tree_place(t, to, &q, err);
	if (r == 0) {
		/* the same bytes are only elsewhere */
		q.quota = 0;
		in = mailbox_open(&p, MAILBOX_NO_RECENT, err);
		if (in != NULL)
			out = mailbox_open(&q, MAILBOX_NO_RECENT, err);
		r = out == NULL ? -1 : copy_all(in, out, err);
		mailbox_close(out);
		mailbox_close(in);
		tree_place_end(&q);
		tree_forget_quota(t);
	}
	tree_place_end(&p);
	return r;
}

int
tree_rename(struct tree *t, const char *from, const char *to,
    struct err *err)
{
	struct str old = STR_INIT, new = STR_INIT;
	int fd, r;

	r = tree_dir(from, &old, err);
	if (r == 0)
		r = tree_dir(to, &new, err);
	if (r == 0 && strcmp(old.s, ".") == 0) {
		r = rename_inbox(t, to, err);
	} else if (r == 0) {
		fd = tree_lock(t, err);
		r = fd < 0 ? -1 : rename_folder(t, from, old.s, new.s, err);
		if (r == 0)
			tree_tell(fd);
		close_fd(fd);
		if (strcmp(old.s, ".Trash") == 0 ||
		    strcmp(new.s, ".Trash") == 0)
			tree_forget_quota(t);
	}
	str_free(&old);
	str_free(&new);
	return r;
}
