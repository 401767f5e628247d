/* mailbox_speed_test.c - how long do things take?  As a test with 2000
 * messages it only holds that no operation got slower by an order of
 * magnitude; `mailbox_speed_test 100000` gives the figures. */
#include <fcntl.h>
#include <sys/resource.h>
#include <time.h>

#include "mailbox_help.h"
#include "test/tap.h"

static double start_ms;

static double
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static void
begin(void)
{
	start_ms = now_ms();
}

/* at most base + per1000 for each 1000 messages, in milliseconds */
static void
end(const char *what, size_t n, double base, double per1000)
{
	double ms = now_ms() - start_ms;

	tap_diag("%-42s %9.2f ms", what, ms);
	ok(ms < (base + per1000 * (double)n / 1000) * 20, "%s", what);
}

static void
fill(struct place *p, size_t n)
{
	static const char text[] = "From: a@b\nSubject: x\n\nbody\n";
	char name[120];
	size_t i;
	int fd;

	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "new/%zu.Qf3Kp0aZ91xy%06zuR1."
		    "mx.example.com,S=%zu,W=%zu", 1700000000 + i, i,
		    sizeof(text) - 1, sizeof(text) + 3);
		fd = openat(p->at.dir, name, O_WRONLY | O_CREAT, 0400);
		if (fd < 0 || write(fd, text, sizeof(text) - 1) < 0)
			die("%s: %s", name, strerror(errno));
		close(fd);
	}
}

static void
test_open(struct place *p, size_t n)
{
	struct mailbox *mb;
	struct mailbox_status st;

	begin();
	mb = place_open(p, 0);
	end("take in", n, 100, 50);
	is_int(mb->n, n, "all are there");
	begin();
	mailbox_close(mb);
	end("close (writes the snapshot)", n, 20, 0.5);
	usleep(60000);
	/* our own renames are in the last instant: one more look */
	mailbox_close(place_open(p, 0));
	begin();
	mb = place_open(p, 0);
	end("open", n, 2, 0.1);
	is_int(mb->n, n, "all are there");
	begin();
	mailbox_refresh(mb, &test_err);
	end("refresh, nothing new", n, 0.2, 0);
	place_put(p, "cur/x", "");
	place_remove(p, "cur/x");
	begin();
	mailbox_refresh(mb, &test_err);
	end("scan, nothing new", n, 2, 2);
	mailbox_close(mb);
	begin();
	mailbox_status(&p->at, &st, &test_err);
	end("status", n, 2, 0.1);
}

static void
test_change(struct place *p, size_t n)
{
	struct mailbox *mb = place_open(p, 0), *other;
	size_t k = n / 10;

	begin();
	change(mb, 1, (uint32_t)n, "+S $Work");
	end("flags of all", n, 10, 0.5);
	begin();
	other = place_open(p, 0);
	end("open with that in the log's tail", n, 5, 0.5);
	begin();
	mailbox_settle(mb);
	end("renames for them", n, 100, 50);
	begin();
	mailbox_refresh(other, &test_err);
	end("the other session sees it", n, 1, 0.5);
	is_int(other->msg[n - 1].flags & MSG_KEPT, MSG_SEEN, "it does");
	mailbox_close(other);
	begin();
	append(mb, "a: b\r\n\r\nc\r\n", 0, NULL);
	end("append", 1, 20, 0);
	begin();
	mailbox_refresh(mb, &test_err);
	end("refresh behind it", 1, 1, 0);
	begin();
	expunge(mb, 1, (uint32_t)k);
	end("expunge of a tenth", k, 100, 200);
	mailbox_purge(mb, NULL, NULL);
	begin();
	mailbox_close(mb);
	end("close", n, 20, 0.5);
}

static void
test_rebuild(struct place *p, size_t n)
{
	struct mailbox *mb;
	struct rusage ru;

	place_remove(p, ".state/log");
	begin();
	mb = place_open(p, 0);
	end("open without a log", n, 40, 4);
	is_int(mb->n, n - n / 10 + 1, "all are there");
	mailbox_close(mb);
	getrusage(RUSAGE_SELF, &ru);
	tap_diag("%-42s %9.1f MB", "peak memory", (double)ru.ru_maxrss / 1e3);
}

int
main(int argc, char **argv)
{
	struct place p;
	uint64_t n = 2000;

	if (argc > 1 && !slice_u64(slice_of(argv[1]), 10000000, &n))
		die("usage: %s [messages]", argv[0]);
	place_make(&p, "speed");
	fill(&p, n);
	sync();
	test_open(&p, n);
	test_change(&p, n);
	test_rebuild(&p, n);
	place_free(&p);
	return tap_done();
}
