/*
 * leftover.c - children of a master that was killed may still be serving; they
 * hold the listeners (and, a hub, its data).  We hold the instance's lock, so
 * whoever runs for this instance is such a one: asked to end, then killed.
 * They lose no mail by it: what was answered is on disk.
 */
#include "base/clock.h"
#include "master.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

enum { CMDLINE_MAX = 4096, ASK_MS = 3000, KILL_MS = 2000 };

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

/* how many there are; sig 0: only counted */
static int
signal_all(int sig)
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
		}
	if (d != NULL)
		closedir(d);
	return n;
}

static bool
all_gone(int within_ms)
{
	int64_t until = mono_ms() + within_ms;

	while (signal_all(0) > 0) {
		if (mono_ms() > until)
			return false;
		poll(NULL, 0, 20);
	}
	return true;
}

void
leftover_end(void)
{
	if (signal_all(SIGTERM) == 0 || all_gone(ASK_MS))
		return;
	(void)signal_all(SIGKILL);
	(void)all_gone(KILL_MS);
}
