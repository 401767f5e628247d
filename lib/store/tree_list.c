/*
 * tree_list.c - all folders in one reading of Maildir: those that are there,
 * the names between them, and what is subscribed.  The slash sorts below all
 * other characters, so that a folder's children follow it.
 */
#include "store/tree_part.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "store/dir.h"

struct entry {
	const char *name;
	const char *dir;	/* below Maildir; NULL: only a name */
	unsigned flags;
};
struct listing {
	struct tree *t;
	struct arena *a;
	struct entry *v;
	size_t n, cap;
	struct str name;	/* scratch */
};

static void
add(struct listing *l, const char *name, const char *dir, unsigned flags)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 64;
		l->v = xrealloc(l->v, l->cap * sizeof(*l->v));
	}
	l->v[l->n++] = (struct entry){ name, dir, flags };
}

static int
add_dir(void *ctx, const char *name, int type)
{
	struct listing *l = ctx;
	struct stat st;

	if (name[0] != '.' || l->n > TREE_FOLDERS_MAX)
		return 0;
	str_reset(&l->name);
	if ((type != DT_DIR && type != DT_UNKNOWN) ||
	    !tree_dir_name(slice_of(name), &l->name))
		return 0;
	if (type == DT_UNKNOWN && (fstatat(l->t->maildir, name, &st,
	    AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode)))
		return 0;
	add(l, arena_strdup(l->a, l->name.s), arena_strdup(l->a, name),
	    FOLDER_EXISTS);
	return 0;
}

static int
rank(unsigned char c)
{
	return c == '/' ? 1 : c == '\0' ? 0 : c + 1;
}

static bool
in_inbox(const char *name)
{
	return strncmp(name, "INBOX", 5) == 0 &&
	    (name[5] == '\0' || name[5] == '/');
}

static int
by_name(const void *x, const void *y)
{
	const struct entry *a = x, *b = y;
	const char *p = a->name, *q = b->name;
	int d = (int)in_inbox(q) - (int)in_inbox(p);

	if (d != 0)
		return d;
	while (*p != '\0' && *p == *q) {
		p++;
		q++;
	}
	return rank((unsigned char)*p) - rank((unsigned char)*q);
}

/* sorted, and entries of one name made one */
static void
merge(struct listing *l)
{
	size_t i, n = 0;

	if (l->n > 0)
		qsort(l->v, l->n, sizeof(*l->v), by_name);
	for (i = 0; i < l->n; i++) {
		if (n > 0 && strcmp(l->v[n - 1].name, l->v[i].name) == 0) {
			l->v[n - 1].flags |= l->v[i].flags;
			if (l->v[i].dir != NULL)
				l->v[n - 1].dir = l->v[i].dir;
		} else {
			l->v[n++] = l->v[i];
		}
	}
	l->n = n;
}

/* The names above each; those of the entry before are there already. */
static void
add_parents(struct listing *l)
{
	const char *name, *before = "", *p;
	size_t i, n = l->n, same;

	for (i = 0; i < n; i++, before = name) {
		name = l->v[i].name;
		for (same = 0; name[same] && name[same] == before[same];)
			same++;
		for (p = strchr(name, '/'); p; p = strchr(p + 1, '/'))
			if ((size_t)(p - name) >= same)
				add(l, arena_slice(l->a, (struct slice){ name,
				    (size_t)(p - name) }), NULL,
				    FOLDER_CHILDREN);
	}
}

static int
add_subscribed(struct listing *l, struct err *err)
{
	struct str text = STR_INIT;
	struct slice rest, line;
	int r = tree_subscribed(l->t, &text, err);

	rest = slice_str(&text);
	while (slice_cut(&rest, '\n', &line))
		if (line.n > 0)
			add(l, arena_slice(l->a, line), NULL,
			    FOLDER_SUBSCRIBED);
	str_free(&text);
	return r;
}

/* is there a message in dir/new?  A session lists a thousand folders at its
 * start: no more than the calls this takes. */
static bool
has_news(struct listing *l, const char *dir)
{
	char buf[1024] __attribute__((aligned(8)));
	const struct dirent64 *e;
	bool found = false;
	long n = 0, at;
	int fd;

	str_reset(&l->name);
	str_addf(&l->name, "%s/new", dir);
	fd = dir_open(l->t->maildir, l->name.s, O_RDONLY | O_DIRECTORY, 0);
	while (fd >= 0 && !found &&
	    (n = getdents64(fd, buf, sizeof(buf))) > 0)
		for (at = 0; at < n && !found; at += e->d_reclen) {
			e = (const struct dirent64 *)(void *)(buf + at);
			found = e->d_name[0] != '.';
		}
	close_fd(fd);
	return found;
}

static void
fill(struct listing *l, struct folder *f, const struct entry *e)
{
	*f = (struct folder){ .name = e->name, .flags = e->flags };
	if (e->dir == NULL)
		return;
	if (has_news(l, e->dir))
		f->flags |= FOLDER_NEWS;
	f->special = tree_special_of(l->t, e->dir);
}

int
tree_list(struct tree *t, struct arena *a, struct folder_list *out,
    struct err *err)
{
	struct listing l = { .t = t, .a = a, .name = STR_INIT };
	size_t i;
	int r;

	add(&l, "INBOX", ".", FOLDER_EXISTS);
	r = dir_each(t->maildir, ".", true, add_dir, &l, err);
	if (r == 0) {
		merge(&l);
		add_parents(&l);
		r = add_subscribed(&l, err);
	}
	if (r == 0) {
		merge(&l);
		*out = (struct folder_list){ .n = l.n,
			.v = arena_alloc(a, l.n * sizeof(*out->v)) };
		for (i = 0; i < l.n; i++)
			fill(&l, &out->v[i], &l.v[i]);
	}
	free(l.v);
	str_free(&l.name);
	return r;
}
