/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* A command of the administrator's that says one line. */

#ifndef SPOOLD_SMTP_COMMAND_H
#define SPOOLD_SMTP_COMMAND_H

#include <stddef.h>
#include <stdint.h>

/* What a command may write at most. */
#define COMMAND_OUTPUT_MAX 65536

/*
 * Run "sh -c COMMAND" in a process group of its own, with nothing of ours but
 * the environment, until DEADLINE_MS (conn_now_ms()), and take the first
 * SIZE bytes that it writes into BUF; *RET_LEN says how many.  0 if it
 * exits with 0; -1 with WHY (of WHY_SIZE) one clause, with the first line of
 * its standard error if it has failed; -ECANCELED once ABORT_FD (-1: none) is
 * readable.  What does not end is killed, and all of its group; what cannot be
 * killed is waited for a second, and left.  Any thread.
 */
int command_run(const char *command, int abort_fd, int64_t deadline_ms,
    char *buf, size_t size, size_t *ret_len, char *why, size_t why_size);

#endif
