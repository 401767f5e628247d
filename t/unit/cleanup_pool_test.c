/*
 * cleanup_pool_test.c - content files kept ready: their directory is synced
 * before one is handed out, and none stays behind or grows old.
 */
#include <dirent.h>
#include <sys/stat.h>

#include "../../cleanup/cleanup.h"
#include "base/clock.h"
#include "conf/common.h"
#include "test/tap.h"

/* --- instead of spool.c -------------------------------------------------- */

static char synced[256][QID_SIZE];	/* files that a sync has found */
static size_t nsynced;
static int syncs, no_sync;

static size_t
list(const char *path, char (*names)[QID_SIZE], size_t max)
{
	DIR *d = opendir(path);
	struct dirent *e;
	size_t n = 0;

	while (d != NULL && n < max && (e = readdir(d)) != NULL)
		if (qid_valid(e->d_name))
			slice_copy(names[n++], QID_SIZE, slice_of(e->d_name));
	if (d != NULL)
		closedir(d);
	return n;
}

int
spool_sync_dir(const char *q, struct err *err)
{
	struct str dir = STR_INIT;

	syncs++;
	content_dir(&dir, common.spool_dir, q);
	nsynced = list(dir.s, synced, ARRAY_LEN(synced));
	str_free(&dir);
	return no_sync ? err_temp(err, "4.3.0", "no sync") : 0;
}

void
spool_remove(const char *q)
{
	struct err err = ERR_INIT;

	is_int(content_remove(common.spool_dir, q, &err), 1, "%s is removed",
	    q);
}

/* --- the tests ------------------------------------------------------------ */

static size_t
files(void)
{
	static char names[256][QID_SIZE];
	struct str dir = STR_INIT;
	size_t n = 0;
	int i;

	for (i = 0; i < 256; i++) {
		str_reset(&dir);
		str_addf(&dir, "%s/content/%02x", common.spool_dir, i);
		n += list(dir.s, names, ARRAY_LEN(names));
	}
	str_free(&dir);
	return n;
}

static bool
was_synced(const char *q)
{
	size_t i;

	for (i = 0; i < nsynced; i++)
		if (strcmp(synced[i], q) == 0)
			return true;
	return false;
}

/* takes one and removes it: its id */
static const char *
take(void)
{
	static char q[QID_SIZE];
	struct err err = ERR_INIT;
	struct stat st;
	int fd = -1;

	if (pool_take(q, &fd, &err) < 0)
		return err.dsn[0] != '\0' ? "failed" : "no reason";
	ok(qid_valid(q), "%s is an id", q);
	ok(was_synced(q), "its directory was synced with it");
	ok(fstat(fd, &st) == 0 && st.st_size == 0 && st.st_nlink == 1,
	    "an empty file");
	close_fd(fd);
	spool_remove(q);
	return q;
}

static void
test_growth(void)
{
	static const size_t left[] = { 0, 1, 0, 3, 2, 1, 0, 7 };
	char last[QID_SIZE] = "";
	const char *q;
	size_t i;

	for (i = 0; i < ARRAY_LEN(left); i++) {
		q = take();
		ok(strcmp(q, last) > 0, "ids are in order");
		slice_copy(last, sizeof(last), slice_of(q));
		is_int(files(), left[i], "files after message %zu", i + 1);
	}
	is_int(syncs, 4, "one sync serves many");
	for (i = 0; i < 100; i++)
		take();
	ok(files() < 16, "at most 16 are made");
	pool_empty();
	is_int(files(), 0, "none stays at the end");
	pool_empty();
	take();
	is_int(files(), 0, "it begins anew with one");
}

static void
test_trouble(void)
{
	int before = syncs;

	pool_empty();
	take();
	take();
	is_int(files(), 1, "one is left");
	pool_empty();
	no_sync = 1;
	is_str(take(), "failed", "the sync fails");
	is_int(files(), 0, "and leaves nothing");
	no_sync = 0;
	ok(qid_valid(take()), "and is tried again");
	is_int(files(), 0, "with one");
	ok(syncs > before, "synced");
	common.spool_dir = "/nonexistent";
	pool_empty();
	is_str(take(), "failed", "no directory");
}

/* the clock is what makes them old: it leaps, for the pool */
static int64_t leap;

int64_t __wrap_wall_s(void);
int64_t __real_wall_s(void);
int64_t
__wrap_wall_s(void)
{
	return __real_wall_s() + leap;
}

static void
test_age(void)
{
	static const int64_t by[] = { 31, 7200, -5 };
	char old[QID_SIZE];
	size_t i;
	int before;

	for (i = 0; i < ARRAY_LEN(by); i++) {
		pool_empty();
		take();
		slice_copy(old, sizeof(old), slice_of(take()));
		is_int(files(), 1, "one is left");
		before = syncs;
		leap += by[i];
		take();
		is_int(syncs, before + 1, "%lld s: a new one is made",
		    (long long)by[i]);
		is_int(files(), 0, "the old one is gone");
	}
	pool_empty();
	take();
	take();
	before = syncs;
	leap += 20;
	take();
	is_int(syncs, before, "20 s: it is taken");
}

int
main(void)
{
	char *content;

	common.spool_dir = tap_dir();
	content = xasprintf("%s/content", common.spool_dir);
	if (mkdir(content, 0700) < 0)
		die("%s: %s", content, strerror(errno));
	free(content);
	test_growth();
	test_age();
	test_trouble();
	return tap_done();
}
