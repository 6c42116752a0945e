/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The picture of the queue, changed by what operators do. */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/queue-work.h"

/* A pause by this ends with the process that got the signal. */
#define BY_SIGNAL "SIGTSTP"

void
queue_replace_text(char **place, const char *text)
{
	char *old = *place;

	*place = text == NULL ? NULL : strdup(text);
	free(old);
}

void
queue_set_state(struct queue *q, struct message *m, enum spool_state state)
{
	q->count[m->state]--;
	m->state = state;
	q->count[state]++;
	queue_schedule(m);
}

/* ---- when ------------------------------------------------------------ */

/* Due at NOW_US, all that waits longer. */
static void
flush(struct message *m, int64_t now_us)
{
	for (unsigned i = 0; i < m->nrcpts; i++)
		if (m->rcpts[i].next_us > now_us)
			m->rcpts[i].next_us = now_us;
	queue_schedule(m);
}

void
queue_flush_all(struct queue *q, int64_t now_us)
{
	struct relay_state *relay;

	for (struct message *m = queue_first(q); m != NULL;
	     m = queue_next(q, m))
		/* What is to be sent later is not late: only by its id. */
		if (m->state == SPOOL_QUEUE && queue_not_before_us(m) <= now_us)
			flush(m, now_us);
	STAILQ_FOREACH (relay, &q->relays, link)
		if (relay->down && relay->next_us > now_us)
			relay->next_us = now_us;
}

static void
retry(struct message *m, int64_t now_us)
{
	for (unsigned i = 0; i < m->nrcpts; i++)
		if (m->rcpts[i].state == RCPT_PENDING) {
			m->rcpts[i].attempts = 0;
			m->rcpts[i].tries = 0;
		}
	flush(m, now_us);
}

/* ---- where ----------------------------------------------------------- */

/* An operator looked at it: it may be sent twice, and that is wanted. */
static void
release_held(struct queue *q, struct message *m)
{
	for (unsigned i = 0; i < m->nrcpts; i++)
		m->rcpts[i].uncertain = false;
	queue_set_state(q, m, SPOOL_QUEUE);
}

/* R, which failed, is as new. */
static void
renew(struct queue *q, struct qrcpt *r)
{
	r->state = RCPT_PENDING;
	r->attempts = 0;
	r->tries = 0;
	r->uncertain = false;
	queue_set_text(q, &r->server, NULL);
	queue_set_text(q, &r->note, NULL);
}

/* From failed/ to queue/, as if it had just arrived. */
static void
requeue(struct queue *q, struct message *m, int64_t now_us)
{
	for (unsigned i = 0; i < m->nrcpts; i++) {
		struct qrcpt *r = &m->rcpts[i];

		if (r->state == RCPT_FAILED || r->state == RCPT_REPORTED)
			renew(q, r);
		if (r->state == RCPT_PENDING)
			r->next_us = now_us;
	}
	m->seen_us = now_us;
	if (m->extra != NULL) {
		m->extra->not_before_us = 0;
		/* Its sender's time is over, but somebody wants it sent. */
		if (m->extra->expires_us <= now_us)
			m->extra->expires_us = 0;
	}
	m->warned = false;
	m->untold = false;
	queue_set_state(q, m, SPOOL_QUEUE);
}

/* A queue_choose_fn. */
static struct relay_state *
choose(const struct message *m, const struct qrcpt *r, void *arg)
{
	(void)r;
	(void)arg;
	return queue_rerouted(m);
}

static int
reroute(struct queue *q, struct message *m, const struct event *ev)
{
	struct relay_state *relay =
	    ev->relay == NULL ? NULL : queue_relay(q, ev->relay);

	if (ev->relay != NULL && relay == NULL)
		return -ENOMEM;
	if (relay != NULL && queue_extra(m) == NULL)
		return -ENOMEM;
	if (m->extra != NULL)
		m->extra->rerouted = relay;
	/* Without one the routes decide, which spoold alone knows. */
	if (relay == NULL)
		return 0;
	/* That another relay did not take it is no reason to wait. */
	if (queue_not_before_us(m) <= ev->time_us)
		flush(m, ev->time_us);
	return queue_route(q, m, choose, NULL);
}

/* ---- recipients ------------------------------------------------------ */

/* R, of M, is not to be tried any more, by an operator: NOTE says how. */
static void
decide(struct queue *q, const struct message *m, struct qrcpt *r,
    const struct event *ev)
{
	if (strcmp(ev->note, "dropped") == 0) {
		r->state = RCPT_DROPPED;
		queue_count_dropped(q, 1, ev->time_us);
	} else if (strcmp(ev->note, "delivered") == 0) {
		r->state = RCPT_DELIVERED;
	} else if (strcmp(ev->note, "failed") == 0) {
		struct event failed = *ev;

		failed.kind = EVENT_FAILED;
		failed.relay = NULL;
		r->state = RCPT_FAILED;
		queue_count_result(q, m, &failed);
	} else {
		return;
	}
	queue_set_text(q, &r->reply, ev->reply);
	r->last_us = ev->time_us;
	r->uncertain = false;
}

void
queue_set_attempts(struct qrcpt *r, const struct event *ev)
{
	r->attempts = ev->attempts < UINT16_MAX ? (uint16_t)ev->attempts
						: UINT16_MAX;
}

static void
edit(struct queue *q, struct message *m, const struct event *ev)
{
	struct qrcpt *r;

	if (ev->index < 0 || (unsigned)ev->index >= m->nrcpts)
		return;
	r = &m->rcpts[ev->index];
	/* Never what was served, nor what is on its way. */
	if (r->state != RCPT_PENDING || r->waiting)
		return;
	if (event_sets_attempts(ev)) {
		queue_set_attempts(r, ev);
		r->tries = r->attempts;
	}
	if (ev->next_us > 0)
		r->next_us = ev->next_us;
	if (ev->note != NULL)
		decide(q, m, r, ev);
	/* Of this one somebody can perhaps be told. */
	if (r->state == RCPT_FAILED)
		m->untold = false;
	queue_schedule(m);
}

int
queue_steer(struct queue *q, struct message *m, const struct event *ev)
{
	switch (ev->kind) {
	case EVENT_FLUSHED:
		flush(m, ev->time_us);
		break;
	case EVENT_RETRIED:
		retry(m, ev->time_us);
		break;
	case EVENT_REROUTED:
		return reroute(q, m, ev);
	case EVENT_REQUEUED:
		requeue(q, m, ev->time_us);
		break;
	case EVENT_EDITED:
		edit(q, m, ev);
		break;
	case EVENT_HELD:
		queue_set_state(q, m, SPOOL_HOLD);
		break;
	case EVENT_RELEASED:
		release_held(q, m);
		break;
	default:
		break;
	}
	return 0;
}

/* ---- pauses ---------------------------------------------------------- */

static void
set_pause(int64_t *since_us, char **by, const struct event *ev)
{
	const char *note = ev->note == NULL ? "" : ev->note;

	/* One that lasts longer is not shortened. */
	if (*since_us > 0 && strcmp(note, BY_SIGNAL) == 0)
		return;
	if (*since_us == 0)
		*since_us = ev->time_us;
	queue_replace_text(by, note);
}

static void
end_pause(int64_t *since_us, char **by)
{
	*since_us = 0;
	queue_replace_text(by, NULL);
}

int
queue_pause(struct queue *q, const struct event *ev)
{
	struct relay_state *relay =
	    ev->relay == NULL ? NULL : queue_relay(q, ev->relay);

	if (ev->relay != NULL && relay == NULL)
		return -ENOMEM;
	if (ev->kind == EVENT_PAUSED && relay != NULL)
		set_pause(&relay->paused_us, &relay->paused_by, ev);
	else if (ev->kind == EVENT_PAUSED)
		set_pause(&q->paused_us, &q->paused_by, ev);
	else if (relay != NULL)
		end_pause(&relay->paused_us, &relay->paused_by);
	else {
		end_pause(&q->paused_us, &q->paused_by);
		STAILQ_FOREACH (relay, &q->relays, link)
			end_pause(&relay->paused_us, &relay->paused_by);
	}
	return 0;
}

void
queue_end_signal_pause(struct queue *q)
{
	if (q->paused_by != NULL && strcmp(q->paused_by, BY_SIGNAL) == 0)
		end_pause(&q->paused_us, &q->paused_by);
}
