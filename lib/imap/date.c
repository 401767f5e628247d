/*
 * date.c - dates of RFC 3501 and 9051 section 9, in the proleptic Gregorian
 * calendar, years 0 to 9999, without the C library's zones.
 */
#include "imap/write.h"

enum { DAY = 86400 };

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* days since 1970-01-01; years from March make leap days the last ones */
static int32_t
day_of(int y, int m, int d)
{
	int era, yoe, doy;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void
civil(int64_t day, int64_t *y, int *m, int *d)
{
	int64_t era, doe, yoe, doy, mp;

	day += 719468;
	era = (day >= 0 ? day : day - 146096) / 146097;
	doe = day - era * 146097;
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	*d = (int)(doy - (153 * mp + 2) / 5 + 1);
	*m = (int)(mp < 10 ? mp + 3 : mp - 9);
	*y = yoe + era * 400 + (*m <= 2);
}

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

int32_t
imap_day(int64_t unix_s, int zone)
{
	int64_t day;

	if (add_overflows(unix_s, (int64_t)zone * 60, &unix_s))
		unix_s = unix_s < 0 ? INT64_MAX : INT64_MIN;
	day = floor_div(unix_s, DAY);
	return (int32_t)MIN(MAX(day, (int64_t)INT32_MIN), (int64_t)INT32_MAX);
}

/* exactly n digits at s[at] */
static int
digits(struct slice s, size_t at, size_t n, int max, int *r)
{
	uint64_t v;

	s = slice_sub(s, at, n);
	if (s.n != n || !slice_u64(s, (uint64_t)max, &v))
		return 0;
	*r = (int)v;
	return 1;
}

static int
month_of(struct slice s)
{
	int i;

	for (i = 0; i < 12; i++)
		if (slice_ieq(s, (struct slice){ months + 3 * i, 3 }))
			return i + 1;
	return 0;
}

static int
days_in(int y, int m)
{
	static const char n[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };

	return n[m - 1] + (m == 2 && y % 4 == 0 && (y % 100 != 0 ||
	    y % 400 == 0));
}

int
imap_parse_date(struct slice s, int32_t *day_r)
{
	size_t n = slice_find(s, '-');
	int y, m, d;

	if (n < 1 || n > 2 || s.n != n + 9 || s.p[n + 4] != '-' ||
	    !digits(s, 0, n, 31, &d) || !digits(s, n + 5, 4, 9999, &y))
		return 0;
	m = month_of(slice_sub(s, n + 1, 3));
	if (m == 0 || d < 1 || d > days_in(y, m))
		return 0;
	*day_r = day_of(y, m, d);
	return 1;
}

/* "hh:mm:ss +zzzz" */
static int
parse_time(struct slice s, int *sec, int *zone)
{
	int h, m, ss, zh, zm;

	if (s.n != 14 || s.p[2] != ':' || s.p[5] != ':' || s.p[8] != ' ' ||
	    (s.p[9] != '+' && s.p[9] != '-') ||
	    !digits(s, 0, 2, 23, &h) || !digits(s, 3, 2, 59, &m) ||
	    !digits(s, 6, 2, 60, &ss) || !digits(s, 10, 2, 23, &zh) ||
	    !digits(s, 12, 2, 59, &zm))
		return 0;
	*sec = h * 3600 + m * 60 + ss;
	*zone = zh * 60 + zm;
	if (s.p[9] == '-')
		*zone = -*zone;
	return 1;
}

int
imap_parse_date_time(struct slice s, int64_t *unix_r, int *zone_r)
{
	size_t blank;
	int32_t day;
	int sec, zone;

	if (s.n > 0 && s.p[0] == ' ')	/* date-day-fixed */
		s = slice_sub(s, 1, s.n);
	blank = slice_find(s, ' ');
	if (!imap_parse_date(slice_sub(s, 0, blank), &day) ||
	    !parse_time(slice_sub(s, blank + 1, s.n), &sec, &zone))
		return 0;
	*unix_r = (int64_t)day * DAY + sec - zone * 60;
	*zone_r = zone;
	return 1;
}

void
imap_put_date_time(struct str *out, int64_t unix_s, int zone)
{
	/* 0000-01-01 and 9999-12-31, a day from either end */
	const int64_t min = -62167132800, max = 253402214400;
	int64_t t, day, y;
	int m, d, sec, z;

	zone = MIN(MAX(zone, -1439), 1439);
	t = MIN(MAX(unix_s, min), max) + zone * 60;
	day = floor_div(t, DAY);
	sec = (int)(t - day * DAY);
	z = abs(zone);
	civil(day, &y, &m, &d);
	str_addf(out, "\"%2d-%.3s-%04lld %02d:%02d:%02d %c%02d%02d\"", d,
	    months + 3 * (m - 1), (long long)y, sec / 3600, sec / 60 % 60,
	    sec % 60, zone < 0 ? '-' : '+', z / 60, z % 60);
}
