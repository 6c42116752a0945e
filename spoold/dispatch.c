/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Which message goes to which agent and when, and what becomes of the
 * answers.
 *
 * Answers about a message are that message's alone.  Trouble with the relay
 * closes the way to it: what was handed out comes back untried, one message
 * at a time probes, and the others wait without cost.
 */

#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "spoold/agent-protocol.h"
#include "spoold/retry.h"
#include "spoold/spoold.h"

/*
 * Messages handed to an agent for each of its connections: the second waits
 * there, so that no session waits for us.
 */
#define AHEAD 2

/* A local hindrance of an agent (memory, descriptors) is looked at again. */
#define LOCAL_WAIT_US ((int64_t)30 * 1000000)

static uint32_t
random32(void)
{
	return arc4random();
}

/* ---- out ------------------------------------------------------------- */

/* The agent with the most room, or NULL. */
static struct agent *
pick_agent(struct spoold *d)
{
	struct agent *best = NULL;

	for (unsigned i = 0; i < d->nagents; i++) {
		struct agent *a = &d->agents[i];

		if (a->state != AGENT_READY ||
		    a->in_flight >= AHEAD * a->connections)
			continue;
		/* a->in_flight / a->connections < best's, without dividing */
		if (best == NULL ||
		    a->in_flight * best->connections <
			best->in_flight * a->connections)
			best = a;
	}
	return best;
}

/* "*" or "0,3,4": who takes part.  A new string, or NULL. */
static char *
indexes_of(const struct message *m)
{
	char *text;
	size_t len;
	FILE *out;
	const char *comma = "";

	if (m->nwaiting == m->nrcpts)
		return strdup("*");
	out = open_memstream(&text, &len);
	if (out == NULL)
		return NULL;
	for (unsigned i = 0; i < m->nrcpts; i++)
		if (m->rcpts[i].waiting) {
			(void)fprintf(out, "%s%u", comma, i);
			comma = ",";
		}
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

static void
hand_out(struct spoold *d, struct message *m, struct agent *a, int64_t now_us)
{
	struct event ev = event_of(EVENT_ATTEMPT, m);
	char *indexes;

	/* Journalled before it begins: a message that kills its agent, or
	 * us, is known by its attempts. */
	ev.relay = d->cfg->relay.name;
	ev.time_us = now_us;
	record(d, &ev);
	queue_set_job(&d->queue, m, a);
	if (d->queue.relay.down)
		d->probe = m;
	a->in_flight++;
	d->in_flight++;
	if (d->broken) {
		dispatch_back(a, m->id, "stop", "cannot be journalled");
		return;
	}
	indexes = indexes_of(m);
	if (indexes == NULL) {
		dispatch_back(a, m->id, "local", "out of memory");
		return;
	}
	agent_send(a, m->id, indexes);
	free(indexes);
}

static void on_due(uv_timer_t *timer);

void
dispatch(struct spoold *d)
{
	int64_t now_us = spoold_now(d), wake_us = 0;
	struct message *m;
	struct agent *a;

	while (relay_is_open(d, now_us, &wake_us)) {
		m = queue_first_due(&d->queue);
		if (m == NULL)
			break;
		if (m->due_us > now_us) {
			wake_us = m->due_us;
			break;
		}
		a = pick_agent(d);
		if (a == NULL)
			break;
		hand_out(d, m, a, now_us);
	}
	(void)uv_timer_stop(&d->due_timer);
	d->due_timer.data = d;
	if (wake_us > 0)
		(void)uv_timer_start(&d->due_timer, on_due,
		    (uint64_t)((wake_us - now_us + 999) / 1000), 0);
}

static void
on_due(uv_timer_t *timer)
{
	dispatch(timer->data);
}

/* ---- back ------------------------------------------------------------ */

/* The message that A has under ID, or NULL with a complaint. */
static struct message *
job_of(struct agent *a, const char *id)
{
	struct message *m = queue_find(&a->d->queue, id);

	if (m != NULL && m->job == a)
		return m;
	log_msg(LOG_ERR, "agent %u spoke of id=%.16s, which it does not have",
	    a->number, id);
	return NULL;
}

static void
end_job(struct agent *a, struct message *m)
{
	free(m->server);
	m->server = NULL;
	queue_set_job(&a->d->queue, m, NULL);
	if (a->d->probe == m)
		a->d->probe = NULL;
	a->in_flight--;
	a->d->in_flight--;
}

void
dispatch_finish(struct spoold *d, struct message *m)
{
	struct event ev = event_of(EVENT_REMOVED, m);
	bool failed;
	int err;

	if (m->npending > 0 || m->job != NULL || m->state != SPOOL_QUEUE ||
	    d->broken)
		return;
	failed = !queue_is_served(m);
	if (failed) {
		ev.kind = EVENT_KEPT;
		err = spool_rename(&d->sp, m->id, SPOOL_QUEUE, SPOOL_FAILED);
		d->dirty_states[SPOOL_FAILED] = true;
	} else {
		err = spool_remove(&d->sp, m->id, SPOOL_QUEUE);
	}
	d->dirty_states[SPOOL_QUEUE] = true;
	if (err < 0) {
		log_msg(LOG_ERR, "cannot %s id=%s: %s",
		    failed ? "keep" : "remove", m->id, strerror(-err));
		return;
	}
	log_msg(LOG_INFO, failed ? "kept id=%s in failed/" : "removed id=%s",
	    m->id);
	record(d, &ev);
}

void
dispatch_start(struct agent *a, const char *id, const char *server)
{
	struct message *m = job_of(a, id);

	if (m == NULL)
		return;
	free(m->server);
	m->server = strdup(server);
}

static enum event_kind
kind_of(enum outcome outcome)
{
	static const enum event_kind kinds[OUTCOMES] = {
		[OUTCOME_DELIVERED] = EVENT_DELIVERED,
		[OUTCOME_DEFERRED] = EVENT_DEFERRED,
		[OUTCOME_FAILED] = EVENT_FAILED,
		[OUTCOME_LOST] = EVENT_LOST,
		[OUTCOME_UNCERTAIN] = EVENT_UNCERTAIN,
	};

	return kinds[outcome];
}

/* Complete EV, a result for recipient R of M: again later, or given up? */
static void
settle(struct spoold *d, const struct message *m, const struct qrcpt *r,
    struct event *ev)
{
	bool counts = ev->kind == EVENT_DEFERRED;

	if (ev->kind == EVENT_DELIVERED || ev->kind == EVENT_FAILED)
		return;
	if (retry_gives_up(d->cfg, m, r, counts, ev->time_us)) {
		ev->kind = EVENT_FAILED;
		ev->note = "gave up";
	} else {
		ev->next_us =
		    ev->time_us + retry_wait_us(r->tries + 1, random32());
	}
}

static void
log_result(const struct event *ev, const struct message *m)
{
	int priority = ev->kind == EVENT_DELIVERED ? LOG_INFO
	    : ev->kind == EVENT_FAILED             ? LOG_ERR
						   : LOG_WARNING;
	char delay[32] = "-";
	char *reply = ev->reply == NULL ? NULL : strdup(ev->reply);

	/* Or a reply could end its own quotes and go on as other keys. */
	for (char *c = reply; c != NULL && (c = strchr(c, '"')) != NULL;)
		*c = '\'';

	if (ev->delay_us >= 0)
		(void)snprintf(
		    delay, sizeof(delay), "%.3f", (double)ev->delay_us / 1e6);
	log_msg(priority,
	    "%s id=%s from=<%s> to=<%s> relay=%s[%s] "
	    "delay_s=%s reply=\"%s\"%s%s",
	    event_name(ev->kind), m->id, m->sender, ev->rcpt, ev->relay,
	    ev->server == NULL ? "" : ev->server, delay, ev->reply,
	    ev->note == NULL ? "" : " note=", ev->note == NULL ? "" : ev->note);
	free(reply);
}

static void
give_result(struct agent *a, struct message *m, unsigned index,
    enum event_kind kind, int64_t delay_us, const char *reply)
{
	struct spoold *d = a->d;
	struct event ev = event_of(kind, m);

	ev.index = (int)index;
	ev.rcpt = m->rcpts[index].addr;
	ev.relay = d->cfg->relay.name;
	ev.server = m->server;
	ev.reply = reply;
	ev.delay_us = delay_us;
	ev.time_us = spoold_now(d);
	settle(d, m, &m->rcpts[index], &ev);
	log_result(&ev, m);
	record(d, &ev);
}

void
dispatch_rcpt(struct agent *a, const char *id, unsigned index,
    const char *outcome, int64_t delay_us, const char *reply)
{
	struct message *m = job_of(a, id);
	enum outcome what;

	if (m == NULL)
		return;
	if (index >= m->nrcpts || !m->rcpts[index].waiting ||
	    !outcome_parse(outcome, &what)) {
		log_msg(LOG_ERR, "agent %u gave no valid result for id=%s",
		    a->number, id);
		return;
	}
	relay_judge(a->d, m, what, reply);
	give_result(a, m, index, kind_of(what), delay_us, reply);
}

/* Whoever takes part and has no result gets KIND and REPLY. */
static void
give_rest(
    struct agent *a, struct message *m, enum event_kind kind, const char *reply)
{
	for (unsigned i = 0; i < m->nrcpts && m->nwaiting > 0; i++)
		if (m->rcpts[i].waiting)
			give_result(a, m, i, kind, -1, reply);
}

static void
after_job(struct spoold *d, struct message *m)
{
	dispatch_finish(d, m);
	dispatch(d);
	spoold_check_done(d);
}

void
dispatch_done(struct agent *a, const char *id)
{
	struct message *m = job_of(a, id);

	if (m == NULL)
		return;
	give_rest(a, m, EVENT_LOST, "[local] the agent gave no result");
	end_job(a, m);
	after_job(a->d, m);
}

/*
 * When a message that came back is due again: behind all others, so that
 * another one probes next; and later if it is what the relay did not like.
 */
static int64_t
back_until(const char *why, int64_t now_us)
{
	if (strcmp(why, "local") == 0)
		return now_us + LOCAL_WAIT_US;
	if (strcmp(why, "message") == 0)
		return now_us + retry_wait_us(1, random32());
	return now_us;
}

void
dispatch_back(
    struct agent *a, const char *id, const char *why, const char *reason)
{
	struct message *m = job_of(a, id);
	struct spoold *d = a->d;
	struct event ev;

	if (m == NULL)
		return;
	if (strcmp(why, "relay") == 0)
		relay_trouble(d, reason, false);
	else if (strcmp(why, "message") == 0)
		relay_trouble(d, reason, true);
	else if (strcmp(why, "stop") != 0)
		log_msg(LOG_ERR, "id=%s came back: %s", id, reason);
	ev = event_of(EVENT_BACK, m);
	ev.relay = d->cfg->relay.name;
	ev.reply = reason;
	ev.time_us = spoold_now(d);
	ev.next_us = back_until(why, ev.time_us);
	record(d, &ev);
	end_job(a, m);
	after_job(d, m);
}

void
dispatch_bad(struct agent *a, const char *id, const char *reason)
{
	struct message *m = job_of(a, id);
	struct spoold *d = a->d;
	struct event ev;
	int err;

	if (m == NULL)
		return;
	end_job(a, m);
	err = spool_set_aside(&d->sp, SPOOL_QUEUE, id, reason);
	log_msg(LOG_CRIT, "id=%s is damaged (%s): %s", id, reason,
	    err < 0 ? strerror(-err) : "moved to failed/");
	ev = event_of(err < 0 ? EVENT_BACK : EVENT_DAMAGED, m);
	ev.note = reason;
	ev.time_us = spoold_now(d);
	ev.next_us = err < 0 ? ev.time_us + RETRY_WAIT_MAX_US : 0;
	record(d, &ev);
	dispatch(d);
	spoold_check_done(d);
}

void
dispatch_expire(struct spoold *d, struct message *m)
{
	const struct relay_state *relay = &d->queue.relay;
	int64_t now_us = spoold_now(d);

	if (m->job == NULL && m->state == SPOOL_QUEUE &&
	    retry_expires(d->cfg, m, relay, now_us))
		for (unsigned i = 0; i < m->nrcpts && m->npending > 0; i++) {
			struct event ev = event_of(EVENT_FAILED, m);

			if (m->rcpts[i].state != RCPT_PENDING)
				continue;
			ev.index = (int)i;
			ev.rcpt = m->rcpts[i].addr;
			ev.relay = d->cfg->relay.name;
			ev.reply = relay->reason;
			ev.note = "its lifetime ended";
			ev.time_us = now_us;
			log_result(&ev, m);
			record(d, &ev);
		}
	dispatch_finish(d, m);
}

/*
 * Interrupted with its agent: nobody knows how far it came.  Counts as an
 * attempt, for it may have been this message that killed the agent.
 */
static void
interrupted(struct agent *a, struct message *m, const char *how)
{
	char reply[200];

	(void)snprintf(
	    reply, sizeof(reply), "[local] the delivery agent died (%s)", how);
	give_rest(a, m, m->server != NULL ? EVENT_DEFERRED : EVENT_LOST, reply);
	end_job(a, m);
	dispatch_finish(a->d, m);
}

void
dispatch_died(struct agent *a, const char *how)
{
	struct message *m, *next;

	for (m = queue_first(&a->d->queue); m != NULL && a->in_flight > 0;
	     m = next) {
		next = queue_next(&a->d->queue, m);
		if (m->job == a)
			interrupted(a, m, how);
	}
	dispatch(a->d);
	spoold_check_done(a->d);
}
