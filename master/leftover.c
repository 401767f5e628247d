/*
 * leftover.c - children of a master that was killed may still be serving; they
 * hold the listeners (and, a hub, its data).  We hold the instance's lock, so
 * whoever runs for this instance is such a one: asked to end, then killed.
 * They lose no mail by it: what was answered is on disk.  But a child whose
 * parent is a master tells that somebody removed the lock file of one that
 * runs: then it is we who go.
 */
#include "base/clock.h"
#include "master.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

enum { CMDLINE_MAX = 4096, ASK_MS = 3000, KILL_MS = 2000 };

/* the parent of a process, where that is a master; else 0 */
static pid_t
master_of(pid_t pid)
{
	char path[64], *text, *name;
	struct slice rest, word;
	uint64_t parent = 0;
	size_t n;

	/* "12 (name) S 1 ...": only the name may hold blanks */
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	text = read_file(path, CMDLINE_MAX, &n);
	rest = slice_of(text != NULL ? strrchr(text, ')') : NULL);
	if (!slice_word(&rest, &word) || !slice_word(&rest, &word) ||
	    !slice_word(&rest, &word) || !slice_u64(word, INT32_MAX, &parent))
		parent = 0;
	free(text);
	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)parent);
	text = parent > 1 ? read_file(path, CMDLINE_MAX, &n) : NULL;
	if (text == NULL)
		return 0;
	name = strrchr(text, '/');
	if (strcmp(name != NULL ? name + 1 : text, "master") != 0)
		parent = 0;
	free(text);
	return (pid_t)parent;
}

/* is it PROGRAM -c CONFDIR -M service=..., by one of our users? */
static bool
is_leftover(pid_t pid)
{
	char path[64], want[PATH_MAX + 32];
	size_t n, first;
	char *cmd;
	bool yes;
	int len;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	cmd = read_file(path, CMDLINE_MAX, &n);
	if (cmd == NULL)
		return false;
	len = snprintf(want, sizeof(want), "-c%c%s%c-M%cservice=", 0, conf_dir,
	    0, 0);
	first = strnlen(cmd, n) + 1;
	yes = pid != getpid() && first < n && n - first > (size_t)len &&
	    memcmp(cmd + first, want, (size_t)len) == 0;
	free(cmd);
	return yes;
}

/* how many there are; sig 0: only counted; *owner: the master of one */
static int
signal_all(int sig, pid_t *owner)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	uint64_t pid;
	int n = 0;

	while (d != NULL && (e = readdir(d)) != NULL)
		if (slice_u64(slice_of(e->d_name), INT32_MAX, &pid) &&
		    is_leftover((pid_t)pid)) {
			n++;
			if (sig != 0)
				(void)kill((pid_t)pid, sig);
			if (owner != NULL && *owner == 0)
				*owner = master_of((pid_t)pid);
		}
	if (d != NULL)
		closedir(d);
	return n;
}

static bool
all_gone(int within_ms)
{
	int64_t until = mono_ms() + within_ms;

	while (signal_all(0, NULL) > 0) {
		if (mono_ms() > until)
			return false;
		poll(NULL, 0, 20);
	}
	return true;
}

int
leftover_end(struct err *err)
{
	pid_t owner = 0;

	if (signal_all(0, &owner) == 0)
		return 0;
	if (owner != 0)
		return err_temp(err, "4.3.5", "master is running already "
		    "(pid %d) without its lock file", (int)owner);
	(void)signal_all(SIGTERM, NULL);
	if (!all_gone(ASK_MS)) {
		(void)signal_all(SIGKILL, NULL);
		(void)all_gone(KILL_MS);
	}
	return 1;
}
