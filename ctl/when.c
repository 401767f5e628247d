/*
 * when.c - a time in the future, as people say it.
 */
#include "base/clock.h"
#include "ctl.h"

#include <time.h>

/* the local time of day or date in z, whole: 1 or 0 */
static bool
take(const char *z, const char *format, struct tm *tm)
{
	const char *end = strptime(z, format, tm);

	return end != NULL && *end == '\0';
}

static bool
take_date(const char *z, struct tm *tm)
{
	return take(z, "%Y-%m-%dT%H:%M", tm) ||
	    take(z, "%Y-%m-%dT%H:%M:%S", tm) ||
	    take(z, "%Y-%m-%d %H:%M", tm) ||
	    take(z, "%Y-%m-%d %H:%M:%S", tm);
}

bool
parse_when(const char *z, int64_t now, int64_t *when_r)
{
	time_t t = (time_t)now;
	struct tm tm, day;
	uint64_t u;
	int64_t ms;

	if (z[0] == '@' && slice_u64(slice_of(z + 1), INT32_MAX * 4LL, &u)) {
		*when_r = (int64_t)u;
		return true;
	}
	if (parse_duration(slice_of(z), &ms)) {
		*when_r = now + ms / 1000;
		return true;
	}
	localtime_r(&t, &day);
	tm = (struct tm){ .tm_isdst = -1 };
	if (take_date(z, &tm)) {
		*when_r = (int64_t)mktime(&tm);
		return *when_r != -1;
	}
	tm = day;
	tm.tm_sec = 0;
	if (!take(z, "%H:%M", &tm))
		return false;
	tm.tm_isdst = -1;
	if (mktime(&tm) <= t) {
		tm.tm_mday++;
		tm.tm_isdst = -1;
	}
	*when_r = (int64_t)mktime(&tm);
	return true;
}
