/*
 * cmd_data.c - DATA, and how each message ends.  250 is said when, and only
 * when, cleanup has said that the message is on disk; everything else ends
 * the transaction too.
 */
#include "base/log.h"
#include "backend.h"
#include "cmd.h"
#include "content.h"
#include "filter.h"

/* RFC 2033 section 4.2: one reply for each recipient that was accepted */
static size_t
replies(const struct session *s)
{
	return conf.personality == LMTP ? s->txn->accepted.n : 1;
}

enum cmd_result
data_refuse(struct session *s, int perm, const struct err *err)
{
	size_t i, n = replies(s);
	int code = reply_code(perm, err);
	const char *text = reply_text(err);

	/* of a message, not of a relay: RFC 5321 section 4.2.2 */
	if (s->rule_code != 0) {
		code = s->rule_code;
		text = err->text;
	} else if (s->refusal != 0)
		code = s->refusal;
	else if (err->kind == ERR_PERM && strcmp(err->dsn, "5.7.1") == 0)
		code = 550;
	log_set_queue(s->txn->q);
	log_reject(s, "DATA", NULL, err);
	log_set_queue(NULL);
	for (i = 0; i < n; i++) {
		if (conf.personality == LMTP)
			reply(s, code, err->dsn, "<%s> %s",
			    s->txn->accepted.v[i], text);
		else
			reply(s, code, err->dsn, "%s", text);
	}
	session_reset(s);
	if (s->closes)
		return CMD_QUIT;
	return err->kind == ERR_PERM ? CMD_BAD : CMD_OK;
}

static void
queued(struct session *s, uint64_t size)
{
	struct txn *t = s->txn;
	struct str proto = STR_INIT, tags = STR_INIT;
	size_t i, n = replies(s);

	s->accepted++;
	t->counted = false;	/* for good */
	s->junk = 0;
	session_proto(s, &proto);
	rules_tags(s, &tags);
	log_set_queue(t->q);
	log_event(LOG_INFO, "accepted", KS("client", s->peer->addr),
	    KS("client_name", s->name.len > 0 ? s->name.s : NULL),
	    KS("from", t->sender), KU("nrcpt", t->n), KU("size", size),
	    KS("proto", proto.s),
	    KS("login", s->login.len > 0 ? s->login.s : NULL),
	    KS("trusted", s->trusted && s->login.len == 0 ? "yes" : NULL),
	    KS("orig_client", forward_get(s, "ADDR")),
	    KS("orig_client_name", forward_get(s, "NAME")),
	    KS("orig_helo", forward_get(s, "HELO")),
	    KS("orig_id", forward_get(s, "IDENT")),
	    KS("tags", tags.len > 0 ? tags.s : NULL),
	    KS("discarded", t->discarded ? "yes" : NULL), KEND);
	log_set_queue(NULL);
	str_free(&proto);
	str_free(&tags);
	for (i = 0; i < n; i++) {
		if (conf.personality == LMTP)
			reply(s, 250, "2.1.5", "<%s> Ok: queued as %s",
			    t->accepted.v[i], t->q);
		else
			reply(s, 250, "2.0.0", "Ok: queued as %s", t->q);
	}
	session_reset(s);
}

/* nothing is queued here: its reply is ours */
static void
taken(struct session *s, uint64_t size, const struct filter_taken *by)
{
	struct txn *t = s->txn;
	size_t i, n = replies(s);

	s->accepted++;
	t->counted = false;
	s->junk = 0;
	log_set_queue(t->q);
	log_event(LOG_INFO, "accepted", KS("client", s->peer->addr),
	    KS("client_name", s->name.len > 0 ? s->name.s : NULL),
	    KS("from", t->sender), KU("nrcpt", t->n), KU("size", size),
	    KS("login", s->login.len > 0 ? s->login.s : NULL),
	    KS("proxy", by->by), KS("reply", by->text), KEND);
	log_set_queue(NULL);
	for (i = 0; i < n; i++) {
		if (conf.personality == LMTP)
			reply(s, by->code, by->dsn, "<%s> %s",
			    t->accepted.v[i], by->text);
		else
			reply(s, by->code, by->dsn, "%s", by->text);
	}
	session_reset(s);
}

/* What the rules say, then the filters.  Nobody is shown what a rule throws
 * away; what it holds is shown to all, as it may be released.  1, 0: a proxy
 * has it, -1 */
static int
judge(struct session *s, uint64_t size, struct filter_taken *by,
    struct err *err)
{
	if (rules_end(s, size, err, &s->refusal) < 0 ||
	    rules_edits(s, err) < 0)
		return -1;
	return edits_has(&s->txn->edits, EDIT_DISCARD) ? 1 :
	    filters_content(s, size, by, err, &s->refusal);
}

enum cmd_result
data_finish(struct session *s)
{
	struct content *c = s->txn->content;
	struct filter_taken by;
	struct err err = ERR_INIT;
	uint64_t size;
	enum cmd_result r = CMD_OK;
	int filtered = 1, put = content_put(c, &size, &err);

	if (put == 0 && (content_finish(c, &size, &err) < 0 ||
	    (filtered = judge(s, size, &by, &err)) < 0))
		r = data_refuse(s, 550, &err);
	else if (filtered == 0)
		taken(s, size, &by);
	else if (put < 0 || (put == 0 &&
	    backend_commit(s->txn, size, &err) < 0))
		r = data_refuse(s, 554, &err);
	else
		queued(s, size);
	s->refusal = 0;
	io_shrink(s->io);
	return r;
}

enum cmd_result
cmd_data(void *session, struct slice args UNUSED)
{
	struct session *s = session;
	struct txn *t = s->txn;
	struct err err = ERR_INIT;
	int code;

	if (t->taken == 0) {
		/* RFC 2920 section 3.1: DATA came before the replies to RCPT
		 * could be read */
		reply(s, 554, "5.5.1", "no valid recipients");
		return CMD_BAD;
	}
	if (rules_data(s, &err, &code) < 0) {
		log_reject(s, "DATA", NULL, &err);
		reply(s, code, err.dsn, "%s", err.text);
		session_reset(s);
		return s->closes ? CMD_QUIT : CMD_BAD;
	}
	if (limit_check(s, &err) < 0) {
		reply_err(s, 451, &err);
		return CMD_OK;
	}
	if (filters_data(s, &err, &code) < 0) {
		log_reject(s, "DATA", NULL, &err);
		reply(s, code, err.dsn, "%s", err.text);
		session_reset(s);
		return s->closes ? CMD_QUIT : CMD_BAD;
	}
	t->content = content_new(s, false);
	reply(s, 354, NULL, "end with <CRLF>.<CRLF>");
	switch (content_data(s, t->content)) {
	case READ_LOST:
		return session_lost(s);
	case READ_ENDLESS:
		err_perm(&err, "5.3.4", "message far too big; closing");
		data_refuse(s, 552, &err);
		s->end = "endless";
		return CMD_QUIT;
	case READ_OK:
		break;
	}
	return data_finish(s);
}
