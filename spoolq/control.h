/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Asking a running spoold, through SPOOL/.control: a Unix stream socket.
 *
 * One line of fields (lib/wire.h) goes out, "COMMAND [ID…]"; a line for each
 * id comes back, "ok ID TEXT" or "error ID TEXT" (the id is "*" when the
 * command named none), then "end".
 */

#ifndef SPOOLQ_CONTROL_H
#define SPOOLQ_CONTROL_H

#include "lib/spool.h"

#define CONTROL_NAME ".control"
/* How long spoold may take to answer. */
#define CONTROL_TIMEOUT_S 10
/* Ids that one request may hold: spoold does nothing else until it is done
 * with them, and what it did is durable. */
#define CONTROL_IDS_MAX 500
/* The same of a user who is no operator, whose requests are short. */
#define CONTROL_IDS_FOREIGN_MAX 64

/*
 * Connect to the spoold of SP: 0 with *RET_FD the caller's; -ENOENT or
 * -ECONNREFUSED when none serves the socket; or another -errno.
 */
int control_connect(const struct spool *sp, int *ret_fd);

enum control_state {
	CONTROL_NONE,   /* no spoold has the spool */
	CONTROL_SILENT, /* somebody has the spool, but does not listen */
	CONTROL_SERVED,
};

/*
 * Whether a spoold serves SP.  PID is the one in its status, 0 for none: all
 * there is to go by when the caller may use neither socket nor lock.
 */
enum control_state control_look(const struct spool *sp, long pid);

/*
 * Send VERB with the N IDS, at most CONTROL_IDS_MAX; what comes back is the
 * caller's to read.  0; -ETIMEDOUT; or another -errno.
 */
int control_send(int fd, const char *verb, char *const ids[], size_t n);

/* Called for each answer; TEXT is as it came, not made harmless. */
typedef void
control_fn(bool is_ok, const char *id, const char *text, void *arg);

/*
 * Send VERB with the N IDS, at most CONTROL_IDS_MAX, and call FN for each
 * answer.  0 after "end"; -ETIMEDOUT; -EPROTO for what is no answer; or
 * another -errno.
 */
int control_ask(int fd, const char *verb, char *const ids[], size_t n,
    control_fn *fn, void *arg);

/*
 * Whether the spoold that serves SP does anything, STATE being what
 * control_look() said: one that is stopped or hangs has its socket still, and
 * is CONTROL_SILENT then, which takes CONTROL_TIMEOUT_S to find out.
 */
enum control_state
control_ping(const struct spool *sp, enum control_state state);

#endif
