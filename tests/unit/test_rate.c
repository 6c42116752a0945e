/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/rate.h"
#include "tests/unit/unit.h"

#define MS ((int64_t)1000)
#define SECOND ((int64_t)1000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
/* No round number: slots begin anywhere. */
#define START ((int64_t)1763770000123456)
#define MANY 30000

/* ---- text ------------------------------------------------------------ */

static const struct {
	const char *text;
	unsigned count; /* 0: is none */
	int64_t window_us;
	const char *again;
} texts[] = {
	{ "14/s", 14, SECOND, "14/s" },
	{ "14/sec", 14, SECOND, "14/s" },
	{ "500/min", 500, MINUTE, "500/min" },
	{ "500/60s", 500, MINUTE, "500/min" },
	{ "500/m", 500, MINUTE, "500/min" },
	{ "100/15min", 100, 15 * MINUTE, "100/15min" },
	{ "1/90s", 1, 90 * SECOND, "1/90s" },
	{ "100/hour", 100, HOUR, "100/h" },
	{ "100/h", 100, HOUR, "100/h" },
	{ "50000/day", 50000, DAY, "50000/day" },
	{ "50000/24h", 50000, DAY, "50000/day" },
	{ "9/2d", 9, 2 * DAY, "9/2day" },
	{ "4294967295/366d", 4294967295u, 366 * DAY, "4294967295/366day" },
	{ "4294967296/s", 0, 0, NULL },
	{ "1/367d", 0, 0, NULL },
	{ "1/99999999999999999999d", 0, 0, NULL },
	{ "0/s", 0, 0, NULL },
	{ "1/0s", 0, 0, NULL },
	{ "-1/s", 0, 0, NULL },
	{ "14", 0, 0, NULL },
	{ "14/", 0, 0, NULL },
	{ "/s", 0, 0, NULL },
	{ "14/week", 0, 0, NULL },
	{ "14/s ", 0, 0, NULL },
	{ "1.5/s", 0, 0, NULL },
	{ "", 0, 0, NULL },
};

START_TEST(rates_are_read_and_written)
{
	struct rate_limit limit = { .count = 7 };
	char buf[64];

	if (texts[_i].count == 0) {
		ck_assert(!rate_parse(texts[_i].text, &limit));
		ck_assert_uint_eq(limit.count, 7);
		return;
	}
	ck_assert(rate_parse(texts[_i].text, &limit));
	ck_assert_uint_eq(limit.count, texts[_i].count);
	ck_assert_int_eq(limit.window_us, texts[_i].window_us);
	rate_format(&limit, buf, sizeof(buf));
	ck_assert_str_eq(buf, texts[_i].again);
}
END_TEST

/* ---- a sender with a clock ------------------------------------------- */

struct sim {
	struct rate_state st;
	struct rate_limit limits[RATE_LIMITS_MAX];
	size_t n;
	unsigned burst;
	int64_t now_us;
	int64_t late_us; /* how late its timer is */
	bool was_set;    /* the clock, back */
	int64_t *sent;   /* when each went */
	size_t nsent;
};

/* The limits are separated by spaces. */
static void
sim_limits(struct sim *s, const char *limits)
{
	char *copy = strdup(limits), *save = NULL, *word;

	s->n = 0;
	for (word = strtok_r(copy, " ", &save); word != NULL;
	     word = strtok_r(NULL, " ", &save))
		ck_assert(rate_parse(word, &s->limits[s->n++]));
	free(copy);
	ck_assert_int_eq(rate_fit(&s->st, s->limits, s->n), 0);
}

static struct sim
sim_new(const char *limits, unsigned burst)
{
	struct sim s = { .burst = burst, .now_us = START };

	s.sent = calloc(MANY, sizeof(*s.sent));
	ck_assert_ptr_nonnull(s.sent);
	sim_limits(&s, limits);
	return s;
}

static void
sim_free(struct sim *s)
{
	free(s->sent);
	rate_release(&s->st);
}

static int64_t
sim_when(const struct sim *s)
{
	return rate_when(&s->st, s->limits, s->n, s->burst, s->now_us);
}

static void
sim_charge(struct sim *s)
{
	ck_assert_uint_lt(s->nsent, MANY);
	rate_charge(&s->st, s->limits, s->n, s->burst, s->now_us);
	s->sent[s->nsent++] = s->now_us;
}

/* With a backlog until UNTIL_US. */
static void
sim_drain(struct sim *s, int64_t until_us)
{
	for (;;) {
		int64_t when_us = sim_when(s);

		if (when_us > s->now_us)
			when_us += s->late_us;
		if (when_us >= until_us)
			break;
		if (when_us > s->now_us)
			s->now_us = when_us;
		/* What it promised holds. */
		if (sim_when(s) <= s->now_us)
			sim_charge(s);
		else
			ck_assert(s->was_set);
	}
	s->now_us = until_us;
}

/* As a restart does. */
static void
sim_restart(struct sim *s)
{
	char *text = rate_save(&s->st, s->limits, s->n);

	ck_assert_ptr_nonnull(text);
	ck_assert_ptr_null(strchr(text, '\n'));
	rate_release(&s->st);
	ck_assert_int_eq(rate_load(&s->st, text, s->limits, s->n), 0);
	free(text);
}

/* The most that any span of WINDOW_US has. */
static size_t
most_in(const struct sim *s, int64_t window_us)
{
	size_t most = 0, first = 0;

	for (size_t i = 0; i < s->nsent; i++) {
		while (s->sent[i] - s->sent[first] >= window_us)
			first++;
		if (i - first + 1 > most)
			most = i - first + 1;
	}
	return most;
}

static void
check_windows(const struct sim *s)
{
	for (size_t i = 0; i < s->n; i++)
		ck_assert_uint_le(
		    most_in(s, s->limits[i].window_us), s->limits[i].count);
}

/* ---- how much gets through ------------------------------------------- */

static const struct {
	const char *limits;
	unsigned burst;
	int64_t late_us;
	int64_t span_us;
	size_t least, most;
} drains[] = {
	{ "10/s", 1, 0, 30 * SECOND, 300, 300 },
	{ "10/s", 1, MS, 30 * SECOND, 294, 300 },
	{ "14/s", 1, MS, 30 * SECOND, 410, 420 },
	{ "1/s", 1, 0, 30 * SECOND, 30, 30 },
	/* A pace that no timer keeps: the window is what counts. */
	{ "500/s", 1, MS, 30 * SECOND, 14500, 15000 },
	{ "100/s", 1, 3 * MS, 30 * SECOND, 2900, 3000 },
	{ "40/s", 1, MS, 30 * SECOND, 1140, 1200 },
	/* Bursts are no gain in the end. */
	{ "10/s", 10, 0, 30 * SECOND, 290, 300 },
	{ "10/s", 4000000000u, 0, 30 * SECOND, 290, 300 },
	/* All of them hold. */
	{ "14/s 500/min", 1, 0, 10 * SECOND, 140, 140 },
	{ "14/s 500/min", 1, 0, 5 * MINUTE, 2450, 2500 },
	{ "500/min 14/s", 1, 0, 5 * MINUTE, 2450, 2500 },
	{ "14/s 500/min 1000/h", 1, 0, HOUR, 1000, 1000 },
	{ "10/s 5/s", 1, 0, 30 * SECOND, 150, 150 },
	{ "3/h", 1, 0, DAY, 72, 72 },
	{ "4294967295/s", 1, 0, 10 * MS, MANY - 1, MANY - 1 },
};

START_TEST(a_backlog_drains_at_the_rate)
{
	struct sim s = sim_new(drains[_i].limits, drains[_i].burst);

	s.late_us = drains[_i].late_us;
	if (drains[_i].most == MANY - 1)
		while (sim_when(&s) <= s.now_us && s.nsent < MANY - 1)
			sim_charge(&s);
	else
		sim_drain(&s, START + drains[_i].span_us);
	ck_assert_uint_ge(s.nsent, drains[_i].least);
	ck_assert_uint_le(s.nsent, drains[_i].most);
	check_windows(&s);
	sim_free(&s);
}
END_TEST

START_TEST(the_shortest_window_spaces)
{
	struct sim s = sim_new("500/min 10/s", 1);

	sim_drain(&s, START + 20 * SECOND);
	for (size_t i = 1; i < s.nsent; i++)
		ck_assert_int_eq(s.sent[i] - s.sent[i - 1], 100 * MS);
	sim_free(&s);
}
END_TEST

START_TEST(a_burst_goes_after_a_rest)
{
	struct sim s = sim_new("10/s", 4);

	sim_drain(&s, START + SECOND / 20);
	ck_assert_uint_eq(s.nsent, 4);
	/* Then evenly. */
	sim_drain(&s, START + SECOND / 2);
	ck_assert_uint_eq(s.nsent, 4 + 4);
	s.now_us += MINUTE;
	sim_drain(&s, s.now_us + 1);
	ck_assert_uint_eq(s.nsent, 4 + 4 + 4);
	check_windows(&s);
	sim_free(&s);
}
END_TEST

/* Arrivals of any kind: lone ones, heaps, rests. */
START_TEST(no_span_of_a_window_has_too_many)
{
	static const char *const sets[] = { "10/s", "7/3s", "14/s 50/10s",
		"3/s 20/min", "200/s 1000/10s", "97/s" };
	struct sim s = sim_new(sets[_i % 6], 1 + (unsigned)_i % 5);

	srandom((unsigned)_i);
	for (int i = 0; i < 1500 && s.nsent < MANY - 50; i++) {
		unsigned n = random() % 8 == 0 ? (unsigned)random() % 40 : 1;

		s.now_us +=
		    random() % (random() % 50 == 0 ? 20 * SECOND : 200 * MS);
		for (; n > 0 && sim_when(&s) <= s.now_us; n--)
			sim_charge(&s);
		if (random() % 100 == 0)
			sim_restart(&s);
	}
	ck_assert_uint_gt(s.nsent, 50);
	check_windows(&s);
	sim_free(&s);
}
END_TEST

/* ---- over a restart -------------------------------------------------- */

START_TEST(a_restart_changes_nothing)
{
	struct sim s = sim_new("10/s 200/min", 1),
		   t = sim_new("10/s 200/min", 1);

	sim_drain(&s, START + 30 * SECOND);
	sim_drain(&t, START + 15 * SECOND);
	sim_restart(&t);
	sim_drain(&t, START + 30 * SECOND);
	ck_assert_uint_eq(s.nsent, t.nsent);
	ck_assert_mem_eq(s.sent, t.sent, s.nsent * sizeof(s.sent[0]));
	sim_free(&s);
	sim_free(&t);
}
END_TEST

START_TEST(nothing_saved_is_nothing_read)
{
	struct sim s = sim_new("10/s 200/min", 1);
	char *text = rate_save(&s.st, s.limits, s.n);

	ck_assert_str_eq(text, "");
	ck_assert_int_eq(rate_load(&s.st, text, s.limits, s.n), 0);
	ck_assert(rate_is_idle(&s.st, s.limits, s.n, START));
	free(text);
	sim_free(&s);
}
END_TEST

static const char *const damaged[] = { "x", "-1", "1 ", "1 2", "1 2 3",
	"1 1000000 3 1", "1 1000000 3 1 0", "1 1000000 3 66",
	"1 1000000 300 1 65 1", "1 1000000 3 1 4 1",
	"1 1000000 3 1 1 4294967296", "99999999999999999999",
	"1 1000000 99999999999999999999 0", "1  1000000 3 0",
	"1 1000000 3 1 0 5 7" };

START_TEST(damaged_text_is_refused)
{
	struct sim s = sim_new("10/s 200/min", 1);

	sim_charge(&s);
	ck_assert_int_eq(rate_load(&s.st, damaged[_i], s.limits, s.n), -EINVAL);
	ck_assert(rate_is_idle(&s.st, s.limits, s.n, START));
	ck_assert_int_le(sim_when(&s), s.now_us);
	sim_free(&s);
}
END_TEST

/* Whatever stands in the file: nobody waits for ever, and no crash. */
START_TEST(absurd_numbers_do_no_harm)
{
	static const char *const absurd[] = {
		"9223372036854775807 1000000 9223372036854775807 2 0 "
		"4294967295 "
		"64 4294967295",
		"1 1000000 0 1 0 4294967295",
		"1 31622400000000 5 2 0 1 0 7",
		"0 1000000 9223372036854775807 0 1000000 7 0",
	};
	struct sim s = sim_new("10/s 200/min", 1);

	ck_assert_int_eq(rate_load(&s.st, absurd[_i], s.limits, s.n), 0);
	ck_assert_int_le(sim_when(&s), s.now_us);
	sim_drain(&s, START + 10 * SECOND);
	ck_assert_uint_eq(s.nsent, 100);
	sim_free(&s);
}
END_TEST

/* ---- other limits ---------------------------------------------------- */

START_TEST(the_same_window_is_remembered)
{
	struct sim s = sim_new("10/s 100/min", 1);

	sim_drain(&s, START + 30 * SECOND);
	ck_assert_uint_eq(s.nsent, 100);
	sim_limits(&s, "20/s 120/min 1000/h");
	ck_assert_uint_eq(rate_used(&s.st, s.limits, 1, s.now_us), 100);
	ck_assert_uint_eq(rate_used(&s.st, s.limits, 2, s.now_us), 0);
	sim_drain(&s, START + 45 * SECOND);
	ck_assert_uint_eq(s.nsent, 120);
	/* Alone, and with a pace: the minute that began is over first. */
	sim_limits(&s, "100/min");
	ck_assert_int_gt(sim_when(&s), START + MINUTE - SECOND);
	sim_limits(&s, "100/2min");
	ck_assert_int_le(sim_when(&s), s.now_us);
	s.n = 0;
	ck_assert_int_eq(rate_fit(&s.st, s.limits, 0), 0);
	ck_assert_int_le(sim_when(&s), s.now_us);
	sim_charge(&s);
	sim_free(&s);
}
END_TEST

START_TEST(a_limit_of_nothing_is_none)
{
	const struct rate_limit none = { .count = 0 };
	struct rate_state st = { .paced_us = 0 };

	ck_assert_int_eq(rate_fit(&st, &none, 1), 0);
	for (int i = 0; i < 1000; i++) {
		ck_assert_int_le(rate_when(&st, &none, 1, 1, START), START);
		rate_charge(&st, &none, 1, 1, START);
	}
	ck_assert(rate_is_idle(&st, &none, 1, START));
	rate_release(&st);
}
END_TEST

START_TEST(idle_when_all_is_over)
{
	struct sim s = sim_new("10/s 100/min", 5);

	ck_assert(rate_is_idle(&s.st, s.limits, s.n, s.now_us));
	sim_charge(&s);
	ck_assert(!rate_is_idle(&s.st, s.limits, s.n, s.now_us));
	s.now_us += 59 * SECOND;
	ck_assert(!rate_is_idle(&s.st, s.limits, s.n, s.now_us));
	s.now_us += 3 * SECOND;
	ck_assert(rate_is_idle(&s.st, s.limits, s.n, s.now_us));
	sim_free(&s);
}
END_TEST

/* ---- a clock that is set --------------------------------------------- */

static const struct {
	int64_t back_us;
	int64_t most_us; /* that it may wait */
} steps[] = {
	{ 10 * MS, 200 * MS },
	{ SECOND, 2 * SECOND + 100 * MS },
	{ 30 * SECOND, 100 * MS },
	{ HOUR, 100 * MS },
	{ 50 * 365 * DAY, 100 * MS },
};

START_TEST(a_clock_set_back_does_not_block)
{
	struct sim s = sim_new("10/s", 1 + 9 * ((unsigned)_i / 5));

	sim_drain(&s, START + 10 * SECOND);
	s.now_us -= steps[_i % 5].back_us;
	s.was_set = true;
	ck_assert_int_le(sim_when(&s), s.now_us + steps[_i % 5].most_us);
	s.nsent = 0;
	sim_drain(&s, s.now_us + 32 * SECOND);
	ck_assert_uint_ge(s.nsent, 290);
	sim_free(&s);
}
END_TEST

START_TEST(a_clock_set_ahead_forgets)
{
	struct sim s = sim_new("10/s 10/day", 1);

	sim_drain(&s, START + MINUTE);
	ck_assert_uint_eq(s.nsent, 10);
	s.now_us += 400 * DAY;
	sim_drain(&s, s.now_us + MINUTE);
	ck_assert_uint_eq(s.nsent, 20);
	sim_free(&s);
}
END_TEST

/* Charged though it was not allowed: remembered by the window. */
START_TEST(what_goes_anyway_is_counted)
{
	struct sim s = sim_new("10/s 100/min", 1);

	for (int i = 0; i < 150; i++)
		sim_charge(&s);
	ck_assert_int_ge(sim_when(&s), START + MINUTE);
	ck_assert_int_le(sim_when(&s), START + MINUTE + 2 * SECOND);
	ck_assert_uint_eq(rate_used(&s.st, s.limits, 1, s.now_us), 150);
	sim_free(&s);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

int
main(void)
{
	Suite *s = suite_create("rate");
	TCase *tc = tcase_create("text");

	tcase_add_loop_test(tc, rates_are_read_and_written, 0, ROWS(texts));
	tcase_add_test(tc, nothing_saved_is_nothing_read);
	tcase_add_loop_test(tc, damaged_text_is_refused, 0, ROWS(damaged));
	tcase_add_loop_test(tc, absurd_numbers_do_no_harm, 0, 4);
	suite_add_tcase(s, tc);

	tc = tcase_create("limits");
	tcase_add_loop_test(tc, a_backlog_drains_at_the_rate, 0, ROWS(drains));
	tcase_add_test(tc, the_shortest_window_spaces);
	tcase_add_test(tc, a_burst_goes_after_a_rest);
	tcase_add_loop_test(tc, no_span_of_a_window_has_too_many, 0, 30);
	tcase_add_test(tc, a_restart_changes_nothing);
	tcase_add_test(tc, the_same_window_is_remembered);
	tcase_add_test(tc, a_limit_of_nothing_is_none);
	tcase_add_test(tc, idle_when_all_is_over);
	tcase_add_loop_test(
	    tc, a_clock_set_back_does_not_block, 0, 2 * ROWS(steps));
	tcase_add_test(tc, a_clock_set_ahead_forgets);
	tcase_add_test(tc, what_goes_anyway_is_counted);
	suite_add_tcase(s, tc);
	return unit_main(s);
}
