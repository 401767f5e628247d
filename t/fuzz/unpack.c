/*
 * unpack.c - what a fuzzer begins with, as files, for libFuzzer:
 *
 *	unpack NAME t/fuzz/corpus/NAME.ar FOLDER
 */
#include "driver.h"

#include <fcntl.h>

static void
put(const char *folder, const char *kind, const struct slice *v, size_t n)
{
	char *path;
	size_t i;
	int fd;

	for (i = 0; i < n; i++) {
		path = xasprintf("%s/%s%zu", folder, kind, i);
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
		    0600);
		if (fd < 0 || full_write(fd, v[i].p, v[i].n) < 0)
			die("%s: %s", path, strerror(errno));
		close(fd);
		free(path);
	}
}

int
main(int argc, char **argv)
{
	const struct slice *seeds;
	struct slice *v;
	char *text;
	size_t n;

	if (argc != 4)
		return 64;
	seeds = seeds_of(slice_of(argv[1]), &n);
	put(argv[3], "seed", seeds, n);
	if (corpus_read(argv[2], &text, &v, &n) < 0)
		die("%s: %s", argv[2], strerror(errno));
	put(argv[3], "corpus", v, n);
	free(v);
	free(text);
	return 0;
}
