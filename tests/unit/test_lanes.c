/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* Several relays, lanes, limits, and whose turn it is. */

#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/dispatch-fixture.h"
#include "tests/unit/unit.h"

/* Deliver what is in flight until nothing more comes; how many there were. */
static unsigned
deliver_all(void)
{
	unsigned n = 0;

	while (d.in_flight > 0) {
		struct message *m = queue_first(&d.queue);
		struct part *p = &m->first;

		while (p->job == NULL) {
			p = p->next;
			if (p == NULL) {
				m = queue_next(&d.queue, m);
				p = &m->first;
			}
		}
		sent_to = p->job;
		(void)strcpy(sent_id, m->id);
		for (unsigned i = 0; i < m->nrcpts; i++)
			if (m->rcpts[i].waiting && m->rcpts[i].part == p)
				dispatch_rcpt(sent_to, sent_id, i, "delivered",
				    1, "250 ok");
		dispatch_done(sent_to, sent_id);
		n++;
	}
	return n;
}

static void
route(const char *recipient, const char *name)
{
	cfg.routes =
	    realloc(cfg.routes, (cfg.nroutes + 1) * sizeof(*cfg.routes));
	cfg.routes[cfg.nroutes++] =
	    (struct route_config){ .recipient = strdup(recipient),
		    .relay = strdup(name) };
}

/* ---- relays ------------------------------------------------------------ */

START_TEST(each_part_of_a_message_goes_its_own_way)
{
	struct message *m;
	struct agent *first;

	route("b@x", "other");
	use_relays(2);
	m = admit(1, 3);
	dispatch(&d);
	ck_assert_uint_eq(nsent, 2);
	ck_assert_ptr_nonnull(m->first.next);
	/* One answers; the other one is mute. */
	first = queue_part(m, relay)->job;
	dispatch_rcpt(first, m->id, 0, "deferred", 1, "450 later");
	dispatch_rcpt(first, m->id, 2, "delivered", 1, "250 ok");
	dispatch_done(first, m->id);
	now_us += 2 * MINUTE;
	dispatch(&d);
	ck_assert_uint_eq(nsent, 3);
	ck_assert_str_eq(sent_indexes, "0");
	ck_assert_uint_eq(d.in_flight, 2);
	ck_assert_uint_eq(deliver_all(), 2);
	ck_assert_ptr_null(queue_first(&d.queue));
}
END_TEST

START_TEST(the_trouble_of_one_relay_is_not_the_others)
{
	char id[SPOOL_ID_SIZE];

	route("b@x", "other");
	use_relays(2);
	(void)admit(1, 2);
	dispatch(&d);
	(void)strcpy(id, sent_id);
	dispatch_back(sent_to, id, "relay", "refused");
	ck_assert_uint_eq(
	    relay->down + queue_relay(&d.queue, "other")->down, 1);
	(void)deliver_all();
	ck_assert_uint_eq(queue_find(&d.queue, id)->npending, 1);
}
END_TEST

START_TEST(what_was_for_a_relay_that_is_gone_takes_another)
{
	struct message *m;

	route("a@x", "other");
	use_relays(2);
	m = admit(1, 1);
	ck_assert_str_eq(m->rcpts[0].part->relay->name, "other");
	free(cfg.routes[0].recipient);
	free(cfg.routes[0].relay);
	cfg.nroutes = 0;
	use_relays(1);
	ck_assert_str_eq(m->rcpts[0].part->relay->name, "default");
	dispatch(&d);
	ck_assert_uint_eq(deliver_all(), 1);
}
END_TEST

/* As after SIGHUP: the agents of before finish what they have. */
START_TEST(what_comes_back_from_before_takes_another)
{
	struct message *m;

	route("a@x", "other");
	use_relays(2);
	m = admit(1, 1);
	dispatch(&d);
	ck_assert_ptr_eq(sent_to->relay, relay_find(&d, "other"));
	agents[1][0].is_leaving = true;
	agents[1][1].is_leaving = true;
	free(cfg.routes[0].recipient);
	free(cfg.routes[0].relay);
	cfg.nroutes = 0;
	use_relays(1);
	ck_assert_str_eq(m->rcpts[0].part->relay->name, "other");
	if (_i == 0) {
		answer(0, "deferred");
	} else {
		dispatch_back(sent_to, m->id, "relay", "refused");
		/* The relay of now has nothing to do with that. */
		ck_assert(!queue_relay(&d.queue, "other")->down);
	}
	ck_assert_str_eq(m->rcpts[0].part->relay->name, "default");
	now_us += 2 * MINUTE;
	dispatch(&d);
	ck_assert_uint_eq(nsent, 2);
	ck_assert_ptr_eq(sent_to->relay, relay_find(&d, "default"));
	answer(0, "delivered");
	ck_assert_uint_eq(d.in_flight, 0);
}
END_TEST

START_TEST(many_recipients_go_a_share_at_a_time)
{
	struct message *m;

	relay_cfgs[0].recipients_max = 2;
	m = admit(1, 3);
	dispatch(&d);
	ck_assert_uint_eq(nsent, 1);
	ck_assert_str_eq(sent_indexes, "0-1");
	ck_assert_uint_eq(m->nwaiting, 2);
	dispatch_rcpt(sent_to, m->id, 0, "delivered", 1, "250 ok");
	dispatch_rcpt(sent_to, m->id, 1, "delivered", 1, "250 ok");
	dispatch_done(sent_to, m->id);
	ck_assert_uint_eq(nsent, 2);
	ck_assert_str_eq(sent_indexes, "2");
	(void)deliver_all();
	ck_assert_ptr_null(queue_first(&d.queue));
}
END_TEST

/* ---- turns and lanes --------------------------------------------------- */

START_TEST(who_has_one_does_not_wait_for_who_has_many)
{
	unsigned before = 0;

	for (unsigned i = 0; i < 200; i++)
		(void)admit_from(i, "loop@x", NULL, 0);
	(void)admit_from(500, "invoice@x", NULL, 0);
	dispatch(&d);
	while (queue_find(&d.queue, "30000001F4") != NULL &&
	    queue_find(&d.queue, "30000001F4")->first.job == NULL) {
		answer(0, "delivered");
		before++;
	}
	ck_assert_uint_le(before, 2);
}
END_TEST

/* The table of lanes; the names are the configuration's to free. */
static void
use_lanes(size_t n, const struct lane_config lanes[])
{
	for (size_t i = 0; i < cfg.nlanes; i++) {
		free(cfg.lanes[i].name);
		free(cfg.lanes[i].priority);
		free(cfg.lanes[i].sender);
	}
	cfg.lanes = realloc(cfg.lanes, n * sizeof(*lanes));
	cfg.nlanes = n;
	for (size_t i = 0; i < n; i++) {
		cfg.lanes[i] = lanes[i];
		cfg.lanes[i].name = strdup(lanes[i].name);
	}
}

static const struct lane_config three[] = { { .name = (char *)"otp" },
	{ .name = (char *)LANE_NORMAL }, { .name = (char *)"bulk" } };

START_TEST(an_urgent_message_overtakes)
{
	unsigned before = 0;

	use_lanes(3, three);
	for (unsigned i = 0; i < 200; i++)
		(void)admit_from(i, "news@x", "bulk", 0);
	dispatch(&d);
	(void)admit_from(500, "reset@x", "otp", 0);
	for (; queue_find(&d.queue, "30000001F4")->first.job == NULL; before++)
		answer(0, "delivered");
	ck_assert_uint_eq(before, 1);
}
END_TEST

START_TEST(nothing_urgent_lets_the_others_wait_for_ever)
{
	unsigned bulk = 0;

	use_lanes(3, three);
	for (unsigned i = 0; i < 200; i++)
		(void)admit_from(i, "reset@x", "otp", 0);
	for (unsigned i = 200; i < 220; i++)
		(void)admit_from(i, "news@x", "bulk", 0);
	dispatch(&d);
	for (unsigned i = 0; i < 80; i++)
		answer(0, "delivered");
	for (unsigned i = 200; i < 220; i++) {
		char id[SPOOL_ID_SIZE];

		(void)snprintf(id, sizeof(id), "30%08X", i);
		bulk += queue_find(&d.queue, id) == NULL;
	}
	ck_assert_uint_ge(bulk, 5);
	ck_assert_uint_le(bulk, 20);
}
END_TEST

START_TEST(reserved_connections_stay_free)
{
	static const struct lane_config reserved[] = {
		{ .name = (char *)"otp", .reserve = 3 },
		{ .name = (char *)LANE_NORMAL },
	};

	use_lanes(2, reserved);
	for (unsigned i = 0; i < 50; i++)
		(void)admit_from(i, "news@x", NULL, 0);
	dispatch(&d);
	/* Ten connections, none of them with one that waits there. */
	ck_assert_uint_eq(d.in_flight, 7);
	for (unsigned i = 100; i < 110; i++)
		(void)admit_from(i, "reset@x", "otp", 0);
	dispatch(&d);
	ck_assert_uint_eq(d.in_flight, 10);
	for (unsigned i = 100; i < 103; i++) {
		char id[SPOOL_ID_SIZE];

		(void)snprintf(id, sizeof(id), "30%08X", i);
		ck_assert_ptr_nonnull(queue_find(&d.queue, id)->first.job);
	}
	ck_assert_uint_eq(deliver_all(), 60);
}
END_TEST

START_TEST(slow_sessions_make_room)
{
	for (unsigned i = 0; i < 100; i++)
		(void)admit(i, 1);
	dispatch(&d);
	ck_assert_uint_eq(d.in_flight, 20);
	agents[0][0].slow = 3;
	dispatch(&d);
	ck_assert_uint_eq(d.in_flight, 26);
	/* Up to the second limit. */
	agents[0][0].slow = 50;
	dispatch(&d);
	ck_assert_uint_eq(d.in_flight, 30);
	ck_assert_uint_eq(deliver_all(), 100);
}
END_TEST

/* ---- limits ------------------------------------------------------------ */

/* Run the clock for SPAN; how many were handed out, and delivered at once. */
static unsigned
run_for(int64_t span_us)
{
	int64_t end_us = now_us + span_us;
	unsigned before = nsent;

	for (; now_us < end_us; now_us += SECOND / 100) {
		dispatch(&d);
		(void)deliver_all();
	}
	return nsent - before;
}

static struct rate_limit ten = { .count = 10, .window_us = SECOND };

START_TEST(a_rate_is_kept_evenly)
{
	relay_cfgs[0].rates = &ten;
	relay_cfgs[0].nrates = 1;
	use_relays(1);
	for (unsigned i = 0; i < 500; i++)
		(void)admit(i, 1);
	for (unsigned i = 0; i < 30; i++) {
		unsigned n = run_for(SECOND);

		ck_assert_uint_ge(n, 9);
		ck_assert_uint_le(n, 11);
	}
	/* Whoever waits for a limit was not tried. */
	for (struct message *m = queue_first(&d.queue); m != NULL;
	     m = queue_next(&d.queue, m))
		ck_assert_uint_eq(m->rcpts[0].tries, 0);
	ck_assert_uint_le(500 - d.queue.count[SPOOL_QUEUE], 303);
	ck_assert_uint_ge(500 - d.queue.count[SPOOL_QUEUE], 297);
	/* Those that config_release() must not free. */
	relay_cfgs[0].nrates = 0;
	relay_cfgs[0].rates = NULL;
	use_relays(1);
}
END_TEST

START_TEST(a_sender_at_his_limit_does_not_stop_others)
{
	static struct rate_limit hourly = { .count = 5, .window_us = HOUR };
	unsigned n;

	cfg.sender_rates = &hourly;
	cfg.nsender_rates = 1;
	use_relays(1);
	for (unsigned i = 0; i < 50; i++)
		(void)admit_from(i, "loop@x", NULL, 0);
	(void)admit_from(500, "one@x", NULL, 0);
	n = run_for(SECOND);
	ck_assert_uint_ge(n, 2);
	ck_assert_uint_le(n, 6);
	ck_assert_ptr_null(queue_find(&d.queue, "30000001F4"));
	(void)run_for(2 * HOUR);
	ck_assert_uint_ge(51 - d.queue.count[SPOOL_QUEUE], 10);
	ck_assert_uint_le(51 - d.queue.count[SPOOL_QUEUE], 12);
	cfg.nsender_rates = 0;
	cfg.sender_rates = NULL;
	use_relays(1);
}
END_TEST

/* ---- time -------------------------------------------------------------- */

START_TEST(what_is_of_no_use_any_more_is_not_sent)
{
	struct message *m = admit_from(1, "otp@x", NULL, now_us + 10 * MINUTE);

	dispatch(&d);
	answer(0, "deferred");
	while (now_us < queue_expires_us(m) && m->state == SPOOL_QUEUE) {
		now_us += 10 * SECOND;
		dispatch(&d);
		if (d.in_flight > 0)
			answer(0, "deferred");
	}
	now_us = queue_expires_us(m) + SECOND;
	dispatch(&d);
	ck_assert_uint_eq(d.in_flight, 0);
	ck_assert_int_eq(m->state, SPOOL_FAILED);
	ck_assert_str_eq(m->rcpts[0].reply, "a reply");
}
END_TEST

START_TEST(what_is_for_later_waits)
{
	static const char *const rcpts[] = { "a@x" };
	struct event ev = event_of(EVENT_ADMITTED, NULL);

	ev.arrival_us = now_us;
	ev.sender = "s@x";
	ev.not_before_us = now_us + HOUR;
	ev.rcpts = rcpts;
	ev.nrcpts = 1;
	(void)strcpy(ev.id, "3000000001");
	record(&d, &ev);
	relay_route(&d, queue_find(&d.queue, ev.id));
	ev = event_of(EVENT_FLUSHED, NULL);
	record(&d, &ev);
	now_us += HOUR - SECOND;
	dispatch(&d);
	ck_assert_uint_eq(nsent, 0);
	now_us += SECOND;
	dispatch(&d);
	ck_assert_uint_eq(nsent, 1);
}
END_TEST

START_TEST(what_is_uncertain_is_held_if_wanted)
{
	struct message *m = admit(1, 1);
	struct event ev;

	cfg.on_uncertain = UNCERTAIN_HOLD;
	dispatch(&d);
	answer(0, "uncertain");
	ck_assert_int_eq(m->state, SPOOL_HOLD);
	ck_assert(lies_in(SPOOL_HOLD, m->id));
	now_us += DAY;
	dispatch(&d);
	ck_assert_uint_eq(nsent, 1);
	/* An operator's word counts. */
	ck_assert_int_eq(
	    spool_rename(&d.sp, m->id, SPOOL_HOLD, SPOOL_QUEUE), 0);
	ev = event_of(EVENT_RELEASED, m);
	record(&d, &ev);
	dispatch_finish(&d, m);
	dispatch(&d);
	ck_assert_uint_eq(nsent, 2);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("lanes");
	TCase *t = tcase_create("lanes");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, each_part_of_a_message_goes_its_own_way);
	tcase_add_test(t, the_trouble_of_one_relay_is_not_the_others);
	tcase_add_test(t, what_was_for_a_relay_that_is_gone_takes_another);
	tcase_add_loop_test(t, what_comes_back_from_before_takes_another, 0, 2);
	tcase_add_test(t, many_recipients_go_a_share_at_a_time);
	tcase_add_test(t, who_has_one_does_not_wait_for_who_has_many);
	tcase_add_test(t, an_urgent_message_overtakes);
	tcase_add_test(t, nothing_urgent_lets_the_others_wait_for_ever);
	tcase_add_test(t, reserved_connections_stay_free);
	tcase_add_test(t, slow_sessions_make_room);
	tcase_add_test(t, a_rate_is_kept_evenly);
	tcase_add_test(t, a_sender_at_his_limit_does_not_stop_others);
	tcase_add_test(t, what_is_of_no_use_any_more_is_not_sent);
	tcase_add_test(t, what_is_for_later_waits);
	tcase_add_test(t, what_is_uncertain_is_held_if_wanted);
	suite_add_tcase(s, t);
	return unit_main(s);
}
