/*
 * proxy.c - a before-queue filter that speaks SMTP: it gets the whole message
 * and hands it on itself; what it says behind the dot is our answer to the
 * client.  It sees a client only once its message is complete, so it needs no
 * more sessions than messages are scanned at a time.
 */
#include "filter.h"

#include "base/log.h"
#include "conf/common.h"
#include "smtp/data.h"
#include "smtp/reply.h"

enum { REPLY_LINE = 4096, PIECE = 65536 };

struct proxy {
	struct io io;
	struct smtp_reply r;
	bool pipelining, body8, utf8;
	struct str xforward;	/* " NAME ADDR ...", as announced */
};

static int
read_reply(struct proxy *p, struct err *err)
{
	struct slice line;
	bool too_long;
	int r;

	smtp_reply_reset(&p->r);
	if (net_flush(&p->io, err) < 0)
		return -1;
	do {
		if (io_getline(&p->io, REPLY_LINE, &line, NULL,
		    &too_long) <= 0)
			return net_err(&p->io, err);
		r = smtp_reply_line(&p->r, line, err);
	} while (r == 0);
	return r < 0 ? -1 : 0;
}

static int
unexpected(const struct proxy *p, const char *to, struct err *err)
{
	return err_temp(err, "4.3.0", "proxy: %d to %s: %.200s", p->r.code, to,
	    p->r.text.s);
}

static void
read_extensions(struct proxy *p)
{
	struct slice rest = slice_str(&p->r.text), line, word;

	while (slice_cut(&rest, '\n', &line)) {
		if (!slice_word(&line, &word))
			continue;
		p->pipelining |= slice_ieqz(word, "PIPELINING");
		p->body8 |= slice_ieqz(word, "8BITMIME");
		p->utf8 |= slice_ieqz(word, "SMTPUTF8");
		if (!slice_ieqz(word, "XFORWARD"))
			continue;
		str_addc(&p->xforward, ' ');
		str_addsl(&p->xforward, line);
		str_addc(&p->xforward, ' ');
	}
}

/* --- XFORWARD: of which client the message is --- */

/* RFC 3461 section 4: what is not in there is +XX */
static void
put_xtext(struct str *out, const char *z)
{
	for (; *z != '\0'; z++)
		if (*z > ' ' && *z <= '~' && *z != '+' && *z != '=')
			str_addc(out, *z);
		else
			str_addf(out, "+%02X", (unsigned)(unsigned char)*z);
}

static void
put_attribute(const struct proxy *p, struct str *line, const char *name,
    const char *value)
{
	char word[24];

	snprintf(word, sizeof(word), " %s ", name);
	if (p->xforward.len == 0 || strcasestr(p->xforward.s, word) == NULL)
		return;
	str_addf(line, " %s=", name);
	if (value[0] == '\0')
		str_adds(line, "[UNAVAILABLE]");
	else
		put_xtext(line, value);
}

static int
forward(struct proxy *p, const struct session *s, struct err *err)
{
	struct str line = STR_INIT;
	const char *addr = s->in.client_addr;
	bool here = addr[0] == '\0' || strcmp(addr, "unix") == 0;
	char port[24] = "";

	if (s->in.client_port > 0)
		snprintf(port, sizeof(port), "%lld",
		    (long long)s->in.client_port);
	put_attribute(p, &line, "NAME", s->in.client_name);
	if (!here && strchr(addr, ':') != NULL)
		put_attribute(p, &line, "ADDR", arena_printf(
		    (struct arena *)&s->ta, "IPv6:%s", addr));
	else
		put_attribute(p, &line, "ADDR", here ? "" : addr);
	put_attribute(p, &line, "PORT", port);
	put_attribute(p, &line, "HELO", s->has_helo ? s->helo.helo : "");
	put_attribute(p, &line, "PROTO", s->mail.proto);
	put_attribute(p, &line, "IDENT", s->q);
	put_attribute(p, &line, "SOURCE", here && s->in.client_port == 0 ?
	    "LOCAL" : "REMOTE");
	if (line.len > 0)
		io_printf(&p->io, "XFORWARD%s\r\n", line.s);
	p->xforward.len = line.len;	/* is there an answer to wait for? */
	str_free(&line);
	if (p->xforward.len == 0)
		return 0;
	if (read_reply(p, err) < 0)
		return -1;
	return p->r.code == 250 ? 0 : unexpected(p, "XFORWARD", err);
}

static int
greet(struct proxy *p, const struct session *s, struct err *err)
{
	if (read_reply(p, err) < 0)
		return -1;
	if (p->r.code != 220)
		return unexpected(p, "the connection", err);
	io_printf(&p->io, "EHLO %s\r\n", common.hostname);
	if (read_reply(p, err) < 0)
		return -1;
	if (p->r.code != 250)
		return unexpected(p, "EHLO", err);
	read_extensions(p);
	return forward(p, s, err);
}

/* --- the message --- */

/* its reply as ours, without the enhanced code in front of each line */
static void
pass_on(struct member *m, const struct proxy *p, struct verdict *v)
{
	struct slice rest = slice_str(&p->r.text), line;
	struct str text = STR_INIT;
	char dsn[12];
	int action = p->r.code >= 500 ? FILTER_REJECT :
	    p->r.code >= 300 ? FILTER_DEFER : FILTER_TAKEN;

	while (slice_cut(&rest, '\n', &line)) {
		line = slice_sub(line, smtp_dsn_parse(line, dsn), line.n);
		if (text.len > 0)
			str_addc(&text, '\n');
		str_addsl(&text, slice_trim(line));
	}
	/* 421 would be the end of the client's session, too */
	verdict_set(v, action, p->r.code == 421 ? 451 : p->r.code, p->r.dsn,
	    arena_slice(&m->s->ta, slice_str(&text)));
	str_free(&text);
}

/* The replies to MAIL and each RCPT.  1: all are well, 0: v, -1 */
static int
envelope_reply(struct member *m, struct proxy *p, struct verdict *v,
    struct err *err)
{
	if (read_reply(p, err) < 0)
		return -1;
	if (p->r.code / 100 == 2)
		return 1;
	pass_on(m, p, v);
	if (p->r.code / 100 == 3)
		return unexpected(p, "the envelope", err);
	return 0;
}

/* RFC 6531 section 3.2: addresses and fields of a message that came with
 * SMTPUTF8 */
static bool
needs_utf8(const struct view *view)
{
	size_t i;

	if (!slice_is_ascii(slice_of(view->sender)))
		return true;
	for (i = 0; i < view->rcpts.n; i++)
		if (!slice_is_ascii(slice_of(view->rcpts.v[i])))
			return true;
	for (i = 0; i < view->n; i++)
		if (!slice_is_ascii(view->v[i].value))
			return true;
	return false;
}

/* What one recipient is refused for is said of the message: the client has
 * its 250 for him already. */
static int
envelope(struct member *m, struct proxy *p, const struct view *view,
    const struct filter_content_in *in, struct verdict *v, struct err *err)
{
	size_t i, read = 0;
	int r = 1;

	if (in->utf8 && !p->utf8 && needs_utf8(view)) {
		verdict_set(v, FILTER_REJECT, 550, "5.6.7",
		    "the message needs SMTPUTF8, which is not to be had");
		return 0;
	}
	io_printf(&p->io, "MAIL FROM:<%s>%s%s\r\n", view->sender,
	    in->body8 && p->body8 ? " BODY=8BITMIME" : "",
	    in->utf8 && p->utf8 ? " SMTPUTF8" : "");
	for (i = 0; i < view->rcpts.n && r > 0; i++) {
		if (!p->pipelining) {
			r = envelope_reply(m, p, v, err);
			read++;
		}
		if (r > 0)
			io_printf(&p->io, "RCPT TO:<%s>\r\n",
			    view->rcpts.v[i]);
	}
	for (; r > 0 && read < view->rcpts.n + 1; read++)
		r = envelope_reply(m, p, v, err);
	if (r <= 0)
		return r;
	io_puts(&p->io, "DATA\r\n");
	if (read_reply(p, err) < 0)
		return -1;
	if (p->r.code == 354)
		return 1;
	pass_on(m, p, v);
	return p->r.code >= 400 ? 0 : unexpected(p, "DATA", err);
}

static int
put_content(struct proxy *p, struct view *view, struct err *err)
{
	struct smtp_stuff stuff;
	struct str head = STR_INIT;
	char *buf = xmalloc(PIECE);
	uint64_t at = 0;
	ssize_t n;

	smtp_stuff_init(&stuff, 0);
	view_header(view, true, &head);
	smtp_stuff_feed(&stuff, slice_str(&head), &p->io.out);
	str_free(&head);
	while ((n = view_body(view, at, buf, PIECE, err)) > 0) {
		smtp_stuff_feed(&stuff, (struct slice){ buf, (size_t)n },
		    &p->io.out);
		at += (uint64_t)n;
		if (net_flush(&p->io, err) < 0)
			break;
	}
	free(buf);
	if (n != 0)
		return -1;
	smtp_stuff_finish(&stuff, &p->io.out);
	return net_flush(&p->io, err);
}

static int
transact(struct member *m, struct proxy *p, struct view *view,
    const struct filter_content_in *in, struct verdict *v, struct err *err)
{
	int r;

	net_deadline(&p->io, m->c->timeout_command);
	if (greet(p, m->s, err) < 0)
		return -1;
	net_deadline(&p->io, m->c->timeout_content);
	r = envelope(m, p, view, in, v, err);
	if (r <= 0)
		return r;
	if (put_content(p, view, err) < 0 || read_reply(p, err) < 0)
		return -1;
	pass_on(m, p, v);
	if (p->r.code >= 300 && p->r.code < 400)
		return unexpected(p, "the end of the content", err);
	io_puts(&p->io, "QUIT\r\n");
	io_flush(&p->io);
	return 0;
}

static int
content(struct member *m, struct view *view,
    const struct filter_content_in *in, struct verdict *v, struct err *err)
{
	struct proxy p = { .r = SMTP_REPLY_INIT, .xforward = STR_INIT };
	int r;

	/* it would come back as a message that nobody holds */
	if (in->held || edits_has(&view->edits, EDIT_HOLD)) {
		log_event(LOG_INFO, "skipped", KS("filter", m->c->name),
		    KS("reason", "the message is on hold"), KEND);
		return 0;
	}
	/* RFC 8689 section 4.2.1: what comes back would not demand it */
	if (strlist_has(&m->s->mail.params, "REQUIRETLS")) {
		verdict_set(v, FILTER_REJECT, 550, "5.7.30",
		    "REQUIRETLS is not to be had here");
		return 0;
	}
	if (view->rcpts.n == 0) {
		verdict_set(v, FILTER_DISCARD, 250, "2.0.0",
		    "no recipient is left");
		return 0;
	}
	if (net_open(m->c, &p.io, err) < 0)
		return -1;
	r = transact(m, &p, view, in, v, err);
	io_close(&p.io);
	smtp_reply_free(&p.r);
	str_free(&p.xforward);
	return r;
}

static void
nothing(struct member *m UNUSED)
{
}

const struct filter_kind kind_proxy = { .content = content,
	.close = nothing };
