/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * How many reports each address got lately: a storm of failures must not become
 * a storm of reports.  Pure: no clock.
 */

#ifndef SPOOLD_ADDRESSEES_H
#define SPOOLD_ADDRESSEES_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/rate.h"

struct addressees;

/* NULL: out of memory. */
struct addressees *addressees_new(void);

/*
 * Whether by LIMIT, counted for each address, one more report may go TO at
 * NOW_US; it is counted then.  After a rest LIMIT's count may go at once.  With
 * another LIMIT than the last time counting begins anew.
 */
bool addressees_allow(struct addressees *as, const struct rate_limit *limit,
    const char *to, int64_t now_us);

/* NULL is fine. */
void addressees_free(struct addressees *as);

#endif
