/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* date: RFC 5322, section 3.3, in zones that exist without any tzdata. */

#include "config.h"

#include <errno.h>
#include <locale.h>
#include <string.h>
#include <time.h>

#include "lib/date.h"
#include "unit.h"

#define S INT64_C(1000000)

static const struct {
	const char *zone;
	int64_t t_us;
	const char *want; /* NULL: out of range */
} rows[] = {
	{ "UTC0", 0, "Thu, 1 Jan 1970 00:00:00 +0000" },
	{ "UTC0", 999999, "Thu, 1 Jan 1970 00:00:00 +0000" },
	{ "UTC0", -1, "Wed, 31 Dec 1969 23:59:59 +0000" },
	{ "UTC0", -S, "Wed, 31 Dec 1969 23:59:59 +0000" },
	{ "UTC0", -S - 1, "Wed, 31 Dec 1969 23:59:58 +0000" },
	{ "UTC0", 1795302534 * S, "Sat, 21 Nov 2026 23:08:54 +0000" },
	{ "UTC0", 951782400 * S, "Tue, 29 Feb 2000 00:00:00 +0000" },
	{ "UTC0", 2147483648 * S, "Tue, 19 Jan 2038 03:14:08 +0000" },
	/* zones east, west and off by odd minutes; summer time */
	{ "CET-1CEST,M3.5.0,M10.5.0/3", 1795302534 * S,
	    "Sun, 22 Nov 2026 00:08:54 +0100" },
	{ "CET-1CEST,M3.5.0,M10.5.0/3", 1784000000 * S,
	    "Tue, 14 Jul 2026 05:33:20 +0200" },
	{ "EST5EDT,M3.2.0,M11.1.0", 1795302534 * S,
	    "Sat, 21 Nov 2026 18:08:54 -0500" },
	{ "NST3:30", 1795302534 * S, "Sat, 21 Nov 2026 19:38:54 -0330" },
	{ "IST-5:30", 1795302534 * S, "Sun, 22 Nov 2026 04:38:54 +0530" },
	{ "XXX0:30", 0, "Wed, 31 Dec 1969 23:30:00 -0030" },
	{ "LINT-14", 0, "Thu, 1 Jan 1970 14:00:00 +1400" },
	/* zones off by seconds: the zone written and the time agree */
	{ "LMT-0:53:28", 0, "Thu, 1 Jan 1970 00:53:00 +0053" },
	{ "LMT4:56:02", 0, "Wed, 31 Dec 1969 19:04:00 -0456" },
	/* each month and day */
	{ "UTC0", 1769904000 * S, "Sun, 1 Feb 2026 00:00:00 +0000" },
	{ "UTC0", 1772323200 * S, "Sun, 1 Mar 2026 00:00:00 +0000" },
	{ "UTC0", 1775001600 * S, "Wed, 1 Apr 2026 00:00:00 +0000" },
	{ "UTC0", 1777593600 * S, "Fri, 1 May 2026 00:00:00 +0000" },
	{ "UTC0", 1780272000 * S, "Mon, 1 Jun 2026 00:00:00 +0000" },
	{ "UTC0", 1785542400 * S, "Sat, 1 Aug 2026 00:00:00 +0000" },
	{ "UTC0", 1788220800 * S, "Tue, 1 Sep 2026 00:00:00 +0000" },
	{ "UTC0", 1790812800 * S, "Thu, 1 Oct 2026 00:00:00 +0000" },
	{ "UTC0", 1796083200 * S, "Tue, 1 Dec 2026 00:00:00 +0000" },
	/* the ends of what mail can write */
	{ "UTC0", -2208988800 * S, "Mon, 1 Jan 1900 00:00:00 +0000" },
	{ "UTC0", -2208988800 * S - 1, NULL },
	{ "UTC0", 253402300799 * S, "Fri, 31 Dec 9999 23:59:59 +0000" },
	{ "UTC0", 253402300800 * S, NULL },
	{ "UTC-1", 253402300799 * S, NULL },
	{ "UTC0", INT64_MAX, NULL },
	{ "UTC0", INT64_MIN, NULL },
};

START_TEST(formats)
{
	char got[DATE_SIZE] = "untouched";
	int err;

	ck_assert_int_eq(setenv("TZ", rows[_i].zone, 1), 0);
	tzset();
	err = date_format(rows[_i].t_us, got);
	if (rows[_i].want == NULL) {
		ck_assert_int_eq(err, -EOVERFLOW);
		ck_assert_str_eq(got, "untouched");
	} else {
		ck_assert_int_eq(err, 0);
		ck_assert_str_eq(got, rows[_i].want);
	}
}
END_TEST

START_TEST(names_are_english)
{
	static const char *const locales[] = { "C", "de_DE.UTF-8", "tr_TR",
		"ar_EG.UTF-8" };
	char got[DATE_SIZE];

	ck_assert_int_eq(setenv("TZ", "UTC0", 1), 0);
	tzset();
	/* Where a locale is not installed this repeats the C locale. */
	(void)setlocale(LC_ALL, locales[_i]);
	ck_assert_int_eq(date_format(1795302534 * S, got), 0);
	ck_assert_str_eq(got, "Sat, 21 Nov 2026 23:08:54 +0000");
}
END_TEST

START_TEST(now_is_now)
{
	time_t before = time(NULL), after;
	int64_t now_us = date_now_us();

	after = time(NULL);
	/* time(2) may lag behind the clock by a tick. */
	ck_assert_int_ge(now_us, (int64_t)before * S);
	ck_assert_int_lt(now_us, ((int64_t)after + 2) * S);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("date");
	TCase *tc = tcase_create("date");

	tcase_add_loop_test(
	    tc, formats, 0, (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_loop_test(tc, names_are_english, 0, 4);
	tcase_add_test(tc, now_is_now);
	suite_add_tcase(s, tc);
	return unit_main(s);
}
