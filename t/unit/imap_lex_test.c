/* commands as they come: RFC 3501, 9051, 7888; each script is read from one
 * buffer and byte by byte from a socket, with the same result */
#include <sys/socket.h>

#include "imap/lex.h"
#include "imap/write.h"
#include "test/tap.h"

static void
put(struct str *out, struct slice s)
{
	size_t i;

	if (s.p == NULL) {
		str_adds(out, " NIL");
		return;
	}
	if (s.p[s.n] != '\0')
		str_adds(out, " (no NUL behind it)");
	str_adds(out, " [");
	for (i = 0; i < s.n; i++)
		if (s.p[i] == '\0' || s.p[i] == '\r' || s.p[i] == '\n')
			str_addc(out, s.p[i] == '\0' ? '0' : '/');
		else
			str_addc(out, s.p[i]);
	str_addc(out, ']');
}

typedef bool string_fn(struct imap_lex *l, struct slice *r);

static void
strings(struct imap_lex *l, struct str *out, string_fn *fn)
{
	struct slice s = SLICE_NULL;

	imap_lex_sp(l);
	do {
		if (fn(l, &s))
			put(out, s);
	} while (imap_lex_try_sp(l));
	imap_lex_end(l);
}

static void
flags(const struct imap_flags *f, struct str *out)
{
	str_addc(out, ' ');
	imap_put_flags(out, f->system, f->keyword, f->n);
}

static void
append(struct imap_lex *l, struct str *out)
{
	struct imap_literal lit;
	struct imap_flags f;
	struct slice s = SLICE_NULL;
	struct str body = STR_INIT;
	int64_t t;
	int zone;

	imap_lex_sp(l);
	if (imap_lex_mailbox(l, &s))
		put(out, s);
	while (imap_lex_try_sp(l)) {
		if (imap_lex_peek(l) == '(' && imap_lex_flag_list(l, &f)) {
			flags(&f, out);
			imap_lex_sp(l);
		}
		if (imap_lex_peek(l) == '"' &&
		    imap_lex_date_time(l, &t, &zone)) {
			str_addf(out, " %lld%+d", (long long)t, zone);
			imap_lex_sp(l);
		}
		if (!imap_lex_literal(l, &lit))
			break;
		str_addf(out, " %llu%s%s", (unsigned long long)lit.size,
		    lit.sync ? "" : "+", lit.eight ? "~" : "");
		if (lit.size > 100) {
			imap_lex_fail(l, IMAP_LEX_NO, "TOOBIG", "too big");
			break;
		}
		if (lit.size == 13) {	/* trouble within */
			imap_lex_literal_accept(l);
			imap_lex_literal_read(l, &s);
			imap_lex_fail(l, IMAP_LEX_NO, "", "disk full");
			break;
		}
		imap_lex_literal_accept(l);
		str_reset(&body);
		while (imap_lex_literal_read(l, &s) == 1)
			str_addsl(&body, s);
		str_grow(&body, 1);
		put(out, slice_str(&body));
	}
	imap_lex_end(l);
	str_free(&body);
}

static void
nest(struct imap_lex *l, struct str *out)
{
	struct slice s = SLICE_NULL;

	str_addc(out, '(');
	for (imap_lex_open(l); imap_lex_next(l); ) {
		if (imap_lex_peek(l) == '(')
			nest(l, out);
		else if (imap_lex_atom(l, &s))
			put(out, s);
	}
	str_addc(out, ')');
}

static void
numbers(struct imap_lex *l, struct str *out)
{
	uint32_t n = 0, nz = 0;
	uint64_t big = 0;

	imap_lex_sp(l);
	imap_lex_number(l, &n);
	imap_lex_sp(l);
	imap_lex_nz_number(l, &nz);
	imap_lex_sp(l);
	imap_lex_number64(l, &big);
	if (imap_lex_end(l))
		str_addf(out, " %u %u %llu", n, nz, (unsigned long long)big);
}

static void
store(struct imap_lex *l, struct str *out)
{
	struct imap_seqset set;
	struct imap_flags f;
	struct slice what = SLICE_NULL;

	imap_lex_sp(l);
	if (imap_lex_seqset(l, &set)) {
		str_addc(out, ' ');
		imap_seqset_print(&set, out);
	}
	imap_lex_sp(l);
	if (imap_lex_atom(l, &what))
		put(out, what);
	imap_lex_sp(l);
	if (imap_lex_store_flags(l, &f) && imap_lex_end(l))
		flags(&f, out);
}

static void
dates(struct imap_lex *l, struct str *out)
{
	struct imap_partial p;
	int32_t day = 0;

	imap_lex_sp(l);
	if (imap_lex_date(l, &day))
		str_addf(out, " %d", day);
	if (imap_lex_try_sp(l) && imap_lex_partial(l, &p))
		str_addf(out, " %lld:%lld", (long long)p.lo, (long long)p.hi);
	imap_lex_end(l);
}

static void
command(struct imap_lex *l, struct str *out)
{
	static const struct { const char *name; string_fn *fn; } by[] = {
		{ "LOGIN", imap_lex_astring }, { "ID", imap_lex_nstring },
		{ "SELECT", imap_lex_mailbox }, { "LIST", imap_lex_pattern },
		{ "AUTH", imap_lex_base64 }, { "META", imap_lex_nstring8 },
		{ "STRING", imap_lex_string }, { "ATOM", imap_lex_atom },
	};
	struct slice line;
	size_t i;

	for (i = 0; i < ARRAY_LEN(by); i++)
		if (slice_ieqz(l->name, by[i].name))
			strings(l, out, by[i].fn);
	if (slice_ieqz(l->name, "NOOP"))
		imap_lex_end(l);
	else if (slice_ieqz(l->name, "APPEND"))
		append(l, out);
	else if (slice_ieqz(l->name, "NUMBERS"))
		numbers(l, out);
	else if (slice_ieqz(l->name, "STORE"))
		store(l, out);
	else if (slice_ieqz(l->name, "DATES"))
		dates(l, out);
	else if (slice_ieqz(l->name, "NEST") && imap_lex_sp(l))
		nest(l, out);
	else if (slice_ieqz(l->name, "IDLE") && imap_lex_end(l) &&
	    imap_lex_line(l, 20, &line) == 1)
		put(out, line);
}

static const char *const kinds[] = { "OK", "NO", "BAD", "BYE", "GONE" };

static void
script(struct io *io, unsigned fl, const struct imap_limits *limits,
    struct str *out)
{
	struct arena a = { 0 };
	struct imap_lex l;

	imap_lex_init(&l, io, &a, limits, fl);
	while (imap_lex_command(&l) != 0) {
		str_addf(out, "%s %s%s", l.tag.p, l.uid ? "UID " : "",
		    l.name.p);
		if (imap_lex_ok(&l))
			command(&l, out);
		str_addf(out, " %s", kinds[l.error.kind]);
		if (*l.error.code != '\0')
			str_addf(out, " %s", l.error.code);
		str_adds(out, "; ");
		if (!imap_lex_finish(&l))
			break;
		arena_reset(&a);
	}
	str_adds(out, kinds[l.error.kind]);
	arena_free(&a);
}

static const struct {
	const char *name, *in, *want;
	unsigned flags;
} scripts[] = {
	{ "plain", "a1 NOOP\r\n", "a1 NOOP OK; GONE", 0 },
	{ "UID", "a uid noop\r\n", "a UID noop OK; GONE", 0 },
	{ "UID alone", "a UID\r\n", "a UID UID BAD; GONE", 0 },
	{ "no more", "a NOOP x\r\n", "a NOOP BAD; GONE", 0 },
	{ "blank at the end", "a NOOP \r\n", "a NOOP BAD; GONE", 0 },
	{ "blanks forgiven", "a  NOOP  \r\nb LOGIN  x   y \r\nc NEST ( a  b )"
	    "\r\nd NEST ( )\r\n", "a NOOP OK; b LOGIN [x] [y] OK; "
	    "c NEST( [a] [b]) OK; d NEST() OK; GONE", IMAP_LEX_BLANKS },
	{ "empty line", "\r\na NOOP\r\n", "*  BAD; a NOOP OK; GONE", 0 },
	{ "no command", "a\r\n", "a  BAD; GONE", 0 },
	{ "no tag", " NOOP\r\n+ NOOP\r\n* NOOP\r\n{ NOOP\r\n",
	    "*  BAD; *  BAD; *  BAD; *  BAD; GONE", 0 },
	{ "half a line", "a NOOP", "GONE", 0 },
	{ "bare LF", "a NOOP\nb NOOP\r\n", "a  BAD; b NOOP OK; GONE", 0 },
	{ "bare LF allowed", "a NOOP\nb NOOP\r\n",
	    "a NOOP OK; b NOOP OK; GONE", IMAP_LEX_BARE_LF },
	{ "CR within", "a NOOP\rb\r\n", "a NOOP BAD; GONE", 0 },
	{ "NUL within", "a LOGIN \"x\6y\" z\r\n", "a LOGIN BAD; GONE", 0 },
	{ "NUL in an atom", "a LOGIN x\6y z\r\n", "a LOGIN [x] BAD; GONE", 0 },
	/* RFC 3501 section 6.2.3 and 7.5 */
	{ "LOGIN", "a001 LOGIN SMITH SESAME\r\n",
	    "a001 LOGIN [SMITH] [SESAME] OK; GONE", 0 },
	{ "literals", "A001 LOGIN {11}\r\nFRED FOOBAR {7}\r\nfat man\r\n",
	    "A001 LOGIN [FRED FOOBAR] [fat man] OK; GONE", 0 },
	{ "an empty literal", "a LOGIN {0}\r\n {0}\r\n\r\n",
	    "a LOGIN [] [] OK; GONE", 0 },
	/* RFC 7888 section 3 */
	{ "literals that do not wait",
	    "A001 LOGIN {11+}\r\nFRED FOOBAR {7+}\r\nfat man\r\nb NOOP\r\n",
	    "A001 LOGIN [FRED FOOBAR] [fat man] OK; b NOOP OK; GONE", 0 },
	{ "one of them too big", "a LOGIN {99999+}\r\n", "a LOGIN NO TOOBIG; "
	    "GONE", 0 },
	{ "one too big, and sent", "a LOGIN {41+}\r\n12345678901234567890"
	    "123456789012345678901 {5+}\r\nNOOP\n {5}\r\nb NOOP\r\n",
	    "a LOGIN NO TOOBIG; b NOOP OK; GONE", 0 },
	{ "one too big that waits", "a LOGIN {41}\r\nb NOOP\r\n",
	    "a LOGIN NO TOOBIG; b NOOP OK; GONE", 0 },
	{ "all of them too big", "a LOGIN {40+}\r\n1234567890123456789012345"
	    "678901234567890 {40+}\r\n1234567890123456789012345678901234567"
	    "890 {40+}\r\n1234567890123456789012345678901234567890\r\n",
	    "a LOGIN [1234567890123456789012345678901234567890]"
	    " [1234567890123456789012345678901234567890] NO TOOBIG; GONE", 0 },
	{ "endless", "a LOGIN {4294967296+}\r\n", "a LOGIN NO TOOBIG; BYE",
	    0 },
	{ "over 64 bits", "a LOGIN {99999999999999999999999+}\r\n",
	    "a LOGIN NO TOOBIG; BYE", 0 },
	{ "unknown command with a literal",
	    "a FOO {6+}\r\nb NOOP {2+}\r\nxx\r\nc NOOP\r\n",
	    "a FOO OK; c NOOP OK; GONE", 0 },
	{ "a literal that is cut off", "a LOGIN {11}\r\nFRED",
	    "a LOGIN GONE; GONE", 0 },
	{ "no literal", "a LOGIN {}\r\nb LOGIN {x}\r\nc LOGIN {5}x\r\n"
	    "d LOGIN {-5}\r\ne LOGIN {5-}\r\nf LOGIN {5++}\r\n",
	    "a LOGIN BAD; b LOGIN BAD; c LOGIN BAD; d LOGIN BAD; "
	    "e LOGIN BAD; f LOGIN BAD; GONE", 0 },
	{ "NUL in a literal", "a LOGIN {3}\r\nx\6y z\r\nb NOOP\r\n",
	    "a LOGIN BAD; b NOOP OK; GONE", 0 },
	{ "literal8", "a META ~{3+}\r\nx\6y ~{0}\r\n {1}\r\nz nil \"n\"\r\n",
	    "a META [x0y] [] [z] NIL [n] OK; GONE", 0 },
	{ "literal8 where none may be", "a LOGIN ~{3+}\r\nx\6y\r\nb STRING "
	    "~{3}\r\nc LOGIN ~x ~\r\n", "a LOGIN [~] BAD; b STRING BAD; "
	    "c LOGIN [~x] [~] OK; GONE", 0 },
	{ "quoted", "a LOGIN \"a b\" \"\\\"\\\\\" \"\" \"{3}\"\r\n",
	    "a LOGIN [a b] [\"\\] [] [{3}] OK; GONE", 0 },
	{ "quoted wrongly", "a LOGIN \"x\r\nb LOGIN \"\\x\"\r\nc LOGIN \"\\"
	    "\r\nd LOGIN x\"y\"\r\ne LOGIN \"x\\\"\r\n",
	    "a LOGIN BAD; b LOGIN BAD; c LOGIN BAD; d LOGIN [x] BAD; "
	    "e LOGIN BAD; GONE", 0 },
	{ "8-bit", "a LOGIN \"\xc3\xa9\"\r\nb LOGIN \xc3\xa9\r\n"
	    "c LOGIN {2}\r\n\xc3\xa9\r\n",
	    "a LOGIN BAD; b LOGIN BAD; c LOGIN [\xc3\xa9] OK; GONE", 0 },
	{ "UTF-8", "a LOGIN \"\xc3\xa9\"\r\nb LOGIN \"\xc3\"\r\n"
	    "c LOGIN \xc3\xa9\r\n", "a LOGIN [\xc3\xa9] OK; b LOGIN BAD; "
	    "c LOGIN BAD; GONE", IMAP_LEX_UTF8 },
	{ "astring", "a LOGIN a]b} ]\r\nb ATOM x]\r\nc LOGIN x%\r\n",
	    "a LOGIN [a]b}] []] OK; b ATOM [x] BAD; c LOGIN [x] BAD; GONE",
	    0 },
	{ "nstring", "a ID NIL \"NIL\" nil\r\nb ID NILS\r\n",
	    "a ID NIL [NIL] NIL OK; b ID BAD; GONE", 0 },
	{ "base64", "a AUTH dGVzdA== =\r\nb AUTH dGVzdA\r\n",
	    "a AUTH [test] [] OK; b AUTH BAD; GONE", 0 },
	{ "mailboxes", "a SELECT inbox \"Inbox\" {5}\r\niNBOX inbox/x\r\n"
	    "b SELECT ~peter/mail/&U,BTFw-/&ZeVnLIqe- &-\r\n",
	    "a SELECT [INBOX] [INBOX] [INBOX] [inbox/x] OK; b SELECT "
	    "[~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac"
	    "\xe8\xaa\x9e] [&] OK; GONE", 0 },
	{ "bad mailboxes", "a SELECT &\r\nb SELECT {2}\r\n\xc3\xa9\r\n"
	    "c SELECT &AAo-\r\nd SELECT &Jjo!\r\n", "a SELECT NO CANNOT; "
	    "b SELECT NO CANNOT; c SELECT NO CANNOT; d SELECT NO CANNOT; "
	    "GONE", 0 },
	{ "UTF-8 mailboxes", "a SELECT \"\xc3\xa9\" &AOk- {2}\r\n\xc3\xa9\r\n"
	    "b SELECT {1}\r\n\xc3\r\nc SELECT \"\x01\"\r\n",
	    "a SELECT [\xc3\xa9] [&AOk-] [\xc3\xa9] OK; b SELECT NO CANNOT; "
	    "c SELECT NO CANNOT; GONE", IMAP_LEX_UTF8 },
	{ "patterns", "a LIST % * ~/M* \"x y%\" \"\" inbox &AOk-%\r\n",
	    "a LIST [%] [*] [~/M*] [x y%] [] [inbox] [\xc3\xa9%] OK; GONE",
	    0 },
	{ "lists", "a NEST (a (b c) ((d)) ())\r\nb NEST (a\r\nc NEST (a b)c)"
	    "\r\nd NEST ( a)\r\ne NEST (a )\r\nf NEST (a  b)\r\n",
	    "a NEST( [a]( [b] [c])(( [d]))()) OK; b NEST( [a]) BAD; "
	    "c NEST( [a] [b]) OK; d NEST() BAD; e NEST( [a]) BAD; "
	    "f NEST( [a]) BAD; GONE", 0 },
	{ "too deep", "a NEST (((((((x)))))))\r\n",
	    "a NEST((((((())))))) BAD LIMIT; GONE", 0 },
	{ "too many", "a NEST (1 2 3 4 5 6 7 8 9 10)\r\nb NEST (1 2 3 4 5 6 7"
	    " 8 9 10 11)\r\n", "a NEST( [1] [2] [3] [4] [5] [6] [7] [8] [9] "
	    "[10]) OK; b NEST( [1] [2] [3] [4] [5] [6] [7] [8] [9] [10]) "
	    "BAD LIMIT; GONE", 0 },
	{ "numbers", "a NUMBERS 0 1 0\r\nb NUMBERS 4294967295 4294967295 "
	    "9223372036854775807\r\nc NUMBERS 4294967296 1 1\r\n"
	    "d NUMBERS 0 0 0\r\ne NUMBERS 0 1 9223372036854775808\r\n"
	    "f NUMBERS -1 1 1\r\ng NUMBERS 1x 1 1\r\n",
	    "a NUMBERS 0 1 0 OK; b NUMBERS 4294967295 4294967295 "
	    "9223372036854775807 OK; c NUMBERS BAD; d NUMBERS BAD; "
	    "e NUMBERS BAD; f NUMBERS BAD; g NUMBERS BAD; GONE", 0 },
	/* RFC 3501 section 6.4.6 */
	{ "STORE", "A003 STORE 2:4 +FLAGS (\\Deleted)\r\nb UID STORE *:4,$ x "
	    "y\r\nc STORE 3,1:* FLAGS.SILENT \\seen $MDNSent \\FLAGGED "
	    "$mdnsent\r\nd STORE $ FLAGS ()\r\ne STORE 1 FLAGS \\Foo\r\n"
	    "f STORE 1 FLAGS \\*\r\ng STORE 0 FLAGS x\r\nh STORE 1, FLAGS x"
	    "\r\n", "A003 STORE 2:4 [+FLAGS] (\\Deleted) OK; "
	    "b UID STORE BAD; c STORE 3,1:* [FLAGS.SILENT] (\\Flagged "
	    "\\Seen $MDNSent) OK; d STORE $ [FLAGS] () OK; e STORE 1 [FLAGS] "
	    "BAD; f STORE 1 [FLAGS] BAD; g STORE BAD; h STORE BAD; GONE", 0 },
	{ "dates", "a DATES 1-Feb-1994\r\nb DATES \"01-feb-1994\" -1:-100\r\n"
	    "c DATES 31-Feb-1994\r\nd DATES 1-Jan-1970 500:1\r\n"
	    "e DATES 29-Feb-1900\r\nf DATES 29-Feb-2000 1:-2\r\n"
	    "g DATES 31-Dec-1969 0:1\r\n", "a DATES 8797 OK; "
	    "b DATES 8797 -1:-100 OK; c DATES BAD; d DATES 0 1:500 OK; "
	    "e DATES BAD; f DATES 11016 BAD; g DATES -1 BAD; GONE", 0 },
	/* RFC 3501 section 6.3.11 */
	{ "APPEND", "A003 APPEND saved-messages (\\Seen) {10}\r\nDate: x\r\n\r"
	    "\r\nb NOOP\r\n", "A003 APPEND [saved-messages] (\\Seen) 10 "
	    "[Date: x///] OK; b NOOP OK; GONE", 0 },
	{ "APPEND of some", "a APPEND x () \"17-Jul-1996 02:44:25 -0700\" "
	    "{1+}\r\nX (\\Draft) ~{2}\r\n\6Y {0+}\r\n\r\nb NOOP\r\n",
	    "a APPEND [x] () 837596665-420 1+ [X] (\\Draft) 2~ [0Y] 0+ [] OK; "
	    "b NOOP OK; GONE", 0 },
	{ "APPEND that is too big", "a APPEND x {101}\r\nb APPEND x {102+}"
	    "\r\n123456789 123456789 123456789 123456789 123456789 123456789 "
	    "123456789 123456789 123456789 123456789\r\nx\r\nc NOOP\r\n",
	    "a APPEND [x] 101 NO TOOBIG; b APPEND [x] 102+ NO TOOBIG; "
	    "c NOOP OK; GONE", 0 },
	{ "APPEND that fails", "a APPEND x {13}\r\nabcdefghijklm (\\Seen) "
	    "{2+}\r\nxx\r\nc NOOP\r\n", "a APPEND [x] 13 NO; c NOOP OK; GONE",
	    0 },
	{ "APPEND without", "a APPEND x\r\nb APPEND x y\r\nc APPEND x (\\Seen)"
	    "\r\n", "a APPEND [x] OK; b APPEND [x] BAD; c APPEND [x] (\\Seen)"
	    " BAD; GONE", 0 },
	/* iOS: all in one segment */
	{ "IDLE", "a IDLE\r\nDONE\r\nb NOOP\r\n", "a IDLE [DONE] OK; "
	    "b NOOP OK; GONE", 0 },
	{ "IDLE that goes wrong", "a IDLE\r\n1234567890123456789012345 {9+}"
	    "\r\nb NOOP\r\nc IDLE {1+}\r\nx\r\nd NOOP\r\n", "a IDLE BAD TOOBIG"
	    "; b NOOP OK; c IDLE BAD; d NOOP OK; GONE", 0 },
};

static const struct imap_limits small = { .line = 120, .literal = 40,
	.literals = 80, .drop = 100000, .depth = 6, .count = 10 };

static void
check_script(size_t i)
{
	struct str in = STR_INIT, got = STR_INIT;
	struct io io;
	size_t k;
	int fd[2];

	str_adds(&in, scripts[i].in);
	for (k = 0; k < in.len; k++)	/* \6 stands for NUL */
		if (in.s[k] == '\6')
			in.s[k] = '\0';
	io_init(&io, -1, 0);
	io_unread(&io, in.s, in.len);
	io.eof = true;
	script(&io, scripts[i].flags, &small, &got);
	is_str(got.s, scripts[i].want, "%s", scripts[i].name);
	io_free(&io);
	str_reset(&got);

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) != 0 ||
	    full_write(fd[1], in.s, in.len) != 0)
		die("socketpair: %s", strerror(errno));
	shutdown(fd[1], SHUT_WR);
	io_init(&io, fd[0], 10000);
	io.in_cap = 1;
	script(&io, scripts[i].flags, &small, &got);
	is_str(got.s, scripts[i].want, "%s, byte by byte", scripts[i].name);
	io_close(&io);
	close(fd[1]);
	str_free(&in);
	str_free(&got);
}

/* a line that is too long: its tag is known, the literal at its end as well */
static void
check_long(void)
{
	struct str in = STR_INIT, got = STR_INIT;
	struct io io;
	int i;

	str_adds(&in, "long LOGIN ");
	for (i = 0; i < 200; i++)
		str_adds(&in, "x {3}");
	str_adds(&in, " {8+}\r\nb NOOP\r\n {50000000}\r\nc NOOP\r\n");
	for (i = 70; i < 180; i++) {	/* the end at every place */
		str_addf(&in, "%d ", i);
		while (in.s[in.len - i] != '\n')
			str_addc(&in, 'x');
		str_adds(&in, "{8+}\r\nb NOOP\r\n\r\n");
	}
	str_adds(&in, "d NOOP\r\n");
	for (i = 0; i < 30000; i++)
		str_adds(&in, "12345");
	io_init(&io, -1, 0);
	io_unread(&io, in.s, in.len);
	io.eof = true;
	script(&io, 0, &small, &got);
	ok(slice_starts(slice_str(&got), "long  BAD TOOBIG; c NOOP OK; 70 "),
	    "a long line");
	ok(slice_ends(slice_str(&got), "d NOOP OK; *  BYE TOOBIG; BYE"),
	    "an endless line");
	ok(strstr(got.s, "b NOOP") == NULL, "no literal is a command") ||
	    (tap_diag("%s", got.s), 0);
	io_free(&io);
	str_free(&got);
	str_free(&in);
}

static void
count_more(void *arg)
{
	++*(int *)arg;
}

static void
check_more(void)
{
	static const char in[] =
	    "a LOGIN {1}\r\nx {1+}\r\ny {99}\r\nb LOGIN {1}\r\nz z\r\n";
	struct str got = STR_INIT;
	struct arena a = { 0 };
	struct imap_lex l;
	struct io io;
	int n = 0, round;

	for (round = 0; round < 2; round++) {
		io_init(&io, -1, 0);
		io_unread(&io, in, sizeof(in) - 1);
		io.eof = true;
		imap_lex_init(&l, &io, &a, &small, 0);
		if (round == 1) {
			l.more = count_more;
			l.more_arg = &n;
		}
		while (imap_lex_command(&l) == 1) {
			strings(&l, &got, imap_lex_astring);
			imap_lex_finish(&l);
		}
		if (round == 0)
			is_str(io.out.s, "+ OK\r\n+ OK\r\n",
			    "a literal that waits is asked for");
		io_free(&io);
	}
	is_int(n, 2, "by the hook, too");
	str_free(&got);
	arena_free(&a);
}

static const struct { const char *in, *want; } errors[] = {
	{ "a LOGIN\r\n", "a BAD a blank is expected at byte 8, not the end of "
	    "the line\r\n" },
	{ "a LOGIN (\r\n",
	    "a BAD a word or a string is expected at byte 9, not '('\r\n" },
	{ "a LOGIN {3}\r\nxxx\r\n", "a OK" },
	{ "a LOGIN {3}\r\nxxx (\r\n", "a BAD a word or a string is expected "
	    "at byte 13, not '('\r\n" },
	{ "a LOGIN \x7f\r\n", "a BAD a word or a string is expected at byte "
	    "9, not a byte 7f\r\n" },
	{ "a LOGIN {41}\r\n",
	    "a NO [TOOBIG] a literal of 41 bytes is too big here\r\n" },
	{ "a LOGIN {999999+}\r\n", "* BYE [TOOBIG] more was sent than is read"
	    "\r\na BAD [TOOBIG] more was sent than is read\r\n" },
	{ "\r\n", "* BAD an empty line\r\n" },
};

static void
check_errors(void)
{
	struct str got = STR_INIT, reply = STR_INIT;
	struct arena a = { 0 };
	struct imap_lex l;
	struct io io;
	size_t i;

	for (i = 0; i < ARRAY_LEN(errors); i++) {
		io_init(&io, -1, 0);
		io_unread(&io, errors[i].in, strlen(errors[i].in));
		io.eof = true;
		imap_lex_init(&l, &io, &a, &small, 0);
		if (imap_lex_command(&l) == 1)
			strings(&l, &got, imap_lex_astring);
		if (l.error.kind == IMAP_LEX_NO && l.lit == IMAP_LIT_NONSYNC)
			imap_lex_finish(&l);
		str_reset(&reply);
		imap_put_error(&reply, &l);
		if (imap_lex_ok(&l))
			str_adds(&reply, "a OK");
		is_str(reply.s, errors[i].want, "error %zu", i);
		io_free(&io);
		arena_reset(&a);
	}
	arena_free(&a);
	str_free(&got);
	str_free(&reply);
}

/* LITERAL- (RFC 7888 section 5) */
static void
check_nonsync(void)
{
	struct imap_limits limits = small;
	struct str got = STR_INIT;
	struct io io;

	limits.nonsync = 5;
	io_init(&io, -1, 0);
	str_adds(&got, "a LOGIN {5+}\r\n12345 {6}\r\n123456\r\n"
	    "b LOGIN {6+}\r\n123456\r\nc NOOP\r\n");
	io_unread(&io, got.s, got.len);
	io.eof = true;
	str_reset(&got);
	script(&io, 0, &limits, &got);
	is_str(got.s, "a LOGIN [12345] [123456] OK; b LOGIN BAD TOOBIG; "
	    "c NOOP OK; GONE", "LITERAL-");
	io_free(&io);
	str_free(&got);
}

int
main(void)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(scripts); i++)
		check_script(i);
	check_long();
	check_more();
	check_errors();
	check_nonsync();
	return tap_done();
}
