/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The picture of the queue, changed by events alone. */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/indexes.h"
#include "lib/queue-work.h"

/* Put a copy of TEXT, or NULL, into *PLACE; out of memory costs the text.
 * TEXT may be what is there. */
static void
replace(char **place, const char *text)
{
	char *old = *place;

	*place = text == NULL ? NULL : strdup(text);
	free(old);
}

static void
set_state(struct queue *q, struct message *m, enum spool_state state)
{
	q->count[m->state]--;
	m->state = state;
	q->count[state]++;
	queue_schedule(m);
}

/* ---- admission ------------------------------------------------------- */

static bool
copy_rcpts(struct message *m, const struct event *ev)
{
	m->rcpts = calloc(ev->nrcpts, sizeof(*m->rcpts));
	if (m->rcpts == NULL)
		return false;
	for (size_t i = 0; i < ev->nrcpts; i++, m->nrcpts++) {
		m->rcpts[i].addr = strdup(ev->rcpts[i]);
		if (m->rcpts[i].addr == NULL)
			return false;
		m->rcpts[i].next_us = ev->not_before_us;
	}
	return true;
}

static struct message *
message_of(const struct event *ev)
{
	struct message *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->sender = strdup(ev->sender);
	m->lane = ev->lane == NULL ? NULL : strdup(ev->lane);
	if (m->sender == NULL || (ev->lane != NULL && m->lane == NULL) ||
	    !copy_rcpts(m, ev)) {
		message_free(m);
		return NULL;
	}
	(void)strcpy(m->id, ev->id);
	m->uid = ev->uid;
	m->arrival_us = ev->arrival_us;
	m->seen_us = ev->time_us;
	m->expires_us = ev->expires_us;
	m->not_before_us = ev->not_before_us;
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

/* A report was admitted: what it is about is told of. */
static void
see_report(struct queue *q, const char *report_of)
{
	char kind[16], id[SPOOL_ID_SIZE];
	struct message *m;
	int used = 0;

	if (sscanf(report_of, "%15s %11s %n", kind, id, &used) != 2 ||
	    !spool_is_id(id) || (m = queue_find(q, id)) == NULL)
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

	if (old != NULL && old->arrival_us == ev->arrival_us)
		return 0;
	m = message_of(ev);
	if (m == NULL)
		return -ENOMEM;
	if (old != NULL)
		queue_delete(q, old);
	if (ev->report_of != NULL)
		see_report(q, ev->report_of);
	q->totals.admitted++;
	return queue_insert(q, m);
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

static void
count_result(
    struct queue_totals *t, const struct message *m, enum event_kind kind)
{
	if (kind == EVENT_DELIVERED) {
		t->delivered++;
		t->bytes += m->size_bytes;
	} else if (kind == EVENT_FAILED) {
		t->failed++;
	} else {
		t->deferred++;
	}
}

/* EV is R's result. */
static void
set_result(struct qrcpt *r, const struct event *ev)
{
	bool failed = ev->kind == EVENT_FAILED;

	replace(&r->reply, ev->reply);
	replace(&r->server, failed ? ev->server : NULL);
	replace(&r->note, failed ? ev->note : NULL);
	r->last_us = ev->time_us;
	r->tries++;
	if (ev->kind == EVENT_DELIVERED)
		r->state = RCPT_DELIVERED;
	if (failed)
		r->state = RCPT_FAILED;
	if (ev->kind != EVENT_LOST && ev->kind != EVENT_UNCERTAIN)
		r->attempts++;
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
	set_result(r, ev);
	count_result(&q->totals, m, ev->kind);
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

/* Due at NOW_US, all that waits longer. */
static void
flush(struct message *m, int64_t now_us)
{
	for (unsigned i = 0; i < m->nrcpts; i++)
		if (m->rcpts[i].next_us > now_us)
			m->rcpts[i].next_us = now_us;
	queue_schedule(m);
}

/* An operator looked at it: it may be sent twice, and that is wanted. */
static void
release_held(struct queue *q, struct message *m)
{
	for (unsigned i = 0; i < m->nrcpts; i++)
		m->rcpts[i].uncertain = false;
	set_state(q, m, SPOOL_QUEUE);
}

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
	case EVENT_FLUSHED:
		flush(m, ev->time_us);
		break;
	case EVENT_HELD:
		set_state(q, m, SPOOL_HOLD);
		break;
	case EVENT_RELEASED:
		release_held(q, m);
		break;
	case EVENT_KEPT:
		set_state(q, m, SPOOL_FAILED);
		break;
	case EVENT_REPORTED:
	case EVENT_WARNED:
		apply_reported(m, ev);
		break;
	case EVENT_DROPPED:
		q->totals.dropped += m->npending;
		queue_delete(q, m);
		break;
	case EVENT_REMOVED:
	case EVENT_GONE:
	case EVENT_DAMAGED:
		queue_delete(q, m);
		break;
	default:
		break;
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
	replace(&relay->reason, ev->reply);
	return 0;
}

static void
flush_all(struct queue *q, int64_t now_us)
{
	struct relay_state *relay;

	for (struct message *m = queue_first(q); m != NULL;
	     m = queue_next(q, m))
		/* What is to be sent later is not late: only by its id. */
		if (m->state == SPOOL_QUEUE && m->not_before_us <= now_us)
			flush(m, now_us);
	SLIST_FOREACH (relay, &q->relays, link)
		if (relay->down && relay->next_us > now_us)
			relay->next_us = now_us;
}

int
queue_apply(struct queue *q, const struct event *ev)
{
	struct message *m;

	q->last_us = ev->time_us;
	q->seq = ev->seq;
	switch (ev->kind) {
	case EVENT_START:
		q->totals = (struct queue_totals){ .admitted = 0 };
		return 0;
	case EVENT_ADMITTED:
		return admit(q, ev);
	case EVENT_RELAY_DOWN:
	case EVENT_RELAY_UP:
		return apply_relay(q, ev);
	case EVENT_FLUSHED:
		if (ev->id[0] == '\0') {
			flush_all(q, ev->time_us);
			return 0;
		}
		break;
	default:
		break;
	}
	m = queue_find(q, ev->id);
	return m == NULL ? 0 : apply_message(q, m, ev);
}
