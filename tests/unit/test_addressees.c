/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* How many reports an address gets, on a clock of the test's own. */

#include "config.h"

#include <stdio.h>

#include "spoold/addressees.h"
#include "tests/unit/unit.h"

#define SECOND ((int64_t)1000000)
#define BEGIN (1763770000 * SECOND)

static struct addressees *as;
static const struct rate_limit three = { 3, 3600 * SECOND };
static const struct rate_limit none = { 0, 0 };

static void
setup(void)
{
	as = addressees_new();
	ck_assert_ptr_nonnull(as);
}

static void
teardown(void)
{
	addressees_free(as);
}

/* How many of N reports may go TO at NOW_US. */
static unsigned
allowed(
    const struct rate_limit *limit, const char *to, unsigned n, int64_t now_us)
{
	unsigned sum = 0;

	while (n-- > 0)
		sum += addressees_allow(as, limit, to, now_us);
	return sum;
}

START_TEST(the_count_may_go_at_once)
{
	ck_assert_uint_eq(allowed(&three, "a@x.test", 10, BEGIN), 3);
	ck_assert_uint_eq(
	    allowed(&three, "a@x.test", 10, BEGIN + 1800 * SECOND), 0);
	/* A slot more than the window, at most. */
	ck_assert_uint_eq(
	    allowed(&three, "a@x.test", 10, BEGIN + 3700 * SECOND), 3);
}
END_TEST

START_TEST(each_address_counts_for_itself)
{
	ck_assert_uint_eq(allowed(&three, "a@x.test", 5, BEGIN), 3);
	ck_assert_uint_eq(allowed(&three, "b@x.test", 2, BEGIN), 2);
	ck_assert_uint_eq(allowed(&three, "B@X.TEST", 2, BEGIN), 1);
}
END_TEST

START_TEST(no_window_ever_has_more)
{
	int64_t sent[64];
	unsigned n = 0;

	for (int64_t at = 0; at < 20000; at += 97)
		if (addressees_allow(as, &three, "a@x", BEGIN + at * SECOND) &&
		    n < 64)
			sent[n++] = at;
	ck_assert_uint_ge(n, 12);
	for (unsigned i = 3; i < n; i++)
		ck_assert_int_gt(sent[i] - sent[i - 3], 3599);
}
END_TEST

START_TEST(without_a_limit_all_may_go)
{
	ck_assert_uint_eq(allowed(&none, "a@x.test", 1000, BEGIN), 1000);
}
END_TEST

START_TEST(another_limit_begins_anew)
{
	static const struct rate_limit five = { 5, 3600 * SECOND };

	ck_assert_uint_eq(allowed(&three, "a@x.test", 9, BEGIN), 3);
	ck_assert_uint_eq(allowed(&five, "a@x.test", 9, BEGIN + 1), 5);
}
END_TEST

/* Under the sanitizers: who is forgotten is freed, and only once. */
START_TEST(many_come_and_go)
{
	char to[32];

	for (int i = 0; i < 5000; i++) {
		(void)snprintf(to, sizeof(to), "u%d@x.test", i % 1700);
		ck_assert(addressees_allow(
		    as, &three, to, BEGIN + i * (int64_t)40 * SECOND));
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("addressees");
	TCase *t = tcase_create("addressees");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, the_count_may_go_at_once);
	tcase_add_test(t, each_address_counts_for_itself);
	tcase_add_test(t, no_window_ever_has_more);
	tcase_add_test(t, without_a_limit_all_may_go);
	tcase_add_test(t, another_limit_begins_anew);
	tcase_add_test(t, many_come_and_go);
	suite_add_tcase(s, t);
	return unit_main(s);
}
