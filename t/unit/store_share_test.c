/* store_share_test.c - addresses of homes; locks that somebody keeps */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "store/acl.h"
#include "store/dir.h"
#include "store/side.h"
#include "store/store.h"
#include "test/tap.h"

static const char *dir;

static void
test_addresses(void)
{
	static const struct { const char *mailbox, *address, *name; } t[] = {
		{ "example.test/ann", "ann@example.test", "ann@example.test" },
		{ "Example.Test/Ann", "ann@example.test", "ann@example.test" },
		{ "example.test/a/b", "a/b@example.test",
		    "a%2Fb@example.test" },
		{ "example.test/50%", "50%@example.test",
		    "50%25@example.test" },
		{ "example.test/%2f", "%2f@example.test",
		    "%252f@example.test" },
		{ "example.test/.dot", ".dot@example.test",
		    "%2Edot@example.test" },
	};
	struct str home = STR_INIT, s = STR_INIT;
	struct err err;
	size_t i;

	for (i = 0; i < ARRAY_LEN(t); i++) {
		str_reset(&home);
		store_home(&home, t[i].mailbox, &err);
		str_reset(&s);
		share_address(t[i].mailbox, &s);
		is_str(s.s, t[i].address, "the address of %s", t[i].mailbox);
		str_reset(&s);
		share_owner(home.s, &s);
		is_str(s.s, t[i].address, "of its home");
		str_reset(&s);
		share_name(home.s, &s);
		is_str(s.s, t[i].name, "in the name of a folder");
	}
	str_reset(&s);
	is_int(share_owner(".public", &s), -1, "public folders have no owner");
	str_free(&home);
	str_free(&s);
}

/* an open file description of its own, as another process has */
static int
hold(const char *path)
{
	struct err err;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || dir_lock(fd, path, 0, &err) < 0)
		die("hold %s: %s", path, strerror(errno));
	return fd;
}

static void
test_locks(void)
{
	struct share_place p = { dir, "example.test/ann", "." };
	struct acl_entry e = { "bob@example.test", false, ACL_READ };
	char *path = xasprintf("%s/.shared/.lock", dir);
	char *acl = xasprintf("%s/.state/acl.lock", dir);
	char *state = xasprintf("%s/.state", dir);
	struct err err = ERR_INIT;
	int fd, d = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int64_t start;
	bool left = true;

	share_make(dir);
	mkdir(state, 0700);
	is_int(share_note(&p, "bob@example.test", true, &err), 0, "noted");
	fd = hold(path);
	start = mono_ms();
	is_int(share_note(&p, "bob@example.test", false, &err), -1,
	    "not while somebody keeps the lock: %s", err.text);
	is_str(err.dsn, "4.2.0", "that is temporary");
	ok(mono_ms() - start < 2 * DIR_LOCK_MS, "and does not wait for ever");
	close(fd);
	is_int(share_note(&p, "bob@example.test", false, &err), 0, "later");
	fd = hold(acl);
	is_int(acl_change(d, &e, ACL_SET, &left, &err), -1,
	    "nor is a list changed: %s", err.text);
	close(fd);
	is_int(acl_change(d, &e, ACL_SET, &left, &err), 0, "but later");
	close(d);
	free(path);
	free(acl);
	free(state);
}

static void
test_side(void)
{
	static const struct side_kind kind = { .name = "test.db",
		.application = 0x7465, .version = 1,
		.schema = "CREATE TABLE t (k INTEGER PRIMARY KEY);" };
	int index = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int other = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct side s;
	int64_t start = mono_ms();

	side_init(&s, &kind, index);
	flock(other, LOCK_EX);
	ok(!side_ready(&s), "nor is derived data waited for");
	ok(mono_ms() - start < 8000, "but a moment");
	start = mono_ms();
	ok(!side_ready(&s) && mono_ms() - start < 1000, "once a session");
	side_close(&s);
	close(other);
	ok(side_ready(&s), "the next has it");
	side_close(&s);
	close(index);
}

int
main(void)
{
	dir = tap_dir();
	test_addresses();
	test_locks();
	test_side();
	return tap_done();
}
