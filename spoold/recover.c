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
	struct event ev = event_of(EVENT_DEFERRED, m);
	struct qrcpt *r = &m->rcpts[index];

	ev.index = (int)index;
	ev.rcpt = r->addr;
	ev.relay = d->cfg->relay.name;
	ev.reply = "[local] spoold ended during the attempt";
	ev.time_us = spoold_now(d);
	ev.next_us = ev.time_us;
	if (r->attempts >= 2)
		ev.next_us += retry_wait_us(r->tries + 1, arc4random());
	record(d, &ev);
}

void
dispatch_recover(struct spoold *d)
{
	int64_t limit_us = spoold_now(d) + RETRY_WAIT_MAX_US;
	struct message *m, *next;

	for (m = queue_first(&d->queue); m != NULL; m = next) {
		next = queue_next(&d->queue, m);
		for (unsigned i = 0; i < m->nrcpts && m->nwaiting > 0; i++)
			if (m->rcpts[i].waiting)
				recover_rcpt(d, m, i);
		/* The clock was ahead when it was put off. */
		if (m->scheduled && m->due_us > limit_us) {
			struct event ev = event_of(EVENT_FLUSHED, m);

			record(d, &ev);
		}
		dispatch_finish(d, m);
	}
}
