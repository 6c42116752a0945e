/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * A session: one connection, message after message over it, and one result
 * per recipient.  The user of libESMTP, with
 * message.c (its envelopes), ending.c and selftest.c.
 */

#ifndef SPOOLD_SMTP_SESSION_H
#define SPOOLD_SMTP_SESSION_H

#include <stdbool.h>

struct job;
struct pool;

struct session_end {
	struct job *carry; /* to be done next, over another connection */
	char *trouble;     /* to be freed: the relay was the reason that a job
			      was handed back; NULL: it was not */
	bool is_login;     /* … because of our login */
	bool is_leaving;   /* there are too many sessions: see pool_next() */
};

/* Connect, do JOB and whatever else POOL has for this connection. */
struct session_end session_run(struct pool *pool, struct job *job);

#endif
