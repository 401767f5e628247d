/*
 * store_state_fuzz.c - small files of a mailbox, which its user's programs
 * write and others may have: rights, quota, subscriptions, annotations, who
 * shares what.  The first octet says which it is.  What is read is changed and
 * read again.
 */
#include <fcntl.h>

#include "home.h"
#include "store/acl.h"
#include "store/quota.h"
#include "store/store.h"
#include "store/tree_part.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { RIGHTS, QUOTA, SUBSCRIPTIONS, FOREIGN_SUBSCRIPTIONS, ANNOTATIONS,
	SHARES, KINDS_ };
static const char *const files[KINDS_] = { ".state/acl", "maildirsize",
	".state/subscriptions", "subscriptions", ".state/meta",
	"../../../.shared/bob@example.org" };

static struct tree tree;
static int maildir = -1;

static void
begin(void)
{
	struct str path = STR_INIT;
	struct err err;

	if (maildir >= 0)
		return;
	home_begin();
	if (store_user_make(home, "example.org/ann", "", &err) < 0)
		die("store_user_make: %s", err.text);
	share_make(home);
	str_addf(&path, "%s/example.org/ann", home);
	if (tree_open(&tree, path.s, 0, "h", &err) < 0)
		die("tree_open: %s", err.text);
	str_adds(&path, "/Maildir");
	maildir = open(path.s, O_PATH | O_DIRECTORY | O_CLOEXEC);
	str_free(&path);
}

static void
put(const char *name, const void *p, size_t n)
{
	int fd = openat(maildir, name, O_WRONLY | O_CREAT | O_TRUNC |
	    O_CLOEXEC, 0600);

	if (fd < 0 || full_write(fd, p, n) < 0)
		die("%s: %s", name, strerror(errno));
	close(fd);
}

static void
rights(struct arena *a)
{
	struct acl_entry e = { .id = "bob@example.org",
		.rights = ACL_LOOKUP };
	struct str text = STR_INIT;
	struct acl l;
	struct err err;
	unsigned was;
	bool left;
	size_t i;

	if (acl_read(maildir, a, &l, &err) < 0)
		return;
	assert(l.n <= ACL_ENTRIES_MAX);
	for (i = 0; i < l.n; i++) {
		assert(strlen(l.v[i].id) <= ACL_ID_MAX);
		str_reset(&text);
		acl_print(l.v[i].rights, &text);
		assert(acl_parse(slice_str(&text), &was) == 1 &&
		    was == l.v[i].rights);
	}
	was = acl_rights(&l, "carol@example.org");
	if (acl_change(maildir, &e, ACL_SET, &left, &err) == 0) {
		if (acl_read(maildir, a, &l, &err) < 0)
			die("acl_read: %s", err.text);
		assert(left && acl_rights(&l, "carol@example.org") == was);
	}
	str_free(&text);
}

static void
quota(void)
{
	struct quota_use u;
	struct err err;

	if (quota_used(maildir, 1000000, &u, &err) == 0)
		quota_add(maildir, 5, 1);
	quota_fits(maildir, 1000000, 5, &u, &err);
}

static void
subscriptions(void)
{
	struct str was = STR_INIT, is = STR_INIT;
	struct err err;

	if (tree_subscribed(&tree, &was, &err) == 0 &&
	    tree_subscribe(&tree, "new", true, &err) == 0 &&
	    tree_subscribe(&tree, "new", false, &err) == 0) {
		if (tree_subscribed(&tree, &is, &err) < 0)
			die("tree_subscribed: %s", err.text);
		assert(is.len <= was.len);
	}
	str_free(&was);
	str_free(&is);
}

static void
count(void *ctx, const char *entry, struct slice value)
{
	assert(entry[0] != '\0' && value.n <= 2 << 20);
	++*(size_t *)ctx;
}

static void
annotations(void)
{
	struct err err;
	size_t n = 0, now = 0;

	if (tree_meta_each(&tree, "INBOX", count, &n, &err) < 0 ||
	    tree_meta_set(&tree, "INBOX", "/private/x", SLICE_LIT("y\n%"),
	    &err) < 0)
		return;
	if (tree_meta_each(&tree, "INBOX", count, &now, &err) < 0)
		die("tree_meta_each: %s", err.text);
	assert(now == n || now == n + 1);
}

static void
share(void *ctx UNUSED, const struct share_place *p, const char *name)
{
	assert(name[0] != '\0' && p->home[0] != '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena a = { 0 };
	int kind;

	begin();
	if (n == 0)
		return 0;
	kind = data[0] % KINDS_;
	put(files[kind], data + 1, n - 1);
	if (kind == RIGHTS)
		rights(&a);
	else if (kind == QUOTA)
		quota();
	else if (kind == ANNOTATIONS)
		annotations();
	else if (kind == SHARES)
		share_each(home, "bob@example.org", share, NULL);
	else
		subscriptions();
	unlinkat(maildir, files[kind], 0);
	unlinkat(maildir, ".state/subscriptions", 0);
	arena_free(&a);
	return 0;
}
