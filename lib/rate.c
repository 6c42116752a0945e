/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Pacing is the generic cell rate algorithm: ST->paced_us is when the next one
 * would be due if all went evenly, and BURST - 1 of them may be ahead of it.
 *
 * A window's slots are a ring: slot S of the time line is counts[S % RING].
 * RING is one more than a window's slots, as a window begins and ends inside
 * of one.
 */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/rate.h"

#define RING (RATE_SLOTS + 1)

/* ---- windows --------------------------------------------------------- */

/* Rounded up, so that RATE_SLOTS of them are not less than the window. */
static int64_t
slot_length(const struct rate_limit *limit)
{
	return (limit->window_us + RATE_SLOTS - 1) / RATE_SLOTS;
}

static uint64_t
slot_at(const struct rate_limit *limit, int64_t now_us)
{
	return now_us > 0 ? (uint64_t)(now_us / slot_length(limit)) : 0;
}

/* W's newest slot is so far ahead of NOW that the clock was set back. */
static bool
is_ahead(const struct rate_window *w, uint64_t now)
{
	return w->slot > now && w->slot - now > RATE_SLOTS;
}

/* How many were counted in the slots that a window ending in AT has. */
static uint64_t
sum_at(const struct rate_window *w, uint64_t at)
{
	uint64_t sum = w->sum, gone;

	if (is_ahead(w, at))
		return 0;
	if (at <= w->slot)
		return sum;
	gone = at - w->slot;
	if (gone >= RING)
		return 0;
	for (uint64_t i = 1; i <= gone; i++)
		sum -= w->counts[(w->slot + i) % RING];
	return sum;
}

/* From when on W has less than CAP; 0 if it has now. */
static int64_t
window_when(const struct rate_window *w, const struct rate_limit *limit,
    uint64_t cap, int64_t now_us)
{
	uint64_t now = slot_at(limit, now_us), slot = now;
	uint64_t sum = sum_at(w, now);

	if (sum < cap)
		return 0;
	if (slot < w->slot)
		slot = w->slot;
	while (sum >= cap) {
		slot++;
		sum -= w->counts[slot % RING];
	}
	return (int64_t)slot * slot_length(limit);
}

/* Count one in slot NOW. */
static void
window_charge(struct rate_window *w, uint64_t now)
{
	if (is_ahead(w, now) || now >= w->slot + RING) {
		memset(w->counts, 0, sizeof(w->counts));
		w->sum = 0;
		w->slot = now;
	}
	while (w->slot < now) {
		w->slot++;
		w->sum -= w->counts[w->slot % RING];
		w->counts[w->slot % RING] = 0;
	}
	if (w->counts[now % RING] < UINT32_MAX) {
		w->counts[now % RING]++;
		w->sum++;
	}
}

/* ---- the pace -------------------------------------------------------- */

/* The limit that paces: the shortest window, and the least of it; N: none. */
static size_t
find_pacer(const struct rate_limit *limits, size_t n)
{
	size_t best = n;

	for (size_t i = 0; i < n; i++) {
		const struct rate_limit *l = &limits[i];

		if (l->count == 0)
			continue;
		if (best == n || l->window_us < limits[best].window_us ||
		    (l->window_us == limits[best].window_us &&
			l->count < limits[best].count))
			best = i;
	}
	return best;
}

/* Between two messages; rounded up, so that COUNT of them are a window. */
static int64_t
pace_us(const struct rate_limit *limit)
{
	return (limit->window_us + limit->count - 1) / limit->count;
}

/* How many may go together. */
static int64_t
burst_of(const struct rate_limit *limit, unsigned burst)
{
	int64_t least = RATE_TICK_US / pace_us(limit), n = burst;

	if (n < least)
		n = least;
	if (n > limit->count)
		n = limit->count;
	return n < 1 ? 1 : n;
}

static int64_t
pace_when(const struct rate_state *st, const struct rate_limit *limit,
    unsigned burst, int64_t now_us)
{
	int64_t step_us = pace_us(limit), n = burst_of(limit, burst);

	/* More than charging leaves behind: the clock was set back. */
	if (st->paced_us > now_us + n * step_us)
		return now_us;
	return st->paced_us - (n - 1) * step_us;
}

static void
pace_charge(struct rate_state *st, const struct rate_limit *limit,
    unsigned burst, int64_t now_us)
{
	int64_t step_us = pace_us(limit);
	int64_t most_us = now_us + burst_of(limit, burst) * step_us;

	if (st->paced_us < now_us)
		st->paced_us = now_us;
	/* Debts end here, or there was no telling them from a set clock. */
	if (st->paced_us > most_us - step_us)
		st->paced_us = most_us - step_us;
	st->paced_us += step_us;
}

/*
 * How many a window may have.  A pacer without a burst keeps its window by
 * pacing: the slots must not hold up the last one, only what came before the
 * limit was changed.
 */
static uint64_t
cap_of(const struct rate_limit *limit, bool is_pacer, unsigned burst)
{
	int64_t step_us;

	if (!is_pacer || burst_of(limit, burst) > 1)
		return limit->count;
	step_us = pace_us(limit);
	return (uint64_t)((RING * slot_length(limit) + step_us - 1) / step_us);
}

/* ---- all limits ------------------------------------------------------ */

int64_t
rate_when(const struct rate_state *st, const struct rate_limit *limits,
    size_t n, unsigned burst, int64_t now_us)
{
	size_t pacer = find_pacer(limits, n);
	int64_t when_us = now_us;

	if (pacer < n)
		when_us = pace_when(st, &limits[pacer], burst, now_us);
	for (size_t i = 0; i < n; i++) {
		int64_t us;

		if (limits[i].count == 0)
			continue;
		us = window_when(&st->windows[i], &limits[i],
		    cap_of(&limits[i], i == pacer, burst), now_us);
		if (us > when_us)
			when_us = us;
	}
	return when_us;
}

void
rate_charge(struct rate_state *st, const struct rate_limit *limits, size_t n,
    unsigned burst, int64_t now_us)
{
	size_t pacer = find_pacer(limits, n);

	if (pacer < n)
		pace_charge(st, &limits[pacer], burst, now_us);
	for (size_t i = 0; i < n; i++)
		if (limits[i].count > 0)
			window_charge(
			    &st->windows[i], slot_at(&limits[i], now_us));
}

/* Take one out of slot THEN, if it is still counted. */
static void
window_refund(struct rate_window *w, uint64_t then)
{
	if (then > w->slot || then + RING <= w->slot ||
	    w->counts[then % RING] == 0)
		return;
	w->counts[then % RING]--;
	w->sum--;
}

void
rate_refund(struct rate_state *st, const struct rate_limit *limits, size_t n,
    int64_t time_us)
{
	size_t pacer = find_pacer(limits, n);

	if (pacer < n)
		st->paced_us -= pace_us(&limits[pacer]);
	for (size_t i = 0; i < n; i++)
		if (limits[i].count > 0)
			window_refund(
			    &st->windows[i], slot_at(&limits[i], time_us));
}

uint64_t
rate_used(const struct rate_state *st, const struct rate_limit *limits,
    size_t i, int64_t now_us)
{
	if (limits[i].count == 0)
		return 0;
	return sum_at(&st->windows[i], slot_at(&limits[i], now_us));
}

bool
rate_is_idle(const struct rate_state *st, const struct rate_limit *limits,
    size_t n, int64_t now_us)
{
	size_t pacer = find_pacer(limits, n);

	/* A burst of all of a window: paced_us is as far ahead at most. */
	if (pacer < n && st->paced_us > now_us &&
	    st->paced_us <=
		now_us + limits[pacer].window_us + (int64_t)limits[pacer].count)
		return false;
	for (size_t i = 0; i < n; i++)
		if (rate_used(st, limits, i, now_us) > 0)
			return false;
	return true;
}

/* ---- the state as a whole -------------------------------------------- */

/* The window of that length in the first N, or NULL. */
static struct rate_window *
find_window(struct rate_window *windows, size_t n, int64_t window_us)
{
	for (size_t i = 0; i < n; i++)
		if (windows[i].window_us == window_us)
			return &windows[i];
	return NULL;
}

static bool
fits(const struct rate_state *st, const struct rate_limit *limits, size_t n)
{
	if (st->nwindows != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (st->windows[i].window_us != limits[i].window_us)
			return false;
	return true;
}

int
rate_fit(struct rate_state *st, const struct rate_limit *limits, size_t n)
{
	struct rate_window *windows;

	if (fits(st, limits, n))
		return 0;
	windows = calloc(n > 0 ? n : 1, sizeof(*windows));
	if (windows == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct rate_window *old =
		    find_window(st->windows, st->nwindows, limits[i].window_us);

		if (old != NULL)
			windows[i] = *old;
		windows[i].window_us = limits[i].window_us;
	}
	free(st->windows);
	st->windows = windows;
	st->nwindows = (unsigned)n;
	return 0;
}

void
rate_release(struct rate_state *st)
{
	free(st->windows);
	*st = (struct rate_state){ .paced_us = 0 };
}
