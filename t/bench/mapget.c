/*
 * mapget.c - look-ups in a table, one after the other, in an order that is
 * random and always the same: by lib/map, or by asking router.
 *
 *   bench_mapget [-d CONFDIR] [-n LOOKUPS] [-r SOCKET [-p PROCESSES]]
 *       TABLE
 *
 * Keys are lines of standard input.  One line of JSON: seconds until the table
 * was open, then of the look-ups, how many found something, memory.
 */
#include "map/map.h"
#include "proto/router.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

struct keys {
	char **v;
	size_t n, cap;
};

struct result {
	int64_t found, failed, us;
};

static int64_t
mono_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void
read_keys(struct keys *k)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&line, &cap, stdin)) > 0) {
		line[n - (line[n - 1] == '\n')] = '\0';
		if (k->n == k->cap) {
			k->cap = k->cap > 0 ? 2 * k->cap : 1024;
			k->v = xrealloc(k->v, k->cap * sizeof(*k->v));
		}
		k->v[k->n++] = xstrdup(line);
	}
	free(line);
	if (k->n == 0)
		die("no keys");
}

static const char *
some_key(const struct keys *k, uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return k->v[(*state >> 33) % k->n];
}

static struct result
by_map(struct map *m, const struct keys *k, size_t n)
{
	struct result r = { 0 };
	struct str out = STR_INIT;
	struct err err = ERR_INIT;
	uint64_t state = 1;
	int64_t from = mono_us();
	int rc;

	for (; n > 0; n--) {
		str_reset(&out);
		rc = map_get(m, some_key(k, &state), &out, &err);
		r.found += rc > 0;
		r.failed += rc < 0;
	}
	r.us = mono_us() - from;
	str_free(&out);
	return r;
}

static struct result
by_router(const char *socket, const struct keys *k, size_t n, uint64_t seed)
{
	struct router_resolve_in in = { .relay = false };
	struct router_resolve_out out;
	struct err err = ERR_INIT;
	struct result r = { 0 };
	uint64_t state = seed;
	int64_t from = mono_us();
	struct ipc c;
	int rc;

	ipc_init(&c, socket, 10000);
	for (; n > 0; n--) {
		in.addr = some_key(k, &state);
		err.kind = ERR_NONE;
		rc = ipc_call(&c, &router_resolve, &in, -1, &out, NULL, NULL,
		    &err);
		r.found += rc == 0;
		r.failed += rc < 0 && err.kind == ERR_TEMP;
	}
	r.us = mono_us() - from;
	ipc_free(&c);
	return r;
}

static struct result
by_processes(const char *socket, const struct keys *k, size_t n, size_t procs)
{
	struct result all = { 0 }, r;
	int64_t from = mono_us();
	int fd[2];
	size_t i;

	if (pipe(fd) != 0)
		die("pipe: %s", strerror(errno));
	for (i = 0; i < procs; i++) {
		if (fork() != 0)
			continue;
		r = by_router(socket, k, n / procs, i + 1);
		_exit(full_write(fd[1], &r, sizeof(r)) != 0);
	}
	close(fd[1]);
	while (read(fd[0], &r, sizeof(r)) == sizeof(r)) {
		all.found += r.found;
		all.failed += r.failed;
	}
	all.us = mono_us() - from;
	while (wait(NULL) > 0)
		;
	return all;
}

int
main(int argc, char **argv)
{
	const char *dir = ".", *router = NULL;
	size_t n = 1000000, procs = 1;
	struct err err = ERR_INIT;
	struct keys keys = { 0 };
	struct map *m = NULL;
	struct rusage ru;
	struct result r;
	int64_t from, open_us = 0;
	long before;
	int c;

	while ((c = getopt(argc, argv, "d:n:r:p:")) != -1)
		if (c == 'd')
			dir = optarg;
		else if (c == 'r')
			router = optarg;
		else if (c == 'n')
			n = strtoul(optarg, NULL, 10);
		else if (c == 'p')
			procs = strtoul(optarg, NULL, 10);
		else
			return 2;
	read_keys(&keys);
	getrusage(RUSAGE_SELF, &ru);
	before = ru.ru_maxrss;
	if (router != NULL) {
		r = by_processes(router, &keys, n, MAX(procs, (size_t)1));
	} else {
		if (argc - optind != 1)
			return 2;
		map_set_dir(dir);
		from = mono_us();
		if (map_open(argv[optind], &m, &err) != 0)
			die("%s", err.text);
		open_us = mono_us() - from;
		r = by_map(m, &keys, n);
		map_close(m);
	}
	getrusage(RUSAGE_SELF, &ru);
	printf("{\"open\":%.6f,\"seconds\":%.6f,\"lookups\":%zu,"
	    "\"found\":%lld,\"failed\":%lld,\"kb\":%ld}\n", (double)open_us /
	    1e6, (double)r.us / 1e6, n / procs * procs, (long long)r.found,
	    (long long)r.failed, ru.ru_maxrss - before);
	return 0;
}
