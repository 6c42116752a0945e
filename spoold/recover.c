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
	struct event ev = event_of(dispatch_unfinished(d), m);
	struct qrcpt *r = &m->rcpts[index];

	ev.index = (int)index;
	ev.rcpt = r->addr;
	if (r->part->relay != NULL)
		ev.relay = r->part->relay->name;
	ev.reply = "[local] spoold ended during the attempt";
	ev.time_us = spoold_now(d);
	ev.next_us = ev.time_us;
	if (r->attempts >= 2)
		ev.next_us +=
		    retry_wait_us(&d->cfg->retry, r->tries + 1, arc4random());
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

	for (m = queue_first(&d->queue); m != NULL;
	     m = queue_next(&d->queue, m))
		(void)queue_route(&d->queue, m, nowhere, NULL);
}

void
recover_message(struct spoold *d, struct message *m)
{
	int64_t now_us = spoold_now(d);

	for (unsigned i = 0; i < m->nrcpts && m->nwaiting > 0; i++)
		if (m->rcpts[i].waiting && m->rcpts[i].part->job == NULL)
			recover_rcpt(d, m, i);
	/* The clock was ahead when it was put off. */
	if (m->state == SPOOL_QUEUE && m->npending > 0 &&
	    m->due_us > now_us + retry_wait_max_us(&d->cfg->retry) &&
	    m->not_before_us <= now_us) {
		struct event ev = event_of(EVENT_FLUSHED, m);

		record(d, &ev);
	}
	relay_route(d, m);
	dispatch_finish(d, m);
}
