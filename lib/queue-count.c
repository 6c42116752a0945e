/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The picture of the queue: what is counted of what happens. */

#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/queue-work.h"

/* A new delay is that part of the moving average. */
#define AVERAGE_OF 8
#define DAY_US ((int64_t)86400 * 1000000)

void
queue_count_start(struct queue *q, int64_t now_us)
{
	q->totals = (struct queue_totals){ .admitted = 0 };
	/* A clock that was far ahead is right again: what it left would keep
	 * what happens now from being counted. */
	if (q->stats.last_us > now_us + DAY_US)
		q->stats = (struct stats){ .last_us = 0 };
}

/* From when M could have been delivered to NOW_US. */
static uint64_t
latency_us(const struct message *m, int64_t now_us)
{
	int64_t since_us = queue_not_before_us(m);

	if (since_us < m->arrival_us)
		since_us = m->arrival_us;
	return now_us > since_us ? (uint64_t)(now_us - since_us) : 0;
}

/* What RELAY said last to somebody whom it did not take. */
static void
note_error(struct relay_work *work, const char *text, int64_t now_us)
{
	if (text == NULL)
		return;
	work->error_us = now_us;
	if (work->error != NULL && strcmp(work->error, text) == 0)
		return;
	free(work->error);
	work->error = strdup(text);
}

/* EV's relay took somebody. */
static void
note_delivery(struct relay_work *work, const struct event *ev)
{
	work->delivered_us = ev->time_us;
	if (ev->delay_us < 0)
		return;
	work->latency_us = work->latency_us == 0
	    ? ev->delay_us
	    : work->latency_us + (ev->delay_us - work->latency_us) / AVERAGE_OF;
}

static void
count_work(struct relay_work *work, const struct event *ev)
{
	if (ev->kind == EVENT_DELIVERED)
		note_delivery(work, ev);
	else if (ev->note == NULL)
		/* With a note it was given up here: no news of the relay. */
		note_error(work, ev->reply, ev->time_us);
}

void
queue_count_result(
    struct queue *q, const struct message *m, const struct event *ev)
{
	struct relay_state *relay =
	    ev->relay == NULL ? NULL : queue_relay(q, ev->relay);

	if (relay != NULL)
		count_work(&relay->work, ev);
	if (ev->kind == EVENT_DELIVERED) {
		q->totals.delivered++;
		q->totals.bytes += m->size_bytes;
		stats_add(&q->stats, STATS_DELIVERED, 1, m->size_bytes,
		    latency_us(m, ev->time_us), ev->time_us);
	} else if (ev->kind == EVENT_FAILED) {
		q->totals.failed++;
		stats_add(&q->stats, STATS_FAILED, 1, 0, 0, ev->time_us);
	} else {
		q->totals.deferred++;
		stats_add(&q->stats, STATS_DEFERRED, 1, 0, 0, ev->time_us);
	}
}

void
queue_count_trouble(struct relay_state *relay, const struct event *ev)
{
	if (ev->kind == EVENT_RELAY_DOWN)
		note_error(&relay->work, ev->reply, ev->time_us);
}

void
queue_count_bounce(struct queue *q, int64_t now_us)
{
	q->totals.bounced++;
	stats_add(&q->stats, STATS_BOUNCED, 1, 0, 0, now_us);
}

void
queue_count_dropped(struct queue *q, unsigned n, int64_t now_us)
{
	q->totals.dropped += n;
	stats_add(&q->stats, STATS_DROPPED, n, 0, 0, now_us);
}
