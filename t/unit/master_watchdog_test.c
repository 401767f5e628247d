/*
 * master_watchdog_test.c - a child has all of its time: what passed before it
 * was told to end, or before it last beat, is not counted.
 */
#include <event2/event.h>
#include <signal.h>
#include <sys/time.h>

#include "base/clock.h"
#include "../../master/master.h"
#include "test/tap.h"

enum { WATCHDOG_MS = 1600, LOOK_MS = WATCHDOG_MS / 8, PID = 4711 };

struct event_base *base;
struct service *services;

static int64_t killed_at;	/* mono_ms */

int
kill(pid_t pid, int sig)
{
	if (pid == -PID && sig == SIGKILL && killed_at == 0)
		killed_at = mono_ms();
	return 0;
}

static void
run_ms(int64_t ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	event_base_loopexit(base, &tv);
	event_base_dispatch(base);
}

int
main(void)
{
	struct service_conf conf = { .name = "x", .watchdog = WATCHDOG_MS };
	char name[] = "x";
	struct service s = { .conf = &conf, .name = name };
	struct generation gen = { .life = 3 };
	struct child c = { .service = &s, .gen = &gen, .pid = PID };
	int64_t told;

	alarm(60);
	base = event_base_new();
	gen.board_fd = board_make(&gen.board, 1, 0);
	if (base == NULL || gen.board_fd < 0)
		die("board_make");
	s.children = &c;
	services = &s;
	watchdog_begin(&c);
	run_ms(2 * WATCHDOG_MS);
	is_int(killed_at, 0, "one that is starting is not killed");
	board_beat(&gen.board, 0);
	run_ms(LOOK_MS / 2 + LOOK_MS);
	/* most of the time between two looks is over when it is told */
	usleep(LOOK_MS * 9 / 10 * 1000);
	gen.life = -1;
	watchdog_told(&c);
	told = mono_ms();
	run_ms(WATCHDOG_MS);
	ok(killed_at != 0, "one that does not hear that it is to end is");
	ok(killed_at - told >= WATCHDOG_MS / 4, "not before a quarter of its "
	    "time (%d ms)", (int)(killed_at - told));
	killed_at = 0;
	board_beat(&gen.board, 0);
	told = mono_ms();
	run_ms(2 * WATCHDOG_MS);
	ok(killed_at - told >= WATCHDOG_MS, "one that has heard it has all of "
	    "it (%d ms)", (int)(killed_at - told));
	board_unmap(&gen.board);
	close(gen.board_fd);
	event_base_free(base);
	return tap_done();
}
