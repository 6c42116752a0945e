/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See queue-fixture.h. */

#include "config.h"

#include <string.h>

#include "tests/unit/queue-fixture.h"

struct queue q;
static const char *const rcpts[] = { "a@one", "b@two", "c@one", "d@two",
	"e@one", "f@three" };

void
setup(void)
{
	queue_init(&q);
}

void
teardown(void)
{
	queue_release(&q);
}

struct event
event(enum event_kind kind, const char *id, int64_t time_us)
{
	struct event ev = {
		.kind = kind, .index = -1, .delay_us = -1, .time_us = time_us
	};

	(void)strcpy(ev.id, id);
	return ev;
}

void
apply(struct event ev)
{
	ev.seq = q.seq + 1;
	ck_assert_int_eq(queue_apply(&q, &ev), 0);
}

struct event
admission(const char *id, size_t nrcpts)
{
	struct event ev = event(EVENT_ADMITTED, id, 10);

	ev.arrival_us = 10;
	ev.sender = "s@x";
	ev.rcpts = rcpts;
	ev.nrcpts = nrcpts;
	return ev;
}

/* A queue_choose_fn: the domain's relay, or ARG for all. */
static struct relay_state *
choose(const struct message *m, const struct qrcpt *r, void *arg)
{
	(void)m;
	return queue_relay(&q,
	    arg != NULL ? arg : (void *)(uintptr_t)(strchr(r->addr, '@') + 1));
}

struct message *
route(const char *id, const char *to)
{
	struct message *m = queue_find(&q, id);

	ck_assert_int_eq(queue_route(&q, m, choose, (void *)(uintptr_t)to), 0);
	return m;
}

struct message *
admit(const char *id, size_t nrcpts)
{
	apply(admission(id, nrcpts));
	return route(id, NULL);
}

void
attempt(const char *id, const char *relay, const char *indexes, int64_t at_us)
{
	struct event ev = event(EVENT_ATTEMPT, id, at_us);

	ev.relay = relay;
	ev.indexes = indexes;
	apply(ev);
}

void
result(enum event_kind kind, const char *id, int index, int64_t at_us,
    int64_t next_us)
{
	struct event ev = event(kind, id, at_us);

	ev.index = index;
	ev.next_us = next_us;
	ev.reply = "a reply";
	apply(ev);
}

void
happens(enum event_kind kind, const char *id, int64_t at_us)
{
	apply(event(kind, id, at_us));
}

struct part *
part_of(const char *id, const char *relay)
{
	return queue_part(queue_find(&q, id), queue_relay(&q, relay));
}

/* Whose turn it is at RELAY, in the first lane, at NOW_US. */
const char *
turn(const char *relay, int64_t now_us)
{
	struct part *p;

	(void)queue_wake(&q, queue_relay(&q, relay), now_us);
	p = queue_turn(queue_relay(&q, relay), 0);
	return p == NULL ? "" : p->message->id;
}

/* A queue_choose_fn: nothing is configured. */
struct relay_state *
nowhere(const struct message *m, const struct qrcpt *r, void *arg)
{
	(void)m;
	(void)r;
	(void)arg;
	return NULL;
}

static const struct rate_limit relay_limits[] = { { 2, 10 * SECOND },
	{ 5, 100 * SECOND } };
static const struct rate_limit sender_limits[] = { { 3, 60 * SECOND } };

void
limit(struct queue *to)
{
	struct relay_state *relay = queue_relay(to, "one");

	relay->rates = relay_limits;
	relay->nrates = 2;
	to->sender_rates = sender_limits;
	to->nsender_rates = 1;
	ck_assert_int_eq(queue_fit_rates(to), 0);
}
