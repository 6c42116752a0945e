/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The names in the spool's directories, read and sorted: of a million that
 * takes seconds, so a worker thread does it.
 */

#ifndef SPOOLD_SCAN_NAMES_H
#define SPOOLD_SCAN_NAMES_H

#include <stdatomic.h>
#include <stddef.h>
#include <sys/queue.h>
#include <uv.h>

#include "lib/spool.h"

/* A name that is no id, where there should be none. */
struct scan_stray {
	STAILQ_ENTRY(scan_stray) link;
	enum spool_state state;
	char name[];
};

/* Zeroed: nothing is read. */
struct scan_names {
	char (*ids)[SPOOL_ID_SIZE];
	size_t len, alloc;
	/* STATE's are those from start[STATE] to start[STATE + 1]. */
	size_t start[SPOOL_STATES + 1];
	STAILQ_HEAD(, scan_stray) strays;
	size_t nstrays;
	enum spool_state listing; /* while it is read */
	atomic_bool is_cancelled; /* set by another thread: read no more */
	/* scan.c's: who reads it, what came of it, where the scan is. */
	uv_work_t work;
	int err;
	size_t pos;
};

/*
 * Read the names of all states of SP into N; those of each state come in order
 * of id.  Nothing else of spoold is touched.  0, -ECANCELED or -errno; N is
 * released in any case by scan_names_release().
 */
int scan_names_read(struct scan_names *n, const struct spool *sp);

/* Forget them. */
void scan_names_release(struct scan_names *n);

#endif
