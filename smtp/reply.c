/*
 * reply.c - replies of a server, one at a time, each within its time.
 */
#include "smtp.h"

#include "base/clock.h"

enum { LINE_MAX_READ = 4096, TEXT_MAX = 1000 };

const char *
stage_name(enum stage at)
{
	static const char *const names[STAGES] = { "the greeting", "EHLO",
		"HELO", "STARTTLS", "AUTH", "MAIL FROM", "RCPT TO", "DATA",
		"the content", "the end of the content", "RSET", "QUIT" };

	return at == AT_EHLO && conf.protocol == PROTO_LMTP ? "LHLO" :
	    names[at];
}

static int64_t
stage_timeout(enum stage at)
{
	const int64_t t[STAGES] = { conf.greeting_timeout, conf.helo_timeout,
		conf.helo_timeout, conf.tls_timeout, conf.auth_timeout,
		conf.mail_timeout, conf.rcpt_timeout, conf.data_init_timeout,
		conf.data_block_timeout, conf.data_done_timeout,
		conf.rset_timeout, conf.quit_timeout };

	return t[at];
}

static int
lost(struct session *s, enum stage at, struct err *err)
{
	struct io *io = &s->io;

	s->bye = true;
	if (io->timed_out)
		return err_temp(err, "4.4.2", "timeout while waiting for the "
		    "reply to %s", stage_name(at));
	if (io->woken)
		return err_temp(err, "4.3.2", "this host shuts down");
	if (io->failed && io->err.text[0] != '\0')
		return err_temp(err, "4.4.2", "lost connection while waiting "
		    "for the reply to %s: %s", stage_name(at), io->err.text);
	return err_temp(err, "4.4.2", "lost connection while waiting for the "
	    "reply to %s", stage_name(at));
}

static void
trace(struct session *s, struct slice line)
{
	struct str t = STR_INIT;

	if (s->trace == NULL)
		return;
	str_addf(&t, "<<< %.*s", (int)line.n, line.p);
	s->trace(t.s, s->trace_ctx);
	str_free(&t);
}

/* 1 the reply is complete, 0 not yet, -1 */
static int
read_line(struct session *s, enum stage at, struct err *err)
{
	struct slice line;
	bool too_long;
	int rc = io_getline(&s->io, LINE_MAX_READ, &line, NULL, &too_long);

	if (rc <= 0)
		return lost(s, at, err);
	trace(s, line);
	rc = too_long ? err_temp(err, "4.5.0", "a line of over %d octets in "
	    "the reply to %s", LINE_MAX_READ, stage_name(at)) :
	    smtp_reply_line(&s->reply, line, err);
	if (rc < 0)
		s->bye = true;
	return rc;
}

int
reply_read(struct session *s, enum stage at, struct err *err)
{
	int rc;

	smtp_reply_reset(&s->reply);
	s->io.cmd_deadline = mono_ms() + stage_timeout(at);
	do
		rc = read_line(s, at, err);
	while (rc == 0);
	s->io.cmd_deadline = 0;
	if (rc > 0 && s->reply.code == 421)
		s->bye = true;
	return rc > 0 ? 0 : -1;
}

void
reply_text(const struct smtp_reply *r, struct str *out)
{
	struct slice rest = slice_str(&r->text), line;
	size_t was = out->len, skip;
	char dsn[12];
	bool first = true;

	str_addf(out, "%d", r->code);
	while (slice_cut(&rest, '\n', &line) && out->len - was < TEXT_MAX) {
		skip = first ? 0 : smtp_dsn_parse(line, dsn);
		line = slice_trim(slice_sub(line, skip, line.n));
		first = false;
		if (line.n == 0)
			continue;
		str_addc(out, ' ');
		str_addsl(out, slice_sub(line, 0, TEXT_MAX));
	}
}

/* The basic code is believed, and its class is the other's, too. */
static void
reply_dsn(const struct smtp_reply *r, char dsn[12])
{
	int class = r->code / 100;

	if (class != 2 && class != 5)
		class = 4;
	if (r->dsn[0] == '\0')
		snprintf(dsn, 12, "%d.0.0", class);
	else
		snprintf(dsn, 12, "%d%s", class, r->dsn + 1);
}

int
reply_err(const struct session *s, enum stage at, struct err *err)
{
	struct str text = STR_INIT;
	char dsn[12];

	reply_text(&s->reply, &text);
	reply_dsn(&s->reply, dsn);
	if (s->reply.code >= 500)
		err_perm(err, dsn, "%s", text.s);
	else if (s->reply.code >= 400)
		err_temp(err, dsn, "%s", text.s);
	else
		err_temp(err, "4.5.0", "unexpected reply to %s: %s",
		    stage_name(at), text.s);
	str_free(&text);
	return -1;
}
