/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Files of messages that are done, removed in worker threads: where the file
 * system tells the disk at once that blocks are free, that takes a millisecond
 * each, and the loop has other messages to send.
 *
 * A file goes after the lines that say why are in the journal (invariant 4),
 * and EVENT_REMOVED follows when it has gone.  Between the two the message is
 * M->removing: nobody else touches its file.
 */

#ifndef SPOOLD_REMOVE_H
#define SPOOLD_REMOVE_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "lib/spool.h"

struct spoold;
struct message;

/* At a time; libuv has as many threads for us. */
#define REMOVERS 6
/* Files that one of them takes at once. */
#define REMOVE_BATCH 32

struct remover {
	uv_work_t work;
	struct spoold *d;
	unsigned n; /* 0: it has nothing to do */
	char ids[REMOVE_BATCH][SPOOL_ID_SIZE];
	int errs[REMOVE_BATCH];
};

struct removals {
	struct remover removers[REMOVERS];
	char (*ids)[SPOOL_ID_SIZE]; /* not begun yet; in use from FIRST */
	size_t first, len, alloc;
};

/* Before anything is given to a worker thread. */
void remove_init(struct spoold *d);

/* M of queue/, whose recipients are all served, is to be removed. */
void remove_begin(struct spoold *d, struct message *m);

/*
 * Begin with what was asked for; the journal has been written.  If it could
 * not be (D is broken), nothing is removed.
 */
void remove_push(struct spoold *d);

/* Whether removals have been asked for and have not ended. */
bool remove_is_busy(const struct spoold *d);

void remove_free(struct spoold *d);

#endif
