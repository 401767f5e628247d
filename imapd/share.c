/*
 * share.c - folders of others.  A process serves one user, so what was found
 * before the jail closed is kept here.  An index that lies opens nothing:
 * paths are added only where the folder's own list gives rights.
 */
#include "share.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/log.h"
#include "conf/common.h"
#include "store/dir.h"
#include "store/notice.h"
#include "store/store.h"
#include "store/tree.h"

#define OTHERS "user/"
#define PUBLIC "Public/"
#define PUBLIC_HOME ".public"

enum { SHARES_MAX = 2000 };

struct share { char *name, *dir; };	/* dir: below mail_dir */
static struct share *shares;
static size_t n_shares;
static struct str address = STR_INIT;
static bool admin;		/* of the public folders */

/* below mail_dir nothing is a link, whatever the owner of a folder makes */
static int
open_folder(const char *dir)
{
	int root = open(common.mail_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = root < 0 ? -1 : dir_open(root, dir, O_PATH | O_DIRECTORY, 0);

	close_fd(root);
	return fd;
}

/* *fd_r: the folder, where there are rights; NULL: not wanted */
static unsigned
rights_of(const char *dir, int *fd_r)
{
	struct arena arena = { 0 };
	struct acl l;
	struct err err;
	unsigned r = 0;
	int fd = open_folder(dir);

	if (fd >= 0 && acl_read(fd, &arena, &l, &err) == 0)
		r = acl_rights(&l, address.s) & ~(unsigned)ACL_OWNER;
	arena_free(&arena);
	if (fd_r != NULL && r != 0)
		*fd_r = fd;
	else
		close_fd(fd);
	return r;
}

static const struct share *
find(const char *name)
{
	size_t i;

	for (i = 0; i < n_shares; i++)
		if (strcmp(shares[i].name, name) == 0)
			return &shares[i];
	return NULL;
}

/* ---- before the jail ---------------------------------------------------- */

/* All other folders lie in the directory of INBOX: who only reads gets none of
 * them, who writes needs it, since the file with its UIDs is there. */
static void
open_jail(int fd, const char *dir, bool inbox, unsigned rights)
{
	static const char *const subs[] = { ".state", "cur", "new" };
	struct str path = STR_INIT;
	size_t i, n = rights & ACL_READ ? ARRAY_LEN(subs) : 1;
	bool all = rights & ACL_CHANGES;
	int sub;

	str_addf(&path, "%s/%s", common.mail_dir, dir);
	if (all || (!inbox && rights & ACL_READ)) {
		jail_path_of(fd, path.s, all ? PATH_ALL | PATH_LINK :
		    PATH_READ);
		n = 0;
	}
	for (i = 0; i < n; i++) {
		str_reset(&path);
		str_addf(&path, "%s/%s/%s", common.mail_dir, dir, subs[i]);
		sub = dir_open(fd, subs[i], O_PATH | O_DIRECTORY, 0);
		if (sub >= 0)
			jail_path_of(sub, path.s, PATH_READ);
		close_fd(sub);
	}
	str_free(&path);
}

static void
on_share(void *ctx, const struct share_place *p, const char *folder)
{
	const char *own = ctx;
	struct str name = STR_INIT, dir = STR_INIT, home = STR_INIT;
	unsigned rights = 0;
	int fd = -1;

	str_addf(&dir, "%s/Maildir", p->home);
	if (strcmp(p->dir, ".") != 0)
		str_addf(&dir, "/%s", p->dir);
	if (strcmp(p->home, PUBLIC_HOME) == 0)
		str_addf(&name, PUBLIC "%s", folder);
	else if (share_name(p->home, &home) == 0) {
		str_addf(&name, OTHERS "%s", home.s);
		if (strcmp(folder, "INBOX") != 0)
			str_addf(&name, "/%s", folder);
	}
	if (name.len > 0 && strcmp(p->home, own) != 0 &&
	    n_shares < SHARES_MAX && find(name.s) == NULL)
		rights = rights_of(dir.s, &fd);
	if (rights != 0) {
		open_jail(fd, dir.s, strcmp(p->dir, ".") == 0, rights);
		shares = xrealloc(shares, (n_shares + 1) * sizeof(*shares));
		shares[n_shares++] = (struct share){ xstrdup(name.s),
			xstrdup(dir.s) };
		close_fd(fd);
	}
	str_free(&name);
	str_free(&dir);
	str_free(&home);
}

static bool
is_admin(void)
{
	size_t i;

	for (i = 0; i < conf.public_admins.n; i++)
		if (strcasecmp(conf.public_admins.v[i], address.s) == 0)
			return true;
	return false;
}

/* who administers the public folders sees all of them */
static void
open_public(bool mine)
{
	struct str path = STR_INIT;
	struct store st = { .fd = -1 };
	struct err err;

	if (mine && store_open(&st, common.mail_dir, &err) == 0)
		(void)store_make(&st, PUBLIC_HOME, NULL, &err);
	store_close(&st);
	str_addf(&path, "%s/" PUBLIC_HOME, common.mail_dir);
	jail_path(path.s, PATH_READ);
	str_adds(&path, "/Maildir");
	jail_path(path.s, PATH_ALL | PATH_LINK);
	str_free(&path);
}

void
share_jail(const struct session_user *user)
{
	struct str path = STR_INIT, home = STR_INIT;
	bool mine = geteuid() == user->uid;
	struct err err;

	if (user->mailbox[0] == '\0' ||
	    share_address(user->mailbox, &address) < 0 ||
	    store_home(&home, user->mailbox, &err) < 0)
		return;
	if (mine)
		share_make(common.mail_dir);
	str_addf(&path, "%s/.shared", common.mail_dir);
	jail_path(path.s, PATH_ALL);
	admin = is_admin();
	if (admin)
		open_public(mine);
	share_each(common.mail_dir, address.s, on_share, home.s);
	share_each(common.mail_dir, "anyone", on_share, home.s);
	share_each(common.mail_dir, "authenticated", on_share, home.s);
	str_free(&path);
	str_free(&home);
}

/* ---- in the session ----------------------------------------------------- */

const char *
share_user(void)
{
	return address.len > 0 ? address.s : "";
}

bool
share_with_anyone(void)
{
	return conf.share_anyone == ANYONE_USERS ||
	    (conf.share_anyone == ANYONE_ADMINS && admin);
}

bool
share_possible(void)
{
	return address.len > 0;
}

bool
share_foreign(const char *name)
{
	return share_possible() && (strncmp(name, OTHERS,
	    strlen(OTHERS)) == 0 || strncmp(name, PUBLIC,
	    strlen(PUBLIC)) == 0);
}

static bool
is_public(const char *name)
{
	return strncmp(name, PUBLIC, strlen(PUBLIC)) == 0;
}

/* the public folders' own tree, for who administers them */
static struct tree *
public_tree(struct session *s, struct err *err)
{
	struct str home = STR_INIT;

	if (s->public.home == NULL) {
		str_addf(&home, "%s/" PUBLIC_HOME, common.mail_dir);
		if (tree_open(&s->public, home.s, 0, common.hostname,
		    err) < 0)
			s->public.home = NULL;
		str_free(&home);
	}
	return s->public.home != NULL ? &s->public : NULL;
}

struct tree *
share_tree(struct session *s, const char *name, const char **local_r,
    struct err *err)
{
	*local_r = name;
	if (!share_foreign(name))
		return &s->tree;
	if (is_public(name) && admin) {
		*local_r = name + strlen(PUBLIC);
		return public_tree(s, err);
	}
	err_perm(err, "5.7.1", "only the owner makes or removes folders");
	return NULL;
}

/* what need and the rights give: 0, or -1 */
static int
judge(const char *name, unsigned need, unsigned rights, struct err *err)
{
	unsigned some = ACL_LOOKUP | (need != 0 ? need :
	    (unsigned)(ACL_READ | ACL_INSERT | ACL_ADMIN));

	/* RFC 4314 section 6: who may not look is not told that it is there */
	if (!(rights & some))
		return err_perm(err, "5.1.1", "no such mailbox: %.200s",
		    name);
	if (need & ~rights)
		return err_perm(err, "5.7.1", "your rights do not allow it");
	return 0;
}

static int
own_place(struct tree *t, const char *name, struct mailbox_place *p,
    struct err *err)
{
	struct mailbox_place q;

	if (tree_place(t, name, &q, err) < 0)
		return -1;
	if (p != NULL)
		*p = q;
	else
		tree_place_end(&q);
	return 0;
}

int
share_place(struct session *s, const char *name, unsigned need,
    struct mailbox_place *p, unsigned *rights_r, struct err *err)
{
	const struct share *sh;
	struct mailbox_place q = { .dir = -1, .index = s->tree.index,
		.maildir = -1, .hostname = s->tree.hostname };
	struct tree *t;

	if (!share_foreign(name) || (is_public(name) && admin)) {
		t = share_tree(s, name, &name, err);
		*rights_r = ACL_ALL;
		if (t == NULL || own_place(t, name, p, err) < 0)
			return -1;
		if (p != NULL)
			p->index = s->tree.index;
		return 0;
	}
	sh = find(name);
	*rights_r = sh != NULL ? rights_of(sh->dir, &q.dir) : 0;
	if (judge(name, need, *rights_r, err) < 0) {
		close_fd(q.dir);
		return -1;
	}
	if (p != NULL)
		*p = q;
	else
		close_fd(q.dir);
	return 0;
}

int
share_where(struct session *s, const char *name, struct share_place *p,
    struct err *err)
{
	struct mailbox_place q;
	struct str path = STR_INIT;
	struct arena *a = &s->imap.arena;
	const char *below, *cut;
	unsigned rights;
	int r = -1;

	if (share_place(s, name, ACL_ADMIN, &q, &rights, err) < 0)
		return -1;
	if (notice_path(q.dir, &path) == 0 &&
	    (below = notice_relative(path.s)) != NULL &&
	    (cut = strstr(below, "/Maildir")) != NULL) {
		p->root = common.mail_dir;
		p->home = arena_slice(a, (struct slice){ below,
		    (size_t)(cut - below) });
		cut += strlen("/Maildir");
		p->dir = arena_strdup(a, *cut == '/' ? cut + 1 : ".");
		r = 0;
	} else {
		err_perm(err, "5.7.1", "this mailbox can not be shared");
	}
	tree_place_end(&q);
	str_free(&path);
	return r;
}

void
share_renamed(struct session *s, const char *name)
{
	const char *local;
	struct err err;
	struct tree *t = share_tree(s, name, &local, &err);

	if (t != NULL && share_possible() &&
	    share_note_all(t, common.mail_dir, &err) < 0)
		log_event(LOG_WARN, "mailbox", KS("user", s->user->name),
		    KS("folder", name), KERR(&err), KEND);
}

/* ---- LIST and NAMESPACE ------------------------------------------------ */

struct listing {
	struct arena *a;
	struct folder_list *l;
	size_t cap;
};

static void
add(struct listing *to, const char *name, unsigned flags)
{
	struct folder_list *l = to->l;
	struct folder *v;
	size_t i;

	for (i = 0; i < l->n; i++)
		if (strcmp(l->v[i].name, name) == 0) {
			l->v[i].flags |= flags;
			return;
		}
	if (l->n >= to->cap) {
		to->cap = 2 * l->n + 64;
		v = arena_alloc(to->a, to->cap * sizeof(*v));
		memcpy(v, l->v, l->n * sizeof(*v));
		l->v = v;
	}
	l->v[l->n++] = (struct folder){ .name = arena_strdup(to->a, name),
		.flags = flags };
}

/* and the names above it */
static void
add_named(struct listing *to, const char *name)
{
	const char *p;

	for (p = strchr(name, '/'); p != NULL; p = strchr(p + 1, '/'))
		add(to, arena_slice(to->a, (struct slice){ name,
		    (size_t)(p - name) }), FOLDER_CHILDREN);
	add(to, name, FOLDER_EXISTS);
}

void
share_list(struct session *s, struct folder_list *l)
{
	struct listing to = { &s->imap.arena, l, 0 };
	struct folder_list all;
	struct tree *t;
	struct err err;
	size_t i;

	for (i = 0; i < n_shares; i++)
		if (!(admin && is_public(shares[i].name)) &&
		    rights_of(shares[i].dir, NULL) & ACL_LOOKUP)
			add_named(&to, shares[i].name);
	if (!admin || (t = public_tree(s, &err)) == NULL ||
	    tree_list(t, &s->imap.arena, &all, &err) < 0)
		return;
	for (i = 0; i < all.n; i++)
		if (all.v[i].flags & FOLDER_EXISTS &&
		    strcmp(all.v[i].name, "INBOX") != 0)
			add_named(&to, arena_printf(to.a, PUBLIC "%s",
			    all.v[i].name));
}

void
share_namespaces(struct str *out)
{
	str_adds(out, share_possible() ? "((\"\" \"/\")) "
	    "((\"" OTHERS "\" \"/\")) ((\"" PUBLIC "\" \"/\"))" :
	    "((\"\" \"/\")) NIL NIL");
}
