/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The picture of the queue, changed by events alone. */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/queue.h"

static int
compare_id(const struct message *a, const struct message *b)
{
	size_t la = strlen(a->id), lb = strlen(b->id);

	/* Ids grow to eleven digits one day: shorter is older. */
	if (la != lb)
		return la < lb ? -1 : 1;
	return strcmp(a->id, b->id);
}

static int
compare_due(const struct message *a, const struct message *b)
{
	if (a->due_us != b->due_us)
		return a->due_us < b->due_us ? -1 : 1;
	return compare_id(a, b);
}

/* RB_GENERATE_STATIC wants a macro that glibc does not have. */
RB_GENERATE_INTERNAL(
    message_ids, message, by_id, compare_id, __attribute__((unused)) static)
RB_GENERATE_INTERNAL(
    message_dues, message, by_due, compare_due, __attribute__((unused)) static)

void
queue_init(struct queue *q)
{
	*q = (struct queue){ .ids = RB_INITIALIZER(&q->ids) };
	RB_INIT(&q->dues);
}

void
message_free(struct message *m)
{
	if (m == NULL)
		return;
	for (unsigned i = 0; i < m->nrcpts; i++) {
		free(m->rcpts[i].addr);
		free(m->rcpts[i].reply);
	}
	free(m->rcpts);
	free(m->sender);
	free(m->server);
	free(m);
}

void
queue_release(struct queue *q)
{
	struct message *m, *next;

	for (m = RB_MIN(message_ids, &q->ids); m != NULL; m = next) {
		next = RB_NEXT(message_ids, &q->ids, m);
		RB_REMOVE(message_ids, &q->ids, m);
		message_free(m);
	}
	free(q->relay.reason);
	queue_init(q);
}

struct message *
queue_find(struct queue *q, const char *id)
{
	struct message key = { .state = SPOOL_QUEUE };

	if (strlen(id) >= sizeof(key.id))
		return NULL;
	(void)strcpy(key.id, id);
	return RB_FIND(message_ids, &q->ids, &key);
}

struct message *
queue_first(struct queue *q)
{
	return RB_MIN(message_ids, &q->ids);
}

struct message *
queue_next(struct queue *q, struct message *m)
{
	(void)q;
	return RB_NEXT(message_ids, &q->ids, m);
}

struct message *
queue_first_due(struct queue *q)
{
	return RB_MIN(message_dues, &q->dues);
}

bool
queue_takes_part(const struct qrcpt *r, int64_t now_us)
{
	return r->state == RCPT_PENDING && r->next_us <= now_us;
}

bool
queue_is_served(const struct message *m)
{
	for (unsigned i = 0; i < m->nrcpts; i++)
		if (m->rcpts[i].state != RCPT_DELIVERED)
			return false;
	return true;
}

static void
unschedule(struct queue *q, struct message *m)
{
	if (m->scheduled)
		RB_REMOVE(message_dues, &q->dues, m);
	m->scheduled = false;
}

/* Work M's counters and due time out, and put it where it belongs. */
static void
schedule(struct queue *q, struct message *m)
{
	bool any = false;

	unschedule(q, m);
	m->npending = 0;
	m->nwaiting = 0;
	for (unsigned i = 0; i < m->nrcpts; i++) {
		const struct qrcpt *r = &m->rcpts[i];

		if (r->state != RCPT_PENDING)
			continue;
		m->npending++;
		if (r->waiting)
			m->nwaiting++;
		if (!any || r->next_us < m->due_us)
			m->due_us = r->next_us;
		any = true;
	}
	/* All have their results, but the agent is not done: it may still
	 * use the connection, and must not get the message again. */
	m->in_flight = m->nwaiting > 0 || m->job != NULL;
	if (m->state != SPOOL_QUEUE || m->in_flight || m->npending == 0)
		return;
	RB_INSERT(message_dues, &q->dues, m);
	m->scheduled = true;
}

void
queue_set_job(struct queue *q, struct message *m, void *job)
{
	m->job = job;
	schedule(q, m);
}

int
queue_insert(struct queue *q, struct message *m)
{
	if (RB_INSERT(message_ids, &q->ids, m) != NULL)
		return -EEXIST;
	q->count[m->state]++;
	schedule(q, m);
	return 0;
}

static void delete (struct queue *q, struct message *m)
{
	unschedule(q, m);
	RB_REMOVE(message_ids, &q->ids, m);
	q->count[m->state]--;
	message_free(m);
}

static void
set_state(struct queue *q, struct message *m, enum spool_state state)
{
	q->count[m->state]--;
	m->state = state;
	q->count[state]++;
	schedule(q, m);
}

static int
admit(struct queue *q, const struct event *ev)
{
	struct message *old = queue_find(q, ev->id), *m;

	if (old != NULL && old->arrival_us == ev->arrival_us)
		return 0;
	m = calloc(1, sizeof(*m));
	if (m == NULL)
		return -ENOMEM;
	m->rcpts = calloc(ev->nrcpts, sizeof(*m->rcpts));
	m->sender = strdup(ev->sender);
	if (m->rcpts == NULL || m->sender == NULL)
		goto nomem;
	for (size_t i = 0; i < ev->nrcpts; i++, m->nrcpts++) {
		m->rcpts[i].addr = strdup(ev->rcpts[i]);
		if (m->rcpts[i].addr == NULL)
			goto nomem;
	}
	(void)strcpy(m->id, ev->id);
	m->uid = ev->uid;
	m->arrival_us = ev->arrival_us;
	m->seen_us = ev->time_us;
	m->size_bytes = ev->size_bytes;
	if (old != NULL)
		delete (q, old);
	q->totals.admitted++;
	return queue_insert(q, m);
nomem:
	message_free(m);
	return -ENOMEM;
}

static void
begin_attempt(struct queue *q, struct message *m, const struct event *ev)
{
	for (unsigned i = 0; i < m->nrcpts; i++)
		m->rcpts[i].waiting =
		    queue_takes_part(&m->rcpts[i], ev->time_us);
	m->attempt_us = ev->time_us;
	schedule(q, m);
}

/* The attempt ended for whoever has no result; not before NEXT_US again. */
static void
end_attempt(struct queue *q, struct message *m, int64_t next_us)
{
	for (unsigned i = 0; i < m->nrcpts; i++) {
		struct qrcpt *r = &m->rcpts[i];

		if (r->waiting && next_us > r->next_us)
			r->next_us = next_us;
		r->waiting = false;
	}
	schedule(q, m);
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

static int
apply_result(struct queue *q, struct message *m, const struct event *ev)
{
	struct qrcpt *r;
	char *reply = NULL;

	if (ev->index < 0 || (unsigned)ev->index >= m->nrcpts)
		return 0;
	r = &m->rcpts[ev->index];
	if (r->state != RCPT_PENDING)
		return 0;
	/* Out of memory costs the reply's text, never the result. */
	if (ev->reply != NULL)
		reply = strdup(ev->reply);
	free(r->reply);
	r->reply = reply;
	r->last_us = ev->time_us;
	r->tries++;
	if (ev->kind == EVENT_DELIVERED)
		r->state = RCPT_DELIVERED;
	else if (ev->kind == EVENT_FAILED)
		r->state = RCPT_FAILED;
	if (ev->kind != EVENT_LOST && ev->kind != EVENT_UNCERTAIN)
		r->attempts++;
	r->uncertain = ev->kind == EVENT_UNCERTAIN ||
	    (r->uncertain && r->state == RCPT_PENDING);
	r->next_us = ev->next_us;
	count_result(&q->totals, m, ev->kind);
	if (r->state != RCPT_PENDING)
		m->npending--;
	if (!r->waiting) {
		schedule(q, m);
		return 0;
	}
	/* Only the last result of an attempt is worth a look at them all. */
	r->waiting = false;
	if (--m->nwaiting == 0)
		schedule(q, m);
	return 0;
}

static void
flush(struct queue *q, struct message *m, int64_t now_us)
{
	for (unsigned i = 0; i < m->nrcpts; i++)
		if (m->rcpts[i].next_us > now_us)
			m->rcpts[i].next_us = now_us;
	if (!m->in_flight)
		schedule(q, m);
}

static int
apply_message(struct queue *q, struct message *m, const struct event *ev)
{
	switch (ev->kind) {
	case EVENT_ATTEMPT:
		begin_attempt(q, m, ev);
		break;
	case EVENT_DELIVERED:
	case EVENT_DEFERRED:
	case EVENT_LOST:
	case EVENT_UNCERTAIN:
	case EVENT_FAILED:
		return apply_result(q, m, ev);
	case EVENT_BACK:
		end_attempt(q, m, ev->next_us);
		break;
	case EVENT_FLUSHED:
		flush(q, m, ev->time_us);
		break;
	case EVENT_HELD:
		set_state(q, m, SPOOL_HOLD);
		break;
	case EVENT_RELEASED:
		set_state(q, m, SPOOL_QUEUE);
		break;
	case EVENT_KEPT:
		set_state(q, m, SPOOL_FAILED);
		break;
	case EVENT_DROPPED:
		q->totals.dropped += m->npending;
		delete (q, m);
		break;
	case EVENT_REMOVED:
	case EVENT_GONE:
	case EVENT_DAMAGED:
		delete (q, m);
		break;
	default:
		break;
	}
	return 0;
}

static int
apply_relay(struct queue *q, const struct event *ev)
{
	struct relay_state *relay = &q->relay;
	bool down = ev->kind == EVENT_RELAY_DOWN;
	char *reason = NULL;

	if (ev->reply != NULL && (reason = strdup(ev->reply)) == NULL)
		return -ENOMEM;
	if (relay->down != down)
		relay->since_us = ev->time_us;
	relay->down = down;
	relay->next_us = ev->next_us;
	free(relay->reason);
	relay->reason = reason;
	return 0;
}

static void
flush_all(struct queue *q, int64_t now_us)
{
	struct message *m;

	RB_FOREACH (m, message_ids, &q->ids)
		if (m->state == SPOOL_QUEUE)
			flush(q, m, now_us);
	if (q->relay.down && q->relay.next_us > now_us)
		q->relay.next_us = now_us;
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
