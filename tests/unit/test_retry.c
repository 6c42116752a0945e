/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include "spoold/retry.h"
#include "tests/unit/unit.h"

#define SECOND ((int64_t)1000000)
#define MINUTE (60 * SECOND)

static const struct {
	unsigned tries;
	uint32_t random;
	int64_t want_us;
} waits[] = {
	{ 1, 0, MINUTE }, { 2, 0, 2 * MINUTE }, { 30, 0, 30 * MINUTE },
	{ 31, 0, 30 * MINUTE }, { 4000000000u, 0, 30 * MINUTE },
	{ 1, 512, MINUTE + MINUTE / 20 },
	{ 10, 1024, 10 * MINUTE }, /* any number will do */
};

START_TEST(wait_grows_to_half_an_hour)
{
	ck_assert_int_eq(retry_wait_us(waits[_i].tries, waits[_i].random),
	    waits[_i].want_us);
}
END_TEST

START_TEST(wait_has_at_most_a_tenth_of_jitter)
{
	for (uint32_t random = 0; random < 3000; random++) {
		int64_t us = retry_wait_us(30, random);

		ck_assert_int_ge(us, 30 * MINUTE);
		ck_assert_int_le(us, RETRY_WAIT_MAX_US);
	}
}
END_TEST

static const struct {
	unsigned attempts; /* so far */
	unsigned tries;    /* so far */
	int64_t age_us;
	bool counts;
	bool want;
} ends[] = {
	{ .attempts = 0, .age_us = 0, .counts = true, .want = false },
	{ .attempts = 98, .age_us = 0, .counts = true, .want = false },
	{ .attempts = 99, .age_us = 0, .counts = true, .want = true },
	/* Trouble with the relay never uses attempts up … */
	{ .attempts = 99, .age_us = 0, .counts = false, .want = false },
	/* … but nothing outlives its lifetime. */
	{ .attempts = 0,
	    .tries = 9,
	    .age_us = 3599 * SECOND,
	    .counts = false,
	    .want = false },
	{ .attempts = 0,
	    .tries = 9,
	    .age_us = 3600 * SECOND,
	    .counts = false,
	    .want = true },
	/* A clock that was set: one answer alone does not end it. */
	{ .attempts = 0,
	    .tries = 1,
	    .age_us = 3600 * SECOND,
	    .counts = true,
	    .want = false },
	/* A clock that went back. */
	{ .attempts = 0,
	    .age_us = -3600 * SECOND,
	    .counts = true,
	    .want = false },
};

START_TEST(gives_up_by_attempts_or_lifetime)
{
	const struct config cfg = { .attempts = 100, .lifetime_s = 3600 };
	const struct message m = { .seen_us = 1000 * MINUTE };
	const struct qrcpt r = { .attempts = ends[_i].attempts,
		.tries = ends[_i].tries };

	ck_assert_int_eq(retry_gives_up(&cfg, &m, &r, ends[_i].counts,
			     m.seen_us + ends[_i].age_us),
	    ends[_i].want);
}
END_TEST

static const struct {
	bool down;
	int64_t down_for_us, age_us;
	bool want;
} untried[] = {
	{ true, 61 * MINUTE, 61 * MINUTE, true },
	{ true, 59 * MINUTE, 61 * MINUTE, false },
	{ true, 61 * MINUTE, 59 * MINUTE, false },
	{ false, 61 * MINUTE, 61 * MINUTE, false },
};

START_TEST(the_untried_expires_after_an_hour_of_trouble)
{
	const struct config cfg = { .lifetime_s = 3600 };
	const int64_t now_us = 100000 * MINUTE;
	const struct message m = { .seen_us = now_us - untried[_i].age_us };
	const struct relay_state relay = { .down = untried[_i].down,
		.since_us = now_us - untried[_i].down_for_us };

	ck_assert_int_eq(
	    retry_expires(&cfg, &m, &relay, now_us), untried[_i].want);
}
END_TEST

START_TEST(probes_rest_longer_up_to_a_minute)
{
	static const int64_t want[] = { 1, 2, 4, 8, 16, 32, 60, 60, 60 };
	int64_t rest_us = 0;

	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		rest_us = retry_probe_us(rest_us);
		ck_assert_int_eq(rest_us, want[i] * SECOND);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("retry");
	TCase *t = tcase_create("retry");

	tcase_add_loop_test(
	    t, wait_grows_to_half_an_hour, 0, sizeof(waits) / sizeof(waits[0]));
	tcase_add_test(t, wait_has_at_most_a_tenth_of_jitter);
	tcase_add_loop_test(t, gives_up_by_attempts_or_lifetime, 0,
	    sizeof(ends) / sizeof(ends[0]));
	tcase_add_loop_test(t, the_untried_expires_after_an_hour_of_trouble, 0,
	    sizeof(untried) / sizeof(untried[0]));
	tcase_add_test(t, probes_rest_longer_up_to_a_minute);
	suite_add_tcase(s, t);
	return unit_main(s);
}
