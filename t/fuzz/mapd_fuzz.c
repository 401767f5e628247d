/*
 * mapd_fuzz.c - what servers answer with JSON, and columns of any server: a
 * token that is not active is nobody's, and whatever a column holds, the
 * record that is made of it has that value in that field and says no more.
 * The first octet says which it is; http_perform is the linker's (--wrap).
 */
#include "../../mapd/http.h"
#include "map/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int __wrap_http_perform(const struct server *s, int64_t deadline,
    enum fault *fault_r, struct err *err);

enum { OAUTH, JWKS, REFRESH, COLUMNS, KINDS_, COLUMN_COUNT = 3,
	MAX_LEN = 20000 };

struct rec { const char *user, *home, *more; };
static const struct field rec_fields[] = {
	F_STR(struct rec, user, "", ""), F_STR(struct rec, home, "", ""),
	F_STR(struct rec, more, "", ""), F_END
};

struct mapd_conf conf;
static struct table table = { .spec = "oauth:x", .c = { .user_claim = "sub",
	.issuer = "i", .client_id = "c", .client_secret = "s",
	.refresh_token = "r", .max_rows = 10, .max_size = MAX_LEN,
	.rows = ROWS_ONE } };
static struct conn conn = { .body = STR_INIT };
static struct server server = { .name = "s", .conn = &conn };
static struct template *plain, *record;
static struct slice said;

int
__wrap_http_perform(const struct server *s UNUSED, int64_t deadline UNUSED,
    enum fault *fault_r UNUSED, struct err *err)
{
	str_reset(&conn.body);
	str_addsl(&conn.body, said);
	return said.n > 0 && said.p[0] == '!' ?
	    err_temp(err, "4.3.0", "s: the server says 400") : 0;
}

static void
begin(void)
{
	static struct arena a;
	struct err err;

	if (conn.curl != NULL)
		return;
	conn.curl = curl_easy_init();
	strlist_add(&table.c.audience, &a, "a");
	strlist_add(&table.c.scopes, &a, "mail");
	plain = template_result("%1", &a, &err);
	record = template_result("user=%1 home=/h/%2 more=%3", &a, &err);
	if (conn.curl == NULL || plain == NULL || record == NULL)
		die("begin");
}

/* Only an object that says that the token is good gives a row. */
static void
answer(const struct backend *be)
{
	struct answer a = { .t = &table, .value = STR_INIT, .ttl = -1 };
	enum fault fault = FAULT_SERVER;
	struct err err = ERR_INIT;
	json_t *j;

	table.result = plain;
	if (be->query(&table, &server, "key", &a, 0, &fault, &err) < 0) {
		assert(err.kind == ERR_TEMP);
	} else if (a.rows > 0) {
		j = json_loadb(said.p, said.n, 0, NULL);
		assert(json_is_object(j));
		if (be == &be_oauth)
			assert(json_is_true(json_object_get(j, "active")) &&
			    slice_eqz(http_member(j, "iss"), "i") &&
			    slice_eq(http_member(j, "sub"),
			    slice_str(&a.value)));
		json_decref(j);
		assert(a.value.len > 0 && !slice_has_nul(slice_str(
		    &a.value)));
		assert(a.ttl >= -1 && a.ttl <= 1000000000);
	}
	str_free(&a.value);
}

/* each line is a column */
static void
columns(struct slice s, struct arena *arena)
{
	struct answer a = { .t = &table, .value = STR_INIT };
	struct slice col[COLUMN_COUNT] = { SLICE_NULL };
	struct str home = STR_INIT;
	struct err err = ERR_INIT;
	struct rec r;
	size_t i;

	table.result = record;
	for (i = 0; i < COLUMN_COUNT; i++)
		slice_cut(&s, '\n', &col[i]);
	if (answer_row(&a, col, COLUMN_COUNT, &err) == 1) {
		if (record_parse(rec_fields, &r, slice_str(&a.value), arena,
		    &err) < 0)
			die("%s: %s", a.value.s, err.text);
		str_adds(&home, "/h/");
		str_addsl(&home, col[1]);
		assert(slice_eqz(col[0], r.user));
		assert(slice_eqz(col[2], r.more));
		assert(col[1].n == 0 || strcmp(home.s, r.home) == 0);
	}
	str_free(&home);
	str_free(&a.value);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena a = { 0 };

	if (n == 0 || n > MAX_LEN)
		return 0;
	begin();
	said = (struct slice){ (const char *)data + 1, n - 1 };
	switch (data[0] % KINDS_) {
	case OAUTH:
		answer(&be_oauth);
		break;
	case JWKS:
		answer(&be_jwks);
		break;
	case REFRESH:
		answer(&be_refresh);
		break;
	case COLUMNS:
		columns(said, &a);
		break;
	}
	arena_free(&a);
	return 0;
}
