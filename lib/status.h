/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * SPOOL/.status.json: a snapshot of the queue, one JSON document that has one
 * message a line, so that a reader can stream it.  spoold-spool(5) describes
 * it; "seq" is the number of the last event in it, so snapshot and journal
 * together are the status.
 */

#ifndef SPOOL_STATUS_H
#define SPOOL_STATUS_H

#include "lib/queue.h"

#define STATUS_NAME ".status.json"
#define STATUS_VERSION 1

struct status_daemon {
	char version[32];
	long pid; /* 0: has ended */
	int64_t start_us;
	char *config; /* path, or NULL */
	char *relay;  /* "host:port", "maildir:/path", NULL: none */
};

/*
 * Write the snapshot to the file NAME below DIR_FD (no fsync, no rename: the
 * caller's).  0 or -errno.
 */
int status_write(int dir_fd, const char *name, const struct queue *q,
    const struct status_daemon *daemon, int64_t now_us);

/*
 * Fill the empty Q and DAEMON from the snapshot PATH below DIR_FD, reading it
 * line by line.  0; -ENOENT; -EBADMSG if it is damaged (then what could be
 * read is in Q, and the queue files are the truth); or -errno.
 */
int status_read(int dir_fd, const char *path, struct queue *q,
    struct status_daemon *daemon);

/*
 * Snapshot and journal: all that is known.  As status_read(), but a missing
 * snapshot is no error.
 */
int status_load(int dir_fd, const char *path, struct queue *q,
    struct status_daemon *daemon);

/*
 * As status_load(), and WATCH is called with each event of the journal and ARG
 * before the event changes Q.  When reading begins anew, for the journal was
 * rotated meanwhile, it sees them again.
 */
typedef void status_watch_fn(const struct event *ev, void *arg);
int status_load_watched(int dir_fd, const char *path, struct queue *q,
    struct status_daemon *daemon, status_watch_fn *watch, void *arg);

void status_daemon_release(struct status_daemon *daemon);

#endif
