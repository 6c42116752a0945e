/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The way to the relay: open, or closed while the relay is in trouble, with
 * one message at a time as a probe.
 */

#include "config.h"

#include <inttypes.h>

#include "lib/log.h"
#include "spoold/retry.h"
#include "spoold/spoold.h"

bool
relay_is_open(const struct spoold *d, int64_t now_us, int64_t *ret_wake_us)
{
	const struct relay_state *relay = &d->queue.relay;

	/* Before the first scan nobody knows which files are there, and what
	 * the last spoold left in flight is not sorted out. */
	if (!d->cfg->has_relay || d->stopping || d->broken || !d->scanned)
		return false;
	if (!relay->down)
		return true;
	/* One probe at a time. */
	if (d->probe != NULL)
		return false;
	if (relay->next_us <= now_us)
		return true;
	*ret_wake_us = relay->next_us;
	return false;
}

static void
relay_up(struct spoold *d, const char *server)
{
	struct event ev = event_of(EVENT_RELAY_UP, NULL);

	d->probe_rest_us = 0;
	if (!d->queue.relay.down)
		return;
	ev.relay = d->cfg->relay.name;
	ev.server = server;
	record(d, &ev);
	log_msg(LOG_NOTICE, "relay %s is up again", d->cfg->relay.name);
}

void
relay_trouble(struct spoold *d, const char *reason, bool is_message)
{
	struct event ev = event_of(EVENT_RELAY_DOWN, NULL);
	int64_t now_us = spoold_now(d);

	/* All that was on its way comes back together: one rest for all. */
	if (d->queue.relay.down && d->queue.relay.next_us > now_us)
		return;
	d->probe_rest_us = retry_probe_us(is_message ? 0 : d->probe_rest_us);
	ev.relay = d->cfg->relay.name;
	ev.reply = reason;
	ev.time_us = now_us;
	ev.next_us = now_us + d->probe_rest_us;
	log_msg(LOG_WARNING,
	    "relay %s is down: %s; next probe in %" PRId64 " s", ev.relay,
	    reason, d->probe_rest_us / 1000000);
	record(d, &ev);
}

void
relay_judge(struct spoold *d, const struct message *m, enum outcome outcome,
    const char *reply)
{
	bool answered = outcome != OUTCOME_LOST && outcome != OUTCOME_UNCERTAIN;

	if (answered)
		relay_up(d, m->server);
	else if (d->queue.relay.down)
		relay_trouble(d, reply, true);
}
