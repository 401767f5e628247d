/*
 * users_fuzz.c - the values of rows of users, domains, aliases and
 * credentials: what is taken is taken again as it is printed; and what was a
 * line is one.  The first octet says which it is.
 */
#include "conf/common.h"
#include "map/alias.h"
#include "map/credential.h"
#include "map/domains.h"
#include "map/users.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { USER, DOMAIN, ALIAS, CREDENTIAL, KEY, KINDS_ };

/* the text of a record, which was read of s, makes the same text again */
static void
again(const struct field *t, void *rec, struct slice s, struct arena *a)
{
	struct str text = STR_INIT, second = STR_INIT;
	struct err err;

	record_print(t, rec, true, &text);
	assert(memchr(text.s, '\n', text.len) == NULL ||
	    memchr(s.p, '\n', s.n) != NULL);
	if (record_parse(t, rec, slice_str(&text), a, &err) < 0)
		die("%s: %s", text.s, err.text);
	record_print(t, rec, true, &second);
	assert(strcmp(text.s, second.s) == 0);
	str_free(&text);
	str_free(&second);
}

static void
user(struct slice s, struct arena *a)
{
	struct str text = STR_INIT, box = STR_INIT;
	struct app_password app;
	struct user_record u;
	struct err err;
	size_t i;

	if (user_parse(s, &u, a, &err) == 0) {
		for (i = 0; i < u.app.n; i++)
			assert(app_parse(u.app.v[i], &app) == 1);
		if (user_mailbox(SLICE_LIT("Ann@Example.org"), &u, &box,
		    &err) == 0)
			assert(strchr(box.s, '/') != NULL && box.s[0] != '/' &&
			    box.s[0] != '.');
		again(user_fields, &u, s, a);
		record_print(user_fields, &u, false, &text);
		assert(strstr(text.s, "pass=") != text.s);
	}
	str_free(&text);
	str_free(&box);
}

static void
domain(struct slice s, struct arena *a)
{
	struct domain_record d;
	struct err err;

	if (domain_parse(s, &d, a, &err) == 0)
		again(domain_fields, &d, s, a);
}

static void
alias(struct slice s, struct arena *a)
{
	struct slice rest = s, target;
	struct alias_target t;
	struct err err;
	size_t n = 0;

	while (alias_next(&rest, &target)) {
		assert(target.n > 0 && ++n <= s.n);
		if (alias_parse(target, a, &t, &err) == 0 &&
		    t.kind == ALIAS_FILE)
			assert(t.text[0] == '/');
	}
	if (alias_check(s, false, &err) == 0)
		assert(n > 0);
	else
		assert(alias_check(s, true, &err) < 0);
}

/* key, tab, value */
static void
credential(struct slice s, struct arena *a)
{
	struct credential c;
	struct slice name;
	struct err err;

	slice_cut(&s, '\t', &name);
	if (credential_parse(name, s, &c, a, &err) == 0) {
		assert(c.user[0] != '\0');
		again(credential_fields, &c, s, a);
		credential_wipe(&c);
	}
}

static void
key(struct slice s)
{
	struct user_record u = { .uid = -1, .gid = -1, .home = "" };
	struct str box = STR_INIT;
	struct err err;

	if (user_key_valid(s) && user_mailbox(s, &u, &box, &err) == 0)
		assert(box.s[0] != '/' && strchr(box.s, '/') != NULL);
	str_free(&box);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena a = { 0 };
	struct slice s;

	if (n == 0)
		return 0;
	common.mail_dir = "/srv/mail";
	s = (struct slice){ (const char *)data + 1, n - 1 };
	switch (data[0] % KINDS_) {
	case USER:
		user(s, &a);
		break;
	case DOMAIN:
		domain(s, &a);
		break;
	case ALIAS:
		alias(s, &a);
		break;
	case CREDENTIAL:
		credential(s, &a);
		break;
	case KEY:
		key(s);
		break;
	}
	arena_free(&a);
	return 0;
}
