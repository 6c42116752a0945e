/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The picture of the queue, changed by events alone. */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/indexes.h"
#include "lib/queue-work.h"

/* ---- admission ------------------------------------------------------- */

/* What only some envelopes say. */
static bool
copy_extra(struct queue *q, struct message *m, const struct event *ev)
{
	struct message_extra *extra;

	if (ev->expires_us == 0 && ev->not_before_us == 0 &&
	    ev->lane == NULL && ev->subject == NULL)
		return true;
	extra = queue_extra(m);
	if (extra == NULL)
		return false;
	extra->expires_us = ev->expires_us;
	extra->not_before_us = ev->not_before_us;
	queue_set_text(q, &extra->subject, ev->subject);
	queue_set_text(q, &extra->lane, ev->lane);
	return ev->lane == NULL || extra->lane != NULL;
}

static struct message *
message_of(struct queue *q, const struct event *ev)
{
	struct message *m = message_new(q, ev->sender, ev->rcpts, ev->nrcpts);

	if (m == NULL)
		return NULL;
	if (!copy_extra(q, m, ev)) {
		message_free(m);
		return NULL;
	}
	for (size_t i = 0; i < ev->nrcpts; i++)
		m->rcpts[i].next_us = ev->not_before_us;
	(void)strcpy(m->id, ev->id);
	m->uid = ev->uid;
	m->arrival_us = ev->arrival_us;
	m->seen_us = ev->time_us;
	m->size_bytes = ev->size_bytes;
	m->is_report = ev->report_of != NULL;
	return m;
}

/* The sender of M was told of the failed ones among INDEXES; NULL: all. */
static void
mark_reported(struct message *m, const char *indexes)
{
	struct span text = span_of(indexes == NULL ? "" : indexes);
	unsigned first = 0, last = m->nrcpts - 1;

	if (indexes != NULL && !indexes_next(&text, m->nrcpts, &first, &last))
		return;
	do {
		for (unsigned i = first; i <= last; i++)
			if (m->rcpts[i].state == RCPT_FAILED)
				m->rcpts[i].state = RCPT_REPORTED;
	} while (indexes_next(&text, m->nrcpts, &first, &last));
}

/* A report was admitted at NOW_US: what it is about is told of. */
static void
see_report(struct queue *q, const char *report_of, int64_t now_us)
{
	char kind[16], id[SPOOL_ID_SIZE];
	struct message *m;
	int used = 0;

	if (sscanf(report_of, "%15s %11s %n", kind, id, &used) != 2 ||
	    !spool_is_id(id))
		return;
	if (strcmp(kind, "failed") == 0)
		queue_count_bounce(q, now_us);
	m = queue_find(q, id);
	if (m == NULL)
		return;
	if (strcmp(kind, "failed") == 0 && used > 0)
		mark_reported(m, report_of + used);
	else if (strcmp(kind, "delayed") == 0)
		m->warned = true;
}

static int
admit(struct queue *q, const struct event *ev)
{
	struct message *old = queue_find(q, ev->id), *m;
	int err;

	if (old != NULL && old->arrival_us == ev->arrival_us)
		return 0;
	m = message_of(q, ev);
	if (m == NULL)
		return -ENOMEM;
	if (old != NULL)
		queue_delete(q, old);
	if (ev->report_of != NULL)
		see_report(q, ev->report_of, ev->time_us);
	q->totals.admitted++;
	err = queue_insert(q, m);
	if (err < 0)
		message_free(m);
	return err;
}

/* ---- attempts -------------------------------------------------------- */

/* R goes with P from now on, for an attempt. */
static void
join(struct part *p, struct qrcpt *r)
{
	r->part = p;
	r->waiting = true;
}

static int
begin_attempt(struct queue *q, struct message *m, const struct event *ev)
{
	struct span text = span_of(ev->indexes == NULL ? "" : ev->indexes);
	struct relay_state *relay =
	    queue_relay(q, ev->relay == NULL ? "default" : ev->relay);
	unsigned first = 0, last = m->nrcpts - 1;
	struct part *p = relay == NULL ? NULL : queue_make_part(m, relay);

	if (p == NULL)
		return -ENOMEM;
	if (ev->indexes != NULL &&
	    !indexes_next(&text, m->nrcpts, &first, &last))
		return 0;
	do {
		for (unsigned i = first; i <= last; i++)
			if (queue_takes_part(&m->rcpts[i], ev->time_us))
				join(p, &m->rcpts[i]);
	} while (indexes_next(&text, m->nrcpts, &first, &last));
	m->attempt_us = ev->time_us;
	queue_unschedule(p);
	p->attempt_us = ev->time_us;
	p->answered = false;
	queue_charge(q, relay, m, ev->time_us);
	queue_schedule(m);
	return 0;
}

/* The attempt of EV's relay ended for whoever has no result; not before its
 * next_us again. */
static void
end_attempt(struct queue *q, struct message *m, const struct event *ev)
{
	struct relay_state *relay =
	    ev->relay == NULL ? NULL : queue_relay(q, ev->relay);
	struct part *p = relay == NULL ? NULL : queue_part(m, relay);

	/* Limits are for what was sent: trouble must not use them up. */
	if (p != NULL && p->nwaiting > 0 && !p->answered)
		queue_refund(q, relay, m, p->attempt_us);
	for (unsigned i = 0; i < m->nrcpts; i++) {
		struct qrcpt *r = &m->rcpts[i];

		if (!r->waiting ||
		    (ev->relay != NULL && r->part->relay != NULL &&
			strcmp(r->part->relay->name, ev->relay) != 0))
			continue;
		if (ev->next_us > r->next_us)
			r->next_us = ev->next_us;
		r->waiting = false;
	}
	queue_schedule(m);
}

/* One more, as far as there is room. */
static void
count_up(uint16_t *count)
{
	if (*count < UINT16_MAX)
		++*count;
}

/* EV is R's result. */
static void
set_result(struct queue *q, struct qrcpt *r, const struct event *ev)
{
	bool failed = ev->kind == EVENT_FAILED;

	queue_set_text(q, &r->reply, ev->reply);
	queue_set_text(q, &r->server, failed ? ev->server : NULL);
	queue_set_text(q, &r->note, failed ? ev->note : NULL);
	r->last_us = ev->time_us;
	count_up(&r->tries);
	if (ev->kind == EVENT_DELIVERED)
		r->state = RCPT_DELIVERED;
	if (failed)
		r->state = RCPT_FAILED;
	if (event_sets_attempts(ev))
		queue_set_attempts(r, ev);
	else if (ev->kind != EVENT_LOST && ev->kind != EVENT_UNCERTAIN)
		count_up(&r->attempts);
	r->uncertain = ev->kind == EVENT_UNCERTAIN ||
	    (r->uncertain && r->state == RCPT_PENDING);
	r->next_us = ev->next_us;
}

static int
apply_result(struct queue *q, struct message *m, const struct event *ev)
{
	struct qrcpt *r;

	if (ev->index < 0 || (unsigned)ev->index >= m->nrcpts)
		return 0;
	r = &m->rcpts[ev->index];
	if (r->state != RCPT_PENDING)
		return 0;
	set_result(q, r, ev);
	queue_count_result(q, m, ev);
	/* Of this one somebody can perhaps be told. */
	if (ev->kind == EVENT_FAILED)
		m->untold = false;
	if (r->state != RCPT_PENDING) {
		m->npending--;
		r->part->npending--;
	}
	if (!r->waiting) {
		/* Many are given up together: the last one of them counts. */
		if (r->state == RCPT_PENDING || r->part->npending == 0)
			queue_schedule(m);
		return 0;
	}
	/* Only the last result of an attempt is worth a look at them all. */
	r->waiting = false;
	r->part->answered = true;
	m->nwaiting--;
	if (--r->part->nwaiting == 0)
		queue_schedule(m);
	return 0;
}

/* ---- other events ---------------------------------------------------- */

static void
apply_reported(struct message *m, const struct event *ev)
{
	if (ev->kind == EVENT_WARNED)
		m->warned = true;
	else if (ev->reply != NULL)
		m->untold = true;
	else
		mark_reported(m, ev->indexes);
}

static int
apply_message(struct queue *q, struct message *m, const struct event *ev)
{
	switch (ev->kind) {
	case EVENT_ATTEMPT:
		return begin_attempt(q, m, ev);
	case EVENT_DELIVERED:
	case EVENT_DEFERRED:
	case EVENT_LOST:
	case EVENT_UNCERTAIN:
	case EVENT_FAILED:
		return apply_result(q, m, ev);
	case EVENT_BACK:
		end_attempt(q, m, ev);
		break;
	case EVENT_KEPT:
		queue_set_state(q, m, SPOOL_FAILED);
		break;
	case EVENT_REPORTED:
	case EVENT_WARNED:
		apply_reported(m, ev);
		break;
	case EVENT_DROPPED:
		queue_count_dropped(q, m->npending, ev->time_us);
		queue_delete(q, m);
		break;
	case EVENT_REMOVED:
	case EVENT_GONE:
	case EVENT_DAMAGED:
		queue_delete(q, m);
		break;
	default:
		return queue_steer(q, m, ev);
	}
	return 0;
}

static int
apply_relay(struct queue *q, const struct event *ev)
{
	struct relay_state *relay =
	    queue_relay(q, ev->relay == NULL ? "default" : ev->relay);
	bool down = ev->kind == EVENT_RELAY_DOWN;

	if (relay == NULL)
		return -ENOMEM;
	if (relay->down != down)
		relay->since_us = ev->time_us;
	relay->down = down;
	relay->next_us = ev->next_us;
	/* The reply may be the old reason: this frees it. */
	queue_count_trouble(relay, ev);
	queue_replace_text(&relay->reason, ev->reply);
	return 0;
}

int
queue_apply(struct queue *q, const struct event *ev)
{
	struct message *m;

	q->last_us = ev->time_us;
	q->seq = ev->seq;
	switch (ev->kind) {
	case EVENT_STOP:
		queue_end_signal_pause(q);
		return 0;
	case EVENT_PAUSED:
	case EVENT_RESUMED:
		return queue_pause(q, ev);
	case EVENT_START:
		/* It may have been killed before it could stop. */
		queue_end_signal_pause(q);
		queue_count_start(q, ev->time_us);
		return 0;
	case EVENT_ADMITTED:
		return admit(q, ev);
	case EVENT_RELAY_DOWN:
	case EVENT_RELAY_UP:
		return apply_relay(q, ev);
	case EVENT_FLUSHED:
		if (ev->id[0] == '\0') {
			queue_flush_all(q, ev->time_us);
			return 0;
		}
		break;
	default:
		break;
	}
	m = queue_find(q, ev->id);
	return m == NULL ? 0 : apply_message(q, m, ev);
}
