/*
 * clock.c - time, random numbers, and the spelling of times and sizes.
 */
#include "base/clock.h"

#include <pthread.h>
#include <sys/random.h>

static const struct { const char *unit; int64_t ms; } units[] = {
	{ "w", 604800000 }, { "d", 86400000 }, { "h", 3600000 },
	{ "m", 60000 }, { "s", 1000 }, { "ms", 1 },
};

int64_t
mono_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
wall_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t
wall_s(void)
{
	return wall_us() / 1000000;
}

int64_t
timespec_ns(struct timespec t)
{
	return (int64_t)((uint64_t)t.tv_sec * 1000000000 +
	    (uint64_t)t.tv_nsec);
}

void
date_5322(struct str *out, int64_t unix_s)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t t = (time_t)unix_s;
	struct tm tm;
	long off;

	localtime_r(&t, &tm);
	off = tm.tm_gmtoff / 60;
	str_addf(out, "%.3s, %d %.3s %d %02d:%02d:%02d %c%02ld%02ld",
	    days + 3 * tm.tm_wday, tm.tm_mday, months + 3 * tm.tm_mon,
	    tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec,
	    off < 0 ? '-' : '+', labs(off) / 60, labs(off) % 60);
}

void
date_3339(struct str *out, int64_t unix_us)
{
	time_t t = (time_t)(unix_us / 1000000);
	struct tm tm;

	gmtime_r(&t, &tm);
	str_addf(out, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ",
	    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
	    tm.tm_min, tm.tm_sec, (int)(unix_us % 1000000));
}

void
random_bytes(void *p, size_t n)
{
	unsigned char *u = p;
	ssize_t r;

	while (n > 0) {
		r = getrandom(u, n, 0);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			die("getrandom: %s", strerror(errno));
		u += r;
		n -= (size_t)r;
	}
}

/* what getrandom gave and nobody has had; a child does not have its parent's */
static struct {
	unsigned char b[128];
	size_t left;
} pool;

static void
empty_pool(void)
{
	pool.left = 0;
}

void
random_few(void *p, size_t n)
{
	static bool watched;

	if (!watched)
		watched = pthread_atfork(NULL, NULL, empty_pool) == 0;
	if (!watched || n > sizeof(pool.b)) {
		random_bytes(p, n);
		return;
	}
	if (pool.left < n) {
		random_bytes(pool.b, sizeof(pool.b));
		pool.left = sizeof(pool.b);
	}
	pool.left -= n;
	memcpy(p, pool.b + pool.left, n);
}

uint32_t
random_below(uint32_t n)
{
	uint32_t v, limit;

	if (n < 2)
		return 0;
	limit = UINT32_MAX - UINT32_MAX % n;
	do {
		random_bytes(&v, sizeof(v));
	} while (v >= limit);
	return v % n;
}

void
session_id(char id[9])
{
	static const char set[] = "0123456789abcdefghijklmnopqrstuv";
	unsigned char b[8];
	int i;

	random_few(b, sizeof(b));
	for (i = 0; i < 8; i++)
		id[i] = set[b[i] & 31];
	id[8] = '\0';
}

static struct slice
number_part(struct slice s, struct slice *unit)
{
	size_t i = 0;

	while (i < s.n && ascii_isdigit((unsigned char)s.p[i]))
		i++;
	*unit = slice_sub(s, i, s.n);
	return slice_sub(s, 0, i);
}

int
parse_duration(struct slice s, int64_t *ms_r)
{
	struct slice unit, num = number_part(s, &unit);
	int64_t scale = 1000, ms;
	uint64_t v;
	size_t i;

	if (!slice_u64(num, INT64_MAX, &v))
		return 0;
	if (unit.n > 0) {
		for (i = 0; i < ARRAY_LEN(units); i++)
			if (slice_eqz(unit, units[i].unit))
				break;
		if (i == ARRAY_LEN(units))
			return 0;
		scale = units[i].ms;
	}
	if (mul_overflows((int64_t)v, scale, &ms))
		return 0;
	*ms_r = ms;
	return 1;
}

void
format_duration(struct str *out, int64_t ms)
{
	size_t i;

	if (ms == 0) {
		str_adds(out, "0s");
		return;
	}
	for (i = 0; i < ARRAY_LEN(units) - 1; i++)
		if (ms % units[i].ms == 0)
			break;
	str_addf(out, "%lld%s", (long long)(ms / units[i].ms), units[i].unit);
}

int
parse_size(struct slice s, uint64_t *r)
{
	static const char letters[] = "KMGT";
	struct slice unit, num = number_part(s, &unit);
	const char *l;
	uint64_t v;

	if (!slice_u64(num, UINT64_MAX, &v) || unit.n > 1)
		return 0;
	if (unit.n == 1) {
		l = memchr(letters, ascii_upper(unit.p[0]), 4);
		if (l == NULL || mul_overflows(v,
		    (uint64_t)1 << (10 * (l - letters + 1)), &v))
			return 0;
	}
	*r = v;
	return 1;
}

void
format_size(struct str *out, uint64_t n)
{
	static const char letters[] = "KMGT";
	int i = 0;

	while (i < 4 && n > 0 && n % 1024 == 0) {
		n /= 1024;
		i++;
	}
	str_addf(out, "%llu", (unsigned long long)n);
	if (i > 0)
		str_addc(out, letters[i - 1]);
}
