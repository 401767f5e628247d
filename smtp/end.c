/*
 * end.c - the content of a transaction, and the replies to it.  Once its end
 * was sent whoever was accepted has a result here, whatever happens.
 */
#include "flight.h"

#include "base/clock.h"

enum { TELL_MS = 1000 };

/* the reply to the whole content, or (LMTP) to one recipient's */
static int
judge(struct flight *f, struct recipient *r)
{
	struct err why;

	if (flight_class(f, 2)) {
		result_delivered(f->s, f->j, r);
		return 0;
	}
	reply_err(f->s, AT_DONE, &why);
	result_err(f->j, r, &why, f->s->peer, false);
	return flight_class(f, 3) ? -1 : 0;
}

/* One reply may take its time.  Of many, as LMTP has them, each does, but all
 * of them together no longer than all that was before: qmgr waits, too. */
static int64_t
end_deadline(void)
{
	return conf.protocol == PROTO_LMTP ? mono_ms() +
	    MAX(conf.total_timeout, conf.data_done_timeout) : 0;
}

/* what is known already, in case that we do not come to the end */
static void
tell_some(struct flight *f)
{
	struct job *j = f->j;
	struct err ignored;

	if (j->left == 0 || mono_ms() - j->told < TELL_MS)
		return;
	j->told = mono_ms();
	results_tell(j, &ignored);
}

/* Whoever was accepted has a result afterwards: that the answer is lost does
 * not mean that the message is. */
static void
got_end(struct flight *f, struct err *err)
{
	struct session *s = f->s;
	struct recipient *r;
	bool asked = false;
	size_t i;

	io_wake_on(&s->io, -1);	/* whoever stops us waits, too */
	s->io.deadline = end_deadline();
	for (i = 0; i < f->n; i++) {
		r = &f->j->rcpt[f->sel[i]];
		if (r->state != RCPT_TAKEN)
			continue;
		if ((!asked || conf.protocol == PROTO_LMTP) &&
		    reply_read(s, AT_DONE, err) < 0) {
			flight_fail(f, err);
			break;
		}
		asked = true;
		if (judge(f, r) < 0)
			s->bye = true;
		tell_some(f);
	}
	io_wake_on(&s->io, serve_end_fd());
	s->io.deadline = f->j->deadline;
	s->tainted = s->caps.chunking && !flight_class(f, 2);
}

/* nobody was accepted, but the server wants to have it: a lone dot */
static int
nothing(struct flight *f, struct err *err)
{
	if (!f->go)
		return 0;
	io_puts(&f->s->io, ".\r\n");
	f->s->tainted = false;
	return flight_hear(f, AT_DONE, err);
}

/* what a server says before it hangs up on what we still send */
static void
last_words(struct flight *f)
{
	struct session *s = f->s;
	struct err why;

	if (s->io.timed_out || s->io.woken)
		return;
	s->io.failed = false;
	str_reset(&s->io.out);
	s->io.deadline = MIN(s->io.deadline, mono_ms() + 2000);
	if (reply_read(s, AT_BODY, &why) == 0 && s->reply.code >= 400) {
		reply_err(s, AT_BODY, &why);
		flight_fail(f, &why);
	}
	s->io.failed = s->lost = s->bye = true;
}

int
flight_end(struct flight *f, struct err *err)
{
	struct session *s = f->s;
	struct err why;
	int rc;

	if (f->accepted == 0)
		return f->sent ? flight_hear(f, AT_DONE, err) : nothing(f, err);
	if (!f->sent && !f->go && !s->caps.chunking)
		return 0;	/* DATA was refused */
	rc = f->sent ? 0 : s->caps.chunking ? bdat_send(s, f->j, err) :
	    data_send(s, f->j, err);
	if (rc < 0) {
		last_words(f);
		return -1;
	}
	if (rc == 1) {
		reply_err(s, AT_BODY, &why);
		flight_fail(f, &why);
		return 0;
	}
	got_end(f, err);
	return 0;
}
