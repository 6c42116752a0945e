/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* Points in time as people and programs write them. */

#ifndef SPOOL_WHEN_H
#define SPOOL_WHEN_H

#include <stdint.h>

#include "lib/span.h"

/*
 * Parse TEXT, read at NOW_US (since the epoch), one of
 *
 *	2026-11-22T18:00	a day and a time (ISO 8601), also with seconds,
 *				or with a space for the T
 *	18:00			the next such time, today or tomorrow
 *	+2h			from now on, as durations of the configuration
 *	@1763834400		seconds since the epoch
 *
 * The first two may end with a zone: Z, +01:00, +0100 or +01; without one they
 * are local.  True with *RET_US in microseconds, after the epoch and before
 * the year 10000; it may have passed.
 */
bool when_parse(struct span text, int64_t now_us, int64_t *ret_us);

#endif
