/*
 * login.c - is it the right password?  Whatever is wrong with a login, the
 * answer is the same and comes at the same time: the moment that the delay
 * ends is counted from the request, not from the end of the check.
 */
#include "auth.h"

#include <poll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"

static struct login *waiting;	/* in the middle of an exchange */

void *
login_open(const struct ipc_cred *peer UNUSED)
{
	struct login *l = xcalloc(1, sizeof(*l));

	l->sock = -1;
	return l;
}

void
login_close(void *login)
{
	struct login *l = login;

	if (waiting == l)
		waiting = NULL;
	log_set_session(NULL);
	login_reset(l);
	explicit_bzero(l, sizeof(*l));
	free(l);
}

void
login_reset(struct login *l)
{
	size_t i;

	sasl_wipe(&l->sasl);
	for (i = 0; i < l->master.pass.n; i++)
		explicit_bzero((char *)(uintptr_t)l->master.pass.v[i],
		    strlen(l->master.pass.v[i]));
	memset(&l->master, 0, sizeof(l->master));
	account_wipe(&l->acct, &l->arena);
	l->exchange = l->known = l->is_master = false;
	l->found = 0;
	l->target[0] = l->name[0] = l->app[0] = '\0';
	l->trouble = (struct err)ERR_INIT;
}

/*
 * With one connection a process, a client that stops in the middle of an
 * exchange would keep the whole process: it has step_timeout for its answer,
 * then the channel is shut.
 */
void
login_idle(void)
{
	struct pollfd p[2] = { { LIFE_FD, POLLIN, 0 } };
	struct login *l = waiting;
	int r;

	waiting = NULL;
	if (l == NULL || launch.clients > 1 || !l->exchange)
		return;
	p[1] = (struct pollfd){ l->sock, POLLIN, 0 };
	r = poll(p, 2, (int)conf.step_timeout);
	if (r == 0) {
		log_event(LOG_INFO, "login-timeout", KS("client", l->client),
		    KS("service", l->service), KEND);
		shutdown(l->sock, SHUT_RDWR);
	}
}

void
login_wait(struct login *l)
{
	waiting = l;
}

/* Twice as long after each failure, a quarter more or less by chance. */
static int64_t
delay_ms(const struct login *l)
{
	int64_t ms = conf.failure_delay, i;

	for (i = 1; i < l->failures && ms < conf.failure_delay_max; i++)
		ms *= 2;
	ms = MIN(ms, conf.failure_delay_max);
	return ms - ms / 4 + random_below((uint32_t)(ms / 2) + 1);
}

/* Sleep until then, or until the peer has gone. */
static void
sleep_until(const struct login *l, int64_t when)
{
	struct pollfd p = { l->sock, 0, 0 };
	int64_t left;

	while ((left = when - mono_ms()) > 0)
		if (poll(&p, 1, (int)MIN(left, (int64_t)INT_MAX)) != 0)
			return;
}

static void
log_failed(const struct login *l, const char *mech, const char *why)
{
	log_event(LOG_INFO, "login-failed", KS("user", l->sasl.authcid),
	    KS("service", l->service), KS("mech", mech),
	    KS("client", l->client), KS("reason", why), KEND);
}

static int
refuse(struct login *l, int64_t start, struct err *err)
{
	l->failures++;
	sleep_until(l, start + delay_ms(l));
	return err->kind == ERR_NONE ? err_perm(err, "5.7.8",
	    "authentication credentials invalid") : -1;
}

static int
trouble(struct login *l, const char *mech, struct err *err)
{
	log_event(LOG_ERROR, "login-trouble", KS("user", l->sasl.authcid),
	    KS("service", l->service), KS("mech", mech),
	    KS("client", l->client), KERR(&l->trouble), KEND);
	return err_temp(err, "4.7.0", "temporary authentication failure");
}

/* Before anything is checked: 0, or -1 with err: not now. */
static int
may_try(const struct login *l, struct err *err)
{
	if (l->failures >= conf.max_failures)
		return err_temp(err, "4.7.0", "too many failed logins");
	return 0;
}

/* After it was: a login that was right, or that was not (never trouble). */
static void
tried(struct login *l, const char *mech, const char *why)
{
	if (why != NULL) {
		log_failed(l, mech, why);
		return;
	}
	log_event(LOG_INFO, "login", KS("user", l->user),
	    KS("login", l->by[0] != '\0' ? "master" : NULL),
	    KS("by", l->by[0] != '\0' ? l->by : NULL),
	    KS("app", l->app[0] != '\0' ? l->app : NULL),
	    KS("service", l->service), KS("mech", mech),
	    KS("client", l->client), KEND);
}

int
login_refuse(struct login *l, const char *mech, const char *why,
    struct err *err)
{
	int64_t start = mono_ms();

	if (l->trouble.kind != ERR_NONE)
		return trouble(l, mech, err);
	tried(l, mech, why);
	return refuse(l, start, err);
}

/* certificates and tokens are not passwords */
static bool
by_password(const struct login *l)
{
	return l->sasl.mech == NULL || (l->sasl.mech->flags &
	    (MECH_TOKEN | MECH_CERTIFICATE)) == 0;
}

int
login_check(struct login *l, const char *mech, struct err *err)
{
	const char *why = NULL, *told = NULL;
	int64_t start = mono_ms();

	if (may_try(l, err) < 0) {
		tried(l, mech, err->text);
		return refuse(l, start, err);
	}
	if (!l->sasl.proven)
		why = judge(l);
	if (why == NULL)
		why = grant(l, by_password(l), &told);
	if (l->trouble.kind != ERR_NONE)
		return trouble(l, mech, err);
	tried(l, mech, why);
	if (why == NULL) {
		l->done = true;
		return 0;
	}
	if (told != NULL)
		err_perm(err, "5.7.13", "%s", told);
	return refuse(l, start, err);
}
