/*
 * transaction.c - MAIL, RCPT, content, and the replies to them.
 *
 * With PIPELINING all commands go at once, and with CHUNKING a short content
 * with them; replies are then read in the order of the commands.  Each reply
 * is handled by the same function whether others wait or not.
 */
#include "smtp.h"

#include "base/clock.h"

struct flight {
	struct session *s;
	struct job *j;
	size_t *sel;		/* indexes of its recipients */
	size_t n;
	size_t accepted;
	bool mail_ok, mail_soft;	/* 4xx: another host's turn */
	bool go;		/* 354 */
	bool sent;		/* the end of the content, or all of BDAT */
	bool heard;		/* any reply */
};

static struct slice
domain_of(const char *addr)
{
	struct slice s = slice_of(addr);
	size_t at = slice_rfind(s, '@');

	return slice_sub(s, at + (at < s.n), s.n);
}

/* would r be of one domain too many?  RFC 9422 */
static bool
domain_fits(const struct flight *f, const struct recipient *r)
{
	int64_t max = f->s->caps.domain_max, domains = 0;
	struct slice d = domain_of(r->wire), other;
	size_t i, k;

	if (max == 0)
		return true;
	for (i = 0; i < f->n; i++) {
		other = domain_of(f->j->rcpt[f->sel[i]].wire);
		if (slice_ieq(d, other))
			return true;
		for (k = 0; k < i && !slice_ieq(other, domain_of(
		    f->j->rcpt[f->sel[k]].wire)); k++)
			;
		domains += k == i;
	}
	return domains < max;
}

/* the recipients of the next transaction: one sender, no more than the
 * server takes */
static void
choose(struct flight *f)
{
	const struct caps *c = &f->s->caps;
	int64_t max = conf.recipients;
	const char *sender = NULL;
	struct recipient *r;
	size_t i;

	if (c->rcpt_max > 0)
		max = MIN(max, c->rcpt_max);
	if (f->s->rcpt_max > 0)
		max = MIN(max, f->s->rcpt_max);
	for (i = 0; i < f->j->n && (int64_t)f->n < max; i++) {
		r = &f->j->rcpt[i];
		if (r->state != RCPT_OPEN || (sender != NULL &&
		    strcmp(sender, r->wire_sender) != 0) ||
		    !domain_fits(f, r))
			continue;
		sender = r->wire_sender;
		r->state = RCPT_NEXT;
		f->sel[f->n++] = i;
	}
}

static void
fail_all(struct flight *f, const struct err *err)
{
	struct recipient *r;
	size_t i;

	for (i = 0; i < f->n; i++) {
		r = &f->j->rcpt[f->sel[i]];
		if (r->state == RCPT_NEXT || r->state == RCPT_TAKEN)
			result_err(f->j, r, err, f->s->peer, false);
	}
}

static void
reopen(struct flight *f)
{
	struct recipient *r;
	size_t i;

	for (i = 0; i < f->n; i++) {
		r = &f->j->rcpt[f->sel[i]];
		if (r->state != RCPT_DONE)
			r->state = RCPT_OPEN;
	}
}

/* one reply: 0, or -1 where the session is over, 421 included */
static int
hear(struct flight *f, enum stage at, struct err *err)
{
	if (reply_read(f->s, at, err) < 0)
		return -1;
	if (f->s->reply.code == 421)
		return reply_err(f->s, at, err);
	f->heard = f->j->heard = true;
	return 0;
}

static bool
is_class(const struct flight *f, int class)
{
	return f->s->reply.code / 100 == class;
}

static int
got_mail(struct flight *f, struct err *err)
{
	struct err why;

	if (hear(f, AT_MAIL, err) < 0)
		return -1;
	f->mail_ok = is_class(f, 2);
	if (f->mail_ok) {
		f->s->tainted = true;
		return 0;
	}
	reply_err(f->s, AT_MAIL, &why);
	if (why.kind == ERR_TEMP && session_more(f->s, f->j)) {
		f->mail_soft = true;
		*err = why;
	} else {
		fail_all(f, &why);
	}
	return 0;
}

/* "too many recipients", in either spelling: RFC 5321 section 4.5.3.1.10.
 * They go in a further transaction. */
static bool
is_too_many(const struct flight *f)
{
	const struct smtp_reply *r = &f->s->reply;

	if (f->accepted == 0 || (r->code != 452 && r->code != 552))
		return false;
	return r->dsn[0] == '\0' || strcmp(r->dsn + 1, ".5.3") == 0;
}

static int
got_rcpt(struct flight *f, size_t i, struct err *err)
{
	struct recipient *r = &f->j->rcpt[f->sel[i]];
	struct err why;

	if (hear(f, AT_RCPT, err) < 0)
		return -1;
	if (r->state != RCPT_NEXT || f->mail_soft)
		return 0;	/* MAIL was refused */
	if (is_class(f, 2)) {
		r->state = RCPT_TAKEN;
		f->accepted++;
	} else if (is_too_many(f)) {
		r->state = RCPT_OPEN;
		f->s->rcpt_max = (int64_t)f->accepted;
	} else {
		reply_err(f->s, AT_RCPT, &why);
		result_err(f->j, r, &why, f->s->peer, false);
	}
	return 0;
}

/* DATA was answered */
static int
got_data(struct flight *f, struct err *err)
{
	struct err why;

	if (hear(f, AT_DATA, err) < 0)
		return -1;
	f->go = is_class(f, 3);
	if (f->go || f->accepted == 0)
		return 0;
	reply_err(f->s, AT_DATA, &why);
	fail_all(f, &why);
	if (is_class(f, 2))	/* one of us has lost count */
		f->s->bye = true;
	return 0;
}

static bool
needs_rset(const struct session *s)
{
	return s->tainted;
}

static int
got_rset(struct flight *f, struct err *err)
{
	f->s->tainted = false;
	return hear(f, AT_RSET, err);
}

static void
say(struct flight *f, const struct str *line)
{
	struct session *s = f->s;
	struct str t = STR_INIT;

	str_add(&s->io.out, line->s, line->len);
	if (s->trace == NULL)
		return;
	str_addf(&t, ">>> %.*s", (int)line->len - 2, line->s);
	s->trace(t.s, s->trace_ctx);
	str_free(&t);
}

/* all at once, and then all replies: 0 or -1 */
static int
pipelined(struct flight *f, bool rset, bool chunk, struct err *err)
{
	struct session *s = f->s;
	struct str line = STR_INIT;
	size_t i;
	int rc = 0;

	if (rset)
		io_puts(&s->io, "RSET\r\n");
	mail_line(s, f->j, f->j->rcpt[f->sel[0]].wire_sender, &line);
	for (i = 0; i < f->n; i++)
		rcpt_line(s, f->j, &f->j->rcpt[f->sel[i]], &line);
	if (!chunk && !f->s->caps.chunking)
		str_adds(&line, "DATA\r\n");
	say(f, &line);
	str_free(&line);
	if (chunk)
		bdat_put(s, f->j);
	f->sent = chunk;
	if (chunk)		/* it may be taken: stay for the answer */
		io_wake_on(&s->io, -1);
	if (rset)
		rc = got_rset(f, err);
	if (rc == 0)
		rc = got_mail(f, err);
	for (i = 0; i < f->n && rc == 0; i++)
		rc = got_rcpt(f, i, err);
	if (rc == 0 && !f->s->caps.chunking)
		rc = got_data(f, err);
	return rc;
}

/* each command waits for the reply to the one before it */
static int
serial(struct flight *f, bool rset, struct err *err)
{
	struct session *s = f->s;
	struct str line = STR_INIT;
	size_t i;
	int rc = 0;

	if (rset) {
		io_puts(&s->io, "RSET\r\n");
		rc = got_rset(f, err);
	}
	if (rc == 0) {
		mail_line(s, f->j, f->j->rcpt[f->sel[0]].wire_sender, &line);
		say(f, &line);
		rc = got_mail(f, err);
	}
	for (i = 0; i < f->n && rc == 0 && f->mail_ok; i++) {
		str_reset(&line);
		rcpt_line(s, f->j, &f->j->rcpt[f->sel[i]], &line);
		say(f, &line);
		rc = got_rcpt(f, i, err);
	}
	str_free(&line);
	if (rc == 0 && f->accepted > 0 && !s->caps.chunking) {
		io_puts(&s->io, "DATA\r\n");
		rc = got_data(f, err);
	}
	return rc;
}

/* the reply to the whole content, or (LMTP) to one recipient's */
static int
judge(struct flight *f, struct recipient *r)
{
	struct err why;

	if (is_class(f, 2)) {
		result_delivered(f->s, f->j, r);
		return 0;
	}
	reply_err(f->s, AT_DONE, &why);
	result_err(f->j, r, &why, f->s->peer, false);
	return is_class(f, 3) ? -1 : 0;
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
	s->io.deadline = 0;
	for (i = 0; i < f->n; i++) {
		r = &f->j->rcpt[f->sel[i]];
		if (r->state != RCPT_TAKEN)
			continue;
		if ((!asked || conf.protocol == PROTO_LMTP) &&
		    reply_read(s, AT_DONE, err) < 0) {
			fail_all(f, err);
			break;
		}
		asked = true;
		if (judge(f, r) < 0)
			s->bye = true;
	}
	io_wake_on(&s->io, serve_end_fd());
	s->io.deadline = f->j->deadline;
	s->tainted = s->caps.chunking && !is_class(f, 2);
}

/* nobody was accepted, but the server wants to have it: a lone dot */
static int
nothing(struct flight *f, struct err *err)
{
	if (!f->go)
		return 0;
	io_puts(&f->s->io, ".\r\n");
	f->s->tainted = false;
	return hear(f, AT_DONE, err);
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
		fail_all(f, &why);
	}
	s->io.failed = s->lost = s->bye = true;
}

static int
content(struct flight *f, struct err *err)
{
	struct session *s = f->s;
	struct err why;
	int rc;

	if (f->accepted == 0)
		return f->sent ? hear(f, AT_DONE, err) : nothing(f, err);
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
		fail_all(f, &why);
		return 0;
	}
	got_end(f, err);
	return 0;
}

/* Everything went, and the link is lost before the answer.  One that was idle
 * and says nothing at all was closed meanwhile. */
static bool
may_be_taken(const struct flight *f)
{
	const struct session *s = f->s;

	if (s->reply.code == 421)
		return false;
	return f->heard || s->messages == 1 || s->io.timed_out;
}

/* one transaction: 0, or -1 */
static int
one(struct flight *f, struct err *err)
{
	struct session *s = f->s;
	bool rset = needs_rset(s), pipe = s->caps.pipelining;
	int rc;

	s->messages++;
	rc = pipe ? pipelined(f, rset, s->caps.chunking &&
	    data_is_small(f->j), err) : serial(f, rset, err);
	if (rc == 0)
		rc = content(f, err);
	else if (f->sent && may_be_taken(f))
		fail_all(f, err);
	io_wake_on(&s->io, serve_end_fd());
	reopen(f);
	return f->mail_soft ? -1 : rc;
}

int
transact(struct session *s, struct job *j, struct err *err)
{
	struct flight f;
	struct err ignored;
	int rc = 0;

	while (j->left > 0 && rc == 0) {
		if (s->bye || (s->caps.mail_max > 0 &&
		    s->messages >= s->caps.mail_max))
			return err_temp(err, "4.4.2", "the server takes no "
			    "more messages over one connection");
		f = (struct flight){ .s = s, .j = j,
			.sel = arena_alloc(j->arena, j->n *
			sizeof(*f.sel)) };
		choose(&f);
		rc = one(&f, err);
		if (j->left > 0 && j->left < j->n)
			results_tell(j, &ignored);
	}
	return rc;
}
