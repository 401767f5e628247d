/*
 * ext_chunking.c - BDAT (RFC 3030).
 *
 * The octets of a chunk are taken off the stream whatever else is wrong: in
 * every state, and before any refusal is answered.  A failed BDAT ends the
 * whole transaction, so what was pipelined behind it finds none (503).
 */
#include "cmd.h"
#include "content.h"
#include "ext.h"
#include "filter.h"

/* why a chunk can not be taken: 1 it can, else err and the reply's code */
static int
chunk_allowed(struct session *s, struct err *err, int *code)
{
	struct txn *t = s->txn;

	*code = 530;
	if (tls_needed(&conf.tls, s->peer))
		return err_perm(err, "5.7.0", STARTTLS_FIRST);
	*code = 503;
	if (t == NULL)
		return err_perm(err, "5.5.1", "need MAIL first");
	if (t->content != NULL)
		return 1;
	if (t->taken == 0) {
		*code = 554;
		return err_perm(err, "5.5.1", "no valid recipients");
	}
	if (rules_data(s, err, code) < 0) {
		log_reject(s, "BDAT", NULL, err);
		return -1;
	}
	*code = 451;
	if (limit_check(s, err) < 0)
		return -1;
	if (filters_data(s, err, code) < 0) {
		log_reject(s, "BDAT", NULL, err);
		return -1;
	}
	return 1;
}

static enum cmd_result
chunk_refuse(struct session *s, uint64_t n, int code, const struct err *err)
{
	enum content_read r = content_chunk(s, NULL, n);

	if (r == READ_LOST)
		return session_lost(s);
	if (s->rule_code != 0)
		reply(s, code, err->dsn, "%s", err->text);
	else
		reply_err(s, code, err);
	session_reset(s);
	return r == READ_ENDLESS || s->closes ? CMD_QUIT : CMD_BAD;
}

static enum cmd_result
chunk_taken(struct session *s, uint64_t n, bool last)
{
	struct err err = ERR_INIT;

	if (last)
		return data_finish(s);
	if (content_check(s->txn->content, &err) < 0) {
		log_reject(s, "BDAT", NULL, &err);
		reply_err(s, 550, &err);
		session_reset(s);
		return CMD_BAD;
	}
	reply(s, 250, "2.0.0", "%llu octets received", (unsigned long long)n);
	return CMD_OK;
}

static enum cmd_result
cmd_bdat(void *session, struct slice args)
{
	struct session *s = session;
	struct err err = ERR_INIT;
	uint64_t n;
	bool last;
	int code;

	if (smtp_bdat_parse(args, &n, &last, &err) < 0) {
		/* nobody knows what follows: it must not become commands */
		session_reset(s);
		reply(s, 501, err.dsn, "%s; closing", err.text);
		s->end = "bdat";
		return CMD_QUIT;
	}
	if (chunk_allowed(s, &err, &code) < 0)
		return chunk_refuse(s, n, code, &err);
	if (s->txn->content == NULL)
		s->txn->content = content_new(s, true);
	switch (content_chunk(s, s->txn->content, n)) {
	case READ_LOST:
		return session_lost(s);
	case READ_ENDLESS:
		err_perm(&err, "5.3.4", "message far too big; closing");
		log_reject(s, "BDAT", NULL, &err);
		reply_err(s, 552, &err);
		s->end = "endless";
		return CMD_QUIT;
	case READ_OK:
		break;
	}
	return chunk_taken(s, n, last);
}

static const struct command commands[] = {
	{ "BDAT", 0, INT_MAX, ST_ANY, CMD_RAW | CMD_CHECKS, cmd_bdat,
	    "BDAT size [LAST]" },
	{ NULL, 0, 0, 0, 0, NULL, NULL }
};

const struct ext ext_chunking = {
	.keyword = "CHUNKING",
	.commands = commands,
};
