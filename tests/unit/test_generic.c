/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* lib/generic.c: the map of senders, its form and its order. */

#include "config.h"

#include <errno.h>
#include <string.h>

#include "lib/address.h"
#include "lib/generic.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static char *scratch;

static void
setup(void)
{
	umask(022);
	scratch = scratch_enter();
}

static void
teardown(void)
{
	scratch_leave(scratch);
}

static void
note_fault(void *arg, unsigned line, const char *why)
{
	ck_assert_str_ne(why, "");
	fprintf(arg, "%u ", line);
}

static struct generic *
read_map(const char *text, FILE *faults)
{
	struct generic *generic;
	const char *why = "";

	scratch_put("map", text, strlen(text));
	ck_assert_msg(
	    generic_read(&generic, "map", "o.test",
		faults != NULL ? note_fault : NULL, faults, &why) == 0,
	    "%s", why);
	return generic;
}

static const char *
look_up(const struct generic *generic, const char *addr, bool is_here)
{
	struct span text = span_of(addr);

	return generic_find(generic, text, address_local_len(text), is_here);
}

static const char map[] = "# senders\n"
			  "Ann@web1.LAN\tann@example.com  # Ann\n"
			  "ann: ann2@example.com\n"
			  "www-*@web1 hosting@example.com\n"
			  "\n"
			  "@web1.lan @example.com\n"
			  "*@*.lan lan@example.com\n"
			  "b?b bobs@example.com\n"
			  "@*.test @example.net\n"
			  "m*m@tail.lan2 tail@example.com\n"
			  "*.?@tail.lan3 tail@example.com\n"
			  "*@deep.lan never@example.com\n"
			  "zoe zoe\n"
			  "ex@im.lan:\n"
			  "   ex@example.com\n"
			  "\"a@b\"@c.test q@example.com\n"
			  "*a*a*a*a*a*a*a*a*b@slow.test slow@example.com\n";

static const struct {
	const char *addr;
	bool is_elsewhere;
	const char *want;
} lookups[] = {
	/* the exact address, then the name, then the domain, then wildcards */
	{ "ann@web1.lan", false, "ann@example.com" },
	{ "ANN@WEB1.lan", true, "ann@example.com" },
	{ "ann@o.test", false, "ann2@example.com" },
	{ "ann@o.test", true, "@example.net" },
	{ "bob@web1.lan", true, "@example.com" },
	{ "bob@web1.lan", false, "@example.com" },
	{ "www-data@web1", true, "hosting@example.com" },
	{ "www@web1", true, NULL },
	{ "www-data@web12", true, NULL },
	{ "joe@web2.lan", true, "lan@example.com" },
	{ "joe@deep.lan", true, "lan@example.com" },
	{ "joe@lan", true, NULL },
	{ "bob@x", false, "bobs@example.com" },
	{ "BxB@x", false, "bobs@example.com" },
	{ "bb@x", false, NULL },
	{ "bxxb@x", false, NULL },
	{ "bob@x", true, NULL },
	{ "x@y.test", true, "@example.net" },
	{ "x@test", true, NULL },
	{ "zoe@o", false, "zoe@o.test" },
	{ "ex@im.lan", true, "ex@example.com" },
	{ "\"a@b\"@c.test", true, "q@example.com" },
	{ "a@b.test", true, "@example.net" },
	{ "", true, NULL },
	{ "nobody", true, NULL },
	/* where what is behind the last wildcard meets the start */
	{ "mm@TAIL.lan2", true, "tail@example.com" },
	{ "m@tail.lan2", true, NULL },
	{ "@tail.lan2", true, NULL },
	{ "a.b@tail.lan3", true, "tail@example.com" },
	{ ".b@tail.lan3", true, "tail@example.com" },
	{ "a.@tail.lan3", true, NULL },
	{ "tail.lan3", true, NULL },
};

START_TEST(the_nearest_pattern_counts)
{
	struct generic *generic = read_map(map, NULL);
	const char *got =
	    look_up(generic, lookups[_i].addr, !lookups[_i].is_elsewhere);

	if (lookups[_i].want == NULL)
		ck_assert_ptr_null(got);
	else
		ck_assert_pstr_eq(got, lookups[_i].want);
	generic_free(generic);
}
END_TEST

static const struct {
	const char *text, *faults;
	size_t count;
} forms[] = {
	{ "", "", 0 },
	{ "# x\n\n  # y\n", "", 0 },
	{ "a@b c@d\n", "", 1 },
	{ "a@b: c@d\na@c:c@d\n", "2 ", 1 },
	{ "a@b\n", "1 ", 0 },
	{ "a@b:\n", "1 ", 0 },
	{ ": a@b\n", "1 ", 0 },
	{ "a c@d e@f\nb c@d, e@f\nc <c@d\nd @\ne c@@d\nf ,\n", "1 2 3 4 5 6 ",
	    0 },
	{ "a -x@y\nb Ann <c@d>\nc @x.test y\nd @x.test,\n", "3 ", 3 },
	{ "a@b c@d\nA@B e@f\n*@x a@b\n*@x c@d\n", "2 ", 3 },
	{ "a c\001@d\nb @c\033.test\n", "1 2 ", 0 },
	{ "a c@d", "", 1 },
};

START_TEST(bad_lines_are_told_and_skipped)
{
	char *faults;
	size_t len;
	FILE *bad = open_memstream(&faults, &len);
	struct generic *generic = read_map(forms[_i].text, bad);

	fclose(bad);
	ck_assert_str_eq(faults, forms[_i].faults);
	ck_assert_uint_eq(generic_count(generic), forms[_i].count);
	free(faults);
	generic_free(generic);
}
END_TEST

START_TEST(the_first_of_two_counts)
{
	struct generic *generic = read_map("a@b c@d\nA@B e@f\n", NULL);

	ck_assert_str_eq(look_up(generic, "a@b", false), "c@d");
	generic_free(generic);
}
END_TEST

/* With a matcher that tries every star again this takes years. */
START_TEST(many_stars_are_no_trouble)
{
	struct generic *generic = read_map(map, NULL);
	char addr[900];

	memset(addr, 'a', sizeof(addr));
	strcpy(addr + sizeof(addr) - 20, "@slow.test");
	ck_assert_str_eq(look_up(generic, addr, false), "@example.net");
	addr[sizeof(addr) - 21] = 'b';
	strcpy(addr + sizeof(addr) - 20, "@slow.tesT");
	ck_assert_str_eq(look_up(generic, addr, false), "@example.net");
	generic_free(generic);
	/* The "?" keeps the end from telling at once that it does not fit. */
	generic = read_map("*a*a*a*a*a*a*a*a*a*b?@slow.test x@y\n", NULL);
	addr[sizeof(addr) - 22] = 'b';
	ck_assert_str_eq(look_up(generic, addr, false), "x@y");
	addr[sizeof(addr) - 22] = 'c';
	ck_assert_ptr_null(look_up(generic, addr, false));
	generic_free(generic);
}
END_TEST

START_TEST(a_missing_map_is_enoent)
{
	struct generic *generic = NULL;
	const char *why = NULL;

	ck_assert_int_eq(
	    generic_read(&generic, "none", "o", NULL, NULL, &why), -ENOENT);
	ck_assert_str_eq(why, "No such file or directory");
	ck_assert_ptr_null(generic);
	generic_free(NULL);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("generic");
	TCase *tc = tcase_create("generic");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, the_nearest_pattern_counts, 0, COUNT(lookups));
	tcase_add_loop_test(
	    tc, bad_lines_are_told_and_skipped, 0, COUNT(forms));
	tcase_add_test(tc, the_first_of_two_counts);
	tcase_add_test(tc, many_stars_are_no_trouble);
	tcase_add_test(tc, a_missing_map_is_enoent);
	suite_add_tcase(s, tc);
	return unit_main(s);
}
