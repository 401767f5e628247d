/* smtp_verp_test.c - a sender for each recipient */
#include "smtp/verp.h"

#include "test/tap.h"

static const struct { const char *sender, *rcpt, *delims, *want; } rows[] = {
	{ "list@our.example", "ann@their.example", "+=",
	    "list+ann=their.example@our.example" },
	{ "list@our.example", "ann+x@their.example", "-=",
	    "list-ann+x=their.example@our.example" },
	{ "list@our.example", "\"a b\"@their.example", "+=",
	    "\"list+a b=their.example\"@our.example" },
	{ "", "ann@their.example", "+=", "" },
	{ "list@our.example", "ann", "+=", "list@our.example" },
	{ "list@our.example", "ann@their.example", "", "list@our.example" },
	{ "list@our.example", "ann@their.example", "a=", "list@our.example" },
};

static const struct { const char *delims; bool want; } valid[] = {
	{ "+=", true }, { "--", true }, { "=-", true }, { "", false },
	{ "+", false }, { "+=+", false }, { "@=", false }, { "+ ", false },
};

int
main(void)
{
	struct str out = STR_INIT, local = STR_INIT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		str_reset(&out);
		smtp_verp(rows[i].sender, rows[i].rcpt, rows[i].delims, &out);
		is_str(out.s, rows[i].want, "<%s> to <%s>", rows[i].sender,
		    rows[i].rcpt);
	}
	for (i = 0; i < ARRAY_LEN(valid); i++)
		is_int(smtp_verp_valid(slice_of(valid[i].delims)),
		    valid[i].want, "\"%s\"", valid[i].delims);
	ok(!smtp_verp_valid(SLICE_LIT("+\0")), "NUL");
	for (i = 0; i < 240; i++)
		str_addc(&local, 'x');
	str_adds(&local, "@their.example");
	str_reset(&out);
	smtp_verp("list@our.example", local.s, "+=", &out);
	is_str(out.s, "list@our.example", "too long: as it is");
	str_free(&out);
	str_free(&local);
	return tap_done();
}
