/*
 * imap_lex_fuzz.c - any bytes as an IMAP connection (the first is flags).
 * Each letter of a command's name says what is pulled next, so the input
 * chooses.  What is read is the same from one buffer and byte by byte, ends
 * with NUL, and stays within its limits.
 */
#include <sys/socket.h>

#include "imap/lex.h"
#include "imap/mutf7.h"
#include "imap/write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { INPUT_MAX = 4096 };

static const struct imap_limits limits = { .line = 300, .literal = 100,
	.literals = 200, .nonsync = 90, .drop = 2000, .depth = 8,
	.count = 50 };

static void
note(struct str *out, const struct imap_lex *l, struct slice s)
{
	if (!imap_lex_ok(l))
		return;
	if (s.p != NULL && s.p[s.n] != '\0')
		abort();
	str_addsl(out, s);
	str_addc(out, '|');
}

static void
stream(struct imap_lex *l, struct str *out)
{
	struct imap_literal lit;
	struct slice s;
	uint64_t sum = 0;
	int r;

	if (!imap_lex_literal(l, &lit))
		return;
	if (lit.size > 1000) {
		imap_lex_fail(l, IMAP_LEX_NO, "TOOBIG", "%s", "too big");
		return;
	}
	imap_lex_literal_accept(l);
	while ((r = imap_lex_literal_read(l, &s)) == 1) {
		str_addsl(out, s);
		sum += s.n;
		if (lit.size == 77 && sum > 7)
			imap_lex_fail(l, IMAP_LEX_NO, "", "%s", "disk full");
	}
	if (r == 0 && sum != lit.size)
		abort();
}

static void
nest(struct imap_lex *l, struct str *out)
{
	struct slice s;

	for (imap_lex_open(l); imap_lex_next(l); ) {
		str_addc(out, '(');
		if (imap_lex_peek(l) == '(')
			nest(l, out);
		else if (imap_lex_nstring8(l, &s))
			note(out, l, s);
	}
}

static void
mailbox(struct imap_lex *l, struct str *out)
{
	struct str name = STR_INIT;
	struct slice s;

	if (!imap_lex_mailbox(l, &s))
		return;
	note(out, l, s);
	if (!utf8_valid(s) || !imap_mutf7_encode(s, &name))
		abort();
	str_free(&name);
}

static void
pull_value(struct imap_lex *l, char c, struct str *out)
{
	struct imap_seqset set;
	struct imap_partial page;
	struct imap_flags f;
	uint64_t big;
	uint32_t n;
	int32_t day;
	int64_t t;
	int zone;

	switch (c) {
	case 'o':
		if (imap_lex_number(l, &n) && n > 0)
			str_addf(out, "%u", n);
		break;
	case 'p':
		if (imap_lex_number64(l, &big) && big > INT64_MAX)
			abort();
		break;
	case 'r':
		if (imap_lex_partial(l, &page) && (page.lo == 0 ||
		    llabs(page.lo) > llabs(page.hi)))
			abort();
		break;
	case 'd':
		if (imap_lex_date(l, &day))
			str_addf(out, "%d", day);
		break;
	case 't':
		if (imap_lex_date_time(l, &t, &zone))
			imap_put_date_time(out, t, zone);
		break;
	case 'e':
		if (imap_lex_seqset(l, &set)) {
			imap_seqset_resolve(&set, 1000);
			imap_seqset_print(&set, out);
		}
		break;
	case 'f':
		if (imap_lex_store_flags(l, &f))
			imap_put_flags(out, f.system, f.keyword, f.n);
		break;
	default:
		break;
	}
}

static void
pull(struct imap_lex *l, char c, struct str *out)
{
	struct slice s = SLICE_NULL;
	bool r = true;

	switch (c) {
	case 'a':
		r = imap_lex_atom(l, &s);
		break;
	case 's':
		r = imap_lex_string(l, &s);
		break;
	case 'y':
		r = imap_lex_astring(l, &s);
		break;
	case 'n':
		r = imap_lex_nstring(l, &s);
		break;
	case 'b':
		r = imap_lex_base64(l, &s);
		break;
	case 'l':
		r = imap_lex_pattern(l, &s);
		break;
	case 'm':
		mailbox(l, out);
		break;
	case 'x':
		stream(l, out);
		break;
	case 'h':
		nest(l, out);
		break;
	default:
		pull_value(l, c, out);
		return;
	}
	if (r != imap_lex_ok(l))
		r = false;
	if (r)
		note(out, l, s);
}

static void
one(struct imap_lex *l, struct str *out)
{
	struct slice line;
	size_t i;

	for (i = 0; i < l->name.n && imap_lex_ok(l); i++)
		if (imap_lex_sp(l))
			pull(l, l->name.p[i], out);
	if (imap_lex_end(l) && l->uid && imap_lex_line(l, 50, &line) == 1)
		note(out, l, line);
}

static void
session(struct io *io, unsigned flags, struct str *out)
{
	struct arena a = { 0 };
	struct imap_lex l;

	imap_lex_init(&l, io, &a, &limits, flags);
	while (imap_lex_command(&l) != 0) {
		note(out, &l, l.tag);
		if (imap_lex_ok(&l))
			one(&l, out);
		if (a.total > 65536)
			abort();
		imap_put_error(out, &l);
		if (!imap_lex_finish(&l))
			break;
		arena_reset(&a);
	}
	imap_put_error(out, &l);
	arena_free(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str whole = STR_INIT, bytes = STR_INIT;
	struct io io;
	int fd[2];

	if (n < 1 || n > INPUT_MAX)
		return 0;
	io_init(&io, -1, 0);
	io_unread(&io, data + 1, n - 1);
	io.eof = true;
	session(&io, data[0] & 7, &whole);
	io_free(&io);
	if (data[0] & 8) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) != 0 ||
		    full_write(fd[1], data + 1, n - 1) != 0)
			die("socketpair: %s", strerror(errno));
		shutdown(fd[1], SHUT_WR);
		io_init(&io, fd[0], 10000);
		io.in_cap = 1 + (data[0] >> 4);
		session(&io, data[0] & 7, &bytes);
		if (!slice_eq(slice_str(&whole), slice_str(&bytes)))
			abort();
		io_close(&io);
		close(fd[1]);
	}
	str_free(&whole);
	str_free(&bytes);
	return 0;
}
