/*
 * imap_structure_fuzz.c - any bytes as a message: its ENVELOPE, BODY and
 * BODYSTRUCTURE are what RFC 3501 section 9 says; and as a string to be sent,
 * which reads back as it was.
 */
#include "imap/lex.h"
#include "imap/structure.h"
#include "imap/write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct slice in;		/* what is left to be checked */

static bool
try(const char *z)
{
	if (!slice_starts(in, z))
		return false;
	in = slice_sub(in, strlen(z), in.n);
	return true;
}

static void
want(const char *z)
{
	if (!try(z))
		abort();
}

static uint64_t
number(void)
{
	uint64_t n;
	size_t i = 0;

	while (i < in.n && ascii_isdigit((unsigned char)in.p[i]))
		i++;
	if (!slice_u64(slice_sub(in, 0, i), INT64_MAX, &n))
		abort();
	in = slice_sub(in, i, in.n);
	return n;
}

static void
string(struct slice *r)
{
	uint64_t n;
	size_t i;

	if (try("{")) {
		n = number();
		want("}\r\n");
		*r = slice_sub(in, 0, n);
		if (r->n != n || slice_has_nul(*r))
			abort();
		in = slice_sub(in, n, in.n);
		return;
	}
	want("\"");
	for (i = 0; i < in.n && in.p[i] != '"'; i++) {
		if ((unsigned char)in.p[i] >= 0x80 || in.p[i] == '\r' ||
		    in.p[i] == '\n' || in.p[i] == '\0')
			abort();
		if (in.p[i] == '\\' && in.p[++i] != '"' && in.p[i] != '\\')
			abort();
	}
	*r = slice_sub(in, 0, i);
	in = slice_sub(in, i, in.n);
	want("\"");
}

static void
nstring(void)
{
	struct slice s;

	if (!try("NIL"))
		string(&s);
}

static void
addresses(void)
{
	int i;

	if (try("NIL"))
		return;
	want("(");
	do {
		want("(");
		for (i = 0; i < 4; i++) {
			if (i > 0)
				want(" ");
			nstring();
		}
		want(")");
	} while (!try(")"));
}

static void
envelope(void)
{
	int i;

	want("(");
	for (i = 0; i < 10; i++) {
		if (i > 0)
			want(" ");
		if (i >= 2 && i <= 7)
			addresses();
		else
			nstring();
	}
	want(")");
}

static void
params(void)
{
	struct slice s;

	if (try("NIL"))
		return;
	want("(");
	do {
		string(&s);
		want(" ");
		string(&s);
	} while (try(" "));
	want(")");
}

static void
extension(void)
{
	struct slice s;

	want(" ");
	if (!try("NIL")) {
		want("(");
		string(&s);
		want(" ");
		params();
		want(")");
	}
	want(" ");
	if (!try("NIL")) {
		want("(");
		do
			string(&s);
		while (try(" "));
		want(")");
	}
	want(" ");
	nstring();
}

static void body(bool ext);

static void
single(bool ext)
{
	struct slice type, sub, s;

	string(&type);
	want(" ");
	string(&sub);
	want(" ");
	params();
	want(" ");
	nstring();
	want(" ");
	nstring();
	want(" ");
	string(&s);
	want(" ");
	number();
	if (slice_ieqz(type, "multipart"))
		abort();
	if (slice_ieqz(type, "message") && (slice_ieqz(sub, "rfc822") ||
	    slice_ieqz(sub, "global"))) {
		want(" ");
		envelope();
		want(" ");
		body(ext);
		want(" ");
		number();
	} else if (slice_ieqz(type, "text")) {
		want(" ");
		number();
	}
	if (!ext)
		return;
	want(" ");
	nstring();
	extension();
}

static void
body(bool ext)
{
	struct slice s;

	want("(");
	if (!slice_starts(in, "(")) {
		single(ext);
		want(")");
		return;
	}
	while (slice_starts(in, "("))
		body(ext);
	want(" ");
	string(&s);
	if (ext) {
		want(" ");
		params();
		extension();
	}
	want(")");
}

static void
message(struct slice msg)
{
	struct arena a = { 0 };
	struct str out = STR_INIT;
	struct mime_part *p = mime_parse(msg, NULL, &a);

	imap_put_envelope(&out, p->env);
	str_addc(&out, ' ');
	imap_put_body(&out, p);
	str_addc(&out, ' ');
	imap_put_bodystructure(&out, p);
	in = slice_str(&out);
	envelope();
	want(" ");
	body(false);
	want(" ");
	body(true);
	if (in.n > 0)
		abort();
	str_free(&out);
	arena_free(&a);
}

static void
sent(struct slice s, bool utf8)
{
	struct str out = STR_INIT;
	struct arena a = { 0 };
	struct imap_lex l;
	struct slice r;
	struct io io;

	str_adds(&out, "a x ");
	imap_put_astring(&out, s, utf8);
	str_addc(&out, ' ');
	imap_put_string8(&out, s, utf8);
	str_adds(&out, "\r\n");
	io_init(&io, -1, 0);
	io_unread(&io, out.s, out.len);
	io.eof = true;
	imap_lex_init(&l, &io, &a, &imap_limits_default,
	    utf8 ? IMAP_LEX_UTF8 : 0);
	if (imap_lex_command(&l) != 1 || !imap_lex_sp(&l) ||
	    !imap_lex_astring(&l, &r) || (!slice_has_nul(s) &&
	    !slice_eq(r, s)) || !imap_lex_sp(&l) ||
	    !imap_lex_nstring8(&l, &r) || !slice_eq(r, s) ||
	    !imap_lex_end(&l))
		abort();
	io_free(&io);
	str_free(&out);
	arena_free(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice s = { (const char *)data, n };

	message(s);
	if (n < 10000) {
		sent(s, false);
		sent(s, true);
	}
	return 0;
}
