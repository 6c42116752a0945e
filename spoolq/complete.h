/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * What could come next on a command line, for the shells: so that what they
 * offer is what there is.
 *
 *	spoolq --complete [WORD…]
 *
 * The words are those behind "spoolq"; the last is the one to be completed,
 * perhaps empty.  A line for each candidate: it, a tab, what it means. ":files"
 * or ":dirs" instead: names of files, of directories.
 */

#ifndef SPOOLQ_COMPLETE_H
#define SPOOLQ_COMPLETE_H

#include "spoolq/spoolq.h"

/* Where the common options are to be found among the words, for
 * options_parse() to see: sets *RET_CONFIG and *RET_SPOOL if they are. */
void complete_common(
    int n, char *words[], const char **ret_config, const char **ret_spool);

/*
 * Print the candidates for the last of the N WORDS, with COMMANDS, which end
 * with NULL.  CTX may lack a spool.
 */
void complete_print(struct context *ctx, const struct command *const commands[],
    int n, char *words[]);

#endif
