/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * When to try again, and when to give up.  Pure: times come in, times go out.
 */

#ifndef SPOOLD_RETRY_H
#define SPOOLD_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/conf.h"
#include "lib/queue.h"

/* How long to wait after the TRIES-th failure, in microseconds: as RETRY says,
 * a second at least. */
int64_t retry_wait_us(const struct retry_config *retry, unsigned tries);

/*
 * When to try message ID again that failed at NOW_US for the TRIES-th time:
 * after retry_wait_us() and up to a tenth more, so that what failed together
 * does not come back together.  But the recipients of one message do, for all
 * of them have the same moments in common, a tenth of the wait apart.
 */
int64_t retry_next_us(const struct retry_config *retry, const char *id,
    unsigned tries, int64_t now_us);

/* The longest wait that retry_next_us() gives by RETRY. */
int64_t retry_wait_max_us(const struct retry_config *retry);

/* The same for RETRY_LINEAR, which is the default. */
#define RETRY_WAIT_MAX_US ((int64_t)33 * 60 * 1000000)

/*
 * Whether recipient R of M is to be given up after a failure at NOW_US.
 * COUNTS: the failure is the message's and counts against cfg->attempts; the
 * lifetime, from the moment that spoold first saw M, always counts, but not
 * before the third try; so does EXPIRES_US, M's own end (0: none), at any try.
 */
bool retry_gives_up(const struct config *cfg, const struct message *m,
    const struct qrcpt *r, bool counts, int64_t expires_us, int64_t now_us);

/*
 * Whether M is to be given up at NOW_US without one more try: EXPIRES_US, its
 * own end (0: none), has come; or its lifetime has ended and its RELAY has been
 * in trouble for an hour at least, by our own clock: what was never tried must
 * not vanish because a clock was set.
 */
bool retry_expires(const struct config *cfg, const struct message *m,
    const struct relay_state *relay, int64_t expires_us, int64_t now_us);

/*
 * How long a relay that is in trouble rests before the next probe, given how
 * long it rested last (0: it has just failed): 1 s, doubling up to 10 s, so
 * that mail goes on soon after its return.  IS_LOGIN: it refused our login; who
 * tries that too often is locked out, so from 10 s up to 10 minutes.
 */
int64_t retry_probe_us(int64_t last_us, bool is_login);

#endif
