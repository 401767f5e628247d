/*
 * batv_fuzz.c - an address that strangers have written is not signed by us, and
 * one that is signed here is good for its days, in its domain, however hosts
 * fold its letters.
 */
#include "../../router/batv.h"
#include "../../router/srs.h"
#include "proto/router.h"
#include "secret.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { DAY = 19998, DAYS = 7 };		/* the tag's day begins anew */

static int
check(const struct smtp_address *s, int64_t day)
{
	struct err err;
	int r = batv_check(s, day, DAYS, &err);

	assert(r >= 0);
	return r;
}

static void
fold(char *z, bool upper)
{
	for (; *z != '\0'; z++)
		*z = upper ? (char)ascii_upper((unsigned char)*z) :
		    (char)ascii_lower((unsigned char)*z);
}

static void
come_back(const char *z, const struct smtp_address *from, struct arena *a)
{
	struct smtp_address s;
	struct slice plain;
	struct err err;
	int64_t day;

	if (smtp_address_parse(slice_of(z), 0, a, &s, &err) < 0)
		abort();
	assert(batv_is(s.local, &plain));
	assert(slice_ieq(plain, from->local) &&
	    slice_ieq(s.domain, from->domain));
	for (day = DAY; day <= DAY + DAYS; day++)
		assert(check(&s, day) == BATV_VALID);
	assert(check(&s, DAY + DAYS + 1) == BATV_INVALID);
	assert(check(&s, DAY - 2) == BATV_INVALID);
	s.domain = SLICE_LIT("another.example");
	assert(check(&s, DAY) == (slice_ieq(from->domain, s.domain) ?
	    BATV_VALID : BATV_INVALID));
}

static void
round_trip(const struct smtp_address *s, struct arena *a)
{
	const char *out = NULL;
	struct err err;
	char *z;
	int r = batv_sign(s, s->domain, DAY, DAYS, a, &out, &err);

	assert(r >= 0);
	if (r == 0) {
		assert(batv_starts(s->local) || srs_is(s->local) ||
		    s->local.n + 16 > SMTP_LOCAL_MAX);
		return;
	}
	come_back(out, s, a);
	z = arena_strdup(a, out);
	fold(z, false);
	come_back(z, s, a);
	fold(z, true);
	come_back(z, s, a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena a = { 0 };
	struct smtp_address s;
	struct slice plain;
	struct err err;

	secret_begin();
	if (memchr(data, '\0', n) == NULL && smtp_address_parse(
	    (struct slice){ (const char *)data, n }, 0, &a, &s, &err) == 1) {
		/* 24 bits: no guess comes through */
		assert(check(&s, DAY) == (!batv_starts(s.local) ?
		    BATV_MISSING : BATV_INVALID));
		assert(!batv_is(s.local, &plain) || batv_starts(s.local));
		if (!s.utf8)
			round_trip(&s, &a);
	}
	arena_free(&a);
	return 0;
}
