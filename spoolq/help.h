/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* What spoolq says about itself. */

#ifndef SPOOLQ_HELP_H
#define SPOOLQ_HELP_H

#include <stdio.h>

#include "spoolq/spoolq.h"

/* Write to OUT how CMD is called, in a line. */
void help_put_usage(FILE *out, const struct command *cmd);

/* That, what it does, and each of its options and filters. */
void help_put_command(FILE *out, const struct command *cmd);

/* All of COMMANDS, which end with NULL, a line each, and what they share. */
void help_put_summary(FILE *out, const struct command *const commands[]);

#endif
