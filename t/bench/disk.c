/*
 * disk.c - bench_disk: how many small files a second the disk takes.
 *
 *   bench_disk [-t threads] [-s seconds] [-l bytes] DIRECTORY
 *
 * Each thread, in a directory of its own: create a file, write, fsync, close,
 * the next one.  This is the bar for a server that has a file and a flush for
 * each message and no other cost at all.  Prints one JSON line.  The files
 * stay: a file system that has just freed thousands of inodes would slow down
 * what is measured next.  Exit status: 0, or 2 usage or the system.
 */
#include <sys/stat.h>

#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static size_t length = 4096;
static const char *root;
static char *content;
static atomic_bool over;

struct worker {
	pthread_t thread;
	int number;
	long files;
};

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
one_file(int dir, long n)
{
	char name[32];
	int fd;

	snprintf(name, sizeof(name), "%ld", n);
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, content, length) != (ssize_t)length ||
	    fsync(fd) < 0 || close(fd) < 0)
		err(2, "%s: %s", root, name);
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	char path[4096];
	int dir;

	snprintf(path, sizeof(path), "%s/%d.%d", root, (int)getpid(),
	    w->number);
	if (mkdir(path, 0700) < 0 || (dir = open(path, O_RDONLY |
	    O_DIRECTORY | O_CLOEXEC)) < 0)
		err(2, "%s", path);
	while (!atomic_load(&over))
		one_file(dir, w->files++);
	close(dir);
	return NULL;
}

static long
number(const char *text, long max)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || n < 1 || n > max)
		errx(2, "%s: expected a number from 1 to %ld", text, max);
	return n;
}

int
main(int argc, char **argv)
{
	struct worker *w;
	int c, i, threads = 20;
	unsigned seconds = 3;
	long files = 0;
	double t;

	while ((c = getopt(argc, argv, "l:s:t:")) != -1)
		switch (c) {
		case 'l': length = (size_t)number(optarg, 1 << 24); break;
		case 's': seconds = (unsigned)number(optarg, 3600); break;
		case 't': threads = (int)number(optarg, 1000); break;
		default: errx(2, "usage: see the head of t/bench/disk.c");
		}
	if (argc - optind != 1)
		errx(2, "usage: see the head of t/bench/disk.c");
	root = argv[optind];
	w = calloc((size_t)threads, sizeof(*w));
	content = malloc(length);
	if (w == NULL || content == NULL)
		err(2, "memory");
	memset(content, 'x', length);
	t = now();
	for (i = 0; i < threads; i++) {
		w[i].number = i;
		if (pthread_create(&w[i].thread, NULL, work, &w[i]) != 0)
			errx(2, "no thread");
	}
	sleep(seconds);
	atomic_store(&over, true);
	for (i = 0; i < threads; i++) {
		pthread_join(w[i].thread, NULL);
		files += w[i].files;
	}
	t = now() - t;
	printf("{\"threads\":%d,\"files\":%ld,\"seconds\":%.3f,"
	    "\"rate\":%.1f}\n", threads, files, t, (double)files / t);
	free(content);
	free(w);
	return 0;
}
