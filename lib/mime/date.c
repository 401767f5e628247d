/*
 * date.c - reads RFC 5322 dates, obsolete ones included.  Only the first
 * DATE_MAX bytes without comments are looked at.
 */
#include "mime/date.h"

enum { DATE_MAX = 128 };

/* copy without comments, commas as blanks */
static struct slice
plain(struct slice s, char buf[DATE_MAX])
{
	size_t i, n = 0, depth = 0;

	for (i = 0; i < s.n && n < DATE_MAX; i++) {
		char c = s.p[i];

		if (c == '\\' && depth > 0)
			i++;
		else if (c == '(')
			depth++;
		else if (c == ')' && depth > 0)
			depth--;
		else if (depth == 0)
			buf[n++] = c == ',' ? ' ' : c;
	}
	return (struct slice){ buf, n };
}

/* days since 1970-01-01 of a Gregorian date, month 1..12 */
static int64_t
days_of(int64_t year, int month, int day)
{
	static const int before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243,
		273, 304, 334 };
	int64_t y = year - 1;
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return y * 365 + y / 4 - y / 100 + y / 400 - 719162 +
	    before[month - 1] + (leap && month > 2) + day - 1;
}

static int
month_of(struct slice s)
{
	static const char *const names[] = { "Jan", "Feb", "Mar", "Apr",
		"May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	int i;

	for (i = 0; i < 12 && s.n == 3; i++)
		if (strncasecmp(s.p, names[i], 3) == 0)
			return i + 1;
	return 0;
}

static int
clock_of(struct slice s, int64_t *r)
{
	uint64_t h, m, sec = 0;
	struct slice part;

	if (!slice_cut(&s, ':', &part) || !slice_u64(part, 23, &h) ||
	    !slice_cut(&s, ':', &part) || !slice_u64(part, 59, &m))
		return 0;
	if (s.p != NULL && !slice_u64(s, 60, &sec))
		return 0;
	*r = (int64_t)(h * 3600 + m * 60 + sec);
	return 1;
}

/* minutes east; what is unknown is UTC, as RFC 5322 section 4.3 says */
static int
zone_of(struct slice s)
{
	static const struct { const char *name; int hours; } zones[] = {
		{ "EDT", -4 }, { "EST", -5 }, { "CDT", -5 }, { "CST", -6 },
		{ "MDT", -6 }, { "MST", -7 }, { "PDT", -7 }, { "PST", -8 },
	};
	uint64_t v;
	size_t i;
	int min;

	if (s.n == 5 && (s.p[0] == '+' || s.p[0] == '-') &&
	    slice_u64(slice_sub(s, 1, 4), 9959, &v) && v % 100 < 60) {
		min = (int)(v / 100 * 60 + v % 100);
		return s.p[0] == '-' ? -min : min;
	}
	for (i = 0; i < ARRAY_LEN(zones); i++)
		if (slice_ieqz(s, zones[i].name))
			return zones[i].hours * 60;
	return 0;
}

static int
year_of(struct slice s, int64_t *r)
{
	uint64_t y;

	if (s.n < 2 || !slice_u64(s, 9999, &y))
		return 0;
	if (s.n == 2)
		y += y < 50 ? 2000 : 1900;
	else if (s.n == 3)
		y += 1900;
	*r = (int64_t)y;
	return y >= 1900;
}

static int
month_days(int64_t year, int month)
{
	return (int)(days_of(month == 12 ? year + 1 : year,
	    month == 12 ? 1 : month + 1, 1) - days_of(year, month, 1));
}

/* after the weekday: day month year time zone; 1 or 0 */
static int
read_date(struct slice rest, struct slice word, int64_t *unix_r, int *zone_r)
{
	int64_t year, clock;
	int month, zone = 0;
	uint64_t day;

	if (!slice_u64(word, 31, &day) || day == 0 ||
	    !slice_word(&rest, &word) || (month = month_of(word)) == 0 ||
	    !slice_word(&rest, &word) || !year_of(word, &year) ||
	    (int)day > month_days(year, month) ||
	    !slice_word(&rest, &word) || !clock_of(word, &clock))
		return 0;
	if (slice_word(&rest, &word))
		zone = zone_of(word);
	*unix_r = days_of(year, month, (int)day) * 86400 + clock - zone * 60;
	if (zone_r != NULL)
		*zone_r = zone;
	return 1;
}

int
mime_date_parse(struct slice s, int64_t *unix_r, int *zone_r)
{
	char buf[DATE_MAX];
	struct slice rest = plain(s, buf), word;

	if (!slice_word(&rest, &word))
		return 0;
	if (!ascii_isdigit((unsigned char)word.p[0]) &&
	    !slice_word(&rest, &word))
		return 0;
	return read_date(rest, word, unix_r, zone_r);
}

/* hyphens of 5-Jan-2009 as blanks; a sign before a zone stays */
static void
no_hyphens(char *buf, size_t n)
{
	size_t i;

	for (i = 1; i + 1 < n; i++)
		if (buf[i] == '-' &&
		    (ascii_isalpha((unsigned char)buf[i - 1]) ||
		    ascii_isalpha((unsigned char)buf[i + 1])))
			buf[i] = ' ';
}

/* Give the words (up to 8) their kinds by what they look like: the order of
 * the day, month and year does not matter, but that the day comes first. */
int
mime_date_guess(struct slice s, int64_t *unix_r)
{
	char buf[DATE_MAX];
	struct slice rest = plain(s, buf), word;
	int64_t year = 0, clock = 0, c;
	int month = 0, zone = 0, n;
	uint64_t day = 0, v;

	no_hyphens(buf, rest.n);
	for (n = 0; n < 8 && slice_word(&rest, &word); n++) {
		if (slice_find(word, ':') < word.n)
			clock = clock_of(word, &c) ? c : clock;
		else if (month == 0 && month_of(word) > 0)
			month = month_of(word);
		else if (day == 0 && slice_u64(word, 31, &v))
			day = v;
		else if (year == 0 && month > 0 && slice_u64(word, 9999, &v))
			year = year_of(word, &year) ? year : 0;
		else if (year > 0)
			zone = zone != 0 ? zone : zone_of(word);
	}
	if (month == 0 || year == 0 || day == 0 ||
	    (int)day > month_days(year, month))
		return 0;
	*unix_r = days_of(year, month, (int)day) * 86400 + clock - zone * 60;
	return 1;
}
