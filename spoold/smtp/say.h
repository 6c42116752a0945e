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

/* Lines that are to be written together; all zero to begin with. */
struct lines {
	char *text;
	size_t len;
	size_t size;
};

/* Append one line of the fields that follow, strings, up to SAY_END. */
void lines_add(struct lines *lines, ...) __attribute__((sentinel));

void lines_release(struct lines *lines);

/* Write LINES as say() does, and empty them. */
void say_lines(struct say *say, struct lines *lines);

/*
 * Write one line of the fields that follow, strings, up to SAY_END.  When
 * spoold cannot be told any more the process exits at once: what would be
 * delivered from then on, would be delivered again.
 */
void say(struct say *say, ...) __attribute__((sentinel));

#endif
