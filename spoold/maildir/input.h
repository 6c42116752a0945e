/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Lines from a descriptor, as they come and of a bounded length: stdio's
 * getline(3) would take as much memory as the other side has breath.
 */

#ifndef MAILDIR_INPUT_H
#define MAILDIR_INPUT_H

#include <stddef.h>

#include "lib/span.h"

struct input {
	int fd; /* borrowed */
	char *buf;
	size_t size;  /* of buf */
	size_t start; /* of what was not handed out yet */
	size_t end;   /* of what was read */
	size_t max;   /* longest line, bytes without the LF */
};

/* Read from FD, lines of at most MAX bytes. */
void input_init(struct input *in, int fd, size_t max);

/*
 * Wait for the next line: 1, with *RET_LINE valid until the next call; 0 at
 * the end of the input (an unfinished line is dropped); -EMSGSIZE for a line
 * that is too long, or another -errno.
 */
int input_line(struct input *in, struct span *ret_line);

void input_release(struct input *in);

#endif
