/*
 * session.c - the stages of one client, for all of its filters in their order.
 * The first that refuses decides; those behind it are not asked.
 */
#include "filter.h"

#include <fcntl.h>

#include "base/log.h"

static const char *
keep(struct arena *a, const char *z)
{
	return arena_strdup(a, z);
}

static struct strlist
keep_list(struct arena *a, const struct strlist *from)
{
	struct strlist to = { 0 };
	size_t i;

	for (i = 0; i < from->n; i++)
		strlist_add(&to, a, keep(a, from->v[i]));
	return to;
}

/* Which stages somebody looks at.  helo, mail and rcpt always: who is asked
 * later, or anew, has to hear of them. */
static int64_t
wants(const struct session *s)
{
	int64_t w = 0;
	size_t i;

	for (i = 0; i < s->members; i++) {
		const struct member *m = s->v[i];

		if (!m->active)
			continue;
		w |= FILTER_HELO | FILTER_MAIL | FILTER_RCPT;
		if (member_wants(m, STAGE_DATA, false))
			w |= FILTER_DATA;
		if (member_wants(m, STAGE_UNKNOWN, false))
			w |= FILTER_UNKNOWN;
		if (member_wants(m, STAGE_CONTENT, false))
			w |= FILTER_CONTENT;
		if (member_wants(m, STAGE_RCPT, true))
			w |= FILTER_BAD_RCPT;
	}
	if (s->discarded != NULL)
		w |= FILTER_CONTENT;
	return w;
}

/* true: it decides */
static bool
take(struct session *s, const struct member *m, const struct verdict *v,
    enum stage st, struct filter_out *out)
{
	if (v->action == FILTER_CONTINUE)
		return false;
	if (v->action == FILTER_DISCARD && st != STAGE_CONTENT) {
		/* the client notices nothing, and nobody else sees it */
		s->discarded = m->c->name;
		return true;
	}
	out->action = v->action;
	out->code = v->code;
	out->dsn = v->dsn[0] != '\0' ? arena_strdup(&s->ta, v->dsn) : "";
	out->text = v->text != NULL ? v->text : "";
	out->by = m->c->name;
	return true;
}

static void
begin_out(struct filter_out *out)
{
	*out = (struct filter_out){ .dsn = "", .text = "", .by = "" };
}

static void
run(struct session *s, enum stage st, const struct filter_rcpt_in *rcpt,
    struct filter_out *out)
{
	struct verdict v;
	size_t i;

	begin_out(out);
	for (i = 0; i < s->members && s->discarded == NULL; i++) {
		if (!s->v[i]->active)
			continue;
		if (net_gone())
			break;
		if (rcpt != NULL && rcpt->refused &&
		    !member_wants(s->v[i], STAGE_RCPT, true))
			continue;
		member_stage(s->v[i], st, rcpt, &v);
		if (take(s, s->v[i], &v, st, out))
			break;
	}
	out->wants = wants(s);
}

static void
forget_mail(struct session *s)
{
	arena_reset(&s->ta);
	s->n = 0;
	s->in_mail = s->in_data = false;
	s->discarded = NULL;
	s->q = "";
	log_set_queue(NULL);
}

/* the members in the order of the list; those that it leaves out sleep */
static int
choose(struct session *s, const struct strlist *names, struct err *err)
{
	struct member *m;
	size_t i, j;

	if (names->n > FILTERS_MAX)
		return err_perm(err, "5.3.5", "too many filters");
	for (i = 0; i < s->members; i++)
		s->v[i]->active = false;
	for (i = 0; i < names->n; i++) {
		m = member_get(s, names->v[i], err);
		if (m == NULL)
			return -1;
		m->active = true;
		for (j = 0; j < s->members && s->v[j] != m; j++)
			;
		s->members += j == s->members;
		/* the names so far are in front of it */
		if (j > i)
			memmove(&s->v[i + 1], &s->v[i], (j - i) *
			    sizeof(s->v[0]));
		s->v[MIN(i, j)] = m;
	}
	for (i = 0; i < s->members; i++)
		if (!s->v[i]->active)
			member_abort(s->v[i]);
	return 0;
}

int
session_begin(struct session *s, const struct filter_session_in *in,
    struct filter_out *out, struct err *err)
{
	if (!s->begun) {
		forget_mail(s);
		s->begun = true;
		s->in = *in;
		s->in.filters = (struct strlist){ 0 };
		s->in.session = keep(&s->a, in->session);
		s->in.service = keep(&s->a, in->service);
		s->in.client_addr = keep(&s->a, in->client_addr);
		s->in.client_name = keep(&s->a, in->client_name);
		s->in.local_addr = keep(&s->a, in->local_addr);
		log_set_session(s->in.session);
	}
	if (choose(s, &in->filters, err) < 0)
		return -1;
	run(s, STAGE_OPEN, NULL, out);
	return 0;
}

void
session_helo(struct session *s, const struct filter_helo_in *in,
    struct filter_out *out)
{
	session_abort(s);
	arena_reset(&s->ha);
	s->helo = *in;
	s->helo.helo = keep(&s->ha, in->helo);
	s->helo.tls = keep(&s->ha, in->tls);
	s->helo.cipher = keep(&s->ha, in->cipher);
	s->helo.subject = keep(&s->ha, in->subject);
	s->helo.issuer = keep(&s->ha, in->issuer);
	s->has_helo = true;
	run(s, STAGE_HELO, NULL, out);
}

int
session_mail(struct session *s, const struct filter_mail_in *in,
    struct filter_out *out, struct err *err)
{
	if (!s->begun)
		return err_perm(err, "5.5.1", "mail before session");
	session_abort(s);
	s->mail = *in;
	s->mail.sender = keep(&s->ta, in->sender);
	s->mail.login = keep(&s->ta, in->login);
	s->mail.mech = keep(&s->ta, in->mech);
	s->mail.proto = keep(&s->ta, in->proto);
	s->mail.params = keep_list(&s->ta, &in->params);
	s->in_mail = true;
	run(s, STAGE_MAIL, NULL, out);
	return 0;
}

static int
no_mail(struct err *err)
{
	return err_perm(err, "5.5.1", "no transaction");
}

int
session_rcpt(struct session *s, const struct filter_rcpt_in *in,
    struct filter_out *out, struct err *err)
{
	struct filter_rcpt_in r = *in;

	if (!s->in_mail)
		return no_mail(err);
	r.addr = keep(&s->ta, in->addr);
	r.params = keep_list(&s->ta, &in->params);
	r.dsn = keep(&s->ta, in->dsn);
	r.text = keep(&s->ta, in->text);
	run(s, STAGE_RCPT, &r, out);
	if (r.refused || out->action != FILTER_CONTINUE)
		return 0;
	if (s->n == s->cap) {
		s->cap = s->cap > 0 ? 2 * s->cap : 8;
		s->rcpts = xrealloc(s->rcpts, s->cap * sizeof(*s->rcpts));
	}
	s->rcpts[s->n++] = r;
	return 0;
}

int
session_data(struct session *s, struct filter_out *out, struct err *err)
{
	if (!s->in_mail)
		return no_mail(err);
	run(s, STAGE_DATA, NULL, out);
	s->in_data = true;
	return 0;
}

/* Nothing of the transaction changes by it. */
void
session_unknown(struct session *s, const char *line, struct filter_out *out)
{
	const char *discarded = s->discarded;

	s->unknown = line;
	run(s, STAGE_UNKNOWN, NULL, out);
	s->discarded = discarded;
	s->unknown = NULL;
}

/* 1, 0: somebody decided, or -1 */
static int
show_content(struct session *s, struct view *view,
    const struct filter_content_in *in, struct filter_out *out,
    struct err *err)
{
	struct verdict v;
	size_t i;

	for (i = 0; i < s->members; i++) {
		if (!s->v[i]->active)
			continue;
		if (net_gone())
			return err_temp(err, "4.4.2", "nobody waits");
		member_content(s->v[i], view, in, &v);
		if (take(s, s->v[i], &v, STAGE_CONTENT, out))
			return 0;
	}
	return 1;
}

/* what changed, record by record; the body goes with the answer */
static int
send_edits(struct call *c, const struct view *view, struct err *err)
{
	size_t i;

	for (i = 0; i < view->edits.n; i++)
		if (call_more(c, &view->edits.v[i], err) < 0)
			return -1;
	if (!view->edits.has_body)
		return 0;
	c->out_fd = fcntl(view->edits.body, F_DUPFD_CLOEXEC, 3);
	return c->out_fd < 0 ? err_sys(err, "dup") : 0;
}

static int
do_content(struct session *s, struct call *c,
    const struct filter_content_in *in, struct filter_out *out,
    struct err *err)
{
	struct view view;
	size_t i;
	int r = view_open(&view, c->fd, in, &s->ta, err);

	view.sender = s->mail.sender;
	for (i = 0; r == 0 && i < s->n; i++)
		strlist_add(&view.rcpts, &s->ta, s->rcpts[i].addr);
	if (r == 0)
		r = show_content(s, &view, in, out, err);
	if (r > 0)
		r = send_edits(c, &view, err);
	view_close(&view);
	return r;
}

int
session_content(struct session *s, struct call *c,
    const struct filter_content_in *in, struct filter_out *out,
    struct err *err)
{
	int r = 0;

	begin_out(out);
	if (!s->in_mail)
		return no_mail(err);
	s->q = keep(&s->ta, in->q);
	log_set_queue(s->q);
	if (s->discarded != NULL) {
		out->action = FILTER_DISCARD;
		out->by = s->discarded;
	} else {
		r = do_content(s, c, in, out, err);
	}
	out->wants = wants(s);
	log_set_queue(NULL);
	return r;
}

void
session_abort(struct session *s)
{
	size_t i;

	for (i = 0; i < s->members; i++)
		member_abort(s->v[i]);
	forget_mail(s);
}

void
session_end(struct session *s)
{
	size_t i;

	session_abort(s);
	for (i = 0; i < s->members; i++)
		member_end(s->v[i]);
	arena_free(&s->a);
	arena_free(&s->ha);
	arena_free(&s->ta);
	free(s->rcpts);
	log_set_session(NULL);
}
