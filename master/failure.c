/*
 * failure.c - a service whose children fail waits ever longer until the next
 * one is started; the others go on.
 */
#include "base/clock.h"
#include "base/log.h"
#include "master.h"

#include <signal.h>
#include <sys/wait.h>

enum { YOUNG_MS = 10000, FORGET_MS = 60000, SOON_MS = 100 };

void
service_failed(struct service *s, const char *why, bool young)
{
	int64_t now = mono_ms(), wait;

	if (!young || now - s->last_failure > FORGET_MS)
		s->failures = 0;
	s->last_failure = now;
	s->failures++;
	/* one that had served for a while is replaced soon */
	wait = s->failures > 16 ? config->throttle_max : !young ? SOON_MS :
	    MIN(config->throttle_max, 1000LL << (s->failures - 1));
	s->throttled_until = now + wait;
	slice_copy(s->why, sizeof(s->why), slice_of(why));
	log_event(LOG_ERROR, "throttled", KS("service", s->name),
	    KS("reason", why), KI("failures", s->failures),
	    KI("wait_ms", wait), KEND);
}

void
service_child_gone(struct service *s, const struct child *c, int status)
{
	bool crashed = WIFSIGNALED(status) || WEXITSTATUS(status) != 0;
	bool old = c->gen != s->gen;
	char why[160];

	if (!crashed && (c->was_ready || old))
		return;
	if (WIFSIGNALED(status) && old && (WTERMSIG(status) == SIGKILL ||
	    WTERMSIG(status) == SIGTERM))
		return;		/* by us, or it makes no difference */
	if (WIFSIGNALED(status))
		snprintf(why, sizeof(why), "%s by signal %d (%s)",
		    c->was_ready ? "killed" : "killed at its start",
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(why, sizeof(why), "%s with status %d",
		    c->was_ready ? "ended" : "did not start, ended",
		    WEXITSTATUS(status));
	s->crashes++;
	log_event(LOG_ERROR, "crashed", KS("service", s->name),
	    KI("child", c->pid), KS("reason", why), KEND);
	if (!old)
		service_failed(s, why, !c->was_ready ||
		    mono_ms() - c->started < YOUNG_MS);
}

bool
service_ready(const struct service *s)
{
	return s->conf == NULL || s->conf->spare == 0 || s->ready > 0;
}

const char *
service_state(const struct service *s)
{
	if (s->stopping)
		return "stopped";
	if (s->throttled_until > mono_ms())
		return "throttled";
	return service_ready(s) ? "ready" : "starting";
}
