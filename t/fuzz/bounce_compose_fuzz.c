/*
 * bounce_compose_fuzz.c - from what qmgr has of recipients to a report to the
 * sender: whatever servers and clients said, it is a message of three parts,
 * and no paths or commands of ours are in it, which follow "; here:".  The
 * input is lines: address, as named, ORCPT, status, text, server, RET, ENVID,
 * sender.  What is not to be told is in front of the server, then.
 */
#include "../../bounce/bounce.h"

#include "conf/common.h"
#include "mime/part.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct bounce_conf conf = { .from = "", .postmaster = "", .footer = "",
	.double_bounce = "", .default_return = RETURN_HDRS,
	.full_limit = 1000 };

#define HIDDEN "/srv/hidden"
enum { KIND = 3, UTF8 = 4, FULL = 8, SECRET = 16 };

static const char *
next(struct slice *rest, struct arena *a)
{
	struct slice s;

	return slice_cut(rest, '\n', &s) ? arena_slice(a, s) : "";
}

static void
judge(struct slice text, bool secret)
{
	struct arena a = { 0 };
	const struct mime_part *root = mime_parse(text, NULL, &a);

	assert(root->child != NULL && root->child->next != NULL);
	assert(memchr(text.p, '\r', text.n) == NULL);
	assert(!slice_has_nul(text));
	if (secret)
		assert(memmem(text.p, text.n, HIDDEN,
		    sizeof(HIDDEN) - 1) == NULL);
	arena_free(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct bounce_report_in in = { .q = "0123456789a",
		.created = 1700000000500000, .expires = 1800000000 };
	struct slice rest = { (const char *)data + 1, n - 1 };
	struct arena a = { 0 };
	struct str out = STR_INIT;
	struct dsn_report r;
	struct err err = ERR_INIT;
	const char *text;

	if (n == 0)
		return 0;
	common.hostname = "mx.example.test";
	in.kind = (data[0] & KIND) % 3;
	in.utf8 = data[0] & UTF8;
	conf.default_return = data[0] & FULL ? RETURN_FULL : RETURN_HDRS;
	strlist_add(&in.addr, &a, next(&rest, &a));
	strlist_add(&in.orig, &a, next(&rest, &a));
	strlist_add(&in.orcpt, &a, next(&rest, &a));
	strlist_add(&in.dsn, &a, next(&rest, &a));
	text = next(&rest, &a);
	if (data[0] & SECRET)
		text = arena_printf(&a, "%s; here: " HIDDEN "%s", text,
		    next(&rest, &a));
	strlist_add(&in.text, &a, text);
	strlist_add(&in.peer, &a, data[0] & SECRET ? "" : next(&rest, &a));
	in.ret = next(&rest, &a);
	in.envid = next(&rest, &a);
	in.sender = next(&rest, &a);
	if (compose(&in, in.sender, -1, &a, &r, &err) < 0) {
		assert(in.sender[0] == '\0');
	} else {
		if (dsn_compose_str(&r, &out, &err) < 0)
			die("dsn_compose_str: %s", err.text);
		judge(slice_str(&out), (data[0] & SECRET) &&
		    memmem(data, n, HIDDEN, sizeof(HIDDEN) - 1) == NULL);
	}
	str_free(&out);
	arena_free(&a);
	return 0;
}
