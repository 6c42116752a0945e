/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * strptime(3) takes what is not there for what was there before, and spaces
 * nearly everywhere: here each digit is looked at.
 */

#include "config.h"

#include <limits.h>
#include <time.h>

#include "lib/conf-value.h"
#include "lib/envelope.h"
#include "lib/when.h"
#include "lib/wire.h"

#define US_PER_S 1000000
/* Longest duration worth looking at, with its NUL. */
#define DURATION_SIZE 24

struct stamp {
	struct tm tm; /* as it is on the clock of that zone */
	bool has_date;
	bool has_zone;
	int zone_s; /* east of Greenwich */
};

/* ---- pieces ------------------------------------------------------------ */

/* Split exactly COUNT digits off REST; false if their number is above MAX. */
static bool
take_number(struct span *rest, size_t count, int max, int *ret)
{
	unsigned long long n;

	if (rest->len < count ||
	    !wire_number(
		(struct span){ rest->ptr, count }, (unsigned long long)max, &n))
		return false;
	rest->ptr += count;
	rest->len -= count;
	*ret = (int)n;
	return true;
}

/* Split a byte off REST if it is one of ANY. */
static bool
take_byte(struct span *rest, const char *any)
{
	if (rest->len == 0 || rest->ptr[0] == '\0' ||
	    strchr(any, rest->ptr[0]) == NULL)
		return false;
	rest->ptr++;
	rest->len--;
	return true;
}

static int
days_in(int year, int month)
{
	static const char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && is_leap);
}

/* "2026-11-22T" */
static bool
take_date(struct span *rest, struct stamp *ret)
{
	int year, month, day;

	if (!take_number(rest, 4, 9999, &year) || !take_byte(rest, "-") ||
	    !take_number(rest, 2, 12, &month) || !take_byte(rest, "-") ||
	    !take_number(rest, 2, 31, &day) || !take_byte(rest, "Tt "))
		return false;
	if (month == 0 || day == 0 || day > days_in(year, month))
		return false;
	ret->tm.tm_year = year - 1900;
	ret->tm.tm_mon = month - 1;
	ret->tm.tm_mday = day;
	ret->has_date = true;
	return true;
}

/* "18:00" or "18:00:30" */
static bool
take_clock(struct span *rest, struct stamp *ret)
{
	if (!take_number(rest, 2, 23, &ret->tm.tm_hour) ||
	    !take_byte(rest, ":") || !take_number(rest, 2, 59, &ret->tm.tm_min))
		return false;
	ret->tm.tm_sec = 0;
	return !take_byte(rest, ":") ||
	    take_number(rest, 2, 59, &ret->tm.tm_sec);
}

/* "", "Z", "+01:00", "-0130", "+01" */
static bool
take_zone(struct span *rest, struct stamp *ret)
{
	bool is_west = rest->len > 0 && rest->ptr[0] == '-';
	int hours, minutes = 0;

	ret->has_zone = rest->len > 0;
	ret->zone_s = 0;
	if (rest->len == 0 || take_byte(rest, "Zz"))
		return true;
	if (!take_byte(rest, "+-") || !take_number(rest, 2, 23, &hours))
		return false;
	if ((take_byte(rest, ":") || rest->len > 0) &&
	    !take_number(rest, 2, 59, &minutes))
		return false;
	ret->zone_s = (hours * 60 + minutes) * 60 * (is_west ? -1 : 1);
	return true;
}

/* ---- all of it --------------------------------------------------------- */

/* When the clock of the stamp's zone shows that. */
static int64_t
seconds_of(const struct stamp *stamp)
{
	struct tm tm = stamp->tm;

	if (stamp->has_zone)
		return (int64_t)timegm(&tm) - stamp->zone_s;
	tm.tm_isdst = -1;
	return (int64_t)mktime(&tm);
}

/* The next time that the clock shows the stamp's hour. */
static bool
next_of(struct stamp *stamp, int64_t now_us, int64_t *ret_s)
{
	time_t now = (time_t)(now_us / US_PER_S) + stamp->zone_s;
	struct tm day;

	if ((stamp->has_zone ? gmtime_r(&now, &day)
			     : localtime_r(&now, &day)) == NULL)
		return false;
	stamp->tm.tm_year = day.tm_year;
	stamp->tm.tm_mon = day.tm_mon;
	stamp->tm.tm_mday = day.tm_mday;
	*ret_s = seconds_of(stamp);
	if (*ret_s > now_us / US_PER_S)
		return true;
	/* mktime(3) knows that after the last of a month comes the first. */
	stamp->tm.tm_mday++;
	*ret_s = seconds_of(stamp);
	return true;
}

static bool
parse_stamp(struct span text, int64_t now_us, int64_t *ret_us)
{
	struct stamp stamp = { .has_date = false };
	int64_t seconds;

	/* "2026-…" has a dash where "18:00" has none. */
	if (text.len > 4 && text.ptr[4] == '-' && !take_date(&text, &stamp))
		return false;
	if (!take_clock(&text, &stamp) || !take_zone(&text, &stamp) ||
	    text.len > 0)
		return false;
	if (stamp.has_date)
		seconds = seconds_of(&stamp);
	else if (!next_of(&stamp, now_us, &seconds))
		return false;
	*ret_us = seconds * US_PER_S;
	return true;
}

static bool
parse_duration(struct span text, int64_t now_us, int64_t *ret_us)
{
	char copy[DURATION_SIZE];
	unsigned seconds;

	if (text.len >= sizeof(copy))
		return false;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	if (!config_parse_duration(copy, UINT_MAX, &seconds))
		return false;
	*ret_us = now_us + (int64_t)seconds * US_PER_S;
	return true;
}

static bool
parse_seconds(struct span text, int64_t *ret_us)
{
	unsigned long long seconds;

	if (!wire_number(text, ENVELOPE_TIME_MAX_US / US_PER_S, &seconds))
		return false;
	*ret_us = (int64_t)seconds * US_PER_S;
	return true;
}

bool
when_parse(struct span text, int64_t now_us, int64_t *ret_us)
{
	int64_t us = 0;
	bool is_time;

	if (take_byte(&text, "+"))
		is_time = parse_duration(text, now_us, &us);
	else if (take_byte(&text, "@"))
		is_time = parse_seconds(text, &us);
	else
		is_time = parse_stamp(text, now_us, &us);
	if (!is_time || us <= 0 || us > ENVELOPE_TIME_MAX_US)
		return false;
	*ret_us = us;
	return true;
}
