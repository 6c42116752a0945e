/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The picture of the queue in memory: every message and its recipients, as
 * the events so far make it.  No clock, no files: times come with events.
 *
 * spoold schedules from it, the snapshot is written from it, and spoolq
 * rebuilds it from snapshot and journal.
 *
 * A message's recipients that go to one relay are a part.  A part is tried by
 * itself, whatever the other relays do.  It waits by time in its relay's dues,
 * and once it is due by turn in its relay's lines, a set of them for each lane.
 *
 * A message is about 300 bytes and its addresses; nothing grows with a
 * message's size.
 */

#ifndef SPOOL_QUEUE_H
#define SPOOL_QUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include "lib/conf.h"
#include "lib/event.h"
#include "lib/rate.h"
#include "lib/turns.h"

enum rcpt_state {
	RCPT_PENDING,
	RCPT_DELIVERED,
	RCPT_FAILED,   /* and nobody was told so far */
	RCPT_REPORTED, /* failed, and its sender was told */
};

struct part;

struct qrcpt {
	char *addr;
	char *reply;       /* last answer or reason, or NULL */
	char *server;      /* whose it was, if it failed; or NULL */
	char *note;        /* why it was given up, if it was; or NULL */
	struct part *part; /* its message's */
	int64_t next_us;   /* not before, while pending */
	int64_t last_us;   /* when REPLY came; 0 never */
	unsigned attempts; /* that count against the limit */
	unsigned tries;    /* all of them: sets the waiting time */
	enum rcpt_state state;
	bool uncertain; /* the relay may have it already */
	bool waiting;   /* takes part in the attempt going on */
};

enum part_place { PART_NOWHERE, PART_DUE, PART_READY };

struct part {
	RB_ENTRY(part) by_due;
	struct turn turn;  /* while it is ready */
	struct part *next; /* of the message */
	struct message *message;
	struct relay_state *relay; /* NULL: not routed yet */
	int64_t due_us;            /* least next_us of its pending recipients */
	int64_t was_us;            /* … before the last look */
	unsigned npending;
	unsigned nwaiting; /* of them, without result of the attempt */
	enum part_place place;
	unsigned lane;      /* in whose lines it is, while it is ready */
	void *job;          /* spoold's: the agent, while in flight */
	char *server;       /* spoold's: once the agent began with it */
	bool owes_success;  /* spoold's: the relay does not report success */
	int64_t attempt_us; /* when its last attempt began; 0 never */
	bool answered;      /* … and somebody has a result of it */
};

struct message {
	RB_ENTRY(message) by_id;
	char id[SPOOL_ID_SIZE];
	enum spool_state state;
	bool in_flight;     /* an agent has a part of it */
	bool found;         /* by the scan that is going on */
	bool is_report;     /* of spoold's own: never answered */
	bool warned;        /* its sender knows that it is late, or cannot */
	bool untold;        /* nobody can be told of what failed */
	unsigned reporting; /* spoold's: reports about it that are being
			       written */
	bool counted; /* spoold's: … or has to be; its addressee may get it */
	bool removing; /* spoold's: its file is being removed */
	uid_t uid;
	int64_t arrival_us; /* by the clock of its sendmail */
	int64_t seen_us;    /* when spoold first saw it */
	int64_t expires_us; /* no use after that; 0: never */
	int64_t not_before_us;
	int64_t due_us;     /* least next_us of its pending recipients */
	int64_t attempt_us; /* when the last attempt began; 0 never */
	uint64_t size_bytes;
	char *sender;
	char *lane;       /* as its envelope has it, or NULL */
	unsigned lane_no; /* spoold's: its place in the configuration */
	struct qrcpt *rcpts;
	unsigned nrcpts;
	unsigned npending;
	unsigned nwaiting; /* of them, without result of the attempt */
	struct part first; /* and by its NEXT the others */
};

struct queue_totals { /* recipients, since the start of spoold */
	uint64_t admitted, delivered, deferred, failed, dropped, bytes;
};

RB_HEAD(part_dues, part);

/* A relay as the events know it; it stays once it was named. */
struct relay_state {
	SLIST_ENTRY(relay_state) link;
	char *name;
	bool down;
	int64_t since_us; /* of the state */
	int64_t next_us;  /* next probe while down */
	char *reason;     /* while down */
	struct part_dues dues;
	struct turns turns[LANES_MAX];
	size_t nready; /* parts in the lines */
	/* What spoold sets: the limits are borrowed. */
	const struct rate_limit *rates;
	size_t nrates;
	unsigned burst;
	struct rate_state rate;
	char *saved_rate; /* as it was read, until the limits are known */
	void *relay;
};

/* A sender, while there are limits for senders and it is near them. */
struct sender_state {
	RB_ENTRY(sender_state) by_key;
	uint64_t key; /* queue_sender_key() */
	struct rate_state rate;
};

RB_HEAD(message_ids, message);
RB_HEAD(sender_keys, sender_state);

struct queue {
	struct message_ids ids;
	size_t count[SPOOL_STATES];
	struct queue_totals totals;
	SLIST_HEAD(, relay_state) relays;
	/* What spoold sets; limits are borrowed. */
	enum fair_by fair;
	const struct rate_limit *sender_rates;
	size_t nsender_rates;
	struct sender_keys senders;
	uint64_t seq;    /* of the last event applied */
	int64_t last_us; /* its time */
};

void queue_init(struct queue *q);
void queue_release(struct queue *q);

/* Forget all messages and what relays were like; what spoold set stays. */
void queue_clear(struct queue *q);

/*
 * Change the picture by EV.  An EVENT_ATTEMPT takes along the recipients
 * EV->indexes, or all whose next_us has come by its time
 * (queue_takes_part()); that part is in flight until each of them has its
 * result.  Events about unknown messages are ignored; an EVENT_ADMITTED for a
 * known id with another arrival time replaces it (the clock went back and an id
 * came again).  0 or -ENOMEM.
 */
int queue_apply(struct queue *q, const struct event *ev);

/* Whether R belongs to an attempt that begins at NOW_US. */
bool queue_takes_part(const struct qrcpt *r, int64_t now_us);

/* The message ID, or NULL. */
struct message *queue_find(struct queue *q, const char *id);

/* Whether all recipients of M were delivered to, or their sender knows that
 * they were not: nothing is left to do. */
bool queue_is_served(const struct message *m);

/* Whether a recipient of M failed and nobody was told. */
bool queue_has_failed(const struct message *m);

/* From when on M could be sent: its lifetime begins. */
int64_t queue_since_us(const struct message *m);

/* In order of id: the first, and the one after M; NULL at the end. */
struct message *queue_first(struct queue *q);
struct message *queue_next(struct queue *q, struct message *m);

/* The relay NAME, made if it is new; NULL if out of memory. */
struct relay_state *queue_relay(struct queue *q, const char *name);

/* The part of M that goes to RELAY, NULL if there is none. */
struct part *queue_part(struct message *m, const struct relay_state *relay);

/*
 * Ask CHOOSE, with ARG, where each pending recipient of M that is not in flight
 * goes, and schedule it there; NULL: nowhere for now.  0 or -ENOMEM (then some
 * stay where they were).
 */
typedef struct relay_state *
queue_choose_fn(const struct message *m, const struct qrcpt *r, void *arg);
int queue_route(
    struct queue *q, struct message *m, queue_choose_fn *choose, void *arg);

/*
 * Move what is due at NOW_US from RELAY's dues into its lines, and let senders
 * whose time of waiting is over take part again.  Returns when there is more of
 * either, 0 for never.
 */
int64_t queue_wake(struct queue *q, struct relay_state *relay, int64_t now_us);

/* The part of RELAY whose turn it is in LANE; NULL if none is ready. */
struct part *queue_turn(const struct relay_state *relay, unsigned lane);

/* The sender of P, whose turn it is, must wait until UNTIL_US. */
void queue_block(struct relay_state *relay, struct part *p, int64_t until_us);

/* The part that is due first of RELAY's that are not ready; NULL if none. */
struct part *queue_first_due(const struct relay_state *relay);

/* All that is ready goes back to the dues: lanes or fairness have changed. */
void queue_unready(struct queue *q, struct relay_state *relay);

/* Who sent M, as Q->fair counts senders: a number for turns and limits. */
uint64_t queue_sender_key(const struct queue *q, const struct message *m);

/*
 * When M's sender may send one more message by Q's limits for senders: NOW_US
 * or earlier if at once.
 */
int64_t queue_sender_when(
    const struct queue *q, const struct message *m, int64_t now_us);

/* Forget the senders that are far from their limits at NOW_US. */
void queue_prune_senders(struct queue *q, int64_t now_us);

/* Fit what Q remembers of rates to the limits that are set now.  0, -ENOMEM */
int queue_fit_rates(struct queue *q);

/*
 * Put M, made with calloc() by a reader of snapshots, into Q: its counters,
 * due time and trees are worked out here.  Q owns it.  -EEXIST: it is there.
 * Recipients without a part get M->first.
 */
int queue_insert(struct queue *q, struct message *m);

/*
 * P belongs to JOB from now on, or (NULL) to none: then it is scheduled again
 * if something is pending.
 */
void queue_set_job(struct queue *q, struct part *p, void *job);

/* Whether an agent has a part of M, or a report about it is being made. */
bool queue_is_busy(const struct message *m);

/* Free M, which is in no queue (any more). */
void message_free(struct message *m);

#endif
