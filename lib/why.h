/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Why a recipient waits, and until when: what the status, spoolq and sendmail
 * say about it comes from here.  Pure.
 */

#ifndef SPOOL_WHY_H
#define SPOOL_WHY_H

#include "lib/queue.h"

enum why {
	WHY_NOTHING,    /* it does not: nothing is left to do for it */
	WHY_SENDING,    /* an attempt is going on */
	WHY_HOLD,       /* until an operator releases it */
	WHY_FAILED,     /* given up, and kept in failed/ */
	WHY_PAUSED,     /* all, or its relay: until an operator resumes it */
	WHY_NO_RELAY,   /* none is configured, or no route leads to one */
	WHY_NOT_BEFORE, /* it is to be sent later */
	WHY_BACKOFF,    /* after a failed attempt */
	WHY_CIRCUIT,    /* its relay is in trouble: until the next probe */
	WHY_RATE,       /* its relay's limits, or its sender's */
	WHY_TURN,       /* it is due: for a free connection, its lane's and
			   its sender's turn */
	WHY_KINDS
};

struct waiting {
	enum why why;
	int64_t until_us; /* 0: not known, or an operator's to say */
	const struct relay_state *relay; /* that it goes to; NULL: not known */
};

/* Why R, a recipient of M, waits at NOW_US. */
struct waiting why_rcpt(const struct queue *q, const struct message *m,
    const struct qrcpt *r, int64_t now_us);

/*
 * The same of M: of the recipient that will be tried first, or of the message
 * as a whole while that is more.
 */
struct waiting
why_message(const struct queue *q, const struct message *m, int64_t now_us);

/* One word, as in the status: "backoff", "rate" …; "" for WHY_NOTHING. */
const char *why_name(enum why why);

/* Such a word; WHY_NOTHING for an unknown one. */
enum why why_of(const char *name);

#endif
