/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * What the kernel says of a directory.  Not by libuv's directory events, which
 * cannot be told what is of interest: they come with each write to the journal
 * and twice with each file that is removed, and not when a file is closed.
 */

#ifndef SPOOLD_WATCH_H
#define SPOOLD_WATCH_H

#include <stdint.h>
#include <uv.h>

/* NAME came or changed, by EVENTS of inotify(7); NULL: some were lost. */
typedef void watch_take_fn(void *arg, const char *name, uint32_t events);

struct watch {
	int fd; /* -1: the directory is not watched */
	int wd; /* what inotify calls it */
	uv_poll_t poll;
	watch_take_fn *take;
	void (*done)(void *arg);
	void *arg;
};

/*
 * Tell TAKE of what is in EVENTS and happens in directory PATH, and DONE when
 * all that is known by now was told; W stays in its place.  0 or -errno: then
 * the directory is not watched.
 */
int watch_init(struct watch *w, uv_loop_t *loop, const char *path,
    uint32_t events, watch_take_fn *take, void (*done)(void *arg), void *arg);

/*
 * Be told of nothing more.  The kernel needs some milliseconds to forget a
 * directory, and who closes what watches it waits for that: sooner is better.
 */
void watch_end(struct watch *w);

/* Free what W has, when its loop has ended. */
void watch_release(struct watch *w);

#endif
