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
	const char *given[COMMAND_OPTIONS_MAX]; /* as in struct context */
	struct filter filter;
	char **operands;
	int noperands;
};

/*
 * Parse the command line with one of COMMANDS, which end with NULL.  The
 * common options may stand before and behind the command; its own, and the
 * filters if it has them, behind it.  "--" ends them.  An option of the
 * command goes before a filter of that name; one with an argument cannot be
 * given twice, but for the common ones.  -1 to go on, then RET is to be
 * given to options_release(); or the exit code, after --help, --version, or a
 * message on standard error.
 */
int options_parse(struct options *ret, const struct command *const commands[],
    int argc, char *argv[]);

void options_release(struct options *opts);

#endif
