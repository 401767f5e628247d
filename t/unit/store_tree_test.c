/* store_tree_test.c - folders: names, changes, what is kept of them */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "store/tree.h"
#include "store/tree_part.h"
#include "test/tap.h"

static struct tree t;
static struct arena arena;
static struct err err;

static const struct { const char *name, *dir; } names[] = {
	{ "INBOX", "." },
	{ "inbox", "." },
	{ "Inbox/x", ".INBOX.x" },
	{ "INBOXES", ".INBOXES" },
	{ "A/B", ".A.B" },
	{ "a.b", ".a&AC4-b" },
	{ "a.b/c.d.", ".a&AC4-b.c&AC4-d&AC4-" },
	{ "R&D", ".R&-D" },
	{ "\xc3\xa4.\xc3\xb6", ".&AOQ-&AC4-&APY-" },
	{ "Entw\xc3\xbcrfe", ".Entw&APw-rfe" },
	{ "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", ".&ZeVnLIqe-" },
	{ "\xf0\x9f\x93\xa7", ".&2D3c5w-" },
	{ "state", ".&AHM-tate" },
	{ "state/x", ".&AHM-tate.x" },
	{ "x/state", ".x.state" },
	{ " a b ", ". a b " },
	{ "...", ".&AC4-&AC4-&AC4-" },
	{ "&AC4-", ".&-AC4-" },
	{ "cur", ".cur" },
};

static const struct { const char *name, *why; } bad[] = {
	{ "", "empty" },
	{ "/a", "an empty level before" },
	{ "a/", "an empty level behind" },
	{ "a//b", "an empty level between" },
	{ "..", "dots" },
	{ "a/../b", "dots between" },
	{ ".", "a dot" },
	{ "a\nb", "a control character" },
	{ "a\xc2\x85", "one of C1" },
	{ "a\x7f", "DEL" },
	{ "a\xe2\x80\xa8", "a line separator" },
	{ "\xff", "no UTF-8" },
	{ "\xed\xa0\x80", "a surrogate" },
};

static const char *const no_folder[] = {
	".", "..", "cur", ".state", ".a.", "..a", ".a..b", ".INBOX",
	".inbox.x", ".&AGE-", ".a&AC4-b&", ".\xc3\xa4", ".&AOQ", ".&AHM-tatex",
	".state.x",
};

static void
test_names(void)
{
	struct str s = STR_INIT, canon = STR_INIT;
	char big[1200];
	size_t i;

	for (i = 0; i < ARRAY_LEN(names); i++) {
		str_reset(&s);
		str_reset(&canon);
		tree_dir(names[i].name, &s, &err);
		is_str(s.s, names[i].dir, "%s: its directory", names[i].name);
		str_reset(&s);
		tree_canon(names[i].name, &canon, &err);
		if (tree_dir_name(slice_of(names[i].dir), &s) ||
		    names[i].dir[1])
			is_str(s.s, canon.s, "%s: and back", names[i].name);
	}
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		err.dsn[0] = '\0';
		ok(tree_dir(bad[i].name, &s, &err) == -1 &&
		    strcmp(err.dsn, "5.1.3") == 0, "refused: %s", bad[i].why);
	}
	for (i = 0; i < ARRAY_LEN(no_folder); i++)
		is_int(tree_dir_name(slice_of(no_folder[i]), &s), 0,
		    "no folder: %s", no_folder[i]);
	memset(big, 'x', sizeof(big));
	big[254] = '\0';
	is_int(tree_dir(big, &s, &err), 0, "254 letters");
	big[254] = 'x';
	big[255] = '\0';
	is_int(tree_dir(big, &s, &err), -1, "255 are no file name");
	for (i = 0; i < 101; i++)
		memcpy(big + 2 * i, "a/", 2);
	big[2 * TREE_DEPTH_MAX - 1] = '\0';
	is_int(tree_dir(big, &s, &err), 0, "50 levels");
	big[2 * TREE_DEPTH_MAX - 1] = '/';
	big[2 * TREE_DEPTH_MAX + 1] = '\0';
	is_int(tree_dir(big, &s, &err), -1, "51 levels");
	str_free(&s);
	str_free(&canon);
}

/* "INBOX A(nc)": e exists, c children, s subscribed, n news, special */
static const char *
list(void)
{
	static struct str s = STR_INIT;
	struct folder_list l;
	size_t i;

	str_reset(&s);
	arena_reset(&arena);
	if (tree_list(&t, &arena, &l, &err) < 0)
		return err.text;
	for (i = 0; i < l.n; i++) {
		const struct folder *f = &l.v[i];

		str_addf(&s, "%s%s%s%s%s%s%s", i ? " " : "", f->name,
		    f->flags & FOLDER_EXISTS ? "" : "-",
		    f->flags & FOLDER_CHILDREN ? "+" : "",
		    f->flags & FOLDER_SUBSCRIBED ? "*" : "",
		    f->flags & FOLDER_NEWS ? "!" : "",
		    f->special ? f->special : "");
	}
	return s.s;
}

static void
put(const char *path, const char *text)
{
	int fd = openat(t.maildir, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || full_write(fd, text, strlen(text)) < 0)
		die("%s: %s", path, strerror(errno));
	close(fd);
}

static bool
there(const char *path)
{
	struct stat st;

	return fstatat(t.maildir, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static const char *
result(int r)
{
	return r < 0 ? err.dsn : r == 0 ? "0" : "1";
}

static void
test_create(void)
{
	is_str(list(), "INBOX", "a new mailbox has INBOX");
	is_int(tree_create(&t, "A/B", NULL, &err), 0, "a folder");
	is_str(list(), "INBOX A-+ A/B", "its parent is only a name");
	is_str(result(tree_create(&t, "A/B", NULL, &err)), "5.1.2",
	    "not twice");
	is_str(result(tree_create(&t, "inbox", NULL, &err)), "5.1.2",
	    "INBOX is there");
	tree_create(&t, "inbox/x", NULL, &err);
	tree_create(&t, "A!", NULL, &err);
	tree_create(&t, "A", NULL, &err);
	tree_create(&t, "B", NULL, &err);
	put(".A.B/new/1.a", "x");
	put("new/2.b", "x");
	is_str(list(), "INBOX+! INBOX/x A+ A/B! A! B",
	    "INBOX first, children behind their parents");
	ok(there(".A.B/cur") && there(".A.B/tmp") && there(".A.B/.state") &&
	    there(".A.B/maildirfolder"), "a Maildir++ folder");
	is_int(tree_exists(&t, "A/B", &err), 1, "exists");
	is_int(tree_exists(&t, "A/C", &err), 0, "exists not");
	is_int(tree_exists(&t, "A//C", &err), -1, "a bad name");
	mkdirat(t.maildir, ".&ZeU", 0700);
	if (symlinkat(".A", t.maildir, ".L") < 0)
		die("symlink");
	is_str(list(), "INBOX+! INBOX/x A+ A/B! A! B",
	    "links and other directories are no folders");
	unlinkat(t.maildir, ".&ZeU", AT_REMOVEDIR);
}

static void
test_place(void)
{
	struct mailbox_place p;
	struct stat st;

	is_int(tree_place(&t, "A/B", &p, &err), 0, "a place");
	ok(fstatat(p.dir, "new/1.a", &st, 0) == 0, "is the directory");
	tree_place_end(&p);
	is_int(tree_place(&t, "inbox", &p, &err), 0, "INBOX");
	ok(fstatat(p.dir, "new/2.b", &st, 0) == 0, "is Maildir");
	tree_place_end(&p);
	is_str(result(tree_place(&t, "A/C", &p, &err)), "5.1.1", "none");
	tree_place_end(&p);
	is_str(result(tree_place(&t, "L", &p, &err)), "5.1.1",
	    "a link is none");
	tree_place_end(&p);
	unlinkat(t.maildir, ".L", 0);
}

static void
test_delete(void)
{
	is_str(result(tree_delete(&t, "INBOX", &err)), "5.1.3", "not INBOX");
	is_str(result(tree_delete(&t, "C", &err)), "5.1.1", "not there");
	put(".A/.state/deep", "x");
	mkdirat(t.maildir, ".A/.state/d", 0700);
	put(".A/.state/d/e", "x");
	put(".A/cur/1.x,S=5:2,S", "x");
	is_int(tree_delete(&t, "A", &err), 0, "deleted");
	is_str(list(), "INBOX+! INBOX/x A-+ A/B! A! B", "children stay");
	is_str(result(tree_delete(&t, "A", &err)), "5.1.3",
	    "a name alone can not be deleted");
	ok(!there(".A"), "gone");
	is_int(unlinkat(t.maildir, TREE_WORK, AT_REMOVEDIR), 0,
	    "and removed, whatever it held");
	mkdirat(t.maildir, TREE_WORK, 0700);
	mkdirat(t.maildir, TREE_WORK "/gone-1", 0700);
	mkdirat(t.maildir, TREE_WORK "/gone-1/cur", 0700);
	put(TREE_WORK "/gone-1/cur/x", "x");
	mkdirat(t.maildir, TREE_WORK "/new-1", 0700);
	tree_close(&t);
	tree_open(&t, tap_dir(), 0, "h", &err);
	ok(!there(TREE_WORK "/gone-1"), "what is left is removed at opening");
	ok(there(TREE_WORK "/new-1"), "what is being made is not");
	tree_create(&t, "C", NULL, &err);
	ok(!there(TREE_WORK "/new-1"), "but by who has the lock");
	tree_delete(&t, "C", &err);
}

static void
test_rename(void)
{
	is_str(result(tree_rename(&t, "no", "x", &err)), "5.1.1", "none");
	is_str(result(tree_rename(&t, "B", "A!", &err)), "5.1.2", "taken");
	is_str(result(tree_rename(&t, "B", "B", &err)), "5.1.2", "itself");
	is_str(result(tree_rename(&t, "B", "inbox", &err)), "5.1.2",
	    "not INBOX");
	is_str(result(tree_rename(&t, "B", "B/C", &err)), "5.1.3",
	    "not below itself");
	is_int(tree_rename(&t, "B", "Z/Y", &err), 0, "one folder");
	is_int(tree_rename(&t, "A", "N/M", &err), 0, "a name with children");
	is_str(list(), "INBOX+! INBOX/x A! N-+ N/M-+ N/M/B! Z-+ Z/Y",
	    "renamed");
	tree_create(&t, "Q/B/C", NULL, &err);
	tree_create(&t, "Q/B/B/C", NULL, &err);
	tree_create(&t, "Q/B/B", NULL, &err);
	tree_create(&t, "Q/B", NULL, &err);
	put(".Q.B.B.C/cur/this", "x");
	is_int(tree_rename(&t, "Q/B", "Q", &err), 0, "to the name above");
	is_str(list(), "INBOX+! INBOX/x A! N-+ N/M-+ N/M/B! Q+ Q/B+ Q/B/C "
	    "Q/C Z-+ Z/Y", "all one up");
	ok(there(".Q.B.C/cur/this"), "and each is the right one");
	tree_create(&t, "R/B/C", NULL, &err);
	is_str(result(tree_rename(&t, "Q", "R", &err)), "5.1.2",
	    "a child is there");
	is_int(tree_rename(&t, "R", "state", &err), 0, "to state");
	is_int(tree_rename(&t, "state/B", "state/D", &err), 0, "and below");
	is_int(tree_exists(&t, "state/D/C", &err), 1, "is no state of ours");
	tree_delete(&t, "state/D/C", &err);
	put(TREE_JOURNAL, ".Q/.V\n.Q.B/.V.B\n.Q.B.C/.V.B.C\n.Q.C/.V.C\n"
	    ".Z.Y/../x\n.N.M.B/.N");
	renameat(t.maildir, ".Q", t.maildir, ".V");
	tree_close(&t);
	tree_open(&t, tap_dir(), 0, "h", &err);
	is_str(list(), "INBOX+! INBOX/x A! N-+ N/M-+ N/M/B! V+ V/B+ V/B/C "
	    "V/C Z-+ Z/Y", "a rename that was cut off is finished");
	ok(!there(TREE_JOURNAL), "once");
	put(TREE_JOURNAL, ".state/.gone\n../.V.x\n.V/..\n.V/..x\n.V/.a..b\n"
	    ".V/.state\n.Z.Y/.x/y\n.V/.\n..V/.x\n");
	tree_close(&t);
	tree_open(&t, tap_dir(), 0, "h", &err);
	is_str(list(), "INBOX+! INBOX/x A! N-+ N/M-+ N/M/B! V+ V/B+ V/B/C "
	    "V/C Z-+ Z/Y", "a journal that names no folders moves nothing");
	ok(there(".state"), "nor what is the store's own");
}

static void
test_subscribe(void)
{
	tree_delete(&t, "INBOX/x", &err);
	tree_delete(&t, "N/M/B", &err);
	tree_delete(&t, "V", &err);
	tree_delete(&t, "V/B", &err);
	tree_delete(&t, "V/B/C", &err);
	put("subscriptions", "Z.Y\nEntw&APw-rfe\nV.C\n\n&bad\n");
	is_str(list(), "INBOX! A! Entw\xc3\xbcrfe-* V-+ V/C* Z-+ Z/Y*",
	    "Dovecot's file is read");
	put("subscriptions", "V\t2\n\nZ\tY\nA.b\n");
	is_str(list(), "INBOX! A! A.b-* V-+ V/C Z-+ Z/Y*", "version 2, too");
	is_int(tree_subscribe(&t, "V", true, &err), 0, "a name");
	is_int(tree_subscribe(&t, "inbox", true, &err), 0, "INBOX");
	is_int(tree_subscribe(&t, "A.b", false, &err), 0, "taken away");
	is_int(tree_subscribe(&t, "none", false, &err), 0, "none: fine");
	is_str(result(tree_subscribe(&t, "a//b", true, &err)), "5.1.3",
	    "a bad name");
	put("subscriptions", "A!\n");
	is_str(list(), "INBOX*! A! V-+* V/C Z-+ Z/Y*", "ours holds");
	tree_subscribe(&t, "V", false, &err);
	tree_subscribe(&t, "INBOX", false, &err);
	tree_subscribe(&t, "Z/Y", false, &err);
	is_str(list(), "INBOX! A! V-+ V/C Z-+ Z/Y", "also when it is empty");
}

static void
add_meta(void *ctx, const char *entry, struct slice value)
{
	struct str *s = ctx;

	str_addf(s, "%s=", entry);
	str_addsl(s, value);
	str_addc(s, ';');
}

static const char *
meta(const char *folder)
{
	static struct str s = STR_INIT;

	str_reset(&s);
	if (tree_meta_each(&t, folder, add_meta, &s, &err) < 0)
		return err.dsn;
	return s.s;
}

static void
test_special(void)
{
	is_int(tree_create(&t, "Sent", "\\sent", &err), 0, "with a use");
	is_str(list(), "INBOX! A! Sent\\Sent V-+ V/C Z-+ Z/Y", "listed");
	is_str(result(tree_create(&t, "S2", "\\Sent", &err)), "5.1.4",
	    "there is one");
	is_int(tree_exists(&t, "S2", &err), 0, "and no folder then");
	is_str(result(tree_special(&t, "A!", "\\Sent", &err)), "5.1.4",
	    "not by a change");
	is_str(result(tree_special(&t, "A!", "\\All", &err)), "5.1.4",
	    "no such use");
	is_int(tree_special(&t, "Sent", "\\Sent", &err), 0, "the same again");
	is_int(tree_special(&t, "Sent", "\\Junk", &err), 0, "another");
	is_int(tree_special(&t, "A!", "\\Sent", &err), 0, "now free");
	is_int(tree_rename(&t, "Sent", "Spam", &err), 0, "renamed");
	is_str(list(), "INBOX! A!\\Sent Spam\\Junk V-+ V/C Z-+ Z/Y",
	    "it keeps its use");
	tree_special(&t, "A!", NULL, &err);
	is_str(list(), "INBOX! A! Spam\\Junk V-+ V/C Z-+ Z/Y", "taken away");
	is_str(meta("Spam"), "/private/specialuse=\\Junk;",
	    "it is an annotation");
	is_int(tree_meta_set(&t, "A!", "/private/specialUse",
	    SLICE_LIT("\\Sent"), &err), 0, "and may be set as one");
	is_str(list(), "INBOX! A!\\Sent Spam\\Junk V-+ V/C Z-+ Z/Y", "so");
}

/* a folder with annotations of 2 MiB, and without any */
static void
large(int i, off_t size)
{
	char *path = xasprintf(".L%d", i);
	int fd;

	mkdirat(t.maildir, path, 0700);
	free(path);
	path = xasprintf(".L%d/.state", i);
	mkdirat(t.maildir, path, 0700);
	free(path);
	path = xasprintf(".L%d/.state/meta", i);
	put(path, "");
	fd = openat(t.maildir, path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || ftruncate(fd, size) < 0)
		die("%s: %s", path, strerror(errno));
	close(fd);
	free(path);
}

static void
test_meta(void)
{
	char *big = xcalloc(1, META_MAX + 1);
	struct str many = STR_INIT;
	int i;

	tree_meta_set(&t, "A!", "/Private/Comment", SLICE_LIT("a%\n\0b "),
	    &err);
	tree_meta_set(&t, "A!", "/shared/x", SLICE_LIT(""), &err);
	ok(memcmp(meta("A!"), "/private/specialuse=\\Sent;"
	    "/private/comment=a%\n\0b ;/shared/x=;", 62) == 0,
	    "any bytes, entries in lower case, empty is not none");
	tree_meta_set(&t, "A!", "/private/comment", SLICE_LIT("b"), &err);
	tree_meta_set(&t, "A!", "/shared/x", SLICE_NULL, &err);
	is_str(meta("A!"), "/private/specialuse=\\Sent;"
	    "/private/comment=b;", "changed and removed");
	is_int(tree_special(&t, "A!", NULL, &err), 0, "use away");
	is_str(meta("A!"), "/private/comment=b;", "the others stay");
	tree_meta_set(&t, "", "/shared/admin", SLICE_LIT("mailto:x"), &err);
	is_str(meta(""), "/shared/admin=mailto:x;", "the server");
	is_str(meta("INBOX"), "", "is not INBOX");
	is_str(meta("no"), "5.1.1", "of no folder");
	is_str(result(tree_meta_set(&t, "", "/public/x", SLICE_LIT("x"),
	    &err)), "5.1.3", "neither private nor shared");
	is_str(result(tree_meta_set(&t, "", "/shared//x", SLICE_LIT("x"),
	    &err)), "5.1.3", "an empty part");
	is_str(result(tree_meta_set(&t, "", "/shared/*", SLICE_LIT("x"),
	    &err)), "5.1.3", "a wildcard");
	is_int(tree_meta_set(&t, "", "/shared/admin",
	    (struct slice){ big, META_MAX }, &err), 0, "64 KiB");
	is_str(result(tree_meta_set(&t, "", "/shared/admin",
	    (struct slice){ big, META_MAX + 1 }, &err)), "5.2.2", "more");
	for (i = 0; i < 9; i++)
		large(i, 2 << 20);
	is_int(tree_meta_set(&t, "", "/shared/admin", SLICE_LIT("less"),
	    &err), 0, "less is always fine");
	is_str(result(tree_meta_set(&t, "", "/shared/admin",
	    (struct slice){ big, META_MAX }, &err)), "5.2.2",
	    "all folders together have enough");
	for (i = 0; i < 9; i++)
		large(i, 0);
	str_adds(&many, "postrider-meta 1\n");
	for (i = 1; i < META_ENTRIES; i++)
		str_addf(&many, "set /private/n%d x\n", i);
	put(".A!/.state/meta", many.s);
	is_int(tree_meta_set(&t, "A!", "/private/last", SLICE_LIT("x"),
	    &err), 0, "a thousand entries");
	is_str(result(tree_meta_set(&t, "A!", "/private/more",
	    SLICE_LIT("x"), &err)), "5.2.2", "and no more");
	put(".A!/.state/meta", "postrider-meta 1\nset  y\nset x y\n"
	    "set /private/x y\n");
	is_str(meta("A!"), "/private/x=y;", "a damaged line is passed over");
	put(".A!/.state/meta", "garbage\nset /private/x y\n");
	is_str(meta("A!"), "", "what is not ours is nothing");
	str_free(&many);
	free(big);
}

static void
test_quota(void)
{
	uint64_t bytes = 0, count = 0;

	put("new/3.c,S=100", "x");
	put(".V.C/cur/4.c,S=50:2,", "x");
	is_int(tree_quota(&t, &bytes, &count, &err), 0, "no limit");
	is_int(bytes, 151, "is counted all the same");
	is_int(count, 3, "messages");
	ok(!there("maildirsize"), "and not written");
}

static void
test_inbox(void)
{
	struct mailbox_place p;
	struct mailbox *mb;
	char id[33];

	tree_place(&t, "INBOX", &p, &err);
	mb = mailbox_open(&p, 0, &err);
	is_int(mb->n, 2, "two messages");
	slice_copy(id, sizeof(id), slice_of(mb->id));
	is_str(result(tree_rename(&t, "INBOX", "A!", &err)), "5.1.2",
	    "INBOX to a name that is taken");
	is_int(tree_rename(&t, "inbox", "Old", &err), 0, "INBOX renamed");
	mailbox_refresh(mb, &err);
	is_int(mb->n - mb->gone, 0, "its messages went");
	is_str(mb->id, id, "it is the one it was");
	mailbox_close(mb);
	tree_place_end(&p);
	tree_place(&t, "Old", &p, &err);
	mb = mailbox_open(&p, 0, &err);
	is_int(mb->n, 2, "to the new folder");
	ok(mb->n == 2 && there(".Old/cur") && mb->uidnext == 3,
	    "in their order");
	mailbox_close(mb);
	tree_place_end(&p);
}

/* A child changes folders until it is killed; what is found is whole. */
static void
busy(unsigned n)
{
	for (;; n++) {
		tree_create(&t, "K/a", NULL, &err);
		tree_create(&t, "K/a/b", NULL, &err);
		tree_create(&t, "K/a/b/c", "\\Trash", &err);
		put(".K.a.b.c/cur/m", "x");
		tree_rename(&t, "K/a", "K/z", &err);
		tree_rename(&t, "K/z/b", "K/a", &err);
		tree_subscribe(&t, "K/a", n & 1, &err);
		tree_delete(&t, "K/a/c", &err);
		tree_delete(&t, "K/a", &err);
		tree_delete(&t, "K/z", &err);
	}
}

/* every folder is complete, and each of the two children moves with its
 * parent */
static bool
is_whole(void)
{
	static const char *const subs[] = { "cur", "new", "tmp", ".state" };
	struct folder_list l;
	char path[400];
	size_t i, j;
	bool good = true;

	arena_reset(&arena);
	if (tree_list(&t, &arena, &l, &err) < 0)
		return false;
	for (i = 0; i < l.n; i++) {
		struct str dir = STR_INIT;

		if (strncmp(l.v[i].name, "K/", 2) != 0 ||
		    !(l.v[i].flags & FOLDER_EXISTS))
			continue;
		tree_dir(l.v[i].name, &dir, &err);
		for (j = 0; j < ARRAY_LEN(subs); j++) {
			snprintf(path, sizeof(path), "%s/%s", dir.s, subs[j]);
			good = good && there(path);
		}
		str_free(&dir);
	}
	/* a and z are never there with the other's children */
	return good && !(there(".K.a") && there(".K.z.b")) &&
	    !there(TREE_JOURNAL);
}

static void
test_kill(void)
{
	int i, status, good = 0;
	pid_t pid;

	for (i = 0; i < 40; i++) {
		pid = fork();
		if (pid == 0)
			busy((unsigned)i);
		usleep(3000 + (useconds_t)random_below(30000));
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		tree_close(&t);
		if (tree_open(&t, tap_dir(), 0, "h", &err) < 0)
			break;
		good += is_whole();
		tree_delete(&t, "K/a/b/c", &err);
		tree_delete(&t, "K/a/b", &err);
		tree_delete(&t, "K/a/c", &err);
		tree_delete(&t, "K/a", &err);
		tree_delete(&t, "K/z/b/c", &err);
		tree_delete(&t, "K/z/b", &err);
		tree_delete(&t, "K/z", &err);
	}
	is_int(good, 40, "killed 40 times, whole each time");
}

int
main(void)
{
	struct stat st;

	test_names();
	if (tree_open(&t, tap_dir(), 0, "h", &err) < 0)
		die("%s", err.text);
	ok(t.index >= 0 && fstat(t.index, &st) == 0, "an index directory");
	test_create();
	test_place();
	test_delete();
	test_rename();
	test_subscribe();
	test_special();
	test_meta();
	test_quota();
	test_inbox();
	test_kill();
	tree_close(&t);
	is_str(result(tree_open(&t, "/nonexistent", 0, "h", &err)), "4.3.0",
	    "a home that is not there");
	tree_close(&t);
	arena_free(&arena);
	return tap_done();
}
