/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* text: nothing that steers a terminal, a log or JSON gets through. */

#include "config.h"

#include "lib/text.h"
#include "unit.h"

#define PLENTY 1000

/* LEN 0: the text ends at its NUL. */
static const struct {
	const char *text;
	size_t len;
	size_t max;
	const char *want;
} rows[] = {
	{ "", 0, PLENTY, "" },
	{ "250 2.0.0 Ok: queued", 0, PLENTY, "250 2.0.0 Ok: queued" },
	{ "back\\slash \"q\" {}", 0, PLENTY, "back\\slash \"q\" {}" },
	/* controls */
	{ "a\tb\r\nc", 0, PLENTY, "a\\x09b\\x0D\\x0Ac" },
	{ "\x1b[31mred", 0, PLENTY, "\\x1B[31mred" },
	{ "a\0b", 3, PLENTY, "a\\x00b" },
	{ "\x7f", 0, PLENTY, "\\x7F" },
	{ "\xc2\x80|\xc2\x9b|\xc2\x9f", 0, PLENTY, "\\u{80}|\\u{9B}|\\u{9F}" },
	{ "\xc2\x85", 0, PLENTY, "\\u{85}" },
	{ "\xc2\xa0", 0, PLENTY, "\xc2\xa0" },
	/* valid UTF-8, and the ends of its ranges */
	{ "J\xc3\xb6rg \xe2\x82\xac \xf0\x9f\x93\xac", 0, PLENTY,
	    "J\xc3\xb6rg \xe2\x82\xac \xf0\x9f\x93\xac" },
	{ "\xdf\xbf\xe0\xa0\x80\xef\xbf\xbd", 0, PLENTY,
	    "\xdf\xbf\xe0\xa0\x80\xef\xbf\xbd" },
	{ "\xed\x9f\xbf\xee\x80\x80", 0, PLENTY, "\xed\x9f\xbf\xee\x80\x80" },
	{ "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 0, PLENTY,
	    "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf" },
	/* bidirectional controls, separators */
	{ "a\xe2\x80\xae"
	  "b",
	    0, PLENTY, "a\\u{202E}b" },
	{ "\xe2\x80\xaa\xe2\x80\xab\xe2\x80\xac\xe2\x80\xad", 0, PLENTY,
	    "\\u{202A}\\u{202B}\\u{202C}\\u{202D}" },
	{ "\xe2\x81\xa6\xe2\x81\xa7\xe2\x81\xa8\xe2\x81\xa9", 0, PLENTY,
	    "\\u{2066}\\u{2067}\\u{2068}\\u{2069}" },
	{ "\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c", 0, PLENTY,
	    "\\u{200E}\\u{200F}\\u{61C}" },
	{ "\xe2\x80\xa8\xe2\x80\xa9", 0, PLENTY, "\\u{2028}\\u{2029}" },
	/* invisible */
	{ "a\xe2\x80\x8b"
	  "b\xef\xbb\xbf\xe1\xa0\x8e",
	    0, PLENTY, "a\\u{200B}b\\u{FEFF}\\u{180E}" },
	{ "\xe2\x81\xa0\xe2\x81\xa4", 0, PLENTY, "\\u{2060}\\u{2064}" },
	{ "\xf3\xa0\x80\x80\xf3\xa0\x81\xbf\xf3\xa0\x82\x80", 0, PLENTY,
	    "\\u{E0000}\\u{E007F}\xf3\xa0\x82\x80" },
	/* a joiner is part of many scripts and emoji */
	{ "\xe2\x80\x8d", 0, PLENTY, "\xe2\x80\x8d" },
	/* not UTF-8 */
	{ "J\xf6rg", 0, PLENTY, "J\\xF6rg" },
	{ "\x80\xbf", 0, PLENTY, "\\x80\\xBF" },
	{ "\xc0\x80", 0, PLENTY, "\\xC0\\x80" },
	{ "\xc1\xbf", 0, PLENTY, "\\xC1\\xBF" },
	{ "\xe0\x9f\xbf", 0, PLENTY, "\\xE0\\x9F\\xBF" },
	{ "\xed\xa0\x80", 0, PLENTY, "\\xED\\xA0\\x80" },
	{ "\xf0\x8f\xbf\xbf", 0, PLENTY, "\\xF0\\x8F\\xBF\\xBF" },
	{ "\xf4\x90\x80\x80", 0, PLENTY, "\\xF4\\x90\\x80\\x80" },
	{ "\xf5\xff\xfe", 0, PLENTY, "\\xF5\\xFF\\xFE" },
	{ "\xe2\x82", 0, PLENTY, "\\xE2\\x82" },
	{ "\xe2\x82z", 0, PLENTY, "\\xE2\\x82z" },
	{ "\xc3\xc3\xb6", 0, PLENTY, "\\xC3\xc3\xb6" },
	{ "\xf0\x9f\x93", 0, PLENTY, "\\xF0\\x9F\\x93" },
	{ "\xc3\xb6", 1, PLENTY, "\\xC3" },
	/* cut */
	{ "abcdef", 0, 6, "abcdef" },
	{ "abcdefg", 0, 6, "abc\xe2\x80\xa6" },
	{ "abcdefg", 0, 3, "\xe2\x80\xa6" },
	{ "abcdefg", 0, 2, "" },
	{ "abcdefg", 0, 0, "" },
	{ "", 0, 0, "" },
	{ "ab", 0, 2, "ab" },
	/* no token is cut in two */
	{ "ab\x1b", 0, 6, "ab\\x1B" },
	{ "ab\x1b"
	  "c",
	    0, 6, "ab\xe2\x80\xa6" },
	{ "a\xe2\x82\xac\xe2\x82\xac", 0, 7, "a\xe2\x82\xac\xe2\x82\xac" },
	{ "a\xe2\x82\xac\xe2\x82\xac", 0, 6, "a\xe2\x80\xa6" },
	{ "\xe2\x80\xae", 0, 8, "\\u{202E}" },
	{ "\xe2\x80\xae", 0, 7, "\xe2\x80\xa6" },
};

static struct span
row_text(int i)
{
	size_t len = rows[i].len;

	return (
	    struct span){ rows[i].text, len > 0 ? len : strlen(rows[i].text) };
}

START_TEST(becomes_what_it_should)
{
	char *got = text_clean(row_text(_i), rows[_i].max);

	ck_assert_ptr_nonnull(got);
	ck_assert_str_eq(got, rows[_i].want);
	ck_assert_uint_le(strlen(got), rows[_i].max);
	free(got);
}
END_TEST

START_TEST(stays_what_it_became)
{
	char *again = text_clean(span_of(rows[_i].want), PLENTY);

	ck_assert_ptr_nonnull(again);
	ck_assert_str_eq(again, rows[_i].want);
	free(again);
}
END_TEST

/* Every byte alone: printable ASCII passes, nothing else does. */
START_TEST(every_byte)
{
	char byte = (char)_i, want[8];
	char *got = text_clean((struct span){ &byte, 1 }, PLENTY);

	if (_i >= ' ' && _i < 0x7f)
		(void)snprintf(want, sizeof(want), "%c", _i);
	else
		(void)snprintf(want, sizeof(want), "\\x%02X", (unsigned)_i);
	ck_assert_ptr_nonnull(got);
	ck_assert_str_eq(got, want);
	free(got);
}
END_TEST

/* The limit is kept for whatever length and whatever limit. */
START_TEST(limit_is_kept)
{
	char *got = text_clean(span_of("\x1b\xc3\xb6\xe2\x82\xac\xff|\xe2\x80"
				       "\xae\xf0\x9f\x93\xac"),
	    (size_t)_i);

	ck_assert_ptr_nonnull(got);
	ck_assert_uint_le(strlen(got), (size_t)_i);
	if (_i >= 3 && _i < 26)
		ck_assert_str_eq(got + strlen(got) - 3, "\xe2\x80\xa6");
	if (_i >= 26)
		ck_assert_str_eq(got,
		    "\\x1B\xc3\xb6\xe2\x82\xac\\xFF|"
		    "\\u{202E}\xf0\x9f\x93\xac");
	free(got);
}
END_TEST

START_TEST(large_text_is_bounded)
{
	enum { SIZE = 1 << 20 };
	char *text = malloc(SIZE), *got;

	ck_assert_ptr_nonnull(text);
	memset(text, 0xff, SIZE);
	got = text_clean((struct span){ text, SIZE }, 100);
	ck_assert_ptr_nonnull(got);
	ck_assert_uint_eq(strlen(got), 99);
	free(got);
	got = text_clean((struct span){ text, SIZE }, SIZE * 4);
	ck_assert_ptr_nonnull(got);
	ck_assert_uint_eq(strlen(got), SIZE * 4);
	free(got);
	free(text);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("text");
	TCase *tc = tcase_create("text");
	int n = (int)(sizeof(rows) / sizeof(rows[0]));

	tcase_add_loop_test(tc, becomes_what_it_should, 0, n);
	tcase_add_loop_test(tc, stays_what_it_became, 0, n);
	tcase_add_loop_test(tc, every_byte, 0, 256);
	tcase_add_loop_test(tc, limit_is_kept, 0, 40);
	tcase_add_test(tc, large_text_is_bounded);
	suite_add_tcase(s, tc);
	return unit_main(s);
}
