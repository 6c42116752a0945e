/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * What the end of a transaction means for its job: the verdicts of outcome.h
 * put into results, recipient by recipient.
 */

#ifndef SPOOLD_SMTP_ENDING_H
#define SPOOLD_SMTP_ENDING_H

#include <stdbool.h>

struct job;
struct target;
struct transport;

enum ending {
	ENDING_DONE,      /* the job has ended and is freed */
	ENDING_AGAIN,     /* it goes on, best over the same connection */
	ENDING_ELSEWHERE, /* it was not seen: over another connection */
};

/*
 * The server's reply to the RCPT of TARGET is T's last reply.  IS_KNOWN:
 * libESMTP has understood it alike.
 */
void ending_recipient(struct job *job, struct target *target,
    const struct transport *t, bool is_known);

/*
 * End the transaction of JOB over T.  MAY_MOVE: a new connection may be better,
 * for it was not the first of this one, or there are other hosts.
 * *RETERR_TROUBLE, to be freed, is set if the relay was the
 * reason that the job was handed back.
 */
enum ending ending_run(
    struct job *job, struct transport *t, bool may_move, char **reterr_trouble);

#endif
