/*
 * rspamd.c - rspamd by HTTP (/checkv2): what a milter would be told in many
 * steps goes in one request.
 */
#include "rspamd.h"

#include "base/log.h"
#include "conf/common.h"

enum { PIECE = 65536, ANSWER_MAX = 4 << 20 };

/* "" is not said; what could end the line can not be in it */
static void
say(struct io *io, const char *name, const char *value)
{
	const char *z;

	if (value[0] == '\0')
		return;
	io_printf(io, "%s: ", name);
	for (z = value; *z != '\0'; z++)
		io_put(io, (unsigned char)*z < 0x20 || *z == 0x7f ? "?" : z,
		    1);
	io_put(io, "\r\n", 2);
}

static void
put_head(struct io *io, const struct member *m, const struct view *view,
    uint64_t length)
{
	const struct session *s = m->s;
	size_t i;

	io_puts(io, "POST /checkv2 HTTP/1.1\r\nHost: rspamd\r\n"
	    "User-Agent: Postrider\r\nConnection: close\r\n");
	io_printf(io, "Content-Length: %llu\r\n", (unsigned long long)length);
	say(io, "Password", m->c->password);
	say(io, "Queue-Id", s->q);
	say(io, "MTA-Name", common.hostname);
	if (strcmp(s->in.client_addr, "unix") != 0)
		say(io, "IP", s->in.client_addr);
	say(io, "Hostname", s->in.client_name);
	say(io, "Helo", s->has_helo ? s->helo.helo : "");
	say(io, "TLS-Version", s->has_helo ? s->helo.tls : "");
	say(io, "TLS-Cipher", s->has_helo ? s->helo.cipher : "");
	say(io, "User", s->mail.login);
	say(io, "From", view->sender[0] != '\0' ? view->sender : "<>");
	for (i = 0; i < view->rcpts.n; i++)
		say(io, "Rcpt", view->rcpts.v[i]);
	io_puts(io, "\r\n");
}

static int
put_message(struct io *io, const struct member *m, struct view *view,
    struct err *err)
{
	struct str head = STR_INIT;
	char *buf = xmalloc(PIECE);
	uint64_t at = 0;
	ssize_t n;

	view_header(view, false, &head);
	put_head(io, m, view, head.len + view->body_size);
	io_put(io, head.s, head.len);
	str_free(&head);
	while ((n = view_body(view, at, buf, PIECE, err)) > 0) {
		io_put(io, buf, (size_t)n);
		at += (uint64_t)n;
		if (net_flush(io, err) < 0)
			break;
	}
	free(buf);
	return n != 0 ? -1 : net_flush(io, err);
}

static int
ask(const struct member *m, struct view *view, struct str *json,
    struct err *err)
{
	struct io io;
	int r;

	if (net_open(m->c, &io, err) < 0)
		return -1;
	net_deadline(&io, m->c->timeout_content);
	r = put_message(&io, m, view, err);
	if (r == 0)
		r = rspamd_http(&io, ANSWER_MAX, json, err);
	io_close(&io);
	return r;
}

static int64_t
count(const struct view *view, const char *name)
{
	int64_t n = 0;
	size_t i;

	for (i = 0; i < view->n; i++)
		n += strcasecmp(view->v[i].name, name) == 0;
	return n;
}

/* the way back in view_edit's counting: deleted ones keep their number */
static int
delete(struct view *view, struct edit e, struct err *err)
{
	int64_t n = count(view, e.name), i;

	if (e.n > 0)
		return view_edit(view, &e, -1, err);
	if (e.n < 0) {
		e.n += n + 1;
		return e.n > 0 ? view_edit(view, &e, -1, err) : 0;
	}
	for (i = n; i > 0; i--) {
		e.n = i;
		if (view_edit(view, &e, -1, err) < 0)
			return -1;
	}
	return 0;
}

static int
edit(struct member *m, struct view *view, enum edit_op op, const char *name,
    const char *value, struct err *err)
{
	struct edit e = { .op = (int)op, .n = 1, .name = name,
		.value = value, .by = member_by(m) };

	return view_edit(view, &e, -1, err);
}

static int
change(struct member *m, struct view *view, struct rspamd_result *r,
    struct err *err)
{
	size_t i;
	int rc = view_check(view, r->v, r->n, err);

	for (i = 0; i < r->n && rc == 0; i++) {
		r->v[i].by = member_by(m);
		rc = r->v[i].op == EDIT_DELETE_HEADER ?
		    delete(view, r->v[i], err) :
		    view_edit(view, &r->v[i], -1, err);
	}
	if (rc == 0 && r->action == RSPAMD_HEADER)
		rc = edit(m, view, EDIT_ADD_HEADER, "X-Spam", "Yes", err);
	if (rc == 0 && r->action == RSPAMD_SUBJECT && r->subject[0] != '\0')
		rc = edit(m, view, EDIT_CHANGE_HEADER, "Subject", r->subject,
		    err);
	return rc;
}

static int
judge(struct member *m, struct view *view, struct rspamd_result *r,
    struct verdict *v, struct err *err)
{
	char score[32], required[32];
	const char *text = r->text[0] != '\0' ? r->text : "refused as spam";

	snprintf(score, sizeof(score), "%.2f", r->score);
	snprintf(required, sizeof(required), "%.2f", r->required);
	log_event(LOG_INFO, "score", KS("filter", m->c->name),
	    KS("action", r->name), KS("score", score),
	    KS("required", required), KEND);
	if (r->action < RSPAMD_DEFER)
		return change(m, view, r, err);
	if (r->action == RSPAMD_DEFER)
		verdict_set(v, FILTER_DEFER, 451, "4.7.1", r->text[0] != '\0' ?
		    r->text : "try again later");
	else if (r->action == RSPAMD_REJECT)
		return found_do(m, view, "X-Spam", "Yes", text, v, err);
	else if (r->action == RSPAMD_QUARANTINE)
		return edit(m, view, EDIT_HOLD, "", text, err);
	else
		verdict_set(v, FILTER_DISCARD, 250, "2.0.0", text);
	return 0;
}

static int
content(struct member *m, struct view *view,
    const struct filter_content_in *in UNUSED, struct verdict *v,
    struct err *err)
{
	struct str json = STR_INIT;
	struct rspamd_result r = { 0 };
	int rc = ask(m, view, &json, err);

	if (rc == 0)
		rc = rspamd_read(slice_str(&json), &m->s->ta, &r, err);
	if (rc == 0)
		rc = judge(m, view, &r, v, err);
	free(r.v);
	str_free(&json);
	return rc;
}

static void
nothing(struct member *m UNUSED)
{
}

const struct filter_kind kind_rspamd = { .content = content,
	.close = nothing };
