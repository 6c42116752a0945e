/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* Which messages a command is about, by who sends and who gets them. */

#ifndef SPOOLQ_FILTER_H
#define SPOOLQ_FILTER_H

#include <stdbool.h>

#include "lib/queue.h"

/*
 * A pattern is a glob as fnmatch(3) has it, without regard to case; without
 * any of "*?[\" it is a whole address or a whole domain.  "" and "<>" are the
 * null sender.
 */
struct filter {
	const char *from; /* the sender; NULL: any */
	const char *to;   /* a recipient not served yet; NULL: any */
};

/* Whether FILTER leaves anything out. */
bool filter_is_set(const struct filter *filter);

/* Whether all of FILTER's patterns match M. */
bool filter_matches(const struct filter *filter, const struct message *m);

#endif
