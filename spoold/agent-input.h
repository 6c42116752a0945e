/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * What both delivery agents read: lines from spoold, as decoded words
 * (lib/wire.h), as they come and of a bounded length.
 */

#ifndef SPOOLD_AGENT_INPUT_H
#define SPOOLD_AGENT_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/envelope.h"

/* A verb, two arguments, and a NULL. */
#define INPUT_WORDS 4
/*
 * Longest line: "send" with every recipient but one.  In an envelope each
 * takes 7 bytes or more, its index and a comma here at most 8.
 */
#define INPUT_LINE_MAX (2 * ENVELOPE_BYTES_MAX)

struct input;

/* NULL when out of memory.  FD is borrowed. */
struct input *input_new(int fd);
void input_free(struct input *input);

/*
 * The next line's words, NULL for those that it has not, to be released.
 * Waits.  1; 0 at the end of input; -EMSGSIZE, -EINVAL (no words, too many,
 * or wrongly encoded), -ENOMEM, or -errno of read(2).
 */
int input_next(struct input *input, char *words[INPUT_WORDS]);
void input_release(char *words[INPUT_WORDS]);

/* Whether input_next() has a line without waiting for one. */
bool input_has_line(const struct input *input);

#endif
