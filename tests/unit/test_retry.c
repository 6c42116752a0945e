/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <stdio.h>

#include "spoold/retry.h"
#include "tests/unit/unit.h"

#define SECOND ((int64_t)1000000)
#define MINUTE (60 * SECOND)

#define HOUR (60 * MINUTE)

/* Those of a default, of users, and of careless ones. */
static const struct retry_config linear = { .kind = RETRY_LINEAR };
static const struct retry_config doubling = {
	.kind = RETRY_EXPONENTIAL,
	.steps_s = { 60, 4 * 3600 },
	.nsteps = 2,
};
static const struct retry_config steep = {
	.kind = RETRY_EXPONENTIAL,
	.steps_s = { 4000000000u, 4294967295u },
	.nsteps = 2,
};
static const struct retry_config backwards = {
	.kind = RETRY_EXPONENTIAL,
	.steps_s = { 600, 60 },
	.nsteps = 2,
};
static const struct retry_config list = {
	.kind = RETRY_LIST,
	.steps_s = { 60, 7200, 300 },
	.nsteps = 3,
};
static const struct retry_config empty = { .kind = RETRY_LIST };
static const struct retry_config zeros = {
	.kind = RETRY_EXPONENTIAL,
};

static const struct {
	const struct retry_config *retry;
	unsigned tries;
	int64_t want_us;
} waits[] = {
	{ &linear, 0, MINUTE }, { &linear, 1, MINUTE },
	{ &linear, 2, 2 * MINUTE }, { &linear, 30, 30 * MINUTE },
	{ &linear, 31, 30 * MINUTE }, { &linear, 4000000000u, 30 * MINUTE },
	{ &doubling, 0, MINUTE }, { &doubling, 1, MINUTE },
	{ &doubling, 2, 2 * MINUTE }, { &doubling, 5, 16 * MINUTE },
	{ &doubling, 8, 128 * MINUTE }, { &doubling, 9, 4 * HOUR },
	{ &doubling, 4000000000u, 4 * HOUR },
	{ &steep, 1, 4000000000 * SECOND }, { &steep, 2, 4294967295 * SECOND },
	{ &backwards, 1, MINUTE }, { &list, 0, MINUTE }, { &list, 1, MINUTE },
	{ &list, 2, 2 * HOUR }, { &list, 3, 5 * MINUTE },
	{ &list, 4, 5 * MINUTE }, { &list, 4000000000u, 5 * MINUTE },
	{ &empty, 3, 3 * MINUTE }, { &zeros, 3, SECOND }, /* never in a hurry */
};

START_TEST(waits_are_as_configured)
{
	ck_assert_int_eq(
	    retry_wait_us(waits[_i].retry, waits[_i].tries), waits[_i].want_us);
}
END_TEST

static const struct {
	const struct retry_config *retry;
	int64_t max_us;
} longest[] = {
	{ &linear, RETRY_WAIT_MAX_US },
	{ &doubling, 4 * HOUR + 24 * MINUTE },
	{ &backwards, MINUTE + 6 * SECOND },
	{ &list, 2 * HOUR + 12 * MINUTE },
	{ &empty, RETRY_WAIT_MAX_US },
	{ &zeros, SECOND + SECOND / 10 },
};

/* Some moment of today. */
#define NOW_US INT64_C(1763770000123456)

START_TEST(wait_has_at_most_a_tenth_of_jitter)
{
	const struct retry_config *retry = longest[_i].retry;
	char id[16];

	ck_assert_int_eq(retry_wait_max_us(retry), longest[_i].max_us);
	for (unsigned tries = 0; tries < 50; tries++)
		for (unsigned i = 0; i < 100; i++) {
			int64_t least = retry_wait_us(retry, tries), us;

			(void)snprintf(id, sizeof(id), "32A5B31E%02X", i);
			us = retry_next_us(retry, id, tries, NOW_US) - NOW_US;
			ck_assert_int_ge(us, least);
			ck_assert_int_le(us, least + least / 10);
			ck_assert_int_le(us, longest[_i].max_us);
		}
}
END_TEST

/* Those that failed together are evenly spread over the tenth. */
START_TEST(messages_come_back_apart)
{
	unsigned in[6] = { 0 };
	char id[16];

	for (unsigned i = 0; i < 600; i++) {
		int64_t late_us;

		(void)snprintf(id, sizeof(id), "32A5B3%04X", i);
		late_us =
		    retry_next_us(&linear, id, 1, NOW_US) - NOW_US - MINUTE;
		in[late_us / SECOND]++;
	}
	for (unsigned s = 0; s < 6; s++)
		ck_assert_uint_ge(in[s], 60);
}
END_TEST

/* Within a tenth of the wait, there are two moments at most. */
START_TEST(recipients_come_back_together)
{
	const int64_t first_us =
	    retry_next_us(&linear, "32A5B31E94", 1, NOW_US);
	int64_t last_us = first_us;

	for (int64_t us = 0; us < 6 * SECOND; us += 10007) {
		last_us = retry_next_us(&linear, "32A5B31E94", 1, NOW_US + us);
		ck_assert(
		    last_us == first_us || last_us == first_us + 6 * SECOND);
	}
	ck_assert_int_eq(last_us, first_us + 6 * SECOND);
}
END_TEST

static const struct {
	uint16_t attempts; /* so far */
	uint16_t tries;    /* so far */
	int64_t age_us;
	int64_t expires_us; /* after it was seen; 0: never */
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
	/* Its own end counts at once. */
	{ .age_us = 600 * SECOND,
	    .expires_us = 600 * SECOND,
	    .counts = false,
	    .want = true },
	{ .age_us = 599 * SECOND,
	    .expires_us = 600 * SECOND,
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

	int64_t expires_us =
	    ends[_i].expires_us != 0 ? m.seen_us + ends[_i].expires_us : 0;

	ck_assert_int_eq(retry_gives_up(&cfg, &m, &r, ends[_i].counts,
			     expires_us, m.seen_us + ends[_i].age_us),
	    ends[_i].want);
}
END_TEST

static const struct {
	bool down;
	int64_t down_for_us, age_us;
	int64_t left_us; /* of its own time; 0: it has all */
	bool want;
} untried[] = {
	{ true, 61 * MINUTE, 61 * MINUTE, 0, true },
	{ true, 59 * MINUTE, 61 * MINUTE, 0, false },
	{ true, 61 * MINUTE, 59 * MINUTE, 0, false },
	{ false, 61 * MINUTE, 61 * MINUTE, 0, false },
	{ false, 0, 10 * MINUTE, -1, true },
	{ true, MINUTE, 10 * MINUTE, -MINUTE, true },
	{ false, 0, 10 * MINUTE, 1, false },
};

START_TEST(the_untried_expires)
{
	const struct config cfg = { .lifetime_s = 3600 };
	const int64_t now_us = 100000 * MINUTE;
	const struct message m = { .seen_us = now_us - untried[_i].age_us };
	const struct relay_state relay = { .down = untried[_i].down,
		.since_us = now_us - untried[_i].down_for_us };

	int64_t expires_us =
	    untried[_i].left_us != 0 ? now_us + untried[_i].left_us : 0;

	ck_assert_int_eq(retry_expires(&cfg, &m, &relay, expires_us, now_us),
	    untried[_i].want);
}
END_TEST

/* Whether it is the login, and the rests in seconds. */
static const struct {
	bool is_login;
	int rests_s[8];
} probes[] = {
	{ false, { 1, 2, 4, 8, 10, 10, 10, 10 } },
	{ true, { 10, 20, 40, 80, 160, 320, 600, 600 } },
};

START_TEST(probes_rest_longer_up_to_a_limit)
{
	int64_t rest_us = 0;

	for (size_t i = 0; i < 8; i++) {
		rest_us = retry_probe_us(rest_us, probes[_i].is_login);
		ck_assert_int_eq(
		    rest_us, (int64_t)probes[_i].rests_s[i] * 1000000);
	}
	/* From one kind of trouble to the other. */
	ck_assert_int_eq(retry_probe_us(1000000, true), 10000000);
	ck_assert_int_eq(retry_probe_us(600000000, false), 10000000);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("retry");
	TCase *t = tcase_create("retry");

	tcase_add_loop_test(
	    t, waits_are_as_configured, 0, sizeof(waits) / sizeof(waits[0]));
	tcase_add_loop_test(t, wait_has_at_most_a_tenth_of_jitter, 0,
	    sizeof(longest) / sizeof(longest[0]));
	tcase_add_test(t, messages_come_back_apart);
	tcase_add_test(t, recipients_come_back_together);
	tcase_add_loop_test(t, gives_up_by_attempts_or_lifetime, 0,
	    sizeof(ends) / sizeof(ends[0]));
	tcase_add_loop_test(
	    t, the_untried_expires, 0, sizeof(untried) / sizeof(untried[0]));
	tcase_add_loop_test(t, probes_rest_longer_up_to_a_limit, 0, 2);
	suite_add_tcase(s, t);
	return unit_main(s);
}
