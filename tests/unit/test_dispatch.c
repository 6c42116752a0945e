/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The scheduling of spoold: days pass in microseconds. */

#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/dispatch-fixture.h"
#include "tests/unit/unit.h"

/* ---- tests ------------------------------------------------------------- */

START_TEST(delivered_mail_leaves)
{
	admit(1, 1);
	dispatch(&d);
	ck_assert_uint_eq(nsent, 1);
	ck_assert_str_eq(sent_indexes, "*");
	answer(0, "delivered");
	ck_assert_ptr_null(queue_first(&d.queue));
	ck_assert(!lies_in(SPOOL_QUEUE, "3000000001"));
	ck_assert_uint_eq(d.in_flight, 0);
}
END_TEST

START_TEST(agents_share_the_work_up_to_their_room)
{
	for (unsigned i = 0; i < 50; i++)
		admit(i, 1);
	dispatch(&d);
	ck_assert_uint_eq(nsent, 20);
	ck_assert_uint_eq(agents[0][0].in_flight, 10);
	ck_assert_uint_eq(agents[0][1].in_flight, 10);
	answer_after(0, "delivered", 100000);
	ck_assert_uint_eq(nsent, 21);
	ck_assert_uint_eq(d.in_flight, 20);
}
END_TEST

/* Ten connections; as many as leave in 20 ms, within bounds. */
static const struct {
	int64_t delay_us;
	unsigned pause_ms;
	unsigned in_flight;
} aheads[] = {
	{ 0, 0, 80 },
	{ 2500, 0, 80 },
	{ 3300, 0, 60 },
	{ 6600, 0, 30 },
	{ 6700, 0, 20 },
	{ 60 * SECOND, 0, 20 },
	{ 0, 4, 50 },
	{ 0, 1000, 20 },
};

START_TEST(more_wait_in_the_agents_of_a_quick_relay)
{
	for (unsigned i = 0; i < 100; i++)
		admit(i, 1);
	relay_cfgs[0].pause_ms = aheads[_i].pause_ms;
	dispatch(&d);
	ck_assert_uint_eq(d.in_flight, 20);
	answer_after(0, "delivered", aheads[_i].delay_us);
	ck_assert_uint_eq(d.in_flight, aheads[_i].in_flight);
	ck_assert_uint_eq(agents[0][0].in_flight, aheads[_i].in_flight / 2);
}
END_TEST

START_TEST(no_more_wait_once_a_quick_relay_stalls)
{
	admit(100, 1);
	dispatch(&d);
	answer(0, "delivered");
	now_us += SECOND;
	for (unsigned i = 0; i < 100; i++)
		admit(i, 1);
	dispatch(&d);
	ck_assert_uint_eq(d.in_flight, 20);
}
END_TEST

START_TEST(nothing_goes_out)
{
	admit(1, 1);
	switch (_i) {
	case 0:
		TAILQ_FIRST(&d.relays)->cfg = NULL;
		break;
	case 1:
		d.stopping = true;
		break;
	case 2:
		d.broken = true;
		break;
	default:
		agents[0][0].state = AGENT_STARTING;
		agents[0][1].state = AGENT_ABSENT;
	}
	dispatch(&d);
	ck_assert_uint_eq(nsent, 0);
}
END_TEST

START_TEST(recipients_have_fates_of_their_own)
{
	struct message *m = admit(1, 3);

	dispatch(&d);
	dispatch_rcpt(sent_to, m->id, 0, "delivered", 1, "250 ok");
	dispatch_rcpt(sent_to, m->id, 1, "deferred", 1, "451 later");
	dispatch_rcpt(sent_to, m->id, 2, "failed", 1, "550 no");
	dispatch_done(sent_to, m->id);
	ck_assert_uint_eq(m->npending, 1);
	ck_assert_int_ge(queue_due_us(m), now_us + MINUTE);
	ck_assert_int_le(queue_due_us(m), now_us + MINUTE + MINUTE / 10);
	now_us += 2 * MINUTE;
	dispatch(&d);
	ck_assert_uint_eq(nsent, 2);
	ck_assert_str_eq(sent_indexes, "1");
	answer(1, "delivered");
	/* One failed: the message is kept, since nobody was told. */
	ck_assert(lies_in(SPOOL_FAILED, "3000000001"));
	ck_assert(!lies_in(SPOOL_QUEUE, "3000000001"));
	ck_assert_int_eq(m->state, SPOOL_FAILED);
}
END_TEST

/* Spoolgore's schedule: the hundredth try 42 h 15 min after the first. */
START_TEST(a_message_put_off_again_and_again_is_given_up)
{
	struct message *m = admit(1, 1);
	int64_t begin_us = now_us, last_us = now_us;

	dispatch(&d);
	while (m->state == SPOOL_QUEUE) {
		last_us = now_us;
		answer(0, "deferred");
		if (m->state != SPOOL_QUEUE)
			break;
		now_us = queue_due_us(m);
		dispatch(&d);
	}
	ck_assert_uint_eq(nsent, 100);
	ck_assert_int_ge(last_us - begin_us, 42 * HOUR + 15 * MINUTE);
	ck_assert_int_le(last_us - begin_us, 47 * HOUR);
	ck_assert(lies_in(SPOOL_FAILED, "3000000001"));
	ck_assert_str_eq(m->rcpts[0].reply, "a reply");
}
END_TEST

START_TEST(no_answer_is_tried_until_the_lifetime_ends)
{
	struct message *m = admit(1, 1);
	int64_t begin_us = now_us;

	dispatch(&d);
	while (m->state == SPOOL_QUEUE) {
		answer(0, _i == 0 ? "lost" : "uncertain");
		if (m->state != SPOOL_QUEUE)
			break;
		ck_assert_uint_eq(m->rcpts[0].attempts, 0);
		now_us = queue_due_us(m);
		dispatch(&d);
	}
	ck_assert_uint_gt(nsent, 200);
	ck_assert_int_ge(now_us - begin_us, 5 * DAY);
	ck_assert_int_le(now_us - begin_us, 5 * DAY + HOUR);
	ck_assert(lies_in(SPOOL_FAILED, "3000000001"));
}
END_TEST

static void
everything_comes_back(const char *why)
{
	struct message *m, *next;

	for (m = queue_first(&d.queue); m != NULL; m = next) {
		next = queue_next(&d.queue, m);
		if (m->first.job != NULL)
			dispatch_back(m->first.job, m->id, why, "refused");
	}
}

START_TEST(a_relay_in_trouble_is_probed_with_one_message_at_a_time)
{
	for (unsigned i = 0; i < 50; i++)
		admit(i, 1);
	dispatch(&d);
	everything_comes_back("relay");
	ck_assert(relay->down);
	ck_assert_uint_eq(d.in_flight, 0);
	nsent = 0;
	/* An hour of trouble: 1, 2, 4 … 10 s apart, one message each. */
	for (int64_t end_us = now_us + HOUR; now_us < end_us;) {
		now_us += SECOND / 2;
		dispatch(&d);
		ck_assert_uint_le(d.in_flight, 1);
		everything_comes_back("relay");
	}
	ck_assert_uint_ge(nsent, 320);
	ck_assert_uint_le(nsent, 375);
	for (struct message *m = queue_first(&d.queue); m != NULL;
	     m = queue_next(&d.queue, m))
		ck_assert_uint_eq(m->rcpts[0].tries, 0);
	/* It answers again: everything goes. */
	now_us += MINUTE;
	nsent = 0;
	dispatch(&d);
	ck_assert_uint_eq(nsent, 1);
	/* A connection alone proves nothing: the login may fail. */
	dispatch_start(sent_to, sent_id, "192.0.2.1:25", false);
	ck_assert(relay->down);
	answer_after(0, "delivered", 100000);
	ck_assert(!relay->down);
	ck_assert_uint_eq(nsent, 21);
}
END_TEST

START_TEST(a_probe_without_answer_prolongs_the_rest)
{
	admit(1, 1);
	admit(2, 1);
	dispatch(&d);
	everything_comes_back("relay");
	now_us += MINUTE;
	dispatch(&d);
	ck_assert_uint_eq(nsent, 3);
	answer(0, "lost");
	ck_assert(relay->down);
	ck_assert_int_gt(relay->next_us, now_us);
	ck_assert_uint_eq(nsent, 3);
}
END_TEST

/* A poison among the others does not close the way for them. */
START_TEST(one_message_without_answer_does_not_close_the_relay)
{
	admit(1, 1);
	admit(2, 1);
	dispatch(&d);
	ck_assert_uint_eq(nsent, 2);
	answer(0, "lost");
	ck_assert(!relay->down);
	admit(3, 1);
	dispatch(&d);
	ck_assert_uint_eq(nsent, 3);
}
END_TEST

START_TEST(a_dead_agent_costs_a_retry)
{
	struct message *started = admit(1, 1), *waiting = admit(2, 1);

	agents[0][1].state = AGENT_ABSENT;
	dispatch(&d);
	ck_assert_uint_eq(nsent, 2);
	dispatch_start(&agents[0][0], started->id, "192.0.2.1:25", false);
	agents[0][0].state = AGENT_ABSENT;
	dispatch_died(&agents[0][0], "signal 11");
	ck_assert_uint_eq(agents[0][0].in_flight, 0);
	ck_assert_uint_eq(d.in_flight, 0);
	/* Only what it had begun with may have killed it. */
	ck_assert_uint_eq(started->rcpts[0].attempts, 1);
	ck_assert_uint_eq(waiting->rcpts[0].attempts, 0);
	ck_assert(started->rcpts[0].uncertain);
	ck_assert(!waiting->rcpts[0].uncertain);
	ck_assert(started->first.place == PART_DUE &&
	    waiting->first.place == PART_DUE);
}
END_TEST

START_TEST(what_kills_its_agents_is_given_up_one_day)
{
	struct message *m = admit(1, 1);

	cfg.attempts = 2;
	for (unsigned i = 0; i < 2; i++) {
		now_us = queue_due_us(m) > now_us ? queue_due_us(m) : now_us;
		dispatch(&d);
		ck_assert_uint_eq(nsent, i + 1);
		dispatch_start(sent_to, m->id, "192.0.2.1:25", false);
		ck_assert_int_eq(m->rcpts[0].state, RCPT_PENDING);
		dispatch_died(sent_to, "signal 11");
	}
	ck_assert_int_eq(m->rcpts[0].state, RCPT_FAILED);
	ck_assert_str_eq(m->rcpts[0].note, "gave up");
}
END_TEST

/* What is held waits for somebody to decide: no count ends that. */
START_TEST(what_kills_its_agents_is_held_instead)
{
	struct message *m = admit(1, 1);

	cfg.attempts = 1;
	cfg.on_uncertain = UNCERTAIN_HOLD;
	dispatch(&d);
	dispatch_start(sent_to, m->id, "192.0.2.1:25", false);
	dispatch_died(sent_to, "signal 11");
	ck_assert(lies_in(SPOOL_HOLD, "3000000001"));
	ck_assert_int_eq(m->rcpts[0].state, RCPT_PENDING);
	ck_assert_uint_eq(m->rcpts[0].attempts, 0);
}
END_TEST

START_TEST(what_an_agent_must_not_say_changes_nothing)
{
	struct message *m = admit(1, 1);

	dispatch(&d);
	dispatch_rcpt(sent_to, m->id, 1, "delivered", 1, "250");
	dispatch_rcpt(sent_to, m->id, 0, "splendid", 1, "250");
	dispatch_rcpt(sent_to, "3000000009", 0, "delivered", 1, "250");
	dispatch_done(
	    sent_to == &agents[0][0] ? &agents[0][1] : &agents[0][0], m->id);
	dispatch_start(&agents[0][0], "nonsense", "x", false);
	ck_assert(m->in_flight);
	ck_assert_int_eq(m->rcpts[0].state, RCPT_PENDING);
	/* Done without a result is no delivery. */
	dispatch_done(sent_to, m->id);
	ck_assert_int_eq(m->rcpts[0].state, RCPT_PENDING);
	ck_assert_uint_eq(m->rcpts[0].tries, 1);
	ck_assert(lies_in(SPOOL_QUEUE, m->id));
}
END_TEST

START_TEST(an_interrupted_attempt_is_made_again_at_once_but_not_for_ever)
{
	struct message *m = admit(1, 1);
	struct event ev;

	for (unsigned i = 0; i < 5; i++) {
		ev = event_of(EVENT_ATTEMPT, m);
		ev.relay = "default";
		record(&d, &ev);
		ck_assert(m->in_flight);
		recover_message(&d, m);
		ck_assert(!m->in_flight);
		ck_assert_uint_eq(m->rcpts[0].attempts, i + 1);
		ck_assert(m->rcpts[0].uncertain);
		if (i < 2)
			ck_assert_int_eq(queue_due_us(m), now_us);
		else
			ck_assert_int_ge(queue_due_us(m), now_us + MINUTE);
		now_us = queue_due_us(m);
	}
}
END_TEST

START_TEST(a_crash_after_the_last_answer_only_removes)
{
	struct message *m = admit(1, 1);
	struct event ev = event_of(EVENT_ATTEMPT, m);

	ev.relay = "default";
	record(&d, &ev);
	ev = event_of(EVENT_DELIVERED, m);
	ev.index = 0;
	record(&d, &ev);
	ck_assert(lies_in(SPOOL_QUEUE, "3000000001"));
	recover_message(&d, m);
	dispatch(&d);
	ck_assert_uint_eq(nsent, 0);
	ck_assert(!lies_in(SPOOL_QUEUE, "3000000001"));
}
END_TEST

START_TEST(a_clock_that_was_ahead_puts_nothing_off)
{
	struct message *m = admit(1, 1);

	now_us += 4 * DAY;
	dispatch(&d);
	answer(0, "lost");
	now_us -= 4 * DAY;
	recover_message(&d, m);
	ck_assert_int_le(queue_due_us(m), now_us + HOUR);
}
END_TEST

/* Every recipient refused at once, the agent still busy with the message:
 * it must not get it a second time. */
START_TEST(a_message_is_not_handed_out_before_its_job_is_done)
{
	struct message *m = admit(1, 1);
	struct agent *first;
	struct event ev;

	dispatch(&d);
	first = sent_to;
	dispatch_rcpt(first, m->id, 0, "deferred", 1, "450 later");
	ev = event_of(EVENT_FLUSHED, m);
	record(&d, &ev);
	dispatch(&d);
	ck_assert_uint_eq(nsent, 1);
	dispatch_done(first, m->id);
	ck_assert_uint_eq(nsent, 2);
	ck_assert_uint_eq(d.in_flight, 1);
}
END_TEST

/* A message that the relay never lets pass does not stop the others. */
START_TEST(another_message_probes_next)
{
	struct message *poison = admit(1, 1);

	admit(2, 1);
	dispatch(&d);
	dispatch_start(poison->first.job, poison->id, "192.0.2.1:25", false);
	dispatch_back(poison->first.job, poison->id, "message", "421 4.7.0 no");
	everything_comes_back("relay");
	ck_assert(relay->down);
	ck_assert_int_ge(queue_due_us(poison), now_us + MINUTE);
	now_us += 2 * SECOND;
	dispatch(&d);
	ck_assert_str_eq(sent_id, "3000000002");
	answer(0, "delivered");
	ck_assert(!relay->down);
	ck_assert_uint_eq(poison->rcpts[0].attempts, 0);
}
END_TEST

/* However many of them: the next one waits a second, not a minute. */
START_TEST(trouble_with_messages_does_not_lengthen_the_rest)
{
	for (unsigned i = 0; i < 10; i++)
		admit(i, 1);
	dispatch(&d);
	everything_comes_back("relay");
	for (unsigned i = 0; i < 10; i++) {
		now_us = relay->next_us;
		nsent = 0;
		dispatch(&d);
		ck_assert_uint_eq(nsent, 1);
		dispatch_back(sent_to, sent_id, "message", "421 4.7.0 no");
		ck_assert_int_eq(relay->next_us, now_us + SECOND);
	}
}
END_TEST

START_TEST(a_relay_that_never_comes_back_ends_with_the_lifetime)
{
	struct message *m = admit(1, 2);

	dispatch(&d);
	while (now_us - m->seen_us < 5 * DAY) {
		everything_comes_back("relay");
		dispatch_expire(&d, m);
		ck_assert_int_eq(m->state, SPOOL_QUEUE);
		now_us += 2 * MINUTE;
		dispatch(&d);
	}
	everything_comes_back("relay");
	dispatch_expire(&d, m);
	ck_assert_int_eq(m->state, SPOOL_FAILED);
	ck_assert(lies_in(SPOOL_FAILED, "3000000001"));
	ck_assert_str_eq(m->rcpts[1].reply, "[local] refused");
}
END_TEST

START_TEST(a_torn_file_is_set_aside)
{
	admit(1, 1);
	dispatch(&d);
	dispatch_bad(sent_to, "3000000001", "is torn");
	ck_assert_ptr_null(queue_first(&d.queue));
	ck_assert(!lies_in(SPOOL_QUEUE, "3000000001"));
	ck_assert(lies_in(SPOOL_FAILED, "3000000001.damaged"));
}
END_TEST

/* While events cannot be journalled, no file is removed. */
START_TEST(no_file_goes_before_its_delivery_is_written)
{
	struct message *m = admit(1, 1);

	dispatch(&d);
	d.broken = true;
	answer(0, "delivered");
	ck_assert(lies_in(SPOOL_QUEUE, "3000000001"));
	ck_assert_uint_eq(m->npending, 0);
	d.broken = false;
	dispatch_finish(&d, m);
	ck_assert(!lies_in(SPOOL_QUEUE, "3000000001"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("dispatch");
	TCase *t = tcase_create("dispatch");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, delivered_mail_leaves);
	tcase_add_test(t, agents_share_the_work_up_to_their_room);
	tcase_add_loop_test(t, more_wait_in_the_agents_of_a_quick_relay, 0,
	    sizeof(aheads) / sizeof(aheads[0]));
	tcase_add_test(t, no_more_wait_once_a_quick_relay_stalls);
	tcase_add_loop_test(t, nothing_goes_out, 0, 4);
	tcase_add_test(t, recipients_have_fates_of_their_own);
	tcase_add_test(t, a_message_put_off_again_and_again_is_given_up);
	tcase_add_loop_test(
	    t, no_answer_is_tried_until_the_lifetime_ends, 0, 2);
	tcase_add_test(
	    t, a_relay_in_trouble_is_probed_with_one_message_at_a_time);
	tcase_add_test(t, a_probe_without_answer_prolongs_the_rest);
	tcase_add_test(t, one_message_without_answer_does_not_close_the_relay);
	tcase_add_test(t, a_dead_agent_costs_a_retry);
	tcase_add_test(t, what_kills_its_agents_is_given_up_one_day);
	tcase_add_test(t, what_kills_its_agents_is_held_instead);
	tcase_add_test(t, what_an_agent_must_not_say_changes_nothing);
	tcase_add_test(
	    t, an_interrupted_attempt_is_made_again_at_once_but_not_for_ever);
	tcase_add_test(t, a_crash_after_the_last_answer_only_removes);
	tcase_add_test(t, a_clock_that_was_ahead_puts_nothing_off);
	tcase_add_test(t, a_message_is_not_handed_out_before_its_job_is_done);
	tcase_add_test(t, another_message_probes_next);
	tcase_add_test(t, trouble_with_messages_does_not_lengthen_the_rest);
	tcase_add_test(t, a_relay_that_never_comes_back_ends_with_the_lifetime);
	tcase_add_test(t, a_torn_file_is_set_aside);
	tcase_add_test(t, no_file_goes_before_its_delivery_is_written);
	suite_add_tcase(s, t);
	return unit_main(s);
}
