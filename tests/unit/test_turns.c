/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/turns.h"
#include "tests/unit/unit.h"

#define SIZE 2000

static struct turns ts;
static struct turn items[SIZE];

static void
setup(void)
{
	turns_init(&ts);
	for (size_t i = 0; i < SIZE; i++)
		items[i] = (struct turn){ .flow = NULL };
}

static void
teardown(void)
{
	turns_release(&ts);
	ck_assert_uint_eq(ts.count, 0);
	ck_assert_ptr_null(turns_first(&ts));
}

static void
add(size_t i, uint64_t key)
{
	ck_assert_int_eq(turns_add(&ts, &items[i], key), 0);
}

/* Serve whose turn it is; its number, -1 if nobody's. */
static int
serve(void)
{
	struct turn *t = turns_first(&ts);

	if (t == NULL)
		return -1;
	turns_serve(&ts, t);
	ck_assert_ptr_null(t->flow);
	return (int)(t - items);
}

START_TEST(nothing_is_nobodys_turn)
{
	ck_assert_int_eq(serve(), -1);
	ck_assert_int_eq(turns_wake(&ts, 1), 0);
	turns_remove(&ts, &items[0]);
	ck_assert_uint_eq(ts.count, 0);
}
END_TEST

START_TEST(one_of_a_sender_is_before_the_thousand_of_another)
{
	for (size_t i = 0; i < 1000; i++)
		add(i, 7);
	add(1000, 8);
	ck_assert_uint_eq(ts.count, 1001);
	ck_assert_int_eq(serve(), 0);
	ck_assert_int_eq(serve(), 1000);
	for (int i = 1; i < 1000; i++)
		ck_assert_int_eq(serve(), i);
	ck_assert_int_eq(serve(), -1);
	ck_assert_uint_eq(ts.count, 0);
}
END_TEST

START_TEST(senders_alternate)
{
	static const int want[] = { 0, 10, 20, 1, 11, 21, 2, 12, 3 };

	for (size_t i = 0; i < 4; i++)
		add(i, 100);
	for (size_t i = 10; i < 13; i++)
		add(i, 3);
	for (size_t i = 20; i < 22; i++)
		add(i, UINT64_MAX);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		ck_assert_int_eq(serve(), want[i]);
	ck_assert_int_eq(serve(), -1);
}
END_TEST

/* Who comes back at once is behind those who waited. */
START_TEST(who_comes_again_is_last)
{
	add(0, 1);
	add(1, 2);
	add(2, 3);
	ck_assert_int_eq(serve(), 0);
	add(0, 1);
	ck_assert_int_eq(serve(), 1);
	ck_assert_int_eq(serve(), 2);
	ck_assert_int_eq(serve(), 0);
}
END_TEST

START_TEST(looking_changes_nothing)
{
	add(0, 1);
	add(1, 2);
	ck_assert_ptr_eq(turns_first(&ts), &items[0]);
	ck_assert_ptr_eq(turns_first(&ts), &items[0]);
	ck_assert_uint_eq(ts.count, 2);
}
END_TEST

START_TEST(a_blocked_sender_holds_up_nobody)
{
	add(0, 1);
	add(1, 1);
	add(2, 2);
	turns_block(&ts, turns_first(&ts), 500);
	ck_assert_int_eq(serve(), 2);
	ck_assert_ptr_null(turns_first(&ts));
	ck_assert_uint_eq(ts.count, 2);
	/* More for it does not free it. */
	add(3, 1);
	ck_assert_ptr_null(turns_first(&ts));
	ck_assert_int_eq(turns_wake(&ts, 499), 500);
	ck_assert_ptr_null(turns_first(&ts));
	ck_assert_int_eq(turns_wake(&ts, 500), 0);
	ck_assert_int_eq(serve(), 0);
	ck_assert_int_eq(serve(), 1);
	ck_assert_int_eq(serve(), 3);
}
END_TEST

START_TEST(waking_goes_by_time)
{
	add(0, 1);
	add(1, 2);
	add(2, 3);
	turns_block(&ts, &items[0], 300);
	turns_block(&ts, &items[1], 100);
	turns_block(&ts, &items[2], 100);
	/* Again, for longer. */
	turns_block(&ts, &items[2], 200);
	ck_assert_int_eq(turns_wake(&ts, 99), 100);
	ck_assert_int_eq(turns_wake(&ts, 100), 200);
	ck_assert_int_eq(serve(), 1);
	ck_assert_int_eq(serve(), -1);
	ck_assert_int_eq(turns_wake(&ts, 1000), 0);
	ck_assert_int_eq(serve(), 2);
	ck_assert_int_eq(serve(), 0);
}
END_TEST

START_TEST(times_of_no_use_do_no_harm)
{
	add(0, 1);
	turns_block(&ts, &items[0], 0);
	ck_assert_ptr_null(turns_first(&ts));
	ck_assert_int_eq(turns_wake(&ts, 1), 0);
	turns_block(&ts, &items[0], -5);
	ck_assert_int_eq(turns_wake(&ts, 1), 0);
	ck_assert_int_eq(serve(), 0);
	turns_block(&ts, &items[0], 100); /* stands nowhere */
	ck_assert_int_eq(turns_wake(&ts, 1), 0);
}
END_TEST

/* First, middle, last, blocked, the only one. */
START_TEST(removal_is_possible_anywhere)
{
	for (size_t i = 0; i < 5; i++)
		add(i, 1);
	add(5, 2);
	add(6, 3);
	turns_block(&ts, &items[5], 50);
	turns_remove(&ts, &items[0]);
	turns_remove(&ts, &items[2]);
	turns_remove(&ts, &items[4]);
	turns_remove(&ts, &items[5]);
	turns_remove(&ts, &items[5]);
	ck_assert_int_eq(turns_wake(&ts, 0), 0);
	ck_assert_uint_eq(ts.count, 3);
	ck_assert_int_eq(serve(), 1);
	ck_assert_int_eq(serve(), 6);
	ck_assert_int_eq(serve(), 3);
	ck_assert_int_eq(serve(), -1);
	/* The line is new: nothing blocks it any more. */
	add(5, 2);
	ck_assert_int_eq(serve(), 5);
}
END_TEST

/* Against a count of what stands where. */
START_TEST(anything_in_any_order_stays_consistent)
{
	size_t standing = 0;
	int64_t now_us = 1;

	srandom((unsigned)_i);
	for (int step = 0; step < 20000; step++) {
		struct turn *t = &items[random() % SIZE];

		now_us += random() % 3;
		switch (random() % 6) {
		case 0:
		case 1:
			if (t->flow != NULL)
				break;
			add((size_t)(t - items), (uint64_t)random() % 40);
			standing++;
			break;
		case 2:
			standing -= t->flow != NULL;
			turns_remove(&ts, t);
			break;
		case 3:
			turns_block(&ts, t, now_us + random() % 100);
			break;
		case 4:
			standing -= serve() >= 0;
			break;
		default:
			turns_wake(&ts, now_us);
		}
		ck_assert_uint_eq(ts.count, standing);
	}
	turns_wake(&ts, INT64_MAX);
	while (serve() >= 0)
		standing--;
	ck_assert_uint_eq(standing, 0);
	ck_assert(RB_EMPTY(&ts.keys));
	ck_assert(RB_EMPTY(&ts.ends));
	ck_assert(TAILQ_EMPTY(&ts.round));
}
END_TEST

/* Lines with something in them are freed all the same (teardown). */
START_TEST(release_frees_what_stands)
{
	for (size_t i = 0; i < 100; i++)
		add(i, i % 10);
	turns_block(&ts, &items[3], 100);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("turns");
	TCase *tc = tcase_create("turns");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, nothing_is_nobodys_turn);
	tcase_add_test(tc, one_of_a_sender_is_before_the_thousand_of_another);
	tcase_add_test(tc, senders_alternate);
	tcase_add_test(tc, who_comes_again_is_last);
	tcase_add_test(tc, looking_changes_nothing);
	tcase_add_test(tc, a_blocked_sender_holds_up_nobody);
	tcase_add_test(tc, waking_goes_by_time);
	tcase_add_test(tc, times_of_no_use_do_no_harm);
	tcase_add_test(tc, removal_is_possible_anywhere);
	tcase_add_loop_test(tc, anything_in_any_order_stays_consistent, 0, 5);
	tcase_add_test(tc, release_frees_what_stands);
	suite_add_tcase(s, tc);
	return unit_main(s);
}
