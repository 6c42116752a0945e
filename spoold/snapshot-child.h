/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The snapshot of a long queue, written by a child process: fork(2) gives it
 * the picture as it is at that moment, and spoold goes on at once.
 */

#ifndef SPOOLD_SNAPSHOT_CHILD_H
#define SPOOLD_SNAPSHOT_CHILD_H

#include <sys/types.h>
#include <uv.h>

struct spoold;

/* Its members are snapshot-child.c's own. */
struct snapshot_child {
	pid_t pid; /* 0: none; -1: and none can be watched */
	int fd;    /* at its end when the child has ended */
	uv_poll_t poll;
	void (*done)(struct spoold *d, int err);
};

/*
 * Let a child write and sync the snapshot NAME in D's spool.  0: DONE is called
 * when it has ended, with 0 or -errno (-ECANCELED: it was killed); or -errno:
 * there is none.
 */
int snapshot_child_begin(struct spoold *d, const char *name,
    void (*done)(struct spoold *d, int err));

/* End it, if there is one; DONE is called soon. */
void snapshot_child_kill(struct spoold *d);

#endif
