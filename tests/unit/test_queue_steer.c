/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* What operators do, in the picture of the queue. */

#include "config.h"

#include <string.h>

#include "tests/unit/queue-fixture.h"

/* A message to a@one and b@two, both deferred twice until 5000. */
static struct message *
deferred(void)
{
	struct message *m = admit(ID, 2);

	for (int i = 0; i < 2; i++) {
		attempt(ID, "one", "0", 100 + i);
		result(EVENT_DEFERRED, ID, 0, 101, 101);
		attempt(ID, "two", "1", 100 + i);
		result(EVENT_DEFERRED, ID, 1, 101, 101);
	}
	m->rcpts[0].next_us = 5000;
	m->rcpts[1].next_us = 5000;
	happens(EVENT_HELD, ID, 200);
	happens(EVENT_RELEASED, ID, 200);
	return m;
}

static void
edited(int index, int attempts, int64_t next_us, const char *note)
{
	struct event ev = event(EVENT_EDITED, ID, 300);

	ev.index = index;
	ev.attempts = attempts;
	ev.next_us = next_us;
	ev.note = note;
	ev.reply = note == NULL ? NULL : "[local] by an operator";
	apply(ev);
}

static void
about_relay(enum event_kind kind, const char *id, const char *relay,
    const char *note, int64_t time_us)
{
	struct event ev = event(kind, id, time_us);

	ev.relay = relay;
	ev.note = note;
	apply(ev);
}

START_TEST(a_retry_counts_anew_and_is_due)
{
	struct message *m = deferred();

	ck_assert_uint_eq(m->rcpts[0].attempts, 2);
	ck_assert_str_eq(turn("one", 400), "");
	happens(EVENT_RETRIED, ID, 400);
	ck_assert_uint_eq(m->rcpts[0].attempts, 0);
	ck_assert_uint_eq(m->rcpts[1].tries, 0);
	ck_assert_int_eq(m->rcpts[0].next_us, 400);
	ck_assert_str_eq(turn("one", 400), ID);
}
END_TEST

START_TEST(what_is_pending_goes_where_it_is_rerouted)
{
	struct message *m = deferred();

	result(EVENT_DELIVERED, ID, 1, 210, 0);
	about_relay(EVENT_REROUTED, ID, "three", NULL, 400);
	ck_assert_ptr_eq(queue_rerouted(m), queue_relay(&q, "three"));
	ck_assert_str_eq(m->rcpts[0].part->relay->name, "three");
	ck_assert_str_eq(turn("one", 400), "");
	ck_assert_str_eq(turn("three", 400), ID);
	/* What was delivered stays where it was. */
	ck_assert_int_eq(m->rcpts[1].state, RCPT_DELIVERED);
	ck_assert_str_eq(m->rcpts[1].part->relay->name, "two");
	about_relay(EVENT_REROUTED, ID, NULL, NULL, 500);
	ck_assert_ptr_null(queue_rerouted(m));
}
END_TEST

START_TEST(what_is_on_its_way_is_rerouted_later)
{
	struct message *m = admit(ID, 2);

	attempt(ID, "one", "0", 100);
	about_relay(EVENT_REROUTED, ID, "three", NULL, 110);
	ck_assert_str_eq(m->rcpts[0].part->relay->name, "one");
	ck_assert(m->rcpts[0].waiting);
	ck_assert_str_eq(m->rcpts[1].part->relay->name, "three");
	result(EVENT_DELIVERED, ID, 0, 120, 0);
	ck_assert_int_eq(m->rcpts[0].state, RCPT_DELIVERED);
	ck_assert_str_eq(turn("three", 130), ID);
}
END_TEST

START_TEST(what_failed_is_requeued_as_new)
{
	struct message *m = admit(ID, 3);

	attempt(ID, "one", NULL, 100);
	result(EVENT_DELIVERED, ID, 0, 101, 0);
	result(EVENT_FAILED, ID, 1, 101, 0);
	happens(EVENT_REPORTED, ID, 102);
	result(EVENT_FAILED, ID, 2, 103, 0);
	happens(EVENT_KEPT, ID, 104);
	m->warned = true;
	m->untold = true;
	happens(EVENT_REQUEUED, ID, 900);
	ck_assert_int_eq(m->state, SPOOL_QUEUE);
	ck_assert_uint_eq(q.count[SPOOL_QUEUE], 1);
	ck_assert_uint_eq(q.count[SPOOL_FAILED], 0);
	ck_assert_int_eq(m->rcpts[0].state, RCPT_DELIVERED);
	for (int i = 1; i < 3; i++) {
		ck_assert_int_eq(m->rcpts[i].state, RCPT_PENDING);
		ck_assert_uint_eq(m->rcpts[i].attempts, 0);
		ck_assert_uint_eq(m->rcpts[i].tries, 0);
		ck_assert_int_eq(m->rcpts[i].next_us, 900);
	}
	ck_assert_int_eq(queue_since_us(m), 900);
	ck_assert(!m->warned && !m->untold);
	ck_assert_uint_eq(m->npending, 2);
}
END_TEST

START_TEST(an_edit_sets_attempts_and_time)
{
	struct message *m = deferred();

	edited(0, 7, 0, NULL);
	ck_assert_uint_eq(m->rcpts[0].attempts, 7);
	ck_assert_uint_eq(m->rcpts[0].tries, 7);
	ck_assert_int_eq(m->rcpts[0].next_us, 5000);
	edited(0, -1, 350, NULL);
	ck_assert_uint_eq(m->rcpts[0].attempts, 7);
	ck_assert_int_eq(m->rcpts[0].next_us, 350);
	ck_assert_uint_eq(m->rcpts[1].attempts, 2);
	ck_assert_str_eq(turn("one", 350), ID);
	edited(2, 1, 1, "dropped");
	edited(-1, 1, 1, "dropped");
	ck_assert_uint_eq(m->npending, 2);
}
END_TEST

static const struct {
	const char *note;
	enum rcpt_state state;
	unsigned dropped, failed;
	bool is_served;
} words[] = {
	{ "dropped", RCPT_DROPPED, 1, 0, true },
	{ "delivered", RCPT_DELIVERED, 0, 0, true },
	{ "failed", RCPT_FAILED, 0, 1, false },
	{ "nonsense", RCPT_PENDING, 0, 0, false },
};

START_TEST(an_edit_ends_a_recipient)
{
	struct message *m = admit(ID, 1);

	m->untold = true;
	edited(0, -1, 0, words[_i].note);
	ck_assert_int_eq(m->rcpts[0].state, words[_i].state);
	ck_assert_uint_eq(q.totals.dropped, words[_i].dropped);
	ck_assert_uint_eq(q.totals.failed, words[_i].failed);
	ck_assert_uint_eq(q.totals.delivered, 0);
	ck_assert(queue_is_served(m) == words[_i].is_served);
	ck_assert(queue_has_failed(m) == (words[_i].failed > 0));
	ck_assert_uint_eq(m->npending, words[_i].state == RCPT_PENDING ? 1 : 0);
	/* Its sender is to be told. */
	ck_assert(m->untold == (words[_i].failed == 0));
}
END_TEST

START_TEST(an_edit_leaves_what_is_served_or_on_its_way)
{
	struct message *m = admit(ID, 2);

	attempt(ID, "one", NULL, 100);
	edited(0, 9, 9, "dropped");
	ck_assert_int_eq(m->rcpts[0].state, RCPT_PENDING);
	ck_assert_uint_eq(m->rcpts[0].attempts, 0);
	ck_assert_uint_eq(m->nwaiting, 2);
	result(EVENT_DELIVERED, ID, 0, 110, 0);
	edited(0, 9, 9, "failed");
	ck_assert_int_eq(m->rcpts[0].state, RCPT_DELIVERED);
}
END_TEST

START_TEST(a_dropped_recipient_is_never_tried)
{
	struct message *m = admit(ID, 2);

	edited(0, -1, 0, "dropped");
	ck_assert_ptr_null(queue_first_due(queue_relay(&q, "one")));
	happens(EVENT_FLUSHED, ID, 400);
	happens(EVENT_RETRIED, ID, 400);
	happens(EVENT_REQUEUED, ID, 400);
	ck_assert_str_eq(turn("one", 500), "");
	ck_assert_str_eq(turn("two", 500), ID);
	result(EVENT_DELIVERED, ID, 1, 600, 0);
	ck_assert(queue_is_served(m));
	ck_assert_int_eq(m->rcpts[0].state, RCPT_DROPPED);
}
END_TEST

/* ---- pauses ---------------------------------------------------------- */

START_TEST(pauses_are_of_all_or_of_one)
{
	struct relay_state *one = queue_relay(&q, "one");

	about_relay(EVENT_PAUSED, "", NULL, "spoolq, uid 0", 100);
	about_relay(EVENT_PAUSED, "", "one", "spoolq, uid 0", 200);
	ck_assert_int_eq(q.paused_us, 100);
	ck_assert_str_eq(q.paused_by, "spoolq, uid 0");
	ck_assert_int_eq(one->paused_us, 200);
	about_relay(EVENT_RESUMED, "", "one", NULL, 300);
	ck_assert_int_eq(one->paused_us, 0);
	ck_assert_ptr_null(one->paused_by);
	ck_assert_int_eq(q.paused_us, 100);
	about_relay(EVENT_PAUSED, "", "one", "spoolq, uid 0", 400);
	about_relay(EVENT_RESUMED, "", NULL, NULL, 500);
	ck_assert_int_eq(one->paused_us, 0);
	ck_assert_int_eq(q.paused_us, 0);
}
END_TEST

/* A pause by FIRST, then one by SECOND: whether it outlasts the process. */
static const struct {
	const char *first, *second;
	bool lasts;
} lasting[] = {
	{ "SIGTSTP", NULL, false },
	{ "spoolq", NULL, true },
	{ "spoolq", "SIGTSTP", true },
	{ "SIGTSTP", "spoolq", true },
};

START_TEST(a_pause_by_a_signal_ends_with_the_process)
{
	int i = _i / 2;

	about_relay(EVENT_PAUSED, "", NULL, lasting[i].first, 100);
	if (lasting[i].second != NULL)
		about_relay(EVENT_PAUSED, "", NULL, lasting[i].second, 150);
	ck_assert_int_eq(q.paused_us, 100);
	/* Killed, it could not say that it stopped. */
	happens(_i % 2 == 0 ? EVENT_STOP : EVENT_START, "", 200);
	ck_assert_int_eq(q.paused_us, lasting[i].lasts ? 100 : 0);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int
main(void)
{
	Suite *s = suite_create("queue steer");
	TCase *tc = tcase_create("queue steer");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_retry_counts_anew_and_is_due);
	tcase_add_test(tc, what_is_pending_goes_where_it_is_rerouted);
	tcase_add_test(tc, what_is_on_its_way_is_rerouted_later);
	tcase_add_test(tc, what_failed_is_requeued_as_new);
	tcase_add_test(tc, an_edit_sets_attempts_and_time);
	tcase_add_loop_test(tc, an_edit_ends_a_recipient, 0, COUNT(words));
	tcase_add_test(tc, an_edit_leaves_what_is_served_or_on_its_way);
	tcase_add_test(tc, a_dropped_recipient_is_never_tried);
	tcase_add_test(tc, pauses_are_of_all_or_of_one);
	tcase_add_loop_test(tc, a_pause_by_a_signal_ends_with_the_process, 0,
	    2 * COUNT(lasting));
	suite_add_tcase(s, tc);
	return unit_main(s);
}
