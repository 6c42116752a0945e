/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The picture of the queue whatever happens: counted and looked for the long
 * way. */

#include "config.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/queue-fixture.h"

/* ---- anything ------------------------------------------------------------ */

/* Where a part is, found the long way. */
static unsigned
times_below(const struct part *top, const struct part *p)
{
	return top == NULL ? 0
			   : (top == p) + times_below(RB_LEFT(top, by_due), p) +
		times_below(RB_RIGHT(top, by_due), p);
}

static unsigned
times_in_dues(const struct part *p)
{
	unsigned n = 0;
	struct relay_state *relay;

	STAILQ_FOREACH (relay, &q.relays, link)
		n += times_below(RB_ROOT(&relay->dues), p);
	return n;
}

static unsigned
times_in_flows(const struct flow *top, const struct part *p)
{
	const struct turn *t;
	unsigned n;

	if (top == NULL)
		return 0;
	n = times_in_flows(RB_LEFT(top, by_key), p) +
	    times_in_flows(RB_RIGHT(top, by_key), p);
	TAILQ_FOREACH (t, &top->line, link)
		n += t == &p->turn;
	return n;
}

static unsigned
times_in_lines(const struct part *p)
{
	unsigned n = 0;
	struct relay_state *relay;

	STAILQ_FOREACH (relay, &q.relays, link)
		for (unsigned i = 0; i < LANES_MAX; i++)
			n += times_in_flows(RB_ROOT(&relay->turns[i].keys), p);
	return n;
}

static void
check_part(const struct message *m, const struct part *p)
{
	unsigned npending = 0, nwaiting = 0;
	int64_t due_us = INT64_MAX;
	bool is_wanted;

	for (unsigned i = 0; i < m->nrcpts; i++) {
		const struct qrcpt *r = &m->rcpts[i];

		if (r->part != p || r->state != RCPT_PENDING)
			continue;
		npending++;
		nwaiting += r->waiting;
		if (r->next_us < due_us)
			due_us = r->next_us;
	}
	ck_assert_uint_eq(p->npending, npending);
	ck_assert_uint_eq(p->nwaiting, nwaiting);
	is_wanted = p->relay != NULL && m->state == SPOOL_QUEUE &&
	    npending > 0 && nwaiting == 0 && p->job == NULL;
	ck_assert_uint_eq(times_in_dues(p), p->place == PART_DUE);
	ck_assert_uint_eq(times_in_lines(p), p->place == PART_READY);
	ck_assert_int_eq(p->place != PART_NOWHERE, is_wanted);
	if (!is_wanted)
		return;
	if (queue_expires_us(m) > 0 && queue_expires_us(m) < due_us)
		due_us = queue_expires_us(m);
	ck_assert_int_eq(p->due_us, due_us);
	ck_assert_ptr_eq(p->message, m);
}

static void
check_message(const struct message *m)
{
	unsigned npending = 0, nwaiting = 0;

	for (const struct part *p = &m->first; p != NULL; p = p->next) {
		check_part(m, p);
		npending += p->npending;
		nwaiting += p->nwaiting;
		for (const struct part *o = p->next; o != NULL; o = o->next)
			ck_assert_ptr_ne(o->relay, p->relay);
	}
	ck_assert_uint_eq(m->npending, npending);
	ck_assert_uint_eq(m->nwaiting, nwaiting);
}

static void
check_all(void)
{
	size_t count[SPOOL_STATES] = { 0 }, nready = 0, found = 0;
	struct relay_state *relay;

	for (struct message *m = queue_first(&q); m != NULL;
	     m = queue_next(&q, m)) {
		check_message(m);
		count[m->state]++;
		for (struct part *p = &m->first; p != NULL; p = p->next)
			nready += p->place == PART_READY;
	}
	for (int i = 0; i < SPOOL_STATES; i++)
		ck_assert_uint_eq(q.count[i], count[i]);
	STAILQ_FOREACH (relay, &q.relays, link)
		found += relay->nready;
	ck_assert_uint_eq(found, nready);
}

static uint32_t state;

static unsigned
random_below(unsigned n)
{
	state = state * 1664525u + 1013904223u;
	return (state >> 10) % n;
}

static void
any_event(const char *id, int64_t now_us)
{
	static const enum event_kind kinds[] = { EVENT_ATTEMPT, EVENT_ATTEMPT,
		EVENT_ATTEMPT, EVENT_DELIVERED, EVENT_DEFERRED, EVENT_DEFERRED,
		EVENT_LOST, EVENT_UNCERTAIN, EVENT_FAILED, EVENT_BACK,
		EVENT_FLUSHED, EVENT_HELD, EVENT_RELEASED, EVENT_KEPT,
		EVENT_REPORTED, EVENT_WARNED, EVENT_REMOVED, EVENT_DROPPED,
		EVENT_RETRIED, EVENT_REROUTED, EVENT_REQUEUED, EVENT_EDITED };
	static const char *const relays[] = { "one", "two", "three", NULL };
	static const char *const indexes[] = { "0", "1-3", "0,2,4", "5", NULL,
		"2-9" };
	static const char *const texts[] = { "busy", "no", "", NULL };
	struct event ev = event(
	    kinds[random_below(sizeof(kinds) / sizeof(kinds[0]))], id, now_us);

	ev.index = (int)random_below(7) - 1;
	ev.relay = relays[random_below(4)];
	ev.indexes = indexes[random_below(6)];
	ev.next_us = now_us + random_below(40);
	ev.reply = texts[random_below(4)];
	ev.server = texts[random_below(4)];
	ev.note = texts[random_below(4)];
	if (ev.kind == EVENT_FLUSHED && random_below(2) == 0)
		ev.id[0] = '\0';
	apply(ev);
}

static void
any_call(const char *id, int64_t now_us)
{
	static const char *const to[] = { "one", "two", NULL, NULL };
	struct message *m = queue_find(&q, id);
	struct relay_state *relay = queue_relay(&q, "one");
	struct part *p;

	(void)queue_wake(&q, relay, now_us);
	(void)queue_wake(&q, queue_relay(&q, "two"), now_us);
	p = queue_turn(relay, random_below(2));
	if (p != NULL && random_below(2) == 0)
		queue_block(relay, p, now_us + random_below(30));
	if (random_below(20) == 0)
		queue_unready(&q, relay);
	if (m == NULL)
		return;
	if (random_below(3) == 0) {
		queue_route(&q, m, nowhere, NULL);
		m->lane_no = (uint8_t)random_below(2);
	}
	if (random_below(2) == 0)
		route(id, to[random_below(4)]);
	p = random_below(2) == 0 || m->first.next == NULL ? &m->first
							  : m->first.next;
	queue_set_job(&q, p, p->job == NULL ? &q : NULL);
	/* As spoold does once its agent begins. */
	if (p->job != NULL && p->server == NULL)
		p->server = strdup("192.0.2.1:25");
}

START_TEST(whatever_happens_all_is_in_its_place)
{
	char id[SPOOL_ID_SIZE];

	state = (uint32_t)_i + 1;
	limit(&q);
	for (int64_t now_us = 1; now_us < 1500; now_us++) {
		(void)snprintf(id, sizeof(id), "30%08X", random_below(6));
		if (queue_find(&q, id) == NULL) {
			struct event ev = admission(id, 1 + random_below(6));

			ev.time_us = now_us;
			ev.arrival_us = now_us;
			ev.not_before_us = now_us + random_below(2) * 20;
			ev.expires_us = random_below(2) * (now_us + 30);
			ev.sender = random_below(2) == 0 ? "s@x" : "t@x";
			ev.lane = random_below(2) == 0 ? "bulk" : NULL;
			apply(ev);
		}
		any_event(id, now_us);
		any_call(id, now_us);
		check_all();
	}
	queue_clear(&q);
	ck_assert_uint_eq(q.texts.count, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("queue_random");
	TCase *t = tcase_create("queue_random");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, whatever_happens_all_is_in_its_place, 0, 8);
	suite_add_tcase(s, t);
	return unit_main(s);
}
