/*
 * limits.c - the text form of limits, and which name a next hop has in
 * tables.
 */
#include "policy.h"

#include "base/clock.h"

enum { MOST = 10000, MESSAGES_MAX = 1000000000 };

int
rate_read(struct slice text, int64_t *messages_r, int64_t *seconds_r)
{
	struct slice n;
	uint64_t messages;
	int64_t ms;

	if (!slice_cut(&text, '/', &n) ||
	    !slice_u64(n, MESSAGES_MAX, &messages) || messages == 0 ||
	    !parse_duration(text, &ms) || ms < 1000)
		return 0;
	*messages_r = (int64_t)messages;
	*seconds_r = ms / 1000;
	return 1;
}

int64_t
rate_interval_us(int64_t messages, int64_t seconds)
{
	return messages == 0 ? 0 : MAX(1, seconds * 1000000 / messages);
}

static bool
read_number(struct slice v, int64_t *to)
{
	uint64_t n;

	if (!slice_u64(v, MOST, &n) || n == 0)
		return false;
	*to = (int64_t)n;
	return true;
}

static bool
read_time(struct slice v, int64_t *to)
{
	return parse_duration(v, to) && *to >= 1000;
}

static bool
read_rate(struct slice v, int64_t *to)
{
	int64_t messages, seconds;

	if (!rate_read(v, &messages, &seconds))
		return false;
	*to = rate_interval_us(messages, seconds);
	return true;
}

static const struct word {
	const char *name;
	bool (*read)(struct slice v, int64_t *to);
	size_t member;
	const char *want;
} words[] = {
	{ "concurrency", read_number, offsetof(struct limits, concurrency),
	    "a number from 1 to 10000" },
	{ "initial", read_number, offsetof(struct limits, initial),
	    "a number from 1 to 10000" },
	{ "rate", read_rate, offsetof(struct limits, interval_us),
	    "messages/time, such as 100/1h" },
	{ "lifetime", read_time, offsetof(struct limits, lifetime),
	    "a time such as 3d" },
	{ "bounce_lifetime", read_time,
	    offsetof(struct limits, bounce_lifetime), "a time such as 1d" },
};

static int
read_word(struct slice word, struct limits *l, struct err *err)
{
	struct slice name, value = word;
	size_t i;

	slice_cut(&value, '=', &name);
	for (i = 0; i < ARRAY_LEN(words); i++)
		if (slice_eqz(name, words[i].name))
			break;
	if (i == ARRAY_LEN(words))
		return err_perm(err, "5.3.5", "%.*s: expected concurrency, "
		    "initial, rate, lifetime or bounce_lifetime",
		    (int)MIN(name.n, 40), name.p);
	if (!words[i].read(value, (int64_t *)((char *)l + words[i].member)))
		return err_perm(err, "5.3.5", "%s: expected %s", words[i].name,
		    words[i].want);
	return 0;
}

int
limits_read(struct slice text, struct limits *l, struct err *err)
{
	struct slice word;

	while (slice_word(&text, &word))
		if (read_word(word, l, err) != 0)
			return -1;
	return 0;
}

void
nexthop_domain(struct str *out, const char *nexthop)
{
	struct slice s = slice_of(nexthop);
	size_t i;

	if (s.n > 0 && s.p[0] == '[') {
		s = slice_sub(s, 1, SIZE_MAX);
		s.n = slice_find(s, ']');
	} else if (slice_find(s, ':') == slice_rfind(s, ':')) {
		s.n = slice_find(s, ':');
	}
	for (i = 0; i < s.n; i++)
		str_addc(out, (char)ascii_lower((unsigned char)s.p[i]));
}
