/*
 * driver.c - see driver.h.  What runs lies in `input` from before it runs
 * until after, so whatever ends the process finds it there.
 */
#include "driver.h"

#include <fcntl.h>
#include <getopt.h>
#include <sanitizer/common_interface_defs.h>
#include <signal.h>
#include <sys/time.h>

#include "base/clock.h"
#include "test/tap.h"

enum { POOL = 64 };

static struct slice input = { NULL, 0 };	/* p is NULL: none runs */
static uint64_t runs, runs_seen;
static int same_for, hang_s = 10;	/* seconds */
static char crash_path[4200];

/* signal-safe but for the name, which was made before */
static void
save(void)
{
	static const char said[] = "# the input is in ";
	int fd;

	if (input.p == NULL)
		return;
	fd = open(crash_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || full_write(fd, input.p, input.n) != 0)
		return;
	close(fd);
	input.p = NULL;
	full_write(1, said, sizeof(said) - 1);
	full_write(1, crash_path, strlen(crash_path));
	full_write(1, "\n", 1);
}

/* UBSan has a death callback of its own, which nobody can set */
const char *__ubsan_default_options(void);
const char *
__ubsan_default_options(void)
{
	return "print_stacktrace=1:abort_on_error=1";
}

static void
on_abort(int sig UNUSED)
{
	save();
}

static void
on_second(int sig UNUSED)
{
	static const char said[] = "# an input takes too long\n";

	if (runs != runs_seen || input.p == NULL) {
		runs_seen = runs;
		same_for = 0;
	} else if (++same_for >= hang_s) {
		full_write(1, said, sizeof(said) - 1);
		abort();
	}
}

static void
watch(const char *name)
{
	struct sigaction sa = { .sa_handler = on_abort };
	struct itimerval second = { { 1, 0 }, { 1, 0 } };
	const char *dir = getenv("TMPDIR");

	snprintf(crash_path, sizeof(crash_path), "%s/crash-%s-%d",
	    dir != NULL ? dir : "/tmp", name, (int)getpid());
	__sanitizer_set_death_callback(save);
	atexit(save);
	sigaction(SIGABRT, &sa, NULL);
	sa.sa_handler = on_second;
	sa.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &second, NULL);
}

/* a copy of exactly that length: ASan sees one octet too far */
static void
run(struct slice in)
{
	char *copy = xmalloc(in.n);

	if (in.n > 0)
		memcpy(copy, in.p, in.n);
	input = (struct slice){ copy, in.n };
	LLVMFuzzerTestOneInput((const uint8_t *)copy, in.n);
	input.p = NULL;
	free(copy);
	runs++;
}

static int
run_files(char **path)
{
	size_t n;
	char *s;

	for (; *path != NULL; path++) {
		s = read_file(*path, 1 << 20, &n);
		if (s == NULL)
			die("%s: %s", *path, strerror(errno));
		run((struct slice){ s, n });
		free(s);
		printf("# %s: ran\n", *path);
	}
	return 0;
}

/* Some of what was made is changed further: inputs move away from the seeds
 * step by step, and the seeds stay. */
static uint64_t
run_changed(uint64_t seed, const struct slice *seeds, size_t n,
    uint64_t count, int64_t until)
{
	struct prng r = { seed * 0x9e3779b97f4a7c15ULL + 1 };
	struct str pool[POOL], s = STR_INIT;
	uint64_t start = runs;
	struct str *p;
	size_t i;

	for (i = 0; i < POOL; i++)
		pool[i] = (struct str)STR_INIT;
	while (runs - start < count && mono_ms() < until) {
		p = &pool[prng_below(&r, POOL)];
		str_reset(&s);
		str_addsl(&s, p->len > 0 && prng_below(&r, 2) ?
		    slice_str(p) : seeds[prng_below(&r, n)]);
		mutate(&r, &s, seeds, n);
		run(slice_str(&s));
		if (prng_below(&r, 4) == 0) {
			str_reset(p);
			str_addsl(p, slice_str(&s));
		}
	}
	for (i = 0; i < POOL; i++)
		str_free(&pool[i]);
	str_free(&s);
	return runs - start;
}

static struct slice
name_of(const char *arg)
{
	const char *slash = strrchr(arg, '/');
	struct slice s = slice_of(slash != NULL ? slash + 1 : arg);

	return slice_iends(s, "_fuzz") ? slice_sub(s, 0, s.n - 5) : s;
}

static uint64_t
number(const char *arg)
{
	uint64_t n;

	if (!slice_u64(slice_of(arg), UINT64_MAX, &n))
		die("not a number: %s", arg);
	return n;
}

/* those of seeds.c, and the corpus: never freed */
static struct slice *
all_seeds(struct slice name, const char *folder, size_t *n_r)
{
	const struct slice *seeds = seeds_of(name, n_r);
	char *text, *path = xasprintf("%s/%.*s.ar", folder, (int)name.n,
	    name.p);
	struct slice *v, *all;
	size_t n;
	int r = corpus_read(path, &text, &v, &n);

	ok(r == 0 && n > 0, "%zu files of %s%s%s", n, path, r < 0 ? ": " : "",
	    r < 0 ? strerror(errno) : "");
	all = xcalloc(*n_r + n, sizeof(*all));
	memcpy(all, seeds, *n_r * sizeof(*all));
	if (n > 0)
		memcpy(all + *n_r, v, n * sizeof(*all));
	*n_r += n;
	free(v);
	free(path);
	return all;
}

int
main(int argc, char **argv)
{
	uint64_t count = 60000, seed = (uint64_t)wall_us(), made;
	int64_t time_ms = 1500;
	struct slice name = name_of(argv[0]);
	const char *folder = "t/fuzz/corpus";
	static struct slice *seeds;
	size_t i, n;
	int c;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while ((c = getopt(argc, argv, "c:n:t:s:w:")) != -1) {
		if (c == 'c')
			folder = optarg;
		else if (c == 'n')
			count = number(optarg);
		else if (c == 't')
			time_ms = (int64_t)MIN(number(optarg),
			    (uint64_t)1 << 40);
		else if (c == 's')
			seed = number(optarg);
		else if (c == 'w')
			hang_s = (int)MIN(number(optarg), (uint64_t)3600);
		else
			return 64;
	}
	if (LLVMFuzzerInitialize != NULL)
		LLVMFuzzerInitialize(&argc, &argv);
	watch(name.p);
	if (optind < argc)
		return run_files(argv + optind);
	printf("# -n %llu -t %lld -s %llu\n", (unsigned long long)count,
	    (long long)time_ms, (unsigned long long)seed);
	seeds = all_seeds(name, folder, &n);
	for (i = 0; i < n; i++)
		run(seeds[i]);
	ok(n > 0, "%zu seeds", n);
	made = run_changed(1, seeds, n, count / 2, mono_ms() + time_ms / 2);
	ok(made > 0, "%llu changed ones, always the same",
	    (unsigned long long)made);
	made = run_changed(seed, seeds, n, count / 2, mono_ms() + time_ms / 2);
	ok(made > 0, "%llu changed ones, seed %llu", (unsigned long long)made,
	    (unsigned long long)seed);
	return tap_done();
}
