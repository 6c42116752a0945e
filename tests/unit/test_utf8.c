/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* utf8: the edges of what is UTF-8 and what is not. */

#include "config.h"

#include "lib/utf8.h"
#include "unit.h"

static const struct {
	const char *text;
	size_t len; /* 0: up to the NUL */
	bool is_valid;
	bool has_8bit;
} rows[] = {
	{ "", 0, true, false },
	{ "ann@x.test", 0, true, false },
	{ "a\0b", 3, true, false },
	{ "\x7f", 0, true, false },
	{ "J\xc3\xb6rg", 0, true, true },
	{ "\xc2\x80\xdf\xbf", 0, true, true },
	{ "\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf", 0, true, true },
	{ "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 0, true, true },
	/* Latin-1, a tail without a lead, leads that are none */
	{ "J\xf6rg", 0, false, true },
	{ "\x80", 0, false, true },
	{ "\xfe\xff", 0, false, true },
	{ "\xf5\x80\x80\x80", 0, false, true },
	{ "\xf8\x88\x80\x80\x80", 0, false, true },
	/* torn: at the end, by ASCII, by a NUL, by another lead */
	{ "ab\xc3", 0, false, true },
	{ "\xe2\x82", 0, false, true },
	{ "\xf0\x9f\x93", 0, false, true },
	{ "\xe2\x82x", 0, false, true },
	{ "\xc3\0", 2, false, true },
	{ "\xc3\xc3\xb6", 0, false, true },
	/* one tail too many */
	{ "\xc3\xb6\xb6", 0, false, true },
	/* overlong */
	{ "\xc0\x80", 0, false, true },
	{ "\xc1\xbf", 0, false, true },
	{ "\xe0\x9f\xbf", 0, false, true },
	{ "\xf0\x8f\xbf\xbf", 0, false, true },
	/* surrogates, beyond the last character */
	{ "\xed\xa0\x80", 0, false, true },
	{ "\xed\xbf\xbf", 0, false, true },
	{ "\xf4\x90\x80\x80", 0, false, true },
};

#define ROWS ((int)(sizeof(rows) / sizeof(rows[0])))

START_TEST(only_utf8_is_utf8)
{
	size_t len = rows[_i].len > 0 ? rows[_i].len : strlen(rows[_i].text);
	struct span text = { rows[_i].text, len };

	ck_assert_int_eq(utf8_is_valid(text), rows[_i].is_valid);
	ck_assert_int_eq(utf8_has_8bit(text), rows[_i].has_8bit);
}
END_TEST

/* Every code point there is, encoded here, is read back. */
START_TEST(every_character_is_read)
{
	uint32_t code, got;

	for (code = 0x800; code <= 0x110000; code++) {
		bool is_long = code >= 0x10000;
		char bytes[4] = {
			(char)(is_long ? 0xf0 | code >> 18 : 0xe0 | code >> 12),
			(char)(0x80 | (code >> (is_long ? 12 : 6) & 0x3f)),
			(char)(0x80 | (code >> (is_long ? 6 : 0) & 0x3f)),
			(char)(0x80 | (code & 0x3f)),
		};
		struct span text = { bytes, is_long ? 4 : 3 };
		bool is_good =
		    code < 0x110000 && (code < 0xd800 || code > 0xdfff);
		size_t len = utf8_decode(text, &got);

		if (len != (is_good ? text.len : 0) || (len > 0 && got != code))
			ck_abort_msg("U+%04X: %zu bytes", code, len);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("utf8");
	TCase *tc = tcase_create("utf8");

	suite_add_tcase(s, tc);
	tcase_add_loop_test(tc, only_utf8_is_utf8, 0, ROWS);
	tcase_add_test(tc, every_character_is_read);
	return unit_main(s);
}
