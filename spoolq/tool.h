/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* Another program of the suite, run with the configuration that we have. */

#ifndef SPOOLQ_TOOL_H
#define SPOOLQ_TOOL_H

#include <stdio.h>
#include <sys/types.h>

#include "spoolq/spoolq.h"

/*
 * Start NAME ("sendmail"), which is in a directory of $SPOOLD_EXEC_PATH or
 * where programs for administrators are installed, with our -C and --spool,
 * then ARGS, which end with NULL.  Its standard input is the stream that is
 * returned, for tool_close(); NULL after saying on standard error why not.
 */
FILE *tool_write(const char *name, const struct context *ctx,
    const char *const args[], pid_t *ret_pid);

/*
 * Close IN, which may fail, and wait for PID.  Its exit code, or EX_OSERR after
 * saying why it has none.
 */
int tool_close(FILE *in, pid_t pid);

#endif
