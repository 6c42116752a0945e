/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* What the files of the queue's picture offer each other; for them only. */

#ifndef SPOOL_QUEUE_WORK_H
#define SPOOL_QUEUE_WORK_H

#include "lib/queue.h"

/* ---- queue.c --------------------------------------------------------- */

/* Work M's counters and due times out, and put its parts where they belong. */
void queue_schedule(struct message *m);

/* Take M out and free it. */
void queue_delete(struct queue *q, struct message *m);

/* The part of M that goes to RELAY, made if need be; NULL: out of memory. */
struct part *queue_make_part(struct message *m, struct relay_state *relay);

/* ---- queue-rates.c --------------------------------------------------- */

/* A message of M's sender went out by RELAY at NOW_US. */
void queue_charge(struct queue *q, struct relay_state *relay,
    const struct message *m, int64_t now_us);

/* The senders that are remembered: the first, and the one after SENDER. */
struct sender_state *queue_first_sender(struct queue *q);
struct sender_state *queue_next_sender(struct sender_state *sender);

/* That one, charged at TIME_US, came back untried. */
void queue_refund(struct queue *q, struct relay_state *relay,
    const struct message *m, int64_t time_us);

void queue_forget_senders(struct queue *q);

/* What rate_save() wrote of the sender KEY.  0, -ENOMEM or -EINVAL. */
int queue_load_sender(struct queue *q, uint64_t key, const char *rate);

#endif
