/*
 * srs_fuzz.c - an address that strangers have written is nobody's, and one
 * that was made here leads back to where it came from, over one host or two.
 */
#include "../../router/srs.h"
#include "secret.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { DAY = 20000, AGE = 21 };

/* 1 and the sender of what is forwarded, 0 there is none */
static int
forward(const char *sender, const char *domain, struct arena *a,
    const char **out)
{
	struct smtp_address s;
	struct err err;

	if (smtp_address_parse(slice_of(sender), 0, a, &s, &err) != 1)
		return 0;
	return srs_rewrite(&s, domain, DAY, a, out, &err) == 1;
}

/* 1 and where it leads, 0 to nobody */
static int
back(const char *addr, int64_t day, struct arena *a, const char **out)
{
	struct smtp_address s;
	struct err err;

	if (smtp_address_parse(slice_of(addr), 0, a, &s, &err) != 1 ||
	    !srs_is(s.local))
		return 0;
	return srs_reverse(s.local, day, AGE, a, out, &err) == 1;
}

static void
round_trip(const char *sender, struct arena *a)
{
	struct smtp_address s, t;
	const char *once, *twice, *got;
	struct err err;

	if (!forward(sender, "us.example", a, &once))
		return;
	assert(back(once, DAY, a, &got) == 1);
	if (smtp_address_parse(slice_of(sender), 0, a, &s, &err) != 1 ||
	    srs_is(s.local))
		return;
	if (smtp_address_parse(slice_of(got), 0, a, &t, &err) != 1)
		abort();
	assert(slice_eq(s.local, t.local) && slice_ieq(s.domain, t.domain));
	assert(back(once, DAY + AGE + 1, a, &got) == 0);
	if (forward(once, "other.example", a, &twice))
		assert(back(twice, DAY, a, &got) == 1 &&
		    strcasecmp(got, once) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena a = { 0 };
	const char *z, *out;

	secret_begin();
	z = arena_slice(&a, (struct slice){ (const char *)data, n });
	if (memchr(data, '\0', n) == NULL) {
		/* the hash is 40 bits: no guess comes through */
		assert(back(z, DAY, &a, &out) == 0);
		round_trip(z, &a);
	}
	arena_free(&a);
	return 0;
}
