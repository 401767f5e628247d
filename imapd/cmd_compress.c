/*
 * cmd_compress.c - COMPRESS: RFC 4978.
 */
#include "deflate.h"
#include "session.h"

static void
start(void *session)
{
	struct session *s = session;

	s->deflate = deflate_start(s->imap.io);
	if (s->deflate == NULL)		/* it was said that it is there */
		s->imap.end = "lost";
}

void
cmd_compress(void *session)
{
	struct session *s = session;
	struct imap_lex *l = &s->imap.lex;

	imap_lex_sp(l);
	if (!imap_lex_try_word(l, "DEFLATE"))
		imap_lex_expected(l, "DEFLATE");
	if (!imap_args_end(&s->imap))
		return;
	if (s->deflate != NULL) {
		imap_no(&s->imap, "COMPRESSIONACTIVE", "it is at work");
		return;
	}
	s->imap.after = start;
	imap_ok(&s->imap, NULL, "compression begins");
}
