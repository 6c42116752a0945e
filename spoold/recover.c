/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* What the last spoold left half done. */

#include "config.h"

#include <stdlib.h>

#include "spoold/retry.h"
#include "spoold/spoold.h"

/* The result of an attempt that died with spoold: due again at once, but
 * after the third time in a row it waits like any other failure. */
static void
recover_rcpt(struct spoold *d, struct message *m, unsigned index)
{
	struct event ev = event_of(EVENT_UNCERTAIN, m);
	struct qrcpt *r = &m->rcpts[index];

	ev.index = (int)index;
	ev.rcpt = r->addr;
	if (r->part->relay != NULL)
		ev.relay = r->part->relay->name;
	ev.reply = "[local] spoold ended during the attempt";
	ev.time_us = spoold_now(d);
	ev.next_us = ev.time_us;
	dispatch_count(d, r, &ev);
	if (r->attempts >= 2)
		ev.next_us = retry_next_us(
		    &d->cfg->retry, m->id, r->tries + 1u, ev.time_us);
	record(d, &ev);
}

/* A queue_choose_fn. */
static struct relay_state *
nowhere(const struct message *m, const struct qrcpt *r, void *arg)
{
	(void)m;
	(void)r;
	(void)arg;
	return NULL;
}

void
recover_begin(struct spoold *d)
{
	struct message *m;

	d->queue.read_us = -1;
	for (m = queue_first(&d->queue); m != NULL;
	     m = queue_next(&d->queue, m))
		(void)queue_route(&d->queue, m, nowhere, NULL);
	queue_rest(&d->queue, false);
}

/*
 * Whether the file of M, which was served and had only to be removed, is
 * another message's: M's was gone when spoold ended, before that could be
 * journalled, and its id was free again.
 */
static bool
is_another(struct spoold *d, const struct message *m)
{
	const char *why;
	struct qfile qf;
	bool is_other;

	if (m->state != SPOOL_QUEUE || !queue_is_served(m) ||
	    qfile_open(&qf, &d->sp, m->state, m->id, &why) < 0)
		return false;
	is_other = qf.env.arrival_us != m->arrival_us;
	qfile_close(&qf);
	return is_other;
}

void
recover_message(struct spoold *d, struct message *m)
{
	int64_t now_us = spoold_now(d);

	if (is_another(d, m)) {
		struct event ev = event_of(EVENT_REMOVED, m);

		record(d, &ev);
		scan_look(d, ev.id);
		return;
	}
	for (unsigned i = 0; i < m->nrcpts && m->nwaiting > 0; i++)
		if (m->rcpts[i].waiting && m->rcpts[i].part->job == NULL)
			recover_rcpt(d, m, i);
	/* The clock was ahead when it was put off. */
	if (m->state == SPOOL_QUEUE && m->npending > 0 &&
	    queue_due_us(m) > now_us + retry_wait_max_us(&d->cfg->retry) &&
	    queue_not_before_us(m) <= now_us) {
		struct event ev = event_of(EVENT_FLUSHED, m);

		record(d, &ev);
	}
	relay_route(d, m);
	dispatch_finish(d, m);
}
