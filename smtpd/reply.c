/*
 * reply.c - every reply leaves through here: printable, with its enhanced
 * code, and with the three digits that the RFCs give to an error.
 */
#include "base/log.h"
#include "smtp/reply.h"
#include "smtpd.h"

enum { OUT_MAX = 32768 };

void
reply(struct session *s, int code, const char *dsn, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (s->io->failed)
		return;
	if (strchr(fmt, '%') != NULL) {
		va_start(ap, fmt);
		vsnprintf(text, sizeof(text), fmt, ap);
		va_end(ap);
		fmt = text;
	}
	smtp_reply(&s->io->out, code, dsn, fmt);
	if (s->io->out.len > OUT_MAX)
		io_flush(s->io);
}

static const struct { const char *dsn; int code; } codes[] = {
	/* RFC 5321 section 4.2.3, RFC 1870 section 6 */
	{ "4.2.2", 452 }, { "4.3.1", 452 }, { "4.5.3", 452 },
	{ "4.2", 450 }, { "4.7.1", 450 },
	{ "5.1.1", 550 }, { "5.1.3", 553 }, { "5.1.7", 553 },
	{ "5.2.2", 552 }, { "5.3.4", 552 }, { "5.4.6", 554 },
	{ "5.5.4", 501 }, { "5.6.7", 553 }, { "5.7.1", 554 },
	/* RFC 8689 section 2, RFC 3207 section 4 */
	{ "5.7.10", 530 },
};

int
reply_code(int perm, const struct err *err)
{
	size_t i, n;

	for (i = 0; i < ARRAY_LEN(codes); i++) {
		n = strlen(codes[i].dsn);
		if (strncmp(err->dsn, codes[i].dsn, n) == 0 &&
		    (err->dsn[n] == '\0' || (n < 5 && err->dsn[n] == '.')) &&
		    (err->dsn[0] == '5') == (err->kind == ERR_PERM))
			return codes[i].code;
	}
	return err->kind == ERR_PERM ? perm : 451;
}

const char *
reply_text(const struct err *err)
{
	if (err->kind != ERR_TEMP || strncmp(err->dsn, "4.3.", 4) != 0)
		return err->text;
	return strcmp(err->dsn, "4.3.1") == 0 ? "not enough disk space" :
	    "temporary trouble here; try again later";
}

int
reply_err(struct session *s, int perm, const struct err *err)
{
	int code = reply_code(perm, err);

	reply(s, code, err->dsn, "%s", reply_text(err));
	return code;
}

void
log_reject(struct session *s, const char *cmd, const char *to,
    const struct err *err)
{
	s->rejected++;
	session_name(s, false);
	log_event(LOG_INFO, "reject", KS("cmd", cmd),
	    KS("client", s->peer->addr),
	    KS("client_name", s->name.len > 0 ? s->name.s : NULL),
	    KS("from", s->txn != NULL ? s->txn->sender : NULL), KS("to", to),
	    KS("login", s->login.len > 0 ? s->login.s : NULL),
	    KS("rule", s->rule), KERR(err), KEND);
	s->rule = NULL;
}
