/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See steer.h. */

#include "config.h"

#include <string.h>

#include "lib/log.h"
#include "spoold/steer.h"

static const char is_busy[] = "is being delivered at this moment";

const char *
steer_flush(struct spoold *d, struct message *m)
{
	struct event ev = event_of(EVENT_FLUSHED, m);

	if (m->state != SPOOL_QUEUE)
		return "is not in queue/";
	record(d, &ev);
	return NULL;
}

const char *
steer_retry(struct spoold *d, struct message *m)
{
	struct event ev = event_of(EVENT_RETRIED, m);

	if (m->state != SPOOL_QUEUE)
		return "is not in queue/";
	record(d, &ev);
	return NULL;
}

const char *
steer_drop(struct spoold *d, struct message *m, uid_t uid)
{
	struct event ev = event_of(EVENT_DROPPED, m);
	int err;

	if (queue_is_busy(m))
		return is_busy;
	err = spool_remove(&d->sp, m->id, m->state);
	if (err < 0)
		return strerror(-err);
	d->dirty_states[m->state] = true;
	log_msg(LOG_NOTICE, "dropped id=%s from=<%s> by uid %lu", m->id,
	    m->sender, (unsigned long)uid);
	record(d, &ev);
	/* Its file is gone already: nothing else tells who took it away. */
	record_flush(d);
	return NULL;
}

/* ---- moves ----------------------------------------------------------- */

static const char *
move(struct spoold *d, struct message *m, enum spool_state to,
    enum event_kind kind)
{
	struct event ev = event_of(kind, m);
	enum spool_state from = m->state;
	int err;

	if (queue_is_busy(m))
		return is_busy;
	err = spool_rename(&d->sp, m->id, from, to);
	if (err < 0)
		return strerror(-err);
	d->dirty_states[from] = true;
	d->dirty_states[to] = true;
	record(d, &ev);
	return NULL;
}

const char *
steer_hold(struct spoold *d, struct message *m)
{
	if (m->state != SPOOL_QUEUE)
		return m->state == SPOOL_FAILED ? "is in failed/"
						: "is held already";
	return move(d, m, SPOOL_HOLD, EVENT_HELD);
}

const char *
steer_release(struct spoold *d, struct message *m)
{
	if (m->state != SPOOL_HOLD)
		return m->state == SPOOL_FAILED ? "is in failed/"
						: "is not held";
	return move(d, m, SPOOL_QUEUE, EVENT_RELEASED);
}

/* Whether there is something in M to try. */
static bool
has_to_try(const struct message *m)
{
	return m->npending > 0 || !queue_is_served(m);
}

static bool
has_reported(const struct message *m)
{
	for (unsigned i = 0; i < m->nrcpts; i++)
		if (m->rcpts[i].state == RCPT_REPORTED)
			return true;
	return false;
}

const char *
steer_requeue(struct spoold *d, struct message *m)
{
	const char *why;

	if (m->state != SPOOL_FAILED)
		return "is not in failed/";
	if (!has_to_try(m) && !has_reported(m))
		return "has nobody left to send to";
	why = move(d, m, SPOOL_QUEUE, EVENT_REQUEUED);
	if (why == NULL)
		relay_route(d, m);
	return why;
}

const char *
steer_reroute(struct spoold *d, struct message *m, const char *name)
{
	struct event ev = event_of(EVENT_REROUTED, m);

	if (m->state == SPOOL_FAILED)
		return "is in failed/";
	ev.relay = name;
	record(d, &ev);
	relay_route(d, m);
	return NULL;
}
