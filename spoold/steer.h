/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * What operators can do to messages, whether they ask over .control
 * (command.c) or edit the status (edits.c).
 *
 * Each returns NULL when it is done and recorded, or else why it cannot be:
 * half a sentence after the message's id, to be used at once.  A new place of a
 * file is durable when the caller has seen to D->dirty_states.
 */

#ifndef SPOOLD_STEER_H
#define SPOOLD_STEER_H

#include "spoold/spoold.h"

/* Due now, also if it is to be sent later. */
const char *steer_flush(struct spoold *d, struct message *m);

/* The same, and its attempts are counted anew. */
const char *steer_retry(struct spoold *d, struct message *m);

/* From queue/ to hold/, and back. */
const char *steer_hold(struct spoold *d, struct message *m);
const char *steer_release(struct spoold *d, struct message *m);

/* From failed/ to queue/: what failed, reported or not, is pending again, with
 * all its attempts and its lifetime before it. */
const char *steer_requeue(struct spoold *d, struct message *m);

/* What is pending goes to the relay NAME, which is configured, whatever the
 * routes say; what is on its way afterwards. */
const char *
steer_reroute(struct spoold *d, struct message *m, const char *name);

/* Removed, in whatever state; M is gone then.  UID asked for it. */
const char *steer_drop(struct spoold *d, struct message *m, uid_t uid);

#endif
