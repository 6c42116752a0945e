/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Which message goes to which agent and when.
 *
 * Each relay by itself: what is due for it waits in lines, a set of them for
 * each lane, and goes out when the relay is up, an agent has room and the
 * limits allow it.  Trouble with the relay closes the way to it: what was
 * handed out comes back untried, one message at a time probes, and the others
 * wait without cost.
 */

#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/indexes.h"
#include "spoold/retry.h"
#include "spoold/spoold.h"

/*
 * Messages handed to an agent for each of its connections: the second waits
 * there, so that no session waits for us.  While a relay is quick more of them
 * do, so that we wake up for several at once: as many as it takes while another
 * message may well wait for them.
 */
#define AHEAD_MIN 2
#define AHEAD_MAX 8
#define AHEAD_US 20000

/* So often a lane that is behind has its turn before those before it. */
#define BEHIND_TURN 8

/* ---- room ------------------------------------------------------------ */

static bool
has_reserve(const struct config *cfg)
{
	for (size_t i = 0; i < cfg->nlanes; i++)
		if (cfg->lanes[i].reserve > 0)
			return true;
	return false;
}

/* The connections that lanes before LANE keep free of it. */
static unsigned
reserved_before(const struct config *cfg, unsigned lane)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < lane && i < cfg->nlanes; i++)
		sum += cfg->lanes[i].reserve;
	return sum;
}

/* Whether agents of before a reload still use connections of R's. */
static bool
is_left_over(const struct relay *r)
{
	const struct agent *a;

	TAILQ_FOREACH (a, &r->agents, link)
		if (a->is_leaving && a->in_flight > 0)
			return true;
	return false;
}

/*
 * What waits in an agent cannot be overtaken: with reserves none does.  Nor
 * while others use the connections that it waits for.
 */
static unsigned
ahead(const struct relay *r)
{
	const struct relay_work *work = &r->state->work;
	int64_t each_us = work->latency_us + r->cfg->pause_ms * (int64_t)1000;

	if (has_reserve(r->d->cfg) || is_left_over(r))
		return 1;
	if (work->delivered_us < spoold_now(r->d) - AHEAD_US ||
	    each_us >= AHEAD_US / AHEAD_MIN)
		return AHEAD_MIN;
	if (each_us <= AHEAD_US / AHEAD_MAX)
		return AHEAD_MAX;
	return (unsigned)(AHEAD_US / each_us);
}

/* How many messages A may have. */
static unsigned
capacity_of(const struct agent *a)
{
	unsigned connections = a->connections + a->slow;

	if (connections > a->connections_max)
		connections = a->connections_max;
	if (connections < a->connections)
		connections = a->connections;
	return ahead(a->relay) * connections;
}

static bool
has_room(const struct relay *r, unsigned lane)
{
	const struct agent *a;
	unsigned capacity = 0, used = 0, reserved;

	TAILQ_FOREACH (a, &r->agents, link)
		if (a->is_leaving)
			capacity += a->slow;
		else if (a->state == AGENT_READY)
			capacity += capacity_of(a);
	if (r->in_flight >= capacity)
		return false;
	reserved = reserved_before(r->d->cfg, lane);
	if (reserved == 0)
		return true;
	/* One is everybody's, however few there are. */
	if (reserved >= capacity)
		reserved = capacity - 1;
	for (unsigned i = lane; i < LANES_MAX; i++)
		used += r->lane_in_flight[i];
	return used < capacity - reserved;
}

/* The agent with the most room, or NULL. */
static struct agent *
pick_agent(const struct relay *r)
{
	struct agent *a, *best = NULL;

	TAILQ_FOREACH (a, &r->agents, link) {
		if (a->state != AGENT_READY || a->is_leaving ||
		    a->in_flight >= capacity_of(a))
			continue;
		/* a->in_flight / a->connections < best's, without dividing */
		if (best == NULL ||
		    a->in_flight * best->connections <
			best->in_flight * a->connections)
			best = a;
	}
	return best;
}

/* ---- whose turn ------------------------------------------------------ */

/* Whose turn it is in LANE, after those whose time is over or not come. */
static struct part *
choose_in(struct relay *r, unsigned lane, int64_t now_us)
{
	struct queue *q = &r->d->queue;
	struct part *p;
	int64_t when_us;

	while ((p = queue_turn(r->state, lane)) != NULL) {
		if (queue_expires_us(p->message) > 0 &&
		    queue_expires_us(p->message) <= now_us) {
			dispatch_expire(r->d, p->message);
			/* It is gone, or at least not ready any more: else
			 * (the journal is broken) do not look again. */
			if (queue_turn(r->state, lane) == p)
				return NULL;
			continue;
		}
		when_us = queue_sender_when(q, p->message, now_us);
		if (when_us <= now_us)
			return p;
		queue_block(r->state, p, when_us);
	}
	return NULL;
}

/*
 * The lanes in order; but now and then from behind, so that nothing waits for
 * ever because something more urgent always comes.
 */
static struct part *
choose(struct relay *r, int64_t now_us)
{
	unsigned n = (unsigned)r->d->cfg->nlanes;
	bool from_behind = n > 1 && r->choices % BEHIND_TURN == BEHIND_TURN - 1;

	for (unsigned i = 0; i < n; i++) {
		unsigned lane = from_behind ? n - 1 - i : i;
		struct part *p;

		if (!has_room(r, lane))
			continue;
		p = choose_in(r, lane, now_us);
		if (p != NULL)
			return p;
	}
	return NULL;
}

/* ---- out ------------------------------------------------------------- */

/* Write the places of P's recipients that take part now, MAX at most. */
static void
put_indexes(FILE *out, const struct part *p, unsigned max, int64_t now_us)
{
	const struct message *m = p->message;
	unsigned n = 0, first = 0, last = 0;

	for (unsigned i = 0; i < m->nrcpts && n < max; i++) {
		if (m->rcpts[i].part != p ||
		    !queue_takes_part(&m->rcpts[i], now_us))
			continue;
		if (n > 0 && last + 1 < i)
			indexes_put(out, first, last);
		if (n == 0 || last + 1 < i)
			first = i;
		last = i;
		n++;
	}
	if (n > 0)
		indexes_put(out, first, last);
}

/*
 * Those places, "0-99,105": a new string, NULL if out of memory.  *RET_ALL:
 * nobody else of the message is due.
 */
static char *
indexes_of(const struct part *p, unsigned max, int64_t now_us, bool *ret_all)
{
	const struct message *m = p->message;
	char *text = NULL;
	unsigned n = 0;
	size_t len;
	FILE *out;

	*ret_all = true;
	for (unsigned i = 0; i < m->nrcpts; i++)
		if (queue_takes_part(&m->rcpts[i], now_us) &&
		    (m->rcpts[i].part != p || ++n > max))
			*ret_all = false;
	/* Most have one recipient. */
	if (m->nrcpts == 1)
		return strdup("0");
	out = open_memstream(&text, &len);
	if (out == NULL)
		return NULL;
	put_indexes(out, p, max, now_us);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

static void
hand_out(struct relay *r, struct part *p, struct agent *a, int64_t now_us)
{
	struct spoold *d = r->d;
	struct message *m = p->message;
	struct event ev = event_of(EVENT_ATTEMPT, m);
	char *indexes;
	bool all;

	indexes = indexes_of(p, r->cfg->recipients_max, now_us, &all);
	/* Journalled before it begins: a message that kills its agent, or
	 * us, is known by its attempts. */
	ev.relay = r->state->name;
	ev.time_us = now_us;
	ev.indexes = all ? NULL : indexes;
	record(d, &ev);
	queue_set_job(&d->queue, p, a);
	p->owes_success = false;
	if (r->state->down)
		r->probe = p;
	a->in_flight++;
	r->in_flight++;
	r->lane_in_flight[p->lane]++;
	d->in_flight++;
	if (d->broken)
		dispatch_back(a, m->id, "stop", "cannot be journalled");
	else if (indexes == NULL)
		dispatch_back(a, m->id, "local", "out of memory");
	else
		agent_send(
		    a, m->id, all && m->nwaiting == m->nrcpts ? "*" : indexes);
	free(indexes);
}

/* When R's limits let one more message go; NOW_US or before: at once. */
static int64_t
rate_allows(const struct relay *r, int64_t now_us)
{
	const struct relay_state *s = r->state;

	return s->nrates == 0
	    ? now_us
	    : rate_when(&s->rate, s->rates, s->nrates, s->burst, now_us);
}

void
dispatch_relay(struct relay *r)
{
	struct spoold *d = r->d;
	int64_t now_us = spoold_now(d), wake_us = 0, when_us;
	struct agent *a;
	struct part *p;

	while (relay_is_open(r, now_us, &wake_us)) {
		when_us = rate_allows(r, now_us);
		if (when_us > now_us) {
			wake_us = r->state->nready > 0 ||
				queue_first_due(r->state) != NULL
			    ? when_us
			    : 0;
			break;
		}
		(void)queue_wake(&d->queue, r->state, now_us);
		p = choose(r, now_us);
		a = p == NULL ? NULL : pick_agent(r);
		if (a == NULL) {
			/* After choose(): it may have put some off. */
			wake_us = queue_wake(&d->queue, r->state, now_us);
			break;
		}
		r->choices++;
		hand_out(r, p, a, now_us);
	}
	(void)uv_timer_stop(&r->timer);
	if (wake_us > 0 && !d->stopping)
		(void)uv_timer_start(&r->timer, relay_on_timer,
		    wake_us <= now_us
			? 0
			: (uint64_t)((wake_us - now_us + 999) / 1000),
		    0);
}

void
dispatch(struct spoold *d)
{
	struct relay *r;

	TAILQ_FOREACH (r, &d->relays, link)
		dispatch_relay(r);
}

/* ---- too late -------------------------------------------------------- */

/* R, of M, is given up for WHY. */
static void
give_up(struct spoold *d, struct message *m, unsigned index, const char *why)
{
	const struct relay_state *relay = m->rcpts[index].part->relay;
	struct event ev = event_of(EVENT_FAILED, m);
	/* What the relay answered last says more than that it was late. */
	char *reply = relay_reply(&m->rcpts[index]);

	ev.index = (int)index;
	ev.rcpt = m->rcpts[index].addr;
	ev.relay = relay == NULL ? NULL : relay->name;
	ev.reply = reply;
	ev.note = why;
	ev.time_us = spoold_now(d);
	log_result(&ev, m);
	record(d, &ev);
	free(reply);
}

/* Why R is of no use any more at NOW_US; NULL: it still is. */
static const char *
useless(const struct spoold *d, const struct message *m, const struct qrcpt *r,
    int64_t now_us)
{
	if (r->state != RCPT_PENDING || r->waiting || r->part->job != NULL)
		return NULL;
	if (queue_expires_us(m) > 0 && queue_expires_us(m) <= now_us)
		return "its time to live ended";
	if (r->part->relay != NULL &&
	    retry_expires(d->cfg, m, r->part->relay, queue_expires_us(m), now_us))
		return "its lifetime ended";
	return NULL;
}

void
dispatch_expire(struct spoold *d, struct message *m)
{
	int64_t now_us = spoold_now(d);

	if (m->state == SPOOL_QUEUE && !d->broken)
		for (unsigned i = 0; i < m->nrcpts && m->npending > 0; i++) {
			const char *why = useless(d, m, &m->rcpts[i], now_us);

			if (why != NULL)
				give_up(d, m, i, why);
		}
	dispatch_finish(d, m);
}
