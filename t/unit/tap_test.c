/* tap_test.c - what a failing check prints, and that it fails the program */
#include <sys/wait.h>

#include "test/tap.h"

static void
failing_child(void)
{
	ok(1 == 2, "one is\ntwo");
	is_str("a", NULL, "strings");
	is_int(3, 4, "numbers");
	exit(tap_done());
}

static void
empty_child(void)
{
	exit(tap_done());
}

/* run fn in a child; its output goes to buf, its exit status is returned */
static int
run(void (*fn)(void), char *buf, size_t cap)
{
	size_t len = 0;
	int p[2], status;
	ssize_t n;
	pid_t pid;

	fflush(stdout);
	if (pipe(p) == -1 || (pid = fork()) == -1)
		die("no child: %s", strerror(errno));
	if (pid == 0) {
		dup2(p[1], 1);
		close(p[0]);
		close(p[1]);
		fn();
	}
	close(p[1]);
	while ((n = read(p[0], buf + len, cap - 1 - len)) > 0)
		len += (size_t)n;
	buf[len] = '\0';
	close(p[0]);
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid: %s", strerror(errno));
	return WEXITSTATUS(status);
}

int
main(void)
{
	char out[4096], *dir;
	int st;

	st = run(empty_child, out, sizeof(out));
	is_int(st, 1, "a test without a check fails");
	is_str(out, "1..0\n# no check was made\n", "and says so");

	/* the child counts on from the two checks above */
	st = run(failing_child, out, sizeof(out));
	is_int(st, 1, "a failed check fails the test");
	ok(strstr(out, "not ok 3 - one is two\n") != NULL,
	    "the name stays on one line");
	ok(strstr(out, "#   got : \"a\"\n#   want: NULL\n") != NULL,
	    "what it got and wanted is shown");
	ok(strstr(out, "#   got 3, want 4\n") != NULL, "numbers too");

	dir = xstrdup(tap_dir());
	is_int(access(dir, W_OK | X_OK), 0, "the directory is there");
	is_str(tap_dir(), dir, "and stays the same");
	free(dir);
	return tap_done();
}
