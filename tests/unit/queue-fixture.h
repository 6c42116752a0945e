/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* A picture of the queue with several relays, and events for it. */

#ifndef TESTS_QUEUE_FIXTURE_H
#define TESTS_QUEUE_FIXTURE_H

#include "lib/queue.h"
#include "tests/unit/unit.h"

#define ID "3000000001"
#define SECOND ((int64_t)1000000)

extern struct queue q;

/* Check's fixture. */
void setup(void);
void teardown(void);

/* An event that says nothing else. */
struct event event(enum event_kind kind, const char *id, int64_t time_us);

/* EV as the next one. */
void apply(struct event ev);

/* A message to the first NRCPTS of a@one, b@two, c@one, d@two, e@one and
 * f@three. */
struct event admission(const char *id, size_t nrcpts);

/* Its recipients' relay is TO, or (NULL) the one of their domain's name. */
struct message *route(const char *id, const char *to);

/* A queue_choose_fn: nothing is configured. */
struct relay_state *
nowhere(const struct message *m, const struct qrcpt *r, void *arg);

/* Both: admitted, and routed by domain. */
struct message *admit(const char *id, size_t nrcpts);

void
attempt(const char *id, const char *relay, const char *indexes, int64_t at_us);
void result(enum event_kind kind, const char *id, int index, int64_t at_us,
    int64_t next_us);
void happens(enum event_kind kind, const char *id, int64_t at_us);

struct part *part_of(const char *id, const char *relay);

/* Whose turn it is at RELAY, in the first lane, at NOW_US; "" nobody's. */
const char *turn(const char *relay, int64_t now_us);

/* "one" takes 2 messages in 10 s and 5 in 100 s, each sender 3 a minute. */
void limit(struct queue *to);

#endif
