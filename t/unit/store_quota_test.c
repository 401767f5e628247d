/* store_quota_test.c - maildirsize: counting, adding, not believing it */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "store/quota.h"
#include "test/tap.h"

static int md;
static struct err err;
static struct quota_use u;

static void
put(const char *name, const char *text)
{
	int fd = openat(md, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || full_write(fd, text, strlen(text)) < 0)
		die("%s: %s", name, strerror(errno));
	close(fd);
}

static const char *
get(void)
{
	static char buf[8192];
	int fd = openat(md, "maildirsize", O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, buf, sizeof(buf) - 1);

	close_fd(fd);
	buf[MAX(n, 0)] = '\0';
	return buf;
}

static void
test_count(void)
{
	static const char *const dirs[] = { "tmp", "new", "cur", ".Sent",
		".Sent/new", ".Sent/cur", ".Trash", ".Trash/cur", ".state" };
	size_t i;

	for (i = 0; i < ARRAY_LEN(dirs); i++)
		mkdirat(md, dirs[i], 0700);
	put("new/1.a,S=100,W=110", "");
	put("cur/2.b,S=50:2,S", "");
	put("cur/3.c,S=1000:2,T", "");
	put("cur/4.foreign:2,", "12345");
	put(".Sent/cur/5.d,S=7:2,S", "");
	put(".Trash/cur/6.e,S=9999:2,S", "");
	put("tmp/7.f,S=9999", "");
	is_int(quota_fits(md, 1000, 0, &u, &err), 1, "counted");
	is_int(u.bytes, 162, "trash, T and tmp/ are left out");
	is_int(u.count, 4, "four messages");
	is_str(get(), "1000S\n162 4\n", "and written down");
}

static void
test_add(void)
{
	quota_add(md, 40, 1);
	quota_add(md, -2, -1);
	is_str(get(), "1000S\n162 4\n40 1\n-2 -1\n", "changes are lines");
	quota_used(md, 1000, &u, &err);
	is_int(u.bytes, 200, "they are summed up");
	is_int(quota_fits(md, 1000, 800, &u, &err), 1, "exactly full fits");
	put("maildirsize", "1000S\n162 4\n");
	is_int(quota_fits(md, 1000, 839, &u, &err), 0, "one more does not");
}

static const struct { const char *text, *name; } lies[] = {
	{ "2000S\n5 1\n", "another limit" },
	{ "1000S,10C\n5 1\n", "a limit of messages too" },
	{ "1000S\n5 1\n-100 0\n", "less than nothing" },
	{ "1000S\nfive 1\n", "words" },
	{ "1000S\n9223372036854775807 1\n9 9\n", "an overflow" },
	{ "1000S\n5000 1\n3 1\n", "over quota, and not just counted" },
	{ "", "nothing" },
};

static void
test_lies(void)
{
	struct timeval old[2] = { { 1000, 0 }, { 1000, 0 } };
	char big[QUOTA_FILE_MAX + 100];
	size_t i;

	for (i = 0; i < ARRAY_LEN(lies); i++) {
		put("maildirsize", lies[i].text);
		quota_used(md, 1000, &u, &err);
		is_int(u.bytes, 162, "%s: counted anew", lies[i].name);
	}
	put("maildirsize", "1000S\n5 1\n");
	futimesat(md, "maildirsize", old);
	quota_used(md, 1000, &u, &err);
	is_int(u.bytes, 162, "an old file: counted anew");
	snprintf(big, sizeof(big), "1000S\n%*s", QUOTA_FILE_MAX, "5 1\n");
	put("maildirsize", big);
	quota_used(md, 1000, &u, &err);
	is_int(u.bytes, 162, "a long file: counted anew");
	is_str(get(), "1000S\n162 4\n", "and replaced");
	put("maildirsize", "1000S\n5 1\n");
	quota_used(md, 1000, &u, &err);
	is_int(u.bytes, 5, "a good one is believed");
	put("maildirsize", "1000S\n5000 1\n");
	is_int(quota_fits(md, 1000, 1, &u, &err), 0,
	    "one that was just counted is believed when over");
	unlinkat(md, "maildirsize", 0);
	quota_add(md, 5, 1);
	is_str(get(), "", "a missing file is not begun by a change");
	if (symlinkat("new", md, "maildirsize") < 0)
		die("symlink: %s", strerror(errno));
	is_int(quota_used(md, 1000, &u, &err), 0, "a link is replaced");
	is_str(get(), "1000S\n162 4\n", "by a file");
}

int
main(void)
{
	md = open(tap_dir(), O_PATH | O_DIRECTORY);
	test_count();
	test_add();
	test_lies();
	close(md);
	return tap_done();
}
