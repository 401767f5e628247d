/*
 * store_remove_test.c - a folder is removed whose directory can not be read,
 * or not to its end.  The library reads directories with our getdents64.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "store/tree.h"
#include "store/tree_part.h"
#include "test/tap.h"

static struct tree t;
static struct err err;
static int good_reads = -1;	/* then each fails; -1 none */
static int failed;

ssize_t
getdents64(int fd, void *p, size_t n)
{
	if (good_reads == 0) {
		failed++;
		errno = EIO;
		return -1;
	}
	if (good_reads > 0)
		good_reads--;
	return syscall(SYS_getdents64, fd, p, n);
}

/* one message, whose name is longer than what led to it */
static void
folder(void)
{
	char path[300] = ".A/cur/";
	size_t len = strlen(path);
	int fd;

	is_int(tree_create(&t, "A", NULL, &err), 0, "a folder");
	memset(path + len, 'x', 240);
	fd = openat(t.maildir, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	close(fd);
}

static void
is_gone(const char *what)
{
	is_int(tree_exists(&t, "A", &err), 0, "%s: there is no such folder",
	    what);
	is_int(unlinkat(t.maildir, TREE_WORK, AT_REMOVEDIR), 0,
	    "%s: and nothing is left of it", what);
}

int
main(void)
{
	int n, before;

	if (tree_open(&t, tap_dir(), 0, "h", &err) < 0)
		die("%s", err.text);
	/* after n reads; the last time all are good */
	for (n = 0, before = -1; failed > before; n++) {
		folder();
		before = failed;
		good_reads = n;
		is_int(tree_delete(&t, "A", &err), 0, "%d reads: deleted", n);
		good_reads = -1;
		tree_sweep(&t, false);
		is_gone(failed > before ? "what stays, the next one removes" :
		    "no read fails");
	}
	ok(n > 4, "the directory, those in it, each to its end: %d", n);
	tree_close(&t);
	return tap_done();
}
