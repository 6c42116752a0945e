/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * A session: one connection, message after message over it, and one result
 * per recipient.  The user of libESMTP, with
 * message.c (its envelopes) and selftest.c.
 */

#ifndef SPOOLD_SMTP_SESSION_H
#define SPOOLD_SMTP_SESSION_H

struct job;
struct pool;

/*
 * Connect, do JOB and whatever else POOL has for this connection.  Returns
 * a job that has to be done next, over another connection, or NULL.
 * *RETERR_TROUBLE is set, to be freed, if the relay was the reason that a job
 * was handed back.
 */
struct job *
session_run(struct pool *pool, struct job *job, char **reterr_trouble);

#endif
