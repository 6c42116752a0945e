/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * sendmail --wait: stay until the relay has said what becomes of the message.
 *
 * spoold tells, over the spool's .control (spoold/waiters.h).  It is told to
 * expect the message before that is published, so that no delivery is too fast
 * to be seen.  The message is safe by then whatever happens here: this can
 * only fail to know.
 */

#ifndef SENDMAIL_WAIT_H
#define SENDMAIL_WAIT_H

#include <stdint.h>
#include <stdio.h>

#include "lib/spool.h"

/* Longest line that spoold may send. */
#define WAIT_LINE_MAX 16384

struct wait {
	const struct spool *sp;
	gid_t group;      /* that opens the spool */
	int fd;           /* -1: no connection */
	const char *why;  /* not, if it is no use to try; or NULL */
	char text[128];   /* … room for it */
	int64_t limit_us; /* 0: none */
	int64_t end_us;   /* by the monotonic clock */
	size_t used;
	char buf[WAIT_LINE_MAX];
};

/*
 * Ask the spoold of SP to expect the message of this user that arrives at
 * ARRIVAL_US.  That none runs, or it does not want, is said by wait_finish().
 */
void wait_begin(struct wait *w, const struct spool *sp, int64_t arrival_us);

/*
 * The message has been queued as ID: wait for at most LIMIT_US (0: any time),
 * with the caller's rights.  EX_OK when the relay has accepted it for
 * everybody; EX_UNAVAILABLE when it was refused for somebody, or somebody
 * removed it; EX_TEMPFAIL when it stays in the spool.  In the last two cases
 * DIAG gets a line.  W is of no more use.
 */
int wait_finish(struct wait *w, const char *id, int64_t limit_us, FILE *diag);

/* The message was not queued. */
void wait_abandon(struct wait *w);

#endif
