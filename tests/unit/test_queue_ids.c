/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The messages in order of id, and the texts that they share. */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/queue.h"
#include "tests/unit/unit.h"

/* More than a few blocks. */
#define MESSAGES 1000

static struct message_ids ids;
static struct message messages[MESSAGES];
static bool is_in[MESSAGES];

static void
name_all(void)
{
	for (unsigned i = 0; i < MESSAGES; i++)
		(void)snprintf(
		    messages[i].id, sizeof(messages[i].id), "30%08X", i);
}

/* The walk, and each look, say what IS_IN does. */
static void
check_all(void)
{
	struct message *m = ids_first(&ids);

	for (unsigned i = 0; i < MESSAGES; i++) {
		ck_assert_ptr_eq(ids_find(&ids, messages[i].id),
		    is_in[i] ? &messages[i] : NULL);
		if (!is_in[i])
			continue;
		ck_assert_ptr_eq(m, &messages[i]);
		ck_assert_ptr_eq(
		    ids_after(&ids, i == 0 ? "" : messages[i - 1].id), m);
		m = ids_next(&ids, m);
	}
	ck_assert_ptr_null(m);
	ck_assert_ptr_null(ids_after(&ids, messages[MESSAGES - 1].id));
}

static void
put(unsigned i)
{
	ck_assert_int_eq(
	    ids_insert(&ids, &messages[i]), is_in[i] ? -EEXIST : 0);
	is_in[i] = true;
}

START_TEST(in_any_order_they_are_in_order)
{
	/* Prime to MESSAGES: each comes once. */
	static const unsigned steps[] = { 1, MESSAGES - 1, 7, 333 };

	name_all();
	for (unsigned i = 0; i < MESSAGES; i++)
		put(i * steps[_i] % MESSAGES);
	check_all();
	for (unsigned i = 0; i < MESSAGES; i++) {
		unsigned n = i * steps[(_i + 1) % 4] % MESSAGES;

		ids_remove(&ids, &messages[n]);
		is_in[n] = false;
		if (i % 97 == 0)
			check_all();
	}
	ck_assert_uint_eq(ids.nblocks, 0);
	ids_release(&ids);
}
END_TEST

START_TEST(whatever_comes_and_goes)
{
	uint32_t state = 1;

	name_all();
	for (unsigned i = 0; i < 20000; i++) {
		unsigned n;

		state = state * 1664525u + 1013904223u;
		n = (state >> 10) % MESSAGES;
		if (is_in[n] && (state >> 9 & 1) == 1) {
			ids_remove(&ids, &messages[n]);
			is_in[n] = false;
		} else {
			put(n);
		}
		if (i % 1000 == 0)
			check_all();
	}
	check_all();
	ids_release(&ids);
}
END_TEST

START_TEST(one_can_go_while_one_walks)
{
	struct message *m, *next;

	name_all();
	for (unsigned i = 0; i < MESSAGES; i++)
		put(i);
	for (m = ids_first(&ids); m != NULL; m = next) {
		next = ids_next(&ids, m);
		if ((m - messages) % 3 == 0)
			continue;
		ids_remove(&ids, m);
		is_in[m - messages] = false;
	}
	check_all();
	ids_release(&ids);
}
END_TEST

START_TEST(shorter_ids_are_older)
{
	ck_assert_int_lt(ids_compare("FFFFFFFFFF", "10000000000"), 0);
	ck_assert_int_gt(ids_compare("10000000000", "FFFFFFFFFF"), 0);
	ck_assert_int_eq(ids_compare("3000000001", "3000000001"), 0);
}
END_TEST

/* ---- texts --------------------------------------------------------------- */

START_TEST(a_text_is_there_once)
{
	struct strpool pool = { .count = 0 };
	char *a = strpool_take(&pool, "busy"), *b;

	b = strpool_take(&pool, "busy");
	ck_assert_ptr_eq(a, b);
	ck_assert_uint_eq(pool.count, 1);
	ck_assert_ptr_null(strpool_take(&pool, NULL));
	strpool_drop(NULL);
	strpool_drop(a);
	ck_assert_str_eq(b, "busy");
	strpool_drop(b);
	ck_assert_uint_eq(pool.count, 0);
	strpool_release(&pool);
}
END_TEST

START_TEST(many_texts_stay_apart)
{
	struct strpool pool = { .count = 0 };
	static char *taken[MESSAGES];
	char text[16];

	for (unsigned i = 0; i < MESSAGES; i++) {
		(void)snprintf(text, sizeof(text), "%u", i);
		taken[i] = strpool_take(&pool, text);
	}
	ck_assert_uint_eq(pool.count, MESSAGES);
	for (unsigned i = 0; i < MESSAGES; i++) {
		(void)snprintf(text, sizeof(text), "%u", i);
		ck_assert_str_eq(taken[i], text);
		strpool_drop(taken[i]);
	}
	ck_assert_uint_eq(pool.count, 0);
	strpool_release(&pool);
}
END_TEST

START_TEST(once_is_not_enough_to_share)
{
	struct strpool pool = { .count = 0 };
	char *a, *b;

	ck_assert_ptr_null(strpool_take_again(&pool, "ann@x.test"));
	a = strpool_take_again(&pool, "ann@x.test");
	b = strpool_take_again(&pool, "ann@x.test");
	ck_assert_ptr_nonnull(a);
	ck_assert_ptr_eq(a, b);
	strpool_drop(a);
	strpool_drop(b);
	ck_assert_uint_eq(pool.count, 0);
	strpool_release(&pool);
}
END_TEST

/* ---- what a message takes ------------------------------------------------ */

START_TEST(a_message_is_small)
{
	/* What lib/queue.h says of it. */
	ck_assert_uint_le(sizeof(struct message) + sizeof(struct qrcpt), 256);
	ck_assert_uint_le(sizeof(struct qrcpt), 64);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("queue_ids");
	TCase *t = tcase_create("queue_ids");

	tcase_add_loop_test(t, in_any_order_they_are_in_order, 0, 4);
	tcase_add_test(t, whatever_comes_and_goes);
	tcase_add_test(t, one_can_go_while_one_walks);
	tcase_add_test(t, shorter_ids_are_older);
	tcase_add_test(t, a_text_is_there_once);
	tcase_add_test(t, many_texts_stay_apart);
	tcase_add_test(t, once_is_not_enough_to_share);
	tcase_add_test(t, a_message_is_small);
	suite_add_tcase(s, t);
	return unit_main(s);
}
