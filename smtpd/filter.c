/*
 * filter.c - what filters say (filter(8)), stage by stage, and what becomes of
 * it.  A session without filters never comes further than to the first line of
 * filters_tell.
 */
#include "filter_part.h"

#include "backend.h"
#include "base/clock.h"
#include "base/log.h"

/* --- what they say --- */

/* A reply of several lines stays one: what becomes of the text is smtp_reply's
 * to say, which lets no other control through. */
static void
set_text(struct err *err, const char *text)
{
	slice_copy(err->text, sizeof(err->text), slice_of(text));
}

/* 1, or -1: err and the reply's code */
static int
answer(struct session *s, const struct filter_out *out, const char *cmd,
    struct err *err, int *code)
{
	bool perm = out->action == FILTER_REJECT;

	if (filters_going_on(out))
		return 1;
	*code = out->action == FILTER_CLOSE ? 421 : out->code >= 400 &&
	    out->code < 600 ? (int)out->code : perm ? 550 : 451;
	log_event(LOG_INFO, "filter", KS("by", out->by), KS("cmd", cmd),
	    KS("action", out->action == FILTER_CLOSE ? "close" : perm ?
	    "reject" : "defer"), KI("code", *code), KEND);
	s->rule_code = *code;
	if (out->action == FILTER_CLOSE) {
		s->closes = true;
		s->end = "filter";
	}
	if (perm)
		err_perm(err, out->dsn, "%s", out->text);
	else
		err_temp(err, out->dsn, "%s", out->text);
	set_text(err, out->text);
	return -1;
}

/* They could not be asked: that is no reason to refuse anything for good. */
static int
failed(struct err *err, int *code)
{
	*code = 451;
	err->kind = ERR_TEMP;
	return -1;
}

/* The same of content: what is wrong with a message stays wrong, what is wrong
 * with us (5.3.5, 5.5.z) does not. */
static int
content_failed(struct session *s, struct err *err, int *code)
{
	bool wrong = err->kind == ERR_PERM && (strncmp(err->dsn, "5.6.", 4) ==
	    0 || strcmp(err->dsn, "5.3.4") == 0);

	if (!wrong)
		return failed(err, code);
	*code = s->rule_code = reply_code(550, err);
	return -1;
}

int
filters_connect(struct session *s, struct err *err, int *code)
{
	struct filter_out out;

	/* who can not be asked is asked again at MAIL */
	return filters_tell(s, NULL, &out, err) <= 0 ? 1 :
	    answer(s, &out, "CONNECT", err, code);
}

int
filters_helo(struct session *s, struct err *err, int *code)
{
	struct filter_out out;

	if (s->filters != NULL)
		s->filters->helo = false;
	return filters_tell(s, NULL, &out, err) <= 0 ? 1 :
	    answer(s, &out, "HELO", err, code);
}

int
filters_mail(struct session *s, const struct txn *t, struct err *err,
    int *code)
{
	struct filter_out out;
	int r = filters_tell(s, t, &out, err);

	if (r <= 0)
		return r == 0 ? 1 : failed(err, code);
	return answer(s, &out, "MAIL", err, code);
}

int
filters_rcpt(struct session *s, const struct txn *t, const struct rcpt *rcpt,
    const struct err *why, struct err *err, int *code)
{
	struct filter_out out;
	int64_t bit = why != NULL ? FILTER_BAD_RCPT : FILTER_RCPT;
	int r = 0, tries;

	if (why != NULL && s->filters == NULL)
		return 1;
	for (tries = 0; tries < 3; tries++) {
		r = filters_tell(s, t, &out, err);
		if (r <= 0)
			return r == 0 ? 1 : failed(err, code);
		if (!filters_going_on(&out) || !(s->filters->wants & bit))
			break;
		r = filters_tell_rcpt(s, rcpt, why, &out, err);
		if (r <= 0)
			break;
	}
	if (r < 0 || tries == 3)
		return failed(err, code);
	return why != NULL ? 1 : answer(s, &out, "RCPT", err, code);
}

int
filters_data(struct session *s, struct err *err, int *code)
{
	struct filter_out out;
	int r = filters_tell(s, s->txn, &out, err);

	if (r <= 0)
		return r == 0 ? 1 : failed(err, code);
	/* the end of the process is seen at the content, too */
	if (filters_going_on(&out) && s->filters->wants & FILTER_DATA &&
	    filters_ask(s->filters, &filter_data, NULL, &out, err) < 0)
		return failed(err, code);
	return answer(s, &out, "DATA", err, code);
}

int
filters_unknown(struct session *s, const char *line, struct err *err,
    int *code)
{
	struct filter_unknown_in in = { .line = line };
	struct filter_out out;

	if (s->filters == NULL || !(s->filters->wants & FILTER_UNKNOWN) ||
	    filters_ask(s->filters, &filter_unknown, &in, &out, err) != 0)
		return 1;
	return answer(s, &out, "UNKNOWN", err, code);
}

/* --- the content --- */

struct taker {
	struct txn *t;
	struct edit body;
	bool has_body;
	size_t n;
};

static int
take_edit(void *ctx, const void *more, struct err *err)
{
	struct taker *k = ctx;
	const struct edit *e = more;

	k->n++;
	if (e->op != EDIT_BODY)
		return edits_add(&k->t->edits, e, -1, &k->t->arena, err);
	k->body = *e;
	k->body.by = arena_strdup(&k->t->arena, e->by);
	k->body.name = k->body.value = "";
	k->has_body = true;
	return 0;
}

/* 0, or -1: the filters can not be asked */
static int
show_content(struct session *s, int fd, struct filter_content_in *in,
    struct taker *k, struct filter_out *out, struct err *err)
{
	struct filters *f = s->filters;
	struct txn *t = s->txn;

	in->q = t->q;
	in->utf8 = t->utf8;
	in->body8 = t->body8;
	in->held = edits_has(&t->edits, EDIT_HOLD);
	if (ipc_call_more(&f->ipc, &filter_content, in, fd, take_edit, k,
	    out, err) < 0)
		return filters_failed(f, err);
	if (f->ipc.fresh)
		return filters_lost(f, err);
	f->wants = out->wants;
	f->mail = false;
	if (!k->has_body)
		return 0;
	fd = f->ipc.reply.fd;
	f->ipc.reply.fd = -1;
	return edits_add(&t->edits, &k->body, fd, &t->arena, err);
}

/* what a discarding filter says is the last of the changes */
static int
discard(struct txn *t, const struct filter_out *out, struct err *err)
{
	struct edit e = { .op = EDIT_DISCARD, .value = "by a filter",
		.by = arena_printf(&t->arena, "filter %s", out->by) };

	return edits_add(&t->edits, &e, -1, &t->arena, err) < 0 ? -1 : 1;
}

int
filters_content(struct session *s, uint64_t size,
    struct filter_taken *taken, struct err *err, int *code)
{
	struct filter_content_in in = { 0 };
	struct filter_out out;
	struct taker k = { .t = s->txn };
	int64_t start = mono_ms();
	int r = filters_tell(s, s->txn, &out, err), fd;

	if (r <= 0)
		return r == 0 ? 1 : failed(err, code);
	if (filters_going_on(&out)) {
		if (!(s->filters->wants & FILTER_CONTENT))
			return 1;
		/* with what cleanup adds: a signature is for all of it */
		if (backend_complete(s->txn, size, &fd, &in.trace, &in.size,
		    err) < 0)
			return -1;
		r = show_content(s, fd, &in, &k, &out, err);
		close_fd(fd);
		if (r < 0)
			return content_failed(s, err, code);
	}
	if (k.n > 0 || out.action == FILTER_DISCARD ||
	    out.action == FILTER_TAKEN)
		log_event(LOG_INFO, "filter", KS("by", out.by[0] != '\0' ?
		    out.by : NULL), KS("cmd", "END"), KS("action",
		    out.action == FILTER_DISCARD ? "discard" :
		    out.action == FILTER_TAKEN ? "taken" : "change"),
		    KU("edits", k.n), KI("ms", mono_ms() - start), KEND);
	if (out.action == FILTER_DISCARD)
		return discard(s->txn, &out, err) < 0 ? failed(err, code) : 1;
	if (out.action != FILTER_TAKEN)
		return answer(s, &out, "END", err, code);
	taken->code = out.code / 100 == 2 ? (int)out.code : 250;
	taken->dsn = arena_strdup(&s->txn->arena, out.dsn);
	taken->text = arena_strdup(&s->txn->arena, out.text);
	taken->by = arena_strdup(&s->txn->arena, out.by);
	return 0;
}
