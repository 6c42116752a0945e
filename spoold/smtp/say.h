/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* Lines to spoold, whole ones, from any thread. */

#ifndef SPOOLD_SMTP_SAY_H
#define SPOOLD_SMTP_SAY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* Lines that are to be written together; all zero to begin with. */
struct lines {
	char *text;
	size_t len;
	size_t size;
};

/*
 * One thread writes at a time, and takes along what the others have to say
 * meanwhile; these go on with their work.
 */
struct say {
	pthread_mutex_t lock;
	pthread_cond_t has_room;
	int fd;
	bool is_writing;
	struct lines waiting; /* for who writes */
	struct lines spare;   /* an empty buffer, to be the next one */
};

/* For the descriptor FD. */
#define SAY_INITIALIZER(say_fd) \
	{ \
		.lock = PTHREAD_MUTEX_INITIALIZER, \
		.has_room = PTHREAD_COND_INITIALIZER, .fd = (say_fd) \
	}

/* Of the right type also where NULL is a mere 0. */
#define SAY_END ((const char *)NULL)

/* Append one line of the fields that follow, strings, up to SAY_END. */
void lines_add(struct lines *lines, ...) __attribute__((sentinel));

void lines_release(struct lines *lines);

/* Write LINES as say() does, and empty them. */
void say_lines(struct say *say, struct lines *lines);

/*
 * The same, but not at once: with the next ones of any thread, or by
 * say_flush(), which has to follow before the caller waits for anything but a
 * small file.
 */
void say_soon(struct say *say, struct lines *lines);
void say_flush(struct say *say);

void say_release(struct say *say);

/*
 * Write one line of the fields that follow, strings, up to SAY_END.  When
 * spoold cannot be told any more the process exits at once: what would be
 * delivered from then on, would be delivered again.
 */
void say(struct say *say, ...) __attribute__((sentinel));

#endif
