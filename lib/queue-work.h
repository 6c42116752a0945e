/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* What the files of the queue's picture offer each other; for them only. */

#ifndef SPOOL_QUEUE_WORK_H
#define SPOOL_QUEUE_WORK_H

#include "lib/queue.h"

/* ---- queue.c --------------------------------------------------------- */

/* Work M's counters and due times out, and put its parts where they belong. */
void queue_schedule(struct message *m);

/* Take P out of dues or lines: its attempt begins, or is over. */
void queue_unschedule(struct part *p);

/* Take M out and free it. */
void queue_delete(struct queue *q, struct message *m);

/* The part of M that goes to RELAY, made if need be; NULL: out of memory. */
struct part *queue_make_part(struct message *m, struct relay_state *relay);

/* ---- queue-steer.c --------------------------------------------------- */

/* Put a copy of TEXT, or NULL, into *PLACE; out of memory costs the text.
 * TEXT may be what is there. */
void queue_replace_text(char **place, const char *text);

/* M is in STATE from now on. */
void queue_set_state(
    struct queue *q, struct message *m, enum spool_state state);

/* What EV, which sets it, says that R's attempts are. */
void queue_set_attempts(struct qrcpt *r, const struct event *ev);

/* EV is what an operator did to M.  0 or -ENOMEM. */
int queue_steer(struct queue *q, struct message *m, const struct event *ev);

/* All that waits, but for what is to be sent later, is due at NOW_US. */
void queue_flush_all(struct queue *q, int64_t now_us);

/* EV is EVENT_PAUSED or EVENT_RESUMED.  0 or -ENOMEM. */
int queue_pause(struct queue *q, const struct event *ev);

/* A pause that a signal began ends, for its process has. */
void queue_end_signal_pause(struct queue *q);

/* ---- queue-count.c --------------------------------------------------- */

/* spoold began: the totals begin anew, the minutes and hours go on. */
void queue_count_start(struct queue *q, int64_t now_us);

/* EV is the result of a recipient of M, by the relay that EV names. */
void queue_count_result(
    struct queue *q, const struct message *m, const struct event *ev);

/* RELAY went down, or stays so. */
void queue_count_trouble(struct relay_state *relay, const struct event *ev);

/* A sender was told that recipients failed. */
void queue_count_bounce(struct queue *q, int64_t now_us);

/* N recipients are not to be sent to any more, an operator said so. */
void queue_count_dropped(struct queue *q, unsigned n, int64_t now_us);

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
