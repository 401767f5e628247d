/*
 * results.c - what becomes of each recipient, for qmgr and for the log.  qmgr
 * itself logs what was deferred and what failed.
 */
#include "smtp.h"

#include "base/clock.h"

enum { ALIVE_MS = 60000 };

static void
done(struct job *j, struct recipient *r, int status)
{
	assert(r->state != RCPT_DONE);
	r->state = RCPT_DONE;
	r->status = status;
	j->left--;
}

void
result_err(struct job *j, struct recipient *r, const struct err *err,
    const char *peer, bool trouble)
{
	r->dsn = arena_strdup(j->arena, err->dsn);
	r->text = arena_strdup(j->arena, err->text);
	r->peer = arena_strdup(j->arena, peer);
	/* what only this message demands of the host is not its trouble */
	r->trouble = trouble && err->kind != ERR_PERM &&
	    !(j->in->requiretls && strncmp(err->dsn, "4.7.", 4) == 0);
	done(j, r, err->kind == ERR_PERM ? AGENT_FAILED : AGENT_DEFERRED);
}

void
results_rest(struct job *j, const struct err *err, const char *peer,
    bool trouble)
{
	size_t i;

	for (i = 0; i < j->n; i++)
		if (j->rcpt[i].state != RCPT_DONE)
			result_err(j, &j->rcpt[i], err, peer, trouble);
}

static const char *
some(const char *z)
{
	return z[0] != '\0' ? z : NULL;
}

static void
log_sent(const struct session *s, const struct job *j,
    const struct recipient *r)
{
	bool tls = s->facts.on;
	const struct tls_facts_out *f = &s->facts.f;

	log_event(LOG_INFO, "sent", KS("q", j->in->q), KS("to", r->addr),
	    KS("relay", s->relay), KS("tls", tls ? f->version : NULL),
	    KS("cipher", tls ? f->cipher : NULL),
	    KS("verified", !tls ? NULL : f->verified ? "yes" : "no"),
	    KS("policy", tls && s->policy.why != NULL ? some(s->policy.why) :
	    NULL), KI("message", s->messages),
	    KI("ms", mono_ms() - j->began),
	    KI("delay_ms", (wall_us() - j->in->created) / 1000),
	    KS("dsn", r->dsn), KS("reply", r->text), KEND);
}

void
result_delivered(struct session *s, struct job *j, struct recipient *r)
{
	struct str text = STR_INIT;

	reply_text(&s->reply, &text);
	r->text = arena_slice(j->arena, slice_str(&text));
	str_free(&text);
	r->dsn = s->reply.dsn[0] == '2' ?
	    arena_strdup(j->arena, s->reply.dsn) : "2.0.0";
	r->peer = arena_strdup(j->arena, s->peer);
	/* RFC 3461 section 5.2.2: who was told of NOTIFY reports; from here on
	 * one that was not is silent */
	r->report = conf.protocol == PROTO_LMTP ? REPORT_DELIVERED :
	    s->caps.dsn ? REPORT_THEIRS : REPORT_RELAYED;
	done(j, r, AGENT_DELIVERED);
	log_sent(s, j, r);
}

/* Where nobody has asked, qmgr takes silence for delivery. */
static bool
is_told(const struct job *j, const struct recipient *r)
{
	return j->left > 0 || r->status != AGENT_DELIVERED ||
	    (r->notify[0] != '\0' &&
	    strcasestr(r->notify, "success") != NULL);
}

void
results_alive(struct job *j)
{
	struct agent_result a = { .alive = true, .dsn = "", .text = "",
		.peer = "" };
	struct err ignored;

	if (mono_ms() - j->told < ALIVE_MS)
		return;
	j->told = mono_ms();
	call_more(j->call, &a, &ignored);
}

int
results_tell(struct job *j, struct err *err)
{
	struct agent_result a;
	struct recipient *r;

	for (r = j->rcpt; r < j->rcpt + j->n; r++) {
		if (r->state != RCPT_DONE || r->told || !is_told(j, r))
			continue;
		a = (struct agent_result){ .i = r - j->rcpt,
			.status = r->status, .dsn = r->dsn, .text = r->text,
			.peer = r->peer, .dest_trouble = r->trouble,
			.report = r->report };
		if (call_more(j->call, &a, err) < 0)
			return -1;
		r->told = true;
	}
	return 0;
}
