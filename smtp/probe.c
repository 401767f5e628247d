/*
 * probe.c - a session for somebody who watches: all of it but a message.
 */
#include "smtp.h"

#include "base/clock.h"

enum { PROBE_MS = 120000 };

struct watcher {
	struct call *call;
	bool gone;
};

/* what a server says goes to a terminal */
static char *
printable(const char *line)
{
	bool utf8 = utf8_valid(slice_of(line));
	char *z = xstrdup(line);
	unsigned char *p;

	for (p = (unsigned char *)z; *p != '\0'; p++)
		if (*p < 0x20 || *p == 0x7f || (*p > 0x7f && !utf8))
			*p = '?';
		else if (*p == 0xc2 && p[1] < 0xa0)	/* U+0080 to U+009F */
			p[0] = p[1] = '?';
	return z;
}

static void
tell(const char *line, void *ctx)
{
	struct watcher *w = ctx;
	char *z = printable(line);
	struct agent_probe_more more = { .line = z };
	struct err ignored;

	if (!w->gone)
		w->gone = call_more(w->call, &more, &ignored) < 0;
	free(z);
}

void
trace_targets(const struct session *s)
{
	const struct targets *t = &s->targets;
	struct str line = STR_INIT;
	size_t i;

	for (i = 0; i < t->n; i++) {
		str_reset(&line);
		if (t->mx)
			str_addf(&line, "MX %d ", t->v[i].pref);
		str_addf(&line, "%s", t->v[i].host);
		if (t->v[i].port != 0)
			str_addf(&line, " [%s]:%d%s", t->v[i].addr,
			    t->v[i].port, t->v[i].secure ? " secure" : "");
		note(s, line.s, "");
	}
	str_free(&line);
}

static int
say(struct session *s, enum stage at, struct str *line, struct err *err)
{
	int rc;

	str_trunc(line, line->len - 2);	/* command has its own end */
	rc = command(s, at, line->s, err);
	str_reset(line);
	return rc < 0 || s->reply.code / 100 != 2 ? -1 : 0;
}

/* MAIL, RCPT, RSET: what is refused is seen */
static void
transaction(struct session *s, struct job *j, struct err *err)
{
	struct str line = STR_INIT;
	size_t i;

	if (need_check(s, j, err) < 0) {
		note(s, err->text, "");
		return;
	}
	mail_line(s, j, j->rcpt[0].wire_sender, &line);
	if (say(s, AT_MAIL, &line, err) == 0)
		for (i = 0; i < j->n && !s->bye; i++) {
			rcpt_line(s, j, &j->rcpt[i], &line);
			say(s, AT_RCPT, &line, err);
		}
	if (!s->bye)
		command(s, AT_RSET, "RSET", err);
	str_free(&line);
}

int
probe_verb(struct call *c, const void *vin, void *vout UNUSED,
    struct err *err)
{
	static struct session s;
	const struct agent_probe_in *in = vin;
	struct agent_deliver_in d = { .q = "", .nexthop = in->nexthop,
		.sender = in->sender, .ret = "", .envid = "", .verp = "" };
	struct watcher w = { c, false };
	struct job j = { .in = &d, .fd = -1, .arena = c->arena,
		.no_login = !in->auth, .began = mono_ms() };
	struct err why;
	size_t i;
	int rc;

	j.deadline = j.began + PROBE_MS;
	j.n = in->rcpt.n;
	j.rcpt = arena_alloc(c->arena, (j.n + 1) * sizeof(*j.rcpt));
	for (i = 0; i < j.n; i++)
		j.rcpt[i] = (struct recipient){ .addr = in->rcpt.v[i],
			.sender = in->sender, .orcpt = "", .notify = "" };
	s.trace = tell;
	s.trace_ctx = &w;
	rc = session_open(&s, &j, err);
	if (rc == 0 && j.n > 0)
		transaction(&s, &j, &why);
	session_close(&s, true);
	log_set_session(NULL);
	return rc;
}
