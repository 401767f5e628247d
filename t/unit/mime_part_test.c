/* the MIME tree: shapes, offsets, sections, limits, time */
#include <time.h>

#include "test/tap.h"

#include "mime_check.h"

/* a leaf "type/subtype{body}", its LFs as |; "(...)" around children, "<...>"
 * around a message within; "!" opaque, "?" no boundary found */
static const struct {
	const char *name, *in, *want;
} t[] = {
	{ "nothing at all", "", "text/plain{}" },
	{ "only a body", "\nhello\n", "text/plain{hello|}" },
	{ "only a header", "Subject: x\n", "text/plain{}" },
	{ "no header", "hello\nworld\n", "text/plain{hello|world|}" },
	{ "CRLF", "Content-Type: text/html\r\n\r\nx\r\n",
	    "text/html{x\r|}" },
	{ "type that is none", "Content-Type: text\n\nx", "text/plain{x}" },
	{ "type of junk", "Content-Type: ;;/=\n\nx", "text/plain{x}" },
	{ "the first type that can be read",
	    "Content-Type: \nContent-Type: a/b\nContent-Type: c/d\n\nx",
	    "a/b{x}" },
	{ "comments in a type", "Content-Type: (a) text (b) / (c) x-y (d)\n\n",
	    "text/x-y{}" },
	{ "two parts", "Content-Type: multipart/mixed; boundary=b\n\n"
	    "preamble\n--b\n\none\n--b\nContent-Type: text/html\n\ntwo\n\n"
	    "--b--\nepilogue\n",
	    "multipart/mixed(text/plain{one}text/html{two|})" },
	{ "CRLF before a boundary is the boundary's",
	    "Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n"
	    "--b\r\n\r\none\r\n--b--\r\n",
	    "multipart/mixed(text/plain{one})" },
	{ "no end", "Content-Type: multipart/mixed; boundary=b\n\n"
	    "--b\n\none\n--b\n\ntwo\n",
	    "multipart/mixed(text/plain{one}text/plain{two|})" },
	{ "blanks behind a boundary",
	    "Content-Type: multipart/mixed; boundary=b\n\n"
	    "--b \t\n\none\n--b-- \nx",
	    "multipart/mixed(text/plain{one})" },
	{ "a longer boundary is another one",
	    "Content-Type: multipart/mixed; boundary=b\n\n"
	    "--b\n\none\n--bb\ntwo\n--b--\n",
	    "multipart/mixed(text/plain{one|--bb|two})" },
	{ "no empty line behind the boundary",
	    "Content-Type: multipart/mixed; boundary=b\n\n"
	    "--b\nHello world\n--b\nContent-Type: text/html\n--b--\n",
	    "multipart/mixed(text/plain{Hello world}text/html{})" },
	{ "a boundary with a colon is no field",
	    "Content-Type: multipart/mixed; boundary=\"gc0:p\"\n\n"
	    "--gc0:p\nA: b\n--gc0:p\n\nx\n--gc0:p--\n",
	    "multipart/mixed(text/plain{}text/plain{x})" },
	{ "boundaries in a row", "Content-Type: multipart/x; boundary=b\n\n"
	    "--b\n--b\n--b--\n",
	    "multipart/x(text/plain{}text/plain{})" },
	{ "only an end", "Content-Type: multipart/mixed; boundary=b\n\n"
	    "--b--\n", "multipart/mixed?(text/plain{--b--|})" },
	{ "no boundary in it", "Content-Type: multipart/mixed; boundary=b\n\n"
	    "hello\n", "multipart/mixed?(text/plain{hello|})" },
	{ "no boundary at all", "Content-Type: multipart/mixed\n\nhello\n",
	    "multipart/mixed?(text/plain{hello|})" },
	{ "an empty boundary", "Content-Type: multipart/mixed; boundary=\n\n"
	    "--\nx\n----\n", "multipart/mixed?(text/plain{--|x|----|})" },
	{ "nested", "Content-Type: multipart/mixed; boundary=o\n\n"
	    "--o\nContent-Type: multipart/alternative; boundary=i\n\n"
	    "--i\n\n1\n--i\n\n2\n--i--\nend\n--o\n\n3\n--o--\n",
	    "multipart/mixed(multipart/alternative(text/plain{1}"
	    "text/plain{2})text/plain{3})" },
	{ "an inner end is missing",
	    "Content-Type: multipart/mixed; boundary=o\n\n"
	    "--o\nContent-Type: multipart/alternative; boundary=i\n\n"
	    "--i\n\n1\n--o\n\n3\n--o--\n",
	    "multipart/mixed(multipart/alternative(text/plain{1})"
	    "text/plain{3})" },
	{ "an inner boundary that begins like the outer",
	    "Content-Type: multipart/mixed; boundary=b\n\n"
	    "--b\nContent-Type: multipart/mixed; boundary=b-1\n\n"
	    "--b-1\n\nx\n--b-1--\n--b--\n",
	    "multipart/mixed(multipart/mixed(text/plain{x}))" },
	{ "the same boundary twice",
	    "Content-Type: multipart/mixed; boundary=b\n\n"
	    "--b\nContent-Type: multipart/mixed; boundary=b\n\n"
	    "--b\n\nx\n--b--\n--b\n\ny\n--b--\n",
	    "multipart/mixed(multipart/mixed(text/plain{x})text/plain{y})" },
	{ "message in a message",
	    "Content-Type: message/rfc822\n\nSubject: in\n\nbody\n",
	    "message/rfc822<text/plain{body|}>" },
	{ "message in a multipart, without a body",
	    "Content-Type: multipart/mixed; boundary=b\n\n--b\n"
	    "Content-Type: message/rfc822\n\nSubject: in\n--b\n\nx\n--b--",
	    "multipart/mixed(message/rfc822<text/plain{}>text/plain{x})" },
	{ "multipart in a message in a multipart",
	    "Content-Type: multipart/mixed; boundary=b\n\n--b\n"
	    "Content-Type: message/global\n\n"
	    "Content-Type: multipart/mixed; boundary=c\n\n--c\n\nx\n--c--\n"
	    "--b--",
	    "multipart/mixed(message/global<multipart/mixed("
	    "text/plain{x})>)" },
	{ "digest", "Content-Type: multipart/digest; boundary=b\n\n--b\n\n"
	    "Subject: 1\n\none\n--b\nContent-Type: text/plain\n\ntwo\n--b--",
	    "multipart/digest(message/rfc822<text/plain{one}>"
	    "text/plain{two})" },
	{ "message in base64 is a leaf", "Content-Type: message/rfc822\n"
	    "Content-Transfer-Encoding: base64\n\nU3ViamVjdDogeAoKeA==\n",
	    "!message/rfc822{U3ViamVjdDogeAoKeA==|}" },
	{ "message that is only said to be base64",
	    "Content-Type: message/rfc822\n"
	    "Content-Transfer-Encoding: base64\n\nSubject: x\n\nx\n",
	    "message/rfc822<text/plain{x|}>" },
	{ "multipart that is said to be quoted-printable",
	    "Content-Type: multipart/mixed; boundary=\"=_b\"\n"
	    "Content-Transfer-Encoding: quoted-printable\n\n--=_b\n\nx\n",
	    "multipart/mixed(text/plain{x|})" },
	{ "boundary with blanks, folded and escaped",
	    "Content-Type: multipart/mixed;\n boundary=\"a \\b\n c \"\n\n"
	    "--a b c\n\nx\n--a b c--\n",
	    "multipart/mixed(text/plain{x})" },
	{ "a boundary in the form of RFC 2231", "Content-Type: multipart/mixed;"
	    " boundary*0*=us-ascii''a%3A; boundary*1=b\n\n"
	    "--a:b\n\nx\n--a:b--\n",
	    "multipart/mixed(text/plain{x})" },
	{ "NULs", NULL, NULL },
};

static void
dump(struct slice msg, const struct mime_part *p, struct str *out)
{
	struct slice body = mime_range(msg, p->body, p->end);
	const struct mime_part *c;
	size_t i;

	if (p->opaque)
		str_addc(out, '!');
	str_addsl(out, p->type);
	str_addc(out, '/');
	str_addsl(out, p->subtype);
	if (p->multipart_empty)
		str_addc(out, '?');
	str_addc(out, "{(<"[p->kind]);
	for (c = p->child; c != NULL; c = c->next)
		dump(msg, c, out);
	for (i = 0; p->kind == MIME_LEAF && i < body.n; i++)
		str_addc(out, body.p[i] == '\n' ? '|' : body.p[i]);
	str_addc(out, "})>"[p->kind]);
}

static void
check_shapes(void)
{
	struct arena a = { 0 };
	struct str got = STR_INIT;
	struct mime_part *root;
	struct slice in;
	size_t i, cut;

	for (i = 0; t[i].in != NULL; i++) {
		in = slice_of(t[i].in);
		root = mime_parse(in, NULL, &a);
		str_reset(&got);
		dump(in, root, &got);
		is_str(got.s, t[i].want, "%s", t[i].name);
		mime_check_tree(in, root, 64);
		for (cut = 0; cut < in.n; cut++) {
			struct slice part = slice_sub(in, 0, cut);

			mime_check_tree(part, mime_parse(part, NULL, &a), 64);
		}
		arena_reset(&a);
	}
	in = SLICE_LIT("A: \0\n\0\n\n\0--\0\n");
	mime_check_tree(in, mime_parse(in, NULL, &a), 64);
	str_free(&got);
	arena_free(&a);
}

static const char big[] =
"From: a@b\n"
"Subject: outer\n"
"Date: Mon, 1 Jan 2024 10:00:00 +0000\n"
"Message-ID: <1@x>\n"
"References: <0@x>\n"
" <00@x>\n"
"Subject: second\n"
"MIME-Version: 1.0\n"
"Content-Type: Multipart/Mixed; boundary=o\n"
"\n"
"--o\n"
"Content-Type: TEXT/plain; charset=\"utf-8\"; format=flowed\n"
"Content-ID: <id@x>\n"
"Content-Description: what\n"
" it is\n"
"Content-MD5: Q2hlY2s=\n"
"Content-Language: en, (x) de\n"
"Content-Location: http://x/\n"
"Content-Transfer-Encoding: Quoted-Printable (really)\n"
"Content-Disposition: attachment; filename=my file (1).txt;\n"
"\tsize=5\n"
"\n"
"line\n"
"two\n"
"\n"
"--o\n"
"Content-Type: message/rfc822\n"
"\n"
"Subject: inner\n"
"Content-Type: multipart/alternative; boundary=i\n"
"\n"
"--i\n"
"\n"
"2.1\n"
"--i\n"
"Content-Type: message/rfc822\n"
"\n"
"Subject: innermost\n"
"\n"
"2.2.1\n"
"--i--\n"
"--o--\n";

static void
section(struct mime_part *root, const char *path, const char *want)
{
	uint32_t v[8];
	size_t n = 0;
	uint64_t k;
	struct slice rest = slice_of(path), num, msg = slice_of(big);
	struct mime_part *p;
	char *got;

	while (slice_cut(&rest, '.', &num) && slice_u64(num, 99, &k))
		v[n++] = (uint32_t)k;
	p = mime_find_part(root, v, n);
	got = p == NULL ? NULL : slice_dup(slice_sub(mime_range(msg, p->body,
	    p->end), 0, 12));
	is_str(got, want, "section %s", path);
	free(got);
}

static void
is_slice(struct slice got, const char *want, const char *name)
{
	char *z = got.p != NULL ? slice_dup(got) : NULL;

	is_str(z, want, "%s", name);
	free(z);
}

static void
check_fields(void)
{
	struct arena a = { 0 };
	struct slice msg = slice_of(big), rest, tag;
	struct mime_part *root = mime_parse(msg, NULL, &a), *p = root->child;

	mime_check_tree(msg, root, 64);
	is_slice(root->env->subject, "outer", "the first Subject");
	is_slice(root->env->from, "a@b", "From");
	is_slice(root->env->references, "<0@x>\n <00@x>", "References");
	ok(root->env->cc.p == NULL, "no Cc");
	is_slice(root->env->message_id, "<1@x>", "Message-ID");
	ok(mime_is(root, "multipart", NULL), "type folded");
	ok(mime_is(p, "text", "PLAIN"), "subtype folded");
	is_slice(mime_param(&p->params, "CHARSET"), "utf-8", "quoted");
	is_slice(mime_param(&p->params, "format"), "flowed", "a token");
	ok(mime_param(&p->params, "x").p == NULL, "no such parameter");
	is_slice(p->id, "<id@x>", "Content-ID");
	is_slice(p->description, "what\n it is", "Content-Description");
	is_slice(p->md5, "Q2hlY2s=", "Content-MD5");
	is_slice(p->location, "http://x/", "Content-Location");
	is_slice(p->disposition, "attachment", "Content-Disposition");
	is_slice(mime_param(&p->disposition_params, "filename"),
	    "my file (1).txt", "a file name as it should not be");
	is_slice(mime_param(&p->disposition_params, "size"), "5",
	    "what is behind it");
	is_int(p->encoding, MIME_QP, "encoding with a comment");
	is_int(mime_lines(p->body, p->end), 2, "lines of a body");
	is_int(mime_wire(p->body, p->end), 11, "its octets on the wire");
	is_int(p->end.pos - p->body.pos, 9, "its octets in the file");
	rest = p->language;
	ok(mime_language_next(&rest, &tag) && slice_eqz(tag, "en"), "en");
	ok(mime_language_next(&rest, &tag) && slice_eqz(tag, "de"), "de");
	ok(!mime_language_next(&rest, &tag), "no more languages");
	section(root, "1", "line\ntwo\n");
	section(root, "1.1", NULL);
	section(root, "2", "Subject: inn");
	section(root, "2.1", "2.1");
	section(root, "2.1.1", NULL);
	section(root, "2.2", "Subject: inn");
	section(root, "2.2.1", "2.2.1");
	section(root, "2.2.1.1", NULL);
	section(root, "2.2.2", NULL);
	section(root, "3", NULL);
	section(root, "0", NULL);
	p = mime_message_of(root->child->next);
	is_slice(p->env->subject, "inner", "a message within");
	ok(mime_message_of(root) == NULL, "root is in no message/rfc822");
	p = mime_parse_header(msg, NULL, &a);
	is_int(p->body.pos, root->body.pos, "header alone: the same body");
	ok(p->kind == MIME_MULTIPART && p->child == NULL, "  no children");
	arena_free(&a);
}

static void
check_single(void)
{
	struct arena a = { 0 };
	struct mime_part *root = mime_parse(SLICE_LIT("A: b\n\nx"), NULL, &a);
	uint32_t one[2] = { 1, 1 };

	ok(mime_find_part(root, one, 0) == root, "section ''");
	ok(mime_find_part(root, one, 1) == root, "section 1 of no multipart");
	ok(mime_find_part(root, one, 2) == NULL, "  1.1 is not there");
	root = mime_parse(SLICE_LIT("Content-Type: message/rfc822\n\n"
	    "Subject: x\n\nx"), NULL, &a);
	ok(mime_find_part(root, one, 1) == root, "1 of a message/rfc822");
	ok(mime_find_part(root, one, 2) == root->child, "  1.1 is within");
	arena_free(&a);
}

static void
check_params(void)
{
	static const struct { const char *in, *want; } v[] = {
		{ "a/b;c=d;e=\"f;g\"", "c=d,e=f;g," },
		{ "a/b; charset=us-ascii (plain text); x=y",
		    "charset=us-ascii,x=y," },
		{ "a/b charset=x", "charset=x," },
		{ "a/b; name=\"no end; charset=x", "name=no end,charset=x," },
		{ "a/b; name=\"\\\"q\\\"\"", "name=\"q\"," },
		{ "a/b; c; d=; =e; f", "d=," },
		{ "a/b; c = \"d\" junk; e=f", "c=d,e=f," },
		{ "a/b; boundary=----=_Part_1; x=1",
		    "boundary=----=_Part_1,x=1," },
		{ "a/b; n*0=\"x\"; n*1*=%41", "n*0=x,n*1*=%41," },
		{ "a/b;(unclosed c=d", "" },
		{ "a/b; x=\"a\r\n b\"", "x=a b," },
		{ "a/b; x=\"a\\", "x=a\\," },
	};
	struct arena a = { 0 };
	struct mime_params p;
	struct slice type, sub;
	size_t i, k;

	for (i = 0; i < ARRAY_LEN(v); i++) {
		struct str got = STR_INIT;

		ok(mime_param_parse(slice_of(v[i].in), 100, &a, &type, &sub,
		    &p), "%s", v[i].in);
		for (k = 0; k < p.n; k++) {
			str_addsl(&got, p.v[k].name);
			str_addc(&got, '=');
			str_addsl(&got, p.v[k].value);
			str_addc(&got, ',');
		}
		is_str(got.s, v[i].want, "  its parameters");
		str_free(&got);
	}
	ok(mime_param_parse(SLICE_LIT("a/b;c=d;e=f"), 1, &a, &type, &sub, &p)
	    && p.n == 1, "as many as wanted");
	arena_free(&a);
}

static void
check_wire(void)
{
	struct slice s = SLICE_LIT("a\nbc\r\n\n\rd\n");
	const char *wire = "a\r\nbc\r\n\r\n\rd\r\n";
	size_t i, k, n = strlen(wire);
	bool mid;

	is_int(mime_wire_size(s), n, "wire size");
	for (i = 0; i < n; i++) {
		k = mime_wire_seek(s, i, &mid);
		ok(mid ? wire[i] == '\n' && s.p[k] == '\n' :
		    s.p[k] == wire[i] || (s.p[k] == '\n' && wire[i] == '\r'),
		    "octet %zu", i);
		is_int(mime_wire_size(slice_sub(s, 0, k)) + mid, i,
		    "  its way");
	}
	is_int(mime_wire_seek(s, n, &mid), s.n, "the end");
	is_int(mime_wire_seek(s, n + 9, &mid), s.n, "behind the end");
}

static void
check_limits(void)
{
	struct mime_limits lim = { 3, 10, 4, 2, 1000 };
	struct arena a = { 0 };
	struct str m = STR_INIT;
	struct mime_part *root, *p;
	size_t i, n;

	for (i = 0; i < 20; i++)
		str_addf(&m, "Content-Type: multipart/mixed; boundary=b%zu\n\n"
		    "--b%zu\n", i, i);
	root = mime_parse(slice_str(&m), &lim, &a);
	mime_check_tree(slice_str(&m), root, 3);
	for (p = root; p->child != NULL; p = p->child)
		;
	ok(p->opaque && p->depth == 3, "too deep: a leaf");
	str_reset(&m);
	str_adds(&m, "Content-Type: multipart/mixed; boundary=b\n\n");
	for (i = 0; i < 100; i++)
		str_adds(&m, "--b\n\nx\n");
	root = mime_parse(slice_str(&m), &lim, &a);
	n = mime_check_tree(slice_str(&m), root, 3);
	is_int(n, 10, "too many parts");
	for (p = root->child; p->next != NULL; p = p->next)
		;
	ok(p->end.pos == m.len, "  the last one has the rest");
	root = mime_parse(SLICE_LIT("A: 1\nB: 2\nC: 3\nD: 4\n"
	    "Subject: x\n\n"), &lim, &a);
	ok(root->env->subject.p == NULL, "too many fields");
	str_reset(&m);
	str_adds(&m, "Subject: ");
	for (i = 0; i < 2000; i++)
		str_addc(&m, 'x');
	root = mime_parse(slice_str(&m), &lim, &a);
	ok(root->env->subject.p == NULL && root->body.pos == 0,
	    "too long a header");
	str_free(&m);
	arena_free(&a);
}

static void
timed(const char *name, struct str *m)
{
	struct arena a = { 0 };
	struct mime_part *root;
	struct timespec t0, t1;
	double ms;

	str_grow(m, 12000000);
	while (m->len < 10000000)
		str_addsl(m, slice_sub(slice_str(m), 0, 1000000));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0);
	root = mime_parse(slice_str(m), NULL, &a);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t1);
	ms = (double)(t1.tv_sec - t0.tv_sec) * 1e3 +
	    (double)(t1.tv_nsec - t0.tv_nsec) / 1e6;
	tap_diag("%s: %.1f ms, %zu MB, %zu bytes of tree", name, ms,
	    m->len / 1000000, a.total);
	mime_check_tree(slice_str(m), root, 64);
	ok(ms < 1000, "%s: linear time", name);
	str_free(m);
	arena_free(&a);
}

static void
check_time(void)
{
	struct str m = STR_INIT;
	size_t i;

	for (i = 0; i < 100000; i++)
		str_addf(&m, "Content-Type: multipart/mixed; boundary=b%zu\n\n"
		    "--b%zu\n", i, i);
	timed("deep", &m);
	for (i = 0; i < 60; i++)
		str_addf(&m, "Content-Type: multipart/mixed; boundary=%zu\n\n"
		    "--%zu\n", i, i);
	for (i = 0; i < 300000; i++)
		str_addf(&m, "--%zu\n", i % 100);
	timed("boundaries", &m);
	for (i = 0; i < 60; i++)
		str_addf(&m, "Content-Type: multipart/mixed; boundary=b\n\n"
		    "--b\n");
	while (m.len < 1000000)
		str_adds(&m, "--\n--c\n---\n");
	timed("almost boundaries", &m);
	str_adds(&m, "Content-Type: multipart/mixed; boundary=b\n\n");
	while (m.len < 1000000)
		str_adds(&m, "--b\n");
	timed("parts", &m);
	str_adds(&m, "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n");
	while (m.len < 1000000)
		str_adds(&m, "\n");
	timed("empty lines", &m);
	while (m.len < 1000000)
		str_adds(&m, "Content-Type: message/rfc822\n\n");
	timed("messages", &m);
	while (m.len < 1000000)
		str_adds(&m, "Content-Type: a/b; c=\"d\\\n e\";(((x=y\n");
	timed("fields", &m);
	str_adds(&m, "Content-Type: a/b; x=\"");
	while (m.len < 1000000)
		str_adds(&m, "\n \"; c=\"d\\\n");
	timed("quotes", &m);
}

int
main(void)
{
	check_shapes();
	check_fields();
	check_single();
	check_params();
	check_wire();
	check_limits();
	check_time();
	return tap_done();
}
