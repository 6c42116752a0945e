/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* Places of recipients as text. */

#include "config.h"

#include <errno.h>
#include <string.h>

#include "lib/indexes.h"
#include "tests/unit/unit.h"

/* N recipients; WANT: the places one by one, NULL if it is none. */
static const struct {
	const char *text;
	unsigned n;
	const char *want;
} cases[] = {
	{ "0", 1, "0 " },
	{ "0-2", 3, "0 1 2 " },
	{ "2", 3, "2 " },
	{ "0,2", 3, "0 2 " },
	{ "0-1,3-4,9", 10, "0 1 3 4 9 " },
	{ "3-3", 4, "3 " },
	/* Order is the writer's. */
	{ "2,0", 3, "2 0 " },
	{ "", 3, NULL },
	{ "3", 3, NULL },
	{ "0-3", 3, NULL },
	{ "0", 0, NULL },
	{ "2-1", 3, NULL },
	{ ",", 3, NULL },
	{ "0,", 3, NULL },
	{ ",0", 3, NULL },
	{ "0,,1", 3, NULL },
	{ "-", 3, NULL },
	{ "-1", 3, NULL },
	{ "1-", 3, NULL },
	{ "0-1-2", 3, NULL },
	{ " 0", 3, NULL },
	{ "0 ", 3, NULL },
	{ "+1", 3, NULL },
	{ "x", 3, NULL },
	{ "*", 3, NULL },
	{ "0x1", 3, NULL },
	{ "99999999999999999999", 3, NULL },
	{ "4294967296", 3, NULL },
	{ "0-4294967297", 3, NULL },
	/* More than there are recipients. */
	{ "0-2,0", 3, NULL },
	{ "0,0,0,0", 3, NULL },
	{ "0-1,0-1", 3, NULL },
	{ "0,1,x", 3, NULL },
};

START_TEST(texts_are_places_or_nothing)
{
	unsigned *list = NULL;
	size_t count = 0;
	char got[64] = "";
	int err =
	    indexes_read(span_of(cases[_i].text), cases[_i].n, &list, &count);

	if (cases[_i].want == NULL) {
		ck_assert_int_eq(err, -EINVAL);
		ck_assert_ptr_null(list);
		return;
	}
	ck_assert_int_eq(err, 0);
	for (size_t i = 0; i < count; i++)
		(void)snprintf(got + strlen(got), sizeof(got) - strlen(got),
		    "%u ", list[i]);
	ck_assert_str_eq(got, cases[_i].want);
	free(list);
}
END_TEST

START_TEST(where_it_is_wrong_stands_what_is_left)
{
	struct span text = span_of("0,5-6,x,7");
	unsigned first, last;

	ck_assert(indexes_next(&text, 10, &first, &last));
	ck_assert(indexes_next(&text, 10, &first, &last));
	ck_assert_uint_eq(first, 5);
	ck_assert_uint_eq(last, 6);
	ck_assert(!indexes_next(&text, 10, &first, &last));
	ck_assert_uint_eq(text.len, 3);
	ck_assert_uint_eq(first, 5);
}
END_TEST

/* All sets of ten recipients, and back. */
START_TEST(what_is_put_is_read)
{
	char text[64];

	for (unsigned set = 1; set < 1u << 10; set++) {
		FILE *out = fmemopen(text, sizeof(text), "w");
		unsigned *list, got = 0, first = 0;
		size_t count;

		for (unsigned i = 0; i < 10; i++) {
			if ((set >> i & 1) == 0)
				continue;
			if (i == 0 || (set >> (i - 1) & 1) == 0)
				first = i;
			if ((set >> (i + 1) & 1) == 0)
				indexes_put(out, first, i);
		}
		(void)fclose(out);
		ck_assert_int_eq(
		    indexes_read(span_of(text), 10, &list, &count), 0);
		for (size_t i = 0; i < count; i++)
			got |= 1u << list[i];
		ck_assert_uint_eq(got, set);
		free(list);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("indexes");
	TCase *t = tcase_create("indexes");

	tcase_add_loop_test(t, texts_are_places_or_nothing, 0,
	    sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(t, where_it_is_wrong_stands_what_is_left);
	tcase_add_test(t, what_is_put_is_read);
	suite_add_tcase(s, t);
	return unit_main(s);
}
