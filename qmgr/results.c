/*
 * results.c - what becomes of a recipient after an attempt.  Only memory is
 * changed here; the message is on the list of those to be written.
 */
#include "qmgr.h"

enum { TEXT_MAX = 1000 };

int64_t
message_expires_at(const struct queue_message *m, int64_t at)
{
	/* those of several recipients have the longest time */
	int64_t from = MAX(m->created / 1000000, at), most = 0;
	size_t i;

	for (i = 0; i < m->n; i++)
		most = MAX(most, policy_lifetime(m, &m->rcpt[i]));
	return from + (most > 0 ? most : policy_lifetime(m, NULL));
}

int64_t
message_expires(const struct queue_message *m)
{
	return message_expires_at(m, m->release_at);
}

/* is the word in the list of NOTIFY=? */
bool
notify_wants(const char *notify, const char *word, bool by_default)
{
	struct slice rest = slice_of(notify), part;

	if (*notify == '\0')
		return by_default;
	while (slice_cut(&rest, ',', &part))
		if (slice_ieqz(slice_trim(part), word))
			return true;
	return false;
}

static void
set_last(struct rcpt *r, const char *dsn, const char *text, const char *peer)
{
	r->q.dsn = msg_string(r->msg, dsn, 16);
	r->q.text = msg_string(r->msg, text, TEXT_MAX);
	r->q.peer = msg_string(r->msg, peer, 255);
}

static void
log_result(enum log_level level, const char *event, const struct rcpt *r)
{
	log_event(level, event, KS("q", r->msg->q), KS("to", r->q.addr),
	    KS("orig", strcmp(r->q.orig, r->q.addr) ? r->q.orig : NULL),
	    KS("transport", r->dest->transport->name),
	    KS("dest", r->dest->nexthop), KI("attempts", r->q.attempts),
	    KS("peer", *r->q.peer ? r->q.peer : NULL), KS("dsn", r->q.dsn),
	    KS("reason", r->q.text), KEND);
}

/* RFC 3461 section 5.2.2: a receipt is the next host's to send, or says that
 * it sends none */
void
result_told(struct rcpt *r, const struct agent_result *a)
{
	r->told = a->report == REPORT_THEIRS;
	if (a->report == REPORT_RELAYED)
		set_last(r, "2.1.9", a->text, a->peer);
}

void
result_expanded(struct rcpt *r, const char *dsn, const char *text)
{
	set_last(r, dsn, text, "");
	r->q.state = RCPT_NOTIFY;
	r->q.due = wall_s();
	r->msg->reports = true;
	rcpt_dirty(r);
}

void
result_delivered(struct rcpt *r)
{
	qmgr.delivered++;
	dest_good(r->dest);
	if (notify_wants(r->q.notify, "success", false) &&
	    *r->msg->m.sender && !r->msg->doomed && !r->told) {
		r->q.attempts++;
		if (*r->q.dsn != '2')
			set_last(r, "2.0.0", "delivered", "");
		r->q.state = RCPT_NOTIFY;
		r->q.due = wall_s();
		r->msg->reports = true;
	} else {
		r->gone = true;
	}
	rcpt_dirty(r);
}

/* the state is set, the attempt counted */
static void
fail(struct rcpt *r)
{
	struct msg *m = r->msg;
	bool wanted = notify_wants(r->q.notify, "failure", true);

	qmgr.bounced++;
	/* of mail without a sender only that which we made is told of */
	if (*m->m.sender == '\0' && !(qmgr.conf.double_bounce &&
	    m->m.internal)) {
		log_result(LOG_WARN, "bounce-dropped", r);
		r->gone = true;
	} else {
		log_result(LOG_INFO, "failed", r);
		r->gone = !wanted;
		r->q.state = RCPT_FAILED;
		r->q.due = wall_s();
		m->reports = m->reports || wanted;
	}
	rcpt_dirty(r);
}

void
result_failed(struct rcpt *r, const char *dsn, const char *text,
    const char *peer)
{
	r->q.attempts++;
	set_last(r, dsn, text, peer);
	if (r->msg->doomed) {
		r->gone = true;
		rcpt_dirty(r);
	} else {
		fail(r);
	}
}

static void
expire(struct rcpt *r)
{
	struct str text = STR_INIT;

	str_adds(&text, "delivery time expired");
	if (*r->q.text)
		str_addf(&text, "; last: %s %s", r->q.dsn, r->q.text);
	r->q.dsn = msg_string(r->msg, "5.4.7", 16);
	r->q.text = msg_string(r->msg, text.s, TEXT_MAX);
	str_free(&text);
	fail(r);
}

/* a delay report, once, after delay_warning, where there is a reason to tell;
 * that nothing was tried because the destination is in trouble is one */
static void
note_delay(struct rcpt *r)
{
	struct msg *m = r->msg;
	int64_t after = MS(qmgr.conf.delay_warning);

	if (after == 0 || m->m.delay_warned || *m->m.sender == '\0' ||
	    *r->q.dsn == '\0' || wall_s() < m->m.created / 1000000 + after)
		return;
	if (notify_wants(r->q.notify, "delay", true))
		m->delayed = true;
}

static bool
dropped(struct rcpt *r)
{
	if (!r->msg->doomed)
		return false;
	r->gone = true;
	rcpt_dirty(r);
	return true;
}

void
result_deferred(struct rcpt *r, const char *dsn, const char *text,
    const char *peer)
{
	struct qmgr_conf *c = &qmgr.conf;
	int64_t now = wall_s();
	uint16_t rnd;

	r->q.attempts++;
	set_last(r, dsn, text, peer);
	if (dropped(r))
		return;
	if (now >= r->msg->m.expires) {
		expire(r);
		return;
	}
	random_bytes(&rnd, sizeof(rnd));
	r->q.state = r->msg->m.hold ? RCPT_HELD : RCPT_WAITING;
	r->q.due = now + sched_backoff(MS(c->first_retry), MS(c->min_retry),
	    MS(c->max_retry), r->q.attempts, rnd);
	r->q.due = MIN(r->q.due, MAX(r->msg->m.expires, now + 1));
	r->q.due = MAX(r->q.due, r->msg->m.release_at);
	note_delay(r);
	log_result(LOG_INFO, "deferred", r);
	rcpt_dirty(r);
}

void
result_put_back(struct rcpt *r, const char *dsn, const char *text)
{
	struct msg *m = r->msg;

	if (dropped(r))
		return;
	if (*text && strcmp(r->q.text, text) != 0) {
		set_last(r, dsn, text, "");
		r->changed = true;
	}
	if (wall_s() >= m->m.expires) {
		expire(r);
		return;
	}
	note_delay(r);
	if (m->row == ROW_FILED && !r->changed && !m->delayed) {
		/* its row is as it was, and there is nothing to tell */
		r->dest->mem_next = MIN(r->dest->mem_next, r->q.due);
		rcpt_free(r);
		msg_release(m);
		return;
	}
	r->q.state = m->m.hold ? RCPT_HELD : RCPT_WAITING;
	r->q.due = MAX(r->q.due, m->m.release_at);
	rcpt_dirty(r);
}

static bool
may_move(const struct rcpt *r, bool partly)
{
	const char *from = r->dest->transport->name;

	return *r->q.mailbox != '\0' && strchr(r->q.mailbox, ':') == NULL &&
	    (strcmp(from, "system") == 0 ||
	    (partly && strcmp(from, COMMAND_SERVICE) == 0));
}

/* The mailbox says how much is left, so it is moved twice at most: from system,
 * and once what needs no time is done.  In memory alone it is moved where its
 * rows are still to be made; a start then begins with system again. */
void
result_moved(struct rcpt *r, bool partly)
{
	struct msg *m = r->msg;
	struct err err = ERR_INIT;
	struct dest *to = NULL;

	if (dropped(r))
		return;
	if (!may_move(r, partly))
		err_temp(&err, "4.3.5", "moved, but it can not be");
	else
		to = dest_get(COMMAND_SERVICE, r->q.mailbox, &err);
	if (to == NULL) {
		result_deferred(r, err.dsn, err.text, "");
		return;
	}
	if (partly)
		r->q.mailbox = arena_printf(&m->arena, "%s:|", r->q.mailbox);
	rcpt_move(r, to);
	if (!partly && m->row != ROW_FILED && !m->m.hold && !qmgr.draining) {
		sched_add(r, rcpt_class(r));
		deliver_soon();
		return;
	}
	r->moved = true;
	r->q.state = m->m.hold ? RCPT_HELD : RCPT_WAITING;
	r->q.due = MAX(wall_s(), m->m.release_at);
	rcpt_dirty(r);
}
