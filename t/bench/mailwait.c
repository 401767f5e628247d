/*
 * mailwait.c - bench_mailwait: wait until N messages lie in Maildirs.
 *
 *   bench_mailwait -n N [-t seconds] ROOT...
 *
 * Watches every directory "new" below the roots with inotify, prints "ready",
 * and ends when N files were moved, linked or created there, or the time is
 * over; then the files are counted once more with readdir and one JSON line
 * is printed.  Times are CLOCK_MONOTONIC seconds.  Exit status: 0 there are N
 * or more files, 1 fewer, 2 usage or the system.
 *
 * A delivery that creates the file in new/ and fills it there later would be
 * counted too early; Maildir forbids that.
 */
#include <sys/inotify.h>

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int ifd;
static char **dirs;
static size_t ndirs;

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int
visit(const char *path, const struct stat *st, int type, struct FTW *w)
{
	(void)st;
	if (type != FTW_D)
		return FTW_CONTINUE;
	if (strcmp(path + w->base, "cur") == 0 ||
	    strcmp(path + w->base, "tmp") == 0)
		return FTW_SKIP_SUBTREE;
	if (strcmp(path + w->base, "new") != 0)
		return FTW_CONTINUE;
	if (inotify_add_watch(ifd, path, IN_CREATE | IN_MOVED_TO) < 0)
		err(2, "inotify: %s", path);
	dirs = realloc(dirs, (ndirs + 1) * sizeof(*dirs));
	if (dirs == NULL || (dirs[ndirs++] = strdup(path)) == NULL)
		err(2, "memory");
	return FTW_SKIP_SUBTREE;
}

static long
count_files(void)
{
	struct dirent *e;
	size_t i;
	long n = 0;
	DIR *d;

	for (i = 0; i < ndirs; i++) {
		if ((d = opendir(dirs[i])) == NULL)
			continue;
		while ((e = readdir(d)) != NULL)
			n += e->d_name[0] != '.';
		closedir(d);
	}
	return n;
}

/* events that are there; *overflow where the kernel has dropped some */
static long
take_events(bool *overflow)
{
	static char buf[256 * 1024] __attribute__((aligned(8)));
	const struct inotify_event *e;
	ssize_t len, at;
	long n = 0;

	len = read(ifd, buf, sizeof(buf));
	if (len < 0 && errno != EAGAIN && errno != EINTR)
		err(2, "inotify");
	for (at = 0; at < len; at += (ssize_t)(sizeof(*e) + e->len)) {
		e = (const void *)(buf + at);
		if (e->mask & IN_Q_OVERFLOW)
			*overflow = true;
		else if (e->len > 0 && e->name[0] != '.')
			n++;
	}
	return n;
}

static void
wait_for(long want, double limit, double *first, double *last)
{
	static const struct timespec pause = { 0, 1000000 };
	struct pollfd p = { .fd = ifd, .events = POLLIN };
	double end = now() + limit;
	long seen = count_files(), n;
	bool overflow = false;

	printf("ready\n");
	fflush(stdout);
	while (seen < want && now() < end) {
		if (poll(&p, 1, 200) <= 0)
			continue;
		n = take_events(&overflow);
		if (overflow) {
			n = count_files() - seen;
			overflow = false;
		}
		if (n > 0 && *first == 0)
			*first = now();
		if (n > 0)
			*last = now();
		seen += n;
		nanosleep(&pause, NULL);	/* many events a wake-up */
	}
}

int
main(int argc, char **argv)
{
	double first = 0, last = 0, limit = 300;
	long want = 0, files;
	int c;

	while ((c = getopt(argc, argv, "n:t:")) != -1)
		if (c == 'n')
			want = strtol(optarg, NULL, 10);
		else if (c == 't')
			limit = strtod(optarg, NULL);
		else
			return 2;
	if (want <= 0 || limit <= 0 || optind == argc)
		errx(2, "usage: bench_mailwait -n N [-t seconds] ROOT...");
	if ((ifd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) < 0)
		err(2, "inotify");
	for (; optind < argc; optind++)
		if (nftw(argv[optind], visit, 32,
		    FTW_PHYS | FTW_ACTIONRETVAL) != 0)
			err(2, "%s", argv[optind]);
	wait_for(want, limit, &first, &last);
	files = count_files();
	printf("{\"files\":%ld,\"first\":%.6f,\"last\":%.6f}\n", files, first,
	    last);
	return files >= want ? 0 : 1;
}
