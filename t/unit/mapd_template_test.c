/*
 * mapd_template_test.c - placeholders: what a key and a column can and can not
 * become.
 */
#include "test/tap.h"

#include "../../mapd/mapd.h"

static struct arena arena;

static void
mark(size_t n, struct str *out)
{
	str_addf(out, "$%zu", n);
}

static void
test_sql(void)
{
	static const struct {
		const char *in, *want;	/* NULL: refused */
	} cases[] = {
		{ "SELECT a WHERE b = %s", "SELECT a WHERE b = $1" },
		{ "%u, %d, %s", "$1, $2, $3" },
		{ "a LIKE 'x%%' AND b = %s", "a LIKE 'x%' AND b = $1" },
		{ "a %% 2 = %s", "a % 2 = $1" },
		{ "b = '%s'", NULL },
		{ "b = \"%s\"", NULL },
		{ "b = 'it''s' || %s", "b = 'it''s' || $1" },
		{ "b = '' || %s", "b = '' || $1" },
		{ "b -- %s", NULL },
		{ "b -- x\n = %s", "b -- x\n = $1" },
		{ "b /* %s */", NULL },
		{ "b /* x */ = %s", "b /* x */ = $1" },
		{ "b = %s -- 100%%", "b = $1 -- 100%" },
		{ "b = %s AND c = 'open", "b = $1 AND c = 'open" },
		{ "b = 5 - %s / 2", "b = 5 - $1 / 2" },
	};
	struct err err = ERR_INIT;
	struct str out = STR_INIT;
	size_t i;
	int r;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		str_reset(&out);
		r = template_sql(cases[i].in, mark, &out, &err);
		is_int(r, cases[i].want != NULL ? 0 : -1, "%s",
		    cases[i].in);
		if (cases[i].want != NULL)
			is_str(out.s, cases[i].want, "%s", cases[i].in);
	}
	str_free(&out);
}

static void
test_parse(void)
{
	static const char *const good[] = { "%s", "%u@%d", "x%%%s" };
	static const char *const bad[] = { "", "x", "%", "%x", "%%", "s%",
		"%1", "%S" };
	struct err err = ERR_INIT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(good); i++)
		ok(template_query(good[i], &arena, &err) != NULL, "%s",
		    good[i]);
	for (i = 0; i < ARRAY_LEN(bad); i++)
		ok(template_query(bad[i], &arena, &err) == NULL,
		    "refused: %s", bad[i]);
	ok(template_result("%33", &arena, &err) == NULL, "no column 33");
	ok(template_result("%0", &arena, &err) == NULL, "no column 0");
	ok(template_result("%s", &arena, &err) == NULL, "no key in a result");
	ok(template_result("OK", &arena, &err) != NULL, "a constant");
}

static void
test_params(void)
{
	static const struct {
		const char *key, *want;	/* NULL: no domain */
	} cases[] = {
		{ "ann@b.test", "ann|b.test|ann@b.test|" },
		{ "a@b@c", "a@b|c|a@b@c|" },
		{ "@c", "|c|@c|" },
		{ "ann", NULL }, { "ann@", NULL }, { "", NULL },
	};
	struct err err = ERR_INIT;
	struct template *t = template_query("%u %d %s", &arena, &err);
	struct slice v[PARAMS_MAX];
	struct str out = STR_INIT;
	size_t i;
	int n, k;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		n = template_params(t, cases[i].key, v);
		str_reset(&out);
		for (k = 0; k < n; k++) {
			str_addsl(&out, v[k]);
			str_addc(&out, '|');
		}
		is_int(n, cases[i].want != NULL ? 3 : -1, "%s",
		    cases[i].key);
		if (n > 0)
			is_str(out.s, cases[i].want, "%s", cases[i].key);
	}
	str_free(&out);
}

static void
test_row(void)
{
	static const struct {
		const char *template, *a, *b, *want;
	} cases[] = {
		{ "%1", "x y", NULL, "x y" },
		{ "%1", NULL, NULL, "" },
		{ "%2@%1", "b", "a", "a@b" },
		{ "pass=%1 quota=%2", "p", "5", "pass=p quota=5" },
		{ "pass=%1 quota=%2", "p", NULL, "pass=p" },
		{ "pass=%1 quota=%2", NULL, "5", "quota=5" },
		{ "pass=%1 quota=%2", "", "", "" },
		{ "pass=%1 quota=%2", "x quota=9", "5",
		    "pass=\"x quota=9\" quota=5" },
		{ "pass=%1", "a\"b\\c", NULL, "pass=\"a\\\"b\\\\c\"" },
		{ "home=/srv/%1 quota=%2", "a b", NULL,
		    "home=\"/srv/a b\"" },
		{ "home=/srv/%1", NULL, NULL, "" },
		{ "uid=12 pass=%1", NULL, NULL, "uid=12" },
		{ "smtp:[%1]:%2", "h", "25", "smtp:[h]:25" },
		{ "%1=%2", "pass", "x y", "pass=x y" },
		{ "%% %1", "a", NULL, "% a" },
	};
	struct err err = ERR_INIT;
	struct slice col[2];
	struct str out = STR_INIT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		col[0] = slice_of(cases[i].a);
		col[1] = slice_of(cases[i].b);
		str_reset(&out);
		is_int(template_row(template_result(cases[i].template, &arena,
		    &err), col, 2, &out, &err), 0, "%s", cases[i].template);
		is_str(out.len > 0 ? out.s : "", cases[i].want, "%s",
		    cases[i].template);
	}
	is_int(template_row(template_result("%3", &arena, &err), col, 2, &out,
	    &err), -1, "a column that is not there");
	str_reset(&out);
	str_adds(&out, "x,");
	template_row(template_result("a=%1 b=%2", &arena, &err),
	    (struct slice[]){ SLICE_NULL, SLICE_NULL }, 2, &out, &err);
	is_str(out.s, "x,", "what was there before stays");
	str_free(&out);
}

int
main(void)
{
	test_sql();
	test_parse();
	test_params();
	test_row();
	arena_free(&arena);
	return tap_done();
}
