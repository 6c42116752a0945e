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
 * A message is one block of memory with its recipients and addresses: 232 bytes
 * and the addresses, 64 bytes and the address for each other recipient.  What
 * many have, senders and replies, is kept once.  With all that comes to it, a
 * message to one recipient that was deferred once takes about 300 bytes of
 * spoold's memory (tests/bench/bench.sh queue measures it).  Nothing grows with
 * a message's size.
 */

#ifndef SPOOL_QUEUE_H
#define SPOOL_QUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include "lib/conf.h"
#include "lib/event.h"
#include "lib/queue-ids.h"
#include "lib/rate.h"
#include "lib/stats.h"
#include "lib/strpool.h"
#include "lib/turns.h"

enum rcpt_state {
	RCPT_PENDING,
	RCPT_DELIVERED,
	RCPT_FAILED,   /* and nobody was told so far */
	RCPT_REPORTED, /* failed, and its sender was told */
	RCPT_DROPPED,  /* not to be sent any more, by an operator */
};

struct part;

/* The texts but for the address are from the queue's pool: queue_set_text(). */
struct qrcpt {
	char *addr;        /* in the message's block */
	char *reply;       /* last answer or reason, or NULL */
	char *server;      /* whose it was, if it failed; or NULL */
	char *note;        /* why it was given up, if it was; or NULL */
	struct part *part; /* its message's */
	int64_t next_us;   /* not before, while pending */
	int64_t last_us;   /* when REPLY came; 0 never */
	uint16_t attempts; /* that count against the limit */
	uint16_t tries;    /* all of them: sets the waiting time */
	enum rcpt_state state : 8;
	bool uncertain; /* the relay may have it already */
	bool waiting;   /* takes part in the attempt going on */
};

enum part_place { PART_NOWHERE, PART_DUE, PART_READY };

/* As RB_ENTRY(), without its four bytes of padding. */
struct part_entry {
	struct part *rbe_left, *rbe_right, *rbe_parent;
	int rbe_color;
} __attribute__((packed, aligned(4)));

struct part {
	union {                             /* by its place */
		struct part_entry by_due;   /* PART_DUE */
		struct turn turn;           /* PART_READY */
		struct {                    /* PART_NOWHERE, in flight too */
			char *server;       /* spoold's: once the agent began
					       with it */
			int64_t attempt_us; /* when its attempt began; 0:
					       not since it was due */
		};
		struct { /* whatever its place, behind those */
			char others[sizeof(struct part_entry)];
			enum part_place place : 8;
			uint8_t lane;      /* in whose lines it is, while it is
					      ready */
			bool owes_success; /* spoold's: the relay does not
					      report success */
			bool answered;     /* somebody has a result of the
					      attempt */
		};
	};
	struct part *next; /* of the message */
	struct message *message;
	struct relay_state *relay; /* NULL: not routed yet */
	int64_t due_us;            /* least next_us of its pending recipients */
	void *job;                 /* spoold's: the agent, while in flight */
	unsigned npending;
	unsigned nwaiting; /* of them, without result of the attempt */
};

/* What few messages have.  The texts are from the queue's pool. */
struct message_extra {
	int64_t expires_us; /* no use after that; 0: never */
	int64_t not_before_us;
	char *lane;                   /* as its envelope has it, or NULL */
	char *subject;                /* if the status is to have it, or NULL */
	struct relay_state *rerouted; /* an operator's word, before any route;
					 NULL: none */
};

struct message {
	char id[SPOOL_ID_SIZE];
	uid_t uid;
	int64_t arrival_us; /* by the clock of its sendmail */
	int64_t seen_us;    /* when spoold first saw it */
	int64_t attempt_us; /* when the last attempt began; 0 never */
	uint64_t size_bytes;
	char *sender;
	struct message_extra *extra; /* NULL: nothing; read by queue_lane() … */
	struct qrcpt *rcpts;
	unsigned nrcpts;
	unsigned npending;
	unsigned nwaiting; /* of them, without result of the attempt */
	enum spool_state state : 4;
	unsigned seen : 4;   /* spoold's: the number of the last scan that came
				to it; 0: none since the start */
	uint8_t lane_no;     /* spoold's: its place in the configuration */
	uint8_t reporting;   /* spoold's: reports about it that are being
				written */
	bool in_flight : 1;  /* an agent has a part of it */
	bool is_report : 1;  /* of spoold's own: never answered */
	bool warned : 1;     /* its sender knows that it is late, or cannot */
	bool untold : 1;     /* nobody can be told of what failed */
	bool counted : 1;    /* spoold's: as REPORTING, or one has to be
				written; its addressee may get it */
	bool removing : 1;   /* spoold's: its file is being removed … */
	bool came_again : 1; /* … and one of that name was seen meanwhile */
	bool shares_sender : 1; /* SENDER is from the queue's pool */
	struct part first;      /* and by its NEXT the others */
};

/*
 * Recipients, since the start of spoold; admitted: messages; bounced: reports
 * to senders; bytes: of what was delivered.
 */
struct queue_totals {
	uint64_t admitted, delivered, deferred, failed, bounced, dropped, bytes;
};

/* How much of a relay's limit is used up, for readers of the status. */
struct limit_use {
	char limit[32]; /* rate_format() */
	uint64_t used, left;
};

/* What the status tells of a relay's work; the events make it, but for what
 * only spoold knows. */
struct relay_work {
	int64_t latency_us;   /* of what it took lately, a moving average;
				 0: nothing yet */
	int64_t delivered_us; /* it took something last; 0: never */
	char *error;          /* the last answer that was no acceptance, or
				 what kept from one; NULL: none */
	int64_t error_us;
	/* spoold's, as of the snapshot */
	unsigned connections;  /* at work */
	int64_t rate_until_us; /* its limits let nothing through before;
				  0: they do */
	struct limit_use limits[RATE_LIMITS_MAX];
	size_t nlimits;
};

RB_HEAD(part_dues, part);

/* A relay as the events know it; it stays once it was named. */
struct relay_state {
	STAILQ_ENTRY(relay_state) link;
	char *name;
	bool down;
	int64_t since_us;  /* of the state */
	int64_t next_us;   /* next probe while down */
	char *reason;      /* while down */
	int64_t paused_us; /* since then; 0: it is not */
	char *paused_by;   /* for people */
	struct relay_work work;
	struct part_dues dues;
	struct turns turns[LANES_MAX];
	size_t nready; /* parts in the lines */
	bool rests;    /* queue_rest() */
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

RB_HEAD(sender_keys, sender_state);

struct queue {
	struct message_ids ids;
	struct strpool texts;
	size_t count[SPOOL_STATES];
	struct queue_totals totals;
	struct stats stats;
	int64_t paused_us; /* all of it, since then; 0: it is not */
	char *paused_by;   /* for people */
	STAILQ_HEAD(, relay_state) relays; /* as they were named */
	bool rests; /* queue_rest() */
	/* The configuration's; limits are borrowed. */
	enum fair_by fair;
	const struct rate_limit *sender_rates;
	size_t nsender_rates;
	struct sender_keys senders;
	uint64_t seq;    /* of the last event applied */
	int64_t last_us; /* its time */
	/* The time of the snapshot that it was read from: who came later has
	 * no relay yet.  0: nothing was read, or there is no relay to
	 * have; -1: nobody has one yet. */
	int64_t read_us;
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

/* What M's extra says, 0 or NULL if it has none. */
static inline int64_t
queue_expires_us(const struct message *m)
{
	return m->extra == NULL ? 0 : m->extra->expires_us;
}

static inline int64_t
queue_not_before_us(const struct message *m)
{
	return m->extra == NULL ? 0 : m->extra->not_before_us;
}

static inline const char *
queue_lane(const struct message *m)
{
	return m->extra == NULL ? NULL : m->extra->lane;
}

static inline const char *
queue_subject(const struct message *m)
{
	return m->extra == NULL ? NULL : m->extra->subject;
}

static inline struct relay_state *
queue_rerouted(const struct message *m)
{
	return m->extra == NULL ? NULL : m->extra->rerouted;
}

/* M's extra, to be changed; made if need be, NULL if out of memory. */
struct message_extra *queue_extra(struct message *m);

/*
 * Let *PLACE, a recipient's reply, server or note or an extra's lane or
 * subject, be TEXT (or NULL) instead of what it is.  Out of memory costs the
 * text.  TEXT may be what is there.
 */
void queue_set_text(struct queue *q, char **place, const char *text);

/* When M is due: the least next_us of its pending recipients; 0 if none is
 * pending. */
int64_t queue_due_us(const struct message *m);

/* From when on M could be sent: its lifetime begins. */
int64_t queue_since_us(const struct message *m);

/* In order of id: the first, and the one after M; NULL at the end. */
struct message *queue_first(struct queue *q);
struct message *queue_next(struct queue *q, struct message *m);

/* The first one behind ID, which need not be there any more; "": of all. */
struct message *queue_after(struct queue *q, const char *id);

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

/*
 * From now on nothing is scheduled, which saves much time while a long queue is
 * read; or (false) it is again, but what came meanwhile has to be routed away
 * first, and again after that.
 */
void queue_rest(struct queue *q, bool rests);

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
 * A message by SENDER to NRCPTS addresses, for Q but not in it yet: all else
 * is zero.  Given to queue_insert() or message_free().  NULL: out of memory.
 */
struct message *message_new(struct queue *q, const char *sender,
    const char *const *rcpts, size_t nrcpts);

/*
 * Put M, made by message_new(), into Q: its counters, due time and trees are
 * worked out here.  Q owns it.  -EEXIST: it is there; -ENOMEM.  Recipients
 * without a part get M->first.
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
