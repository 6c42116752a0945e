/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The figures as OpenMetrics has them.  Pure. */

#ifndef SPOOLQ_OPENMETRICS_H
#define SPOOLQ_OPENMETRICS_H

#include <stdio.h>

#include "spoolq/picture.h"

/*
 * Write P's figures with "# EOF" as the last line.  No addresses: labels are
 * states, reasons, and the names and limits of relays.
 */
void openmetrics_put(FILE *out, const struct picture *p);

#endif
