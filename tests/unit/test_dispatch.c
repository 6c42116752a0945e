/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The scheduling of spoold on a clock of the test's own, with agents that do
 * what the test says: days pass in microseconds.
 */

#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "spoold/retry.h"
#include "spoold/spoold.h"
#include "tests/unit/unit.h"

#define SECOND ((int64_t)1000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static struct spoold d;
static struct config cfg;
static struct agent agents[2];
static char dir[] = "/tmp/spoold-test-XXXXXX";
static int64_t now_us;

/* What was handed out last, and how often. */
static char sent_id[SPOOL_ID_SIZE];
static char sent_indexes[64];
static struct agent *sent_to;
static unsigned nsent;

/* ---- the seams: what dispatch.c calls ---------------------------------- */

int64_t
spoold_now(const struct spoold *spoold)
{
	(void)spoold;
	return now_us;
}

void
spoold_check_done(struct spoold *spoold)
{
	(void)spoold;
}

void
agent_send(struct agent *a, const char *id, const char *indexes)
{
	sent_to = a;
	nsent++;
	(void)snprintf(sent_id, sizeof(sent_id), "%s", id);
	(void)snprintf(sent_indexes, sizeof(sent_indexes), "%s", indexes);
}

struct event
event_of(enum event_kind kind, const struct message *m)
{
	struct event ev = { .kind = kind, .index = -1, .delay_us = -1 };

	if (m != NULL)
		(void)strcpy(ev.id, m->id);
	return ev;
}

void
record(struct spoold *spoold, struct event *ev)
{
	if (ev->time_us == 0)
		ev->time_us = now_us;
	ck_assert_int_eq(queue_apply(&spoold->queue, ev), 0);
}

/* ---- helpers ----------------------------------------------------------- */

static void
setup(void)
{
	char *what = NULL;

	log_set_level(LOG_EMERG);
	(void)strcpy(dir + sizeof(dir) - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	memset(&d, 0, sizeof(d));
	ck_assert_int_eq(spool_create(dir, &what), 0);
	ck_assert_int_eq(spool_open(&d.sp, dir, SPOOL_OWN, &what), 0);
	ck_assert_int_eq(config_init(&cfg), 0);
	cfg.has_relay = true;
	cfg.attempts = 100;
	cfg.lifetime_s = 5 * 24 * 3600;
	now_us = 1763770000 * SECOND;
	d.cfg = &cfg;
	d.scanned = true;
	queue_init(&d.queue);
	ck_assert_int_eq(uv_loop_init(&d.loop), 0);
	ck_assert_int_eq(uv_timer_init(&d.loop, &d.due_timer), 0);
	memset(agents, 0, sizeof(agents));
	for (unsigned i = 0; i < 2; i++)
		agents[i] = (struct agent){ .d = &d,
			.state = AGENT_READY,
			.number = i + 1,
			.connections = 5 };
	d.agents = agents;
	d.nagents = 2;
	nsent = 0;
}

static void
teardown(void)
{
	char cmd[64];

	uv_close((uv_handle_t *)&d.due_timer, NULL);
	(void)uv_run(&d.loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&d.loop);
	queue_release(&d.queue);
	config_release(&cfg);
	spool_close(&d.sp);
	(void)snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	ck_assert_int_eq(system(cmd), 0);
}

/* Message number N with NRCPTS recipients, and a file of its name. */
static struct message *
admit(unsigned n, size_t nrcpts)
{
	static const char *const rcpts[] = { "a@x", "b@x", "c@x" };
	struct event ev = event_of(EVENT_ADMITTED, NULL);
	int fd;

	(void)snprintf(ev.id, sizeof(ev.id), "30%08X", n);
	ev.arrival_us = now_us;
	ev.sender = "s@x";
	ev.rcpts = rcpts;
	ev.nrcpts = nrcpts;
	record(&d, &ev);
	fd =
	    openat(d.sp.state_fd[SPOOL_QUEUE], ev.id, O_CREAT | O_WRONLY, 0600);
	ck_assert_int_ge(fd, 0);
	(void)close(fd);
	return queue_find(&d.queue, ev.id);
}

static bool
lies_in(enum spool_state state, const char *id)
{
	return faccessat(d.sp.state_fd[state], id, F_OK, 0) == 0;
}

/* The last job sent: one recipient's OUTCOME, then done. */
static void
answer(unsigned index, const char *outcome)
{
	char id[SPOOL_ID_SIZE];

	(void)strcpy(id, sent_id);
	dispatch_start(sent_to, id, "192.0.2.1:25");
	dispatch_rcpt(sent_to, id, index, outcome, 1000, "a reply");
	dispatch_done(sent_to, id);
}

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
	ck_assert_uint_eq(agents[0].in_flight, 10);
	ck_assert_uint_eq(agents[1].in_flight, 10);
	answer(0, "delivered");
	ck_assert_uint_eq(nsent, 21);
	ck_assert_uint_eq(d.in_flight, 20);
}
END_TEST

START_TEST(nothing_goes_out)
{
	admit(1, 1);
	switch (_i) {
	case 0:
		cfg.has_relay = false;
		break;
	case 1:
		d.stopping = true;
		break;
	case 2:
		d.broken = true;
		break;
	case 3:
		d.scanned = false;
		break;
	default:
		agents[0].state = AGENT_STARTING;
		agents[1].state = AGENT_ABSENT;
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
	ck_assert_int_ge(m->due_us, now_us + MINUTE);
	ck_assert_int_le(m->due_us, now_us + MINUTE + MINUTE / 10);
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
		now_us = m->due_us;
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
		now_us = m->due_us;
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
		if (m->job != NULL)
			dispatch_back(m->job, m->id, why, "refused");
	}
}

START_TEST(a_relay_in_trouble_is_probed_with_one_message_at_a_time)
{
	for (unsigned i = 0; i < 50; i++)
		admit(i, 1);
	dispatch(&d);
	everything_comes_back("relay");
	ck_assert(d.queue.relay.down);
	ck_assert_uint_eq(d.in_flight, 0);
	nsent = 0;
	/* An hour of trouble: 1, 2, 4 … 60 s apart, one message each. */
	for (int64_t end_us = now_us + HOUR; now_us < end_us;) {
		now_us += SECOND / 2;
		dispatch(&d);
		ck_assert_uint_le(d.in_flight, 1);
		everything_comes_back("relay");
	}
	ck_assert_uint_ge(nsent, 55);
	ck_assert_uint_le(nsent, 70);
	for (struct message *m = queue_first(&d.queue); m != NULL;
	     m = queue_next(&d.queue, m))
		ck_assert_uint_eq(m->rcpts[0].tries, 0);
	/* It answers again: everything goes. */
	now_us += MINUTE;
	nsent = 0;
	dispatch(&d);
	ck_assert_uint_eq(nsent, 1);
	/* A connection alone proves nothing: the login may fail. */
	dispatch_start(sent_to, sent_id, "192.0.2.1:25");
	ck_assert(d.queue.relay.down);
	answer(0, "delivered");
	ck_assert(!d.queue.relay.down);
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
	ck_assert(d.queue.relay.down);
	ck_assert_int_gt(d.queue.relay.next_us, now_us);
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
	ck_assert(!d.queue.relay.down);
	admit(3, 1);
	dispatch(&d);
	ck_assert_uint_eq(nsent, 3);
}
END_TEST

START_TEST(a_dead_agent_costs_a_retry)
{
	struct message *started = admit(1, 1), *waiting = admit(2, 1);

	agents[1].state = AGENT_ABSENT;
	dispatch(&d);
	ck_assert_uint_eq(nsent, 2);
	dispatch_start(&agents[0], started->id, "192.0.2.1:25");
	agents[0].state = AGENT_ABSENT;
	dispatch_died(&agents[0], "signal 11");
	ck_assert_uint_eq(agents[0].in_flight, 0);
	ck_assert_uint_eq(d.in_flight, 0);
	/* Only what it had begun with may have killed it. */
	ck_assert_uint_eq(started->rcpts[0].attempts, 1);
	ck_assert_uint_eq(waiting->rcpts[0].attempts, 0);
	ck_assert(started->scheduled && waiting->scheduled);
}
END_TEST

START_TEST(what_an_agent_must_not_say_changes_nothing)
{
	struct message *m = admit(1, 1);

	dispatch(&d);
	dispatch_rcpt(sent_to, m->id, 1, "delivered", 1, "250");
	dispatch_rcpt(sent_to, m->id, 0, "splendid", 1, "250");
	dispatch_rcpt(sent_to, "3000000009", 0, "delivered", 1, "250");
	dispatch_done(sent_to == &agents[0] ? &agents[1] : &agents[0], m->id);
	dispatch_start(&agents[0], "nonsense", "x");
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
		record(&d, &ev);
		ck_assert(m->in_flight);
		dispatch_recover(&d);
		ck_assert(!m->in_flight);
		ck_assert_uint_eq(m->rcpts[0].attempts, i + 1);
		if (i < 2)
			ck_assert_int_eq(m->due_us, now_us);
		else
			ck_assert_int_ge(m->due_us, now_us + MINUTE);
		now_us = m->due_us;
	}
}
END_TEST

START_TEST(a_crash_after_the_last_answer_only_removes)
{
	struct message *m = admit(1, 1);
	struct event ev = event_of(EVENT_ATTEMPT, m);

	record(&d, &ev);
	ev = event_of(EVENT_DELIVERED, m);
	ev.index = 0;
	record(&d, &ev);
	ck_assert(lies_in(SPOOL_QUEUE, "3000000001"));
	dispatch_recover(&d);
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
	dispatch_recover(&d);
	ck_assert_int_le(m->due_us, now_us + HOUR);
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
	dispatch_start(poison->job, poison->id, "192.0.2.1:25");
	dispatch_back(poison->job, poison->id, "message", "421 4.7.0 no");
	everything_comes_back("relay");
	ck_assert(d.queue.relay.down);
	ck_assert_int_ge(poison->due_us, now_us + MINUTE);
	now_us += 2 * SECOND;
	dispatch(&d);
	ck_assert_str_eq(sent_id, "3000000002");
	answer(0, "delivered");
	ck_assert(!d.queue.relay.down);
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
		now_us = d.queue.relay.next_us;
		nsent = 0;
		dispatch(&d);
		ck_assert_uint_eq(nsent, 1);
		dispatch_back(sent_to, sent_id, "message", "421 4.7.0 no");
		ck_assert_int_eq(d.queue.relay.next_us, now_us + SECOND);
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
	ck_assert_str_eq(m->rcpts[1].reply, "refused");
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
	tcase_add_loop_test(t, nothing_goes_out, 0, 5);
	tcase_add_test(t, recipients_have_fates_of_their_own);
	tcase_add_test(t, a_message_put_off_again_and_again_is_given_up);
	tcase_add_loop_test(
	    t, no_answer_is_tried_until_the_lifetime_ends, 0, 2);
	tcase_add_test(
	    t, a_relay_in_trouble_is_probed_with_one_message_at_a_time);
	tcase_add_test(t, a_probe_without_answer_prolongs_the_rest);
	tcase_add_test(t, one_message_without_answer_does_not_close_the_relay);
	tcase_add_test(t, a_dead_agent_costs_a_retry);
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
