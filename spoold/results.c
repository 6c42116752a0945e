/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * What becomes of the answers.
 *
 * Answers about a message are that message's alone; trouble with the relay is
 * the relay's (relay.c).
 */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "spoold/agent-protocol.h"
#include "spoold/retry.h"
#include "spoold/spoold.h"

/* What fails within so long of the last attempt is reported together. */
#define TOGETHER_US ((int64_t)30 * 1000000)

/* A local hindrance of an agent (memory, descriptors) is looked at again. */
#define LOCAL_WAIT_US ((int64_t)30 * 1000000)

/* The part of message ID that A has, or NULL with a complaint. */
static struct part *
job_of(struct agent *a, const char *id)
{
	struct message *m = queue_find(&a->d->queue, id);

	for (struct part *p = m == NULL ? NULL : &m->first; p != NULL;
	     p = p->next)
		if (p->job == a)
			return p;
	log_msg(LOG_ERR, "agent %u spoke of id=%.16s, which it does not have",
	    a->number, id);
	return NULL;
}

static void
end_job(struct agent *a, struct part *p)
{
	struct relay *r = a->relay;

	free(p->server);
	p->server = NULL;
	p->owes_success = false;
	if (r->probe == p)
		r->probe = NULL;
	a->in_flight--;
	r->in_flight--;
	r->lane_in_flight[p->lane]--;
	a->d->in_flight--;
	queue_set_job(&a->d->queue, p, NULL);
}

/* ---- the end of a message -------------------------------------------- */

/* Whether M is to stay where people can look at it. */
static bool
is_kept(const struct spoold *d, const struct message *m)
{
	for (unsigned i = 0; i < m->nrcpts; i++)
		if (m->rcpts[i].state == RCPT_FAILED ||
		    (m->rcpts[i].state == RCPT_REPORTED &&
			(d->cfg->keep_failed || m->untold)))
			return true;
	return false;
}

static void
remove_or_keep(struct spoold *d, struct message *m)
{
	struct event ev = event_of(EVENT_KEPT, m);
	int err;

	if (!is_kept(d, m)) {
		remove_begin(d, m);
		return;
	}
	/* What came of it is written before it moves. */
	record_flush(d);
	if (d->broken)
		return;
	err = spool_rename(&d->sp, m->id, SPOOL_QUEUE, SPOOL_FAILED);
	if (err < 0) {
		log_msg(
		    LOG_ERR, "cannot keep id=%s: %s", m->id, strerror(-err));
		return;
	}
	d->dirty_states[SPOOL_FAILED] = true;
	d->dirty_states[SPOOL_QUEUE] = true;
	log_msg(LOG_INFO, "kept id=%s in failed/", m->id);
	record(d, &ev);
}

/* What may have been delivered is somebody's to decide. */
static bool
hold_uncertain(struct spoold *d, struct message *m)
{
	struct event ev = event_of(EVENT_HELD, m);
	bool any = false;
	int err;

	for (unsigned i = 0; i < m->nrcpts && !any; i++)
		any =
		    m->rcpts[i].uncertain && m->rcpts[i].state == RCPT_PENDING;
	if (!any || d->cfg->on_uncertain != UNCERTAIN_HOLD)
		return false;
	err = spool_rename(&d->sp, m->id, SPOOL_QUEUE, SPOOL_HOLD);
	if (err < 0) {
		log_msg(
		    LOG_ERR, "cannot hold id=%s: %s", m->id, strerror(-err));
		return false;
	}
	d->dirty_states[SPOOL_QUEUE] = true;
	d->dirty_states[SPOOL_HOLD] = true;
	ev.note = "its delivery is uncertain";
	log_msg(LOG_WARNING, "held id=%s: %s", m->id, ev.note);
	record(d, &ev);
	return true;
}

/* Whether more of M is being tried, or is about to be by a relay that is
 * well. */
static bool
has_more(const struct message *m, int64_t now_us)
{
	for (const struct part *p = &m->first; p != NULL; p = p->next) {
		if (p->job != NULL)
			return true;
		if (p->npending > 0 && p->due_us <= now_us &&
		    p->relay != NULL && !p->relay->down)
			return true;
	}
	return false;
}

/* One report is for all that fail together: whether that of M waits for more,
 * and not too long.  If nothing else comes to M by then, a scan does. */
static bool
waits_for_more(struct spoold *d, const struct message *m)
{
	int64_t now_us = spoold_now(d), end_us = m->attempt_us + TOGETHER_US;

	if (now_us > end_us || !has_more(m, now_us))
		return false;
	if (d->report_us == 0 || end_us < d->report_us)
		d->report_us = end_us;
	return true;
}

void
dispatch_finish(struct spoold *d, struct message *m)
{
	if (m->state != SPOOL_QUEUE || d->broken || m->reporting > 0)
		return;
	/* Before the others, if these take long. */
	if (!m->untold && queue_has_failed(m) &&
	    (!d->scanned || waits_for_more(d, m) || reports_failed(d, m)))
		/* Before the first scan is complete nobody knows whether the
		 * last spoold made that report already. */
		return;
	if (queue_is_busy(m) || hold_uncertain(d, m))
		return;
	if (m->npending == 0)
		remove_or_keep(d, m);
}

/* While A had it, M stayed out of a new configuration's routes, and where an
 * operator wants it to go. */
static void
after_job(struct agent *a, struct message *m)
{
	bool moves = a->is_leaving || queue_rerouted(m) != NULL;
	struct spoold *d = a->d;

	if (moves)
		relay_route(d, m);
	dispatch_finish(d, m);
	if (moves)
		dispatch(d);
	else
		dispatch_relay(a->relay);
	spoold_check_done(d);
}

/* ---- results --------------------------------------------------------- */

void
dispatch_start(
    struct agent *a, const char *id, const char *server, bool owes_success)
{
	struct part *p = job_of(a, id);

	if (p == NULL)
		return;
	free(p->server);
	p->server = strdup(server);
	p->owes_success = owes_success;
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
	bool counts = ev->kind == EVENT_DEFERRED || event_sets_attempts(ev);

	if (ev->kind == EVENT_DELIVERED || ev->kind == EVENT_FAILED)
		return;
	if (retry_gives_up(
		d->cfg, m, r, counts, queue_expires_us(m), ev->time_us)) {
		ev->kind = EVENT_FAILED;
		ev->note = "gave up";
	} else {
		ev->next_us = retry_next_us(
		    &d->cfg->retry, m->id, r->tries + 1u, ev->time_us);
	}
}

void
log_result(const struct event *ev, const struct message *m)
{
	int priority = ev->kind == EVENT_DELIVERED ? LOG_INFO
	    : ev->kind == EVENT_FAILED             ? LOG_ERR
						   : LOG_WARNING;
	char delay[32] = "-";
	char *reply;

	if (!log_wants(priority))
		return;
	reply = ev->reply == NULL ? NULL : strdup(ev->reply);
	/* Or a reply could end its own quotes and go on as other keys. */
	for (char *c = reply; c != NULL && (c = strchr(c, '"')) != NULL;)
		*c = '\'';

	if (ev->delay_us >= 0)
		(void)snprintf(
		    delay, sizeof(delay), "%.3f", (double)ev->delay_us / 1e6);
	log_msg(priority,
	    "%s id=%s from=<%s> to=<%s> relay=%s[%s] "
	    "delay_s=%s reply=\"%s\"%s%s%s",
	    event_name(ev->kind), m->id, m->sender, ev->rcpt,
	    ev->relay == NULL ? "" : ev->relay,
	    ev->server == NULL ? "" : ev->server, delay,
	    reply == NULL ? "" : reply, ev->note == NULL ? "" : " note=\"",
	    ev->note == NULL ? "" : ev->note, ev->note == NULL ? "" : "\"");
	free(reply);
}

/* EV, of which the rest is to be filled in, is INDEX's result. */
static void
give_result(struct agent *a, struct part *p, unsigned index, struct event *ev)
{
	struct spoold *d = a->d;
	struct message *m = p->message;

	ev->index = (int)index;
	ev->rcpt = m->rcpts[index].addr;
	ev->relay = a->relay->state->name;
	ev->server = p->server;
	ev->time_us = spoold_now(d);
	settle(d, m, &m->rcpts[index], ev);
	log_result(ev, m);
	record(d, ev);
}

void
dispatch_rcpt(struct agent *a, const char *id, unsigned index,
    const char *outcome, int64_t delay_us, const char *reply)
{
	struct part *p = job_of(a, id);
	const struct message *m;
	enum outcome what;
	struct event ev;

	if (p == NULL)
		return;
	m = p->message;
	if (index >= m->nrcpts || m->rcpts[index].part != p ||
	    !m->rcpts[index].waiting || !outcome_parse(outcome, &what)) {
		log_msg(LOG_ERR, "agent %u gave no valid result for id=%s",
		    a->number, id);
		return;
	}
	if (!a->is_leaving)
		relay_judge(a->relay, what, p->server, reply);
	ev = event_of(kind_of(what), m);
	ev.reply = reply;
	ev.delay_us = delay_us;
	give_result(a, p, index, &ev);
}

void
dispatch_count(const struct spoold *d, const struct qrcpt *r, struct event *ev)
{
	if (d->cfg->on_uncertain != UNCERTAIN_HOLD)
		ev->attempts = r->attempts + 1;
}

/* Whoever takes part and has no result gets KIND and REPLY; if that is
 * uncertain, nobody knows how far the agent came. */
static void
give_rest(
    struct agent *a, struct part *p, enum event_kind kind, const char *reply)
{
	const struct message *m = p->message;

	for (unsigned i = 0; i < m->nrcpts && p->nwaiting > 0; i++) {
		struct event ev = event_of(kind, m);

		if (!m->rcpts[i].waiting || m->rcpts[i].part != p)
			continue;
		ev.reply = reply;
		if (kind == EVENT_UNCERTAIN)
			dispatch_count(a->d, &m->rcpts[i], &ev);
		give_result(a, p, i, &ev);
	}
}

void
dispatch_done(struct agent *a, const char *id)
{
	struct part *p = job_of(a, id);
	struct message *m;

	if (p == NULL)
		return;
	give_rest(a, p, EVENT_LOST, "[local] the agent gave no result");
	if (p->owes_success)
		reports_relayed(a->d, p);
	m = p->message;
	end_job(a, p);
	after_job(a, m);
}

/*
 * When M, which came back, is due again: behind all others, so that
 * another one probes next; and later if it is what the relay did not like.
 */
static int64_t
back_until(const struct spoold *d, const struct message *m, const char *why,
    int64_t now_us)
{
	if (strcmp(why, "local") == 0)
		return now_us + LOCAL_WAIT_US;
	if (strcmp(why, "message") == 0)
		return retry_next_us(&d->cfg->retry, m->id, 1, now_us);
	return now_us;
}

/* Message ID came back from A: whose trouble is it? */
static void
say_back(
    const struct agent *a, const char *id, const char *why, const char *reason)
{
	static const struct {
		const char *why;
		enum trouble trouble;
	} troubles[] = {
		{ "relay", TROUBLE_RELAY },
		{ "login", TROUBLE_LOGIN },
		{ "message", TROUBLE_MESSAGE },
	};

	for (size_t i = 0; i < sizeof(troubles) / sizeof(troubles[0]); i++) {
		if (strcmp(why, troubles[i].why) != 0)
			continue;
		/* What the settings of before ran into says nothing of the
		 * relay with those of now. */
		if (!a->is_leaving)
			relay_trouble(a->relay, reason, troubles[i].trouble);
		return;
	}
	if (strcmp(why, "stop") != 0)
		log_msg(LOG_ERR, "id=%s came back: %s", id, reason);
}

void
dispatch_back(
    struct agent *a, const char *id, const char *why, const char *reason)
{
	struct part *p = job_of(a, id);
	struct spoold *d = a->d;
	struct message *m;
	struct event ev;

	if (p == NULL)
		return;
	m = p->message;
	say_back(a, id, why, reason);
	/* Nobody answered about it, and its lifetime counts. */
	if (strcmp(why, "message") == 0)
		give_rest(a, p, EVENT_LOST, reason);
	ev = event_of(EVENT_BACK, m);
	ev.relay = a->relay->state->name;
	ev.reply = reason;
	ev.time_us = spoold_now(d);
	ev.next_us = back_until(d, m, why, ev.time_us);
	record(d, &ev);
	end_job(a, p);
	after_job(a, m);
}

void
dispatch_bad(struct agent *a, const char *id, const char *reason)
{
	struct part *p = job_of(a, id);
	struct spoold *d = a->d;
	struct message *m;
	struct event ev;
	int err = -EBUSY;

	if (p == NULL)
		return;
	m = p->message;
	end_job(a, p);
	/* While another relay has it, it has to be known: once more then. */
	if (!queue_is_busy(m))
		err = spool_set_aside(&d->sp, SPOOL_QUEUE, id, reason);
	log_msg(LOG_CRIT, "id=%s is damaged (%s): %s", id, reason,
	    err < 0 ? strerror(-err) : "moved to failed/");
	ev = event_of(err < 0 ? EVENT_BACK : EVENT_DAMAGED, m);
	ev.relay = a->relay->state->name;
	ev.note = reason;
	ev.time_us = spoold_now(d);
	ev.next_us = err < 0 ? ev.time_us + LOCAL_WAIT_US : 0;
	record(d, &ev);
	if (err < 0)
		after_job(a, m);
	else
		dispatch_relay(a->relay);
	spoold_check_done(d);
}

/* Interrupted with its agent. */
static void
interrupted(struct agent *a, struct part *p, const char *how)
{
	struct message *m = p->message;
	enum event_kind kind = EVENT_LOST;
	char reply[200];

	if (p->server != NULL)
		kind = EVENT_UNCERTAIN;
	(void)snprintf(
	    reply, sizeof(reply), "[local] the delivery agent died (%s)", how);
	give_rest(a, p, kind, reply);
	end_job(a, p);
	if (a->is_leaving || queue_rerouted(m) != NULL)
		relay_route(a->d, m);
	dispatch_finish(a->d, m);
}

void
dispatch_died(struct agent *a, const char *how)
{
	struct message *m, *next;

	for (m = queue_first(&a->d->queue); m != NULL && a->in_flight > 0;
	     m = next) {
		next = queue_next(&a->d->queue, m);
		for (struct part *p = &m->first; p != NULL; p = p->next)
			if (p->job == a) {
				interrupted(a, p, how);
				break;
			}
	}
	if (a->is_leaving)
		dispatch(a->d);
	else
		dispatch_relay(a->relay);
	spoold_check_done(a->d);
}
