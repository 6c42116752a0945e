/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <check.h>
#include <stdlib.h>

#include "spoolq/progress.h"
#include "tests/unit/unit.h"

static const struct {
	struct progress_state state;
	size_t columns;
	const char *want;
} bars[] = {
	{ { .all = 2 }, 79,
	    "[--------------------] 0 of 2 have left, 2 to go" },
	{ { .all = 2, .left = 1 }, 79,
	    "[##########----------] 1 of 2 has left, 1 to go" },
	{ { .all = 3, .left = 1, .failed = 2 }, 79,
	    "[####################] 1 of 3 has left, 2 failed" },
	{ { .all = 1000, .left = 999, .put_off = 1, .text = "450 busy" }, 79,
	    "[###################-] 999 of 1000 have left, 1 to go, "
	    "1 put off: 450 busy" },
	{ { .all = 0 }, 79, "[####################] 0 of 0 have left" },
	/* A narrow terminal has room for words only, and not for all. */
	{ { .all = 2 }, 49, "0 of 2 have left, 2 to go" },
	{ { .all = 2 }, 20, "0 of 2 have left, 2…" },
	{ { .all = 2 }, 50,
	    "[--------------------] 0 of 2 have left, 2 to go" },
	/* What a server says is harmless. */
	{ { .all = 1, .put_off = 1, .text = "4\33[2J\n" }, 90,
	    "[--------------------] 0 of 1 have left, 1 to go, 1 put off: "
	    "4\\x1B[2J\\x0A" },
};

START_TEST(a_bar_is_as_wanted)
{
	char *got;
	size_t len;
	FILE *out = open_memstream(&got, &len);

	progress_put_bar(out, &bars[_i].state, bars[_i].columns);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_str_eq(got, bars[_i].want);
	free(got);
}
END_TEST

/* What is shown on a terminal so wide, or elsewhere, of these in turn. */
static char *
shown(size_t columns, size_t n, const struct progress_state *states,
    const int64_t *times_ms)
{
	struct progress p = { .is_bar = false };
	char *got;
	size_t len;
	FILE *out = open_memstream(&got, &len);

	for (size_t i = 0; i < n; i++)
		progress_show(&p, out, columns, &states[i], times_ms[i]);
	progress_clear(&p, out);
	progress_clear(&p, out);
	ck_assert_int_eq(fclose(out), 0);
	return got;
}

static const struct progress_state states[] = {
	{ .all = 100 }, { .all = 100 }, /* nothing new */
	{ .all = 100, .left = 9 },      /* not a tenth */
	{ .all = 100, .left = 10 },     /* one */
	{ .all = 100, .left = 11 },
	{ .all = 100, .left = 11 },             /* long after, nothing new */
	{ .all = 100, .left = 11, .texts = 1 }, /* long after */
};
static const int64_t times_ms[] = { 1, 40000, 40001, 40002, 40003, 40004,
	70002 };

#define NSTATES (sizeof(states) / sizeof(states[0]))

START_TEST(elsewhere_there_is_a_line_now_and_then)
{
	char *got = shown(0, NSTATES, states, times_ms);

	ck_assert_str_eq(got,
	    "0 of 100 have left, 100 to go\n"
	    "9 of 100 have left, 91 to go\n"
	    "11 of 100 have left, 89 to go\n");
	free(got);
}
END_TEST

START_TEST(a_tenth_is_a_line)
{
	static const int64_t at_once[NSTATES] = { 0 };
	char *got = shown(0, NSTATES, states, at_once);

	ck_assert_str_eq(got,
	    "0 of 100 have left, 100 to go\n"
	    "10 of 100 have left, 90 to go\n");
	free(got);
}
END_TEST

START_TEST(a_bar_is_drawn_anew_if_there_is_something)
{
	char *got = shown(30, 3, states, times_ms);

	ck_assert_str_eq(got,
	    "\r\33[K0 of 100 have left, 100 to go"
	    "\r\33[K9 of 100 have left, 91 to go"
	    "\r\33[K");
	free(got);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("spoolq_progress");
	TCase *tc = tcase_create("progress");

	tcase_add_loop_test(
	    tc, a_bar_is_as_wanted, 0, (int)(sizeof(bars) / sizeof(bars[0])));
	tcase_add_test(tc, elsewhere_there_is_a_line_now_and_then);
	tcase_add_test(tc, a_tenth_is_a_line);
	tcase_add_test(tc, a_bar_is_drawn_anew_if_there_is_something);
	suite_add_tcase(s, tc);
	return unit_main(s);
}
