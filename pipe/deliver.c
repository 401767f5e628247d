/*
 * deliver.c - a request of qmgr.  A transport of its own (an option `command`)
 * gives one run as many recipients as it may; a command that an alias or a
 * .forward names is one run for that recipient.
 */
#include "pipe.h"

#include "base/clock.h"
#include "base/log.h"
#include "smtp/verp.h"

struct job {
	const struct agent_deliver_in *in;
	struct call *call;
	struct words *words;	/* of each recipient */
};

int
mailbox_command(const char *mailbox, struct arena *a, const char **login,
    const char **command)
{
	struct slice m = slice_of(mailbox);
	const char *at = strstr(mailbox, ":|");

	if (at == NULL || at == mailbox || at[2] == '\0')
		return 0;
	*login = arena_slice(a, slice_sub(m, 0, (size_t)(at - mailbox)));
	*command = at + 2;
	return 1;
}

static int
check_lists(const struct agent_deliver_in *in, struct err *err)
{
	size_t n = in->addr.n;

	if (n == 0 || n > AGENT_RCPTS || in->n.n != n ||
	    in->orig.n != n || in->mailbox.n != n)
		return err_perm(err, "5.5.4", "lists of recipients that do "
		    "not agree");
	return 0;
}

static void
set_words(struct job *j, size_t i)
{
	const struct agent_deliver_in *in = j->in;
	struct arena *a = j->call->arena;
	struct words *w = &j->words[i];
	struct str s = STR_INIT;

	*w = (struct words){ .sender = in->sender,
		.recipient = in->addr.v[i],
		.original = in->orig.v[i][0] != '\0' ? in->orig.v[i] :
		in->addr.v[i],
		.nexthop = in->nexthop, .queue_id = in->q,
		.session = in->session,
		.size = arena_printf(a, "%llu",
		(unsigned long long)in->size) };
	if (in->verp[0] != '\0' && in->sender[0] != '\0') {
		smtp_verp(in->sender, in->addr.v[i], in->verp, &s);
		w->sender = arena_slice(a, slice_str(&s));
		str_free(&s);
	}
	words_split(w, a);
}

static void
log_result(const struct job *j, size_t i, const struct err *err, int64_t ms)
{
	const char *event = err == NULL ? "delivered" :
	    err->kind == ERR_PERM ? "failed" : "deferred";

	log_event(LOG_INFO, event, KS("to", j->in->addr.v[i]),
	    KS("transport", launch.service), KI("ms", ms),
	    KS("dsn", err == NULL ? "2.0.0" : err->dsn),
	    KS("reason", err == NULL ? NULL : err->text), KEND);
}

/* tell of recipients from..to: 0, or -1 the caller is gone */
static int
tell(const struct job *j, size_t from, size_t to, const struct err *why,
    int64_t ms, struct err *err)
{
	struct agent_result res = { .status = AGENT_DELIVERED, .dsn = "2.0.0",
		.text = "", .peer = "" };
	size_t i;

	if (why != NULL) {
		res.status = why->kind == ERR_PERM ? AGENT_FAILED :
		    AGENT_DEFERRED;
		res.dsn = why->dsn;
		res.text = why->text;
	}
	for (i = from; i < to; i++) {
		log_result(j, i, why, ms);
		res.i = (int64_t)i;
		if (call_more(j->call, &res, err) < 0)
			return -1;
	}
	return 0;
}

/* who runs what: 0 or -1 */
static int
set_command(const struct job *j, size_t from, size_t to, struct run *r,
    struct err *err)
{
	struct arena *a = j->call->arena;
	const char *command;
	size_t i;

	r->dir = conf.directory;
	strlist_add(&r->env, a, arena_printf(a, "PATH=%s", conf.path));
	for (i = 0; i < conf.environment.n; i++)
		strlist_add(&r->env, a, conf.environment.v[i]);
	template_environment(&j->words[from], a, &r->env);
	if (conf.command[0] != '\0') {
		r->login = conf.user;
		return template_fill(conf.command, &j->words[from], to - from,
		    a, &r->arg, err);
	}
	if (mailbox_command(j->in->mailbox.v[from], a, &r->login,
	    &command) == 0)
		return err_temp(err, "4.3.5", "no command is configured");
	strlist_add(&r->arg, a, conf.shell);
	strlist_add(&r->arg, a, "-c");
	strlist_add(&r->arg, a, command);
	return 0;
}

static int
run_some(const struct job *j, size_t from, size_t to, struct err *err)
{
	struct run r = { .login = "" };
	struct words w = j->words[from];
	int64_t began = mono_ms();
	struct err why = ERR_INIT;
	int rc;

	if (to - from > 1)
		w.recipient = w.original = "";
	r.feed = (struct feed){ j->call->fd, j->in->size, &w, j->in->created };
	rc = set_command(j, from, to, &r, &why);
	if (rc == 0)
		rc = run_command(&r, &why);
	if (rc == 0)
		rc = outcome(&r, &why);
	str_free(&r.output);
	return tell(j, from, to, rc < 0 ? &why : NULL, mono_ms() - began, err);
}

/* how many recipients the next run has */
static size_t
run_length(const struct agent_deliver_in *in)
{
	if (conf.command[0] == '\0' || in->verp[0] != '\0')
		return 1;
	return (size_t)conf.recipients;
}

int
deliver_verb(struct call *c, const void *vin, void *out UNUSED,
    struct err *err)
{
	const struct agent_deliver_in *in = vin;
	struct job j = { .in = in, .call = c };
	size_t i, to, step = run_length(in);
	struct err why;
	int rc = 0;

	if (check_lists(in, err) < 0)
		return -1;
	log_set_session(in->session);
	log_set_queue(in->q);
	j.words = arena_alloc(c->arena, in->addr.n * sizeof(*j.words));
	for (i = 0; i < in->addr.n; i++)
		set_words(&j, i);
	if (conf.size_limit > 0 && in->size > conf.size_limit) {
		err_perm(&why, "5.2.3", "message is too large for this "
		    "command");
		rc = tell(&j, 0, in->addr.n, &why, 0, err);
	} else {
		for (i = 0; i < in->addr.n && rc == 0; i = to) {
			to = MIN(in->addr.n, i + step);
			rc = run_some(&j, i, to, err);
		}
	}
	log_set_queue(NULL);
	log_set_session(NULL);
	return rc;
}
