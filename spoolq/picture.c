/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See picture.h. */

#include "config.h"

#include "spoolq/picture.h"

bool
picture_is_served(const struct picture *p)
{
	return p->view.spoold == CONTROL_SERVED;
}

static void
merge(struct stats_slot *into, const struct stats_slot *slot)
{
	for (int i = 0; i < STATS_KINDS; i++)
		into->count[i] += slot->count[i];
	into->bytes += slot->bytes;
	into->latency_us += slot->latency_us;
}

struct stats_slot
picture_minutes(const struct picture *p, unsigned n)
{
	struct stats_slot sum = { .bytes = 0 };

	for (unsigned i = 0; i < n; i++) {
		struct stats_slot slot =
		    stats_minute(&p->view.queue.stats, i, p->now_us);

		merge(&sum, &slot);
	}
	return sum;
}

struct stats_slot
picture_hours(const struct picture *p, unsigned n)
{
	struct stats_slot sum = { .bytes = 0 };

	for (unsigned i = 0; i < n; i++) {
		struct stats_slot slot =
		    stats_hour(&p->view.queue.stats, i, p->now_us);

		merge(&sum, &slot);
	}
	return sum;
}

int64_t
picture_latency_us(const struct stats_slot *slot)
{
	uint32_t n = slot->count[STATS_DELIVERED];

	return n > 0 ? (int64_t)(slot->latency_us / n) : 0;
}
