/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The queue as it is, a message at a time: the snapshot's lines, with what the
 * journal says since then, in constant memory but for what changed since the
 * snapshot, and for who is near his limit.  Right with and without a running
 * spoold: without one, messages that the status does not know yet are read from
 * their files.
 *
 * Who may not read the spool gets the same from spoold, through .control, of
 * his own messages only.
 */

#ifndef SPOOLQ_VIEW_H
#define SPOOLQ_VIEW_H

#include "lib/status.h"
#include "spoolq/control.h"
#include "spoolq/spoolq.h"

struct view_source;

struct view {
	/*
	 * Totals, stats, pauses and relays, as of the end of the journal.  Its
	 * messages are the view's own business: use view_next().
	 */
	struct queue queue;
	struct status_daemon daemon;
	enum control_state spoold;
	int64_t time_us; /* of the snapshot; 0: there is none */
	size_t damaged;  /* files set aside in failed/ */
	struct view_source *source;
};

/*
 * Load what is there but for the messages.  0, or a code of sysexits.h after
 * saying on standard error what is wrong.
 */
int view_open(struct view *v, const struct context *ctx);

void view_close(struct view *v);

/*
 * The next message in order of id, from the first; valid until the next call;
 * NULL at the end (then view_close() after view_error()).
 */
struct message *view_next(struct view *v);

/* 0, or the code of sysexits.h of what ended view_next() too early; it has
 * been said on standard error. */
int view_error(const struct view *v);

/*
 * The message ID, valid until the next call; NULL if there is none.  Begins
 * anew: not to be mixed with view_next().
 */
struct message *view_find(struct view *v, const char *id);

/* Whether a relay is configured, as far as anybody can tell. */
bool view_has_relay(const struct view *v, const struct context *ctx);

/* Say on standard error what keeps mail from going: no spoold, no relay, a
 * relay that is down, or was when spoold last ran, a pause. */
void view_warn_waiting(const struct view *v, const struct context *ctx);

/* That, what else is wrong with the spool, and that not all is shown. */
void view_warn(const struct view *v, const struct context *ctx);

#endif
