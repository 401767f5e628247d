/*
 * reply.c - writes replies.  Whatever comes in, each line that goes out is
 * printable ASCII with its code, ends in CRLF and has at most 512 octets.
 */
#include "smtp/reply.h"

/* Cut a piece of at most room bytes, which ends at \n, at a blank, or in the
 * middle of a word longer than room.  *rest is SLICE_NULL when used up. */
static struct slice
cut_piece(struct slice *rest, size_t room)
{
	struct slice piece, line;
	size_t n;

	n = slice_find(*rest, '\n');
	if (n <= room) {
		slice_cut(rest, '\n', &piece);
		return piece;
	}
	line = slice_sub(*rest, 0, room + 1);
	n = slice_rfind(line, ' ');
	if (n == line.n || n == 0) {
		piece = slice_sub(*rest, 0, room);
		*rest = slice_sub(*rest, room, rest->n);
	} else {
		piece = slice_sub(*rest, 0, n);
		*rest = slice_sub(*rest, n + 1, rest->n);
	}
	return piece;
}

static void
add_printable(struct str *out, struct slice s)
{
	size_t i = out->len;

	str_addsl(out, s);
	for (; i < out->len; i++)
		if (!ascii_isprint((unsigned char)out->s[i]))
			out->s[i] = out->s[i] == '\t' ? ' ' : '?';
}

void
smtp_reply(struct str *out, int code, const char *dsn, const char *text)
{
	struct slice rest = slice_of(text), piece;
	size_t room, lines = 0, at;

	assert(code >= 200 && code <= 599);
	if (rest.p == NULL)
		rest = SLICE_LIT("");
	if (dsn != NULL && dsn[0] == '\0')
		dsn = NULL;
	room = SMTP_REPLY_LINE - 2 - 4 - (dsn != NULL ? strlen(dsn) + 1 : 0);
	do {
		piece = cut_piece(&rest, room);
		if (++lines == SMTP_REPLY_LINES_MAX)
			rest = SLICE_NULL;
		str_addi(out, code);
		str_addc(out, rest.p == NULL ? ' ' : '-');
		if (dsn != NULL) {
			/* RFC 2034 section 4: the class is the code's own */
			at = out->len;
			str_adds(out, dsn);
			str_addc(out, ' ');
			out->s[at] = (char)('0' + code / 100);
		}
		add_printable(out, piece);
		str_adds(out, "\r\n");
	} while (rest.p != NULL);
}

void
smtp_reply_err(struct str *out, int code, const struct err *err)
{
	if (code == 0)
		code = err->kind == ERR_PERM ? 550 : 451;
	smtp_reply(out, code, err->dsn, err->text);
}
