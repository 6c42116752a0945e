/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* lib/when.c: times as they are written, on a clock that stands still. */

#include "config.h"

#include <string.h>
#include <time.h>

#include "lib/when.h"
#include "tests/unit/unit.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define S INT64_C(1000000)

/* Sunday, 22 November 2026, 15:00:00.5 in Greenwich. */
#define NOW_US (1795359600 * S + S / 2)
#define AT(hours, minutes) (1795359600 + (hours)*3600 + (minutes)*60)

#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"

static const struct {
	const char *zone, *text;
	int64_t want_s; /* -1: refused */
} rows[] = {
	/* days and times */
	{ "UTC0", "2026-11-22T18:00", AT(3, 0) },
	{ "UTC0", "2026-11-22T18:00:30", AT(3, 0) + 30 },
	{ "UTC0", "2026-11-22 18:00", AT(3, 0) },
	{ "UTC0", "2026-11-22t18:00z", AT(3, 0) },
	{ "UTC0", "2026-11-21T15:00", AT(-24, 0) },
	{ "UTC0", "2000-02-29T00:00", 951782400 },
	{ "UTC0", "1970-01-01T00:00:01", 1 },
	{ "UTC0", "9999-12-31T23:59:59", 253402300799 },
	/* zones, given and not */
	{ BERLIN, "2026-11-22T18:00", AT(2, 0) },
	{ BERLIN, "2026-07-14T05:33", 1783999980 },
	{ BERLIN, "2026-11-22T18:00Z", AT(3, 0) },
	{ BERLIN, "2026-11-22T18:00+00:00", AT(3, 0) },
	{ "UTC0", "2026-11-22T18:00+01:00", AT(2, 0) },
	{ "UTC0", "2026-11-22T18:00:00+0100", AT(2, 0) },
	{ "UTC0", "2026-11-22T18:00+01", AT(2, 0) },
	{ "UTC0", "2026-11-22T18:00-03:30", AT(6, 30) },
	{ "UTC0", "2026-11-23T00:15+05:45", AT(3, 30) },
	{ "IST-5:30", "2026-11-22T23:30", AT(3, 0) },
	/* an hour that a summer has not, and one that an autumn has twice */
	{ BERLIN, "2026-03-29T02:30Z", 1774751400 },
	{ BERLIN, "2026-10-25T02:30+01:00", 1792891800 },
	/* the next one */
	{ "UTC0", "18:00", AT(3, 0) },
	{ "UTC0", "15:01", AT(0, 1) },
	{ "UTC0", "15:00", AT(24, 0) },
	{ "UTC0", "15:00:01", AT(0, 0) + 1 },
	{ "UTC0", "14:59:59", AT(24, 0) - 1 },
	{ "UTC0", "00:00", AT(9, 0) },
	{ BERLIN, "18:00", AT(2, 0) },
	{ BERLIN, "15:30", AT(23, 30) },
	{ "UTC0", "18:00+01:00", AT(2, 0) },
	{ "UTC0", "15:30+01:00", AT(23, 30) },
	{ BERLIN, "18:00Z", AT(3, 0) },
	/* there it is Monday already */
	{ "LINT-14", "06:00", AT(1, 0) },
	{ "LINT-14", "04:00", AT(23, 0) },
	/* from now on */
	{ "UTC0", "+2h", AT(2, 0) },
	{ BERLIN, "+2h", AT(2, 0) },
	{ "UTC0", "+90", AT(0, 1) + 30 },
	{ "UTC0", "+0", AT(0, 0) },
	{ "UTC0", "+10D", AT(240, 0) },
	/* since the epoch */
	{ BERLIN, "@1795370400", AT(3, 0) },
	{ "UTC0", "@1", 1 },
	{ "UTC0", "@253402300799", 253402300799 },
	/* no times */
	{ "UTC0", "", -1 },
	{ "UTC0", "now", -1 },
	{ "UTC0", "18", -1 },
	{ "UTC0", "18:0", -1 },
	{ "UTC0", "8:00", -1 },
	{ "UTC0", "24:00", -1 },
	{ "UTC0", "18:60", -1 },
	{ "UTC0", "18:00:60", -1 },
	{ "UTC0", "18:00:", -1 },
	{ "UTC0", "18:00 ", -1 },
	{ "UTC0", " 18:00", -1 },
	{ "UTC0", "18:00pm", -1 },
	{ "UTC0", "18:00 UTC", -1 },
	{ "UTC0", "18:00+1", -1 },
	{ "UTC0", "18:00+24:00", -1 },
	{ "UTC0", "18:00+01:60", -1 },
	{ "UTC0", "18:00+01:0", -1 },
	{ "UTC0", "18:00+01:", -1 },
	{ "UTC0", "2026-11-22T18:00-01:", -1 },
	{ "UTC0", "18:00+0100Z", -1 },
	{ "UTC0", "2026-11-22", -1 },
	{ "UTC0", "2026-11-22T", -1 },
	{ "UTC0", "2026-11-22T18", -1 },
	{ "UTC0", "2026-11-22T18:00.5", -1 },
	{ "UTC0", "2026-11-22T18:00:00,5", -1 },
	{ "UTC0", "2026-11-2218:00", -1 },
	{ "UTC0", "2026-11-22  18:00", -1 },
	{ "UTC0", "26-11-22T18:00", -1 },
	{ "UTC0", "2026-13-22T18:00", -1 },
	{ "UTC0", "2026-00-22T18:00", -1 },
	{ "UTC0", "2026-11-00T18:00", -1 },
	{ "UTC0", "2026-11-31T18:00", -1 },
	{ "UTC0", "2026-02-29T18:00", -1 },
	{ "UTC0", "1900-02-29T18:00", -1 },
	{ "UTC0", "1969-12-31T23:59", -1 },
	{ "UTC0", "1970-01-01T00:00", -1 },
	{ "UTC0", "0000-01-01T00:00", -1 },
	{ "UTC0", "9999-12-31T23:59:59-01:00", -1 },
	{ "UTC0", "-2026-11-22T18:00", -1 },
	{ "UTC0", "+", -1 },
	{ "UTC0", "+2w", -1 },
	{ "UTC0", "+-2h", -1 },
	{ "UTC0", "++2h", -1 },
	{ "UTC0", "+2h30m", -1 },
	{ "UTC0", "-2h", -1 },
	{ "UTC0", "+99999999999999999999", -1 },
	{ "UTC0", "+000000000000000000000000000000000000000000000002h", -1 },
	{ "UTC0", "@", -1 },
	{ "UTC0", "@0", -1 },
	{ "UTC0", "@-1", -1 },
	{ "UTC0", "@1.5", -1 },
	{ "UTC0", "@253402300800", -1 },
	/* milliseconds */
	{ "UTC0", "@1795370400000", -1 },
	{ "UTC0", "1795370400", -1 },
};

START_TEST(a_time_is_when_it_says)
{
	int64_t us = -7;
	bool is_time;

	ck_assert_int_eq(setenv("TZ", rows[_i].zone, 1), 0);
	tzset();
	is_time = when_parse(span_of(rows[_i].text), NOW_US, &us);
	if (rows[_i].want_s < 0) {
		ck_assert_msg(!is_time, "taken: '%s'", rows[_i].text);
		ck_assert_int_eq(us, -7);
		return;
	}
	ck_assert_msg(is_time, "refused: '%s'", rows[_i].text);
	/* What counts from now on has its fraction, too. */
	ck_assert_int_eq(
	    us, rows[_i].want_s * S + (rows[_i].text[0] == '+' ? S / 2 : 0));
}
END_TEST

/* No prefix and no suffix is read beyond its end. */
START_TEST(a_span_ends_where_it_ends)
{
	static const char text[] = "2026-11-22T18:00:30+01:00";
	int64_t us;

	ck_assert_int_eq(setenv("TZ", "UTC0", 1), 0);
	for (size_t len = 0; len < sizeof(text); len++) {
		char *copy = malloc(len + 1);

		memcpy(copy, text, len);
		(void)when_parse((struct span){ copy, len }, NOW_US, &us);
		free(copy);
	}
	ck_assert(when_parse((struct span){ text, 16 }, NOW_US, &us));
	ck_assert_int_eq(us, AT(3, 0) * S);
}
END_TEST

/* The form of an option is looked at before there is a clock. */
START_TEST(no_clock_is_needed_for_the_form)
{
	int64_t us;

	ck_assert_int_eq(setenv("TZ", "LINT-14", 1), 0);
	tzset();
	ck_assert(when_parse(span_of("18:00"), 0, &us));
	ck_assert(when_parse(span_of("04:00"), 0, &us));
	ck_assert(when_parse(span_of("+2h"), 0, &us));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("when");
	TCase *tc = tcase_create("when");

	tcase_add_loop_test(tc, a_time_is_when_it_says, 0, COUNT(rows));
	tcase_add_test(tc, a_span_ends_where_it_ends);
	tcase_add_test(tc, no_clock_is_needed_for_the_form);
	suite_add_tcase(s, tc);
	return unit_main(s);
}
