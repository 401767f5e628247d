/*
 * imapd_thread_test.c - THREAD of what a hostile sender can make: time and
 * memory grow with the messages, not with their square.
 */
#include <sys/resource.h>

#include "../../imapd/sort.h"
#include "base/clock.h"
#include "test/tap.h"

enum { MANY = 30000, REFS = 100, DEEP = 11000 };

static struct arena a;

static struct slice
id(const char *what, size_t i)
{
	return slice_of(arena_printf(&a, "<%s%zu@example.com>", what, i));
}

static uint32_t
number(void *ctx UNUSED, uint32_t i)
{
	return i + 1;
}

static struct thread_msg
message(size_t i, size_t nrefs)
{
	return (struct thread_msg){ .index = (uint32_t)i, .sent = (int64_t)i,
		.subject = id("s", i), .id = id("m", i), .nrefs = nrefs,
		.refs = arena_alloc(&a, (nrefs + 1) * sizeof(struct slice)) };
}

/* milliseconds; MB over what was used before */
static int64_t
run(struct thread_msg *v, size_t n, struct str *out, long *mb)
{
	int64_t start = mono_ms();
	struct rusage before, after;

	getrusage(RUSAGE_SELF, &before);
	str_reset(out);
	thread_run(&a, IMAP_THREAD_REFERENCES, v, n, number, NULL, out);
	getrusage(RUSAGE_SELF, &after);
	*mb = (after.ru_maxrss - before.ru_maxrss) / 1024;
	return mono_ms() - start;
}

/* a letter a message that is there not, digits those that are */
static const struct { const char *name, *refs[6], *want; } answers[] = {
	{ "two threads", { "", "0", "01", "", "3" }, "(1 2 3)(4 5)" },
	{ "parent not there", { "x" }, "(1)" },
	{ "parents not there", { "xyz", "xyz" }, "((1)(2))" },
	{ "all of several", { "xy", "xz", "w" }, "((1)(2))(3)" },
	{ "between two", { "", "0x" }, "(1 2)" },
	{ "a parent that was not the one", { "x1", "y" }, "(2 1)" },
	{ "a loop", { "1", "0" }, "(2 1)" },
};

static void
test_answer(size_t n)
{
	const char *const *refs = answers[n].refs;
	struct thread_msg v[6];
	struct str out = STR_INIT;
	size_t i, k;
	long mb;

	for (i = 0; i < ARRAY_LEN(v) && refs[i] != NULL; i++) {
		v[i] = message(i, strlen(refs[i]));
		for (k = 0; k < v[i].nrefs; k++)
			v[i].refs[k] = id("m", (size_t)(refs[i][k] - '0'));
	}
	run(v, i, &out, &mb);
	is_str(out.s, answers[n].want, "%s", answers[n].name);
	str_free(&out);
	arena_reset(&a);
}

static void
test_roots(void)
{
	struct thread_msg *v = xcalloc(MANY, sizeof(*v));
	struct str out = STR_INIT;
	long mb;
	size_t i;

	for (i = 0; i < MANY; i++)
		v[i] = message(i, 0);
	ok(run(v, MANY, &out, &mb) < 5000, "a thread each: fast");
	ok(mb < 400, "and small: %ld MB", mb);
	free(v);
	str_free(&out);
	arena_free(&a);
}

/* children of one parent that turn out to be another's, the first first */
static void
test_moved(void)
{
	struct thread_msg *v = xcalloc(2 * MANY, sizeof(*v));
	struct str out = STR_INIT;
	long mb;
	size_t i;

	for (i = 0; i < MANY; i++) {
		v[i] = message(i, 2);
		v[i].refs[0] = id("parent", 0);
		v[i].refs[1] = id("m", MANY + i);
		v[MANY + i] = message(MANY + i, 1);
		v[MANY + i].refs[0] = id("other", i);
	}
	ok(run(v, 2 * MANY, &out, &mb) < 5000, "moved children");
	free(v);
	str_free(&out);
	arena_free(&a);
}

/* a thread so deep that its end has no way up that is not too long, and
 * messages that go on asking */
static void
test_deep(void)
{
	struct thread_msg *v = xcalloc(MANY, sizeof(*v));
	struct str out = STR_INIT;
	size_t i, k, n = 0;
	int64_t ms;
	long mb;

	for (i = 0; i < DEEP; n++, i += REFS - 1) {
		v[n] = message(n, REFS);
		for (k = 0; k < REFS; k++)
			v[n].refs[k] = id("deep", i + k);
	}
	for (; n < 3000; n++) {
		v[n] = message(n, REFS);
		for (k = 0; k < REFS; k++)
			v[n].refs[k] = k % 2 ? id("top", k) : id("deep", DEEP);
		v[n].id = id("top", n % 50 * 2 + 1);
	}
	ms = run(v, n, &out, &mb);
	ok(ms < 5000, "long ways up: %lld ms", (long long)ms);
	free(v);
	str_free(&out);
	arena_free(&a);
}

/* each message once, whatever refers to whatever */
static bool
all_once(const char *s, size_t n)
{
	unsigned seen[16] = { 0 };
	struct slice rest = slice_of(s);
	size_t i, len;
	uint64_t v;
	int depth = 0;

	while (rest.n > 0) {
		for (len = 0; len < rest.n &&
		    ascii_isdigit((unsigned char)rest.p[len]); len++)
			;
		if (len > 0 && slice_u64(slice_sub(rest, 0, len), 15, &v))
			seen[v]++;
		depth += rest.p[0] == '(' ? 1 : rest.p[0] == ')' ? -1 : 0;
		rest = slice_sub(rest, MAX(len, (size_t)1), rest.n);
	}
	for (i = 1; i <= n; i++)
		if (seen[i] != 1)
			return false;
	return depth == 0;
}

/* below n; the same ones each time */
static size_t
any(size_t n)
{
	static uint32_t x = 1;

	x = x * 1664525 + 1013904223;
	return (x >> 16) % n;
}

static void
test_any(void)
{
	static const char *const subjects[] = { "", "a", "b", "c" };
	struct str out = STR_INIT;
	struct thread_msg v[12];
	size_t round, n, i, k;
	bool good = true;
	long mb;

	for (round = 0; round < 5000 && good; round++) {
		n = 1 + any(ARRAY_LEN(v));
		for (i = 0; i < n; i++) {
			v[i] = message(i, any(4));
			v[i].sent = (int64_t)any(5);
			v[i].subject = slice_of(subjects[any(4)]);
			v[i].is_reply = any(2);
			v[i].id = id("m", any(10));
			for (k = 0; k < v[i].nrefs; k++)
				v[i].refs[k] = id("m", any(14));
		}
		run(v, n, &out, &mb);
		good = all_once(out.s, n);
		if (!good)
			tap_diag("round %zu: %s", round, out.s);
		arena_reset(&a);
	}
	ok(good, "each message is told once");
	str_free(&out);
}

int
main(void)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(answers); i++)
		test_answer(i);
	test_any();
	test_roots();
	test_moved();
	test_deep();
	return tap_done();
}
