/*
 * cmd_rcpt.c - RCPT: the router is asked at once, so who is unknown or not to
 * be relayed to is refused here and never bounced.
 */
#include "backend.h"
#include "cmd.h"
#include "ext.h"
#include "filter.h"

static const char *
print_addr(struct arena *a, const struct smtp_address *addr)
{
	struct str text = STR_INIT;
	const char *z;

	smtp_address_print(addr, &text);
	z = arena_slice(a, slice_str(&text));
	str_free(&text);
	return z;
}

/* Who is named twice is one recipient of theirs, too. */
static int
ask_filters(struct session *s, const struct rcpt *r, struct err *err,
    int *code)
{
	if (txn_has(s->txn, r) ||
	    filters_rcpt(s, s->txn, r, NULL, err, code) > 0)
		return 1;
	rules_rcpt_undo(s);
	return -1;
}

/* 1, or -1: err and the reply's code (0: by the error); r->addr is filled as
 * soon as it is known */
static int
fill(struct session *s, struct rcpt *r, struct slice args, struct err *err,
    int *code)
{
	struct txn *t = s->txn;
	struct smtp_args a;
	struct err ignored = ERR_INIT, why = ERR_INIT;
	unsigned flags = SMTP_ADDR_POSTMASTER;
	int none;

	*code = 0;
	if (session_trusted(s) || conf.personality == LMTP)
		flags |= SMTP_ADDR_BARE;
	if (smtp_args_parse(args, "TO", flags, &t->arena, &a, err) < 0)
		return -1;
	r->addr = print_addr(&t->arena, &a.addr);
	if (ext_params(s, &a, t, r, err, code) < 0)
		return -1;
	if (a.addr.utf8 && !t->utf8)
		return err_perm(err, "5.6.7",
		    "this address needs the parameter SMTPUTF8");
	if (rules_delayed(s, err, code) > 0 &&
	    (backend_resolve(t, session_trusted(s), r, &why) < 0 ?
	    rules_rcpt(s, r, &why, err, code) :
	    rules_rcpt(s, r, NULL, err, code)) > 0)
		return ask_filters(s, r, err, code);
	filters_rcpt(s, t, r, err, &ignored, &none);
	return -1;
}

enum cmd_result
cmd_rcpt(void *session, struct slice args)
{
	struct session *s = session;
	struct txn *t = s->txn;
	struct rcpt r = { NULL, "", "", -1, "" };
	struct err err = ERR_INIT;
	int code;

	if (t->taken >= (size_t)conf.recipients) {
		/* RFC 5321 section 4.5.3.1.10: 452, so that the client sends
		 * to the rest in another transaction */
		reply(s, 452, "4.5.3", "too many recipients");
		return CMD_OK;
	}
	if (fill(s, &r, args, &err, &code) < 0) {
		log_reject(s, "RCPT", r.addr, &err);
		if (code != 0)
			reply(s, code, err.dsn, "%s", err.text);
		else
			reply_err(s, 550, &err);
		if (s->closes)
			return CMD_QUIT;
		/* who is known may well have old addresses on a list */
		return err.kind == ERR_PERM && !session_trusted(s) ?
		    CMD_BAD : CMD_OK;
	}
	txn_add(t, &r);
	t->taken++;
	if (conf.personality == LMTP)
		strlist_add(&t->accepted, &t->arena, r.addr);
	reply(s, 250, "2.1.5", "Ok");
	return CMD_OK;
}
