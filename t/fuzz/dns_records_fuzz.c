/*
 * dns_records_fuzz.c - records as dnsd hands them on, a line each, and what
 * smtp makes of them: hosts that are names, each once; records of DANE that
 * have the shape.
 */
#include "../../smtp/mx.c"

#include "../../smtp/dane.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { RECORDS = 64 };

const struct target_conf *target_conf;

/* --- self.c, order.c, nexthop.c ------------------------------------------- */

bool
is_address(const char *host UNUSED)
{
	return false;
}

bool
self_address(const char *addr UNUSED)
{
	return false;
}

bool
self_name(const char *host)
{
	return strcmp(host, "we.example") == 0;
}

void
hosts_sort(struct host *h, size_t n)
{
	struct host one;
	size_t i, j;

	for (i = 1; i < n; i++)
		for (j = i; j > 0 && h[j - 1].pref > h[j].pref; j--) {
			one = h[j];
			h[j] = h[j - 1];
			h[j - 1] = one;
		}
}

/* ------------------------------------------------------------------------- */

static void
judge(const struct host *h, size_t n)
{
	const char *z;
	size_t i, j;

	for (i = 0; i < n; i++) {
		assert(h[i].name[0] != '\0' && strlen(h[i].name) < 256);
		for (z = h[i].name; *z != '\0'; z++)
			assert(ascii_isprint((unsigned char)*z) && *z != ' ');
		for (j = 0; j < i; j++)
			assert(strcmp(h[i].name, h[j].name) != 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice rest = { (const char *)data, n }, line;
	struct dns_question q = { .name = "d.example", .type = DNS_MX };
	const char *rr[RECORDS];
	struct arena a = { 0 };
	struct host *h;
	struct dane d = { .base = NULL };
	struct err err;

	while (q.a.n < RECORDS && slice_cut(&rest, '\n', &line))
		rr[q.a.n++] = arena_slice(&a, line);
	q.a.rr = rr;
	if (mx_hosts(&q, &a, &h, &n, &err) == 0) {
		judge(h, n);
		if (mx_drop_self("d.example", h, &n, &err) == 0)
			assert(n > 0 && !own_host(&h[0]));
	}
	take(&q.a, "mx.example", &a, &d);
	assert(d.all.n == q.a.n && d.usable.n <= q.a.n);
	arena_free(&a);
	return 0;
}
