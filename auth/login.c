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
#include "sasl/password.h"

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
	explicit_bzero(l, sizeof(*l));
	free(l);
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
log_failed(const struct login *l, const char *mech, const char *name,
    const char *why)
{
	log_event(LOG_INFO, "login-failed", KS("user", name),
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

int
login_refuse(struct login *l, const char *mech, const char *name,
    const char *why, struct err *err)
{
	log_failed(l, mech, name, why);
	return refuse(l, mono_ms(), err);
}

/* NULL: right; else why not, for the log; *err only for trouble */
static const char *
judge(const char *name, const char *password, struct account *acct,
    struct arena *a, struct err *err)
{
	int found = account_find(name, acct, a, err);
	const char *hash = found == 1 ? acct->record.pass : "";
	int right;

	if (found < 0)
		return "no answer from the table";
	if (found == 1 && verified_known(hash, password))
		return NULL;
	right = sasl_password_check(hash, password, err);
	if (right < 0)
		return "no answer from crypt";
	if (right == 1)
		verified_add(hash, password);
	if (found == 0)
		return "unknown user";
	return right ? NULL : "wrong password";
}

static int
finish(struct login *l, const char *mech, const struct account *acct)
{
	slice_copy(l->user, sizeof(l->user), slice_of(acct->key));
	l->done = true;
	log_event(LOG_INFO, "login", KS("user", l->user),
	    KS("service", l->service), KS("mech", mech),
	    KS("client", l->client), KEND);
	return 0;
}

static int
trouble(const struct login *l, const char *mech, const char *name,
    struct err *err)
{
	log_event(LOG_ERROR, "login-trouble", KS("user", name),
	    KS("service", l->service), KS("mech", mech),
	    KS("client", l->client), KERR(err), KEND);
	return err_temp(err, "4.7.0", "temporary authentication failure");
}

int
login_check(struct login *l, const char *mech, const char *name,
    const char *password, struct err *err)
{
	struct err why_not = ERR_INIT;
	struct arena a = { 0 };
	struct account acct;
	int64_t start = mono_ms();
	const char *why;
	bool disabled;
	int r = 0;

	if (l->failures >= conf.max_failures) {
		err_temp(err, "4.7.0", "too many failed logins");
		return login_refuse(l, mech, name, "too many failures", err);
	}
	why = judge(name, password, &acct, &a, &why_not);
	disabled = why == NULL && acct.record.disabled;
	if (why == NULL && !disabled)
		r = finish(l, mech, &acct);
	account_wipe(&acct, &a);
	if (why_not.kind != ERR_NONE) {
		*err = why_not;
		return trouble(l, mech, name, err);
	}
	if (why == NULL && !disabled)
		return r;
	log_failed(l, mech, name, disabled ? "disabled" : why);
	/* told only to who knows the password */
	if (disabled)
		err_perm(err, "5.7.13", "account disabled");
	return refuse(l, start, err);
}
