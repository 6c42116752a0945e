/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The picture of the queue by a clock that was set.  What belongs together
 * moves together, so that no order changes. */

#include "config.h"

#include "lib/queue-work.h"

/* *US, if it is a time. */
static void
move(int64_t *us, int64_t by_us)
{
	if (*us > 0)
		*us += by_us;
}

static void
move_message(struct message *m, int64_t by_us)
{
	/* Its arrival is part of what it is known by. */
	move(&m->seen_us, by_us);
	move(&m->attempt_us, by_us);
	if (m->extra != NULL) {
		move(&m->extra->expires_us, by_us);
		move(&m->extra->not_before_us, by_us);
	}
	for (unsigned i = 0; i < m->nrcpts; i++) {
		move(&m->rcpts[i].next_us, by_us);
		move(&m->rcpts[i].last_us, by_us);
	}
	for (struct part *p = &m->first; p != NULL; p = p->next) {
		move(&p->due_us, by_us);
		if (p->place == PART_NOWHERE)
			move(&p->attempt_us, by_us);
	}
}

static void
move_relay(struct relay_state *relay, int64_t by_us)
{
	move(&relay->since_us, by_us);
	move(&relay->next_us, by_us);
	move(&relay->paused_us, by_us);
	move(&relay->work.delivered_us, by_us);
	move(&relay->work.error_us, by_us);
	move(&relay->work.rate_until_us, by_us);
	/* Whose sender waits for a limit has to ask again. */
	for (unsigned i = 0; i < LANES_MAX; i++)
		(void)turns_wake(&relay->turns[i], INT64_MAX);
}

void
queue_set_clock(struct queue *q, int64_t by_us)
{
	struct relay_state *relay;

	for (struct message *m = queue_first(q); m != NULL;
	     m = queue_next(q, m))
		move_message(m, by_us);
	STAILQ_FOREACH (relay, &q->relays, link)
		move_relay(relay, by_us);
	move(&q->paused_us, by_us);
	move(&q->last_us, by_us);
	move(&q->read_us, by_us);
	/* They would wait for the time that they had come to. */
	if (by_us < 0)
		q->stats = (struct stats){ .last_us = 0 };
}
