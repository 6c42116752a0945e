/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * strftime(3) would write the names of the caller's language; mail wants
 * English.
 */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/date.h"

#define US_PER_S 1000000

int
date_format(int64_t t_us, char ret[DATE_SIZE])
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu",
		"Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t t = (time_t)(t_us / US_PER_S - (t_us % US_PER_S < 0));
	struct tm tm;
	long zone_min;

	if (localtime_r(&t, &tm) == NULL)
		return -EOVERFLOW;
	/*
	 * Old local times are off by odd seconds, for which mail has no
	 * notation: show the time that the zone, as written, means.
	 */
	zone_min = tm.tm_gmtoff / 60;
	t += zone_min * 60;
	if (gmtime_r(&t, &tm) == NULL)
		return -EOVERFLOW;
	/* RFC 5322: four digits, and nothing before 1900. */
	if (tm.tm_year < 0 || tm.tm_year > 9999 - 1900)
		return -EOVERFLOW;
	(void)snprintf(ret, DATE_SIZE,
	    "%s, %d %s %d %02d:%02d:%02d %c%02ld%02ld", days[tm.tm_wday],
	    tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour,
	    tm.tm_min, tm.tm_sec, zone_min < 0 ? '-' : '+', labs(zone_min) / 60,
	    labs(zone_min) % 60);
	return 0;
}

int64_t
date_now_us(void)
{
	struct timespec now;

	/* Fails only for an unknown clock or a bad pointer. */
	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * US_PER_S + now.tv_nsec / 1000;
}
