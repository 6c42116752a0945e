/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The status a line at a time, for those who do not want it in memory: the
 * head, then a message a line, then the end.  The same lines come from the
 * snapshot and, for those who may not read it, from spoold.
 */

#ifndef SPOOL_STATUS_STREAM_H
#define SPOOL_STATUS_STREAM_H

#include <stdio.h>

#include "lib/status.h"

struct status_rcpt;

struct status_stream {
	FILE *in; /* not ours */
	char *line;
	size_t size;            /* of LINE */
	size_t len;             /* of what is in it */
	char id[SPOOL_ID_SIZE]; /* of the message in it; "": not to be read */
	/* The recipients in it: status-stream.c's own. */
	struct status_rcpt *rcpts;
	const char **addrs;
	size_t alloc;
};

/*
 * Read the head from IN into Q, but for messages, and DAEMON.  0; -EBADMSG if
 * it is not laid out as status_write() does it, then S->line has what was read;
 * or -errno.  S is to be given to status_stream_end() in any case.
 */
int status_stream_begin(struct status_stream *s, FILE *in, struct queue *q,
    struct status_daemon *daemon);

/*
 * Read the next line: 1, with S->id; 0: the list ended; -EBADMSG: the file did
 * before it; or -errno.
 */
int status_stream_next(struct status_stream *s);

/*
 * Put the message of the last line into Q; the line is used up.  0, *RET being
 * Q's; -EEXIST: it has one of that id; -EBADMSG, -ENOMEM.
 */
int status_stream_take(
    struct status_stream *s, struct queue *q, struct message **ret);

/* M, of Q, is in STATE. */
void
status_stream_move(struct queue *q, struct message *m, enum spool_state state);

/* Take M out of Q, and free it. */
void status_stream_forget(struct queue *q, struct message *m);

void status_stream_end(struct status_stream *s);

/* status-read.c's: the first line, which is altered. */
int status_read_head(
    char *line, size_t len, struct queue *q, struct status_daemon *daemon);

#endif
