/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* spoolq's command line: options, a command, and what belongs to it. */

#ifndef SPOOLQ_OPTIONS_H
#define SPOOLQ_OPTIONS_H

#include <stdio.h>

#include "spoolq/spoolq.h"

struct options {
	const char *config; /* NULL: the default, which may be missing */
	const char *spool;  /* NULL: the configuration's */
	const struct command *command;
	unsigned flags; /* set of COMMAND_ values */
	struct filter filter;
	char **operands;
	int noperands;
};

/*
 * Parse the command line with one of COMMANDS, which end with NULL.  The
 * common options may stand before and behind the command, its own behind it,
 * "--" ends them.  -1 to go on, or the exit code, after --help, --version, or
 * a message on standard error.
 */
int options_parse(struct options *ret, const struct command *const commands[],
    int argc, char *argv[]);

/* Write how CMD is called. */
void options_put_usage(FILE *out, const struct command *cmd);

#endif
