/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The queue as it is: which messages there are, the directories say; what
 * became of them, snapshot and journal.  Right with and without a spoold.
 */

#ifndef SPOOLQ_VIEW_H
#define SPOOLQ_VIEW_H

#include "lib/status.h"
#include "spoolq/control.h"
#include "spoolq/spoolq.h"

struct view {
	struct queue queue; /* more than there is: see view_first() */
	struct status_daemon daemon;
	enum control_state spoold;
	size_t damaged; /* files set aside in failed/ */
};

/*
 * Load it.  0, or a code of sysexits.h after saying on standard error what
 * is wrong.  Files that cannot be read are said there and left out.
 */
int view_load(struct view *v, const struct context *ctx);

void view_release(struct view *v);

/* Say on standard error what keeps mail from going: no spoold, no relay, a
 * relay that is down, or was when spoold last ran. */
void view_warn_waiting(const struct view *v, const struct context *ctx);

/* That, and what else is wrong with the spool. */
void view_warn(const struct view *v, const struct context *ctx);

/* Why nothing goes to the relay, while it is down; else NULL. */
const char *view_relay_fault(const struct view *v, const struct message *m);

/* The messages that there are, in order of id. */
struct message *view_first(struct view *v);
struct message *view_next(struct view *v, struct message *m);

/* The message ID, or NULL. */
struct message *view_find(struct view *v, const char *id);

#endif
