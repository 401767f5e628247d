/*
 * instance.c - which instance, and is it running.
 */
#include "conf/common.h"
#include "ctl.h"
#include "map/map.h"

#include <signal.h>
#include <sys/stat.h>
#include <spawn.h>
#include <sys/wait.h>

extern char **environ;

#ifndef PATH_DEFAULTS
#define PATH_DEFAULTS "/usr/local/share/postrider/conf"
#endif

/* DIR/conf is the conf directory, or, for /etc/postrider, DIR itself */
int
instance_load(struct err *err)
{
	char *sub = xasprintf("%s/conf", instance);
	char *file = xasprintf("%s/common.conf", sub);
	char *own = xasprintf("%s/common.conf", instance);
	int r;

	if (access(file, F_OK) != 0 && access(own, F_OK) != 0 &&
	    errno == EACCES)
		r = err_perm(err, "5.3.5", "%s: only root and its owner may "
		    "look there", instance);
	else if (access(file, F_OK) != 0 && access(own, F_OK) != 0)
		r = err_perm(err, "5.3.5", "%s is no instance (there is no "
		    "conf/common.conf); see -i and `postrider init'",
		    instance);
	else
		r = common_load(access(file, F_OK) == 0 ? sub : instance, err);
	if (r == 0)
		map_set_dir(common.conf_dir);
	free(sub);
	free(file);
	free(own);
	return r;
}

/* dead, and only not waited for by whoever is its parent now */
static bool
is_zombie(pid_t pid)
{
	char path[64], *text, *paren;
	bool yes;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	text = read_file(path, 4096, &n);
	if (text == NULL)
		return false;
	paren = strrchr(text, ')');
	yes = paren != NULL && strncmp(paren, ") Z", 3) == 0;
	free(text);
	return yes;
}

bool
pid_alive(pid_t pid)
{
	return (kill(pid, 0) == 0 || errno != ESRCH) && !is_zombie(pid);
}

pid_t
instance_pid(void)
{
	size_t n;
	char *text = read_file(common_path(common.run_dir, "master.pid"), 64,
	    &n);
	uint64_t pid = 0;

	if (text == NULL)
		return 0;
	if (!slice_u64(slice_trim((struct slice){ text, n }), INT32_MAX, &pid))
		pid = 0;
	free(text);
	return pid != 0 && pid_alive((pid_t)pid) ? (pid_t)pid : 0;
}

bool
may_ask(const char *socket)
{
	const char *path = socket_path(socket);
	struct stat st;

	if (access(path, W_OK) == 0 || errno != EACCES)
		return true;
	if (stat(common.run_dir, &st) == 0 && st.st_uid != 0)
		fail("only root and uid %u, who started %s, may ask %s",
		    (unsigned)st.st_uid, common.instance_dir, socket);
	else
		fail("only root may ask %s: try sudo", socket);
	return false;
}

int
run_program(const char *path, char *const argv[])
{
	int r, status;
	pid_t pid;

	r = posix_spawn(&pid, path, NULL, NULL, argv, environ);
	if (r != 0)
		return fail("cannot run %s: %s", path, strerror(r));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return fail("%s is lost: %s", path, strerror(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILED;
}

const char *
defaults_dir(void)
{
	char self[PATH_MAX], *slash;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *path;
	int i;

	for (i = 0; i < 2 && n > 0; i++) {
		self[i == 0 ? n : (ssize_t)strlen(self)] = '\0';
		slash = strrchr(self, '/');
		if (slash != NULL)
			*slash = '\0';
	}
	if (n > 0) {
		path = arena_printf(&ctl_arena, "%s/conf", self);
		if (access(arena_printf(&ctl_arena, "%s/master.conf", path),
		    R_OK) == 0)
			return path;
	}
	return PATH_DEFAULTS;
}
