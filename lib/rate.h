/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Rates: how many messages in how much time.  Pure: no clock, no files.
 *
 * Several limits hold together.  The one with the shortest window paces: its
 * messages are at least WINDOW / COUNT apart, but for BURST of them after a
 * rest, which may go at once.  All of them, that one too, are also counted over
 * a window that slides: no span of WINDOW ever has more than COUNT.  So there
 * is no edge at which twice as many get through.
 *
 * A caller's timer is no better than a millisecond.  So that fast rates do not
 * lose by it, those that are due within RATE_TICK_US may go together.
 *
 * Times are those of the clock on the wall, so that they mean something after a
 * restart.  If it is set back, a limit holds messages back for as long again,
 * but not if that is more than its window: then it forgets.
 *
 * Memory is constant: a window is counted in RATE_SLOTS slots, and a message is
 * counted for up to one slot longer than it need be, never shorter.
 */

#ifndef SPOOL_RATE_H
#define SPOOL_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RATE_SLOTS 64
#define RATE_LIMITS_MAX 8
#define RATE_TICK_US ((int64_t)50000)

struct rate_limit {
	unsigned count;    /* at least 1; 0: no limit */
	int64_t window_us; /* at least a second */
};

/* What one limit remembers: the counts of the last slots. */
struct rate_window {
	int64_t window_us;
	uint64_t slot; /* number of the newest slot: time / slot's length */
	uint32_t counts[RATE_SLOTS + 1];
	uint64_t sum;
};

/* What a set of limits remembers; zeroed: nothing was sent yet. */
struct rate_state {
	int64_t paced_us; /* the pace allows the next one from then on, but
			     for the burst */
	unsigned nwindows;
	struct rate_window *windows; /* one for each limit; owned */
};

/*
 * Parse TEXT: "14/s", "500/min", "50000/day", "100/15min"; units s, sec, m,
 * min, h, hour, d, day.  False if it is none.
 */
bool rate_parse(const char *text, struct rate_limit *ret);

/* Write LIMIT as rate_parse() reads it, shortest form. */
void rate_format(const struct rate_limit *limit, char *buf, size_t size);

/*
 * Bring ST into the form that LIMITS need; what it remembers of a limit with
 * the same window stays.  0 or -ENOMEM.
 */
int rate_fit(struct rate_state *st, const struct rate_limit *limits, size_t n);

/*
 * When one more message may go: NOW_US or earlier if at once.  ST fits LIMITS
 * (rate_fit()); BURST at least 1.
 */
int64_t rate_when(const struct rate_state *st, const struct rate_limit *limits,
    size_t n, unsigned burst, int64_t now_us);

/* One message goes at NOW_US, allowed or not. */
void rate_charge(struct rate_state *st, const struct rate_limit *limits,
    size_t n, unsigned burst, int64_t now_us);

/* The message that was charged at TIME_US did not go after all. */
void rate_refund(struct rate_state *st, const struct rate_limit *limits,
    size_t n, int64_t time_us);

/* How many of LIMITS[I] are used up at NOW_US. */
uint64_t rate_used(const struct rate_state *st, const struct rate_limit *limits,
    size_t i, int64_t now_us);

/* Whether ST remembers nothing that matters at NOW_US: it may be forgotten. */
bool rate_is_idle(const struct rate_state *st, const struct rate_limit *limits,
    size_t n, int64_t now_us);

/*
 * ST as text for the status and back: a line of numbers, "" for a zeroed one.
 * The first is a new string, NULL if out of memory; the second is 0, -ENOMEM
 * or -EINVAL; then ST remembers nothing, but fits LIMITS still.  What TEXT
 * has of other windows is skipped.
 */
char *rate_save(
    const struct rate_state *st, const struct rate_limit *limits, size_t n);
int rate_load(struct rate_state *st, const char *text,
    const struct rate_limit *limits, size_t n);

void rate_release(struct rate_state *st);

#endif
