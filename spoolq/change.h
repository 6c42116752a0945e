/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Changing the queue: by asking spoold or, when none runs, with the lock in
 * our own hands (invariant 3), and an event in the journal either way.
 */

#ifndef SPOOLQ_CHANGE_H
#define SPOOLQ_CHANGE_H

#include "lib/journal.h"
#include "spoolq/spoolq.h"

/* A spool that is ours for the moment. */
struct owned {
	struct spool sp;
	struct journal journal;
	int64_t now_us;
};

/*
 * What a command does itself to message ID, which is in STATE.  0 with
 * *RET_DONE what was done, for the user; -EBUSY when STATE does not allow
 * it, with *RET_DONE why; or another -errno, whatever *RET_DONE is.
 */
typedef int change_fn(struct owned *o, const char *id, enum spool_state state,
    const char **ret_done);

/*
 * Do VERB to the N IDS, which come from the command line, or to all messages
 * when N is 0 (only "flush" gets there); each result is printed.  Returns a
 * code of sysexits.h.
 */
int change_messages(struct context *ctx, const char *verb, change_fn *fn,
    char *const ids[], size_t n);

/* Append an event about ID ("": all messages) to the journal; 0 or -errno. */
int change_record(struct owned *o, enum event_kind kind, const char *id);

#endif
