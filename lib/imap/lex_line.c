/*
 * lex_line.c - lines from the client, and the literal that one ends with.
 */
#include "imap/lex_part.h"

enum { TAIL = 32 };

/* where the line ends with ~{123+}: set lit and what belongs to it */
static void
find_literal(struct imap_lex *l, struct slice tail)
{
	size_t i = tail.n, end;
	uint64_t n;

	l->lit = IMAP_LIT_NONE;
	if (i < 3 || tail.p[i - 1] != '}')
		return;
	i--;
	if (tail.p[i - 1] == '+')
		i--;
	end = i;
	while (i > 0 && ascii_isdigit((unsigned char)tail.p[i - 1]))
		i--;
	if (i == end || i == 0 || tail.p[i - 1] != '{')
		return;
	if (!slice_u64(slice_sub(tail, i, end - i), INT64_MAX, &n))
		n = INT64_MAX;
	l->lit = tail.p[end] == '+' ? IMAP_LIT_NONSYNC : IMAP_LIT_SYNC;
	l->lit_left = n;
	l->lit8 = i >= 2 && tail.p[i - 2] == '~';
	l->lit_at = i - (l->lit8 ? 2 : 1);
}

struct reader {
	size_t room;		/* bytes that may be kept */
	struct str kept;
	struct str tail;	/* last bytes of what was not kept */
	size_t n;		/* bytes of the line */
};

static bool
take(struct imap_lex *l, struct reader *r, struct slice part)
{
	size_t n = MIN(part.n, r->room - r->kept.len);
	size_t drop = part.n - n;

	str_add(&r->kept, part.p, n);
	r->n += part.n;
	if (drop == 0)
		return true;
	l->dropped += drop;
	if (r->tail.len == 0)	/* what is looked for may lie across */
		str_addsl(&r->tail, slice_sub(slice_str(&r->kept),
		    r->kept.len - MIN(r->kept.len, (size_t)TAIL), TAIL));
	str_addsl(&r->tail, slice_sub(part, part.n - MIN(drop, (size_t)TAIL),
	    TAIL));
	if (r->tail.len > 2 * TAIL) {
		memmove(r->tail.s, r->tail.s + r->tail.len - TAIL, TAIL);
		str_trunc(&r->tail, TAIL);
	}
	return l->dropped <= l->limits.drop ||
	    lex_fail_hard(l, IMAP_LEX_BYE, "more was sent than is read");
}

/* without the line end; false: a bare LF that is not allowed */
static bool
strip_end(const struct imap_lex *l, struct slice *s)
{
	s->n--;				/* LF */
	if (s->n > 0 && s->p[s->n - 1] == '\r') {
		s->n--;
		return true;
	}
	return (l->flags & IMAP_LEX_BARE_LF) != 0;
}

bool
lex_read_bytes(struct imap_lex *l, struct slice *buf)
{
	if (l->io != NULL && io_peek(l->io, buf) == 1)
		return true;
	return lex_fail_hard(l, IMAP_LEX_GONE, "the client is gone");
}

/* keep the line that was read, and say what is wrong with it */
static bool
use_line(struct imap_lex *l, struct reader *r)
{
	struct slice all = slice_str(r->kept.len == r->n ? &r->kept :
	    &r->tail);
	bool good = strip_end(l, &all), whole = r->kept.len == r->n;

	l->line = whole ? all : slice_str(&r->kept);
	l->line.p = arena_slice(l->arena, l->line);
	l->lines_used += l->line.n;
	l->pos = 0;
	find_literal(l, all);
	if (!whole) {
		l->lit_at = SIZE_MAX;
		return imap_lex_fail(l, IMAP_LEX_BAD, "TOOBIG",
		    "the command is longer than %zu bytes", l->limits.line);
	}
	return good || imap_lex_fail(l, IMAP_LEX_BAD, "",
	    "a line ends with LF instead of CRLF");
}

bool
lex_read_line(struct imap_lex *l, size_t keep)
{
	struct reader r = { keep, STR_INIT, STR_INIT, 0 };
	struct slice buf;
	size_t n;
	bool good = true, end = false;

	while (good && !end && lex_read_bytes(l, &buf)) {
		n = slice_find(buf, '\n');
		end = n < buf.n;
		buf.n = end ? n + 1 : buf.n;
		good = take(l, &r, buf);
		io_consume(l->io, buf.n);
	}
	good = good && end && use_line(l, &r);
	str_wipe(&r.kept);	/* it may be a password */
	str_free(&r.tail);
	return good;
}
