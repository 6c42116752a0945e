/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Who waits for what becomes of a message: sendmail --wait, over .control.
 *
 * It must not miss the end of a message that is delivered before it could
 * ask, and it knows the message's id only when spoold may have sent it
 * already.  So it speaks first, before the message is in queue/, and names it
 * by what it knows then: the time of arrival that it is about to write into
 * the envelope, in microseconds, and its uid, which the kernel tells.  What it
 * does not know is which of two messages with the same time is its own, so
 * each answer has the id.
 *
 *	expect ARRIVAL	ok * expected		publish it now
 *			…			when a message of that time ends
 *	wait ID		ok ID waiting		and then the same; or at once,
 *			error ID is not known	if it has ended; or nothing,
 *						and the connection is closed,
 *						for the next spoold to tell
 *	why ID		because ID TEXT		what keeps it in the queue
 *
 * and the ends, TEXT for the people (fields as in lib/wire.h):
 *
 *	accepted ID TEXT	by the relay, for all recipients
 *	refused ID TEXT		for some, or given up: in failed/
 *	held ID TEXT		by an operator, until it is released
 *	dropped ID TEXT		by an operator
 *	vanished ID TEXT	the file went, nobody knows why
 *	damaged ID TEXT		set aside
 *
 * "wait" is for who lost the connection: spoold was started again.  Therefore
 * the last ends are remembered, 4096 of all users together, also those that
 * the journal has since the last snapshot, which is written after every answer
 * to what came before it.
 *
 * A message of another uid's is answered like one that never was.
 */

#ifndef SPOOLD_WAITERS_H
#define SPOOLD_WAITERS_H

#include "spoold/spoold.h"

struct waiters;

/* Called with an answer: a line with its LF.  It may free its waiter. */
typedef void waiter_fn(struct span line, void *arg);

/* One client, who may expect one message and wait for one. */
struct waiter;

/* For D, whose waiters it becomes.  0 or -ENOMEM. */
int waiters_init(struct spoold *d);

/* All waiters are to be freed before. */
void waiters_free(struct spoold *d);

/* Whether anybody waits. */
bool waiters_any(const struct spoold *d);

/*
 * EV is about to change the picture: to be called before queue_apply(), for
 * the messages that end with it are not there afterwards.
 */
void waiters_see(struct spoold *d, const struct event *ev);

/*
 * A new client of UID; one that IS_TRUSTED may wait for everybody's messages.
 * FN gets the answers.  NULL if out of memory.
 */
struct waiter *waiter_new(
    struct spoold *d, uid_t uid, bool is_trusted, waiter_fn *fn, void *arg);

/* Whether LINE is for waiter_obey(). */
bool waiter_knows(struct span line);

/*
 * Do what LINE says; W may be gone afterwards.  False when it is none of the
 * above, or D is about to end and another one has to be asked: the client is to
 * be sent away.
 */
bool waiter_obey(struct waiter *w, struct span line);

void waiter_free(struct waiter *w);

#endif
