/*
 * date.h - RFC 5322 dates (sections 3.3 and 4.3).  Writing one is
 * date_5322 in base/clock.h.
 */
#ifndef MIME_DATE_H
#define MIME_DATE_H

#include "base/str.h"

/*
 * Read a date-time: comments, missing weekday and seconds, two- and
 * three-digit years, obsolete zone names.  1 with seconds since 1970 and
 * (zone_r may be NULL) the zone in minutes east of UTC; 0 malformed.
 */
int mime_date_parse(struct slice s, int64_t *unix_r, int *zone_r);
/* Make the best of what mime_date_parse refuses: no time or an invalid one
 * (00:00:00), asctime's order, hyphens between day, month and year.  1, or 0
 * where there is no day of any year in it. */
int mime_date_guess(struct slice s, int64_t *unix_r);

#endif
