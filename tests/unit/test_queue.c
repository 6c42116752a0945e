/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The picture of the queue on a clock of the test's own. */

#include "config.h"

#include <errno.h>
#include <string.h>

#include "lib/queue.h"
#include "tests/unit/unit.h"

static struct queue q;

static void
setup(void)
{
	queue_init(&q);
}

static void
teardown(void)
{
	queue_release(&q);
}

static struct event
event(enum event_kind kind, const char *id, int index, int64_t time_us)
{
	struct event ev = { .kind = kind, .index = index, .time_us = time_us };

	(void)strcpy(ev.id, id);
	return ev;
}

static void
apply(enum event_kind kind, const char *id, int index, int64_t time_us,
    int64_t next_us)
{
	struct event ev = event(kind, id, index, time_us);

	ev.next_us = next_us;
	ev.reply = "a reply";
	ck_assert_int_eq(queue_apply(&q, &ev), 0);
}

static struct relay_state *
relay(void)
{
	return queue_relay(&q, "default");
}

/* A queue_choose_fn. */
static struct relay_state *
choose(const struct message *m, const struct qrcpt *r, void *arg)
{
	(void)m;
	(void)r;
	return arg == NULL ? relay() : queue_relay(&q, arg);
}

static struct message *
admit(const char *id, int64_t arrival_us, size_t nrcpts)
{
	static const char *const rcpts[] = { "a@x", "b@x", "c@x" };
	struct event ev = event(EVENT_ADMITTED, id, -1, arrival_us);

	ev.arrival_us = arrival_us;
	ev.size_bytes = 100;
	ev.sender = "s@x";
	ev.rcpts = rcpts;
	ev.nrcpts = nrcpts;
	ck_assert_int_eq(queue_apply(&q, &ev), 0);
	ck_assert_int_eq(queue_route(&q, queue_find(&q, id), choose, NULL), 0);
	return queue_find(&q, id);
}

static struct message *
first_due(void)
{
	struct part *p = queue_first_due(relay());

	return p == NULL ? NULL : p->message;
}

START_TEST(new_mail_is_due_at_once_in_order_of_arrival)
{
	admit("3000000002", 20, 1);
	admit("3000000001", 10, 1);
	ck_assert_str_eq(first_due()->id, "3000000001");
	ck_assert_str_eq(queue_first(&q)->id, "3000000001");
	ck_assert_str_eq(queue_next(&q, queue_first(&q))->id, "3000000002");
	ck_assert_ptr_null(queue_next(&q, queue_find(&q, "3000000002")));
	ck_assert_uint_eq(q.count[SPOOL_QUEUE], 2);
}
END_TEST

START_TEST(longer_ids_are_younger)
{
	admit("10000000000", 20, 1);
	admit("FFFFFFFFFF", 10, 1);
	ck_assert_str_eq(queue_first(&q)->id, "FFFFFFFFFF");
}
END_TEST

START_TEST(an_attempt_lasts_until_every_recipient_has_its_result)
{
	struct message *m = admit("3000000001", 10, 3);

	apply(EVENT_ATTEMPT, m->id, -1, 100, 0);
	ck_assert(m->in_flight);
	ck_assert_ptr_null(first_due());
	apply(EVENT_DELIVERED, m->id, 0, 110, 0);
	apply(EVENT_DEFERRED, m->id, 1, 111, 5000);
	ck_assert(m->in_flight);
	apply(EVENT_FAILED, m->id, 2, 112, 0);
	ck_assert(!m->in_flight);
	ck_assert_uint_eq(m->npending, 1);
	ck_assert_int_eq(queue_due_us(m), 5000);
	ck_assert_ptr_eq(first_due(), m);
	ck_assert_uint_eq(m->rcpts[1].attempts, 1);
	ck_assert_str_eq(m->rcpts[1].reply, "a reply");
	ck_assert_uint_eq(q.totals.delivered, 1);
	ck_assert_uint_eq(q.totals.deferred, 1);
	ck_assert_uint_eq(q.totals.failed, 1);
}
END_TEST

START_TEST(only_due_recipients_take_part)
{
	struct message *m = admit("3000000001", 10, 2);

	apply(EVENT_ATTEMPT, m->id, -1, 100, 0);
	apply(EVENT_DEFERRED, m->id, 0, 110, 1000);
	apply(EVENT_DEFERRED, m->id, 1, 110, 2000);
	ck_assert_int_eq(queue_due_us(m), 1000);
	apply(EVENT_ATTEMPT, m->id, -1, 1500, 0);
	ck_assert(m->rcpts[0].waiting);
	ck_assert(!m->rcpts[1].waiting);
	apply(EVENT_DELIVERED, m->id, 0, 1600, 0);
	ck_assert(!m->in_flight);
	ck_assert_int_eq(queue_due_us(m), 2000);
}
END_TEST

START_TEST(relay_trouble_counts_no_attempt)
{
	struct message *m = admit("3000000001", 10, 1);

	apply(EVENT_ATTEMPT, m->id, -1, 100, 0);
	apply(EVENT_BACK, m->id, -1, 110, 0);
	ck_assert(!m->in_flight);
	ck_assert_uint_eq(m->rcpts[0].attempts, 0);
	ck_assert_uint_eq(m->rcpts[0].tries, 0);
	ck_assert_ptr_eq(first_due(), m);
	apply(EVENT_ATTEMPT, m->id, -1, 200, 0);
	apply(EVENT_LOST, m->id, 0, 210, 900);
	ck_assert_uint_eq(m->rcpts[0].attempts, 0);
	ck_assert_uint_eq(m->rcpts[0].tries, 1);
	apply(EVENT_ATTEMPT, m->id, -1, 1000, 0);
	apply(EVENT_UNCERTAIN, m->id, 0, 1010, 2000);
	ck_assert_uint_eq(m->rcpts[0].attempts, 0);
	ck_assert(m->rcpts[0].uncertain);
	/* It stays so until it is known: a later refusal does not tell. */
	apply(EVENT_ATTEMPT, m->id, -1, 3000, 0);
	apply(EVENT_DEFERRED, m->id, 0, 3010, 4000);
	ck_assert(m->rcpts[0].uncertain);
	ck_assert_uint_eq(m->rcpts[0].attempts, 1);
}
END_TEST

START_TEST(what_broke_off_is_uncertain_and_counts)
{
	struct message *m = admit("3000000001", 10, 1);
	struct event ev = event(EVENT_UNCERTAIN, m->id, 0, 110);

	apply(EVENT_ATTEMPT, m->id, -1, 100, 0);
	ev.attempts = 1;
	ev.next_us = 200;
	ck_assert_int_eq(queue_apply(&q, &ev), 0);
	ck_assert(m->rcpts[0].uncertain);
	ck_assert_uint_eq(m->rcpts[0].attempts, 1);
	ck_assert_uint_eq(m->rcpts[0].tries, 1);
	ck_assert_uint_eq(q.totals.deferred, 1);
	/* It says how many there were, not that there is one more. */
	ev.attempts = 1;
	ck_assert_int_eq(queue_apply(&q, &ev), 0);
	ck_assert_uint_eq(m->rcpts[0].attempts, 1);
	ev.attempts = 70000;
	ck_assert_int_eq(queue_apply(&q, &ev), 0);
	ck_assert_uint_eq(m->rcpts[0].attempts, UINT16_MAX);
}
END_TEST

START_TEST(an_answer_comes_once)
{
	struct message *m = admit("3000000001", 10, 1);

	apply(EVENT_ATTEMPT, m->id, -1, 100, 0);
	apply(EVENT_DELIVERED, m->id, 0, 110, 0);
	apply(EVENT_DELIVERED, m->id, 0, 120, 0);
	apply(EVENT_FAILED, m->id, 0, 130, 0);
	ck_assert_int_eq(m->rcpts[0].state, RCPT_DELIVERED);
	ck_assert_uint_eq(q.totals.delivered, 1);
	ck_assert_uint_eq(m->npending, 0);
	ck_assert_ptr_null(first_due());
	apply(EVENT_DELIVERED, m->id, 7, 140, 0);
	apply(EVENT_DELIVERED, m->id, -1, 150, 0);
	apply(EVENT_REMOVED, "3000000001", -1, 160, 0);
	ck_assert_ptr_null(queue_first(&q));
	ck_assert_uint_eq(q.count[SPOOL_QUEUE], 0);
}
END_TEST

START_TEST(served_is_what_all_have)
{
	struct message *m = admit("3000000001", 10, 2);
	struct message *other = admit("3000000002", 10, 2);

	ck_assert(!queue_is_served(m));
	apply(EVENT_DELIVERED, m->id, 0, 110, 0);
	ck_assert(!queue_is_served(m));
	apply(EVENT_DELIVERED, m->id, 1, 120, 0);
	ck_assert(queue_is_served(m));
	apply(EVENT_DELIVERED, other->id, 0, 110, 0);
	apply(EVENT_FAILED, other->id, 1, 120, 0);
	ck_assert_uint_eq(other->npending, 0);
	ck_assert(!queue_is_served(other));
}
END_TEST

START_TEST(held_mail_is_not_due)
{
	struct message *m = admit("3000000001", 10, 1);

	apply(EVENT_HELD, m->id, -1, 20, 0);
	ck_assert_ptr_null(first_due());
	ck_assert_uint_eq(q.count[SPOOL_HOLD], 1);
	apply(EVENT_RELEASED, m->id, -1, 30, 0);
	ck_assert_ptr_eq(first_due(), m);
	apply(EVENT_KEPT, m->id, -1, 40, 0);
	ck_assert_ptr_null(first_due());
	ck_assert_uint_eq(q.count[SPOOL_FAILED], 1);
}
END_TEST

START_TEST(flush_makes_due)
{
	struct message *m = admit("3000000001", 10, 2);
	struct message *other = admit("3000000002", 10, 1);

	apply(EVENT_ATTEMPT, m->id, -1, 100, 0);
	apply(EVENT_DEFERRED, m->id, 0, 110, 9000);
	apply(EVENT_DEFERRED, m->id, 1, 110, 8000);
	apply(EVENT_ATTEMPT, other->id, -1, 100, 0);
	apply(EVENT_DEFERRED, other->id, 0, 110, 9000);
	apply(EVENT_FLUSHED, m->id, -1, 200, 0);
	ck_assert_int_eq(queue_due_us(m), 200);
	ck_assert_int_eq(queue_due_us(other), 9000);
	apply(EVENT_RELAY_DOWN, "", -1, 200, 7000);
	apply(EVENT_FLUSHED, "", -1, 300, 0);
	ck_assert_int_eq(queue_due_us(other), 300);
	ck_assert_int_eq(queue_due_us(m), 200);
	ck_assert_int_eq(relay()->next_us, 300);
}
END_TEST

/* The clock went back and an id came again: the old story ends there. */
START_TEST(an_id_that_comes_again_is_another_message)
{
	struct message *m = admit("3000000001", 10, 1);

	apply(EVENT_ATTEMPT, m->id, -1, 100, 0);
	apply(EVENT_DELIVERED, m->id, 0, 110, 0);
	admit("3000000001", 10, 1);
	ck_assert_uint_eq(queue_find(&q, "3000000001")->npending, 0);
	m = admit("3000000001", 11, 1);
	ck_assert_uint_eq(m->npending, 1);
	ck_assert_ptr_eq(first_due(), m);
	ck_assert_uint_eq(q.count[SPOOL_QUEUE], 1);
}
END_TEST

START_TEST(unknown_messages_are_ignored)
{
	for (int kind = 0; kind < EVENT_KINDS; kind++)
		if (kind != EVENT_ADMITTED)
			apply((enum event_kind)kind, "3000000009", 0, 10, 20);
	ck_assert_ptr_null(queue_first(&q));
	ck_assert_ptr_null(queue_find(&q, "3000000009000000000000000000"));
}
END_TEST

START_TEST(the_relay_says_since_when_and_why)
{
	apply(EVENT_RELAY_DOWN, "", -1, 100, 200);
	apply(EVENT_RELAY_DOWN, "", -1, 200, 400);
	ck_assert(relay()->down);
	ck_assert_int_eq(relay()->since_us, 100);
	ck_assert_int_eq(relay()->next_us, 400);
	ck_assert_str_eq(relay()->reason, "a reply");
	apply(EVENT_RELAY_UP, "", -1, 500, 0);
	ck_assert(!relay()->down);
	ck_assert_int_eq(relay()->since_us, 500);
}
END_TEST

/* Whatever the order, the trees hold what they should. */
START_TEST(many_in_any_order)
{
	char id[SPOOL_ID_SIZE];
	uint32_t x = (uint32_t)_i + 1;
	int64_t last = 0;
	unsigned n = 0;

	for (int i = 0; i < 3000; i++) {
		x = x * 1664525u + 1013904223u;
		(void)snprintf(id, sizeof(id), "30%08X", (x >> 8) % 500);
		if (x % 3 == 0)
			apply(EVENT_REMOVED, id, -1, i, 0);
		else if (x % 3 == 1)
			admit(id, 1 + (x >> 20), 1);
		else
			apply(EVENT_DEFERRED, id, 0, i, (x >> 16) % 1000);
	}
	for (struct message *m = queue_first(&q); m != NULL;
	     m = queue_next(&q, m))
		n++;
	ck_assert_uint_eq(n, q.count[SPOOL_QUEUE]);
	while (first_due() != NULL) {
		struct message *m = first_due();

		ck_assert_int_le(last, queue_due_us(m));
		last = queue_due_us(m);
		(void)strcpy(id, m->id);
		apply(EVENT_REMOVED, id, -1, 1, 0);
		n--;
	}
	ck_assert_uint_eq(n, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("queue");
	TCase *t = tcase_create("queue");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, new_mail_is_due_at_once_in_order_of_arrival);
	tcase_add_test(t, longer_ids_are_younger);
	tcase_add_test(
	    t, an_attempt_lasts_until_every_recipient_has_its_result);
	tcase_add_test(t, only_due_recipients_take_part);
	tcase_add_test(t, relay_trouble_counts_no_attempt);
	tcase_add_test(t, what_broke_off_is_uncertain_and_counts);
	tcase_add_test(t, an_answer_comes_once);
	tcase_add_test(t, served_is_what_all_have);
	tcase_add_test(t, held_mail_is_not_due);
	tcase_add_test(t, flush_makes_due);
	tcase_add_test(t, an_id_that_comes_again_is_another_message);
	tcase_add_test(t, unknown_messages_are_ignored);
	tcase_add_test(t, the_relay_says_since_when_and_why);
	tcase_add_loop_test(t, many_in_any_order, 0, 8);
	suite_add_tcase(s, t);
	return unit_main(s);
}
