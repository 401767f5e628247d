/* qmgr_limits_test.c - limits of destinations as text, names of next hops */
#include "../../qmgr/policy.h"
#include "test/tap.h"

static void
test_words(void)
{
	struct limits l = { .concurrency = 7 };
	struct err err = ERR_INIT;
	static const char *const bad[] = { "speed=5", "concurrency",
	    "concurrency=0", "concurrency=x", "rate=5", "rate=0/1h",
	    "rate=5/0s", "rate=5/x", "lifetime=0s", "initial=10001",
	    "concurrency=5 rate", "=5" };
	size_t i;

	is_int(limits_read(SLICE_LIT(""), &l, &err), 0, "nothing");
	is_int(l.concurrency, 7, "what is not said stays");
	is_int(limits_read(SLICE_LIT("concurrency=5 initial=2\trate=100/1h "
	    "lifetime=2d bounce_lifetime=12h"), &l, &err), 0, "all");
	is_int(l.concurrency, 5, "concurrency");
	is_int(l.initial, 2, "initial");
	is_int(l.interval_us, 36000000, "a message in 36 s");
	is_int(l.lifetime, 2 * 86400000, "lifetime");
	is_int(l.bounce_lifetime, 12 * 3600000, "bounce_lifetime");
	for (i = 0; i < ARRAY_LEN(bad); i++)
		is_int(limits_read(slice_of(bad[i]), &l, &err), -1, "%s: %s",
		    bad[i], err.text);
}

static void
test_rate(void)
{
	static const struct {
		const char *text;
		int64_t messages, seconds, us;
	} rows[] = {
		{ "1/1s", 1, 1, 1000000 }, { "1/2m", 1, 120, 120000000 },
		{ "5000/1s", 5000, 1, 200 },
		{ "1000000000/1s", 1000000000, 1, 1 },
	};
	int64_t messages, seconds;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		ok(rate_read(slice_of(rows[i].text), &messages, &seconds) &&
		    messages == rows[i].messages &&
		    seconds == rows[i].seconds, "%s", rows[i].text);
		is_int(rate_interval_us(messages, seconds), rows[i].us,
		    "in microseconds");
	}
	is_int(rate_interval_us(0, 0), 0, "no rate");
}

static void
test_nexthop(void)
{
	static const char *const rows[][2] = {
		{ "Example.ORG", "example.org" },
		{ "example.org:25", "example.org" },
		{ "[mx.example.org]", "mx.example.org" },
		{ "[mx.example.org]:587", "mx.example.org" },
		{ "[2001:db8::1]:25", "2001:db8::1" },
		{ "2001:db8::1", "2001:db8::1" }, { "", "" }, { "[", "" },
	};
	struct str s = STR_INIT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		str_reset(&s);
		nexthop_domain(&s, rows[i][0]);
		is_str(s.len > 0 ? s.s : "", rows[i][1], "%s", rows[i][0]);
	}
	str_free(&s);
}

int
main(void)
{
	test_words();
	test_rate();
	test_nexthop();
	return tap_done();
}
