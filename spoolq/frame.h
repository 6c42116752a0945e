/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* A frame of "spoolq watch".  Pure. */

#ifndef SPOOLQ_FRAME_H
#define SPOOLQ_FRAME_H

#include "spoolq/screen.h"

/* What the frame before this one had: for rates. */
struct frame_before {
	int64_t time_us; /* 0: there was none */
	uint64_t delivered, deferred;
};

/*
 * Write P as at most STYLE->rows lines, from 3; the last one says which keys
 * there are, and that the next frame comes in INTERVAL_US.
 */
void frame_put(FILE *out, const struct style *style, const struct picture *p,
    const struct frame_before *before, int64_t interval_us);

/* The one that P was. */
struct frame_before frame_of(const struct picture *p);

#endif
