/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* All that summary, status, watch, metrics and report show, at one time. */

#ifndef SPOOLQ_PICTURE_H
#define SPOOLQ_PICTURE_H

#include "spoolq/tally.h"
#include "spoolq/view.h"

struct picture {
	struct view view; /* its messages have been read */
	struct tally tally;
	int64_t now_us;
	const char *spool; /* its path, borrowed */
	bool is_foreign;   /* the caller sees his own messages only */
	bool is_filtered;  /* not all messages were counted */
	bool is_limited;   /* … nor looked at */
	bool has_relay;    /* one is configured */
	const char *full;  /* "no space is" left on its disk; NULL: there is */
};

/*
 * Read the spool at NOW_US and count what matches CTX->filter.  0 with a
 * picture for picture_release(), or a code of sysexits.h after saying on
 * standard error what is wrong.
 */
int picture_load(struct picture *p, const struct context *ctx, int64_t now_us);

void picture_release(struct picture *p);

/* Whether there is a spoold that listens. */
bool picture_is_served(const struct picture *p);

/* What the slots from the last N minutes or hours make together. */
struct stats_slot picture_minutes(const struct picture *p, unsigned n);
struct stats_slot picture_hours(const struct picture *p, unsigned n);

/* The mean time from arrival to acceptance; 0: nothing was delivered. */
int64_t picture_latency_us(const struct stats_slot *slot);

#endif
