/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* A file that is replaced, unless somebody has edited it. */

#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "spoold/written.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

static struct written w;
static bool kept;
static char *scratch;

static void
put(const char *name, const char *text)
{
	FILE *out = fopen(name, "w");

	ck_assert_ptr_nonnull(out);
	ck_assert_int_ge(fputs(text, out), 0);
	ck_assert_int_eq(fclose(out), 0);
}

static const char *
get(const char *name)
{
	static char text[64];
	FILE *in = fopen(name, "r");

	if (in == NULL)
		return "";
	text[fread(text, 1, sizeof(text) - 1, in)] = '\0';
	(void)fclose(in);
	return text;
}

/* The next one, of that text. */
static void
replace(const char *text)
{
	put("tmp", text);
	ck_assert_int_eq(
	    written_replace(AT_FDCWD, "tmp", "name", "kept", &w, &kept), 0);
	ck_assert_str_eq(get("name"), text);
	ck_assert_int_eq(access("tmp", F_OK), -1);
}

static void
setup_written(void)
{
	scratch = scratch_enter();
	w = (struct written){ .is_known = false };
	replace("first");
	ck_assert(!kept);
}

static void
teardown_written(void)
{
	scratch_leave(scratch);
}

START_TEST(what_nobody_touched_is_replaced)
{
	replace("second");
	ck_assert(!kept);
	ck_assert_int_eq(unlink("name"), 0);
	replace("third");
	ck_assert(!kept);
	ck_assert_int_eq(access("kept", F_OK), -1);
}
END_TEST

START_TEST(what_was_there_before_us_is_replaced)
{
	w.is_known = false;
	put("name", "of another one");
	replace("second");
	ck_assert(!kept);
}
END_TEST

START_TEST(another_file_in_its_place_is_kept)
{
	put("edit", "first");
	ck_assert_int_eq(rename("edit", "name"), 0);
	replace("second");
	ck_assert(kept);
	ck_assert_str_eq(get("kept"), "first");
	replace("third");
	ck_assert(!kept);
}
END_TEST

START_TEST(a_file_written_to_is_kept)
{
	put("name", "an edit");
	replace("second");
	ck_assert(kept);
	ck_assert_str_eq(get("kept"), "an edit");
}
END_TEST

START_TEST(one_of_the_same_length_too)
{
	static const struct timespec times[2] = { { 7, 0 }, { 7, 0 } };

	put("name", "FIRST");
	/* However coarse the file system's clock is. */
	ck_assert_int_eq(utimensat(AT_FDCWD, "name", times, 0), 0);
	replace("second");
	ck_assert(kept);
	ck_assert_str_eq(get("kept"), "FIRST");
}
END_TEST

START_TEST(a_link_is_nobodys_edit)
{
	ck_assert_int_eq(unlink("name"), 0);
	put("elsewhere", "secret");
	ck_assert_int_eq(symlink("elsewhere", "name"), 0);
	replace("second");
	ck_assert(!kept);
	ck_assert_str_eq(get("elsewhere"), "secret");
}
END_TEST

START_TEST(mode_and_owner_do_not_matter)
{
	ck_assert_int_eq(chmod("name", 0600), 0);
	replace("second");
	ck_assert(!kept);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("written");
	TCase *tc = tcase_create("written");

	tcase_add_checked_fixture(tc, setup_written, teardown_written);
	tcase_add_test(tc, what_nobody_touched_is_replaced);
	tcase_add_test(tc, what_was_there_before_us_is_replaced);
	tcase_add_test(tc, another_file_in_its_place_is_kept);
	tcase_add_test(tc, a_file_written_to_is_kept);
	tcase_add_test(tc, one_of_the_same_length_too);
	tcase_add_test(tc, a_link_is_nobodys_edit);
	tcase_add_test(tc, mode_and_owner_do_not_matter);
	suite_add_tcase(s, tc);
	return unit_main(s);
}
