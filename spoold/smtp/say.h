/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* Lines to spoold, whole ones, from any thread. */

#ifndef SPOOLD_SMTP_SAY_H
#define SPOOLD_SMTP_SAY_H

#include <pthread.h>
#include <stddef.h>

struct say {
	pthread_mutex_t lock;
	int fd;
};

/* Of the right type also where NULL is a mere 0. */
#define SAY_END ((const char *)NULL)

/*
 * Write one line of the fields that follow, strings, up to SAY_END.  When
 * spoold cannot be told any more the process exits at once: what would be
 * delivered from then on, would be delivered again.
 */
void say(struct say *say, ...) __attribute__((sentinel));

#endif
