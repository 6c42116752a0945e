/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* Lines from spoold, as decoded words (lib/wire.h). */

#ifndef SPOOLD_SMTP_INPUT_H
#define SPOOLD_SMTP_INPUT_H

#include <stdbool.h>
#include <stddef.h>

/* A verb, two arguments, and a NULL. */
#define INPUT_WORDS 4
/* Longest line: "send" with a million indexes of seven digits. */
#define INPUT_LINE_MAX (16u << 20)

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
