/*
 * login.c - is it the right password?  Whatever is wrong with a login, the
 * answer is the same and comes at the same time: the moment that the delay
 * ends is counted from the request, not from the end of the check.
 */
#include "auth.h"

#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"

static struct login *logins;	/* all connections */

void *
login_open(const struct ipc_cred *peer UNUSED)
{
	struct login *l = xcalloc(1, sizeof(*l));

	l->sock = -1;
	l->next = logins;
	l->prev = &logins;
	if (logins != NULL)
		logins->prev = &l->next;
	logins = l;
	return l;
}

void
login_close(void *login)
{
	struct login *l = login;

	*l->prev = l->next;
	if (l->next != NULL)
		l->next->prev = l->prev;
	log_set_session(NULL);
	login_reset(l);
	explicit_bzero(l, sizeof(*l));
	free(l);
}

/* What a successor could not go on with: also a login whose client is about to
 * be handed over. */
bool
login_busy(void *login)
{
	const struct login *l = login;

	return l->held || l->exchange || l->give_until != 0;
}

void
login_reset(struct login *l)
{
	size_t i;

	sasl_wipe(&l->sasl);
	client_free(l);
	for (i = 0; i < l->master.pass.n; i++)
		explicit_bzero((char *)(uintptr_t)l->master.pass.v[i],
		    strlen(l->master.pass.v[i]));
	memset(&l->master, 0, sizeof(l->master));
	account_wipe(&l->acct, &l->arena);
	l->exchange = l->known = l->is_master = false;
	memset(&l->brute, 0, sizeof(l->brute));
	l->found = 0;
	l->target[0] = l->name[0] = l->app[0] = '\0';
	l->trouble = (struct err)ERR_INIT;
}

void
login_wait(struct login *l)
{
	l->step_until = mono_ms() + conf.step_timeout;
}

/* a login that was answered: its client comes next, or not at all */
static void
expect_client(struct login *l)
{
	if (l->done && !l->gone && handover_path(l->service) != NULL)
		l->give_until = mono_ms() + conf.handover_timeout;
}

static void
give(struct login *l)
{
	struct auth_out out = { .done = true, .challenge = "",
	    .user = l->user, .login = l->by };

	l->held = false;
	l->answer_at = 0;
	if (l->rc == 0)
		expect_client(l);
	if (l->rc < 0)
		request_err(l->ticket, &l->err);
	else
		request_ok(l->ticket, &out, -1);
}

/* A client that stops in the middle of an exchange would keep its place for
 * ever. */
static void
stop_exchange(struct login *l)
{
	log_set_session(l->session);
	log_event(LOG_INFO, "login-timeout", KS("client", l->client),
	    KS("service", l->service), KEND);
	log_set_session(NULL);
	login_reset(l);
	shutdown(l->sock, SHUT_RDWR);
}

/* what a connection waits for, mono_ms; 0: for its peer */
static int64_t
due(const struct login *l)
{
	return l->held ? l->answer_at : l->exchange ? l->step_until :
	    l->give_until;
}

int64_t
login_wake(void)
{
	const struct login *l;
	int64_t first = 0, at;

	for (l = logins; l != NULL; l = l->next) {
		at = due(l);
		if (at != 0 && (first == 0 || at < first))
			first = at;
	}
	return first;
}

/* An answer can end its connection, so the list is walked anew. */
void
login_idle(void)
{
	int64_t now = mono_ms(), at;
	struct login *l = logins;

	while (l != NULL) {
		at = due(l);
		if (at == 0 || at > now) {
			l = l->next;
			continue;
		}
		if (l->held)
			give(l);
		else if (l->exchange)
			stop_exchange(l);
		else
			l->give_until = 0;
		l = logins;
	}
}

int
login_answer(struct login *l, struct call *c, int rc, struct auth_out *out,
    const struct err *err)
{
	if (l->answer_at <= mono_ms()) {
		l->answer_at = 0;
		out->done = rc == 0;
		if (rc == 0)
			expect_client(l);
		out->user = arena_strdup(c->arena, l->user);
		out->login = arena_strdup(c->arena, l->by);
		return rc;
	}
	l->rc = rc;
	l->err = *err;
	l->held = true;
	l->ticket = request_hold(c);
	request_park(c);
	return CALL_LATER;
}

/* Twice as long after each failure, a quarter more or less by chance. */
static int64_t
delay_ms(const struct login *l)
{
	int64_t ms = conf.failure_delay, i;

	for (i = 1; i < l->failures && ms < conf.failure_delay_max; i++)
		ms *= 2;
	ms = MAX(ms, brute_delay(l));
	ms = MIN(ms, conf.failure_delay_max);
	return ms - ms / 4 + random_below((uint32_t)(ms / 2) + 1);
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
	l->answer_at = start + delay_ms(l);
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

/* certificates and tokens are not passwords: nobody guesses them, and a device
 * whose token has ended must not block its address for who has a password */
static bool
by_password(const struct login *l)
{
	return l->sasl.mech == NULL || (l->sasl.mech->flags &
	    (MECH_TOKEN | MECH_CERTIFICATE)) == 0;
}

/* Before anything is checked: 0, or -1 with err, logged: not now. */
static int
may_try(struct login *l, const char *mech, struct err *err)
{
	if (l->failures >= conf.max_failures) {
		log_failed(l, mech, "too many failed logins");
		return err_temp(err, "4.7.0", "too many failed logins");
	}
	if (by_password(l) ? brute_blocked(l) : l->brute.blocked)
		return err_temp(err, "4.7.0", "too many failed logins; try "
		    "again later");
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
	    KS("client", l->client),
	    KS("tls", l->ch.version[0] != '\0' ? l->ch.version : NULL), KEND);
}

int
login_refuse(struct login *l, const char *mech, const char *why,
    struct err *err)
{
	int64_t start = mono_ms();

	if (l->trouble.kind != ERR_NONE)
		return trouble(l, mech, err);
	if (may_try(l, mech, err) == 0) {
		tried(l, mech, why);
		if (by_password(l))
			brute_failed(l);
	}
	return refuse(l, start, err);
}

int
login_check(struct login *l, const char *mech, struct err *err)
{
	const char *why = NULL, *told = NULL;
	int64_t start = mono_ms();

	if (may_try(l, mech, err) < 0)
		return refuse(l, start, err);
	if (!l->sasl.proven)
		why = judge(l);
	if (why == NULL)
		why = grant(l, by_password(l), &told);
	if (l->trouble.kind != ERR_NONE)
		return trouble(l, mech, err);
	tried(l, mech, why);
	if (why == NULL) {
		brute_passed(l);
		l->done = true;
		l->answer_at = start + brute_account_delay(l);
		return 0;
	}
	/* who is told has the password */
	if (told != NULL)
		err_perm(err, "5.7.13", "%s", told);
	else if (by_password(l))
		brute_failed(l);
	return refuse(l, start, err);
}
