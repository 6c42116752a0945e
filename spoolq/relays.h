/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The names of relays, as the command line has them. */

#ifndef SPOOLQ_RELAYS_H
#define SPOOLQ_RELAYS_H

#include "spoolq/spoolq.h"

/*
 * Whether NAME is a relay, as far as configuration and status know: spoold may
 * have been started with others than the configuration's.  If not, it is said
 * on standard error, with those that there are.
 */
bool relays_know(const struct context *ctx, const char *name);

#endif
