/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See pause.h. */

#include "config.h"

#include <stdio.h>

#include "lib/log.h"
#include "spoold/edits.h"
#include "spoold/notify.h"
#include "spoold/pause.h"

/* ---- to begin -------------------------------------------------------- */

static void
begin(struct spoold *d, const char *relay, const char *note)
{
	struct event ev = event_of(EVENT_PAUSED, NULL);

	ev.relay = relay;
	ev.note = note;
	record(d, &ev);
	edits_stay_paused(d);
}

void
pause_by_signal(struct spoold *d)
{
	if (d->suspended != SUSPEND_NOT && !edits_busy(d)) {
		log_msg(LOG_NOTICE, "SIGTSTP: delivery is paused already");
		return;
	}
	/* One that is about to end when an edit is taken over goes on. */
	begin(d, NULL, "SIGTSTP");
	d->suspended = SUSPEND_WAITING;
	log_msg(LOG_NOTICE,
	    "SIGTSTP: delivery is paused; %u message%s on the way",
	    d->in_flight, d->in_flight == 1 ? " is" : "s are");
	notify_systemd("STATUS=paused by SIGTSTP");
	pause_check(d);
}

void
pause_by_operator(struct spoold *d, const char *relay, uid_t uid)
{
	char note[40];

	(void)snprintf(
	    note, sizeof(note), "spoolq, uid %lu", (unsigned long)uid);
	begin(d, relay, note);
	log_msg(LOG_NOTICE, "delivery%s%s is paused by uid %lu",
	    relay == NULL ? "" : " to relay ", relay == NULL ? "" : relay,
	    (unsigned long)uid);
	if (relay == NULL)
		notify_systemd("STATUS=paused by an operator");
}

void
pause_check(struct spoold *d)
{
	if (d->suspended != SUSPEND_WAITING || d->in_flight > 0 ||
	    !reports_idle(d) || remove_is_busy(d))
		return;
	d->suspended = SUSPEND_WRITING;
	snapshot_want(d);
	snapshot_tick(d);
}

void
pause_written(struct spoold *d)
{
	/* One that had begun before may have ended now. */
	if (d->suspended != SUSPEND_WRITING || d->snapshot_wanted)
		return;
	d->suspended = SUSPEND_WRITTEN;
	log_msg(LOG_NOTICE,
	    "paused: nothing is on the way, the status is written; SIGHUP "
	    "takes an edit of it over and goes on, SIGURG goes on without");
	notify_systemd("STATUS=paused by SIGTSTP, the status is written");
}

void
pause_warn(const struct spoold *d)
{
	const struct relay_state *relay;

	if (d->queue.paused_us > 0)
		log_msg(LOG_WARNING,
		    "delivery is paused, by %s: 'spoolq resume' ends that",
		    d->queue.paused_by == NULL ? "?" : d->queue.paused_by);
	STAILQ_FOREACH (relay, &d->queue.relays, link)
		if (relay->paused_us > 0)
			log_msg(LOG_WARNING,
			    "delivery to relay %s is paused, by %s",
			    relay->name,
			    relay->paused_by == NULL ? "?" : relay->paused_by);
}

/* ---- to end ---------------------------------------------------------- */

static bool
any(const struct spoold *d)
{
	const struct relay_state *relay;

	if (d->suspended != SUSPEND_NOT || d->queue.paused_us > 0)
		return true;
	STAILQ_FOREACH (relay, &d->queue.relays, link)
		if (relay->paused_us > 0)
			return true;
	return false;
}

void
pause_end(struct spoold *d, const char *who)
{
	struct event ev = event_of(EVENT_RESUMED, NULL);

	if (!any(d))
		return;
	ev.note = who;
	record(d, &ev);
	d->suspended = SUSPEND_NOT;
	log_msg(LOG_NOTICE, "delivery goes on: %s ended all pauses", who);
	notify_systemd("STATUS=delivering");
}

void
pause_end_relay(struct spoold *d, const char *relay, const char *who)
{
	struct event ev = event_of(EVENT_RESUMED, NULL);

	ev.relay = relay;
	ev.note = who;
	record(d, &ev);
	log_msg(LOG_NOTICE, "relay %s is used again: %s ended its pause", relay,
	    who);
}
