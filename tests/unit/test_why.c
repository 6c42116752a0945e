/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* Why recipients wait. */

#include "config.h"

#include <string.h>

#include "lib/why.h"
#include "tests/unit/queue-fixture.h"

#define NOW (100 * SECOND)

/* a@one and b@two, admitted long ago. */
static struct message *
two(void)
{
	return admit(ID, 2);
}

static void
check(const struct waiting w, enum why why, int64_t until_us)
{
	ck_assert_str_eq(why_name(w.why), why_name(why));
	ck_assert_int_eq(w.until_us, until_us);
}

static void
check_rcpt(const struct message *m, unsigned i, enum why why, int64_t until_us)
{
	check(why_rcpt(&q, m, &m->rcpts[i], NOW), why, until_us);
}

static void
check_message(const struct message *m, enum why why, int64_t until_us)
{
	check(why_message(&q, m, NOW), why, until_us);
}

static void
relay_down(const char *name, int64_t next_us)
{
	struct event ev = event(EVENT_RELAY_DOWN, "", 50);

	ev.relay = name;
	ev.reply = "connection refused";
	ev.next_us = next_us;
	apply(ev);
}

START_TEST(each_reason_has_a_word_of_its_own)
{
	ck_assert_str_eq(why_name(WHY_NOTHING), "");
	for (int i = WHY_NOTHING + 1; i < WHY_KINDS; i++) {
		ck_assert_uint_gt(strlen(why_name((enum why)i)), 0);
		ck_assert_int_eq(why_of(why_name((enum why)i)), i);
	}
	ck_assert_int_eq(why_of("nonsense"), WHY_NOTHING);
	ck_assert_int_eq(why_of(""), WHY_NOTHING);
}
END_TEST

START_TEST(what_is_due_waits_for_its_turn)
{
	const struct message *m = two();

	check_rcpt(m, 0, WHY_TURN, 0);
	check_message(m, WHY_TURN, 0);
	ck_assert_str_eq(why_rcpt(&q, m, &m->rcpts[1], NOW).relay->name, "two");
}
END_TEST

START_TEST(after_a_failed_attempt_it_is_backoff)
{
	const struct message *m = two();

	attempt(ID, "one", "0", 20);
	check_rcpt(m, 0, WHY_SENDING, 0);
	check_message(m, WHY_SENDING, 0);
	result(EVENT_DEFERRED, ID, 0, 30, NOW + 5);
	check_rcpt(m, 0, WHY_BACKOFF, NOW + 5);
	/* The other one is sooner. */
	check_message(m, WHY_TURN, 0);
	attempt(ID, "two", "1", 40);
	result(EVENT_DEFERRED, ID, 1, 41, NOW + 3);
	check_message(m, WHY_BACKOFF, NOW + 3);
	check(why_message(&q, m, NOW + 3), WHY_TURN, 0);
}
END_TEST

START_TEST(who_is_served_waits_for_nothing)
{
	const struct message *m = two();

	attempt(ID, "one", "0", 20);
	result(EVENT_DELIVERED, ID, 0, 30, 0);
	check_rcpt(m, 0, WHY_NOTHING, 0);
	attempt(ID, "two", "1", 20);
	result(EVENT_FAILED, ID, 1, 30, 0);
	check_message(m, WHY_NOTHING, 0);
	happens(EVENT_KEPT, ID, 40);
	check_rcpt(m, 0, WHY_NOTHING, 0);
	check_rcpt(m, 1, WHY_FAILED, 0);
	check_message(m, WHY_FAILED, 0);
}
END_TEST

START_TEST(what_is_held_waits_for_an_operator)
{
	const struct message *m = two();

	relay_down("one", NOW + 9);
	happens(EVENT_HELD, ID, 40);
	check_rcpt(m, 0, WHY_HOLD, 0);
	check_message(m, WHY_HOLD, 0);
	happens(EVENT_RELEASED, ID, 41);
	check_rcpt(m, 0, WHY_CIRCUIT, NOW + 9);
}
END_TEST

START_TEST(a_relay_in_trouble_keeps_until_its_probe)
{
	const struct message *m = admit(ID, 1);

	relay_down("one", NOW + 9);
	check_message(m, WHY_CIRCUIT, NOW + 9);
	/* The later of the two is the reason. */
	attempt(ID, "one", "0", 20);
	result(EVENT_LOST, ID, 0, 30, NOW + 5);
	check_message(m, WHY_CIRCUIT, NOW + 9);
	relay_down("one", NOW + 2);
	check_message(m, WHY_BACKOFF, NOW + 5);
	/* The probe is on its way. */
	check(why_message(&q, m, NOW + 6), WHY_CIRCUIT, 0);
}
END_TEST

START_TEST(what_is_to_be_sent_later_says_so)
{
	struct event ev = admission(ID, 1);
	const struct message *m;

	ev.not_before_us = NOW + 7;
	apply(ev);
	m = route(ID, NULL);
	check_message(m, WHY_NOT_BEFORE, NOW + 7);
	happens(EVENT_FLUSHED, ID, 90);
	check_message(m, WHY_TURN, 0);
}
END_TEST

START_TEST(limits_keep_what_is_due)
{
	const struct message *m = admit(ID, 1);

	queue_relay(&q, "one")->work.rate_until_us = NOW + 4;
	check_message(m, WHY_RATE, NOW + 4);
	queue_relay(&q, "one")->work.rate_until_us = NOW;
	check_message(m, WHY_TURN, 0);
}
END_TEST

/* Three a minute may go; a reader knows no relay of what came lately. */
START_TEST(a_sender_at_his_limit_waits)
{
	int64_t until_us;
	struct message *m = admit(ID, 1);

	limit(&q);
	for (int i = 0; i < 3; i++) {
		check_message(m, WHY_TURN, 0);
		attempt(ID, "one", "0", NOW - SECOND + i);
		result(EVENT_DEFERRED, ID, 0, NOW - SECOND + i, NOW);
	}
	until_us = queue_sender_when(&q, m, NOW);
	ck_assert_int_gt(until_us, NOW + 50 * SECOND);
	check_message(m, WHY_RATE, until_us);
	check(why_message(&q, m, until_us), WHY_TURN, 0);
	q.read_us = 5;
	ck_assert_int_eq(queue_route(&q, m, nowhere, NULL), 0);
	check_message(m, WHY_RATE, until_us);
}
END_TEST

START_TEST(a_pause_keeps_all_or_one_relay)
{
	const struct message *m = two();

	queue_relay(&q, "one")->paused_us = 60;
	check_rcpt(m, 0, WHY_PAUSED, 0);
	check_rcpt(m, 1, WHY_TURN, 0);
	check_message(m, WHY_TURN, 0);
	q.paused_us = 61;
	check_rcpt(m, 1, WHY_PAUSED, 0);
	check_message(m, WHY_PAUSED, 0);
	queue_relay(&q, "one")->paused_us = 0;
	check_rcpt(m, 0, WHY_PAUSED, 0);
}
END_TEST

START_TEST(without_a_relay_it_waits_for_one)
{
	struct message *m = two();

	ck_assert_int_eq(queue_route(&q, m, nowhere, NULL), 0);
	check_message(m, WHY_NO_RELAY, 0);
	/* A reader cannot know of what came after the snapshot. */
	q.read_us = 5;
	check_message(m, WHY_TURN, 0);
	q.read_us = NOW;
	check_message(m, WHY_NO_RELAY, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("why");
	TCase *t = tcase_create("why");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, each_reason_has_a_word_of_its_own);
	tcase_add_test(t, what_is_due_waits_for_its_turn);
	tcase_add_test(t, after_a_failed_attempt_it_is_backoff);
	tcase_add_test(t, who_is_served_waits_for_nothing);
	tcase_add_test(t, what_is_held_waits_for_an_operator);
	tcase_add_test(t, a_relay_in_trouble_keeps_until_its_probe);
	tcase_add_test(t, what_is_to_be_sent_later_says_so);
	tcase_add_test(t, limits_keep_what_is_due);
	tcase_add_test(t, a_sender_at_his_limit_waits);
	tcase_add_test(t, a_pause_keeps_all_or_one_relay);
	tcase_add_test(t, without_a_relay_it_waits_for_one);
	suite_add_tcase(s, t);
	return unit_main(s);
}
