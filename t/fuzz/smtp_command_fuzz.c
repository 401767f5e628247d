/*
 * smtp_command_fuzz.c - any bytes as a command line with everything that can
 * be asked of it, as a reply, as a reply's text, and as message data, cut in
 * two by the first byte: the cut must not matter.
 */
#include "smtp/command.h"
#include "smtp/data.h"
#include "smtp/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
values(struct slice v)
{
	struct err err = ERR_INIT;
	struct str out = STR_INIT, again = STR_INIT;
	enum smtp_body body;
	enum smtp_ret ret;
	struct slice name;
	unsigned bits;
	uint64_t size;
	int64_t when;
	bool last;

	if (smtp_xtext_decode(&out, v)) {
		smtp_xtext_encode(&again, slice_str(&out));
		str_reset(&out);
		assert(smtp_xtext_decode(&out, slice_str(&again)));
	}
	str_reset(&out);
	if (smtp_orcpt_parse(v, &out, &err) == 1)
		assert(utf8_valid(slice_str(&out)) && out.len >= 3);
	smtp_envid_parse(v, &out, &err);
	smtp_notify_parse(v, &bits, &err);
	smtp_ret_parse(v, &ret, &err);
	smtp_body_parse(v, &body, &err);
	smtp_size_parse(v, &size, &err);
	smtp_bdat_parse(v, &size, &last, &err);
	smtp_helo_parse(v, &name, &err);
	if (smtp_holdfor_parse(v, &when, &err) == 1)
		assert(when > 0 && when < 1000000000);
	if (smtp_holduntil_parse(v, &when, &err) == 1)
		assert(when >= -86400 && when < 253402387200);
	if (smtp_priority_parse(v, &when, &err) == 1)
		assert(when >= -9 && when <= 9);
	str_free(&out);
	str_free(&again);
}

static void
command(struct slice line)
{
	static const char *const keywords[] = { "FROM", "TO" };
	struct err err = ERR_INIT;
	struct arena a = { 0 };
	struct slice verb, rest;
	struct smtp_args args;
	size_t i, j;

	if (smtp_command_split(line, &verb, &rest, &err) < 0)
		return;
	assert(verb.n > 0);
	values(rest);
	for (i = 0; i < 2; i++) {
		if (smtp_args_parse(rest, keywords[i], SMTP_ADDR_NULL |
		    SMTP_ADDR_POSTMASTER, &a, &args, &err) < 0) {
			assert(err.kind == ERR_PERM && err.dsn[0] == '5');
			continue;
		}
		assert(args.n <= SMTP_PARAMS_MAX);
		for (j = 0; j < args.n; j++)
			values(args.params[j].value);
	}
	arena_free(&a);
}

static void
reply(struct slice s)
{
	struct smtp_reply r = SMTP_REPLY_INIT;
	struct err err = ERR_INIT;
	struct str out = STR_INIT;
	struct slice rest, line;
	char *text = slice_dup(s);
	int rc = 0;

	smtp_reply(&out, 550, "5.1.1", text);
	rest = slice_str(&out);
	while (slice_cut(&rest, '\n', &line) && rest.p != NULL) {
		assert(rc == 0 && line.n < SMTP_REPLY_LINE);
		assert(line.p[line.n - 1] == '\r');
		assert(slice_find(line, '\r') == line.n - 1);
		rc = smtp_reply_line(&r, line, &err);
	}
	assert(rc != 0);
	smtp_reply_reset(&r);
	while (slice_cut(&s, '\n', &line) &&
	    smtp_reply_line(&r, line, &err) == 0)
		;
	assert(r.text.len <= SMTP_REPLY_TEXT_MAX);
	smtp_reply_free(&r);
	str_free(&out);
	free(text);
}

static void
wire(struct slice in, size_t cut, unsigned flags)
{
	struct str one = STR_INIT, two = STR_INIT;
	struct smtp_data d, e;
	size_t used, again = 0, part;
	int rc;

	smtp_data_init(&d, flags);
	smtp_data_init(&e, flags);
	rc = smtp_data_feed(&d, in, &one, &used);
	if (smtp_data_feed(&e, slice_sub(in, 0, cut), &two, &part) == 0)
		smtp_data_feed(&e, slice_sub(in, cut, in.n), &two, &again);
	assert(part + again == used && rc == e.ended);
	if (flags & SMTP_DATA_CHUNKS) {
		smtp_data_finish(&d, &one);
		smtp_data_finish(&e, &two);
		assert(one.len == 0 || one.s[one.len - 1] == '\n');
	}
	assert(slice_eq(slice_str(&one), slice_str(&two)));
	assert(d.bytes == e.bytes && d.lines == e.lines &&
	    d.longest == e.longest && d.bare_cr == e.bare_cr &&
	    d.bare_lf == e.bare_lf && d.nul == e.nul);
	assert(one.len + d.lines == d.bytes);
	if (flags & SMTP_DATA_NORMALIZE)
		assert(rc == 0 || memchr(one.s, '\r', one.len) == NULL);
	str_free(&one);
	str_free(&two);
}

static void
stuffed(struct slice in, size_t cut)
{
	struct str out = STR_INIT, back = STR_INIT;
	struct smtp_stuff s;
	struct smtp_data d;
	size_t used;

	smtp_stuff_init(&s, 0);
	smtp_stuff_feed(&s, slice_sub(in, 0, cut), &out);
	smtp_stuff_feed(&s, slice_sub(in, cut, in.n), &out);
	smtp_stuff_finish(&s, &out);
	smtp_data_init(&d, 0);
	assert(smtp_data_feed(&d, slice_str(&out), &back, &used) == 1);
	assert(used == out.len && d.bare_cr == 0 && d.bare_lf == 0);
	str_free(&out);
	str_free(&back);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in;
	size_t cut;
	unsigned flags;
	char *copy;

	if (n < 1)
		return 0;
	copy = slice_dup((struct slice){ (const char *)data + 1, n - 1 });
	in = (struct slice){ copy, n - 1 };
	cut = MIN((size_t)data[0], in.n);
	command(in);
	reply(in);
	for (flags = 0; flags < 4; flags++)
		wire(in, cut, flags);
	stuffed(in, cut);
	free(copy);
	return 0;
}
