/* serve_jail_test.c - a jail is closed around what was looked at */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "serve/jail.h"
#include "test/tap.h"

static char *
make(const char *name)
{
	char *path = xasprintf("%s/%s", tap_dir(), name), *file;

	file = xasprintf("%s/mail", path);
	if (mkdir(path, 0700) < 0 || close(open(file, O_CREAT | O_WRONLY |
	    O_CLOEXEC, 0600)) < 0)
		die("make %s: %s", path, strerror(errno));
	free(file);
	return path;
}

/* In a jail with path, looked at as fd: the file can be opened there? */
static bool
opens(int fd, const char *path)
{
	const struct jail jail = { .groups = JAIL_FILES };
	char *file = xasprintf("%s/mail", path);
	struct err err = ERR_INIT;
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		jail_path_of(fd, path, PATH_READ);
		if (jail_enter(&jail, &err) < 0)
			_exit(2);
		_exit(open(file, O_RDONLY | O_CLOEXEC) >= 0);
	}
	free(file);
	waitpid(pid, &status, 0);
	if (WEXITSTATUS(status) == 2)
		die("no jail");
	return WEXITSTATUS(status) == 1;
}

int
main(void)
{
	char *shared = make("shared"), *other = make("other"), *away;
	int fd = open(shared, O_PATH | O_DIRECTORY | O_CLOEXEC);

	away = xasprintf("%s/away", tap_dir());
	ok(opens(fd, shared), "what was looked at can be opened");
	if (rename(shared, away) < 0 || symlink(other, shared) < 0)
		die("rename: %s", strerror(errno));
	ok(!opens(fd, shared), "what its name leads to meanwhile can not");
	if (unlink(shared) < 0 || rename(other, shared) < 0)
		die("rename: %s", strerror(errno));
	ok(!opens(fd, shared), "nor what has its name now");
	ok(opens(fd, away), "by its new name it is what it was");
	close(fd);
	free(shared);
	free(other);
	free(away);
	return tap_done();
}
