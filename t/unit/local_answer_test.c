/*
 * local_answer_test.c - what a delivery process that is an account says is not
 * believed to be well-formed.
 */
#include "../../local/answer.h"
#include "base/str.h"
#include "test/tap.h"

static const struct row {
	const char *name, *said, *want;
	enum err_kind kind;
} rows[] = {
	{ "a refusal", "5.7.1", "5.7.1", ERR_PERM },
	{ "trouble", "4.2.2", "4.2.2", ERR_TEMP },
	{ "long numbers", "5.123.456", "5.123.456", ERR_PERM },
	{ "nothing", "", "4.3.0", ERR_TEMP },
	{ "a class alone", "5.", "4.3.0", ERR_TEMP },
	{ "two numbers", "5.1", "4.3.0", ERR_TEMP },
	{ "two numbers and a point", "5.1.", "4.3.0", ERR_TEMP },
	{ "an empty number", "5..1", "4.3.0", ERR_TEMP },
	{ "points", "5......", "4.3.0", ERR_TEMP },
	{ "four numbers", "5.1.1.1", "4.3.0", ERR_TEMP },
	{ "a number too long", "5.1.1000", "4.3.0", ERR_TEMP },
	{ "more behind it", "5.1.1 x", "4.3.0", ERR_TEMP },
	{ "a line end", "5.1.1\n", "4.3.0", ERR_TEMP },
	{ "success that is none", "2.0.0", "4.3.0", ERR_TEMP },
	{ "another class", "55.1.1", "4.3.0", ERR_TEMP },
	{ "letters", "5.x.1", "4.3.0", ERR_TEMP },
};

int
main(void)
{
	struct answer a = { .rc = 1 };
	struct err err = ERR_INIT;
	size_t i;

	is_int(answer_take(&a, &err), 1, "yes");
	a.rc = 77;
	is_int(answer_take(&a, &err), 1, "any other yes");
	a.rc = 0;
	is_int(answer_take(&a, &err), 0, "no");
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];

		a = (struct answer){ .rc = -1 };
		slice_copy(a.err.dsn, sizeof(a.err.dsn), slice_of(r->said));
		slice_copy(a.err.text, sizeof(a.err.text),
		    SLICE_LIT("no\r\nmore"));
		is_int(answer_take(&a, &err), -1, "%s: an error", r->name);
		is_str(err.dsn, r->want, "%s: its status", r->name);
		is_int(err.kind, r->kind, "%s: for good or not", r->name);
		is_str(err.text, "no??more", "%s: one line", r->name);
	}
	memset(&a, 'x', sizeof(a));
	a.rc = -1;
	is_int(answer_take(&a, &err), -1, "what does not end");
	is_str(err.dsn, "4.3.0", "is read no further");
	return tap_done();
}
