/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The picture of the queue with several relays: parts of messages, times, and
 * what reports say. */

#include "config.h"

#include <string.h>

#include "tests/unit/queue-fixture.h"

/* ---- parts --------------------------------------------------------------- */

START_TEST(each_relay_has_its_part)
{
	struct message *m = admit(ID, 6);

	ck_assert_uint_eq(part_of(ID, "one")->npending, 3);
	ck_assert_uint_eq(part_of(ID, "two")->npending, 2);
	ck_assert_uint_eq(part_of(ID, "three")->npending, 1);
	ck_assert_ptr_null(part_of(ID, "four"));
	attempt(ID, "one", "0,2", 20);
	ck_assert(m->in_flight);
	ck_assert_uint_eq(part_of(ID, "one")->nwaiting, 2);
	ck_assert_str_eq(turn("one", 30), "");
	ck_assert_str_eq(turn("two", 30), ID);
	result(EVENT_DELIVERED, ID, 0, 40, 0);
	result(EVENT_DEFERRED, ID, 2, 41, 500);
	/* The one that did not take part is due at once. */
	ck_assert(!m->in_flight);
	ck_assert_int_eq(part_of(ID, "one")->due_us, 0);
	ck_assert_str_eq(turn("one", 42), ID);
	ck_assert_int_eq(queue_due_us(m), 0);
}
END_TEST

START_TEST(another_part_s_results_cost_no_turn)
{
	admit(ID, 2);
	admit("3000000002", 2);
	ck_assert_str_eq(turn("two", 20), ID);
	attempt(ID, "one", "0", 20);
	result(EVENT_DEFERRED, ID, 0, 30, 500);
	ck_assert_str_eq(turn("two", 31), ID);
	/* What is put off loses it. */
	attempt(ID, "two", "1", 40);
	result(EVENT_DEFERRED, ID, 1, 41, 500);
	ck_assert_str_eq(turn("two", 42), "3000000002");
}
END_TEST

/* As spoolq replays a journal: it knows no routes. */
START_TEST(attempts_alone_tell_the_relays)
{
	struct message *m;

	apply(admission(ID, 4));
	m = queue_find(&q, ID);
	ck_assert_ptr_null(m->rcpts[0].part->relay);
	attempt(ID, "one", "0,2", 20);
	attempt(ID, "two", "1,3", 21);
	ck_assert_str_eq(m->rcpts[1].part->relay->name, "two");
	result(EVENT_DELIVERED, ID, 0, 30, 0);
	result(EVENT_DELIVERED, ID, 1, 30, 0);
	result(EVENT_FAILED, ID, 2, 30, 0);
	result(EVENT_DELIVERED, ID, 3, 30, 0);
	ck_assert(!m->in_flight);
	ck_assert_uint_eq(m->npending, 0);
	for (struct part *p = &m->first; p != NULL; p = p->next)
		ck_assert_int_eq(p->place, PART_NOWHERE);
}
END_TEST

START_TEST(what_comes_back_is_one_relay_s)
{
	struct message *m = admit(ID, 2);
	struct event back = event(EVENT_BACK, ID, 30);

	attempt(ID, "one", "0", 20);
	attempt(ID, "two", "1", 20);
	back.relay = "two";
	back.next_us = 700;
	apply(back);
	ck_assert(m->rcpts[0].waiting);
	ck_assert(!m->rcpts[1].waiting);
	ck_assert_int_eq(m->rcpts[1].next_us, 700);
	ck_assert(m->in_flight);
	ck_assert_str_eq(turn("two", 699), "");
	ck_assert_str_eq(turn("two", 700), ID);
}
END_TEST

START_TEST(wrong_indexes_take_nobody)
{
	static const char *const wrong[] = { "", "7", "x", "1-", "0,,1" };
	struct message *m = admit(ID, 2);

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]) - 1; i++) {
		attempt(ID, "one", wrong[i], 20);
		ck_assert_uint_eq(m->nwaiting, 0);
	}
	/* As far as they are right they count. */
	attempt(ID, "one", wrong[4], 20);
	ck_assert_uint_eq(m->nwaiting, 1);
}
END_TEST

START_TEST(other_routes_move_what_is_not_in_flight)
{
	struct message *m = admit(ID, 4);
	struct part *p = part_of(ID, "one");

	attempt(ID, "one", "0", 20);
	queue_set_job(&q, p, &q);
	route(ID, "three");
	ck_assert_ptr_eq(m->rcpts[0].part, p);
	/* What does not take part stays with the job that may need it. */
	ck_assert_ptr_eq(m->rcpts[2].part, p);
	ck_assert_ptr_eq(m->rcpts[1].part, part_of(ID, "three"));
	ck_assert_ptr_null(part_of(ID, "two"));
	result(EVENT_DEFERRED, ID, 0, 30, 40);
	ck_assert_int_eq(p->place, PART_NOWHERE);
	queue_set_job(&q, p, NULL);
	ck_assert_int_eq(p->place, PART_DUE);
	route(ID, "three");
	for (unsigned i = 0; i < m->nrcpts; i++)
		ck_assert_ptr_eq(m->rcpts[i].part, part_of(ID, "three"));
	ck_assert_str_eq(turn("one", 100), "");
	ck_assert_str_eq(turn("three", 100), ID);
}
END_TEST

START_TEST(without_a_relay_it_waits)
{
	struct message *m = admit(ID, 2);

	ck_assert_int_eq(queue_route(&q, m, nowhere, NULL), 0);
	ck_assert_str_eq(turn("one", 100), "");
	ck_assert_str_eq(turn("two", 100), "");
	ck_assert_uint_eq(m->npending, 2);
	route(ID, NULL);
	ck_assert_str_eq(turn("one", 100), ID);
	ck_assert_str_eq(turn("two", 100), ID);
}
END_TEST

START_TEST(lanes_have_lines_of_their_own)
{
	struct relay_state *relay = queue_relay(&q, "one");

	admit(ID, 1);
	admit("3000000002", 1)->lane_no = 2;
	admit("3000000003", 1)->lane_no = 99;
	(void)queue_wake(&q, relay, 20);
	ck_assert_str_eq(queue_turn(relay, 0)->message->id, ID);
	ck_assert_str_eq(queue_turn(relay, 2)->message->id, "3000000002");
	ck_assert_str_eq(
	    queue_turn(relay, LANES_MAX - 1)->message->id, "3000000003");
	ck_assert_uint_eq(relay->nready, 3);
	queue_block(relay, queue_turn(relay, 2), 900);
	ck_assert_ptr_null(queue_turn(relay, 2));
	ck_assert_int_eq(queue_wake(&q, relay, 30), 900);
	queue_unready(&q, relay);
	ck_assert_uint_eq(relay->nready, 0);
	ck_assert_ptr_nonnull(queue_first_due(relay));
}
END_TEST

/* ---- times --------------------------------------------------------------- */

START_TEST(not_before_and_expiry_make_due)
{
	struct event ev = admission(ID, 2);
	struct message *m;

	ev.not_before_us = 500;
	ev.expires_us = 800;
	apply(ev);
	m = route(ID, NULL);
	ck_assert_int_eq(queue_due_us(m), 500);
	ck_assert_int_eq(queue_since_us(m), 500);
	ck_assert_str_eq(turn("one", 499), "");
	ck_assert_int_eq(queue_wake(&q, queue_relay(&q, "one"), 499), 500);
	ck_assert_str_eq(turn("one", 500), ID);
	attempt(ID, "one", "0", 510);
	result(EVENT_DEFERRED, ID, 0, 520, 5000);
	/* When it ends it has to be looked at, however long it would wait. */
	ck_assert_str_eq(turn("one", 799), "");
	ck_assert_str_eq(turn("one", 800), ID);
	ck_assert(!queue_takes_part(&m->rcpts[0], 800));
}
END_TEST

START_TEST(a_flush_of_all_leaves_later_mail_alone)
{
	struct event ev = admission(ID, 1);

	ev.not_before_us = 5000;
	apply(ev);
	route(ID, NULL);
	admit("3000000002", 1);
	attempt("3000000002", "one", NULL, 20);
	result(EVENT_DEFERRED, "3000000002", 0, 30, 5000);
	happens(EVENT_FLUSHED, "", 100);
	ck_assert_int_eq(queue_due_us(queue_find(&q, ID)), 5000);
	ck_assert_int_eq(queue_due_us(queue_find(&q, "3000000002")), 100);
	happens(EVENT_FLUSHED, ID, 200);
	ck_assert_int_eq(queue_due_us(queue_find(&q, ID)), 200);
}
END_TEST

/* ---- reports ------------------------------------------------------------- */

static struct message *
two_failed(void)
{
	struct message *m = admit(ID, 4);

	result(EVENT_FAILED, ID, 1, 30, 0);
	result(EVENT_FAILED, ID, 3, 30, 0);
	return m;
}

START_TEST(who_was_told_of_is_not_again)
{
	struct event ev = event(EVENT_REPORTED, ID, 40);
	struct message *m = two_failed();

	ck_assert(queue_has_failed(m));
	ev.indexes = "0-1";
	apply(ev);
	ck_assert_int_eq(m->rcpts[0].state, RCPT_PENDING);
	ck_assert_int_eq(m->rcpts[1].state, RCPT_REPORTED);
	ck_assert_int_eq(m->rcpts[3].state, RCPT_FAILED);
	ev.indexes = NULL;
	apply(ev);
	ck_assert_int_eq(m->rcpts[3].state, RCPT_REPORTED);
	ck_assert(!queue_has_failed(m));
	ck_assert(!queue_is_served(m));
	result(EVENT_DELIVERED, ID, 0, 50, 0);
	result(EVENT_DELIVERED, ID, 2, 50, 0);
	ck_assert(queue_is_served(m));
}
END_TEST

/* A new failure is one that somebody may be told of. */
START_TEST(untold_lasts_until_the_next_failure)
{
	struct event ev = event(EVENT_REPORTED, ID, 40);
	struct message *m = two_failed();

	ev.reply = "bounces are off";
	apply(ev);
	ck_assert(m->untold);
	ck_assert(queue_has_failed(m));
	result(EVENT_DEFERRED, ID, 0, 50, 60);
	ck_assert(m->untold);
	result(EVENT_FAILED, ID, 0, 60, 0);
	ck_assert(!m->untold);
}
END_TEST

static const struct {
	const char *report_of;
	int first, second; /* states */
	bool warned;
} admissions[] = {
	{ "failed " ID " 1", RCPT_REPORTED, RCPT_FAILED, false },
	{ "failed " ID " 0-3", RCPT_REPORTED, RCPT_REPORTED, false },
	{ "failed " ID, RCPT_FAILED, RCPT_FAILED, false },
	{ "failed " ID " ", RCPT_FAILED, RCPT_FAILED, false },
	{ "failed " ID " 9", RCPT_FAILED, RCPT_FAILED, false },
	{ "failed 3000000009 1", RCPT_FAILED, RCPT_FAILED, false },
	{ "failed ../../../x 1", RCPT_FAILED, RCPT_FAILED, false },
	{ "delayed " ID " 0-3", RCPT_FAILED, RCPT_FAILED, true },
	{ "relayed " ID " 0-3", RCPT_FAILED, RCPT_FAILED, false },
	{ "nonsense", RCPT_FAILED, RCPT_FAILED, false },
	{ "", RCPT_FAILED, RCPT_FAILED, false },
};

/* After a crash the report in the queue tells what the journal does not. */
START_TEST(a_report_that_is_admitted_tells)
{
	struct message *m = two_failed();
	struct event ev = admission("3000000005", 1);

	ev.report_of = admissions[_i].report_of;
	apply(ev);
	ck_assert(queue_find(&q, "3000000005")->is_report);
	ck_assert_int_eq(m->rcpts[1].state, admissions[_i].first);
	ck_assert_int_eq(m->rcpts[3].state, admissions[_i].second);
	ck_assert_int_eq(m->warned, admissions[_i].warned);
}
END_TEST

START_TEST(a_queue_that_rests_schedules_nothing)
{
	struct relay_state *relay;

	queue_rest(&q, true);
	admit(ID, 1);
	relay = queue_relay(&q, "one");
	ck_assert_ptr_null(queue_first_due(relay));
	queue_route(&q, queue_find(&q, ID), nowhere, NULL);
	queue_rest(&q, false);
	ck_assert_ptr_null(queue_first_due(relay));
	route(ID, NULL);
	ck_assert_ptr_eq(queue_first_due(relay), part_of(ID, "one"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("queue_parts");
	TCase *t = tcase_create("queue_parts");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, each_relay_has_its_part);
	tcase_add_test(t, another_part_s_results_cost_no_turn);
	tcase_add_test(t, attempts_alone_tell_the_relays);
	tcase_add_test(t, what_comes_back_is_one_relay_s);
	tcase_add_test(t, wrong_indexes_take_nobody);
	tcase_add_test(t, other_routes_move_what_is_not_in_flight);
	tcase_add_test(t, without_a_relay_it_waits);
	tcase_add_test(t, lanes_have_lines_of_their_own);
	tcase_add_test(t, not_before_and_expiry_make_due);
	tcase_add_test(t, a_flush_of_all_leaves_later_mail_alone);
	tcase_add_test(t, who_was_told_of_is_not_again);
	tcase_add_test(t, untold_lasts_until_the_next_failure);
	tcase_add_loop_test(t, a_report_that_is_admitted_tells, 0,
	    sizeof(admissions) / sizeof(admissions[0]));
	tcase_add_test(t, a_queue_that_rests_schedules_nothing);
	suite_add_tcase(s, t);
	return unit_main(s);
}
