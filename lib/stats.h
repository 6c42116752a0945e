/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * What became of recipients lately: counts by minute for an hour and by hour
 * for a day.  Pure: the time comes with what is counted.  Constant memory.
 */

#ifndef SPOOL_STATS_H
#define SPOOL_STATS_H

#include <stddef.h>
#include <stdint.h>

#define STATS_MINUTES 60
#define STATS_HOURS 24

enum stats_kind {
	STATS_DELIVERED,
	STATS_DEFERRED, /* lost and uncertain ones too */
	STATS_FAILED,
	STATS_BOUNCED, /* reports to senders */
	STATS_DROPPED,
	STATS_KINDS
};

struct stats_slot {
	uint32_t count[STATS_KINDS];
	uint64_t bytes;      /* of what was delivered */
	uint64_t latency_us; /* of what was delivered, from arrival to
				acceptance: the sum */
};

/* Zeroed: nothing was counted. */
struct stats {
	int64_t last_us; /* the latest time seen; slots end with its minute
			    and its hour */
	struct stats_slot minutes[STATS_MINUTES]; /* minute % STATS_MINUTES */
	struct stats_slot hours[STATS_HOURS];
};

/*
 * N of KIND happened at TIME_US, of BYTES together, with LATENCY_US as their
 * sum.  What is older than the slots reach is not counted; a clock that went
 * back counts into the slot it says.
 */
void stats_add(struct stats *st, enum stats_kind kind, unsigned n,
    uint64_t bytes, uint64_t latency_us, int64_t time_us);

/*
 * The slot that is BACK minutes or hours before that of NOW_US (0: the current
 * one); all zero if nothing is known of it.
 */
struct stats_slot
stats_minute(const struct stats *st, unsigned back, int64_t now_us);
struct stats_slot
stats_hour(const struct stats *st, unsigned back, int64_t now_us);

/* Set the slot of the minute or hour that holds TIME_US: for a reader. */
void stats_set_minute(
    struct stats *st, int64_t time_us, const struct stats_slot *slot);
void stats_set_hour(
    struct stats *st, int64_t time_us, const struct stats_slot *slot);

#endif
