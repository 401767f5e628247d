/*
 * cmd_mail.c - MAIL: a transaction is made, complete or not at all.
 */
#include "backend.h"
#include "cmd.h"
#include "conf/common.h"
#include "ext.h"
#include "filter.h"

static const char *
default_domain(void)
{
	return common.domains.n > 0 ? common.domains.v[0] : common.hostname;
}

/* the canonical form, with a domain */
static const char *
sender_print(struct txn *t, const struct smtp_address *addr)
{
	struct str text = STR_INIT;
	const char *z;

	smtp_address_print(addr, &text);
	if (!addr->null && addr->domain.n == 0)
		str_addf(&text, "@%s", default_domain());
	z = arena_slice(&t->arena, slice_str(&text));
	str_free(&text);
	return z;
}

/* 1, or -1: err and the reply's code (0: by the error) */
static int
fill(struct session *s, struct txn *t, struct slice args, struct err *err,
    int *code)
{
	struct smtp_args a;
	unsigned flags = SMTP_ADDR_NULL;

	*code = 0;
	if (conf.personality == SUBMISSION || conf.personality == LOCAL)
		flags |= SMTP_ADDR_BARE;
	if (smtp_args_parse(args, "FROM", flags, &t->arena, &a, err) < 0)
		return -1;
	if (ext_params(s, &a, t, NULL, err, code) < 0)
		return -1;
	if (a.addr.utf8 && !t->utf8)
		return err_perm(err, "5.6.7",
		    "this address needs the parameter SMTPUTF8");
	t->sender = sender_print(t, &a.addr);
	if (owner_check(s, t, err, code) < 0 ||
	    rules_mail(s, t, err, code) < 0)
		return -1;
	if (backend_space(t->size, err) < 0)
		return -1;
	return filters_mail(s, t, err, code);
}

enum cmd_result
cmd_mail(void *session, struct slice args)
{
	struct session *s = session;
	struct err err = ERR_INIT;
	struct txn *t;
	int code;

	if (auth_needed(s)) {
		reply(s, 530, "5.7.0", "authentication required");
		return CMD_BAD;
	}
	if (s->transactions >= conf.transactions)
		return session_refuse(s, "transactions",
		    "too many messages in one session");
	t = txn_new();
	if (fill(s, t, args, &err, &code) < 0) {
		log_reject(s, "MAIL", NULL, &err);
		if (code != 0)
			reply(s, code, err.dsn, "%s", err.text);
		else
			reply_err(s, 501, &err);
		filters_abort(s);
		txn_free(t);
		if (s->closes)
			return CMD_QUIT;
		return err.kind == ERR_PERM ? CMD_BAD : CMD_OK;
	}
	s->txn = t;
	s->transactions++;
	if (t->priority_changed)	/* RFC 6710 section 4.1 */
		reply(s, 250, "2.3.6", "Ok, with priority %lld",
		    (long long)t->priority);
	else
		reply(s, 250, "2.1.0", "Ok");
	return CMD_OK;
}
