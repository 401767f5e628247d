/*
 * milter.c - a milter, from the connection to DATA.  One command is under way
 * at a time; what the milter answers to it is checked by lib/milter.
 */
#include "milter.h"

#include "base/clock.h"

int
milter_flush(struct member *m, struct err *err)
{
	struct milter *t = m->self;
	int64_t ms = m->c->timeout_command;

	net_deadline(&t->io, t->end == 0 ? ms :
	    MIN(ms, t->end - mono_ms()));
	return net_flush(&t->io, err);
}

int
milter_next(struct milter *t, struct milter_answer *r, int64_t ms,
    int64_t end, struct err *err)
{
	char four[4];
	size_t n;
	int64_t left = MIN(ms, end - mono_ms());

	net_deadline(&t->io, left);
	if (net_flush(&t->io, err) < 0)
		return -1;
	do {
		left = MIN(ms, end - mono_ms());
		/* who sends without a pause is never waited for */
		if (left <= 0)
			return err_temp(err, "4.4.2", "no answer in time");
		net_deadline(&t->io, left);
		if (net_read(&t->io, four, sizeof(four), err) < 0 ||
		    milter_length(four, &n, err) < 0)
			return -1;
		t->packet = xrealloc(t->packet, n + 1);
		if (net_read(&t->io, t->packet, n, err) < 0 ||
		    milter_read(t->packet, n, r, err) < 0)
			return -1;
	} while (r->cmd == SMFIR_PROGRESS);
	return 0;
}

static int
reply_code(struct member *m, const struct milter_answer *r,
    struct verdict *v, struct err *err)
{
	struct str text = STR_INIT;
	int rc = milter_read_reply(r->value, &v->code, v->dsn, &text, err);

	if (rc == 0) {
		v->text = arena_slice(&m->s->ta, slice_str(&text));
		v->action = v->code == 421 ? FILTER_CLOSE : v->code >= 500 ?
		    FILTER_REJECT : FILTER_DEFER;
	}
	str_free(&text);
	return rc < 0 ? -1 : 1;
}

int
milter_verdict(struct member *m, const struct milter_answer *r, int cmd,
    struct verdict *v, struct err *err)
{
	switch (r->cmd) {
	case SMFIR_CONTINUE:
		return 1;
	case SMFIR_ACCEPT:
		v->accept = true;
		return 1;
	case SMFIR_REJECT:
		verdict_set(v, FILTER_REJECT, 550, "5.7.1",
		    "refused by a filter");
		return 1;
	case SMFIR_TEMPFAIL:
		verdict_set(v, FILTER_DEFER, 451, "4.7.1",
		    "refused for now by a filter; try again later");
		return 1;
	case SMFIR_DISCARD:
		if (cmd == SMFIC_CONNECT || cmd == SMFIC_HELO)
			break;
		verdict_set(v, FILTER_DISCARD, 250, "2.0.0", "discarded");
		return 1;
	case SMFIR_REPLYCODE:
		return reply_code(m, r, v, err);
	case SMFIR_SHUTDOWN:
		verdict_set(v, FILTER_CLOSE, 421, "4.7.0",
		    "service not available; closing");
		return 1;
	case SMFIR_CONN_FAIL:
		return err_temp(err, "4.3.0", "milter: it gave up");
	default:
		return 0;
	}
	return 0;
}

int
milter_answer_stage(struct member *m, int cmd, struct verdict *v,
    struct err *err)
{
	struct milter *t = m->self;
	struct milter_answer r;
	int64_t ms = m->c->timeout_command, end = mono_ms() + 4 * ms;
	int rc;

	if (t->end > 0)
		end = MIN(end, t->end);
	if (milter_next(t, &r, ms, end, err) < 0)
		return -1;
	rc = milter_verdict(m, &r, cmd, v, err);
	if (rc == 0)
		return err_temp(err, "4.3.0", "milter: answer '%c' to '%c'",
		    r.cmd, cmd);
	return rc < 0 ? -1 : 0;
}

/* --- macros --- */

static const struct strlist *
wanted(const struct member *m, int cmd)
{
	const struct milter *t = m->self;
	const struct filter_conf *c = m->c;
	const struct { int cmd, stage; const struct strlist *list; } rows[] = {
		{ SMFIC_CONNECT, MILTER_CONNECT, &c->macros_connect },
		{ SMFIC_HELO, MILTER_HELO, &c->macros_helo },
		{ SMFIC_MAIL, MILTER_MAIL, &c->macros_mail },
		{ SMFIC_RCPT, MILTER_RCPT, &c->macros_rcpt },
		{ SMFIC_DATA, MILTER_DATA, &c->macros_data },
		{ SMFIC_EOH, MILTER_EOH, &c->macros_eoh },
		{ SMFIC_BODYEOB, MILTER_EOM, &c->macros_content },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].cmd == cmd)
			return t->o.chosen[rows[i].stage] ?
			    &t->o.macros[rows[i].stage] : rows[i].list;
	return NULL;
}

void
milter_put_macros(struct member *m, int cmd,
    const struct filter_rcpt_in *rcpt)
{
	struct milter *t = m->self;
	const struct strlist *list = wanted(m, cmd);
	struct arena a = { 0 };
	const char *value;
	size_t i, at;

	at = milter_macros_begin(&t->io.out, cmd);
	for (i = 0; list != NULL && i < list->n; i++) {
		value = macro_value(m, slice_of(list->v[i]), rcpt, &a);
		if (value != NULL)
			milter_macro(&t->io.out, list->v[i], value);
	}
	milter_macros_end(&t->io.out, at);
	arena_free(&a);
}

/* --- the connection --- */

static void
disconnect(struct member *m)
{
	struct milter *t = m->self;

	if (t == NULL)
		return;
	if (t->connected)
		io_close(&t->io);
	t->connected = t->reused = false;
	arena_reset(&t->arena);
	free(t->packet);
	t->packet = NULL;
}

static int
negotiate(struct member *m, struct err *err)
{
	struct milter *t = m->self;
	char four[4];
	size_t n;

	milter_put_optneg(&t->io.out, (int)m->c->protocol);
	net_deadline(&t->io, m->c->timeout_connect);
	if (net_flush(&t->io, err) < 0 ||
	    net_read(&t->io, four, sizeof(four), err) < 0 ||
	    milter_length(four, &n, err) < 0)
		return -1;
	t->packet = xrealloc(t->packet, n + 1);
	if (net_read(&t->io, t->packet, n, err) < 0)
		return -1;
	return milter_read_optneg((struct slice){ t->packet, n },
	    (int)m->c->protocol, &t->arena, &t->o, err);
}

static int
connect_to(struct member *m, struct err *err)
{
	struct milter *t = m->self;

	if (t == NULL)
		t = m->self = xcalloc(1, sizeof(*t));
	if (t->connected)
		return 0;
	if (net_open(m->c, &t->io, err) < 0)
		return -1;
	t->connected = true;
	return negotiate(m, err);
}

static int
tell_client(struct member *m, struct verdict *v, struct err *err)
{
	struct milter *t = m->self;
	const struct session *s = m->s;
	const char *addr = s->in.client_addr;

	if (t->o.protocol & SMFIP_NOCONNECT)
		return 0;
	milter_put_macros(m, SMFIC_CONNECT, NULL);
	if (s->in.client_name[0] != '\0' || addr[0] == '\0')
		milter_put_connect(&t->io.out, s->in.client_name, addr,
		    (int)s->in.client_port);
	else
		/* as Sendmail and Postfix name who has no name */
		milter_put_connect(&t->io.out, arena_printf(&m->s->ta,
		    "[%s]", addr), addr, (int)s->in.client_port);
	return t->o.protocol & SMFIP_NR_CONN ? 0 :
	    milter_answer_stage(m, SMFIC_CONNECT, v, err);
}

/* a kept connection may have been closed meanwhile: once more, with a new
 * one */
static int
open_it(struct member *m, struct verdict *v, struct err *err)
{
	struct milter *t;

	if (connect_to(m, err) < 0)
		return -1;
	t = m->self;
	if (tell_client(m, v, err) == 0)
		return 0;
	if (!t->reused)
		return -1;
	disconnect(m);
	*v = (struct verdict){ 0 };
	return connect_to(m, err) < 0 ? -1 : tell_client(m, v, err);
}

/* --- commands --- */

static const struct {
	int cmd;
	uint32_t no, silent;
} commands[] = {
	[STAGE_HELO] = { SMFIC_HELO, SMFIP_NOHELO, SMFIP_NR_HELO },
	[STAGE_MAIL] = { SMFIC_MAIL, SMFIP_NOMAIL, SMFIP_NR_MAIL },
	[STAGE_RCPT] = { SMFIC_RCPT, SMFIP_NORCPT, SMFIP_NR_RCPT },
	[STAGE_DATA] = { SMFIC_DATA, SMFIP_NODATA, SMFIP_NR_DATA },
	[STAGE_UNKNOWN] = { SMFIC_UNKNOWN, SMFIP_NOUNKNOWN, SMFIP_NR_UNKN },
};

static bool
wants(const struct member *m, enum stage st, bool refused)
{
	const struct milter *t = m->self;

	if (st == STAGE_RCPT && refused)
		return (t->o.protocol & SMFIP_RCPT_REJ) &&
		    !(t->o.protocol & SMFIP_NORCPT);
	/* old versions do not know of them */
	if ((st == STAGE_DATA && t->o.version < 4) ||
	    (st == STAGE_UNKNOWN && t->o.version < 3))
		return false;
	return !(t->o.protocol & commands[st].no);
}

static void
put_address(struct member *m, int cmd, const char *addr,
    const struct strlist *params)
{
	struct milter *t = m->self;
	struct arena a = { 0 };
	struct strlist words = { 0 };
	size_t i;

	strlist_add(&words, &a, arena_printf(&a, "<%s>", addr));
	for (i = 0; i < params->n; i++)
		strlist_add(&words, &a, params->v[i]);
	milter_put_words(&t->io.out, cmd, words.v, words.n);
	arena_free(&a);
}

static int
stage(struct member *m, enum stage st, const struct filter_rcpt_in *rcpt,
    struct verdict *v, struct err *err)
{
	struct milter *t = m->self;
	const struct session *s = m->s;

	if (st == STAGE_OPEN)
		return open_it(m, v, err);
	if (!wants(m, st, false))
		return 0;
	milter_put_macros(m, commands[st].cmd, rcpt);
	if (st == STAGE_HELO)
		milter_put_words(&t->io.out, SMFIC_HELO, &s->helo.helo, 1);
	else if (st == STAGE_MAIL)
		put_address(m, SMFIC_MAIL, s->mail.sender, &s->mail.params);
	else if (st == STAGE_RCPT)
		put_address(m, SMFIC_RCPT, rcpt->addr, &rcpt->params);
	else if (st == STAGE_UNKNOWN)
		milter_put_words(&t->io.out, SMFIC_UNKNOWN, &s->unknown, 1);
	else
		milter_put(&t->io.out, SMFIC_DATA, SLICE_NULL);
	if (t->o.protocol & commands[st].silent)
		return milter_flush(m, err);
	return milter_answer_stage(m, commands[st].cmd, v, err);
}

static void
abort_mail(struct member *m)
{
	struct milter *t = m->self;
	struct err ignored;

	milter_put(&t->io.out, SMFIC_ABORT, SLICE_NULL);
	milter_flush(m, &ignored);
}

static void
end(struct member *m)
{
	struct milter *t = m->self;
	struct err ignored;
	bool stay = m->c->reuse && t->o.version >= 6;

	milter_put(&t->io.out, stay ? SMFIC_QUIT_NC : SMFIC_QUIT, SLICE_NULL);
	net_deadline(&t->io, m->c->timeout_command);
	if (net_flush(&t->io, &ignored) < 0 || !stay)
		disconnect(m);
	else
		t->reused = true;
}

const struct filter_kind kind_milter = {
	.stage = stage,
	.content = milter_content,
	.abort = abort_mail,
	.end = end,
	.close = disconnect,
	.wants = wants,
};
