/*
 * member.c - one filter in one session: who is told what, and what counts
 * where it fails.
 */
#include "filter.h"

#include "base/clock.h"
#include "base/log.h"

static const char *const stage_names[] = { "session", "helo", "mail", "rcpt",
	"data", "content", "unknown" };
static const struct filter_kind *const kinds[] = { &kind_milter, &kind_rspamd,
	&kind_clamd, &kind_proxy };

static struct member *all[FILTERS_MAX];
static size_t nall;

void
verdict_set(struct verdict *v, int action, int code, const char *dsn,
    const char *text)
{
	v->action = action;
	v->code = code;
	slice_copy(v->dsn, sizeof(v->dsn), slice_of(dsn));
	v->text = text;
}

struct member *
member_get(struct session *s, const char *name, struct err *err)
{
	struct filter_conf *c = filter_find(name);
	struct member *m;
	size_t i;

	if (c == NULL) {
		err_perm(err, "5.3.5", "filter.conf has no [%.40s]", name);
		return NULL;
	}
	for (i = 0; i < nall; i++)
		if (all[i]->c == c) {
			all[i]->s = s;
			return all[i];
		}
	m = xcalloc(1, sizeof(*m));
	m->c = c;
	m->kind = kinds[c->type];
	m->s = s;
	all[nall++] = m;
	return m;
}

const char *
member_by(const struct member *m)
{
	return arena_printf(&m->s->ta, "filter %s", m->c->name);
}

static void
fail(struct member *m, const char *at, const struct err *err)
{
	log_event(LOG_WARN, "failed", KS("filter", m->c->name),
	    KS("address", m->c->address), KS("at", at), KERR(err), KEND);
	m->broken = true;
	m->kind->close(m);
	/* whose patience it was that ended is not known */
	if (m->c->retry > 0 && !net_gone())
		m->c->dead_until = mono_ms() + m->c->retry;
}

/* Nobody waits for a filter that was dead a moment ago. */
static bool
is_dead(struct member *m)
{
	if (m->c->dead_until == 0 || mono_ms() >= m->c->dead_until)
		return false;
	log_event(LOG_WARN, "skipped", KS("filter", m->c->name),
	    KS("reason", "it failed a moment ago"), KEND);
	m->broken = true;
	return true;
}

/* before MAIL a broken filter is nobody's trouble yet */
static void
by_default(struct member *m, enum stage st, struct verdict *v)
{
	if (st < STAGE_MAIL || st == STAGE_UNKNOWN)
		return;
	if (m->c->default_action == DEFAULT_REJECT)
		verdict_set(v, FILTER_REJECT, 550, "5.7.1",
		    "the message can not be checked");
	else if (m->c->default_action == DEFAULT_TEMPFAIL)
		verdict_set(v, FILTER_DEFER, 451, "4.7.1",
		    "the message can not be checked now; try again later");
}

/* 0, or -1: it is broken */
static int
tell(struct member *m, enum stage st, const struct filter_rcpt_in *rcpt,
    struct verdict *v)
{
	struct err err = ERR_INIT;

	*v = (struct verdict){ 0 };
	if (m->kind->stage == NULL)
		return 0;
	if (m->kind->stage(m, st, rcpt, v, &err) < 0) {
		fail(m, stage_names[st], &err);
		return -1;
	}
	if (!v->accept || st == STAGE_UNKNOWN)
		return 0;
	if (st < STAGE_MAIL)
		m->done = true;
	else if (st != STAGE_RCPT || rcpt == NULL || !rcpt->refused)
		m->passed = true;
	return 0;
}

static bool
decided(const struct member *m, const struct verdict *v)
{
	return m->broken || m->done || m->passed ||
	    v->action != FILTER_CONTINUE;
}

/* Tell the member of the client, where it does not know it yet. */
static void
open_it(struct member *m, struct verdict *v)
{
	*v = (struct verdict){ 0 };
	if (m->opened || m->broken || is_dead(m))
		return;
	m->done = m->passed = m->in_mail = false;
	m->opened = true;
	if (tell(m, STAGE_OPEN, NULL, v) < 0)
		m->opened = false;
	else
		m->c->dead_until = 0;
	if (!decided(m, v) && m->s->has_helo)
		tell(m, STAGE_HELO, NULL, v);
}

/* ... and of the transaction, as far as it came */
static void
catch_up(struct member *m, struct verdict *v)
{
	const struct session *s = m->s;
	size_t i;

	open_it(m, v);
	if (decided(m, v) || m->in_mail || !s->in_mail)
		return;
	m->in_mail = true;
	tell(m, STAGE_MAIL, NULL, v);
	for (i = 0; i < s->n && !decided(m, v); i++)
		tell(m, STAGE_RCPT, &s->rcpts[i], v);
	if (s->in_data && !decided(m, v))
		tell(m, STAGE_DATA, NULL, v);
}

void
member_stage(struct member *m, enum stage st,
    const struct filter_rcpt_in *rcpt, struct verdict *v)
{
	bool knows = m->opened && (st < STAGE_RCPT || m->in_mail ||
	    st == STAGE_UNKNOWN);

	*v = (struct verdict){ 0 };
	if (st == STAGE_MAIL) {
		/* a new message, a new chance */
		member_abort(m);
		m->passed = false;
		if (m->broken)
			m->broken = m->opened = false;
	}
	if (st == STAGE_OPEN || st == STAGE_MAIL || !knows)
		catch_up(m, v);
	/* what it was not told by that */
	if ((knows ? st != STAGE_OPEN && st != STAGE_MAIL :
	    st >= STAGE_RCPT) && !decided(m, v))
		tell(m, st, rcpt, v);
	if (m->broken)
		by_default(m, m->s->in_mail && st == STAGE_OPEN ? STAGE_MAIL :
		    st, v);
}

static int
hold(struct member *m, struct view *view, const char *why, struct err *err)
{
	struct edit e = { .op = EDIT_HOLD, .value = why,
		.by = member_by(m) };

	return view_edit(view, &e, -1, err);
}

void
member_content(struct member *m, struct view *view,
    const struct filter_content_in *in, struct verdict *v)
{
	struct err err = ERR_INIT;

	*v = (struct verdict){ 0 };
	catch_up(m, v);
	if (m->done || m->passed || v->action != FILTER_CONTINUE)
		return;
	if (m->c->max_size > 0 && in->size > m->c->max_size) {
		log_event(LOG_INFO, "skipped", KS("filter", m->c->name),
		    KS("reason", "the message is too large for it"),
		    KU("size", in->size), KEND);
		return;
	}
	if (!m->broken && m->kind->content(m, view, in, v, &err) < 0) {
		*v = (struct verdict){ 0 };
		fail(m, "content", &err);
	}
	m->in_mail = false;
	view_settle(view);
	if (!m->broken)
		return;
	by_default(m, STAGE_CONTENT, v);
	if (m->c->default_action == DEFAULT_QUARANTINE &&
	    hold(m, view, arena_printf(&m->s->ta, "%s could not be asked",
	    m->c->name), &err) < 0)
		verdict_set(v, FILTER_DEFER, 451, "4.3.0",
		    "temporary trouble here; try again later");
}

void
member_abort(struct member *m)
{
	if (m->in_mail && m->kind->abort != NULL && !m->broken)
		m->kind->abort(m);
	m->in_mail = false;
}

void
member_end(struct member *m)
{
	member_abort(m);
	if (m->opened && !m->broken && m->kind->end != NULL)
		m->kind->end(m);
	m->opened = m->active = m->done = m->broken = m->passed = false;
}

bool
member_wants(const struct member *m, enum stage st, bool refused)
{
	if (m->done || m->passed)
		return false;
	if (st == STAGE_CONTENT || m->broken || !m->opened)
		return !refused;
	return m->kind->wants != NULL && m->kind->wants(m, st, refused);
}

int
found_do(struct member *m, struct view *view, const char *header,
    const char *value, const char *text, struct verdict *v, struct err *err)
{
	struct edit e = { .op = EDIT_ADD_HEADER, .name = header,
		.value = value, .by = member_by(m) };

	switch (m->c->found) {
	case FOUND_QUARANTINE:
		return hold(m, view, text, err);
	case FOUND_DISCARD:
		verdict_set(v, FILTER_DISCARD, 250, "2.0.0", text);
		return 0;
	case FOUND_HEADER:
		return view_edit(view, &e, -1, err);
	}
	verdict_set(v, FILTER_REJECT, 550, "5.7.1", text);
	return 0;
}
