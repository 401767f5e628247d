/*
 * transaction.c - MAIL, RCPT, content, and the replies to them.
 *
 * With PIPELINING all commands go at once, and with CHUNKING a short content
 * with them; replies are then read in the order of the commands.  Each reply
 * is handled by the same function whether others wait or not.
 */
#include "flight.h"

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

void
flight_fail(struct flight *f, const struct err *err)
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

int
flight_hear(struct flight *f, enum stage at, struct err *err)
{
	if (reply_read(f->s, at, err) < 0)
		return -1;
	if (f->s->reply.code == 421)
		return reply_err(f->s, at, err);
	f->heard = f->j->heard = true;
	return 0;
}

bool
flight_class(const struct flight *f, int class)
{
	return f->s->reply.code / 100 == class;
}

static int
got_mail(struct flight *f, struct err *err)
{
	struct err why;

	if (flight_hear(f, AT_MAIL, err) < 0)
		return -1;
	f->mail_ok = flight_class(f, 2);
	if (f->mail_ok) {
		f->s->tainted = true;
		return 0;
	}
	reply_err(f->s, AT_MAIL, &why);
	if (why.kind == ERR_TEMP && session_more(f->s, f->j)) {
		f->mail_soft = true;
		*err = why;
	} else {
		flight_fail(f, &why);
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

	if (flight_hear(f, AT_RCPT, err) < 0)
		return -1;
	if (r->state != RCPT_NEXT || f->mail_soft)
		return 0;	/* MAIL was refused */
	if (flight_class(f, 2)) {
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

	if (flight_hear(f, AT_DATA, err) < 0)
		return -1;
	f->go = flight_class(f, 3);
	if (f->go || f->accepted == 0)
		return 0;
	reply_err(f->s, AT_DATA, &why);
	flight_fail(f, &why);
	if (flight_class(f, 2))	/* one of us has lost count */
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
	return flight_hear(f, AT_RSET, err);
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
		rc = flight_end(f, err);
	else if (f->sent && may_be_taken(f))
		flight_fail(f, err);
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
