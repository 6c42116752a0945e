/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* What spoold-maildir does to names and line ends. */

#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spoold/maildir/maildir.h"
#include "tests/unit/unit.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

/* Texts as they come, in two pieces, and as they are to be written. */
static const struct {
	const char *first, *second, *want;
} texts[] = {
	{ "", "", "" },
	{ "a\r\nb\r\n", "", "a\nb\n" },
	{ "a\r", "\nb", "a\nb" },
	{ "a\r", "b", "a\rb" },
	{ "a\r", "\r\n", "a\r\n" },
	{ "a\r\r", "\n", "a\r\n" },
	{ "\r\r\r", "", "\r\r\r" },
	{ "\r", "", "\r" },
	{ "\r", "\n", "\n" },
	{ "\n", "\r", "\n\r" },
	{ "a\nb", "\n\nc", "a\nb\n\nc" },
	{ "a\rb\r\n\r\nc", "\r", "a\rb\n\nc\r" },
};

START_TEST(crlf_becomes_lf_and_nothing_else_changes)
{
	bool held = false;
	char *got;
	size_t len;
	FILE *out = open_memstream(&got, &len);

	maildir_put_lf(out, texts[_i].first, strlen(texts[_i].first), &held);
	maildir_put_lf(out, texts[_i].second, strlen(texts[_i].second), &held);
	if (held)
		putc('\r', out);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_str_eq(got, texts[_i].want);
	free(got);
}
END_TEST

static const struct {
	int64_t now_us;
	const char *host, *want;
} names[] = {
	{ 1763770000000042, "mail", "1763770000.M000042P7Q1.mail" },
	{ 1763770000999999, "a.b-c", "1763770000.M999999P7Q1.a.b-c" },
	{ 1763770000000000, "a/b:c", "1763770000.M000000P7Q1.a\\057b\\072c" },
	{ 1763770000000000, "", "1763770000.M000000P7Q1." },
};

START_TEST(name_is_unique_and_no_path)
{
	char got[NAME_MAX + 1];

	ck_assert(maildir_name(got, names[_i].now_us, 7, 1, names[_i].host));
	ck_assert_str_eq(got, names[_i].want);
}
END_TEST

START_TEST(name_of_too_long_a_host_is_refused)
{
	char host[NAME_MAX + 1], got[NAME_MAX + 1];

	memset(host, 'h', sizeof host);
	host[NAME_MAX] = '\0';
	ck_assert(!maildir_name(got, 0, 7, 1, host));
	/* "0.M000000P7Q1." is 14 bytes: this one just fits. */
	host[NAME_MAX - 14] = '\0';
	ck_assert(maildir_name(got, 0, 7, 1, host));
	ck_assert_uint_eq(strlen(got), NAME_MAX);
	host[NAME_MAX - 15] = '/';
	ck_assert(!maildir_name(got, 0, 7, 1, host));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("maildir");
	TCase *tc = tcase_create("maildir");

	tcase_add_loop_test(
	    tc, crlf_becomes_lf_and_nothing_else_changes, 0, COUNT(texts));
	tcase_add_loop_test(tc, name_is_unique_and_no_path, 0, COUNT(names));
	tcase_add_test(tc, name_of_too_long_a_host_is_refused);
	suite_add_tcase(s, tc);
	return unit_main(s);
}
