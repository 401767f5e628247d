/*
 * keyd_certs_test.c - a key that was replaced signs for ten seconds more, and
 * no longer, however seldom files are looked at and however often it was
 * replaced; then it is wiped.
 */
#include <event2/event.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>

#include "../../keyd/keyd.h"
#include "test/tap.h"

struct keyd_conf conf;

static time_t ahead;		/* of the clock, in seconds */
static const char *now_there;	/* the key in the file */
static const char *wiped = "";

/* the library's clock is ours */
int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int r = (int)syscall(SYS_clock_gettime, id, ts);

	ts->tv_sec += ahead;
	return r;
}

int
file_load(const char *path UNUSED, struct loaded *r, struct err *err UNUSED)
{
	X509 *x = X509_new();

	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 365 * 86400);
	*r = (struct loaded){ .chain = { x }, .n = 1, .key_file = NULL };
	slice_copy(r->id, sizeof(r->id), slice_of(now_there));
	return 0;
}

void
file_free(struct loaded *l)
{
	if (l->n == 0)
		return;
	wiped = strcmp(l->id, "one") == 0 ? "one" : "another";
	X509_free(l->chain[0]);
	memset(l, 0, sizeof(*l));
}

/* files that are others than those of another key */
const char *
file_key_place(const char *cert UNUSED, size_t i, struct arena *a)
{
	return i > 0 ? NULL : arena_printf(a, "%s/%s", tap_dir(), now_there);
}

int
staple_load(const char *path UNUSED, const struct loaded *cert UNUSED,
    struct str *out UNUSED, int64_t *ends_r UNUSED, struct err *err UNUSED)
{
	return 0;
}

static void
put(const char *name)
{
	struct arena a = { 0 };
	int fd;

	now_there = name;
	fd = open(file_key_place("", 0, &a), O_WRONLY | O_CREAT, 0600);
	if (fd < 0)
		die("%s: %s", name, strerror(errno));
	close(fd);
	arena_free(&a);
}

static void
pass(time_t seconds)
{
	ahead += seconds;
}

static void
run(void)
{
	event_base_loop(hub_base, EVLOOP_NONBLOCK);
}

/* a second each: all of them sign, and who comes behind has to wait */
static void
test_many(void)
{
	static const char *const names[] = { "b0", "b1", "b2", "b3", "b4",
	    "b5", "b6", "b7" };
	size_t i, n = 0;

	for (i = 0; i < BEFORE_MAX; i++) {
		put(names[i]);
		pass(1);
		run();
		is_str(wiped, "", "%zu. replacement: nothing is wiped", i + 1);
	}
	ok(certs_find("two") != NULL, "the first of them signs");
	for (i = 0; i < BEFORE_MAX; i++)
		n += certs_find(names[i]) != NULL;
	is_int((int)n, BEFORE_MAX, "and all behind it");
	put("last");
	pass(1);
	run();
	ok(certs_find("last") == NULL && certs_find("two") != NULL,
	    "one more has to wait");
	pass(2);
	run();
	ok(certs_find("last") != NULL && certs_find("two") == NULL,
	    "until ten seconds of the first are over");
	is_str(wiped, "another", "which is wiped");
	ok(certs_find("b7") != NULL && certs_find("b0") != NULL,
	    "the others sign yet");
	pass(11);
	run();
	for (n = 0, i = 0; i < BEFORE_MAX; i++)
		n += certs_find(names[i]) != NULL;
	is_int((int)n, 0, "then none of them");
}

int
main(void)
{
	struct err err = ERR_INIT;
	struct arena a = { 0 };

	hub_base = event_base_new();
	conf.check_interval = 86400 * 1000;
	strlist_add(&conf.certificates, &a, "/nowhere/a.pem");
	put("one");
	certs_load();
	is_int(certs_start(&err), 0, "a key");
	ok(certs_find("one") != NULL, "signs");
	put("two");
	pass(86400 + 1);
	run();
	ok(certs_find("two") != NULL, "another takes its place");
	ok(certs_find("one") != NULL, "the old one signs yet");
	pass(8);
	run();
	ok(certs_find("one") != NULL, "... eight seconds later, too");
	is_str(wiped, "", "it is there");
	pass(3);
	ok(certs_find("one") == NULL, "but not eleven seconds later");
	run();
	is_str(wiped, "one", "... when it is wiped");
	ok(certs_find("two") != NULL, "the new one signs on");
	wiped = "";
	conf.check_interval = 1000;
	pass(86400 + 1);
	run();
	test_many();
	wiped = "";
	certs_wipe();
	is_str(wiped, "another", "until the end");
	arena_free(&a);
	return tap_done();
}
