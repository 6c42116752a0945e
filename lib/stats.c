/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* Counts by minute and by hour, in rings that the time turns. */

#include "config.h"

#include "lib/stats.h"

#define MINUTE_US ((int64_t)60 * 1000000)
#define HOUR_US (60 * MINUTE_US)

/* One of the two rings. */
struct ring {
	struct stats_slot *slots;
	int64_t n;
	int64_t unit_us;
};

static struct ring
minutes_of(struct stats *st)
{
	return (struct ring){ st->minutes, STATS_MINUTES, MINUTE_US };
}

static struct ring
hours_of(struct stats *st)
{
	return (struct ring){ st->hours, STATS_HOURS, HOUR_US };
}

/* The slots that begin with FROM_US become those that end with TO_US. */
static void
turn(struct ring ring, int64_t from_us, int64_t to_us)
{
	int64_t from = from_us / ring.unit_us, to = to_us / ring.unit_us;

	if (to - from > ring.n)
		from = to - ring.n;
	while (++from <= to)
		ring.slots[from % ring.n] = (struct stats_slot){ .bytes = 0 };
}

static void
turn_to(struct stats *st, int64_t time_us)
{
	if (time_us <= st->last_us)
		return;
	turn(minutes_of(st), st->last_us, time_us);
	turn(hours_of(st), st->last_us, time_us);
	st->last_us = time_us;
}

/* The slot of TIME_US, NULL if RING, which ends with LAST_US, has none. */
static struct stats_slot *
slot_at(struct ring ring, int64_t time_us, int64_t last_us)
{
	int64_t at = time_us / ring.unit_us, last = last_us / ring.unit_us;

	return time_us < 0 || at > last || at <= last - ring.n
	    ? NULL
	    : &ring.slots[at % ring.n];
}

static void
count(struct stats_slot *slot, enum stats_kind kind, unsigned n, uint64_t bytes,
    uint64_t latency_us)
{
	if (slot == NULL)
		return;
	slot->count[kind] += n;
	slot->bytes += bytes;
	slot->latency_us += latency_us;
}

void
stats_add(struct stats *st, enum stats_kind kind, unsigned n, uint64_t bytes,
    uint64_t latency_us, int64_t time_us)
{
	turn_to(st, time_us);
	count(slot_at(minutes_of(st), time_us, st->last_us), kind, n, bytes,
	    latency_us);
	count(slot_at(hours_of(st), time_us, st->last_us), kind, n, bytes,
	    latency_us);
}

/* The slot of TIME_US as it is, all zero if there is none. */
static struct stats_slot
get(struct ring ring, unsigned back, int64_t now_us, int64_t last_us)
{
	struct stats_slot none = { .bytes = 0 };
	const struct stats_slot *slot;

	if (back >= ring.n)
		return none;
	slot = slot_at(ring, now_us - back * ring.unit_us, last_us);
	return slot == NULL ? none : *slot;
}

struct stats_slot
stats_minute(const struct stats *st, unsigned back, int64_t now_us)
{
	struct stats *seen = (struct stats *)(uintptr_t)st;

	return get(minutes_of(seen), back, now_us, st->last_us);
}

struct stats_slot
stats_hour(const struct stats *st, unsigned back, int64_t now_us)
{
	struct stats *seen = (struct stats *)(uintptr_t)st;

	return get(hours_of(seen), back, now_us, st->last_us);
}

static void
set(struct ring ring, int64_t time_us, int64_t last_us,
    const struct stats_slot *slot)
{
	struct stats_slot *at = slot_at(ring, time_us, last_us);

	if (at != NULL)
		*at = *slot;
}

void
stats_set_minute(
    struct stats *st, int64_t time_us, const struct stats_slot *slot)
{
	turn_to(st, time_us);
	set(minutes_of(st), time_us, st->last_us, slot);
}

void
stats_set_hour(struct stats *st, int64_t time_us, const struct stats_slot *slot)
{
	turn_to(st, time_us);
	set(hours_of(st), time_us, st->last_us, slot);
}
