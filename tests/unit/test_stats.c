/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* Counts by minute and by hour. */

#include "config.h"

#include <stdbool.h>

#include "lib/stats.h"
#include "tests/unit/unit.h"

#define MINUTE ((int64_t)60 * 1000000)
#define HOUR (60 * MINUTE)
/* The beginning of an hour. */
#define T0 (490000 * HOUR)

static struct stats st;

static void
setup(void)
{
	st = (struct stats){ .last_us = 0 };
}

static void
deliver(int64_t time_us)
{
	stats_add(&st, STATS_DELIVERED, 1, 100, 7, time_us);
}

static unsigned
minute(unsigned back, int64_t now_us)
{
	return stats_minute(&st, back, now_us).count[STATS_DELIVERED];
}

static unsigned
hour(unsigned back, int64_t now_us)
{
	return stats_hour(&st, back, now_us).count[STATS_DELIVERED];
}

START_TEST(each_kind_counts_by_itself)
{
	struct stats_slot slot;

	for (int kind = 0; kind < STATS_KINDS; kind++)
		stats_add(
		    &st, (enum stats_kind)kind, (unsigned)kind + 1, 10, 5, T0);
	slot = stats_minute(&st, 0, T0);
	for (int kind = 0; kind < STATS_KINDS; kind++)
		ck_assert_uint_eq(slot.count[kind], (unsigned)kind + 1);
	ck_assert_uint_eq(slot.bytes, 10 * STATS_KINDS);
	ck_assert_uint_eq(slot.latency_us, 5 * STATS_KINDS);
}
END_TEST

START_TEST(a_minute_ends_on_the_minute)
{
	deliver(T0 + MINUTE - 1);
	deliver(T0 + MINUTE);
	deliver(T0 + MINUTE);
	ck_assert_uint_eq(minute(1, T0 + MINUTE), 1);
	ck_assert_uint_eq(minute(0, T0 + MINUTE), 2);
	ck_assert_uint_eq(hour(0, T0 + MINUTE), 3);
}
END_TEST

/* What was counted, and when it is looked at: how far back it is seen. */
static const struct {
	int64_t ago_us;
	bool in_minutes, in_hours;
} ages[] = {
	{ 0, true, true },
	{ 59 * MINUTE, true, true },
	{ 60 * MINUTE, false, true },
	{ 23 * HOUR, false, true },
	{ 24 * HOUR, false, false },
	{ 1000 * HOUR, false, false },
};

START_TEST(old_ones_are_forgotten)
{
	int64_t now_us = T0 + ages[_i].ago_us;
	unsigned minutes = 0, hours = 0;

	deliver(T0);
	/* Whether anything is counted later or not. */
	for (int pass = 0; pass < 2; pass++) {
		minutes = hours = 0;
		for (unsigned i = 0; i < STATS_MINUTES; i++)
			minutes += minute(i, now_us);
		for (unsigned i = 0; i < STATS_HOURS; i++)
			hours += hour(i, now_us);
		ck_assert_uint_eq(minutes, ages[_i].in_minutes);
		ck_assert_uint_eq(hours, ages[_i].in_hours);
		stats_add(&st, STATS_FAILED, 1, 0, 0, now_us);
	}
	ck_assert_uint_eq(minute(STATS_MINUTES, now_us), 0);
	ck_assert_uint_eq(hour(STATS_HOURS, now_us), 0);
}
END_TEST

START_TEST(a_clock_that_went_back_counts_where_it_is)
{
	deliver(T0 + 30 * MINUTE);
	deliver(T0);
	ck_assert_uint_eq(minute(30, T0 + 30 * MINUTE), 1);
	ck_assert_uint_eq(minute(0, T0 + 30 * MINUTE), 1);
	/* Too far: not into another one's slot. */
	deliver(T0 - 30 * MINUTE);
	ck_assert_uint_eq(minute(0, T0 + 30 * MINUTE), 1);
	ck_assert_uint_eq(hour(1, T0 + 30 * MINUTE), 1);
	deliver(-5);
	ck_assert_uint_eq(hour(0, T0 + 30 * MINUTE), 2);
}
END_TEST

START_TEST(slots_are_set_as_they_were_read)
{
	struct stats_slot slot = { .count = { [STATS_DELIVERED] = 3 },
		.bytes = 9 };

	stats_set_minute(&st, T0, &slot);
	stats_set_minute(&st, T0 + 2 * MINUTE, &slot);
	stats_set_hour(&st, T0, &slot);
	ck_assert_uint_eq(minute(2, T0 + 2 * MINUTE), 3);
	ck_assert_uint_eq(minute(1, T0 + 2 * MINUTE), 0);
	ck_assert_uint_eq(minute(0, T0 + 2 * MINUTE), 3);
	ck_assert_uint_eq(hour(0, T0 + 2 * MINUTE), 3);
	deliver(T0 + 2 * MINUTE);
	ck_assert_uint_eq(minute(0, T0 + 2 * MINUTE), 4);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("stats");
	TCase *t = tcase_create("stats");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, each_kind_counts_by_itself);
	tcase_add_test(t, a_minute_ends_on_the_minute);
	tcase_add_loop_test(
	    t, old_ones_are_forgotten, 0, sizeof(ages) / sizeof(ages[0]));
	tcase_add_test(t, a_clock_that_went_back_counts_where_it_is);
	tcase_add_test(t, slots_are_set_as_they_were_read);
	suite_add_tcase(s, t);
	return unit_main(s);
}
