/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The picture of the queue in memory: every message and its recipients, as
 * the events so far make it.  No clock, no files: times come with events.
 *
 * spoold schedules from it, the snapshot is written from it, and spoolq
 * rebuilds it from snapshot and journal.
 *
 * A message is about 200 bytes and
 * its addresses; nothing grows with a message's size.
 */

#ifndef SPOOL_QUEUE_H
#define SPOOL_QUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/tree.h>

#include "lib/event.h"

enum rcpt_state { RCPT_PENDING, RCPT_DELIVERED, RCPT_FAILED };

struct qrcpt {
	char *addr;
	char *reply;       /* last answer or reason, or NULL */
	int64_t next_us;   /* not before, while pending */
	int64_t last_us;   /* when REPLY came; 0 never */
	unsigned attempts; /* that count against the limit */
	unsigned tries;    /* all of them: sets the waiting time */
	enum rcpt_state state;
	bool uncertain; /* the relay may have it already */
	bool waiting;   /* takes part in the attempt going on */
};

struct message {
	RB_ENTRY(message) by_id;
	RB_ENTRY(message) by_due; /* while in queue/ and not in flight */
	char id[SPOOL_ID_SIZE];
	enum spool_state state;
	bool in_flight; /* an agent has it */
	bool scheduled; /* is in by_due */
	bool found;     /* by the scan that is going on */
	uid_t uid;
	int64_t arrival_us; /* by the clock of its sendmail */
	int64_t seen_us;    /* when spoold first saw it */
	int64_t due_us;     /* least next_us of its pending recipients */
	int64_t attempt_us; /* when the last attempt began; 0 never */
	uint64_t size_bytes;
	char *sender;
	struct qrcpt *rcpts;
	unsigned nrcpts;
	unsigned npending;
	unsigned nwaiting; /* of them, without result of the attempt */
	void *job;         /* spoold's: the agent, while in flight */
	char *server;      /* spoold's: once the agent began with it */
};

struct queue_totals { /* recipients, since the start of spoold */
	uint64_t admitted, delivered, deferred, failed, dropped, bytes;
};

struct relay_state {
	bool down;
	int64_t since_us; /* of the state */
	int64_t next_us;  /* next probe while down */
	char *reason;     /* while down */
};

RB_HEAD(message_ids, message);
RB_HEAD(message_dues, message);

struct queue {
	struct message_ids ids;
	struct message_dues dues;
	size_t count[SPOOL_STATES];
	struct queue_totals totals;
	struct relay_state relay; /* of the one relay so far */
	uint64_t seq;             /* of the last event applied */
	int64_t last_us;          /* its time */
};

void queue_init(struct queue *q);
void queue_release(struct queue *q);

/*
 * Change the picture by EV.  An EVENT_ATTEMPT takes along the pending
 * recipients whose next_us has come by its time (queue_takes_part()); the
 * message is in flight until each of them has its result.  Events about unknown
 * messages are ignored; an EVENT_ADMITTED for a known id with another arrival
 * time replaces it (the clock went back and an id came again).  0 or -ENOMEM.
 */
int queue_apply(struct queue *q, const struct event *ev);

/* Whether R belongs to an attempt that begins at NOW_US. */
bool queue_takes_part(const struct qrcpt *r, int64_t now_us);

/* The message ID, or NULL. */
struct message *queue_find(struct queue *q, const char *id);

/* Whether all recipients of M were delivered to: nothing is left to do. */
bool queue_is_served(const struct message *m);

/* In order of id: the first, and the one after M; NULL at the end. */
struct message *queue_first(struct queue *q);
struct message *queue_next(struct queue *q, struct message *m);

/* The message in queue/ that is due first, none in flight; NULL if none. */
struct message *queue_first_due(struct queue *q);

/*
 * Put M, made with calloc() by a reader of snapshots, into Q: its counters,
 * due time and trees are worked out here.  Q owns it.  -EEXIST: it is there.
 */
int queue_insert(struct queue *q, struct message *m);

/*
 * M belongs to JOB from now on, or (NULL) to none: then it is scheduled again
 * if something is pending.
 */
void queue_set_job(struct queue *q, struct message *m, void *job);

/* Free M, which is in no queue (any more). */
void message_free(struct message *m);

#endif
