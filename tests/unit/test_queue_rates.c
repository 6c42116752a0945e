/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The picture of the queue: who sent how much lately. */

#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/status.h"
#include "tests/unit/queue-fixture.h"

#define BEGIN (1763770000 * SECOND)

/* ---- senders and rates --------------------------------------------------- */

static uint64_t
key_of(enum fair_by fair, uid_t uid, const char *sender)
{
	struct message m = { .uid = uid, .sender = (char *)(uintptr_t)sender };

	q.fair = fair;
	return queue_sender_key(&q, &m);
}

START_TEST(senders_are_told_apart)
{
	uint64_t ann = key_of(FAIR_SENDER, 1000, "ann@x.test");

	ck_assert_uint_eq(ann, key_of(FAIR_SENDER, 1000, "ann+1@x.test"));
	ck_assert_uint_eq(ann, key_of(FAIR_SENDER, 1000, "ann+2+3@x.test"));
	ck_assert_uint_ne(ann, key_of(FAIR_SENDER, 1000, "ann@y.test"));
	ck_assert_uint_ne(ann, key_of(FAIR_SENDER, 1000, "bob@x.test"));
	ck_assert_uint_ne(ann, key_of(FAIR_SENDER, 1001, "ann@x.test"));
	ck_assert_uint_ne(key_of(FAIR_SENDER, 0, "+a@x.test"),
	    key_of(FAIR_SENDER, 0, "+b@x.test"));
	ck_assert_uint_ne(key_of(FAIR_SENDER, 0, "a@x+1.test"),
	    key_of(FAIR_SENDER, 0, "a@x+2.test"));
	ck_assert_uint_eq(
	    key_of(FAIR_USER, 7, "a@x"), key_of(FAIR_USER, 7, ""));
	ck_assert_uint_ne(
	    key_of(FAIR_USER, 7, "a@x"), key_of(FAIR_USER, 8, "a@x"));
	ck_assert_uint_eq(
	    key_of(FAIR_NONE, 7, "a@x"), key_of(FAIR_NONE, 8, "b@y"));
}
END_TEST

static int64_t
relay_when(struct queue *of, int64_t now_us)
{
	struct relay_state *relay = queue_relay(of, "one");

	return rate_when(&relay->rate, relay->rates, relay->nrates, 1, now_us);
}

/* A restart in the middle: snapshot, journal, or a clear picture. */
START_TEST(rates_survive_a_snapshot)
{
	char dir[] = "/tmp/spoold-test-XXXXXX", cmd[64];
	struct status_daemon d = { .pid = 1 }, got_d;
	int64_t now_us = BEGIN;
	struct queue got;
	struct message *m;
	int fd;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	limit(&q);
	m = admit(ID, 1);
	for (int i = 0; i < _i; i++, now_us += 3 * SECOND) {
		attempt(ID, "one", NULL, now_us);
		result(EVENT_LOST, ID, 0, now_us, now_us + 1);
	}
	ck_assert_int_eq(status_write(fd, STATUS_NAME, &q, &d, now_us), 0);
	queue_init(&got);
	limit(&got);
	ck_assert_int_eq(status_load(fd, STATUS_NAME, &got, &got_d), 0);
	for (int i = 0; i < 50; i++, now_us += SECOND) {
		ck_assert_int_eq(
		    relay_when(&got, now_us), relay_when(&q, now_us));
		ck_assert_int_eq(
		    queue_sender_when(&got, queue_find(&got, ID), now_us),
		    queue_sender_when(&q, m, now_us));
	}
	if (_i >= 3)
		ck_assert_int_gt(queue_sender_when(&got, m, BEGIN + 9 * SECOND),
		    BEGIN + 9 * SECOND);
	status_daemon_release(&got_d);
	queue_release(&got);
	(void)close(fd);
	(void)snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	ck_assert_int_eq(system(cmd), 0);
}
END_TEST

START_TEST(what_is_clear_keeps_relays_and_limits)
{
	struct relay_state *one;

	limit(&q);
	one = queue_relay(&q, "one");
	one->relay = &q;
	admit(ID, 6);
	attempt(ID, "one", "0", BEGIN);
	happens(EVENT_RELAY_DOWN, "", BEGIN);
	ck_assert_int_gt(relay_when(&q, BEGIN), BEGIN);
	queue_clear(&q);
	ck_assert_ptr_null(queue_first(&q));
	ck_assert_ptr_eq(queue_relay(&q, "one"), one);
	ck_assert_ptr_eq(one->relay, &q);
	ck_assert_ptr_null(queue_first_due(one));
	ck_assert_uint_eq(one->nready, 0);
	ck_assert(!queue_relay(&q, "default")->down);
	ck_assert_int_le(relay_when(&q, BEGIN), BEGIN);
	admit(ID, 6);
	ck_assert_str_eq(turn("one", BEGIN), ID);
}
END_TEST

START_TEST(far_from_their_limits_senders_are_forgotten)
{
	limit(&q);
	admit(ID, 1);
	attempt(ID, "one", NULL, BEGIN);
	ck_assert(!RB_EMPTY(&q.senders));
	queue_prune_senders(&q, BEGIN + SECOND);
	ck_assert(!RB_EMPTY(&q.senders));
	queue_prune_senders(&q, BEGIN + 200 * SECOND);
	ck_assert(RB_EMPTY(&q.senders));
}
END_TEST

/* A relay's reason may be given to it again. */
START_TEST(a_reason_may_be_its_own)
{
	struct event ev = event(EVENT_RELAY_DOWN, "", 10);

	ev.relay = "one";
	ev.reply = "no answer";
	apply(ev);
	ev.reply = queue_relay(&q, "one")->reason;
	ev.next_us = 99;
	apply(ev);
	ck_assert_str_eq(queue_relay(&q, "one")->reason, "no answer");
	ck_assert_int_eq(queue_relay(&q, "one")->next_us, 99);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("queue_rates");
	TCase *t = tcase_create("queue_rates");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, senders_are_told_apart);
	tcase_add_loop_test(t, rates_survive_a_snapshot, 0, 6);
	tcase_add_test(t, what_is_clear_keeps_relays_and_limits);
	tcase_add_test(t, far_from_their_limits_senders_are_forgotten);
	tcase_add_test(t, a_reason_may_be_its_own);
	suite_add_tcase(s, t);
	return unit_main(s);
}
