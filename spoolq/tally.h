/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The queue in figures, from its messages one after the other: what summary,
 * status, watch, metrics and report show.  Pure.  Constant memory, however
 * many messages there are.
 */

#ifndef SPOOLQ_TALLY_H
#define SPOOLQ_TALLY_H

#include "lib/why.h"
#include "spoolq/top.h"

/* As output_state() tells them apart. */
enum tally_state {
	TALLY_NEW,
	TALLY_SENDING,
	TALLY_DEFERRED,
	TALLY_HELD,
	TALLY_FAILED,
	TALLY_STATES
};

/* Single messages that are remembered. */
#define TALLY_NOTES 10

/* A recipient that waits, or has failed. */
struct tally_note {
	char id[SPOOL_ID_SIZE];
	int64_t time_us; /* that it is ordered by */
	unsigned tries;
	char *sender, *rcpt;
	char *reply; /* or NULL */
};

struct tally_notes {
	struct tally_note note[TALLY_NOTES];
	size_t n;
};

/* Zeroed: nothing was counted. */
struct tally {
	uint64_t messages, bytes;
	uint64_t state[TALLY_STATES]; /* messages */
	uint64_t state_bytes[TALLY_STATES];
	uint64_t why[WHY_KINDS]; /* messages */
	uint64_t rcpts;          /* not served: pending, or failed */
	uint64_t to_go;          /* … pending alone */
	/* The message that could be sent for longest, and since then; held
	 * and failed ones are not meant, nor what is to be sent later.
	 * 0: there is none. */
	int64_t oldest_us;
	char oldest_id[SPOOL_ID_SIZE];
	/* … the same of those that wait for no operator, and are due: for
	 * a connection and their turn; since they are due. */
	int64_t due_us;
	struct top relays;  /* messages in queue/, by relay; "" for none */
	struct top domains; /* recipients not served; "" without a domain */
	struct top senders; /* messages */
	struct top errors;  /* recipients not served, by cause_of() */
	struct tally_notes oldest;   /* messages in queue/, by arrival */
	struct tally_notes troubles; /* recipients, the latest reply first */
};

/* Count M of Q at NOW_US.  0 or -ENOMEM. */
int tally_add(struct tally *t, const struct queue *q, const struct message *m,
    int64_t now_us);

/* All are counted: order what tally_add() left unordered. */
void tally_finish(struct tally *t);

/* Messages in queue/: those that are not held and have not failed. */
uint64_t tally_waiting(const struct tally *t);

/* "new", "sending" … */
const char *tally_state_name(enum tally_state state);

void tally_release(struct tally *t);

#endif
