/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Whose turn it is: things that are ready, in a line for each sender, and the
 * senders one after the other.  So who has a thousand of them waits for his
 * own, and who has one is next.  Pure.
 *
 * All operations are O(log senders).
 */

#ifndef SPOOL_TURNS_H
#define SPOOL_TURNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/tree.h>

/* Embedded in what waits; zeroed: it is nowhere. */
struct turn {
	TAILQ_ENTRY(turn) link;
	struct flow *flow; /* whose line it stands in; NULL: in none */
};

/* A sender's line; it is there while something is in it. */
struct flow {
	RB_ENTRY(flow) by_key;
	TAILQ_ENTRY(flow) by_turn; /* unless it is blocked */
	RB_ENTRY(flow) by_end;     /* while it is */
	uint64_t key;
	int64_t blocked_us; /* until then; 0: it is not */
	TAILQ_HEAD(, turn) line;
};

RB_HEAD(flow_keys, flow);
RB_HEAD(flow_ends, flow);

struct turns {
	struct flow_keys keys;
	struct flow_ends ends;
	TAILQ_HEAD(, flow) round;
	size_t count; /* of turns, in all lines */
};

void turns_init(struct turns *ts);

/* Free the lines; what stands in them is forgotten, not touched. */
void turns_release(struct turns *ts);

/* Put T at the end of KEY's line.  0 or -ENOMEM. */
int turns_add(struct turns *ts, struct turn *t, uint64_t key);

/* Take T out, wherever it stands; nothing if it stands nowhere. */
void turns_remove(struct turns *ts, struct turn *t);

/* The one whose turn it is, NULL if none.  Changes nothing. */
struct turn *turns_first(const struct turns *ts);

/* T, the first, is served: take it out; its sender's next turn is after all
 * the others'. */
void turns_serve(struct turns *ts, struct turn *t);

/* T's sender has to wait until UNTIL_US; all of its line does. */
void turns_block(struct turns *ts, struct turn *t, int64_t until_us);

/*
 * Let those take part again whose waiting ends by NOW_US.  Returns the time at
 * which the next one's does, 0 if nobody waits.
 */
int64_t turns_wake(struct turns *ts, int64_t now_us);

#endif
