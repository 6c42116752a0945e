/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* Answers of DNS, and the order of the servers in them. */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spoold/smtp/srv.h"
#include "tests/unit/unit.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* ---- answers --------------------------------------------------------- */

/* "x.test IN SRV" asked for; COUNT answers follow. */
#define HEAD(count) \
	"\x12\x34\x81\x80\0\1\0" count "\0\0\0\0\1x\4test\0\0\x21\0\1"
#define RR(ttl, len, data) "\xc0\x0c\0\x21\0\1\0\0\0" ttl "\0" len data
#define ANSWER(text) text, sizeof(text) - 1

static const struct {
	const char *name;
	const char *answer;
	size_t len;
	int want;
	const char *text; /* of the set */
} answers[] = {
	{ "none", ANSWER(HEAD("\0")), 0, "" },
	{ "one",
	    ANSWER(HEAD("\1") RR("\x3c", "\x0a", "\0\5\0\7\2\x4b\1a\xc0\x0e")),
	    0, "5 7 587 a.test 60; " },
	{ "two",
	    ANSWER(HEAD("\2") RR("\x3c", "\x0a", "\0\5\0\7\2\x4b\1a\xc0\x0e")
		    RR("\x0a", "\x0a", "\0\6\0\0\2\x4b\1b\xc0\x0e")),
	    0, "5 7 587 a.test 10; 6 0 587 b.test 10; " },
	{ "a dot", ANSWER(HEAD("\1") RR("\x3c", "\7", "\0\0\0\0\0\0\0")), 0,
	    "none " },
	{ "port 0",
	    ANSWER(HEAD("\1") RR("\x3c", "\x0a", "\0\5\0\7\0\0\1a\xc0\x0e")), 0,
	    "" },
	{ "no host name",
	    ANSWER(HEAD("\1") RR("\x3c", "\x0a", "\0\5\0\7\2\x4b\1 \xc0\x0e")),
	    0, "" },
	{ "a line end",
	    ANSWER(HEAD("\1") RR("\x3c", "\x0a", "\0\5\0\7\2\x4b\1\n\xc0\x0e")),
	    0, "" },
	{ "short data", ANSWER(HEAD("\1") RR("\x3c", "\6", "\0\5\0\7\2\x4b")),
	    -EBADMSG, "" },
	{ "no end of a name",
	    ANSWER(HEAD("\1") RR("\x3c", "\x0a",
		"\0\5\0\7\2\x4b\x3f"
		"abc")),
	    -EBADMSG, "" },
	{ "a loop",
	    ANSWER(HEAD("\1") RR("\x3c", "\x08", "\0\5\0\7\2\x4b\xc0\x2a")),
	    -EBADMSG, "" },
	{ "torn", ANSWER(HEAD("\1") "\xc0\x0c\0\x21\0"), -EBADMSG, "" },
	{ "empty", "", 0, -EBADMSG, "" },
};

START_TEST(reads_an_answer)
{
	struct srv_set set = { .ttl_s = 1000 };
	char text[200] = "";
	size_t len = 0;
	/* In memory of its own, so that a sanitizer sees where it ends. */
	unsigned char *copy = malloc(answers[_i].len + 1);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, answers[_i].answer, answers[_i].len);
	ck_assert_msg(
	    srv_add(&set, copy, answers[_i].len, true) == answers[_i].want,
	    "%s", answers[_i].name);
	free(copy);
	for (size_t i = 0; i < set.count; i++) {
		ck_assert(set.records[i].is_implicit);
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "%u %u %u %s %u; ", set.records[i].priority,
		    set.records[i].weight, set.records[i].port,
		    set.records[i].target, set.ttl_s);
	}
	if (set.has_none)
		(void)snprintf(text + len, sizeof(text) - len, "none ");
	ck_assert_str_eq(text, answers[_i].text);
}
END_TEST

START_TEST(takes_no_more_than_fits)
{
	struct srv_set set = { .ttl_s = 1000 };
	static const char answer[] =
	    HEAD("\1") RR("\x3c", "\x0a", "\0\5\0\7\2\x4b\1a\xc0\x0e");

	for (int i = 0; i < 2 * SRV_RECORDS_MAX; i++)
		ck_assert_int_eq(srv_add(&set, (const unsigned char *)answer,
				     sizeof(answer) - 1, false),
		    0);
	ck_assert_uint_eq(set.count, SRV_RECORDS_MAX);
}
END_TEST

/* ---- the order ------------------------------------------------------- */

static uint32_t next_number;

static uint32_t
chosen(uint32_t limit)
{
	return next_number < limit ? next_number : limit - 1;
}

static uint32_t
any(uint32_t limit)
{
	return (uint32_t)random() % limit;
}

static void
add(struct srv_set *set, bool is_implicit, unsigned priority, unsigned weight,
    const char *target)
{
	struct srv_record *record = &set->records[set->count++];

	record->is_implicit = is_implicit;
	record->priority = priority;
	record->weight = weight;
	(void)snprintf(record->target, sizeof(record->target), "%s", target);
}

static const char *
order(const struct srv_set *set)
{
	static char text[100];
	size_t len = 0;

	for (size_t i = 0; i < set->count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s",
		    set->records[i].target);
	return text;
}

static const struct {
	uint32_t number;
	const char *want;
} draws[] = {
	/* What weighs nothing has a chance only with the number 0. */
	{ 0, "zabcdx" },
	{ 1, "zabcdx" },
	{ 10, "zabcdx" },
	{ 11, "zbacdx" },
	{ 1000, "zbacdx" },
};

START_TEST(orders_by_priority)
{
	struct srv_set set = { 0 };

	next_number = draws[_i].number;
	add(&set, false, 1, 5, "x");
	add(&set, true, 30, 0, "d");
	add(&set, true, 20, 0, "c");
	add(&set, true, 10, 30, "b");
	add(&set, true, 10, 10, "a");
	add(&set, true, 0, 0, "z");
	srv_order(&set, chosen);
	ck_assert_str_eq(order(&set), draws[_i].want);
}
END_TEST

START_TEST(orders_by_weight)
{
	unsigned first[256] = { 0 };

	srandom(1);
	for (int i = 0; i < 10000; i++) {
		struct srv_set set = { 0 };

		add(&set, false, 0, 60, "a");
		add(&set, false, 0, 0, "c");
		add(&set, false, 0, 40, "b");
		srv_order(&set, any);
		ck_assert_uint_eq(strlen(order(&set)), 3);
		first[(unsigned char)order(&set)[0]]++;
	}
	ck_assert_uint_gt(first['a'], 5500);
	ck_assert_uint_lt(first['a'], 6500);
	ck_assert_uint_gt(first['b'], 3500);
	ck_assert_uint_lt(first['b'], 4500);
	ck_assert_uint_gt(first['c'], 20);
	ck_assert_uint_lt(first['c'], 300);
}
END_TEST

static const struct {
	const char *name, *domain;
	bool want;
} within[] = {
	{ "example.org", "example.org", true },
	{ "A.Example.ORG", "example.org", true },
	{ "a.example.org", "example.org.", true },
	{ "badexample.org", "example.org", false },
	{ "org", "example.org", false },
	{ "example.org.evil.test", "example.org", false },
	{ "a.test", "", false },
	{ "a.test", ".", false },
};

START_TEST(knows_what_is_within)
{
	ck_assert_int_eq(
	    srv_is_within(within[_i].name, within[_i].domain), within[_i].want);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("srv");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, reads_an_answer, 0, COUNT(answers));
	tcase_add_test(tc, takes_no_more_than_fits);
	tcase_add_loop_test(tc, orders_by_priority, 0, COUNT(draws));
	tcase_add_test(tc, orders_by_weight);
	tcase_add_loop_test(tc, knows_what_is_within, 0, COUNT(within));
	suite_add_tcase(s, tc);
	return unit_main(s);
}
