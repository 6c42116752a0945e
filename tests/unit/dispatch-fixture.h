/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * spoold's scheduling without its surroundings: a clock of the test's own, no
 * journal, and agents that do what the test says.
 */

#ifndef TESTS_DISPATCH_FIXTURE_H
#define TESTS_DISPATCH_FIXTURE_H

#include "spoold/spoold.h"

#define SECOND ((int64_t)1000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

#define RELAYS 2

extern struct spoold d;
extern struct config cfg;
/* "default", with connections for two agents, and "other", not configured
 * unless the test calls use_relays(2). */
extern struct relay_config relay_cfgs[RELAYS];
extern struct relay_state *relay; /* the first one's */
extern struct agent agents[RELAYS][2];
extern int64_t now_us;

/* What was handed out last, and how often. */
extern char sent_id[SPOOL_ID_SIZE];
extern char sent_indexes[64];
extern struct agent *sent_to;
extern unsigned nsent;

/* Check's fixture. */
void setup(void);
void teardown(void);

/* The first N relays are configured, and all is routed anew. */
void use_relays(size_t n);

/* Message number N with NRCPTS recipients, and a file of its name. */
struct message *admit(unsigned n, size_t nrcpts);

/* The same from SENDER with LANE, of no use after EXPIRES_US. */
struct message *admit_from(
    unsigned n, const char *sender, const char *lane, int64_t expires_us);

bool lies_in(enum spool_state state, const char *id);

/* The last job sent: one recipient's OUTCOME, then done; that took DELAY_US, or
 * a millisecond. */
void answer(unsigned index, const char *outcome);
void answer_after(unsigned index, const char *outcome, int64_t delay_us);

#endif
