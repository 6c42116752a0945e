/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <check.h>
#include <string.h>

#include "spoolq/idset.h"
#include "tests/unit/unit.h"

/* In order. */
static const char *const ids[] = { "00000000", "0000000F", "FFFFFFFF",
	"000000000", "0000000000", "0123456789", "3286A1B2C3", "FFFFFFFFFF",
	"00000000000", "3286A1B2C3D", "FFFFFFFFFFF" };

#define NIDS ((int)(sizeof(ids) / sizeof(ids[0])))

START_TEST(packing_keeps_the_id)
{
	char id[SPOOL_ID_SIZE];

	id_unpack(id_pack(ids[_i]), id);
	ck_assert_str_eq(id, ids[_i]);
}
END_TEST

START_TEST(packing_keeps_the_order)
{
	for (int i = 0; i < NIDS; i++)
		ck_assert_int_eq(id_pack(ids[_i]) < id_pack(ids[i]), _i < i);
}
END_TEST

START_TEST(an_empty_set_has_nothing)
{
	struct idset set = { .n = 0 };

	ck_assert_ptr_null(idset_mark(&set, ids[0]));
	ck_assert_int_eq(idset_sort(&set), 0);
	ck_assert_ptr_null(idset_mark(&set, ids[0]));
	idset_release(&set);
	idset_release(&set);
}
END_TEST

START_TEST(a_set_has_each_once_and_in_order)
{
	struct idset set = { .n = 0 };

	for (int round = 0; round < 3; round++)
		for (int i = NIDS - 1; i > 0; i--)
			ck_assert_int_eq(idset_add(&set, ids[i]), 0);
	ck_assert_int_eq(idset_sort(&set), 0);
	ck_assert_uint_eq(set.n, NIDS - 1);
	for (int i = 1; i < NIDS; i++) {
		ck_assert_uint_eq(set.ids[i - 1], id_pack(ids[i]));
		ck_assert_ptr_eq(idset_mark(&set, ids[i]), &set.marks[i - 1]);
	}
	ck_assert_ptr_null(idset_mark(&set, ids[0]));
	idset_release(&set);
}
END_TEST

START_TEST(sorting_makes_new_marks)
{
	struct idset set = { .n = 0 };

	ck_assert_int_eq(idset_add(&set, ids[3]), 0);
	ck_assert_int_eq(idset_sort(&set), 0);
	*idset_mark(&set, ids[3]) = 7;
	ck_assert_int_eq(idset_add(&set, ids[2]), 0);
	ck_assert_int_eq(idset_sort(&set), 0);
	ck_assert_uint_eq(*idset_mark(&set, ids[2]), 0);
	ck_assert_uint_eq(*idset_mark(&set, ids[3]), 0);
	idset_release(&set);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("spoolq_idset");
	TCase *tc = tcase_create("idset");

	tcase_add_loop_test(tc, packing_keeps_the_id, 0, NIDS);
	tcase_add_loop_test(tc, packing_keeps_the_order, 0, NIDS);
	tcase_add_test(tc, an_empty_set_has_nothing);
	tcase_add_test(tc, a_set_has_each_once_and_in_order);
	tcase_add_test(tc, sorting_makes_new_marks);
	suite_add_tcase(s, tc);
	return unit_main(s);
}
