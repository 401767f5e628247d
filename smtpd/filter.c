/*
 * filter.c - what filters say (filter(8)), stage by stage.  A session without
 * filters never comes further than to the first line of each function.
 *
 * Invariant: f->mail is true only while the process of filter at the other end
 * knows of the transaction and of every recipient that was accepted.  Where it
 * is not, catch_up tells all of it anew: to a new process, or where a rule
 * named the first filter in the middle of it.
 */
#include "filter.h"

#include "backend.h"
#include "base/clock.h"
#include "base/log.h"
#include "conf/common.h"

struct filters {
	struct ipc ipc;
	struct arena a;		/* of the stage under way */
	struct str list;	/* the names that it was told, with blanks */
	bool session, helo, mail;
	int64_t wants;
};

/* --- the connection --- */

/* all is to be told anew */
static void
forget(struct filters *f)
{
	ipc_close(&f->ipc);
	f->session = f->helo = f->mail = false;
	str_reset(&f->list);
}

static int
lost(struct filters *f, struct err *err)
{
	log_event(LOG_WARN, "unreachable", KS("path", f->ipc.path),
	    KERR(err), KEND);
	forget(f);
	return err_temp(err, "4.3.2", "the filters can not be asked now");
}

/* One request.  0; 1: the process is another one, which knows nothing; -1 */
static int
ask(struct filters *f, const struct verb_def *v, const void *in,
    struct filter_out *out, struct err *err)
{
	if (ipc_call(&f->ipc, v, in, -1, out, NULL, NULL, err) < 0)
		return lost(f, err);
	if (f->ipc.fresh && v != &filter_session) {
		forget(f);
		return 1;
	}
	f->wants = out->wants;
	return 0;
}

static struct filters *
state(struct session *s)
{
	if (s->filters == NULL) {
		s->filters = xcalloc(1, sizeof(*s->filters));
		s->filters->list = (struct str)STR_INIT;
		ipc_init(&s->filters->ipc, socket_path("filter"),
		    (int)conf.filter_timeout);
	}
	return s->filters;
}

void
filters_end(struct session *s)
{
	struct filters *f = s->filters;

	if (f == NULL)
		return;
	ipc_free(&f->ipc);
	str_free(&f->list);
	arena_free(&f->a);
	free(f);
	s->filters = NULL;
}

void
filters_abort(struct session *s)
{
	struct filters *f = s->filters;
	struct err err = ERR_INIT;

	if (f == NULL || !f->mail)
		return;
	f->mail = false;
	if (ipc_call(&f->ipc, &filter_abort, NULL, -1, NULL, NULL, NULL,
	    &err) < 0 || f->ipc.fresh)
		forget(f);
}

/* --- what is told --- */

static int
tell_session(struct session *s, const struct strlist *names,
    struct filter_out *out, struct err *err)
{
	struct filters *f = s->filters;
	const struct peer *p = s->peer;
	bool here = p->port == 0;
	struct filter_session_in in = { .filters = *names,
		.session = p->id, .service = launch.service,
		.client_addr = here ? "" : p->addr, .client_port = p->port,
		.local_addr = here ? "" : p->local_addr,
		.local_port = p->local_port, .trusted = session_trusted(s) };

	if (conf.personality == LOCAL)
		in.client_addr = "unix";
	/* milters hear of a client once: with its name */
	session_name(s, true);
	in.client_name = s->name.s;
	if (ask(f, &filter_session, &in, out, err) < 0)
		return -1;
	f->session = true;
	if (f->ipc.fresh)
		f->helo = f->mail = false;
	return 0;
}

static const char *
or_empty(const char *z)
{
	return z != NULL ? z : "";
}

static int
tell_helo(struct session *s, struct filter_out *out, struct err *err)
{
	const struct peer *p = s->peer;
	const struct tls_facts_out *t = p->tls && p->facts != NULL ?
	    &p->facts->f : NULL;
	struct filter_helo_in in = { .helo = s->helo.s, .esmtp = s->esmtp,
		.tls = or_empty(tls_version(p)),
		.cipher = or_empty(tls_cipher(p)),
		.subject = or_empty(tls_subject(p)), .issuer = "" };

	if (t != NULL) {
		in.bits = t->bits;
		if (t->verified)
			in.issuer = or_empty(t->issuer);
	}
	s->filters->helo = true;
	s->filters->mail = false;
	return ask(s->filters, &filter_helo, &in, out, err);
}

static int
tell_mail(struct session *s, const struct txn *t, struct filter_out *out,
    struct err *err)
{
	struct filters *f = s->filters;
	struct arena *a = &f->a;
	struct str proto = STR_INIT;
	struct filter_mail_in in = { .sender = t->sender,
		.login = s->login.s, .mech = "" };
	int r;

	if (t->size > 0)
		strlist_add(&in.params, a, arena_printf(a, "SIZE=%llu",
		    (unsigned long long)t->size));
	if (t->body8)
		strlist_add(&in.params, a, "BODY=8BITMIME");
	if (t->utf8)
		strlist_add(&in.params, a, "SMTPUTF8");
	if (t->ret[0] != '\0')
		strlist_add(&in.params, a, arena_printf(a, "RET=%s", t->ret));
	if (t->envid[0] != '\0')
		strlist_add(&in.params, a, arena_printf(a, "ENVID=%s",
		    t->envid));
	if (t->requiretls)
		strlist_add(&in.params, a, "REQUIRETLS");
	session_proto(s, &proto);
	in.proto = proto.s;
	f->mail = true;
	r = ask(f, &filter_mail, &in, out, err);
	str_free(&proto);
	return r;
}

static int
tell_rcpt(struct session *s, const struct rcpt *rcpt, const struct err *why,
    struct filter_out *out, struct err *err)
{
	struct arena *a = &s->filters->a;
	struct filter_rcpt_in in = { .addr = rcpt->addr, .dsn = "",
		.text = "" };

	if (rcpt->notify[0] != '\0')
		strlist_add(&in.params, a, arena_printf(a, "NOTIFY=%s",
		    rcpt->notify));
	if (rcpt->orcpt[0] != '\0')
		strlist_add(&in.params, a, arena_printf(a, "ORCPT=%s",
		    rcpt->orcpt));
	if (why != NULL) {
		in.refused = true;
		in.dsn = why->dsn;
		in.text = why->text;
	}
	return ask(s->filters, &filter_rcpt, &in, out, err);
}

/* --- who is asked --- */

/* the names, and as one text, by which a change is seen */
static void
find_names(const struct session *s, const struct txn *t, struct strlist *l,
    struct str *text)
{
	struct arena *a = &s->filters->a;
	struct strlist all = { 0 };
	size_t i;

	for (i = 0; i < conf.filters.n; i++)
		strlist_add(&all, a, conf.filters.v[i]);
	rules_filters(s, t, &all, a);
	for (i = 0; i < all.n; i++)
		if (!strlist_has(l, all.v[i]))
			strlist_add(l, a, all.v[i]);
	for (i = 0; i < l->n; i++)
		str_addf(text, "%s ", l->v[i]);
}

static bool
going_on(const struct filter_out *out)
{
	return out->action == FILTER_CONTINUE ||
	    out->action == FILTER_ACCEPT;
}

/* as ask(), with out of the first that does not go on */
static int
tell_all(struct session *s, const struct txn *t, const struct strlist *names,
    const char *text, struct filter_out *out, struct err *err)
{
	struct filters *f = s->filters;
	int r = 0;
	size_t i;

	if (!f->session || strcmp(f->list.s, text) != 0) {
		r = tell_session(s, names, out, err);
		str_reset(&f->list);
		str_adds(&f->list, text);
	}
	if (r == 0 && !f->helo && s->helo.len > 0 && going_on(out))
		r = tell_helo(s, out, err);
	if (r != 0 || t == NULL || f->mail || !going_on(out))
		return r;
	r = tell_mail(s, t, out, err);
	for (i = 0; r == 0 && i < t->n && going_on(out); i++)
		r = tell_rcpt(s, &t->rcpts[i], NULL, out, err);
	if (r == 0 && t->content != NULL && going_on(out))
		r = ask(f, &filter_data, NULL, out, err);
	return r;
}

bool
filters_any(const struct session *s)
{
	return s->filters != NULL || conf.filters.n > 0 ||
	    rules_name_filters(s, s->txn);
}

/* All that went before is told, to those who are to hear it.  1, 0: nobody is
 * to, -1: err */
static int
catch_up(struct session *s, const struct txn *t, struct filter_out *out,
    struct err *err)
{
	struct strlist names = { 0 };
	struct str text = STR_INIT;
	struct filters *f;
	int r = 1, tries;

	*out = (struct filter_out){ .dsn = "", .text = "", .by = "" };
	if (!filters_any(s) && !rules_name_filters(s, t))
		return 0;
	f = state(s);
	arena_reset(&f->a);
	find_names(s, t, &names, &text);
	if (names.n == 0 && !f->session)
		r = 0;
	/* the connection was kept, and its end came before the request */
	for (tries = 0; r == 1 && tries < 3; tries++)
		r = tell_all(s, t, &names, text.s, out, err);
	str_free(&text);
	if (r == 1 && names.n > 0 && tries == 3)
		return err_temp(err, "4.3.2", "the filters end at once");
	if (r == 0 && tries > 0)
		return names.n > 0;
	return r;
}

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

	if (going_on(out))
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

static int
failed(struct err *err, int *code)
{
	*code = 451;
	err->kind = ERR_TEMP;
	return -1;
}

int
filters_connect(struct session *s, struct err *err, int *code)
{
	struct filter_out out;

	/* who can not be asked is asked again at MAIL */
	return catch_up(s, NULL, &out, err) <= 0 ? 1 :
	    answer(s, &out, "CONNECT", err, code);
}

int
filters_helo(struct session *s, struct err *err, int *code)
{
	struct filter_out out;

	if (s->filters != NULL)
		s->filters->helo = false;
	return catch_up(s, NULL, &out, err) <= 0 ? 1 :
	    answer(s, &out, "HELO", err, code);
}

int
filters_mail(struct session *s, const struct txn *t, struct err *err,
    int *code)
{
	struct filter_out out;
	int r = catch_up(s, t, &out, err);

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
		r = catch_up(s, t, &out, err);
		if (r <= 0)
			return r == 0 ? 1 : failed(err, code);
		if (!going_on(&out) || !(s->filters->wants & bit))
			break;
		r = tell_rcpt(s, rcpt, why, &out, err);
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
	int r = catch_up(s, s->txn, &out, err);

	if (r <= 0)
		return r == 0 ? 1 : failed(err, code);
	/* the end of the process is seen at the content, too */
	if (going_on(&out) && s->filters->wants & FILTER_DATA &&
	    ask(s->filters, &filter_data, NULL, &out, err) < 0)
		return failed(err, code);
	return answer(s, &out, "DATA", err, code);
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
	if (ipc_call_more(&f->ipc, &filter_content, in, fd, take_edit, k,
	    out, err) < 0)
		return lost(f, err);
	if (f->ipc.fresh)
		return lost(f, err);
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
	int r = catch_up(s, s->txn, &out, err), fd;

	if (r <= 0)
		return r == 0 ? 1 : failed(err, code);
	if (going_on(&out)) {
		if (!(s->filters->wants & FILTER_CONTENT))
			return 1;
		/* with what cleanup adds: a signature is for all of it */
		if (backend_complete(s->txn, size, &fd, &in.trace, &in.size,
		    err) < 0)
			return -1;
		r = show_content(s, fd, &in, &k, &out, err);
		close_fd(fd);
		if (r < 0)
			return failed(err, code);
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
