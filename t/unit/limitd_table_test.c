/*
 * limitd_table_test.c - windows, values and keys of limitd, with a clock of
 * our own.
 */
#include "../../limitd/limitd.h"

#include <signal.h>
#include <sys/resource.h>

#include "base/log.h"
#include "serve/limits.h"
#include "test/tap.h"

enum { SEC = 1000, HOUR = 3600 * SEC };

struct limitd_conf conf = { .max_keys = 100, .max_values = 50,
    .key_values = 20 };
static const int64_t start = 1795000000000;

static void
test_window(void)
{
	struct window w = { .length = HOUR };
	int64_t t = start;

	is_int(window_used(&w, t), 0, "a new window is empty");
	is_int(window_wait(&w, 10, 1, t), 0, "and has room");
	is_int(window_wait(&w, 10, 11, t), HOUR, "not for more than its limit");
	window_add(&w, 10, t);
	is_int(window_used(&w, t), 10, "counted");
	is_int(window_used(&w, t + HOUR - 1), 10, "for the whole window");
	is_int(window_wait(&w, 10, 1, t), HOUR + HOUR / 10,
	    "wait until one of ten has left");
	is_int(window_wait(&w, 10, 1, t + HOUR / 2), HOUR / 2 + HOUR / 10,
	    "which gets shorter");
	is_int(window_wait(&w, 10, 1, t + HOUR + HOUR / 10), 0,
	    "then there is room");
	is_int(window_wait(&w, 10, 1, t + HOUR + HOUR / 10 - 1), 1,
	    "not a moment before");
	is_int(window_used(&w, t + HOUR + HOUR / 2), 5, "half has left");
	window_add(&w, 5, t + HOUR + HOUR / 2);
	is_int(window_used(&w, t + HOUR + HOUR / 2), 10, "old and new");
	is_int(window_wait(&w, 10, 5, t + HOUR + HOUR / 2), HOUR / 2,
	    "the old ones leave first");
	is_int(window_used(&w, t + 2 * HOUR), 5, "the next bucket");
	is_int(window_used(&w, t + 4 * HOUR), 0, "all of it is over");
	window_add(&w, 3, t + 4 * HOUR + 7);
	is_int(w.start, t + 4 * HOUR + 7, "a bucket begins with its first");
	window_take(&w, 3);
	is_int(window_used(&w, t + 4 * HOUR + 7), 0, "taken back");
	window_add(&w, COUNT_MAX, t + 4 * HOUR + 7);
	window_add(&w, COUNT_MAX, t + 4 * HOUR + 7);
	is_int(window_used(&w, t + 4 * HOUR + 7), COUNT_MAX, "no overflow");
	w = (struct window){ LIMITS_TIME_MAX, t, 0, COUNT_MAX };
	is_int(window_used(&w, t), COUNT_MAX, "nor in the longest window");
	is_int(window_used(&w, t - HOUR), 0, "a clock that went back");
}

/* However events come, no window holds more than limit by the guess, and
 * what is refused fits after the time told. */
static void
test_window_random(void)
{
	struct window w = { .length = HOUR };
	int64_t t = start, wait, bad = 0, late = 0, refused = 0;
	unsigned x = 1;
	int i;

	for (i = 0; i < 20000; i++) {
		x = x * 1103515245 + 12345;
		t += (x >> 16) % (HOUR / 20);
		wait = window_wait(&w, 50, 1 + x % 7, t);
		if (wait == 0)
			window_add(&w, 1 + x % 7, t);
		else
			refused++;
		bad += window_used(&w, t) > 50;
		late += wait > 0 && window_wait(&w, 50, 1 + x % 7,
		    t + wait) != 0;
		if (wait > 0)
			t += wait;
	}
	ok(refused > 100, "the random walk comes to its limit");
	is_int(bad, 0, "never over the limit");
	is_int(late, 0, "the wait told is long enough");
}

static void
test_values(void)
{
	struct values s = { 0 };
	const uint64_t h[] = { 7, 3, 9, 3 };
	uint64_t many[30];
	size_t i;

	is_int(values_new(&s, h, 4, start), 3, "three are new");
	values_add(&s, h, 4, start, 20);
	is_int(s.n, 3, "each once");
	is_int(values_new(&s, h, 4, start), 0, "now they are known");
	is_int(values_new(&s, h, 4, start + 1), 3, "not for ever");
	values_add(&s, h, 1, start + 5, 20);
	for (i = 0; i < ARRAY_LEN(many); i++)
		many[i] = 1000 - i;
	values_add(&s, many, 19, start + 6, 20);
	is_int(s.n, 20, "the oldest go");
	is_int(values_new(&s, h, 1, start), 0, "which the refreshed is not");
	is_int(values_new(&s, h + 1, 2, start), 2, "but these");
	for (i = 1; i < s.n; i++)
		if (s.v[i - 1].hash >= s.v[i].hash)
			break;
	is_int(i, s.n, "in order");
	values_free(&s);
}

static const char *
keyf(const char *class, int i)
{
	static char key[64];

	snprintf(key, sizeof(key), "%s %d", class, i);
	return key;
}

static void
count(const char *key, int64_t n)
{
	window_add(entry_window(table_make(key), HOUR, true, start), n, start);
}

static int64_t
used(const char *key)
{
	struct entry *e = table_find(key);
	struct window *w = e != NULL ? entry_window(e, HOUR, false, start) :
	    NULL;

	return w != NULL ? window_used(w, start) : -1;
}

static void
no_log(const char *line UNUSED, size_t n UNUSED)
{
}

static void
test_classes(void)
{
	int i, kept = 0;

	log_set_sink(no_log);
	for (i = 0; i < 30; i++)
		count(keyf("account", i), i + 1);
	for (i = 0; i < 1000; i++)
		count(keyf("addr", i), 1);
	is_int(table_count(), 100, "the table is full");
	for (i = 0; i < 30; i++)
		kept += used(keyf("account", i)) == i + 1;
	is_int(kept, 30, "no account was pushed out by addresses");
	is_int(used("addr 929"), -1, "an old address is gone");
	is_int(used("addr 930"), 1, "the last ones are there");
	count("addr 5000", 1);
	is_int(used("addr 930"), 1, "what was looked at is warm");
	is_int(used("addr 931"), -1, "the coldest went");
	table_forget("account 3");
	is_int(used("account 3"), -1, "forgotten");
	table_sweep(start);
	is_int(table_count(), 99, "a sweep takes only what is empty");
	table_sweep(start + 3 * HOUR);
	is_int(table_count(), 0, "which all is in the end");
	for (i = 0; i < 50; i++) {
		char class[16];

		snprintf(class, sizeof(class), "class%d", i);
		count(keyf(class, i), 1);
	}
	is_int(table_count(), 50, "any number of classes");
	table_clear();
}

static void
test_class_values(void)
{
	uint64_t h[20];
	struct entry *e;
	size_t i, k;

	for (i = 0; i < 20; i++)
		h[i] = i;
	e = table_make("good ann");
	values_add(entry_values(e), h, 5, start, 20);
	table_settle(e);
	for (k = 0; k < 10; k++) {
		e = table_make(keyf("rcpts", (int)k));
		values_add(entry_values(e), h, 20, start, 20);
		table_settle(e);
	}
	is_int(entry_values(table_find("good ann"))->n, 5,
	    "values of a small class stay");
	is_int(entry_values(table_find("rcpts 9"))->n, 20, "and the last");
	is_int(entry_values(table_find("rcpts 8"))->n, 20, "before it");
	is_int(entry_values(table_find("rcpts 7"))->n, 0, "the coldest went");
	table_clear();
}

static void
test_windows(void)
{
	struct entry *e = table_make("k");
	struct window *w;
	int i;

	for (i = 1; i <= WINDOWS; i++)
		window_add(entry_window(e, i * HOUR, true, start), 10 - i,
		    start);
	is_int(entry_windows(e, &w), WINDOWS, "some windows");
	window_add(entry_window(e, 9 * HOUR, true, start), 1, start);
	is_int(entry_windows(e, &w), WINDOWS, "not more");
	ok(entry_window(e, WINDOWS * HOUR, false, start) == NULL,
	    "the least used one went");
	ok(entry_window(e, HOUR, false, start) != NULL, "not another");
	table_clear();
}

static char *path;

static void
damage(size_t at)
{
	size_t n;
	char *text = read_file(path, 1 << 20, &n);
	FILE *f = fopen(path, "w");

	text[at % n] ^= 1;
	fwrite(text, 1, n, f);
	fclose(f);
	free(text);
}

static void
cut(size_t n)
{
	is_int(truncate(path, (off_t)n), 0, "cut to %zu", n);
}

static void
fill(void)
{
	uint64_t h[] = { 1, 2, 3 };
	struct entry *e = table_make("seen ann");

	values_add(entry_values(e), h, 3, start, 20);
	table_settle(e);
	count("submit ann", 42);
	count("addr 1", 7);
	count("addr 2", 8);
}

static void
test_snapshot(void)
{
	struct err err = ERR_INIT;
	unsigned char secret[sizeof(table_secret)];
	uint64_t h[] = { 3, 4 };
	size_t i, bad = 0;

	path = xasprintf("%s/state", tap_dir());
	is_int(snapshot_read(path, start, &err), 0, "no file");
	fill();
	memset(table_secret, 7, sizeof(table_secret));
	memcpy(secret, table_secret, sizeof(secret));
	ok(table_dirty, "there is something to write");
	is_int(snapshot_write(path, start, &err), 0, "written");
	ok(!table_dirty, "once");
	memset(table_secret, 0, sizeof(table_secret));
	table_clear();
	is_int(snapshot_read(path, start + 5, &err), 1, "read");
	is_int(used("submit ann"), 42, "a count");
	is_int(values_new(entry_values(table_find("seen ann")), h, 2, start),
	    1, "values");
	ok(memcmp(secret, table_secret, sizeof(secret)) == 0, "the secret");
	is_int(snapshot_read(path, start - 9 * HOUR, &err), 1,
	    "with a clock that went back");
	is_int(window_used(entry_window(table_find("submit ann"), HOUR,
	    false, start), start - 9 * HOUR), 42, "it still counts");
	for (i = 0; i < 400; i++) {
		table_clear();
		fill();
		snapshot_write(path, start, &err);
		damage(i * 7);
		bad += snapshot_read(path, start, &err) != -1 ||
		    table_count() != 0;
	}
	is_int(bad, 0, "one bit is wrong: nothing is used");
	for (i = 0; i < 100; i += 9) {
		fill();
		snapshot_write(path, start, &err);
		cut(i);
		is_int(snapshot_read(path, start, &err), -1, "told");
		is_int(table_count(), 0, "nothing is used");
	}
	table_clear();
	free(path);
}

static void
test_parse(void)
{
	static const struct { const char *z; int64_t count, time; } t[] = {
		{ "500/1h", 500, HOUR }, { "0/90s", 0, 90 * SEC },
		{ "1/100d", 1, LIMITS_TIME_MAX }, { "", -1, 0 },
		{ "5", -1, 0 }, { "5/", -1, 0 }, { "/1h", -1, 0 },
		{ "-1/1h", -1, 0 }, { "5/1h/2", -1, 0 }, { "5/10ms", -1, 0 },
		{ "5/101d", -1, 0 }, { "100000001/1h", -1, 0 },
	};
	struct limits_rate r;
	struct err err;
	size_t i;

	for (i = 0; i < ARRAY_LEN(t); i++) {
		if (limits_parse(t[i].z, &r, &err) < 0)
			r.count = -1;
		is_int(r.count, t[i].count, "'%s'", t[i].z);
		if (t[i].count >= 0)
			is_int(r.time, t[i].time, "'%s': time", t[i].z);
	}
}

static const char *
grey(const char *value, int64_t after, bool peek, int64_t now)
{
	struct limit_grey_in in = { .key = "grey 192.0.2.0/24",
		.value = value, .delay = 100, .window = 1000,
		.remember = 5000, .after = after, .peek = peek };
	struct limit_grey_out out = { .wait = 0 };

	grey_judge(&in, now, &out);
	return out.pass ? "pass" : out.fresh ? "fresh" :
	    out.wait > 0 ? "wait" : "?";
}

static void
test_grey(void)
{
	table_clear();
	is_str(grey("a b", 0, true, 1000), "fresh", "grey: a look");
	is_str(grey("a b", 0, false, 1000), "fresh", "... is none");
	is_str(grey("a b", 0, false, 1099), "wait", "too early");
	is_str(grey("a c", 0, false, 1099), "fresh", "another");
	is_str(grey("a b", 0, true, 1100), "pass", "in time");
	is_str(grey("a b", 0, false, 1100), "pass", "... and in");
	is_str(grey("a b", 0, false, 6000), "pass", "known");
	is_str(grey("a b", 0, false, 11000), "pass", "... since it came");
	is_str(grey("a b", 0, false, 16001), "fresh", "... not for ever");
	is_str(grey("a c", 0, false, 2100), "fresh", "too late is new");
	is_str(grey("n 1", 2, false, 16002), "fresh", "all: not yet");
	is_str(grey("n 1", 2, false, 16102), "pass", "one passed");
	is_str(grey("n 2", 2, true, 16103), "fresh", "... is not enough");
	is_str(grey("a b", 2, false, 16104), "pass", "two passed");
	is_str(grey("n 3", 2, false, 16105), "pass", "... and all do");
	is_str(grey("n 4", 0, false, 16105), "fresh", "where that is wanted");
	table_clear();
}

/* A file that can not be written, minute after minute, costs nothing. */
static void
test_full(void)
{
	char dir[] = "/tmp/postrider-t.XXXXXX";
	struct rlimit old, small = { 100, RLIM_INFINITY };
	struct err err = ERR_INIT;
	char *file, key[20];
	int before, i;

	if (mkdtemp(dir) == NULL)
		die("mkdtemp: %s", strerror(errno));
	file = xasprintf("%s/state", dir);
	table_clear();
	ok(snapshot_write(file, start, &err) == 0, "full disk: a file");
	before = dup(0);
	close(before);
	for (i = 0; i < 20; i++) {
		snprintf(key, sizeof(key), "key %d", i);
		window_add(entry_window(table_make(key), HOUR, true, start),
		    1, start);
	}
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small.rlim_max = old.rlim_max;
	setrlimit(RLIMIT_FSIZE, &small);
	for (i = 0; i < 3; i++)
		ok(snapshot_write(file, start, &err) < 0, "... not written");
	setrlimit(RLIMIT_FSIZE, &old);
	i = dup(0);
	is_int(i, before, "... and nothing stays open");
	close(i);
	is_int(snapshot_read(file, start, &err), 1, "... the old file is");
	is_int((int64_t)table_count(), 0, "... as it was");
	table_clear();
	unlink(file);
	rmdir(dir);
	free(file);
}

int
main(void)
{
	test_grey();
	test_full();
	test_window();
	test_window_random();
	test_values();
	test_classes();
	test_class_values();
	test_windows();
	test_snapshot();
	test_parse();
	return tap_done();
}
