/*
 * milter_body.c - the content for a milter, and what it wants changed.
 * Changes are only noted until the milter has said "continue" or "accept":
 * one that fails in the middle has changed nothing.
 */
#include "milter.h"

#include "base/clock.h"

/* far more than a milter needs, and no more than we can bear */
enum { BODY_GROWTH = 64 << 20, BYTES_MAX = 4 << 20, PATIENCE = 4 };

struct changes {
	struct arena *a;
	struct edit *v;		/* malloced */
	size_t n, cap, bytes;
	int body;		/* -1: none */
	uint64_t written, room;
	bool cr;		/* a CR was held back */
};

/* --- what it says --- */

static int
note(struct changes *ch, const struct milter_answer *r, enum edit_op op,
    const char *name, const char *value, struct err *err)
{
	struct edit *e;

	ch->bytes += strlen(name) + strlen(value);
	if (ch->n == EDITS_MAX || ch->bytes > BYTES_MAX)
		return err_temp(err, "4.3.0", "milter: too many changes");
	if (ch->n == ch->cap) {
		ch->cap = ch->cap > 0 ? 2 * ch->cap : 8;
		ch->v = xrealloc(ch->v, ch->cap * sizeof(*ch->v));
	}
	e = &ch->v[ch->n++];
	*e = (struct edit){ .op = (int)op, .n = r->n };
	e->name = arena_strdup(ch->a, name);
	e->value = arena_strdup(ch->a, value);
	return 0;
}

static int
note_field(struct changes *ch, const struct milter_answer *r,
    enum edit_op op, struct err *err)
{
	struct str text = STR_INIT;
	int rc;

	milter_field_text(r->value, &text);
	if (op == EDIT_CHANGE_HEADER && text.len == 0)
		op = EDIT_DELETE_HEADER;
	rc = note(ch, r, op, r->name, text.s, err);
	str_free(&text);
	return rc;
}

/* CRLF to LF; a CR at the end of a piece waits for the next */
static void
convert(struct changes *ch, struct slice in, struct str *out)
{
	size_t i;

	for (i = 0; i < in.n; i++) {
		if (ch->cr && in.p[i] != '\n')
			str_addc(out, '\n');
		ch->cr = in.p[i] == '\r';
		/* no NUL in a content */
		if (!ch->cr)
			str_addc(out, in.p[i] == '\0' ? ' ' : in.p[i]);
	}
}

static int
note_body(struct changes *ch, struct slice in, struct err *err)
{
	struct str out = STR_INIT;
	int rc = 0;

	if (ch->body < 0)
		ch->body = view_memfd(err);
	if (ch->body < 0)
		return -1;
	convert(ch, in, &out);
	ch->written += out.len;
	if (ch->written > ch->room)
		rc = err_temp(err, "4.3.0", "milter: a body without end");
	else if (full_write(ch->body, out.s, out.len) < 0)
		rc = err_sys(err, "write body");
	str_free(&out);
	return rc;
}

static int
take(struct changes *ch, const struct milter_answer *r, struct err *err)
{
	switch (r->cmd) {
	case SMFIR_ADDHEADER:
		return note_field(ch, r, EDIT_ADD_HEADER, err);
	case SMFIR_INSHEADER:
		return note_field(ch, r, EDIT_INSERT_HEADER, err);
	case SMFIR_CHGHEADER:
		return note_field(ch, r, EDIT_CHANGE_HEADER, err);
	case SMFIR_ADDRCPT:
	case SMFIR_ADDRCPT_PAR:
		return note(ch, r, EDIT_ADD_RCPT, "", r->value, err);
	case SMFIR_DELRCPT:
		return note(ch, r, EDIT_DELETE_RCPT, "", r->value, err);
	case SMFIR_CHGFROM:
		return note(ch, r, EDIT_SENDER, "", r->value, err);
	case SMFIR_QUARANTINE:
		return note(ch, r, EDIT_HOLD, "", r->value, err);
	case SMFIR_REPLBODY:
		return note_body(ch, r->body, err);
	}
	return err_temp(err, "4.3.0", "milter: answer '%c' to the end of the "
	    "content", r->cmd);
}

/* reasons are text of a stranger: no controls */
static const char *
printable(struct arena *a, const char *z)
{
	char *p = arena_strdup(a, z), *q;

	for (q = p; *q != '\0'; q++)
		if ((unsigned char)*q < 0x20 || *q == 0x7f)
			*q = ' ';
	return p;
}

/* What can not be carried out as a whole is not begun. */
static int
carry_out(struct member *m, struct changes *ch, struct view *view,
    struct err *err)
{
	struct edit e = { .op = EDIT_BODY, .by = member_by(m) };
	size_t i;
	int fd = ch->body;

	for (i = 0; i < ch->n; i++) {
		ch->v[i].by = e.by;
		if (ch->v[i].op > EDIT_BODY)
			ch->v[i].value = printable(ch->a, ch->v[i].value);
	}
	if (view_check(view, ch->v, ch->n, err) < 0)
		return -1;
	for (i = 0; i < ch->n; i++)
		if (view_edit(view, &ch->v[i], -1, err) < 0)
			return -1;
	if (fd < 0)
		return 0;
	if (ch->cr && full_write(fd, "\n", 1) < 0)
		return err_sys(err, "write body");
	ch->body = -1;
	return view_edit(view, &e, fd, err);
}

static int
end_of_content(struct member *m, struct changes *ch, struct verdict *v,
    struct err *err)
{
	struct milter *t = m->self;
	struct milter_answer r;
	int64_t ms = m->c->timeout_content, end = mono_ms() + PATIENCE * ms;
	int rc = 0;

	milter_put_macros(m, SMFIC_BODYEOB, NULL);
	milter_put(&t->io.out, SMFIC_BODYEOB, SLICE_NULL);
	while (rc == 0) {
		if (milter_next(t, &r, ms, end, err) < 0)
			return -1;
		rc = milter_verdict(m, &r, SMFIC_BODYEOB, v, err);
		if (rc == 0 && take(ch, &r, err) < 0)
			return -1;
	}
	return rc < 0 ? -1 : 0;
}

/* --- what it is shown --- */

/* true: it has decided, and what follows is not for it */
static bool
over(const struct verdict *v)
{
	return v->action != FILTER_CONTINUE || v->accept;
}

static int
show_header(struct member *m, const struct view *view, struct verdict *v,
    struct err *err)
{
	struct milter *t = m->self;
	bool exact = t->o.protocol & SMFIP_HDR_LEADSPC;
	size_t i;

	if (t->o.protocol & SMFIP_NOHDRS)
		return 0;
	for (i = 0; i < view->n && !over(v); i++) {
		struct slice s = view->v[i].value;

		if (!exact && s.n > 0 && ascii_isblank((unsigned char)*s.p))
			s = slice_sub(s, 1, s.n);
		milter_put_header(&t->io.out, view->v[i].name, s);
		if (t->o.protocol & SMFIP_NR_HDR) {
			if (t->io.out.len > MILTER_CHUNK &&
			    milter_flush(m, err) < 0)
				return -1;
		} else if (milter_answer_stage(m, SMFIC_HEADER, v, err) < 0) {
			return -1;
		}
	}
	return 0;
}

static int
show_eoh(struct member *m, struct verdict *v, struct err *err)
{
	struct milter *t = m->self;

	if (t->o.protocol & SMFIP_NOEOH)
		return 0;
	milter_put_macros(m, SMFIC_EOH, NULL);
	milter_put(&t->io.out, SMFIC_EOH, SLICE_NULL);
	return t->o.protocol & SMFIP_NR_EOH ? 0 :
	    milter_answer_stage(m, SMFIC_EOH, v, err);
}

/* a chunk; 1: it wants no more, 0, -1 */
static int
show_chunk(struct member *m, struct slice s, struct verdict *v,
    struct err *err)
{
	struct milter *t = m->self;
	struct milter_answer r;
	int64_t ms = m->c->timeout_command;
	int rc;

	milter_put(&t->io.out, SMFIC_BODY, s);
	if (t->o.protocol & SMFIP_NR_BODY)
		return milter_flush(m, err);
	if (milter_next(t, &r, ms, MIN(mono_ms() + PATIENCE * ms, t->end),
	    err) < 0)
		return -1;
	if (r.cmd == SMFIR_SKIP && t->o.protocol & SMFIP_SKIP)
		return 1;
	rc = milter_verdict(m, &r, SMFIC_BODY, v, err);
	if (rc == 0)
		return err_temp(err, "4.3.0", "milter: answer '%c' to the "
		    "body", r.cmd);
	return rc < 0 ? -1 : over(v);
}

/* the body with CRLF, in chunks that are full but for the last */
static int
show_body(struct member *m, struct view *view, struct verdict *v,
    struct err *err)
{
	struct milter *t = m->self;
	struct str out = STR_INIT;
	char buf[16384];
	uint64_t at = 0;
	size_t i, take_n;
	ssize_t n = 1;
	int rc = 0;

	if (t->o.protocol & SMFIP_NOBODY)
		return 0;
	while (n > 0 && rc == 0) {
		n = view_body(view, at, buf, sizeof(buf), err);
		for (i = 0; n > 0 && i < (size_t)n; i++) {
			if (buf[i] == '\n')
				str_addc(&out, '\r');
			str_addc(&out, buf[i]);
		}
		at += n > 0 ? (uint64_t)n : 0;
		while (rc == 0 && n >= 0 && (out.len > MILTER_CHUNK ||
		    (n == 0 && out.len > 0))) {
			take_n = MIN(out.len, (size_t)MILTER_CHUNK);
			rc = show_chunk(m, (struct slice){ out.s, take_n }, v,
			    err);
			memmove(out.s, out.s + take_n, out.len - take_n);
			str_trunc(&out, out.len - take_n);
		}
	}
	str_free(&out);
	return n < 0 || rc < 0 ? -1 : 0;
}

static int
show(struct member *m, struct view *view, struct changes *ch,
    struct verdict *v, struct err *err)
{
	if (show_header(m, view, v, err) < 0 || (!over(v) &&
	    show_eoh(m, v, err) < 0) || (!over(v) &&
	    show_body(m, view, v, err) < 0))
		return -1;
	if (over(v)) {
		/* for it the message is not over, as it is for us */
		m->kind->abort(m);
		return 0;
	}
	if (end_of_content(m, ch, v, err) < 0)
		return -1;
	return v->action == FILTER_CONTINUE ? carry_out(m, ch, view, err) : 0;
}

int
milter_content(struct member *m, struct view *view,
    const struct filter_content_in *in UNUSED, struct verdict *v,
    struct err *err)
{
	struct changes ch = { .a = view->a, .body = -1,
		.room = view->body_size + BODY_GROWTH };
	struct milter *t = m->self;
	int rc;

	t->end = mono_ms() + PATIENCE * m->c->timeout_content;
	rc = show(m, view, &ch, v, err);
	t->end = 0;
	free(ch.v);
	close_fd(ch.body);
	return rc;
}
