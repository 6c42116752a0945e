/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Another configuration while spoold runs.
 *
 * What is on its way goes on as it began: the agents of before finish their
 * sessions and end, while others, told the new settings, take over.
 */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "spoold/spoold.h"

/* What only a new start can change. */
static void
warn_fixed(const struct spoold *d, const struct config *fresh)
{
	if (strcmp(d->cfg->spool, fresh->spool) != 0)
		log_msg(LOG_WARNING,
		    "another spool ('%s') needs another start: '%s' stays",
		    fresh->spool, d->cfg->spool);
}

/* R's state is that of the settings of before: those of now are tried soon. */
static void
ask_again(struct relay *r)
{
	struct event ev = event_of(EVENT_RELAY_DOWN, NULL);

	r->probe = NULL;
	r->probe_rest_us = 0;
	if (!r->state->down)
		return;
	ev.relay = r->state->name;
	ev.reply = r->state->reason;
	ev.time_us = spoold_now(r->d);
	ev.next_us = ev.time_us;
	record(r->d, &ev);
}

/* Put FRESH in the place of D's configuration, which becomes *FRESH. */
static void
exchange(struct spoold *d, struct config *fresh)
{
	struct config old = *d->cfg;
	char *spool = old.spool;

	/* The spool stays the one that is locked. */
	old.spool = fresh->spool;
	*d->cfg = *fresh;
	d->cfg->spool = spool;
	*fresh = old;
}

static void
use(struct spoold *d)
{
	struct relay *r;

	if (relays_fit(d) < 0)
		log_msg(LOG_ERR, "the new limits are not all in force: %s",
		    strerror(ENOMEM));
	TAILQ_FOREACH (r, &d->relays, link) {
		agents_retire(r);
		ask_again(r);
		if (r->cfg != NULL && !agents_start(r))
			log_msg(LOG_ERR, "cannot start the agents of %s: %s",
			    r->state->name, strerror(ENOMEM));
	}
	relay_route_all(d);
	free(d->daemon.relay);
	d->daemon.relay = relays_text(d->cfg);
}

void
reload(struct spoold *d)
{
	struct config_error err = { .text = "out of memory" };
	struct config fresh;
	int ret = d->load(d, &fresh, &err);

	if (ret < 0) {
		log_msg(
		    LOG_ERR, "%s; the configuration stays as it was", err.text);
		config_release(&fresh);
		return;
	}
	warn_fixed(d, &fresh);
	/* As at the start: trouble with that relay, until the file is there. */
	if (config_check_files(&fresh, &err) < 0)
		log_msg(LOG_WARNING, "%s", err.text);
	exchange(d, &fresh);
	use(d);
	/* Nothing borrows from it any more. */
	config_release(&fresh);
	log_msg(LOG_NOTICE, "the configuration was read again: %zu relay%s",
	    d->cfg->nrelays, d->cfg->nrelays == 1 ? "" : "s");
	if (d->cfg->nrelays == 0)
		log_msg(LOG_WARNING,
		    "no relay is configured now: mail waits in the queue");
	snapshot_want(d);
	dispatch(d);
}
