/*
 * notify_meta.c - MailboxMetadataChange and ServerMetadataChange: RFC 5465
 * sections 5.6 and 5.7.  The file of annotations is replaced as a whole when
 * one is set, so a look is an fstatat; only where the file is another one it
 * is read and compared with what the client knows.
 */
#include "notify_part.h"

#include <fcntl.h>

#include "base/hash.h"
#include "share.h"

void
notify_meta_free(struct notify_meta *m)
{
	str_free(&m->list);
	*m = (struct notify_meta){ .list = STR_INIT };
}

/* the file's status, zero where there is none: 0, or -1 */
static int
status(struct tree *t, const char *local, struct stat *st)
{
	struct mailbox_place p;
	struct err err;
	int r;

	memset(st, 0, sizeof(*st));
	if (local[0] == '\0') {
		r = fstatat(t->maildir, ".state/server", st,
		    AT_SYMLINK_NOFOLLOW);
	} else {
		if (tree_place(t, local, &p, &err) < 0)
			return -1;
		r = fstatat(p.dir, ".state/meta", st, AT_SYMLINK_NOFOLLOW);
		tree_place_end(&p);
	}
	if (r < 0)
		memset(st, 0, sizeof(*st));
	return 0;
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size &&
	    a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	    a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

enum { HASH_LEN = 16 };

static void
on_entry(void *ctx, const char *entry, struct slice value)
{
	str_addf(ctx, "%016llx%s\n", (unsigned long long)
	    hash_secret(value.p, value.n), entry);
}

static struct slice
entry_of(struct slice line)
{
	return slice_sub(line, HASH_LEN, line.n);
}

/* has the list this line or, with any value, its entry? */
static bool
has(struct slice list, struct slice line, bool any)
{
	struct slice l;

	while (slice_cut(&list, '\n', &l))
		if (slice_eq(entry_of(l), entry_of(line)))
			return any || slice_eq(l, line);
	return false;
}

/* the entries of list that other has not: the same, or at all */
static void
add_others(struct slice list, struct slice other, bool any, struct str *out)
{
	struct slice line;

	while (slice_cut(&list, '\n', &line)) {
		if (line.n <= HASH_LEN || has(other, line, any))
			continue;
		str_addc(out, ' ');
		imap_put_astring(out, entry_of(line), false);
	}
}

static void
put_changes(struct session *s, const char *name, struct slice old,
    struct slice new)
{
	struct str entries = STR_INIT, out = STR_INIT;

	add_others(new, old, false, &entries);
	add_others(old, new, true, &entries);
	if (entries.len > 0) {
		str_adds(&out, "* METADATA ");
		imap_put_mailbox(&out, slice_of(name), utf8(s));
		str_addsl(&out, slice_str(&entries));
		str_adds(&out, "\r\n");
		imap_put(&s->imap, &out);
	}
	str_free(&entries);
	str_free(&out);
}

void
notify_meta_look(struct session *s, const char *name, struct notify_meta *m,
    bool tell)
{
	struct tree *t = &s->tree;
	const char *local = name;
	struct str list = STR_INIT;
	struct stat st;
	struct err err;

	/* those of other users' folders are theirs, as with GETMETADATA */
	if (name[0] != '\0')
		t = share_tree(s, name, &local, &err);
	if (t == NULL || status(t, local, &st) < 0 ||
	    (m->known && same_file(&st, &m->st)))
		return;
	if (tree_meta_each(t, local, on_entry, &list, &err) == 0) {
		if (tell && m->known)
			put_changes(s, name, slice_str(&m->list),
			    slice_str(&list));
		str_free(&m->list);
		m->list = list;
		m->st = st;
		m->known = true;
		return;
	}
	str_free(&list);
}
