/*
 * dnsd_fuzz.c - what a message makes of an answer is text without control
 * characters and within its limit; names that are asked, and reverse names.
 */
#include "../../dnsd/dnsd.h"
#include "serve/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
check_text(const char *z)
{
	for (; *z != '\0'; z++)
		assert(ascii_isprint((unsigned char)*z));
}

static void
message(int type, const uint8_t *p, size_t n)
{
	struct answer *a = answer_new();
	size_t i, total = 0;

	if (wire_answer(p, n, "a.b", type, a) < 0)
		assert(a->status == DNS_SERVFAIL && a->rr.n == 0 &&
		    a->why[0] != '\0');
	assert((a->status == DNS_OK) == (a->rr.n > 0));
	assert(a->ttl >= 0 && a->ttl <= INT32_MAX);
	for (i = 0; i < a->rr.n; i++) {
		check_text(a->rr.v[i]);
		total += strlen(a->rr.v[i]);
	}
	assert(total <= ANSWER_TEXT);
	check_text(a->canon);
	answer_drop(a);
}

static void
names(const uint8_t *p, size_t n)
{
	char *z = slice_dup((struct slice){ (const char *)p, n });
	char out[NAME_TEXT], again[NAME_TEXT];
	struct str rev = STR_INIT;

	if (name_make(z, out)) {
		check_text(out);
		assert(name_make(out, again) && strcmp(out, again) == 0);
		assert(name_below(out, out) && name_below(out, "."));
	}
	if (dns_reverse_name(z, &rev))
		assert(name_make(rev.s, out) && strcmp(rev.s, out) == 0);
	str_free(&rev);
	free(z);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n == 0)
		return 0;
	message(data[0], data + 1, n - 1);
	names(data, n);
	return 0;
}
