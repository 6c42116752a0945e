/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Pauses: nothing more is begun, by all relays or by one, until an operator
 * says so.  What is on its way ends as it does.
 *
 * An operator's (spoolq pause) lasts over a restart.  One by SIGTSTP ends with
 * the process, and is for who wants to edit the status: when nothing is on its
 * way any more it is written, and then it is the operator's until it is read
 * again (edits.h).
 */

#ifndef SPOOLD_PAUSE_H
#define SPOOLD_PAUSE_H

#include "spoold/spoold.h"

/* SIGTSTP came. */
void pause_by_signal(struct spoold *d);

/* UID says so; RELAY NULL: all of them. */
void pause_by_operator(struct spoold *d, const char *relay, uid_t uid);

/* All pauses end, WHO says so.  What is waiting is dispatched by the caller. */
void pause_end(struct spoold *d, const char *who);

/* That of RELAY alone ends. */
void pause_end_relay(struct spoold *d, const char *relay, const char *who);

/* Whether R may begin nothing. */
static inline bool
pause_has(const struct relay *r)
{
	return r->d->suspended != SUSPEND_NOT || r->d->queue.paused_us > 0 ||
	    r->state->paused_us > 0;
}

/* Called when something may have ended: whether all has that was on its way. */
void pause_check(struct spoold *d);

/* The status was written: say so, if that is what was waited for. */
void pause_written(struct spoold *d);

/* Warn of pauses that the last spoold left. */
void pause_warn(const struct spoold *d);

#endif
