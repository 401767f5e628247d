/*
 * lex.c - commands, literals, errors.  l->line is one line without its end, in
 * the arena; where it ends with {n}, l->lit says so, and that literal is the
 * only thing that can make more be read.  After it l->line is the next line.
 */
#include "imap/lex_part.h"

enum { TAG_MAX = 200 };

const struct imap_limits imap_limits_default = {
	.line = 65536,
	.literal = 65536,
	.literals = 262144,
	.drop = 64 << 20,
	.depth = 64,
	.count = 10000,
};

void
imap_lex_init(struct imap_lex *l, struct io *io, struct arena *arena,
    const struct imap_limits *limits, unsigned flags)
{
	*l = (struct imap_lex){ .io = io, .arena = arena, .limits = *limits,
		.flags = flags };
	l->limits.depth = MIN(limits->depth, 64u);
	l->tag = SLICE_LIT("*");
	l->name = l->line = SLICE_LIT("");
}

void
imap_lex_init_text(struct imap_lex *l, struct slice text, struct arena *arena,
    unsigned flags)
{
	imap_lex_init(l, NULL, arena, &imap_limits_default, flags);
	l->line = text;
	l->lines_used = text.n;
}

/* ---- errors ------------------------------------------------------------- */

static void
printable(char *s)
{
	for (; *s != '\0'; s++)
		if (!ascii_isprint((unsigned char)*s))
			*s = '?';
}

bool
imap_lex_fail(struct imap_lex *l, enum imap_lex_kind kind, const char *code,
    const char *fmt, ...)
{
	struct imap_lex_error *e = &l->error;
	va_list ap;

	if (e->kind != IMAP_LEX_OK)
		return false;
	e->kind = kind;
	slice_copy(e->code, sizeof(e->code), slice_of(code));
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	printable(e->code);
	printable(e->text);
	return false;
}

bool
lex_fail_hard(struct imap_lex *l, enum imap_lex_kind kind, const char *text)
{
	if (l->error.kind >= IMAP_LEX_BYE)
		return false;
	l->error.kind = IMAP_LEX_OK;
	return imap_lex_fail(l, kind, kind == IMAP_LEX_BYE ? "TOOBIG" : "",
	    "%s", text);
}

bool
imap_lex_expected(struct imap_lex *l, const char *what)
{
	size_t at = l->lines_used - l->line.n + l->pos + 1;
	unsigned char c;

	if (l->pos >= l->line.n)
		return imap_lex_fail(l, IMAP_LEX_BAD, "", "%s is expected at "
		    "byte %zu, not the end of the line", what, at);
	c = (unsigned char)l->line.p[l->pos];
	if (ascii_isprint(c))
		return imap_lex_fail(l, IMAP_LEX_BAD, "", "%s is expected at "
		    "byte %zu, not '%c'", what, at, c);
	return imap_lex_fail(l, IMAP_LEX_BAD, "", "%s is expected at byte "
	    "%zu, not a byte %02x", what, at, c);
}

bool
imap_lex_count(struct imap_lex *l, unsigned n)
{
	if (!imap_lex_ok(l))
		return false;
	l->counted += n;
	if (l->counted > l->limits.count)
		return imap_lex_fail(l, IMAP_LEX_BAD, "LIMIT",
		    "more than %u elements in one command", l->limits.count);
	return true;
}

static size_t
room(const struct imap_lex *l)
{
	/* with its line end */
	return l->limits.line - MIN(l->lines_used, l->limits.line) + 2;
}

/* ---- a command ---------------------------------------------------------- */

/* A new word: the same forms are errors, with or without a tag. */
static bool
read_head(struct imap_lex *l)
{
	struct slice tag;

	if (!lex_take(l, LEX_TAG, &tag) || tag.n > TAG_MAX)
		return imap_lex_fail(l, IMAP_LEX_BAD, "",
		    l->line.n == 0 ? "an empty line" : "a tag is expected");
	l->tag = tag;
	if (l->overlong)
		return false;
	if (!imap_lex_sp(l) || !imap_lex_atom(l, &l->name))
		return false;
	if (!slice_ieqz(l->name, "UID"))
		return true;
	l->uid = true;
	return imap_lex_sp(l) && imap_lex_atom(l, &l->name);
}

int
imap_lex_command(struct imap_lex *l)
{
	struct imap_lex_error wrong;

	l->error = (struct imap_lex_error){ 0 };
	l->tag = SLICE_LIT("*");
	l->name = l->line = SLICE_LIT("");
	l->uid = l->overlong = false;
	l->pos = l->lines_used = l->literals_used = l->counted = 0;
	l->dropped = 0;
	l->depth = 0;
	l->lit = IMAP_LIT_NONE;
	if (!lex_read_line(l, room(l))) {
		if (l->error.kind >= IMAP_LEX_BYE)
			return l->error.kind == IMAP_LEX_GONE ? 0 : -1;
		/* the tag, for the reply */
		wrong = l->error;
		l->error.kind = IMAP_LEX_OK;
		l->overlong = true;
		read_head(l);
		l->error = wrong;
		return -1;
	}
	return read_head(l) ? 1 : -1;
}

bool
imap_lex_end(struct imap_lex *l)
{
	if (!imap_lex_ok(l))
		return false;
	while ((l->flags & IMAP_LEX_BLANKS) && imap_lex_try(l, ' '))
		;
	if (l->pos < l->line.n || l->depth > 0)
		return imap_lex_expected(l, "the end of the line");
	return true;
}

/* n bytes of a literal; counted against limits.drop */
static bool
drop(struct imap_lex *l, uint64_t n, bool counted)
{
	struct slice buf;

	if (counted) {
		l->dropped += n;	/* both are below 2^63 */
		if (l->dropped > l->limits.drop)
			return lex_fail_hard(l, IMAP_LEX_BYE,
			    "more was sent than is read");
	}
	while (n > 0) {
		if (!lex_read_bytes(l, &buf))
			return false;
		buf.n = MIN(buf.n, n);
		io_consume(l->io, buf.n);
		n -= buf.n;
	}
	return true;
}

bool
imap_lex_finish(struct imap_lex *l)
{
	struct imap_lex_error keep;

	while (l->error.kind < IMAP_LEX_BYE && (l->lit == IMAP_LIT_NONSYNC ||
	    l->lit == IMAP_LIT_OPEN)) {
		if (!drop(l, l->lit_left, l->lit == IMAP_LIT_NONSYNC))
			return false;
		/* what is wrong with a line that nobody reads is not said */
		keep = l->error;
		lex_read_line(l, 0);
		if (l->error.kind < IMAP_LEX_BYE)
			l->error = keep;
	}
	l->lit = IMAP_LIT_NONE;
	return l->error.kind < IMAP_LEX_BYE;
}

int
imap_lex_line(struct imap_lex *l, size_t max, struct slice *line_r)
{
	if (!imap_lex_ok(l))
		return -1;
	if (!lex_read_line(l, max + 2)) {
		l->lit = IMAP_LIT_NONE;
		return l->error.kind == IMAP_LEX_GONE ? 0 : -1;
	}
	l->lit = IMAP_LIT_NONE;
	*line_r = l->line;
	l->pos = l->line.n;
	if (l->line.n <= max)
		return 1;
	imap_lex_fail(l, IMAP_LEX_BAD, "", "a line longer than %zu bytes",
	    max);
	return -1;
}

/* ---- literals ----------------------------------------------------------- */

bool
imap_lex_literal(struct imap_lex *l, struct imap_literal *r)
{
	if (!imap_lex_ok(l))
		return false;
	if ((l->lit != IMAP_LIT_SYNC && l->lit != IMAP_LIT_NONSYNC) ||
	    l->pos != l->lit_at)
		return imap_lex_expected(l, "a literal");
	if (l->lit == IMAP_LIT_NONSYNC && l->limits.nonsync > 0 &&
	    l->lit_left > l->limits.nonsync)
		return imap_lex_fail(l, IMAP_LEX_BAD, "TOOBIG",
		    "a literal that does not wait has at most %llu bytes",
		    (unsigned long long)l->limits.nonsync);
	*r = (struct imap_literal){ .size = l->lit_left,
		.sync = l->lit == IMAP_LIT_SYNC, .eight = l->lit8 };
	return true;
}

bool
imap_lex_literal_accept(struct imap_lex *l)
{
	struct imap_literal lit = { 0 };

	if (!imap_lex_literal(l, &lit))
		return false;
	if (lit.sync && l->more != NULL)
		l->more(l->more_arg);
	else if (lit.sync)
		io_puts(l->io, "+ OK\r\n");
	l->lit = IMAP_LIT_OPEN;
	l->pos = l->line.n;
	return true;
}

int
imap_lex_literal_read(struct imap_lex *l, struct slice *r)
{
	if (!imap_lex_ok(l))
		return -1;
	if (l->lit != IMAP_LIT_OPEN)
		return 0;
	if (l->lit_left == 0) {
		l->lit = IMAP_LIT_NONE;
		return lex_read_line(l, room(l)) ? 0 : -1;
	}
	if (!lex_read_bytes(l, r))
		return -1;
	r->n = MIN(r->n, l->lit_left);
	l->lit_left -= r->n;
	io_consume(l->io, r->n);
	return 1;
}

bool
lex_literal(struct imap_lex *l, bool eight, struct slice *r)
{
	struct imap_literal lit = { 0 };
	struct slice part;
	size_t at = 0;
	char *p;
	int n;

	if (!imap_lex_literal(l, &lit))
		return false;
	if (lit.eight && !eight)
		return imap_lex_expected(l, "a string without NUL");
	if (lit.size > l->limits.literal ||
	    lit.size > l->limits.literals - l->literals_used)
		return imap_lex_fail(l, IMAP_LEX_NO, "TOOBIG",
		    "a literal of %llu bytes is too big here",
		    (unsigned long long)lit.size);
	l->literals_used += lit.size;
	imap_lex_literal_accept(l);
	p = arena_alloc(l->arena, lit.size + 1);
	while ((n = imap_lex_literal_read(l, &part)) == 1) {
		memcpy(p + at, part.p, part.n);
		at += part.n;
	}
	if (n < 0)
		return false;
	*r = (struct slice){ p, at };
	if (!lit.eight && slice_has_nul(*r))
		return imap_lex_fail(l, IMAP_LEX_BAD, "",
		    "NUL in a literal of text");
	return true;
}
