/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The picture of the queue: what is in it and what is due. */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/queue-work.h"

static int
compare_due(const struct part *a, const struct part *b)
{
	if (a->due_us != b->due_us)
		return a->due_us < b->due_us ? -1 : 1;
	return ids_compare(a->message->id, b->message->id);
}

/* RB_GENERATE_STATIC wants a macro that glibc does not have. */
RB_GENERATE_INTERNAL(
    part_dues, part, by_due, compare_due, __attribute__((unused)) static)

/* ---- as a whole ------------------------------------------------------ */

void
queue_init(struct queue *q)
{
	*q = (struct queue){ .seq = 0 };
	STAILQ_INIT(&q->relays);
	RB_INIT(&q->senders);
}

/* What the events told of RELAY. */
static void
relay_forget(struct relay_state *relay)
{
	relay->down = false;
	relay->since_us = 0;
	relay->next_us = 0;
	free(relay->reason);
	relay->reason = NULL;
	free(relay->saved_rate);
	relay->saved_rate = NULL;
	rate_release(&relay->rate);
	relay->paused_us = 0;
	free(relay->paused_by);
	relay->paused_by = NULL;
	free(relay->work.error);
	relay->work = (struct relay_work){ .error = NULL };
}

/* Free M, of which the ids know nothing any more. */
static void
drop(struct queue *q, struct message *m)
{
	for (struct part *p = &m->first; p != NULL; p = p->next)
		queue_unschedule(p);
	q->count[m->state]--;
	message_free(m);
}

void
queue_clear(struct queue *q)
{
	struct message *m, *next;
	struct relay_state *relay;

	for (m = queue_first(q); m != NULL; m = next) {
		next = queue_next(q, m);
		drop(q, m);
	}
	ids_release(&q->ids);
	STAILQ_FOREACH (relay, &q->relays, link)
		relay_forget(relay);
	queue_forget_senders(q);
	(void)queue_fit_rates(q);
	q->totals = (struct queue_totals){ .admitted = 0 };
	q->stats = (struct stats){ .last_us = 0 };
	q->paused_us = 0;
	free(q->paused_by);
	q->paused_by = NULL;
	q->seq = 0;
	q->last_us = 0;
	q->read_us = 0;
}

void
queue_release(struct queue *q)
{
	struct relay_state *relay;

	queue_clear(q);
	while ((relay = STAILQ_FIRST(&q->relays)) != NULL) {
		STAILQ_REMOVE_HEAD(&q->relays, link);
		for (unsigned i = 0; i < LANES_MAX; i++)
			turns_release(&relay->turns[i]);
		relay_forget(relay);
		free(relay->name);
		free(relay);
	}
	strpool_release(&q->texts);
	queue_init(q);
}

struct message *
queue_find(struct queue *q, const char *id)
{
	return ids_find(&q->ids, id);
}

struct message *
queue_first(struct queue *q)
{
	return ids_first(&q->ids);
}

struct message *
queue_next(struct queue *q, struct message *m)
{
	return ids_next(&q->ids, m);
}

struct message *
queue_after(struct queue *q, const char *id)
{
	return ids_after(&q->ids, id);
}

struct relay_state *
queue_relay(struct queue *q, const char *name)
{
	struct relay_state *relay;

	STAILQ_FOREACH (relay, &q->relays, link)
		if (strcmp(relay->name, name) == 0)
			return relay;
	relay = calloc(1, sizeof(*relay));
	if (relay == NULL)
		return NULL;
	relay->name = strdup(name);
	if (relay->name == NULL) {
		free(relay);
		return NULL;
	}
	RB_INIT(&relay->dues);
	relay->burst = 1;
	relay->rests = q->rests;
	for (unsigned i = 0; i < LANES_MAX; i++)
		turns_init(&relay->turns[i]);
	STAILQ_INSERT_TAIL(&q->relays, relay, link);
	return relay;
}

void
queue_rest(struct queue *q, bool rests)
{
	struct relay_state *relay;

	q->rests = rests;
	STAILQ_FOREACH (relay, &q->relays, link)
		relay->rests = rests;
}

/* ---- what is due ----------------------------------------------------- */

void
queue_unschedule(struct part *p)
{
	if (p->place == PART_NOWHERE)
		return;
	if (p->place == PART_DUE)
		RB_REMOVE(part_dues, &p->relay->dues, p);
	if (p->place == PART_READY) {
		struct turns *turns = &p->relay->turns[p->lane];

		if (turns_first(turns) == &p->turn)
			turns_serve(turns, &p->turn);
		else
			turns_remove(turns, &p->turn);
		p->relay->nready--;
	}
	p->place = PART_NOWHERE;
	p->server = NULL;
	p->attempt_us = 0;
}

/* Whether P has to be tried, now or later. */
static bool
is_wanted(const struct part *p)
{
	return p->relay != NULL && !p->relay->rests &&
	    p->message->state == SPOOL_QUEUE && p->npending > 0 &&
	    p->nwaiting == 0 && p->job == NULL;
}

/* Put P, which is nowhere, into its relay's dues if it has to be tried. */
static void
schedule_part(struct part *p)
{
	if (!is_wanted(p))
		return;
	free(p->server);
	RB_INSERT(part_dues, &p->relay->dues, p);
	p->place = PART_DUE;
}

/* Put P, whose recipients were counted anew, into its place.  What is ready
 * keeps its turn if it is due no later than before, at WAS_US. */
static void
place_part(struct part *p, int64_t was_us)
{
	if (p->place == PART_READY && is_wanted(p) && p->due_us <= was_us)
		return;
	queue_unschedule(p);
	schedule_part(p);
}

/* Work out when P is due, and the like. */
static void
count_part(const struct message *m, struct part *p)
{
	p->npending = 0;
	p->nwaiting = 0;
	for (unsigned i = 0; i < m->nrcpts; i++) {
		const struct qrcpt *r = &m->rcpts[i];

		if (r->part != p || r->state != RCPT_PENDING)
			continue;
		if (p->npending++ == 0 || r->next_us < p->due_us)
			p->due_us = r->next_us;
		p->nwaiting += r->waiting;
	}
	/* What has no use any more has to be looked at in time. */
	if (queue_expires_us(m) > 0 && queue_expires_us(m) < p->due_us)
		p->due_us = queue_expires_us(m);
}

void
queue_schedule(struct message *m)
{
	m->npending = 0;
	m->nwaiting = 0;
	m->in_flight = false;
	for (struct part *p = &m->first; p != NULL; p = p->next) {
		int64_t was_us = p->due_us;

		/* Its time must not change while it is found by it. */
		if (p->place == PART_DUE)
			queue_unschedule(p);
		count_part(m, p);
		m->npending += p->npending;
		m->nwaiting += p->nwaiting;
		/* All have their results, but the agent is not done: it may
		 * still use the connection, and must not get it again. */
		if (p->nwaiting > 0 || p->job != NULL)
			m->in_flight = true;
		place_part(p, was_us);
	}
}

void
queue_set_job(struct queue *q, struct part *p, void *job)
{
	(void)q;
	p->job = job;
	queue_schedule(p->message);
}

void
queue_delete(struct queue *q, struct message *m)
{
	ids_remove(&q->ids, m);
	drop(q, m);
}

int
queue_insert(struct queue *q, struct message *m)
{
	int err = ids_insert(&q->ids, m);

	if (err < 0)
		return err;
	q->count[m->state]++;
	for (unsigned i = 0; i < m->nrcpts; i++)
		if (m->rcpts[i].part == NULL)
			m->rcpts[i].part = &m->first;
	queue_schedule(m);
	return 0;
}

/* ---- where it goes --------------------------------------------------- */

struct part *
queue_part(struct message *m, const struct relay_state *relay)
{
	for (struct part *p = &m->first; p != NULL; p = p->next)
		if (p->relay == relay)
			return p;
	return NULL;
}

struct part *
queue_make_part(struct message *m, struct relay_state *relay)
{
	struct part *p = queue_part(m, relay);

	if (p != NULL)
		return p;
	/* The first is anybody's before the first one is routed. */
	if (m->first.relay == NULL) {
		queue_unschedule(&m->first);
		m->first.relay = relay;
		return &m->first;
	}
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return NULL;
	p->message = m;
	p->relay = relay;
	p->next = m->first.next;
	m->first.next = p;
	return p;
}

/* Free the parts behind the first that nobody is in any more. */
static void
drop_empty_parts(struct message *m)
{
	struct part **link = &m->first.next, *p;

	while ((p = *link) != NULL) {
		bool is_used = p->job != NULL || p->nwaiting > 0;

		for (unsigned i = 0; i < m->nrcpts && !is_used; i++)
			is_used = m->rcpts[i].part == p;
		if (is_used) {
			link = &p->next;
			continue;
		}
		*link = p->next;
		queue_unschedule(p);
		free(p->server);
		free(p);
	}
}

/* Whether M, which is one part, goes on as one, to *RET: nobody of it has been
 * served, so that part only changes its relay.  Most messages are like that. */
static bool
goes_as_one(const struct message *m, queue_choose_fn *choose, void *arg,
    struct relay_state **ret)
{
	if (m->first.next != NULL || m->first.job != NULL || m->nwaiting > 0)
		return false;
	for (unsigned i = 0; i < m->nrcpts; i++) {
		struct relay_state *relay;

		if (m->rcpts[i].state != RCPT_PENDING)
			return false;
		relay = choose(m, &m->rcpts[i], arg);
		if (i > 0 && relay != *ret)
			return false;
		*ret = relay;
	}
	return true;
}

/* Let R of M, unless it is in flight, go where CHOOSE says. */
static int
route_rcpt(
    struct message *m, struct qrcpt *r, queue_choose_fn *choose, void *arg)
{
	struct relay_state *relay;
	struct part *p;

	if (r->state != RCPT_PENDING || r->waiting || r->part->job != NULL)
		return 0;
	relay = choose(m, r, arg);
	if (relay == r->part->relay)
		return 0;
	p = queue_make_part(m, relay);
	if (p == NULL)
		return -ENOMEM;
	r->part = p;
	return 0;
}

int
queue_route(
    struct queue *q, struct message *m, queue_choose_fn *choose, void *arg)
{
	struct relay_state *only = NULL;
	int err = 0;

	(void)q;
	/* Moved while in a tree a part would not be found there any more. */
	for (struct part *p = &m->first; p != NULL; p = p->next)
		queue_unschedule(p);
	if (goes_as_one(m, choose, arg, &only)) {
		m->first.relay = only;
		queue_schedule(m);
		return 0;
	}
	for (unsigned i = 0; i < m->nrcpts && err == 0; i++)
		err = route_rcpt(m, &m->rcpts[i], choose, arg);
	queue_schedule(m);
	if (m->first.next != NULL)
		drop_empty_parts(m);
	return err;
}

/* ---- whose turn it is ------------------------------------------------ */

/* P is due: into its line.  Out of memory it stays where it is. */
static bool
make_ready(struct queue *q, struct part *p)
{
	struct relay_state *relay = p->relay;
	unsigned lane = p->message->lane_no;

	if (lane >= LANES_MAX)
		lane = LANES_MAX - 1;
	/* Both entries are in the same place. */
	RB_REMOVE(part_dues, &relay->dues, p);
	if (turns_add(&relay->turns[lane], &p->turn,
		queue_sender_key(q, p->message)) < 0) {
		RB_INSERT(part_dues, &relay->dues, p);
		return false;
	}
	p->place = PART_READY;
	p->lane = (uint8_t)lane;
	relay->nready++;
	return true;
}

int64_t
queue_wake(struct queue *q, struct relay_state *relay, int64_t now_us)
{
	struct part *p;
	int64_t wake_us = 0, end_us;

	while ((p = queue_first_due(relay)) != NULL && p->due_us <= now_us)
		if (!make_ready(q, p))
			break;
	if (p != NULL)
		/* Short of memory: not at once again. */
		wake_us = p->due_us > now_us ? p->due_us : now_us + 1000000;
	for (unsigned i = 0; i < LANES_MAX; i++) {
		end_us = turns_wake(&relay->turns[i], now_us);
		if (end_us > 0 && (wake_us == 0 || end_us < wake_us))
			wake_us = end_us;
	}
	return wake_us;
}

struct part *
queue_turn(const struct relay_state *relay, unsigned lane)
{
	struct turn *turn = turns_first(&relay->turns[lane]);

	return turn == NULL ? NULL
			    : (struct part *)(void *)((char *)turn -
				  offsetof(struct part, turn));
}

void
queue_block(struct relay_state *relay, struct part *p, int64_t until_us)
{
	turns_block(&relay->turns[p->lane], &p->turn, until_us);
}

struct part *
queue_first_due(const struct relay_state *relay)
{
	/* RB_ has no const. */
	return RB_MIN(part_dues, (struct part_dues *)(uintptr_t)&relay->dues);
}

void
queue_unready(struct queue *q, struct relay_state *relay)
{
	struct part *p;

	(void)q;
	for (unsigned i = 0; i < LANES_MAX; i++) {
		/* Those who wait for their limit, too. */
		(void)turns_wake(&relay->turns[i], INT64_MAX);
		while ((p = queue_turn(relay, i)) != NULL) {
			queue_unschedule(p);
			schedule_part(p);
		}
	}
}
