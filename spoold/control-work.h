/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* What the files of .control share; for them only. */

#ifndef SPOOLD_CONTROL_WORK_H
#define SPOOLD_CONTROL_WORK_H

#include "spoold/status-stream.h"
#include "spoold/waiters.h"

struct control {
	struct spoold *d;
	uv_pipe_t listener;
	uv_timer_t rest_timer; /* then so many may come again */
	unsigned came;         /* clients since it was started */
	bool is_resting;       /* and one more stands at the door */
	LIST_HEAD(, client) clients;
};

struct client {
	LIST_ENTRY(client) link;
	struct control *c;
	uv_pipe_t pipe;
	uv_timer_t timer; /* a client that says nothing is sent away */
	uv_write_t write;
	unsigned open_handles;
	uid_t uid;
	bool is_operator;
	struct waiter *waiter; /* NULL: it does not wait */
	unsigned wait_commands;
	char *buf;
	size_t len, alloc;
	char *answer;
	bool is_told; /* the status, in pieces */
	bool has_more;
	struct status_stream stream;
	struct json_out piece;
};

/* ---- control.c ------------------------------------------------------- */

void client_close(struct client *cl);

/* TEXT, short, and then the end. */
void client_refuse(struct client *cl, const char *text);

/* ---- control-room.c -------------------------------------------------- */

/*
 * Find room for CL, if need be that of those who have left already: that they
 * have, the loop may tell us later than that another one came.
 */
bool client_find_room(const struct client *cl);

/* Whether there is room for one more who is told the status: CL. */
bool client_may_be_told(const struct client *cl);

/* ---- control-status.c ------------------------------------------------ */

/* Tell CL the status, and send it away. */
void client_tell_status(struct client *cl);

#endif
