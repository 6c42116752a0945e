/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* mailq and runq: spoolq's work, under the names that scripts know. */

#ifndef SENDMAIL_QUEUE_TOOL_H
#define SENDMAIL_QUEUE_TOOL_H

#include <stdbool.h>

#include "sendmail/options.h"

/*
 * Become spoolq for OPTS->mode, MODE_LIST or MODE_FLUSH, with the caller's
 * rights only.  One that was not privileged takes it from the directories of
 * $SPOOLD_EXEC_PATH, separated by colons, if that is set.  Returns only when
 * that fails: -errno.
 */
int queue_tool_exec(const struct options *opts, bool was_privileged);

#endif
